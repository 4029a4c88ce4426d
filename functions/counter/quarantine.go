package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"

	"latchkey/shared/dynamo/stream"
	"latchkey/shared/telemetry"
)

// maxQuarantined bounds a quarantined record, in bytes; DynamoDB takes 400 KB.
const maxQuarantined = 350 << 10

var errTooLarge = errors.New("counter: a record that can't be counted is too large to quarantine")

// quarantine keeps what can't be counted. A record that can't be kept either comes again, until Lambda moves it to its
// own place for failures.
func (b *batch) quarantine(ctx context.Context) {
	if len(b.bad) == 0 {
		return
	}
	// A batch that comes again is counted again.
	b.metrics.Write(telemetry.Sum(b.now(), "UsageSetAside", len(b.bad)))
	for _, i := range slices.Sorted(maps.Keys(b.bad)) {
		r := b.records[i]
		b.log.Error("a record of the stream can't be counted and is quarantined", "id", quarantineID(r), "why", b.bad[i])
		err := errTooLarge
		if len(r.Raw) <= maxQuarantined {
			err = b.store.Quarantine(ctx, quarantineID(r), b.bad[i], r.Raw, b.now())
		}
		if err != nil {
			b.fail(i, err)
		}
	}
}

// quarantineID is the same for every delivery of a record.
func quarantineID(r stream.Record) string {
	if id := r.Sequence + "#" + r.ID; len(id) > 1 && len(id) <= 200 {
		return id
	}
	sum := sha256.Sum256(r.Raw)
	return hex.EncodeToString(sum[:])
}
