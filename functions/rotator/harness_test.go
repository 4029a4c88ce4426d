package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"latchkey/functions/internal/apitest"
	"latchkey/functions/internal/env"
	"latchkey/infra/local/secrets"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/rotation"
	"latchkey/shared/telemetry"
)

const reader = "arn:aws:iam::111122223333:role/app"

// direct calls a handler without a network.
type direct struct{ h http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, r)
	return w.Result(), nil
}

// clientOf speaks to the local Secrets Manager as an access key ID, which may be the ARN of a principal.
func clientOf(h http.Handler, as string) *sm.Client {
	return sm.New(sm.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://127.0.0.1:1"), HTTPClient: &http.Client{Transport: direct{h}}, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: as, SecretAccessKey: "x"}, nil
		}),
	})
}

// faulty lets calls of Secrets Manager go wrong.
type faulty struct {
	*sm.Client
	choose func(call string) keytest.Fault
}

func bad[In, Out any](f faulty, ctx context.Context, name string, do func(context.Context, *In, ...func(*sm.Options)) (*Out, error), in *In) (*Out, error) {
	switch f.choose(name) {
	case keytest.Before, keytest.Conflict:
		return nil, fmt.Errorf("%s: %w", name, keytest.ErrInjected)
	case keytest.After:
		_, _ = do(ctx, in)
		return nil, fmt.Errorf("%s: %w", name, keytest.ErrInjected)
	case keytest.NoFault:
	}
	return do(ctx, in)
}

func (f faulty) CreateSecret(ctx context.Context, in *sm.CreateSecretInput, _ ...func(*sm.Options)) (*sm.CreateSecretOutput, error) {
	return bad(f, ctx, "CreateSecret", f.Client.CreateSecret, in)
}

func (f faulty) RestoreSecret(ctx context.Context, in *sm.RestoreSecretInput, _ ...func(*sm.Options)) (*sm.RestoreSecretOutput, error) {
	return bad(f, ctx, "RestoreSecret", f.Client.RestoreSecret, in)
}

func (f faulty) DeleteSecret(ctx context.Context, in *sm.DeleteSecretInput, _ ...func(*sm.Options)) (*sm.DeleteSecretOutput, error) {
	return bad(f, ctx, "DeleteSecret", f.Client.DeleteSecret, in)
}

func (f faulty) DescribeSecret(ctx context.Context, in *sm.DescribeSecretInput, _ ...func(*sm.Options)) (*sm.DescribeSecretOutput, error) {
	return bad(f, ctx, "DescribeSecret", f.Client.DescribeSecret, in)
}

func (f faulty) PutResourcePolicy(ctx context.Context, in *sm.PutResourcePolicyInput, _ ...func(*sm.Options)) (*sm.PutResourcePolicyOutput, error) {
	return bad(f, ctx, "PutResourcePolicy", f.Client.PutResourcePolicy, in)
}

func (f faulty) GetSecretValue(ctx context.Context, in *sm.GetSecretValueInput, _ ...func(*sm.Options)) (*sm.GetSecretValueOutput, error) {
	return bad(f, ctx, "GetSecretValue", f.Client.GetSecretValue, in)
}

func (f faulty) PutSecretValue(ctx context.Context, in *sm.PutSecretValueInput, _ ...func(*sm.Options)) (*sm.PutSecretValueOutput, error) {
	return bad(f, ctx, "PutSecretValue", f.Client.PutSecretValue, in)
}

func (f faulty) UpdateSecretVersionStage(ctx context.Context, in *sm.UpdateSecretVersionStageInput, _ ...func(*sm.Options)) (*sm.UpdateSecretVersionStageOutput, error) {
	return bad(f, ctx, "UpdateSecretVersionStage", f.Client.UpdateSecretVersionStage, in)
}

// harness is the jobs on a store and the local Secrets Manager.
type harness struct {
	keytest.Stores
	t       testing.TB
	clock   *keytest.Clock
	server  *secrets.Server
	secrets *sm.Client
	out     *keytest.Buffer
	given   map[apikey.Hash]bool // secrets that somebody was given outside of Secrets Manager
}

func newHarness(t testing.TB) *harness { return newHarnessOn(t, keytest.Open(t)) }

