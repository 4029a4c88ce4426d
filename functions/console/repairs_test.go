package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

const keyPath = "/accounts/" + account + "/keys/" + keyID

// refusedUsage lets the key's usage have refusals of every kind.
func refusedUsage(r *harness) {
	reasons := func(pairs ...any) (by map[string]int64) {
		by = map[string]int64{}
		for i := 0; i < len(pairs); i += 2 {
			by[pairs[i].(string)] = int64(pairs[i+1].(int))
		}
		return by
	}
	r.api.on("GET /v1"+keyPath+"/usage", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(w, 200, api.Usage{
			Totals: api.UsageCounts{Requests: 900, Allowed: 800, Refused: 100, QpsBreaches: 5, ByReason: reasons(
				"domain_not_allowed", 60, "product_not_allowed", 20, "qps_exceeded", 9, "origin_missing", 5, "key_not_in_header", 5, "key_disabled", 3, "key_expired", 2)},
			ByOrigin: &[]api.UsageShare{
				{Name: "shop.example", Requests: 700, Refused: 5, ByReason: reasons("domain_not_allowed", 5)}, // since allowed
				{Name: "*refused", Requests: 9, Refused: 9, ByReason: reasons("domain_not_allowed", 9)},
				{Name: "-", Requests: 5, Refused: 5, ByReason: reasons("origin_missing", 5)},
				{Name: "few.example", Requests: 6, Refused: 6, ByReason: reasons("domain_not_allowed", 6)},
				{Name: "many.example", Requests: 40, Refused: 40, ByReason: reasons("domain_not_allowed", 40)},
				{Name: "busy.example", Requests: 5, Refused: 5, ByReason: reasons("qps_exceeded", 5)},
			},
			ByProduct: &[]api.UsageShare{
				{Name: "map-display", Requests: 800, ByReason: reasons("qps_exceeded", 5)},
				{Name: "search", Requests: 19, ByReason: reasons("product_not_allowed", 19)},
				{Name: "", Requests: 1, ByReason: reasons("product_not_allowed", 1)},
			},
		})
		return true
	})
}

// offeredRepairs lists all that the page offers against refusals, as buttons and links.
func offeredRepairs(doc *html.Node) (list []string) {
	elements(doc, func(n *html.Node) {
		if n.Data != "ul" || attr(n, "class") != "repairs" {
			return
		}
		elements(n, func(n *html.Node) {
			switch n.Data {
			case "form":
				for _, f := range fields(n) {
					list = append(list, attr(n, "action")+" "+f.name+"="+f.value)
				}
			case "a":
				list = append(list, attr(n, "href"))
			}
		})
	})
	return list
}

// TestARefusalOffersWhatHelps: for each reason what can be done about it, the most frequent first, and nothing that is done
// already or that the person may not do.
func TestARefusalOffersWhatHelps(t *testing.T) {
	domains := []string{keyPath + "/repair domain=many.example", keyPath + "/repair domain=few.example"}
	product := keyPath + "/repair product=search"
	limit := "/accounts/" + account + "/qps-requests/new?class=map-display&key=" + keyID
	for name, c := range map[string]struct {
		change func(*api.Me, *api.KeyWithSecret)
		want   []string
	}{
		"a customer of their own":     {func(*api.Me, *api.KeyWithSecret) {}, append(slices.Clone(domains), product, keyPath+"/edit#f-missing_origin")},
		"an enterprise":               {func(me *api.Me, _ *api.KeyWithSecret) { me.Accounts[0].Type = api.Enterprise }, append(slices.Clone(domains), product, limit, keyPath+"/edit#f-missing_origin")},
		"a limit that was lowered":    {func(_ *api.Me, k *api.KeyWithSecret) { k.Limits[0].Qps, k.Limits[0].FreeQps = 4, 10 }, append(slices.Clone(domains), product, keyPath+"/limits/map-display", keyPath+"/edit#f-missing_origin")},
		"in a header alone":           {func(_ *api.Me, k *api.KeyWithSecret) { k.HeaderOnly = true }, append(slices.Clone(domains), product, keyPath+"/edit#f-header_only", keyPath+"/edit#f-missing_origin")},
		"disabled":                    {func(_ *api.Me, k *api.KeyWithSecret) { k.Status, k.Disabled = api.Disabled, true }, append(slices.Clone(domains), product, keyPath+"/edit#f-missing_origin", keyPath+"/enable")},
		"expired":                     {func(_ *api.Me, k *api.KeyWithSecret) { k.Status = api.Expired }, append(slices.Clone(domains), product, keyPath+"/edit#f-missing_origin", keyPath+"/edit#f-expires_at")},
		"without domains":             {func(_ *api.Me, k *api.KeyWithSecret) { k.Domains = []string{} }, []string{product}},
		"with the product":            {func(_ *api.Me, k *api.KeyWithSecret) { k.Products = append(k.Products, "search") }, append(slices.Clone(domains), keyPath+"/edit#f-missing_origin")},
		"a viewer":                    {func(me *api.Me, _ *api.KeyWithSecret) { me.Accounts[0].Role = api.Viewer }, nil},
		"an operator":                 {func(me *api.Me, _ *api.KeyWithSecret) { me.Operator, me.Accounts = true, nil }, nil},
		"revoked":                     {func(_ *api.Me, k *api.KeyWithSecret) { k.Status = api.Revoked }, nil},
		"deleted":                     {func(_ *api.Me, k *api.KeyWithSecret) { k.Status, k.DeletedAt = api.Deleted, ptr(moment.Of(then)) }, nil},
		"the highest limit it can be": {func(me *api.Me, k *api.KeyWithSecret) { me.Accounts[0].Type, k.Limits[0].MaxQps = api.Enterprise, 10 }, append(slices.Clone(domains), product, keyPath+"/edit#f-missing_origin")},
	} {
		t.Run(name, func(t *testing.T) {
			r := newHarness(t, time.Hour)
			r.api.key.Domains = []string{"shop.example"}
			c.change(&r.api.me, &r.api.key)
			refusedUsage(r)
			r.api.on("GET /v1/accounts/"+account, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
				reply(w, 200, api.Account{Id: account, Name: "Demo", Type: api.Enterprise})
				return true
			})
			r.signIn("owner")
			page := r.get(keyPath)
			if got := offeredRepairs(page.doc); !slices.Equal(got, c.want) {
				t.Errorf("offered %q, want %q", got, c.want)
			}
		})
	}
}

