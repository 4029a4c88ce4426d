package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// TestAKeyWhoseSecretsAreAllRefusedIsNotCalledActive: where its status is shown, that of its exposed secret is in its place; beside it as long as
// the key lets calls through.
func TestAKeyWhoseSecretsAreAllRefusedIsNotCalledActive(t *testing.T) {
	refused := func(secret string) api.Exposure {
		return api.Exposure{Secret: secret, Refused: true, RefusedAt: ptr(moment.Of(then)), ExposedAt: moment.Of(then), Source: "github"}
	}
	works := api.Exposure{Secret: "current", ExposedAt: moment.Of(then), Source: "github"}
	for name, c := range map[string]struct {
		exposures []api.Exposure
		outgoing  bool
		status    api.Status
		want      string
	}{
		"its only secret is refused":      {[]api.Exposure{refused("current")}, false, api.Active, "Exposed, refused"},
		"its secret works":                {[]api.Exposure{works}, false, api.Active, "Active Exposed, still works"},
		"the one before it works":         {[]api.Exposure{refused("current")}, true, api.Active, "Active Exposed, refused"},
		"both are refused":                {[]api.Exposure{refused("outgoing"), refused("current")}, true, api.Active, "Exposed, refused"},
		"only the one before is refused":  {[]api.Exposure{refused("outgoing")}, true, api.Active, "Active Exposed, refused"},
		"it is disabled too":              {[]api.Exposure{refused("current")}, false, api.Disabled, "Disabled Exposed, refused"},
		"it is disabled, and not refused": {[]api.Exposure{works}, false, api.Disabled, "Disabled Exposed"},
		"it has expired":                  {[]api.Exposure{works}, false, api.Expired, "Expired Exposed"},
		"no secret is exposed":            {nil, false, api.Active, "Active"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWalker(t, "owner")
			w.state(func(me *api.Me, k *api.KeyWithSecret) {
				me.Operator, k.Status, k.Exposures, k.PreviousPreview, k.ExposedAt = true, c.status, c.exposures, nil, nil
				if c.outgoing {
					k.PreviousPreview = ptr("ak_8Lg3…y0Re")
				}
				if c.exposures != nil {
					k.ExposedAt = ptr(moment.Of(then))
				}
			})
			for _, page := range []string{keysPath, keysPath + "?size=100", keyPath, "/operator/keys/" + keyID, "/operator/accounts/" + account} {
				var said []string
				elements(w.ask(http.MethodGet, page, nil).doc, func(n *html.Node) {
					if n.Data == "span" && (strings.HasPrefix(attr(n, "class"), "status ") || n.Parent.Data == "li" && attr(n.Parent.Parent, "class") == "lean") {
						said = append(said, strings.TrimSpace(text(n)))
					}
				})
				if got := strings.Join(said, " "); got != c.want {
					t.Errorf("%s says %q, want %q", page, got, c.want)
				}
			}
		})
	}
}

// TestTheStepThatWouldLeaveARefusedSecretIsNotOffered: neither ending the one that works nor going back to the one that doesn't.
func TestTheStepThatWouldLeaveARefusedSecretIsNotOffered(t *testing.T) {
	for secret, want := range map[string][2]bool{"": {true, true}, "current": {false, true}, "outgoing": {true, false}} { // end, cancel
		w := newWalker(t, "owner")
		w.state(func(_ *api.Me, k *api.KeyWithSecret) {
			k.Status, k.PreviousPreview, k.RotationCancelled = api.Active, ptr("ak_8Lg3…y0Re"), false
			k.Exposures = []api.Exposure{{Secret: secret, Refused: true, RefusedAt: ptr(moment.Of(then)), ExposedAt: moment.Of(then), Source: "github"}}
		})
		links := map[string]bool{}
		elements(w.ask(http.MethodGet, keyPath, nil).doc, func(n *html.Node) { links[attr(n, "href")] = true })
		if got := [2]bool{links[keyPath+"/rotation-end"], links[keyPath+"/rotation-cancel"]}; got != want {
			t.Errorf("%q is refused: end and cancel are offered: %v, want %v", secret, got, want)
		}
	}
}

