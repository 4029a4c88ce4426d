package main

import (
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
)

// Every time of an event, also of what changed, has one width, whatever the fraction of its second: subscribers may sort texts.
func TestTimesOfEventsHaveOneWidth(t *testing.T) {
	found := regexp.MustCompile(`"\d{4}-\d\d-\d\dT[^"]*"`)
	for _, fraction := range []time.Duration{0, 5 * time.Millisecond, 120 * time.Millisecond, 500 * time.Millisecond, time.Second - time.Millisecond} {
		at := keytest.Now.Add(fraction)
		k := keytest.Key(keytest.AccountID())
		k.ExpiresAt, k.RevokedAt, k.DeletedAt, k.RotatedAt = at, at, at, at
		k.Blocked, k.Outgoing = &apikey.Block{Reason: "abuse", At: at}, &apikey.Outgoing{EndsAt: at}
		k.Limits = []apikey.Limit{{Class: "search", QPS: 5, EndsAt: at}}
		row := keytest.Row(k.Account, "key.create", k.ID)
		row.At, row.Changes = at, audit.KeyChanges(nil, k)
		raw, err := json.Marshal(detailOf(row))
		if err != nil {
			t.Fatal(err)
		}
		times := found.FindAllString(string(raw), -1)
		if len(times) != 8 {
			t.Errorf("%d times, want 8: %s", len(times), raw)
		}
		for _, one := range times {
			if want := `"` + moment.Format(at) + `"`; one != want || len(one) != len(moment.Layout)+2 {
				t.Errorf("%s, want %s", one, want)
			}
		}
	}
}
