package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/keyring"
)

// errNoKeyring says that this stack keeps no secrets.
var errNoKeyring = gateway.Of(http.StatusConflict, "recoverable_unavailable", "Recoverable keys aren't set up here.").
	With("An operator puts a keyring into the stack's keyring secret.")

// Keyring seals with the ring in Secrets Manager. It reads it when it is first needed, and again when it is old or
// doesn't know a data key.
type Keyring struct {
	source Source
	name   string
	client ringKeeper

	mu   sync.Mutex
	ring keyring.Ring
	read time.Time
}

type ringKeeper interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
	PutSecretValue(context.Context, *secretsmanager.PutSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error)
}

// KeyringAge is how old a ring gets before it is read again.
const KeyringAge = 5 * time.Minute

const (
	// firstRing is the version ID of the first ring. It is the same for all that try to write it, so that one wins.
	firstRing = "00000000-0000-4000-8000-6c617463686b"
	firstKey  = "k1"
)

// Keyring makes the sealer that the environment describes.
func (b *Base) Keyring() *Keyring {
	return &Keyring{source: b.Source, name: b.Env.Or("KEYRING_SECRET", ""), client: b.SecretsManager()}
}

// SecretsManager makes a client from explicit options alone.
func (b *Base) SecretsManager() *secretsmanager.Client {
	o := secretsmanager.Options{
		Region:           b.DB.Region,
		Credentials:      Credentials(b.DB),
		HTTPClient:       &http.Client{Timeout: 3 * time.Second},
		RetryMaxAttempts: 3,
	}
	if endpoint := b.Env.Or("SECRETSMANAGER_ENDPOINT", ""); endpoint != "" {
		o.BaseEndpoint = &endpoint
	}
	return secretsmanager.New(o)
}

// Credentials are those that Lambda and the local runner put into the environment.
func Credentials(c dynamo.Config) aws.CredentialsProvider {
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

// Ensure makes the first ring if there is none yet.
func (k *Keyring) Ensure(ctx context.Context) error {
	_, err := k.get(ctx, true)
	return err
}

func (k *Keyring) get(ctx context.Context, again bool) (keyring.Ring, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	// By the wall clock: the monotonic one stands still while an environment is frozen.
	if fresh := k.source.Time().Sub(k.read) < KeyringAge; fresh && !again {
		return k.ring, nil
	}
	if k.name == "" {
		return keyring.Ring{}, errNoKeyring
	}
	ring, err := k.fetch(ctx)
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		if err = k.first(ctx); err == nil {
			ring, err = k.fetch(ctx)
		}
	}
	if err != nil {
		return keyring.Ring{}, err
	}
	k.ring, k.read = ring, k.source.Time()
	return ring, nil
}

func (k *Keyring) fetch(ctx context.Context) (keyring.Ring, error) {
	out, err := k.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &k.name})
	if err != nil {
		return keyring.Ring{}, fmt.Errorf("web: reading the keyring: %w", err)
	}
	return keyring.Parse([]byte(aws.ToString(out.SecretString)))
}

// first writes a ring where the stack's secret has no value yet. Of several environments that try, one wins, and all
// read what it wrote: a second write under the same version ID is refused.
func (k *Keyring) first(ctx context.Context) error {
	ring, err := keyring.Ring{}.Grow(k.source.Rand, firstKey)
	if err != nil {
		return err
	}
	_, err = k.client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &k.name, ClientRequestToken: aws.String(firstRing), SecretString: aws.String(string(ring.Document())),
	})
	var there *types.ResourceExistsException
	var missing *types.ResourceNotFoundException
	var refused smithy.APIError
	switch {
	case err == nil, errors.As(err, &there):
		return nil
	case errors.As(err, &missing), errors.As(err, &refused) && refused.ErrorCode() == "AccessDeniedException":
		return errNoKeyring
	default:
		return fmt.Errorf("web: writing the first keyring: %w", err)
	}
}