// TestAHigherLimitIsOfferedAsFarAsItIsKnown: a number where the busiest minute was over the limit, and at least what it had; none where
// shorter bursts were, which the page says. Who may file no request is led to support, if there is an address.
func TestAHigherLimitIsOfferedAsFarAsItIsKnown(t *testing.T) {
	const bursts = "Shorter bursts went over the limit: 351 refused."
	ask := "/accounts/" + account + "/qps-requests/new?class=map-display&key=" + keyID
	for name, c := range map[string]struct {
		kind             api.AccountType
		minute, breaches int64
		most             int
		brand            bool
		text, to         string
	}{
		"shorter bursts":      {api.Enterprise, 240, 351, 1000, false, "Request a higher limit", ask},
		"a busy minute":       {api.Enterprise, 2341, 351, 1000, false, "Request 40 QPS", ask + "&qps=40"},
		"somewhat over it":    {api.Enterprise, 660, 351, 1000, false, "Request 15 QPS", ask + "&qps=15"},
		"over the maximum":    {api.Enterprise, 99999, 351, 30, false, "Request 30 QPS", ask + "&qps=30"},
		"self-serve":          {api.SelfServe, 2341, 351, 1000, true, "Contact support", "https://tmaps.example/help?form=keys&ref=" + account},
		"self-serve, nowhere": {api.SelfServe, 2341, 351, 1000, false, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWalker(t, "owner")
			if c.brand {
				w.rebrand(otherBrand)
			}
			w.state(func(me *api.Me, k *api.KeyWithSecret) {
				me.Accounts[0].Type = c.kind
				k.Limits = []api.Limit{{Class: "map-display", Product: "map-display", Name: "Map Display API", Qps: 10, DefaultQps: 10, FreeQps: 10, MaxQps: c.most}}
			})
			by := map[string]int64{"qps_exceeded": c.breaches}
			w.api.on("GET /v1"+keyPath+"/usage", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
				reply(out, 200, api.Usage{
					Totals: api.UsageCounts{Requests: 480, Allowed: 129, Refused: c.breaches, QpsBreaches: c.breaches, ByReason: by}, ByProduct: &[]api.UsageShare{{Name: "map-display", Requests: 480, ByReason: by}},
					BusiestMinute: &api.BusiestMinute{Requests: c.minute, Start: moment.Of(then)}, Series: []api.UsagePoint{{Start: moment.Of(then), Requests: 480, Allowed: 129, Refused: c.breaches, QpsBreaches: c.breaches}},
				})
				return true
			})
			page := w.ask(http.MethodGet, keyPath, nil, "Accept-Language", "en")
			if to := links(page.doc)[c.text]; c.text != "" && to != c.to {
				t.Errorf("%q leads to %q, want %q", c.text, to, c.to)
			}
			if got := offeredRepairs(page.doc); c.text == "" && len(got) > 0 || c.text != "" && len(got) != 1 {
				t.Errorf("offers %q", got)
			}
			if !strings.Contains(text(page.doc), bursts) {
				t.Error("the page doesn't say that bursts were over the limit")
			}
		})
	}
}

