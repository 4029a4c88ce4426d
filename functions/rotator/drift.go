package main

import (
	"context"
	"errors"
	"maps"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/moment"
	"latchkey/shared/telemetry"
)

// drifted is the result of a drift run: what its pass has found so far.
type drifted struct {
	Job      string                    `json:"job"`
	Found    map[control.DriftKind]int `json:"found"`
	Repaired int                       `json:"repaired"`
	Began    string                    `json:"began,omitempty"` // when the pass began; "" where there was none to go on with
	More     bool                      `json:"more"`            // the next run goes on
}

// driftRepair is the mode of passes that repair, as it is stored.
const (
	driftJob    = control.DriftJob
	driftRepair = "repair"
	repaired    = "repaired"
)

// drift compares the gate's records with the keys, and with repair makes the gate follow the keys. It goes on with a pass
// that isn't done; a repair begins at the beginning, for it was asked for because of what may be anywhere.
func (r *rotator) drift(ctx context.Context, repair bool) (drifted, error) {
	p, err := r.pass(ctx, driftJob)
	if err == nil && (repair || !p.UnderWay()) {
		mode := ""
		if repair {
			mode = driftRepair
		}
		err = p.begin(ctx, mode)
	}
	if err != nil {
		return r.drifted(ctx, p, true, err)
	}
	return r.compare(ctx, p)
}

// resume goes on with a comparison that isn't done, as it was begun.
func (r *rotator) resume(ctx context.Context) (drifted, error) {
	p, err := r.pass(ctx, driftJob)
	if err != nil || !p.UnderWay() {
		return drifted{Job: driftJob, Found: map[control.DriftKind]int{}, More: err != nil}, err
	}
	return r.compare(ctx, p)
}

func (r *rotator) compare(ctx context.Context, p *pass) (drifted, error) {
	err := r.store.Reconcile(ctx, control.Reconciliation{
		From: p.Place, Repair: p.Mode == driftRepair,
		Row: func(id account.ID, key apikey.ID) audit.Row { return r.source.JobRow(ctx, id, key, "gate.repair") },
		Report: func(d control.Drift) {
			p.count(string(d.Kind))
			if d.Repaired {
				p.count(repaired)
			}
			r.log.WarnContext(ctx, "gate drift", "kind", string(d.Kind), "account_id", d.Account, "key_id", d.Key, "record", d.Hash, "repaired", d.Repaired)
		},
		Done: func(place control.Place) error { return p.done(ctx, place) },
	})
	more, err := p.end(ctx, err)
	return r.drifted(ctx, p, more, err)
}

// drifted tells what the pass has found so far. A run that another one has overtaken leaves that to the other.
func (r *rotator) drifted(ctx context.Context, p *pass, more bool, err error) (drifted, error) {
	found := drifted{Job: driftJob, Found: map[control.DriftKind]int{}, Repaired: p.Counts[repaired], Began: moment.Format(p.Began), More: more}
	total := 0
	for kind, n := range maps.All(p.Counts) {
		if kind != repaired {
			found.Found[control.DriftKind(kind)] = n
			total += n
		}
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	r.log.InfoContext(ctx, "job done", "job", found.Job, "found", total, "repaired", found.Repaired, "began", found.Began, "more", more, "error", text)
	switch {
	case errors.Is(err, errOvertaken):
		return found, nil
	case err == nil || errors.Is(err, errSlowPass):
		r.metrics.Write(telemetry.Sum(r.source.Now(), "GateDrift", total-found.Repaired))
	}
	return found, err
}
