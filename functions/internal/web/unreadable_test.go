package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/keytest"
	"latchkey/shared/telemetry"
	"latchkey/shared/usage"
)

func TestOperatorsAreToldOfUnreadableRecords(t *testing.T) {
	var out strings.Builder
	tell := unreadable(slog.New(slog.NewJSONHandler(&out, nil)), telemetry.Metrics{Namespace: "Latchkey/tests", Out: &out}, time.Now)
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

// The answer to the request counts what it leaves out, and the sums of counters tell too.
func TestAnAnswerCountsWhatItLeavesOut(t *testing.T) {
	s := keytest.MemoryStores(t)
	b := &Base{client: s.DB.(counters.Client), unreadable: unreadable(slog.New(slog.DiscardHandler), telemetry.Metrics{Out: io.Discard}, time.Now)}
	bad := dynamo.Item{"pk": dynamo.S("A#acc_1"), "sk": dynamo.S(fmt.Sprintf("H#%09d#search", usage.HourOf(keytest.Now)))}
	if _, err := s.DB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &s.Tables.Counters, Item: bad}); err != nil {
		t.Fatal(err)
	}
	mux := NewMux(nil, nil, slog.New(slog.DiscardHandler), time.Now)
	for path, tell := range map[string]func(context.Context){
		"/list": func(ctx context.Context) { b.unreadable(ctx, control.Unreadable{Err: dynamo.ErrUnreadable}) },
		"/sum": func(ctx context.Context) {
			span := counters.Range{From: keytest.Now.Truncate(time.Hour), To: keytest.Now.Add(time.Hour)}
			if rows, err := b.Counters(s.Tables.Counters).AccountRows(ctx, "acc_1", span); err != nil || len(rows) > 0 {
				t.Errorf("%v, %v", rows, err)
			}
		},
		"/none": func(context.Context) {},
	} {
		mux.Public("GET "+path, func(_ http.ResponseWriter, r *http.Request, c gateway.Principal) error {
			tell(r.Context())
			n := gateway.LeftOut(r.Context())
			if (n == nil) != (path == "/none") || n != nil && *n != 1 || c.LeftOut(r.Context()) != nil {
				t.Errorf("%s: %v", path, n)
			}
			return nil
		})
		mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
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

func (fakeUse) KeyRows(context.Context, account.ID, apikey.ID, counters.Range) ([]usage.Row, error) {
	return nil, nil
}

// TestAKeyWithABadCounterCountsAsCalled, so that its figures are read; one that was called before or never doesn't.
func TestAKeyWithABadCounterCountsAsCalled(t *testing.T) {
	bad, called := apikey.Key{ID: "key_bad"}, apikey.Key{ID: "key_good"}
	u := Uses{counters: fakeUse{bad.ID}}
	for since, want := range map[time.Time][]apikey.Key{keytest.Now: {bad, called}, keytest.Now.Add(time.Minute): {bad}} {
		if got, err := u.CalledSince(t.Context(), "acc_1", since, bad, called); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("since %s: %v, %v", since, got, err)
		}
	}
	if got, err := (Uses{}).CalledSince(t.Context(), "acc_1", keytest.Now, called); err != nil || got != nil {
		t.Errorf("without counters: %v, %v", got, err)
	}
}

func TestABadCounterHidesNoKey(t *testing.T) {
	var told []control.Unreadable
	good, bad := apikey.Key{ID: "key_good"}, apikey.Key{ID: "key_bad"}
	u := Uses{counters: fakeUse{bad.ID}, unreadable: func(_ context.Context, u control.Unreadable) { told = append(told, u) }}
	used, err := u.LastUsed(t.Context(), "acc_1", bad, good)
	if err != nil || !used[good.ID].Allowed.Equal(keytest.Now) || !used[bad.ID].Allowed.IsZero() || !used[good.ID].Known || used[bad.ID].Known || len(told) != 1 {
		t.Errorf("%v, %v, told %v", used, err, told)
	}
}

// manyUses has a last use of each secret of a key, and of one that has ended, at times of their own.
type manyUses struct{ fakeUse }

func (manyUses) LastUsed(_ context.Context, _ account.ID, keys []apikey.ID) (map[apikey.ID]map[string]time.Time, error) {
	at := func(minutes int) time.Time { return keytest.Now.Add(time.Duration(minutes) * time.Minute) }
	return map[apikey.ID]map[string]time.Time{keys[0]: {
		usage.HashTag(apikey.Hash{1}): at(1), usage.HashTag(apikey.Hash{2}): at(2), usage.HashTag(apikey.Hash{3}): at(3), usage.RefusedTag: at(4),
	}}, nil
}

// TestEachUseIsThatOfItsSecret: a refused call is no use, and one with a secret that has ended since counts as allowed.
func TestEachUseIsThatOfItsSecret(t *testing.T) {
	at := func(minutes int) time.Time { return keytest.Now.Add(time.Duration(minutes) * time.Minute) }
	k := apikey.Key{ID: "key_1", Current: apikey.StoredSecret{Hash: apikey.Hash{1}}, Outgoing: &apikey.Outgoing{StoredSecret: apikey.StoredSecret{Hash: apikey.Hash{2}}}}
	other := apikey.Key{ID: "key_2"}
	u := Uses{counters: manyUses{}}
	used, err := u.LastUsed(t.Context(), "acc_1", k, other)
	want := map[apikey.ID]Used{k.ID: {Previous: at(2), Refused: at(4), Allowed: at(3), Known: true}, other.ID: {}}
	if err != nil || !reflect.DeepEqual(used, want) {
		t.Errorf("%v, %v\nwant %v", used, err, want)
	}
	k.Outgoing = nil
	if used, err := u.LastUsed(t.Context(), "acc_1", k); err != nil || !used[k.ID].Previous.IsZero() || !used[k.ID].Allowed.Equal(at(3)) {
		t.Errorf("without a rotation: %v, %v", used, err)
	}
}
