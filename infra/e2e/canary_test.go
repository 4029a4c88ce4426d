package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A live secret that somebody puts where none belongs comes back in no answer and no page. That it is in no file, item,
// event and log line is what the scan at the end of the suite looks for; the runner redacts nothing here.
func TestASecretThatWasPutAnywhereIsNowhere(t *testing.T) {
	t.Parallel()
	s, account := shared, shared.newAccount(t, "owner")
	k := s.newKey(t, account, `{"name":"canary","usage":"backend","products":["map-display"]}`)
	other := s.newKey(t, account, `{"name":"beside","usage":"backend","products":["map-display"]}`)
	secret, encoded := k.secret, "%61%6B_"+k.secret[len("ak_"):]
	clean := func(what string, a answer) {
		t.Helper()
		var head bytes.Buffer
		_ = a.header.Write(&head)
		text := head.String() + string(a.body)
		if strings.Contains(text, secret) || strings.Contains(text, encoded) || strings.Contains(text, secret[len("ak_"):]) {
			t.Errorf("%s: %d answers with the secret: %.300s", what, a.status, text)
		}
		if a.status >= 500 {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	// Where no credential is read, with the key that is in them, with another one, and without any.
	headers := map[string]string{
		"Referer": "https://example.com/?key=" + secret, "User-Agent": "curl " + secret, "X-Request-Id": secret, "X-Amzn-Trace-Id": "Root=" + secret,
		"Origin": "https://x-" + strings.ReplaceAll(secret, "_", "-") + ".example.com", "Cookie": "key=" + secret, "X-Forwarded-For": secret, "Accept": secret,
		"X-" + strings.ReplaceAll(secret, "_", "-"): "1", "Authorization": "Basic " + secret,
	}
	for _, credential := range []string{secret, other.secret, ""} {
		for _, form := range []string{secret, encoded} {
			for _, path := range []string{"/map/1/" + form, "/map/1/" + form + "/x.png", "/" + form, "/map/1/x;k=" + form, "//" + form, "/map/" + form + "%2Fx"} {
				clean(path, s.product(t, path, http.Header{"X-Api-Key": {credential}}))
			}
			for _, query := range []string{"x=" + form, form, form + "=1", "key[]=" + form, "view=" + form + "&key=" + credential} {
				clean(query, s.product(t, "/map/1/tile/x.png?"+query, http.Header{"X-Api-Key": {credential}}))
			}
		}
		for name, value := range headers {
			clean(name, s.product(t, "/map/1/tile/x.png", http.Header{"X-Api-Key": {credential}, name: {value}}))
		}
		for _, method := range []string{"OPTIONS", "HEAD", "POST", "TRACE", strings.ToUpper(strings.ReplaceAll(secret, "_", "-"))} {
			clean(method, raw(t, method, s.ProductsURL, "/map/1/"+secret, http.Header{"X-Api-Key": {credential}}, ""))
		}
		clean("a body", raw(t, "POST", s.ProductsURL, "/map/1/tile", http.Header{"X-Api-Key": {credential}}, secret))
	}
	canaryInManagement(t, s, account, k, clean, headers)
	canaryInConsole(t, s, account, k, clean)
}

func canaryInManagement(t *testing.T, s *stack, account string, k key, clean func(string, answer), headers map[string]string) {
	t.Helper()
	secret := k.secret
	for _, person := range []string{"owner", "", "Bearer " + secret} {
		for _, path := range []string{
			account + "/keys/" + secret, "/v1/" + secret, "/v1/accounts/" + secret, "/" + secret, account + "/keys?page_token=" + secret, account + "/keys?q=" + secret,
			account + "/audit?page_token=" + secret, k.path + "/usage?from=" + secret, "/v1/products?x=" + secret,
		} {
			clean(path, s.manage(t, person, "GET", path, ""))
		}
		for name, value := range headers {
			if name != "Authorization" {
				clean(name, s.manage(t, person, "GET", k.path, "", name, value))
			}
		}
		for what, body := range map[string]string{
			"a name": `{"name":%q,"usage":"backend","products":["map-display"]}`, "text around it": `{"name":"see %s here","usage":"backend","products":["map-display"]}`,
			"a type": `{"name":"x","usage":%q,"products":["map-display"]}`, "a product": `{"name":"x","usage":"backend","products":[%q]}`,
			"an origin": `{"name":"x","usage":"frontend","products":["map-display"],"domains":["https://%s.example.com"]}`, "no JSON": `%s`,
		} {
			clean(what, s.manage(t, person, "POST", account+"/keys", fmt.Sprintf(body, secret)))
		}
		clean("an If-Match", s.manage(t, person, "PATCH", k.path, `{"name":"canary"}`, "If-Match", `"`+secret+`"`))
		clean("an Idempotency-Key", s.manage(t, person, "POST", account+"/keys", `{"name":"x","usage":"backend","products":["map-display"]}`, "Idempotency-Key", `"`+secret+`"`))
		clean("a token of an invitation", s.manage(t, person, "POST", "/v1/invitations/accept", fmt.Sprintf(`{"token":%q}`, secret)))
		clean("a reason", s.manage(t, person, "POST", "/v1/operator/keys/"+k.id+"/block", fmt.Sprintf(`{"reason":"leaked: %s"}`, secret)))
		clean("a subject", s.manage(t, person, "PUT", account+"/members/"+secret, `{"role":"viewer"}`))
		clean("an address", s.manage(t, person, "POST", account+"/invitations", fmt.Sprintf(`{"role":"viewer","email":"%s@example.com"}`, secret)))
		clean("a justification", s.manage(t, person, "POST", account+"/qps-requests",
			fmt.Sprintf(`{"key_id":%q,"product":"map-display","requested_qps":20,"justification":"Please raise %s"}`, k.id, secret)))
	}
	// Names that the API doesn't know are named to the one who sent them, and to nobody else.
	for what, send := range map[string][2]string{"a parameter's name": {"GET", account + "/keys?" + secret + "=1"}, "a member's name": {"POST", account + "/keys"}} {
		body := map[string]string{"POST": fmt.Sprintf(`{%q:1}`, secret)}[send[0]]
		if a := unnoted(t, s, send[0], send[1], body); a.status != http.StatusBadRequest && a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	clean("a reason of an operator", s.manage(t, "operator", "POST", "/v1/operator/keys/"+k.id+"/block", fmt.Sprintf(`{"reason":"leaked: %s"}`, secret)))
}

func canaryInConsole(t *testing.T, s *stack, account string, k key, clean func(string, answer)) {
	t.Helper()
	cookie := (&maker{records: &records{}, t: t, s: s}).signIn("owner")
	id := account[len("/v1/accounts/"):]
	for _, session := range []string{cookie, "", "__Host-session=" + k.secret} {
		for _, path := range []string{"/" + k.secret, "/accounts/" + k.secret, "/accounts/" + id + "/keys/" + k.secret, "/?x=" + k.secret, "/sign-in?return=/" + k.secret, "/callback?code=" + k.secret + "&state=" + k.secret} {
			clean("the page "+path, browse(t, "GET", s.ConsoleURL+path, "", session))
		}
		clean("a form", browse(t, "POST", s.ConsoleURL+"/accounts/"+id+"/keys", url.Values{"name": {k.secret}}.Encode(), session))
	}
	for _, path := range []string{"", "/keys", "/keys/" + k.id, "/audit", "/members", "/usage"} {
		clean("the page "+path, browse(t, "GET", s.ConsoleURL+"/accounts/"+id+path, "", cookie))
	}
}

// unnoted calls the management API as an owner without keeping what comes back.
func unnoted(t *testing.T, s *stack, method, path, body string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.ManagementURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Tokens["owner"])
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return received(t, res)
}
