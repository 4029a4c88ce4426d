package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/thresholds"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/product"
	"latchkey/shared/strictjson"
	"latchkey/shared/telemetry"
)

// store has the methods of the control table that the jobs call; *control.Store is one.
type store interface {
	EachKey(ctx context.Context, yield func(apikey.Key, error) error) error
	Announced(ctx context.Context) (control.Announced, error)
	Announce(ctx context.Context, before, after control.Announced, row audit.Row) error
	Deployed(ctx context.Context, before, after control.Announced) error
	AccountIDs(ctx context.Context) ([]account.ID, error)
	Keys(ctx context.Context, id account.ID, want control.KeyQuery) (control.KeyPage, error)
	StatementClosed(ctx context.Context, month string) (reason string, ok bool, err error)
	Pass(ctx context.Context, job string) (control.Pass, error)
	SavePass(context.Context, control.Pass) (control.Pass, error)
	thresholds.Store
}

type jobs struct {
	store      store
	products   product.Catalogue
	billing    billing
	thresholds teller
	filler     filler
	source     env.Source
	log        *slog.Logger
	metrics    telemetry.Metrics
}

func newJobs(getenv func(string) string, out io.Writer) (*jobs, error) {
	vars := env.New(getenv)
	table, namespace := vars.Need("CONTROL_TABLE"), vars.Need(telemetry.NamespaceVariable)
	counted, slices, kept := vars.Need("COUNTERS_TABLE"), vars.Need("SLICES_TABLE"), vars.Need("STATEMENTS_TABLE")
	taken := vars.Need("QUOTAS_TABLE")
	if err := vars.Err(); err != nil {
		return nil, err
	}
	db, log := dynamo.NewClient(dynamo.FromEnv(getenv)), telemetry.Logger(out, vars.Or("LOG_LEVEL", "info"))
	j := &jobs{
		store: control.New(db, table, ""), products: product.Default(), source: env.NewSource(), filler: quotas.NewFiller(db, taken),
		billing: newBilling(statements.New(db, kept), counters.New(db, counted), reports.NewReader(db, slices), log),
		log:     log, metrics: telemetry.Metrics{Namespace: namespace, Out: out},
	}
	j.thresholds = &thresholds.Teller{Store: j.store, Rows: j.billing.counters, Quotas: quotas.NewReader(db, taken), Products: j.products, Source: j.source}
	return j, nil
}

func newBilling(kept *statements.Store, counted *counters.Store, reports reportsReader, log *slog.Logger) billing {
	b := billing{statements: kept, notes: kept, reports: reports, most: accountsAtOnce}
	b.counters = counted.Reporting(func(ctx context.Context, id account.ID, item string, err error) {
		if n, ok := ctx.Value(leftOut{}).(*atomic.Int64); ok {
			n.Add(1)
		}
		log.ErrorContext(ctx, "record unreadable", "account_id", id, "item", item, "error", err.Error())
	})
	return b
}

// event is the input of a job, from a schedule or from a person who invokes the function.
type event struct {
	Job string `json:"job"`
	// Of the job quotas: what is taken is filled up, and of all accounts one alone is looked at.
	Refill  bool       `json:"refill"`
	Account account.ID `json:"account"`
}

var errJob = errors.New(`jobs: the event names no job: {"job": "suffixes"}, {"job": "catalogue"}, {"job": "statements"}, {"job": "compare"} or {"job": "quotas"}`)

// handle runs one job.
func (j *jobs) handle(ctx context.Context, raw json.RawMessage) (any, error) {
	var e event
	if err := strictjson.Decode(raw, &e); err != nil { // a misspelt setting must not run another job than the one that was meant
		return nil, fmt.Errorf("%w: %w", errJob, err)
	}
	if (e.Refill || e.Account != "") && e.Job != "quotas" {
		return nil, errJob
	}
	switch e.Job {
	case "suffixes":
		return j.suffixes(ctx)
	case "catalogue":
		return j.catalogue(ctx)
	case "statements":
		return j.writeStatements(ctx)
	case "compare":
		return j.compare(ctx)
	case "quotas":
		return j.quotas(ctx, e.Refill, e.Account)
	default:
		return nil, errJob
	}
}

// margin is kept of the function's time, to say how far the job came.
const margin = 10 * time.Second

// closing tells when to stop: never, if the context has no end.
func closing(ctx context.Context) func() bool {
	end, ok := ctx.Deadline()
	return func() bool { return ctx.Err() != nil || ok && time.Until(end) < margin }
}

// halfway tells when to stop what may take half of the time that is left, and no more.
func halfway(ctx context.Context) func() bool {
	closed := closing(ctx)
	end, ok := ctx.Deadline()
	half := time.Now().Add(time.Until(end) / 2)
	return func() bool { return closed() || ok && time.Now().After(half) }
}
