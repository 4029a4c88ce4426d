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
	"latchkey/shared/apikey"
	"latchkey/shared/moment"
)

// realSecret is a secret of the format, and its preview.
func realSecret(t *testing.T, fill byte) (text, preview string) {
	t.Helper()
	secret, err := apikey.Prefix("ak").Generate(strings.NewReader(strings.Repeat(string(fill), 64)))
	if err != nil {
		t.Fatal(err)
	}
	return secret.Reveal(), secret.Preview()
}

// pasting is a console whose key has a secret that can be pasted.
func pasting(t *testing.T, change func(*api.KeyWithSecret)) (r *harness, secret string, asked func() []string) {
	r = newHarness(t, time.Hour)
	secret, r.api.key.Preview = realSecret(t, 'a')
	change(&r.api.key)
	route := "POST /v1" + keyPath + "/test"
	r.api.on(route, func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
		var sent api.TestKey
		_ = json.Unmarshal(body, &sent)
		allowed := len(r.api.key.Domains) == 0 || sent.Origin != nil && covered(r.api.key.Key, *sent.Origin)
		code := api.DecisionCode("domain_not_allowed")
		if allowed {
			code = "allowed"
		}
		reply(w, 200, api.TestResult{Allowed: allowed, Code: code})
		return true
	})
	r.signIn("owner")
	return r, secret, func() (origins []string) {
		for _, c := range r.api.seen(route) {
			var sent api.TestKey
			_ = json.Unmarshal([]byte(c.body), &sent)
			if sent.Origin != nil {
				origins = append(origins, *sent.Origin)
			}
		}
		return origins
	}
}

// calling is the call that the page's script makes; nil if it makes none.
func calling(doc *html.Node) (card *html.Node) {
	elements(doc, func(n *html.Node) {
		if has(n, "data-call") {
			card = n
		}
	})
	return card
}

// TestAPageCallsOnlyForAKeyThatAllowsIt: the browser's script gets the secret, and the policy lets it call, where the key allows the
// console's own page. Elsewhere the page says what the gate would answer to the customer's page, and shows the command for it.
func TestAPageCallsOnlyForAKeyThatAllowsIt(t *testing.T) {
	for name, c := range map[string]struct {
		domains       []string
		page          string // that was asked about before
		calls, header bool
		origin, says  string
	}{
		"no domains":         {nil, "", true, false, "", "Sending the first request"},
		"a domain of others": {[]string{"*.shop.example"}, "", false, false, "https://www.shop.example", "This key doesn’t accept requests from the console"},
		"a page that may":    {[]string{"shop.example"}, "shop.example/map", false, false, "https://shop.example", "Allowed."},
		"a page":             {[]string{"shop.example"}, "https://evil.example/map", false, false, "https://evil.example", "Refused. Domain not allowed"},
		"a header":           {nil, "", true, true, "", "Sending the first request"},
	} {
		t.Run(name, func(t *testing.T) {
			r, secret, asked := pasting(t, func(k *api.KeyWithSecret) {
				k.HeaderOnly = c.header
				if k.Domains = c.domains; c.domains == nil {
					k.Domains = []string{}
				}
			})
			form := url.Values{"secret": {secret}}
			if c.page != "" {
				form.Set("origin", c.page)
			}
			page := r.post(keyPath+"/try", form)
			shown := text(page.doc)
			want := c.origin
			if want == "" {
				want = r.url
			}
			if got := asked(); len(got) != 1 || got[0] != want {
				t.Errorf("asked about %q, want %q", got, want)
			}
			card, policy := calling(page.doc), page.Header.Get("Content-Security-Policy")
			if (card != nil) != c.calls || strings.Contains(policy, "connect-src 'self' https://products.example;") != c.calls || strings.Contains(policy, "img-src 'self' ") {
				t.Errorf("calls: %v, policy %s", card != nil, policy)
			}
			if card != nil && (attr(card, "data-key") != secret || attr(card, "data-call") != "https://products.example/map/1/tile/basic/main/0/0/0.png") {
				t.Errorf("the script is given %+v", card.Attr)
			}
			if page.StatusCode != 200 || !strings.Contains(shown, c.says) || !strings.Contains(shown, secret) || strings.Contains(shown, placeholder) {
				t.Errorf("%d: %s", page.StatusCode, shown)
			}
			if command := "-H 'Origin: " + c.origin + "'"; c.origin != "" && !strings.Contains(shown, command) {
				t.Errorf("no command with %s: %s", command, shown)
			}
		})
	}
}

