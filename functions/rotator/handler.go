package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"latchkey/shared/strictjson"
	"latchkey/shared/telemetry"
)

// event is the input of a job, from a schedule or from a person who invokes the function.
type event struct {
	Job string `json:"job"`

	// Limit ends a rotation run after so many keys; 0 works until the time is up. After goes on where a run ended.
	// Both make a run in slices, which shows its progress.
	Limit int    `json:"limit"`
	After string `json:"after"`
	// Count only counts what is due.
	Count bool `json:"count"`
	// DueBy also takes what comes due by then, so that keys can be rotated ahead of a time when nobody should. It
	// chooses keys and nothing else: every date that is written is today's, and no grace and no limit ends early.
	DueBy time.Time `json:"due_by"`

	// Repair makes the drift job write what it finds missing or wrong, from the beginning.
	Repair bool `json:"repair"`
	// Grow makes the keyring job add a data key.
	Grow bool `json:"grow"`
}

var errJob = errors.New(`rotator: the event names no job: {"job": "rotation", "purge", "drift", "rebuild", "resume" or "keyring"}`)

// handle runs one job.
func (r *rotator) handle(ctx context.Context, raw json.RawMessage) (any, error) {
	var step step
	if isStep(raw) && json.Unmarshal(raw, &step) == nil && step.Step != "" {
		return struct{}{}, r.step(ctx, step)
	}
	var e event
	if err := strictjson.Decode(raw, &e); err != nil { // a misspelt setting must not run another job than the one that was meant
		return nil, fmt.Errorf("%w: %w", errJob, err)
	}
	switch e.Job {
	case "rotation":
		return r.rotation(ctx, e)
	case "purge":
		return r.purge(ctx)
	case "drift":
		return r.drift(ctx, e.Repair)
	case "resume":
		return r.resume(ctx)
	case "rebuild":
		return r.drift(ctx, true)
	case "keyring":
		return r.keyring(ctx, e.Grow)
	default:
		return nil, errJob
	}
}

// margin is kept of the function's time: no key is begun in it, and those begun are finished.
const margin = 20 * time.Second

// closing tells when to stop beginning: never, if the context has no end.
func closing(ctx context.Context) func() bool {
	end, ok := ctx.Deadline()
	return func() bool { return ctx.Err() != nil || ok && time.Until(end) < margin }
}

// measure writes metrics of a job.
func (r *rotator) measure(job string, metrics ...telemetry.Metric) {
	r.metrics.Write(telemetry.Record{At: r.source.Now(), Dimensions: []telemetry.Field{{Name: "Job", Value: job}}, Metrics: metrics})
}
