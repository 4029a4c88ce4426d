package main

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// TestTheFormOfARequestOffersNoNumberThatNeedsNone: those up to what is free are refused, so that its hint and field begin above. Where that is the most
// already there is no form.
func TestTheFormOfARequestOffersNoNumberThatNeedsNone(t *testing.T) {
	for _, free := range []int{0, 20, 999, 1000, 1200} {
		w := newWalker(t, "owner")
		w.state(func(me *api.Me, k *api.KeyWithSecret) {
			me.Accounts[0].Type = api.Enterprise
			k.Limits = []api.Limit{{Class: "map-display", Product: "map-display", Name: "Map display", Qps: 10, DefaultQps: 10, FreeQps: free, MaxQps: 1000}}
		})
		page := w.ask(http.MethodGet, "/accounts/"+account+"/qps-requests/new?key="+keyID+"&class=map-display", nil)
		form := strings.Contains(page.text, `name="requested_qps"`)
		least := fmt.Sprint(free + 1)
		if free == 999 {
			least = "1,000"
		}
		if form != (free < 1000) || form && (!strings.Contains(page.text, fmt.Sprintf(`min="%d" max="1000"`, free+1)) || !strings.Contains(text(page.doc), least+" to 1,000")) {
			t.Errorf("up to %d is free: %s", free, text(page.doc))
		}
		if !form && !strings.Contains(text(page.doc), "can’t be higher than 1,000") {
			t.Errorf("up to %d is free, and the page doesn't say why nothing can be asked for: %s", free, text(page.doc))
		}
	}
}

// TestTheNoticeOfASuspensionPromisesWhatTheRoleMay, and tells an operator of the members.
func TestTheNoticeOfASuspensionPromisesWhatTheRoleMay(t *testing.T) {
	w := newWalker(t, "owner")
	const own, write, members = "delete keys, but not raise limits or close the account", "You can still change and rotate keys", "Its members can still"
	suspended := &api.Suspension{Reason: "Unpaid", At: moment.Of(then)}
	for role, want := range map[api.Role]string{api.Owner: "You can still change, rotate and " + own, api.Developer: write, api.Viewer: "", "": members} {
		w.state(func(me *api.Me, _ *api.KeyWithSecret) {
			me.Operator, me.Accounts = role == "", nil
			if role != "" {
				me.Accounts = []api.MyAccount{{Id: account, Name: "Demo", Type: api.SelfServe, Role: role, Suspended: suspended}}
			}
		})
		w.api.on("GET /v1/accounts/"+account, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 200, api.Account{Id: account, Name: "Demo", Type: api.SelfServe, Suspended: suspended})
			return true
		})
		got := text(w.ask(http.MethodGet, keysPath, nil).doc)
		if !strings.Contains(got, "None of its keys works.") || !strings.Contains(got, want) || want == "" && strings.Contains(got, "can still") {
			t.Errorf("%q is told: %s", role, got)
		}
	}
}

// TestAChartPromisesEnterWhereItLeads, and nowhere else.
func TestAChartPromisesEnterWhereItLeads(t *testing.T) {
	r := usageHarness(t)
	now := time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
	for query, u := range map[string]api.Usage{
		"":           usageOf(now.Add(-24*time.Hour), 25, time.Hour),
		"?range=30d": usageOf(now.Truncate(oneDay).AddDate(0, 0, -29), 30, oneDay),
	} {
		r.answers(u, now)
		charts := first(r.get("/accounts/"+account+"/usage"+query).doc, "charts")
		leads := attr(charts, "data-drill") != ""
		if help := attr(charts, "data-help"); leads != (query != "") || strings.Contains(help, "Enter") != leads || !strings.Contains(help, "arrow keys") {
			t.Errorf("%q leads to %q: %s", query, attr(charts, "data-drill"), help)
		}
	}
}

// TestNoTextTellsAPrice: what this costs its provider isn't its customers' business, and it sells nothing.
func TestNoTextTellsAPrice(t *testing.T) {
	price := regexp.MustCompile(`[$€£]\s?[0-9]|[0-9]\s?[$€£]`)
	for _, tag := range []string{"en", "fr", "ar"} {
		all, err := catalogueOf(tag)
		if err != nil {
			t.Fatal(err)
		}
		for key, said := range all {
			if price.MatchString(fmt.Sprint(said)) {
				t.Errorf("%s: %s: %v", tag, key, said)
			}
		}
	}
}
