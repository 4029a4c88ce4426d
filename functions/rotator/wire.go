package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/sealing"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/product"
	"latchkey/shared/qps"
	"latchkey/shared/telemetry"
)

// store lists the methods of the control table that the jobs call; *control.Store has them.
type store interface {
	Key(ctx context.Context, id account.ID, key apikey.ID) (apikey.Key, error)
	Commit(ctx context.Context, c control.Change) (apikey.Key, error)
	Due(ctx context.Context, now time.Time, after string, limit int) (control.JobPage, error)
	Purgeable(ctx context.Context, before time.Time, after string, limit int) (control.JobPage, error)
	Purge(ctx context.Context, k apikey.Key, row audit.Row) error
	EachKeyFrom(ctx context.Context, from control.Place, yield func(apikey.Key, error) error, done func(control.Place) error) error
	Reconcile(ctx context.Context, r control.Reconciliation) error
	passes
	leftovers
}

// leftovers lists the methods for what a change of an account leaves for later: keys that follow its new type, and
// requests that ask for what is gone.
type leftovers interface {
	RunningOperations(ctx context.Context, after string, limit int) (control.OperationPage, error)
	ContinueType(ctx context.Context, o control.Operation, now time.Time, stop func() bool, row control.RowMaker) (control.Operation, error)
	OpenRequests(ctx context.Context, after string, limit int) (control.RequestPage, error)
	EndObsolete(ctx context.Context, r qps.Request, over bool, now time.Time, row audit.Row) (bool, error)
}

// sealer keeps the secrets of recoverable keys; *sealing.Keyring is one.
type sealer interface {
	Seal(ctx context.Context, secret apikey.Secret, key apikey.ID) ([]byte, error)
	Open(ctx context.Context, sealed []byte, key apikey.ID) (string, error)
}

type rotator struct {
	store    store
	source   env.Source
	prefix   apikey.Prefix
	products product.Catalogue
	sealer   sealer
	delivery *delivery
	ring     sealing.Secret
	log      *slog.Logger
	metrics  telemetry.Metrics
	calls    func() int64 // calls of the store so far
	workers  int
}

// workers is the number of keys that are worked on at once: most of the time is spent waiting for answers.
const workers = 8

func newRotator(getenv func(string) string, out io.Writer) (*rotator, error) {
	vars := env.New(getenv)
	controlTable, gateTable, deliveryKey := vars.Need("CONTROL_TABLE"), vars.Need("GATE_TABLE"), vars.Need("DELIVERY_KEY")
	names := vars.Need("DELIVERY_NAMES")
	metrics := telemetry.Metrics{Namespace: vars.Need(telemetry.NamespaceVariable), Out: out}
	prefix, err := apikey.ParsePrefix(vars.Or("KEY_PREFIX", string(apikey.DefaultPrefix)))
	if err = errors.Join(vars.Err(), err); err != nil {
		return nil, err
	}
	count := &callCounter{next: http.DefaultTransport.(*http.Transport).Clone()}
	count.next.MaxIdleConnsPerHost = workers
	db := dynamo.FromEnv(getenv)
	db.Transport = count
	source, client := env.NewSource(), withAdaptiveRetry(sealing.NewClient(vars, db))
	ring := sealing.SecretOf(vars, client)
	return &rotator{
		store: control.New(dynamo.NewClient(db), controlTable, gateTable), source: source, prefix: prefix, products: product.Default(),
		sealer:   sealing.New(ring, source),
		delivery: &delivery{client: client, kmsKey: deliveryKey, names: names},
		ring:     ring,
		log:      telemetry.Logger(out, vars.Or("LOG_LEVEL", "info")),
		metrics:  metrics, calls: count.n.Load, workers: workers,
	}, nil
}

// withAdaptiveRetry lets a client slow down when Secrets Manager says so: it takes some 50 writes of a kind a second from a whole
// account, which a run with many due keys reaches.
func withAdaptiveRetry(client *secretsmanager.Client) *secretsmanager.Client {
	return secretsmanager.New(client.Options(), func(o *secretsmanager.Options) {
		o.RetryMaxAttempts = 0 // which the client would put in the place of the retryer's own
		o.Retryer = retry.NewAdaptiveMode(func(a *retry.AdaptiveModeOptions) {
			a.StandardOptions = append(a.StandardOptions, func(s *retry.StandardOptions) { s.MaxAttempts = 8; s.MaxBackoff = 5 * time.Second })
		})
	})
}

// callCounter counts the calls of the store, repetitions included: that is what they cost.
type callCounter struct {
	next *http.Transport
	n    atomic.Int64
}

func (c *callCounter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return c.next.RoundTrip(r)
}
