package counters_test

import (
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

// TestCountersAreStoredAsTheyAlwaysWere: days of usage stay for years.
func TestCountersAreStoredAsTheyAlwaysWere(t *testing.T) {
	const (
		acct account.ID = "acc_1"
		key  apikey.ID  = "key_1"
	)
	db, tables := keytest.NewMemory()
	s := counters.New(db, tables.Counters)
	items := map[usage.Item]usage.Stored{}
	for _, kind := range []usage.Kind{
		usage.Contributed, usage.KeyHour, usage.KeyDay, usage.KeyLastUse, usage.AccountHour, usage.AccountDay, usage.CountedUntil,
	} {
		p := usage.Item{Kind: kind, Account: acct}
		stored := usage.Stored{Version: 1, Counts: usage.Counts{"c:c:allowed": 5, "m:07": 2, "b:tiles:freemium:allowed": 5}}
		switch kind {
		case usage.Contributed:
			p.Key, p.Product, p.Hour, p.Environment = key, "search", hour, "environment.3"
		case usage.KeyHour, usage.KeyDay:
			p.Key, p.Product, p.Hour = key, "search", hour
		case usage.KeyLastUse:
			p.Key, stored.Counts = key, usage.Counts{"l:0123456789": 29_000_000}
		case usage.AccountHour, usage.AccountDay:
			p.Product, p.Hour = "search", hour
		case usage.CountedUntil:
			stored.Counts, stored.At = usage.Counts{}, keytest.Now
		}
		items[p] = stored
	}
	must(t, s.Write(t.Context(), items))
	must(t, s.Quarantine(t.Context(), "7", "why", []byte(`{"a": 1}`), keytest.Now))
	keytest.KeepStored(t, "counters", keytest.Stored(t, db, tables.Counters)...)
}
