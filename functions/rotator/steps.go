package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/rotation"
	"latchkey/shared/strictjson"
)

// step is the event of a Secrets Manager rotation of a delivered secret: on the secret's own schedule, or by
// RotateSecret. Secrets Manager may repeat each step.
type step struct {
	Step               string
	SecretID           string `json:"SecretId"`
	ClientRequestToken string
}

// isStep tells a step from a job by its names, exactly; Secrets Manager may add some.
func isStep(raw []byte) bool {
	members, err := strictjson.Object(raw, "Step", "SecretId", "ClientRequestToken")
	return err == nil && members["Step"] != nil
}

// deliveredARN ends in six characters of Secrets Manager's own.
var deliveredARN = regexp.MustCompile(`:secret:([^:]+)/([^/:]+)/([^/:]+)-[A-Za-z0-9]{6}$`)

var (
	errStep    = errors.New("rotator: no step of a rotation of a delivered secret")
	errNoOffer = errors.New("rotator: the key has no rotation policy with a principal, so its secret isn't delivered")
)

// step maps Secrets Manager's four steps on the scheduled rotation's: create prepares the version, set puts it in
// force, test looks, finish promotes it.
func (r *rotator) step(ctx context.Context, s step) error {
	names := deliveredARN.FindStringSubmatch(s.SecretID)
	if names == nil || s.ClientRequestToken == "" {
		return errStep
	}
	id, err := apikey.ParseID(names[3])
	if err != nil {
		return errStep
	}
	w := &work{rotator: r, account: account.ID(names[2]), id: id, due: r.source.Time()}
	k, err := r.store.Key(ctx, w.account, w.id)
	switch {
	case err != nil:
		return err
	case rotation.Reader(k) == "":
		return errNoOffer
	case r.delivery.name(k) != names[1]+"/"+names[2]+"/"+names[3]: // another stack's, or nobody's
		return errStep
	}
	switch s.Step {
	case "createSecret":
		if _, err = r.stagedSecret(ctx, k, s.ClientRequestToken); err != nil { // otherwise it is a repetition
			_, _, err = r.prepare(ctx, k, s.ClientRequestToken)
		}
	case "setSecret":
		err = w.set(ctx, k, s.ClientRequestToken)
	case "testSecret":
		err = r.test(ctx, k, s.ClientRequestToken)
	case "finishSecret":
		err = w.run(ctx) // the key's own record says that it is to be promoted
	default:
		err = errStep
	}
	return err
}

func (r *rotator) prepare(ctx context.Context, k apikey.Key, version string) (apikey.Secret, string, error) {
	return r.delivery.prepare(ctx, k, version, func() (apikey.Secret, error) { return r.prefix.Generate(r.source.Rand) }, r.prefix)
}

// stagedSecret returns the secret that createSecret has put into the version.
func (r *rotator) stagedSecret(ctx context.Context, k apikey.Key, version string) (apikey.Secret, error) {
	text, err := r.delivery.value(ctx, k, version)
	if err != nil {
		return apikey.Secret{}, err
	}
	return r.prefix.Parse(text)
}

func (w *work) set(ctx context.Context, k apikey.Key, version string) error {
	secret, err := w.stagedSecret(ctx, k, version)
	switch {
	case err != nil:
		return err
	case secret.Hash() == k.Current.Hash:
		return nil // a repetition
	case used(k, secret.Hash()):
		return errUsed
	}
	_, err = w.rotate(ctx, k, secret, version)
	if errors.Is(err, dynamo.ErrStale) {
		return fmt.Errorf("rotator: the key changed under the step, which may be repeated: %w", err)
	}
	return err
}

func (r *rotator) test(ctx context.Context, k apikey.Key, version string) error {
	secret, err := r.stagedSecret(ctx, k, version)
	if err == nil && secret.Hash() != k.Current.Hash {
		err = errors.New("rotator: the version's secret isn't the key's current one")
	}
	return err
}
