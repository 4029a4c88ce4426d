package main

import (
	"context"
	"errors"

	"latchkey/shared/audit"
	"latchkey/shared/consent"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/telemetry"
)

// announced is the result of a catalogue run.
type announced struct {
	Job      string          `json:"job"`
	Version  consent.Version `json:"version"`                 // of the catalogue that is deployed
	Products int             `json:"products"`                // that aren't as they were last announced
	Other    consent.Version `json:"other_version,omitempty"` // another one of this number that was deployed
}

// mostAnnounced is the number of times that a run tries to announce the catalogue while others write its record.
const mostAnnounced = 5

// catalogue tells operators and the event bus, by one audit row, which products aren't as they were: which are new, gone or renamed, and
// whose paths have changed. It remembers each version that it has run with, and when it noticed which quotas; and measures whether another one had its number. A
// run that finds nothing writes nothing, and of several at once one writes.
func (j *jobs) catalogue(ctx context.Context) (announced, error) {
	now := control.Announced{Version: j.products.Version(), Products: j.products.Outlines()}
	done := announced{Job: "catalogue", Version: now.Version}
	before, err := j.store.Announced(ctx)
	if err == nil {
		done.Products, err = j.announce(ctx, before, now)
		for tries := 1; errors.Is(err, dynamo.ErrStale) && tries < mostAnnounced; tries++ { // another run told of it, or a version was accepted
			if before, err = j.store.Announced(ctx); err == nil {
				done.Products, err = j.announce(ctx, before, now)
			}
		}
		conflicts := 0
		if done.Other = now.Version.Conflicting(before.Deployed); done.Other != "" {
			conflicts = 1
			j.log.ErrorContext(ctx, "catalogue conflict", "version", done.Version, "other_version", done.Other)
		}
		j.metrics.Write(telemetry.Sum(j.source.Now(), "CatalogueConflicts", conflicts))
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	j.log.InfoContext(ctx, "job done", "job", done.Job, "version", done.Version, "products", done.Products, "other_version", done.Other, "error", text)
	return done, err
}

// announce writes what isn't written yet of the catalogue that is deployed, and returns how many products have changed.
func (j *jobs) announce(ctx context.Context, before, now control.Announced) (int, error) {
	ran, known := before.With(now.Version)
	now.Deployed = ran.Deployed
	kept, same := before.WithQuotas(j.products.Standard(), j.source.Time())
	now.Quotas, now.QuotaTimes, now.QuotasKnown = kept.Quotas, kept.QuotaTimes, kept.QuotasKnown
	changes := audit.CatalogueChanges(before.Products, now.Products)
	var err error
	switch {
	case len(changes) > 0:
		err = j.store.Announce(ctx, before, now, j.source.JobRow(ctx, control.Operators, "", "catalogue.change", changes...))
	case !known || !same:
		err = j.store.Deployed(ctx, before, now)
	}
	return len(changes), err
}
