package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
	"latchkey/shared/usage"
)

const cert = "DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09"

func androidApp(sha1 string) map[string]any {
	return map[string]any{"platform": "android", "package": "com.example.app", "sha1": sha1}
}

// TestAnEntryThatIsRefusedSaysWhichOneAndWhatIsMeant: for networks and apps, in a new key, an edit and a proposal.
func TestAnEntryThatIsRefusedSaysWhichOneAndWhatIsMeant(t *testing.T) {
	r := newHarness(t)
	k := r.create(t, nil)
	for name, tt := range map[string]struct {
		body       map[string]any
		pointer    string
		code       string
		suggestion any
	}{
		"host bits":            {map[string]any{"networks": []string{"203.0.113.0/24", "192.0.2.1/24"}}, "/networks/1", "network_host_bits", "192.0.2.0/24"},
		"a zone":               {map[string]any{"networks": []string{"fe80::1%eth0"}}, "/networks/0", "network_zone", "fe80::1/128"},
		"all":                  {map[string]any{"networks": []string{"0.0.0.0/0"}}, "/networks/0", "network_all", nil},
		"too many":             {map[string]any{"networks": strings.Split(strings.Repeat("203.0.113.7 ", apikey.MaxNetworks)+"203.0.113.7", " ")}, "/networks", "too_many", nil},
		"no SHA-1":             {map[string]any{"apps": []any{androidApp("DA39")}}, "/apps/0", "app_sha1", nil},
		"dashes":               {map[string]any{"apps": []any{androidApp(strings.ReplaceAll(cert, ":", "-"))}}, "/apps/0", "app_sha1", "android com.example.app " + cert},
		"no platform":          {map[string]any{"apps": []any{map[string]any{"platform": "windows", "bundle_id": "com.example.app"}}}, "/apps/0", "app_platform", "ios com.example.app"},
		"a member of another":  {map[string]any{"apps": []any{map[string]any{"platform": "ios", "bundle_id": "com.example.app", "sha1": cert}}}, "/apps/0", "app_member", nil},
		"a member of none":     {map[string]any{"apps": []any{map[string]any{"platform": "ios", "bundle_id": "com.example.app", "Package": "x"}}}, "/apps/0", "wrong_type", nil},
		"null among the apps":  {map[string]any{"apps": []any{nil}}, "/apps/0", "wrong_type", nil},
		"a null member":        {map[string]any{"apps": []any{map[string]any{"platform": "ios", "bundle_id": nil}}}, "/apps/0", "wrong_type", nil},
		"a text among apps":    {map[string]any{"apps": []any{"ios com.example.app"}}, "/apps/0", "wrong_type", nil},
		"a number for a block": {map[string]any{"networks": []any{7}}, "/networks/0", "wrong_type", nil},
	} {
		for path, method := range map[string]string{r.path(k): "PATCH", r.path(k) + "/proposal": "PUT"} {
			got := r.Want(t, 422, apitest.Call{As: "developer", Method: method, Path: path, Body: tt.body, Headers: map[string]string{"If-Match": "*"}}).JSON(t)
			e := got["errors"].([]any)[0].(map[string]any)
			if e["pointer"] != tt.pointer || e["code"] != tt.code || e["suggestion"] != tt.suggestion {
				t.Errorf("%s: %v", name, e)
			}
		}
	}
}

