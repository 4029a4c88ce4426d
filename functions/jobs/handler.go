package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/product"
	"latchkey/shared/strictjson"
	"latchkey/shared/telemetry"
)

// store has the methods of the control table that the jobs call; *control.Store is one.
type store interface {
	EachKey(ctx context.Context, yield func(apikey.Key, error) error) error
	Announced(ctx context.Context) (control.Announced, error)
	Announce(ctx context.Context, before, after control.Announced, row audit.Row) error
}

type jobs struct {
	store    store
	products product.Catalogue
	source   env.Source
	log      *slog.Logger
	metrics  telemetry.Metrics
}

func newJobs(getenv func(string) string, out io.Writer) (*jobs, error) {
	vars := env.New(getenv)
	table, namespace := vars.Need("CONTROL_TABLE"), vars.Need(telemetry.NamespaceVariable)
	if err := vars.Err(); err != nil {
		return nil, err
	}
	return &jobs{
		store: control.New(dynamo.NewClient(dynamo.FromEnv(getenv)), table, ""), products: product.Default(), source: env.NewSource(),
		log: telemetry.Logger(out, vars.Or("LOG_LEVEL", "info")), metrics: telemetry.Metrics{Namespace: namespace, Out: out},
	}, nil
}

// event is the input of a job, from a schedule or from a person who invokes the function.
type event struct {
	Job string `json:"job"`
}

var errJob = errors.New(`jobs: the event names no job: {"job": "suffixes"} or {"job": "catalogue"}`)

// handle runs one job.
func (j *jobs) handle(ctx context.Context, raw json.RawMessage) (any, error) {
	var e event
	if err := strictjson.Decode(raw, &e); err != nil { // a misspelt setting must not run another job than the one that was meant
		return nil, fmt.Errorf("%w: %w", errJob, err)
	}
	switch e.Job {
	case "suffixes":
		return j.suffixes(ctx)
	case "catalogue":
		return j.catalogue(ctx)
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
