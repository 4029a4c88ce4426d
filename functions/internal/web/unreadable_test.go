package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

func TestOperatorsAreToldOfUnreadableRecords(t *testing.T) {
	var out strings.Builder
	tell := unreadable(slog.New(slog.NewJSONHandler(&out, nil)), &out, time.Now)
	tell(t.Context(), control.Unreadable{Account: "acc_1", Item: "qps_1", Err: dynamo.ErrUnreadable})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var line, metric map[string]any
	if len(lines) != 2 || json.Unmarshal([]byte(lines[0]), &line) != nil || json.Unmarshal([]byte(lines[1]), &metric) != nil {
		t.Fatalf("%q", lines)
	}
	if line["level"] != "ERROR" || line["account_id"] != "acc_1" || line["item"] != "qps_1" || metric["UnreadableRecords"] != 1.0 {
		t.Errorf("%v %v", line, metric)
	}
}

// fakeUse has one counter that can't be read.
type fakeUse struct{ bad apikey.ID }

func (f fakeUse) LastUsed(_ context.Context, _ account.ID, keys []apikey.ID) (map[apikey.ID]map[string]time.Time, error) {
	out := map[apikey.ID]map[string]time.Time{}
	for _, key := range keys {
		if key == f.bad {
			return nil, dynamo.ErrUnreadable
		}
		out[key] = map[string]time.Time{usage.HashTag(apikey.Hash{}): keytest.Now}
	}
	return out, nil
}

func TestABadCounterHidesNoKey(t *testing.T) {
	var told []control.Unreadable
	good, bad := apikey.Key{ID: "key_good"}, apikey.Key{ID: "key_bad"}
	u := Uses{counters: fakeUse{bad.ID}, unreadable: func(_ context.Context, u control.Unreadable) { told = append(told, u) }}
	used, err := u.LastUsed(t.Context(), "acc_1", bad, good)
	if err != nil || !used[good.ID].Current.Equal(keytest.Now) || !used[bad.ID].Current.IsZero() || len(told) != 1 {
		t.Errorf("%v, %v, told %v", used, err, told)
	}
}
