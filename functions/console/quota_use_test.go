package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"latchkey/shared/api"
)

// TestEachPageSaysWhatIsLeftOfAQuotaAndUntilWhen: used, left, when its period ends and when it will be used up; and what is reserved, unless
// nothing is.
func TestEachPageSaysWhatIsLeftOfAQuotaAndUntilWhen(t *testing.T) {
	w := newWalker(t, "owner")
	held := int64(0)
	n := func(v int64) *int64 { return &v }
	period := func() api.QuotaPeriod {
		return api.QuotaPeriod{Quota: n(900), Used: 123, Left: n(777), InHand: &held, EndsAt: day(1), RunsOutAt: ptr(day(0))}
	}
	caps := func() []api.KeyQuotaUse {
		return []api.KeyQuotaUse{{Group: "tiles", Name: "Map tiles", Day: n(800), Used: 456, Left: n(344), InHand: &held, EndsAt: day(1), RunsOutAt: ptr(day(0))}}
	}
	shared := func() []api.Quota {
		return []api.Quota{{BillingType: "paying", Group: "tiles", Name: "Map tiles", Day: period(), Month: api.QuotaPeriod{EndsAt: day(25)}}}
	}
	answer := func(route string, doc func() any) {
		w.api.on(route, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(out, 200, doc()); return true })
	}
	root := "GET /v1/accounts/" + account
	answer(root+"/keys/"+keyID+"/usage", func() any { return api.Usage{Quotas: ptr(caps()), AccountQuotas: ptr(shared())} })
	answer(root+"/keys/"+keyID+"/quotas", func() any { return api.KeyQuotas{Quotas: caps(), AccountQuotas: shared()} })
	answer(root+"/quotas", func() any { return api.Quotas{Quotas: shared()} })
	cap, quota := []string{"456 used today", "344 left"}, []string{"123", "777"}
	for path, says := range map[string][]string{
		"/accounts/" + account + "/keys/" + keyID: append(quota, cap...), "/operator/keys/" + keyID: append(quota, cap...), "/accounts/" + account + "/keys/" + keyID + "/quotas/tiles": cap,
		"/accounts/" + account + detailsPage: quota, "/operator/accounts/" + account + "/limits": quota,
	} {
		for _, held = range []int64{0, 5} {
			page := text(w.ask(http.MethodGet, path, nil).doc)
			for _, one := range append(says, "2 Jul 2026, 01:01 UTC", "At today’s rate, runs out on 1 Jul 2026, 00:00 UTC") {
				if !strings.Contains(page, one) {
					t.Errorf("%s doesn't say %q", path, one)
				}
			}
			if got := strings.Contains(page, "reserved"); got != (held > 0) || held > 0 && !strings.Contains(page, fmt.Sprint(held, " reserved")) {
				t.Errorf("%s, %d in hand: said: %v", path, held, got)
			}
		}
	}
}