// TestAPolicyRecordStaysShort: lists that each are within their bounds may be too long together. What is too long already stays.
func TestAPolicyRecordStaysShort(t *testing.T) {
	r := newHarness(t)
	long := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("%s.d%03d.example", strings.Repeat(strings.Repeat("a", 60)+".", 3)+"a", i))
		}
		return list
	}
	k := r.create(t, map[string]any{"domains": long(70)})
	edit := func(want int, body map[string]any) {
		t.Helper()
		r.Want(t, want, apitest.Call{As: "developer", Method: "PATCH", Path: r.path(k), Body: body, Headers: map[string]string{"If-Match": "*"}})
	}
	edit(422, map[string]any{"domains": long(100)})
	r.Want(t, 422, apitest.Call{As: "developer", Method: "PUT", Path: r.path(k) + "/proposal", Body: map[string]any{"domains": long(20)}})
	before := r.stored(t, k)
	after := before
	after.Domains = long(100)
	if _, err := r.Control.Commit(t.Context(), control.Change{Before: &before, After: after, Audit: keytest.Row(r.account.ID, "key.edit", before.ID)}); err != nil {
		t.Fatal(err)
	}
	if authz.RecordSize(after) <= authz.MaxRecord {
		t.Fatal("the key is short")
	}
	edit(200, map[string]any{"name": "Another"})
	edit(422, map[string]any{"networks": []string{"192.0.2.0/24"}})
	edit(200, map[string]any{"domains": long(60), "networks": []string{"192.0.2.0/24"}})
}

// TestAKeySaysWhatHasLessEffectThanItSeems, and nothing else.
func TestAKeySaysWhatHasLessEffectThanItSeems(t *testing.T) {
	r := newHarness(t)
	for want, body := range map[string]map[string]any{
		"[]": {
			"domains":        []string{"example.com", "de.example.com", "fr.wikipedia.org", "uk.example.org", "eu.example.com"},
			"missing_origin": "deny", "networks": []string{"8.8.8.0/24"},
		},
		"[missing_origin_allowed]": {"domains": []string{"example.com"}, "missing_origin": "allow"},
		"[app_among_domains]":      {"domains": []string{"com.example.app"}, "missing_origin": "deny"},
		"[networks_private]":       {"networks": []string{"10.0.0.0/8", "8.8.8.0/24"}, "missing_origin": "allow"},
	} {
		if got := fmt.Sprint(r.create(t, body)["warnings"]); got != want {
			t.Errorf("%v: %s, want %s", body, got, want)
		}
	}
}

// TestATestedCallComesFromWhereItSays: else from where the request comes from, as the gateway saw that.
func TestATestedCallComesFromWhereItSays(t *testing.T) {
	r := newHarness(t)
	first := androidApp(cert)
	first["package"] = "com.example.aaa" // the answer names neither the first app nor the first network
	k := r.create(t, map[string]any{"networks": []string{"192.0.2.0/24", "203.0.113.0/24"}, "apps": []any{androidApp(cert), first}, "missing_origin": "allow"})
	app := map[string]any{"android_package": "com.example.app", "android_cert": strings.ReplaceAll(cert, ":", "")}
	with := func(more ...string) map[string]any {
		body := map[string]any{}
		for name, value := range app {
			body[name] = value
		}
		for i := 0; i < len(more); i += 2 {
			body[more[i]] = more[i+1]
		}
		return body
	}
	for name, tt := range map[string]struct {
		body map[string]any
		want string
	}{
		"on both lists":     {with("source_ip", "203.0.113.9"), "allowed unrestricted 203.0.113.0/24 android com.example.app " + cert},
		"IPv4-mapped":       {with("source_ip", "::ffff:203.0.113.9"), "allowed unrestricted 203.0.113.0/24 android com.example.app " + cert},
		"another network":   {with("source_ip", "198.51.100.9"), "ip_not_allowed ip_not_allowed <nil> android com.example.app " + cert},
		"another app":       {with("source_ip", "203.0.113.9", "android_package", "com.example.other"), "app_not_allowed app_not_allowed 203.0.113.0/24 <nil>"},
		"neither":           {map[string]any{"source_ip": "198.51.100.9"}, "ip_not_allowed ip_not_allowed <nil> <nil>"},
		"two apps":          {with("source_ip", "203.0.113.9", "ios_bundle_identifier", "com.example.app"), "app_not_allowed app_not_allowed 203.0.113.0/24 <nil>"},
		"the network alone": {map[string]any{"source_ip": "203.0.113.9"}, "app_not_allowed app_not_allowed 203.0.113.0/24 <nil>"},
	} {
		got := r.Want(t, 200, apitest.Call{As: "viewer", Method: "POST", Path: r.path(k) + "/test", Body: tt.body}).JSON(t)
		if text := fmt.Sprint(got["code"], " ", got["rule"], " ", got["network"], " ", got["app"]); text != tt.want {
			t.Errorf("%s: %s", name, text)
		}
	}
	r.Want(t, 422, apitest.Call{As: "viewer", Method: "POST", Path: r.path(k) + "/test", Body: map[string]any{"source_ip": "here"}})
	for source, want := range map[string]string{"203.0.113.7": "203.0.113.0/24", "198.51.100.7": ""} {
		request := httptest.NewRequest(http.MethodPost, "/", nil)
		request.SetPathValue("key", k["id"].(string))
		w := httptest.NewRecorder()
		err := r.handler.test(w, request, gateway.Principal{Account: r.account.ID, Role: account.Viewer, SourceIP: source})
		if err != nil || strings.Contains(w.Body.String(), `"network":"`+want) != (want != "") {
			t.Errorf("from %s: %v %s", source, err, w.Body)
		}
	}
}

