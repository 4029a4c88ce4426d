package main

import (
	"context"
	"errors"

	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
)

// announced is the result of a catalogue run.
type announced struct {
	Job      string `json:"job"`
	Version  string `json:"version"`  // of the catalogue that is deployed
	Products int    `json:"products"` // that aren't as they were last announced
}

// catalogue tells operators and the event bus, by one audit row, which products aren't as they were: which are new, gone or renamed, and
// whose paths have changed. A run that finds nothing writes nothing, and of several at once one writes.
func (j *jobs) catalogue(ctx context.Context) (announced, error) {
	now := control.Announced{Version: j.products.Version(), Products: j.products.Outlines()}
	done := announced{Job: "catalogue", Version: string(now.Version)}
	before, err := j.store.Announced(ctx)
	if err == nil {
		changes := audit.CatalogueChanges(before.Products, now.Products)
		if done.Products = len(changes); done.Products > 0 {
			err = j.store.Announce(ctx, before, now, j.source.JobRow(ctx, control.Operators, "", "catalogue.change", changes...))
		}
	}
	if errors.Is(err, dynamo.ErrStale) { // another run has told it
		err = nil
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	j.log.InfoContext(ctx, "job done", "job", done.Job, "version", done.Version, "products", done.Products, "error", text)
	return done, err
}