// TestACutSecretIsNotReported: its report would say that no key has it.
func TestACutSecretIsNotReported(t *testing.T) {
	w := newWalker(t, "operator")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator, me.Rank = true, ptr(api.Admin) })
	for _, secret := range []string{"ak_8Lg3Zq0pYx8Lg3Zq0pYx8Lg3Zq0pYx8", "AK_8LG3ZQ0PYX8LG3ZQ0PYX8LG3ZQ0PYX8QQ"} {
		w.forget()
		page := w.ask(http.MethodPost, "/operator/leaks", url.Values{"secret": {secret}, "url": {"https://forum.example"}})
		if shown := text(page.doc); page.StatusCode != http.StatusUnprocessableEntity || len(w.writes()) != 0 || !strings.Contains(shown, "Paste the full secret") || strings.Contains(shown, secret) {
			t.Errorf("%s: %d, %d calls", secret, page.StatusCode, len(w.writes()))
		}
	}
}

// TestTheCallsOfALeakBeginWithItsHourOrDay: nobody knows at which minute of it the secret was found, so all of it counts, up to the hour or the
// day of the refusal. A leak that is older than the hours of the chart, and of the week before, is counted by days.
func TestTheCallsOfALeakBeginWithItsHourOrDay(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	r := newHarness(t, time.Hour)
	r.app.now = func() time.Time { return now }
	series := func(from, to time.Time, step time.Duration) (points []api.UsagePoint) {
		for at := from.Truncate(step); at.Before(to); at = at.Add(step) {
			points = append(points, api.UsagePoint{Start: moment.Of(at), Requests: 2, Allowed: 1})
		}
		return points
	}
	r.api.on("GET /v1"+keyPath+"/usage", func(w http.ResponseWriter, q *http.Request, _ []byte) bool {
		if from, err := time.Parse(time.RFC3339, q.URL.Query().Get("from")); err == nil && q.URL.Query().Get("interval") == "day" {
			reply(w, 200, api.Usage{Series: series(from, now, oneDay)})
			return true
		}
		week := now.Add(-7 * oneDay)
		reply(w, 200, api.Usage{Series: series(week, now, time.Hour), Before: &api.UsageBefore{Series: series(week.Add(-7*oneDay), week.Truncate(time.Hour), time.Hour)}})
		return true
	})
	var want []string
	for _, leak := range []struct {
		found, refused time.Duration // before now; not refused
		step           time.Duration
	}{
		{90 * time.Minute, 0, time.Hour},
		{3*oneDay + 20*time.Minute, 2 * oneDay, time.Hour},
		{10*oneDay + 50*time.Minute, 9*oneDay + time.Minute, time.Hour},
		{20*oneDay + 10*time.Hour, 0, oneDay},
		{20*oneDay + 20*time.Hour, 17*oneDay + time.Hour, oneDay},
		{40*oneDay + time.Minute, 40 * oneDay, oneDay},
	} {
		found, until := now.Add(-leak.found), now.Add(-leak.refused)
		e := api.Exposure{Secret: "current", Preview: r.api.key.Preview, ExposedAt: moment.Of(found), Source: "github"}
		if leak.refused > 0 {
			at := moment.Of(until)
			e.Refused, e.RefusedAt = true, &at
		}
		r.api.key.Exposures = append(r.api.key.Exposures, e)
		want = append(want, fmt.Sprint(int(until.Truncate(leak.step).Sub(found.Truncate(leak.step))/leak.step)+1))
	}
	r.signIn("owner")
	var got []string
	for _, said := range regexp.MustCompile(`(\d+) allowed (?:before the refusal|since the first report)`).FindAllStringSubmatch(text(r.get(keyPath).doc), -1) {
		got = append(got, said[1])
	}
	if !slices.Equal(got, want) {
		t.Errorf("allowed in between: %v, want %v", got, want)
	}
}