// seenRows is a counter store in which a key was called.
type seenRows struct {
	rows
	days []usage.Row
	in   counters.Range
}

func (s *seenRows) KeyRows(_ context.Context, _ account.ID, _ apikey.ID, in counters.Range) ([]usage.Row, error) {
	s.in = in
	return s.days, nil
}

// TestWhatWasSeenIsProposedAndEveryCallIsAccountedFor: refused, let through, or not known.
func TestWhatWasSeenIsProposedAndEveryCallIsAccountedFor(t *testing.T) {
	r := newHarness(t)
	seen := &seenRows{rows: r.handler.counters, days: []usage.Row{{Counts: usage.Counts{
		"c:c:allowed": 90_114, "o:shop.example:allowed": 90_000, "o:app://localhost:allowed": 60, "o:127.0.0.1:allowed": 30, "o:intranet:allowed": 5, "o:-:allowed": 7,
		"o:*:allowed": 12, "o:evil.example:domain_not_allowed": 400, "c:c:domain_not_allowed": 400,
	}}}}
	r.handler.counters = seen
	for missing, refused := range map[string]string{"deny": "12", "allow": "5"} {
		k := r.create(t, map[string]any{"missing_origin": missing})
		r.Want(t, 200, apitest.Call{As: "developer", Method: "PUT", Path: r.path(k) + "/proposal", Body: map[string]any{"products": []string{"search"}, "networks": []string{"203.0.113.0/24"}}})
		r.Clock.Advance(time.Hour)
		began := moment.Format(r.Source.Time()) // what was proposed before judged other calls
		got := r.post(t, 200, "developer", k, "proposal/from-usage", nil).JSON(t)
		proposed := got["key"].(map[string]any)["proposed"].(map[string]any)
		if text := fmt.Sprint(proposed["domains"], proposed["products"], proposed["networks"]); text != "[127.0.0.1 app://localhost shop.example] [search] [203.0.113.0/24]" {
			t.Errorf("%s: proposed are %s", missing, text)
		}
		if text := fmt.Sprint(got["allowed"], got["would_refuse"], got["unkept"]); text != "90114 "+refused+" 12" {
			t.Errorf("%s: %s", missing, text)
		}
		version := got["key"].(map[string]any)["version"]
		r.Clock.Advance(time.Hour)
		again := r.post(t, 200, "developer", k, "proposal/from-usage", nil).JSON(t)["key"].(map[string]any)
		if again["version"] != version {
			t.Errorf("%s: the same again writes version %v of %v", missing, again["version"], version)
		}
		if since := again["proposed"].(map[string]any)["since"]; proposed["since"] != began || since != began {
			t.Errorf("%s: proposed since %v and, the same again, since %v, want %s", missing, proposed["since"], since, began)
		}
		r.post(t, 403, "viewer", k, "proposal/from-usage", nil)
	}
	if days := seen.in.To.Sub(seen.in.From).Hours() / 24; days != 30 || !seen.in.Days || !seen.in.To.After(r.Source.Time()) {
		t.Errorf("it looks at %v", seen.in)
	}
	k := r.create(t, nil)
	got := r.post(t, 200, "developer", k, "proposal/from-usage", nil).JSON(t)
	if from, to := moment.Format(seen.in.From), moment.Format(seen.in.To); got["from"] != from || got["to"] != to {
		t.Errorf("%v to %v, want %s to %s", got["from"], got["to"], from, to)
	}
	seen.days = []usage.Row{{Counts: usage.Counts{"c:c:allowed": 7, "o:-:allowed": 7}}}
	k = r.create(t, nil)
	if got := r.post(t, 200, "developer", k, "proposal/from-usage", nil).JSON(t); got["key"].(map[string]any)["proposed"] != nil || got["would_refuse"] != 0.0 {
		t.Errorf("nothing was seen: %v", got)
	}
}

