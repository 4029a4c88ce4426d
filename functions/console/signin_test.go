package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// stop makes the browser show redirects to other hosts instead of following them.
func (r *harness) stop() {
	r.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
}

func TestSignInGoesOutWithPKCEStateAndNonce(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.stop()
	first, second := r.get("/sign-in"), r.get("/sign-in")
	to, _ := first.Location()
	q := to.Query()
	if q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 ||
		q.Get("redirect_uri") != r.url+"/callback" || !strings.Contains(q.Get("scope"), "openid") {
		t.Errorf("the request for a code is %s", to)
	}
	again, _ := second.Location()
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if q.Get(name) == "" || q.Get(name) == again.Query().Get(name) {
			t.Errorf("%s is missing or the same twice", name)
		}
	}
	c := first.Cookies()[0]
	if c.Name != signinCookie+"-"+q.Get("state") || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
		t.Errorf("the cookie on the way: %v", c)
	}
}

func TestACallbackThatBelongsToNobodyStartsNoSession(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.stop()
	to, _ := r.get("/sign-in").Location()
	state := to.Query().Get("state")
	for name, query := range map[string]url.Values{
		"another state": {"state": {"x"}, "code": {"c"}}, "no state": {"code": {"c"}}, "an unknown code": {"state": {state}, "code": {"c"}},
		"the issuer's no": {"state": {state}, "error": {"access_denied"}},
	} {
		t.Run(name, func(t *testing.T) {
			r.get("/sign-in") // each try has a cookie of its own
			answer := r.get("/callback?" + query.Encode())
			if answer.StatusCode != http.StatusBadRequest {
				t.Errorf("answered %d", answer.StatusCode)
			}
			for _, c := range answer.Cookies() {
				if c.Name == sessionCookie {
					t.Error("a session was started")
				}
			}
		})
	}
}

// PKCE would refuse somebody else's code as well; this code is the browser's own, so only the state can.
func TestAnOwnCodeWithAnotherStateStartsNoSession(t *testing.T) {
	r := newHarness(t, time.Hour)
	page := r.get("/sign-in")
	id := loginID.FindStringSubmatch(page.text)[1]
	r.browser.CheckRedirect = func(next *http.Request, _ []*http.Request) error {
		if next.URL.Path == callbackPath {
			return http.ErrUseLastResponse
		}
		return nil
	}
	res := r.read(r.browser.PostForm(r.issuer+"/login", url.Values{"id": {id}, "person": {"owner"}}))
	to, err := res.Location()
	if err != nil {
		t.Fatal(err)
	}
	good := to.Query()
	bad := url.Values{"code": good["code"], "state": {good.Get("state") + "x"}}
	if answer := r.get(callbackPath + "?" + bad.Encode()); answer.StatusCode != http.StatusBadRequest || len(r.api.seen("GET /v1/me")) > 0 {
		t.Errorf("answered %d", answer.StatusCode)
	}
}

func TestTheSessionCookieIsOpaqueAndTheTableAloneReadsNothing(t *testing.T) {
	r := newHarness(t, time.Hour)
	if page := r.signIn("owner"); page.StatusCode != 200 || page.Request.URL.Path != "/accounts/"+account+"/keys" {
		t.Fatalf("landed on %s with %d", page.Request.URL, page.StatusCode)
	}
	at, _ := url.Parse(r.url)
	value := ""
	for _, c := range r.browser.Jar.Cookies(at) {
		if c.Name == sessionCookie {
			value = c.Value
		}
	}
	if len(value) != 43 {
		t.Fatalf("the cookie is %q", value)
	}
	token := r.api.seen("GET /v1/me")[0].token
	rows, err := r.stores.DB.Scan(t.Context(), &dynamodb.ScanInput{TableName: &r.stores.Tables.Sessions, ConsistentRead: aws.Bool(true)})
	if err != nil || len(rows.Items) != 2 {
		t.Fatalf("%d items, %v: there should be the session and its person's list", len(rows.Items), err)
	}
	for _, row := range rows.Items {
		for name, v := range row {
			if stored := stored(v); strings.Contains(stored, value) || strings.Contains(stored, token) || strings.Contains(stored, "owner") {
				t.Errorf("the attribute %s gives the session away: %s", name, stored)
			}
		}
	}
	if logs := r.logs.String(); strings.Contains(logs, value) || strings.Contains(logs, token) {
		t.Error("the logs hold the cookie or the token")
	}
}

// stored are all texts and bytes of an attribute.
func stored(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberB:
		return string(v.Value)
	case *types.AttributeValueMemberL:
		all := ""
		for _, one := range v.Value {
			all += stored(one) + "\n"
		}
		return all
	}
	return ""
}

func TestAnAccessTokenThatEndsSoonIsReplacedByTheRefreshToken(t *testing.T) {
	r := newHarness(t, 30*time.Second)
	r.signIn("owner")
	r.get("/accounts/" + account + "/keys")
	tokens := map[string]bool{}
	for _, c := range r.api.seen("GET /v1/me") {
		tokens[c.token] = true
	}
	if len(tokens) < 2 {
		t.Errorf("%d different tokens were used", len(tokens))
	}
}

func TestSignOutEndsTheSessionForGood(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	at, _ := url.Parse(r.url)
	stolen := r.browser.Jar.Cookies(at)
	r.stop()
	out := r.post("/sign-out", nil)
	to, _ := out.Location()
	if !strings.HasPrefix(to.String(), r.issuer+"/end_session?") || to.Query().Get("post_logout_redirect_uri") != r.url+"/" {
		t.Errorf("sent to %s", to)
	}
	if strings.Contains(to.RawQuery, "id_token") {
		t.Error("a token is in a URL")
	}
	r.browser.Jar.SetCookies(at, stolen)
	if page := r.get("/accounts/" + account + "/keys"); page.StatusCode != http.StatusUnauthorized {
		t.Errorf("the old cookie still opens pages: %d", page.StatusCode)
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	for name, headers := range map[string][]string{
		"by Sec-Fetch-Site": {"Sec-Fetch-Site", "cross-site"},
		"by Origin":         {"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
		"from a sibling":    {"Sec-Fetch-Site", "same-site"},
	} {
		for _, path := range []string{"/accounts/" + account + "/keys/new", "/accounts/" + account + "/keys/" + keyID + "/revoke", "/sign-out"} {
			if answer := r.post(path, url.Values{"name": {"x"}}, headers...); answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s: %s answered %d", name, path, answer.StatusCode)
			}
		}
	}
	if len(r.api.seen("POST /v1/accounts/"+account+"/keys")) > 0 {
		t.Error("the API was called")
	}
}

func TestOnlyPathsOfTheConsoleAreReturnedTo(t *testing.T) {
	for in, want := range map[string]string{
		"/accounts/a/keys?q=x": "/accounts/a/keys?q=x", "": "/", "//evil.example": "/", "https://evil.example/": "/", "/\\evil.example": "/",
		"/\t/evil.example": "/", "javascript:alert(1)": "/", "evil": "/", "/%5cevil.example": "/%5cevil.example",
	} {
		if got := localPath(in); got != want {
			t.Errorf("localPath(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/x", "//x", "/\\x", "https://x", "/?a=//b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := localPath(s)
		base, _ := url.Parse("https://console.example/prod/x")
		to, err := base.Parse(got)
		if err != nil || to.Host != "console.example" || to.Scheme != "https" {
			t.Errorf("localPath(%q) = %q leads to %v", s, got, to)
		}
	})
}