func newHarnessOn(t testing.TB, stores keytest.Stores) *harness {
	t.Helper()
	server, err := secrets.New(secrets.Config{Dir: filepath.Join(t.TempDir(), "secrets")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return &harness{
		Stores: stores, t: t, clock: keytest.NewClock(), server: server, secrets: clientOf(server, "local"), out: &keytest.Buffer{},
		given: map[apikey.Hash]bool{},
	}
}

// run is one environment of the function; its randomness is its own.
func (r *harness) run(s keytest.Stores, client deliveryClient) *rotator {
	calls := func() int64 { return 0 }
	if f, ok := s.DB.(*keytest.Faults); ok {
		calls = func() int64 { return int64(f.Calls()) }
	}
	return &rotator{
		store: s.Control, source: env.Source{Now: r.clock.Now, Rand: keytest.RandomOf(r.t)}, prefix: apikey.DefaultPrefix, products: product.Default(),
		sealer: apitest.Sealer{}, delivery: &delivery{client: client, kmsKey: "delivery", names: "latchkey/tests"}, log: slog.New(slog.NewJSONHandler(r.out, nil)),
		metrics: telemetry.Metrics{Namespace: "Latchkey/tests", Out: r.out}, calls: calls, workers: 4,
	}
}

// nameOf is the name under which a run delivers a key's secret.
func nameOf(k apikey.Key) *string { return aws.String((&delivery{names: "latchkey/tests"}).name(k)) }

// well is an environment in which nothing goes wrong.
func (r *harness) well() *rotator { return r.run(r.Stores, r.secrets) }

func (r *harness) job(raw string) any {
	r.t.Helper()
	answer, err := r.well().handle(context.Background(), json.RawMessage(raw))
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", raw, err, r.out)
	}
	return answer
}

func (r *harness) rotation() summary {
	r.t.Helper()
	return r.job(`{"job":"rotation"}`).(summary)
}

// dueKey makes a key whose policy wants it rotated now and whose secret somebody has.
func (r *harness) dueKey(a account.Account, options ...func(*apikey.Key)) apikey.Key {
	r.t.Helper()
	k := r.NewKey(r.t, a, append([]func(*apikey.Key){func(k *apikey.Key) {
		k.CreatedAt = keytest.Now.AddDate(0, 0, -30)
		k.Rotation = &apikey.RotationPolicy{EveryDays: 30, NotifyDaysBefore: 7, Principal: reader}
		k.Limits = []apikey.Limit{{Class: "search", QPS: 50}}
	}}, options...)...)
	r.given[k.Current.Hash] = true
	return k
}

func (r *harness) key(k apikey.Key) apikey.Key {
	r.t.Helper()
	k, err := r.Control.Key(context.Background(), k.Account, k.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return k
}

// delivered reads the delivered secret as a principal; "" where there is none.
func (r *harness) delivered(k apikey.Key, as, stage string) (string, error) {
	out, err := clientOf(r.server, as).GetSecretValue(context.Background(), &sm.GetSecretValueInput{SecretId: nameOf(k), VersionStage: &stage})
	if err != nil {
		return "", err
	}
	return *out.SecretString, nil
}

func hashOf(text string) apikey.Hash { return sha256.Sum256([]byte(text)) }

// offered are the hashes of all values of the delivered secret.
func (r *harness) offered(k apikey.Key) map[apikey.Hash]bool {
	r.t.Helper()
	all := map[apikey.Hash]bool{}
	list, err := r.secrets.ListSecretVersionIds(context.Background(), &sm.ListSecretVersionIdsInput{SecretId: nameOf(k), IncludeDeprecated: aws.Bool(true)})
	if err != nil {
		return all
	}
	for _, v := range list.Versions {
		out, err := r.secrets.GetSecretValue(context.Background(), &sm.GetSecretValueInput{SecretId: nameOf(k), VersionId: v.VersionId})
		if err == nil {
			all[hashOf(*out.SecretString)] = true
		}
	}
	return all
}

// check holds what must hold at every moment: the gate says what the key says, one or two secrets are live, and each of
// them was given to somebody or waits in Secrets Manager for its reader.
func (r *harness) check(k apikey.Key) {
	r.t.Helper()
	k = r.key(k)
	r.CheckGate(r.t, k)
	live, offered := 0, r.offered(k)
	for _, p := range authz.PoliciesOf(k) {
		if !p.SecretEnds.IsZero() && !r.clock.Now().Before(p.SecretEnds) {
			continue
		}
		live++
		if !r.given[p.Hash] && !offered[p.Hash] {
			r.t.Fatalf("a secret is live that nobody was given: %+v", k)
		}
	}
	if live < 1 || live > 2 {
		r.t.Fatalf("%d live secrets: %+v", live, k)
	}
	if len(k.Limits) != 1 || k.Limits[0].QPS != 50 || k.Name != "My first API key" {
		r.t.Fatalf("the rotation changed more than the secret: %+v", k)
	}
}

// settled holds what must hold after a run in which nothing went wrong.
func (r *harness) settled(k apikey.Key) {
	r.t.Helper()
	r.check(k)
	k = r.key(k)
	if rotation.DeliveryDue(k) {
		r.t.Fatalf("a delivery is due: %+v", k.Delivery)
	}
	text, err := r.delivered(k, reader, current)
	if err != nil || hashOf(text) != k.Current.Hash {
		r.t.Fatalf("AWSCURRENT isn't the key's current secret: %v", err)
	}
	if _, err := r.delivered(k, reader, pending); err == nil {
		r.t.Fatal("AWSPENDING is left")
	}
}

// rotateManually rotates as the HTTP function does.
func (r *harness) rotateManually(ctx context.Context, k apikey.Key, seed uint64) (apikey.Key, apikey.Secret, error) {
	secret, err := apikey.DefaultPrefix.Generate(keytest.Random(seed))
	if err != nil {
		return k, secret, err
	}
	grace, _ := rotation.ParseGrace(nil, rotation.Other)
	after, err := rotation.Rotate(k, apikey.StoredSecret{Hash: secret.Hash(), Preview: secret.Preview()}, grace, rotation.Other, r.clock.Now())
	if err != nil {
		return k, secret, err
	}
	after, err = r.Control.Commit(ctx, control.Change{Before: &k, After: after, Audit: keytest.Row(k.Account, "key.rotate", k.ID)})
	return after, secret, err
}

// actions are those of the jobs, sorted.
func (r *harness) actions(a account.Account) (list []string) {
	for _, row := range r.AllAudit(r.t, a.ID) {
		if row.Actor.Role == "system" && row.Actor.Subject.ID == "" { // a fixture has one
			list = append(list, row.Action)
		}
	}
	slices.Sort(list)
	return list
}

const day = 24 * time.Hour