// TestALimitThatIsTooHighSaysHowHighItMayBe, and where there is more.
func TestALimitThatIsTooHighSaysHowHighItMayBe(t *testing.T) {
	for kind, c := range map[api.AccountType]struct{ says, to, never string }{
		api.SelfServe:  {"Enter 5 or less.", "https://tmaps.example/help?form=keys&ref=" + account, "equest a"},
		api.Enterprise: {"Enter 5 or less.", "/accounts/" + account + "/qps-requests/new?key=" + keyID + "&class=map-display", "upport"},
	} {
		w := newWalker(t, "owner")
		w.rebrand(otherBrand)
		w.state(func(me *api.Me, k *api.KeyWithSecret) {
			me.Accounts[0].Type = kind
			k.Limits = []api.Limit{{Class: "map-display", Product: "map-display", Name: "Map Display API", Qps: 5, DefaultQps: 5, FreeQps: 5, MaxQps: 1000}}
		})
		w.api.on("PUT /v1"+keyPath+"/limits/map-display", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 422, map[string]any{"code": "invalid", "status": 422, "errors": []any{map[string]any{"pointer": "/qps", "code": "not_free", "detail": "x"}}})
			return true
		})
		page := w.ask(http.MethodPost, keyPath+"/limits/map-display", url.Values{"qps": {"50"}, "was": {"5"}}, "Accept-Language", "en")
		var card *html.Node
		elements(page.doc, func(n *html.Node) {
			if n.Data == "section" && strings.Contains(attr(n, "class"), "confirm") {
				card = n
			}
		})
		if card == nil {
			t.Fatalf("%s: %d %s", kind, page.StatusCode, text(page.doc))
		}
		said := strings.ReplaceAll(text(card), "requests per second", "")
		if !strings.Contains(said, c.says) || strings.Contains(said, c.never) && kind == api.SelfServe {
			t.Errorf("%s: %s", kind, said)
		}
		leads := false
		for _, to := range links(page.doc) {
			leads = leads || to == c.to
		}
		if !leads {
			t.Errorf("%s: leads to %v", kind, links(page.doc))
		}
	}
}

// TestARepairAddsToTheKeyAsItIsNow: what others have changed since the page was read stays, and pressing it twice does no more.
func TestARepairAddsToTheKeyAsItIsNow(t *testing.T) {
	patch := "PATCH /v1" + keyPath
	for name, c := range map[string]struct {
		form url.Values
		want map[string]any // nil: nothing is changed
		said bool           // that it has it now
	}{
		"a domain":           {url.Values{"domain": {"many.example"}}, map[string]any{"domains": []any{"added-meanwhile.example", "many.example"}}, true},
		"a product":          {url.Values{"product": {"search"}}, map[string]any{"products": []any{"map-display", "search"}}, true},
		"a domain it has":    {url.Values{"domain": {"added-meanwhile.example"}}, nil, true},
		"a product it has":   {url.Values{"product": {"map-display"}}, nil, true},
		"nothing":            {nil, nil, false},
		"an unknown product": {url.Values{"product": {"no-such"}}, map[string]any{"products": []any{"map-display", "no-such"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newHarness(t, time.Hour)
			r.signIn("owner")
			r.get(keyPath)
			r.api.mu.Lock()
			r.api.key.Domains, r.api.key.Version = []string{"added-meanwhile.example"}, 8
			r.api.mu.Unlock()
			r.api.on(patch, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(w, 200, r.api.key); return true })
			page := r.post(keyPath+"/repair", c.form)
			if page.Request.URL.Path != keyPath || page.StatusCode != 200 || strings.Contains(text(page.doc), "This takes effect within 10 seconds.") != c.said {
				t.Errorf("%d at %s: %s", page.StatusCode, page.Request.URL.Path, text(page.doc))
			}
			made := r.api.seen(patch)
			if c.want == nil {
				if len(made) > 0 {
					t.Errorf("changed %v", made)
				}
				return
			}
			var got map[string]any
			if len(made) != 1 || made[0].match != `"8"` || json.Unmarshal([]byte(made[0].body), &got) != nil {
				t.Fatalf("%v", made)
			}
			want, _ := json.Marshal(c.want)
			if sent, _ := json.Marshal(got); string(sent) != string(want) {
				t.Errorf("sent %s, want %s", sent, want)
			}
		})
	}
}

// TestARefusedRepairLeadsToTheForm that has what was to be added, with what is wrong with it.
func TestARefusedRepairLeadsToTheForm(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.api.key.Domains = []string{"shop.example"}
	r.api.on("PATCH /v1"+keyPath, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		problem(w, 422, "invalid", api.FieldError{Pointer: "/domains/1", Code: "no_such_code"})
		return true
	})
	r.signIn("owner")
	page := r.post(keyPath+"/repair", url.Values{"domain": {"many.example"}})
	again := forms(page.doc)
	i := slices.IndexFunc(again, func(f formOf) bool { return f.action == keyPath+"/edit" })
	if page.StatusCode != http.StatusUnprocessableEntity || i < 0 || again[i].values().Get("domains") != "shop.example\nmany.example" || !strings.Contains(text(page.doc), "many.example: Check this value.") {
		t.Errorf("%d: %s", page.StatusCode, text(page.doc))
	}
}
