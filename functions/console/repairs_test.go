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
	limit := "/accounts/" + account + "/qps-requests/new?class=map-display&key=" + keyID + "&qps=15"
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
