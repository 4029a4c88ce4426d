package main

import (
	"context"
	"errors"
	"fmt"

	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/telemetry"
)

// purged is the result of a purge run.
type purged struct {
	Job    string `json:"job"`
	Purged int    `json:"purged"`
	Failed int    `json:"failed"`
	More   bool   `json:"more"`
}

// purge removes keys that can't be restored any more. Their delivered secrets go first: once the key is gone, nobody
// knows that there is one.
func (r *rotator) purge(ctx context.Context) (purged, error) {
	done, closed := purged{Job: "purge"}, closing(ctx)
	before := r.source.Time().Add(-apikey.RestoreWindow)
	for after := ""; ; {
		page, err := r.store.Purgeable(ctx, before, after, pageSize)
		if err != nil {
			return done, err
		}
		for _, bad := range page.Bad {
			r.log.ErrorContext(ctx, "key record unreadable", "account_id", bad.Account, "key_id", bad.Item, "error", bad.Err.Error())
			done.Failed++
		}
		for _, listed := range page.Keys {
			if done.More = closed(); done.More {
				break
			}
			if err := r.purgeKey(ctx, listed); err != nil {
				r.log.ErrorContext(ctx, "key not purged", "account_id", listed.Account, "key_id", listed.ID, "error", err.Error())
				done.Failed++
				continue
			}
			done.Purged++
		}
		if after = page.Next; after == "" || done.More {
			break
		}
	}
	r.log.InfoContext(ctx, "job done", "job", done.Job, "purged", done.Purged, "failed", done.Failed, "more", done.More)
	r.measure(done.Job, telemetry.Metric{Name: "KeysPurged", Unit: telemetry.Count, Value: float64(done.Purged)},
		telemetry.Metric{Name: "KeysFailed", Unit: telemetry.Count, Value: float64(done.Failed)})
	if done.Failed > 0 {
		return done, fmt.Errorf("rotator: %d keys couldn't be purged; the log names them", done.Failed)
	}
	return done, nil
}

// purgeKey reads the key first: the list is late, and a key that was restored keeps its secret.
func (r *rotator) purgeKey(ctx context.Context, listed apikey.Key) error {
	k, err := r.store.Key(ctx, listed.Account, listed.ID)
	if errors.Is(err, dynamo.ErrNotFound) || err == nil && k.DeletedAt.IsZero() {
		return nil
	}
	if err != nil {
		return err
	}
	if err := r.delivery.deleteSecret(ctx, k); err != nil {
		return err
	}
	return r.store.Purge(ctx, k, r.source.JobRow(ctx, k.Account, k.ID, "key.purge"))
}
