// Package sealing keeps the keyring in Secrets Manager, and seals secrets of recoverable keys with it. It owns that
// secret: how it is read, made for the first time, and replaced.
package sealing

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"latchkey/functions/internal/env"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/keyring"
)

// ErrUnavailable means that there is no ring, and that this function may not make one: the rotator does, right after a stack is made.
var ErrUnavailable = errors.New("sealing: the stack has no keyring")

// Keyring seals with the ring in Secrets Manager. It reads it when it is first needed, and again when it is old or
// doesn't know a data key.
type Keyring struct {
	source env.Source
	secret Secret

	mu   sync.Mutex
	ring keyring.Ring
	read time.Time
}

// MaxAge is the age at which an environment reads a ring again.
const MaxAge = 5 * time.Minute

// New makes a keyring over a secret; one without a name can seal nothing.
func New(secret Secret, source env.Source) *Keyring { return &Keyring{source: source, secret: secret} }

// SecretOf is the secret that the environment names.
func SecretOf(vars *env.Vars, client Client) Secret {
	return Secret{Name: vars.Or("KEYRING_SECRET", ""), Client: client}
}

// NewClient makes a Secrets Manager client from explicit options alone.
func NewClient(vars *env.Vars, db dynamo.Config) *secretsmanager.Client {
	o := secretsmanager.Options{
		Region:           db.Region,
		Credentials:      credentials(db),
		HTTPClient:       &http.Client{Timeout: 3 * time.Second},
		RetryMaxAttempts: 3,
	}
	if endpoint := vars.Or("SECRETSMANAGER_ENDPOINT", ""); endpoint != "" {
		o.BaseEndpoint = &endpoint
	}
	return secretsmanager.New(o)
}

// credentials are those that Lambda and the local runner put into the environment.
func credentials(c dynamo.Config) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{
			AccessKeyID: c.AccessKey, SecretAccessKey: c.SecretKey, SessionToken: c.SessionToken, Source: "environment",
		}, nil
	})
}

// Seal encrypts a secret for its key.
func (k *Keyring) Seal(ctx context.Context, secret apikey.Secret, id apikey.ID) ([]byte, error) {
	ring, err := k.get(ctx, false)
	if err != nil {
		return nil, err
	}
	return ring.Seal(k.source.Rand, secret.Reveal(), string(id))
}

// Open decrypts a secret of its key.
func (k *Keyring) Open(ctx context.Context, sealed []byte, id apikey.ID) (string, error) {
	ring, err := k.get(ctx, false)
	if err != nil {
		return "", err
	}
	text, err := ring.Open(sealed, string(id))
	if errors.Is(err, keyring.ErrSealed) { // perhaps by a data key that came after the ring was read
		if ring, err = k.get(ctx, true); err == nil {
			text, err = ring.Open(sealed, string(id))
		}
	}
	return text, err
}

func (k *Keyring) get(ctx context.Context, again bool) (keyring.Ring, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	// By the wall clock: the monotonic one stops while an environment is frozen.
	if fresh := k.source.Time().Sub(k.read) < MaxAge; fresh && !again {
		return k.ring, nil
	}
	held, err := k.secret.Read(ctx, k.source.Rand)
	if err != nil {
		return keyring.Ring{}, err
	}
	k.ring, k.read = held.Ring, k.source.Time()
	return k.ring, nil
}