// TestAsManyPagesAreProposedAsAKeyMayHave: those with the most calls, and what the others called would be refused.
func TestAsManyPagesAreProposedAsAKeyMayHave(t *testing.T) {
	host := func(i int) usage.Share {
		return usage.Share{Name: fmt.Sprintf("n%03d.example.com", i), Totals: usage.Totals{Allowed: int64(1000 - i), Requests: int64(1000 - i)}}
	}
	seen := usage.Seen{}
	for i := range apikey.MaxDomains {
		seen.Hosts = append(seen.Hosts, host(i))
	}
	if domains, refused := seenDomains(nil, seen, apikey.MissingOriginAllow); len(domains) != 100 || refused != 0 {
		t.Errorf("%d of 100, %d refused", len(domains), refused)
	}
	seen.Hosts = append(seen.Hosts, host(100), host(101))
	if domains, refused := seenDomains(nil, seen, apikey.MissingOriginAllow); len(domains) != 100 || domains[99] != "n099.example.com" || refused != 900+899 {
		t.Errorf("%d of 102, %d refused", len(domains), refused)
	}
}

// TestAStackThatSeesNoAddressesGivesNoKeyNetworks, and leaves those that keys have: the gate goes on refusing.
func TestAStackThatSeesNoAddressesGivesNoKeyNetworks(t *testing.T) {
	r := newHarness(t)
	networks := map[string]any{"networks": []string{"203.0.113.0/24"}}
	k, proposing := r.create(t, networks), r.create(t, nil)
	r.Want(t, 200, apitest.Call{As: "developer", Method: "PUT", Path: r.path(proposing) + "/proposal", Body: networks})
	r.handler.hidden = true
	refused := func(got apitest.Answer) {
		t.Helper()
		if e := got.JSON(t)["errors"].([]any)[0].(map[string]any); e["code"] != "networks_unavailable" || e["pointer"] != "/networks" {
			t.Errorf("%v", e)
		}
	}
	edit := func(status int, body map[string]any) apitest.Answer {
		t.Helper()
		return r.Want(t, status, apitest.Call{As: "developer", Method: "PATCH", Path: r.path(k), Body: body, Headers: map[string]string{"If-Match": "*"}})
	}
	refused(r.Want(t, 422, apitest.Call{As: "developer", Method: "POST", Path: r.keys(), Body: map[string]any{
		"name": "n", "usage": "backend", "products": []string{"search"}, "networks": []string{"203.0.113.0/24"},
	}}))
	refused(r.Want(t, 422, apitest.Call{As: "developer", Method: "PUT", Path: r.path(proposing) + "/proposal", Body: networks}))
	refused(r.post(t, 422, "developer", proposing, "proposal/promote", nil))
	refused(edit(422, map[string]any{"networks": []string{"203.0.113.0/24", "198.51.100.0/24"}}))
	edit(200, map[string]any{"networks": []string{"203.0.113.0/24"}, "name": "Another"})
	edit(200, map[string]any{"networks": []string{}})
	refused(edit(422, networks))
}
