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

// maxAside bounds a record that is set aside; DynamoDB takes 400 KB.
const maxAside = 350 << 10

var errTooLarge = errors.New("counter: a record that can't be counted is too large to be set aside here")

// setAside keeps what can't be counted. A record that can't be kept either comes again, until Lambda moves it to its
// own place for failures.
func (b *batch) setAside(ctx context.Context) {
	if len(b.aside) == 0 {
		return
	}
	// A batch that comes again is counted again.
	_, _ = b.metrics.Write(telemetry.Sum(b.now(), "UsageSetAside", len(b.aside)).Append(nil))
	for _, i := range slices.Sorted(maps.Keys(b.aside)) {
		r := b.records[i]
		b.log.Error("a record of the stream can't be counted and is set aside", "id", asideID(r), "why", b.aside[i])
		err := errTooLarge
		if len(r.Raw) <= maxAside {
			err = b.store.SetAside(ctx, asideID(r), b.aside[i], r.Raw, b.now())
		}
		if err != nil {
			b.fail(i, err)
		}
	}
}

// asideID is the same for every delivery of a record.
func asideID(r stream.Record) string {
	if id := r.Sequence + "#" + r.ID; len(id) > 1 && len(id) <= 200 {
		return id
	}
	sum := sha256.Sum256(r.Raw)
	return hex.EncodeToString(sum[:])
}
