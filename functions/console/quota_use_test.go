package main

import (
	"fmt"
	"net/http"
	"net/url"
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
		return []api.KeyQuotaUse{{Group: "tiles", Name: "Map tiles", Enforced: ptr(true), Day: n(800), Used: 456, Left: n(344), InHand: &held, EndsAt: day(1), RunsOutAt: ptr(day(0))}}
	}
	shared := func() []api.Quota {
		return []api.Quota{{BillingType: "paying", Group: "tiles", Name: "Map tiles", Enforced: ptr(true), Day: period(), Month: api.QuotaPeriod{EndsAt: day(25)}}}
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
			if got := strings.Contains(page, "reserved for upcoming"); got != (held > 0) || held > 0 && !strings.Contains(page, fmt.Sprint(held, " reserved for upcoming requests")) {
				t.Errorf("%s, %d in hand: said: %v", path, held, got)
			}
		}
	}
}

// TestAUsedUpQuotaIsSaidWithWhatHelps: a key that is refused for a quota says so on top, until when, and where to change it or ask; and the reason
// names the cause that the page knows.
func TestAUsedUpQuotaIsSaidWithWhatHelps(t *testing.T) {
	const capForm = keyPath + "/quotas/tiles"
	const both, own, shared = "or the account’s quota of the day or month", "The key reached its daily cap", "The account reached the quota"
	n := func(v int64) *int64 { return &v }
	for name, c := range map[string]struct {
		cap, quota   *int64 // what is left; nil: there is none
		unread       bool   // what is left
		top          []string
		says, repair string
	}{
		"the cap":              {cap: n(0), quota: n(5), top: []string{"Daily cap used up: Map tiles", "Daily cap: 800.", "until 2 Jul 2026, 01:01 UTC"}, says: own, repair: capForm},
		"the account's quota":  {cap: n(5), quota: n(0), top: []string{"Account quota used up: Map tiles, per month", "Quota: 900.", "Contact your provider’s support with this account ID: " + account}, says: shared},
		"both":                 {cap: n(0), quota: n(0), top: []string{"Daily cap used up", "Account quota used up"}, says: both, repair: capForm},
		"none, both there":     {cap: n(1), quota: n(1), says: both, repair: capForm},
		"none, a cap alone":    {cap: n(1), says: own, repair: capForm},
		"none, a quota alone":  {quota: n(1), says: shared},
		"a cap by what counts": {cap: n(0), unread: true, top: []string{"Daily cap used up: Map tiles"}, says: own, repair: capForm},
	} {
		for _, person := range []string{"owner", "viewer"} {
			w := newWalker(t, "owner")
			w.api.me.Accounts[0].Role = api.Role(person)
			u := api.Usage{Totals: api.UsageCounts{Requests: 9, Refused: 9, ByReason: map[string]int64{"quota_exceeded": 9}}}
			caps := []api.KeyQuotaUse{{Group: "tiles", Name: "Map tiles", EndsAt: day(1)}, {Group: "other", Name: "Other", EndsAt: day(1)}}
			if c.cap != nil {
				caps[0].Day, caps[0].Used, caps[0].Left = n(800), 800-*c.cap, c.cap
			}
			if c.unread {
				caps[0].Left = nil
			}
			u.Quotas = &caps
			if c.quota != nil {
				u.AccountQuotas = &[]api.Quota{{BillingType: "paying", Group: "tiles", Name: "Map tiles", Day: api.QuotaPeriod{EndsAt: day(1)}, Month: api.QuotaPeriod{Quota: n(900), Used: 900 - *c.quota, Left: c.quota, EndsAt: day(25)}}}
			}
			w.api.on("GET /v1"+keyPath+"/usage", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(out, 200, u); return true })
			doc := w.ask(http.MethodGet, keyPath, nil).doc
			page := text(doc)
			for _, want := range append(c.top, c.says) {
				if !strings.Contains(page, want) {
					t.Errorf("%s, %s: the page lacks %q", name, person, want)
				}
			}
			if strings.Contains(page, "used up:") != (c.top != nil) {
				t.Errorf("%s, %s: said of what isn't used up: %v", name, person, c.top == nil)
			}
			if strings.Contains(page, "refused for it even if this test allows them") != (c.top != nil) {
				t.Errorf("%s, %s: what the test of a page doesn't look at: said %v", name, person, c.top == nil)
			}
			repair := ""
			if person == "owner" {
				repair = c.repair
			}
			if got := strings.Join(offeredRepairs(doc), " "); got != repair {
				t.Errorf("%s, %s: offered %q, want %q", name, person, got, repair)
			}
			if capped := strings.Contains(page, "Daily cap used up"); capped && strings.Contains(page, "A developer or owner can raise it.") != (person == "viewer") {
				t.Errorf("%s, %s: who may change the cap is said to the wrong person", name, person)
			}
		}
	}
}

// TestATestsAnswerSaysThatAQuotaIsUsedUp, of the key or of its account: the test doesn't look at them.
func TestATestsAnswerSaysThatAQuotaIsUsedUp(t *testing.T) {
	const says = "A daily cap or quota is used up: requests are refused for it even if this test allows them."
	caps, shared := deref(usedUp().Quotas), deref(usedUp().AccountQuotas)
	for name, c := range map[string]struct {
		quotas any
		form   url.Values
		want   bool
	}{
		"a cap":                  {api.KeyQuotas{Quotas: caps}, nil, true},
		"a quota of the account": {api.KeyQuotas{Quotas: capsOf(), AccountQuotas: shared}, nil, true},
		"none":                   {api.KeyQuotas{Quotas: capsOf()}, nil, false},
		"nobody knows":           {nil, nil, false},
		"another call is tested": {api.KeyQuotas{Quotas: caps}, url.Values{"origin": {"https://shop.example"}, "app": {secret}}, false},
	} {
		w := newWalker(t, "owner")
		w.api.on("POST /v1"+keyPath+"/test", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 200, api.TestResult{Allowed: true, Code: "allowed"})
			return true
		})
		w.api.on("GET /v1"+keyPath+"/quotas", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			if c.quotas == nil {
				problem(out, 503, "unavailable")
			} else {
				reply(out, 200, c.quotas)
			}
			return true
		})
		form := c.form
		if form == nil {
			form = url.Values{"origin": {"https://shop.example"}}
		}
		answer := w.ask(http.MethodPost, keyPath+"/test", form)
		to, headers := answer.Header.Get("Location"), []string{}
		if c.want {
			headers = []string{"Cookie", w.with(w.noteOf(answer).cookie)}
		}
		w.forget()
		page := w.ask(http.MethodGet, to, nil, headers...)
		if got := strings.Contains(text(page.doc), says); got != c.want || page.StatusCode != http.StatusOK || len(w.called()) > 2 {
			t.Errorf("%s: %t, %d, %d calls: %s", name, got, page.StatusCode, len(w.called()), text(page.doc))
		}
	}
}
