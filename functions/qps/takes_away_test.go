package main

import (
	"context"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
	"latchkey/shared/qps"
)

// askingLess is a store whose requests ask for a number that none can be filed for any more: what an earlier release has left.
type askingLess struct {
	store
	requested int
}

func (a askingLess) Request(ctx context.Context, id account.ID, request qps.RequestID) (qps.Request, error) {
	r, err := a.store.Request(ctx, id, request)
	r.Requested = a.requested
	return r, err
}

// TestAnApprovalMayBeAnyNumberAboveWhatWasGrantedSince: of a default of 40. What an operator has granted since the request
// was filed is the least that an approval has to exceed, to the number. Where nothing above the default was granted,
// and where the customer asked for less than the limit was, any number is the operator's to decide.
func TestAnApprovalMayBeAnyNumberAboveWhatWasGrantedSince(t *testing.T) {
	end := keytest.Now.Add(time.Hour)
	for _, tt := range []struct {
		name      string
		granted   []apikey.Limit
		requested int // 300 unless said
		approved  map[int]int
	}{
		{"nothing", nil, 0, map[int]int{1: 200, 39: 200, 40: 200, 41: 200}},
		{"less than the default", []apikey.Limit{{Class: "search", QPS: 30, Granted: 30}}, 0, map[int]int{1: 200, 30: 200, 31: 200, 40: 200}},
		{"just the default", []apikey.Limit{{Class: "search", QPS: 40, Granted: 40}}, 0, map[int]int{39: 200, 40: 200}},
		{"one more than the default", []apikey.Limit{{Class: "search", QPS: 41, Granted: 41}}, 0, map[int]int{40: 422, 41: 422, 42: 200}},
		{"more", []apikey.Limit{{Class: "search", QPS: 100, Granted: 100}}, 0, map[int]int{20: 422, 40: 422, 99: 422, 100: 422, 101: 200}},
		{"more, which the customer has lowered", []apikey.Limit{{Class: "search", QPS: 2, Granted: 100}}, 0, map[int]int{100: 422, 101: 200}},
		{"more in another class", []apikey.Limit{{Class: "map-display", QPS: 100, Granted: 100}}, 0, map[int]int{20: 200}},
		{"a loan", []apikey.Limit{{Class: "search", QPS: 100, EndsAt: end, Lent: 100}}, 0, map[int]int{100: 422, 101: 200}},
		{"a loan that has ended", []apikey.Limit{{Class: "search", QPS: 100, EndsAt: keytest.Now, Lent: 100}}, 0, map[int]int{20: 200, 100: 200}},
		{"more, where less was asked for", []apikey.Limit{{Class: "search", QPS: 100, Granted: 100}}, 20, map[int]int{20: 200, 10: 200}},
	} {
		for granted, want := range tt.approved {
			r := newAgreeing(t, account.Enterprise, nil)
			id := r.submit(t, map[string]any{"requested_qps": 300})
			if _, err := r.Edit(t.Context(), r.key, "key.set_limit", func(k *apikey.Key) { k.Limits = tt.granted }); err != nil {
				t.Fatal(err)
			}
			if tt.requested > 0 {
				r.handler.store = askingLess{r.Control, tt.requested}
			}
			got := r.Do(t, apitest.Call{As: "operator", Method: "POST", Path: r.path("qps-requests", id, "approve"), Body: map[string]any{"qps": granted}})
			if got.Status != want || want == 422 && got.Problem() != "422 invalid [/qps]" {
				t.Errorf("%s, then %d approved: %d %s, want %d", tt.name, granted, got.Status, got.Body, want)
			}
			now := qps.Effective(r.stored(t).Limits, "search", 40, r.Clock.Now())
			if before := qps.Effective(tt.granted, "search", 40, r.Clock.Now()); want == 200 && now != granted || want == 422 && now != before {
				t.Errorf("%s, then %d approved: the limit is %d, before %d", tt.name, granted, now, before)
			}
		}
	}
}