// TestAPastedKeyIsNowhereElse: in no address, log, cookie, stored session or call of the API, and in no page that follows.
func TestAPastedKeyIsNowhereElse(t *testing.T) {
	r, secret, _ := pasting(t, func(*api.KeyWithSecret) {})
	other, _ := realSecret(t, 'b')
	call := "https://products.example/maps/1/tiles/basic/0/0/0.png?view=Unified&key=" + secret
	for _, pasted := range []string{
		secret, other, secret[:20], "'" + secret + "'", "key=" + secret, "X-Api-Key: " + secret, call, "curl -sS -f -o tile.png '" + call + "' -H 'Origin: https://www.example.com'", "\u200e" + secret + "\u200f",
		"see " + secret[:20] + "\u200b" + secret[20:], call[:len(call)-1], "key=" + other,
	} {
		page := r.post(keyPath+"/try", url.Values{"secret": {pasted}})
		if page.Header.Get("Cache-Control") != "no-store" || strings.Contains(page.Request.URL.String(), secret[:12]) || len(page.Header["Set-Cookie"]) > 0 {
			t.Errorf("%v at %s", page.Header, page.Request.URL)
		}
		if good := strings.Contains(strings.ReplaceAll(pasted, "\u200b", ""), secret); good != strings.Contains(page.text, secret) || good == (page.StatusCode == http.StatusUnprocessableEntity) {
			t.Errorf("%s: %d", pasted, page.StatusCode)
		} else if good && page.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Error("addresses of a page with a secret are sent on")
		}
		if strings.Contains(page.text, other) {
			t.Error("another key's secret is shown")
		}
		elements(page.doc, func(n *html.Node) {
			for _, a := range n.Attr {
				if (a.Key == "href" || a.Key == "action" || a.Key == "src") && strings.Contains(a.Val, "ak_") {
					t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
				}
			}
		})
	}
	r.api.mu.Lock()
	for _, c := range r.api.calls {
		if strings.Contains(c.uri+c.body, secret[:12]) || strings.Contains(c.uri+c.body, other[:12]) {
			t.Errorf("the API was told: %+v", c)
		}
	}
	r.api.mu.Unlock()
	if logs := r.logs.String(); strings.Contains(logs, secret[:12]) || strings.Contains(logs, other[:12]) {
		t.Error(logs)
	}
	if again := r.get(keyPath + "/try"); strings.Contains(again.text, secret) || calling(again.doc) != nil {
		t.Error("the page after it has the key")
	}
}

// TestTheSecretOfARotationCanBeTriedToo, as long as it is shown; of another key it says what this one's look like.
func TestTheSecretOfARotationCanBeTriedToo(t *testing.T) {
	old, preview := realSecret(t, 'c')
	r, _, _ := pasting(t, func(k *api.KeyWithSecret) {
		k.PreviousPreview, k.PreviousSecretExpiresAt = &preview, ptr(moment.Of(then))
	})
	if page := r.post(keyPath+"/try", url.Values{"secret": {old}}); page.StatusCode != 200 || !strings.Contains(page.text, old) {
		t.Errorf("%d: %s", page.StatusCode, text(page.doc))
	}
	other, _ := realSecret(t, 'd')
	if page := r.post(keyPath+"/try", url.Values{"secret": {other}}); page.StatusCode != 422 || !strings.Contains(text(page.doc), "This isn’t the secret of this key, which looks like "+r.api.key.Preview) {
		t.Errorf("%d: %s", page.StatusCode, text(page.doc))
	}
}

// TestAPastedKeyIsTriedAsWasTestedBefore: from that address and of that app too, also where the first secret was another key's.
func TestAPastedKeyIsTriedAsWasTestedBefore(t *testing.T) {
	r, secret, _ := pasting(t, func(k *api.KeyWithSecret) {
		k.Networks, k.Apps = []string{"203.0.113.0/24"}, []api.App{{Platform: "ios", BundleId: ptr("com.example.app")}}
	})
	page := r.get(keyPath + "/try?origin=https://a.example&address=203.0.113.7&app=ios+com.example.app")
	for _, pasted := range []string{"nonsense", secret} {
		i := slices.IndexFunc(forms(page.doc), func(f formOf) bool { return f.action == keyPath+"/try" && f.values().Has("secret") })
		if i < 0 {
			t.Fatalf("no form for a secret: %s", text(page.doc))
		}
		sent := forms(page.doc)[i].values()
		sent.Set("secret", pasted)
		page = r.post(keyPath+"/try", sent)
	}
	asked := r.api.seen("POST /v1" + keyPath + "/test")
	if len(asked) != 2 || asked[0].body != asked[1].body || !strings.Contains(asked[1].body, "203.0.113.7") || !strings.Contains(asked[1].body, "com.example.app") {
		t.Errorf("the gate is asked %v", asked)
	}
}
