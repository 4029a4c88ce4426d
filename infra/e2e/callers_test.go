package e2e

import (
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"
)

const (
	here, there = "127.0.0.1", "127.0.0.2" // two networks that a call can come from on one machine
	appCert     = "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"
)

var ourApp = http.Header{"X-Android-Package": {"com.example.app"}, "X-Android-Cert": {appCert}}

// productFrom calls the products API from an address.
func (s *stack) productFrom(t testing.TB, address, path string, header http.Header) answer {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.ProductsURL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return received(t, res)
}

// with is headers with some more, or others.
func with(header http.Header, more ...string) http.Header {
	h := header.Clone()
	for i := 0; i+1 < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}

// TestAKeyThatIsCopiedIsRefusedWithTheCodeOfWhatIsWrong: on another page, in another network, in another app.
func TestAKeyThatIsCopiedIsRefusedWithTheCodeOfWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := shared
	ours := with(ourApp, "Origin", "https://example.com")
	k := s.newKey(t, s.newAccount(t, "owner"), `{"name":"all three","usage":"mobile","products":["map-display"],"domains":["example.com"],"missing_origin":"deny",
		"networks":["`+here+`"],"apps":[{"platform":"android","package":"com.example.app","sha1":"`+appCert+`"},{"platform":"ios","bundle_id":"com.example.App"}]}`)
	for _, c := range []struct {
		what, from string
		header     http.Header
		code       string
	}{
		{"where it belongs", here, ours, ""},
		{"the other app", here, http.Header{"Origin": {"https://example.com"}, "X-Ios-Bundle-Identifier": {"com.example.app"}}, ""},
		{"another network", there, ours, "ip_not_allowed"},
		{"another network that says it is ours", there, with(ours, "X-Forwarded-For", here, "X-Real-Ip", here, "Forwarded", "for="+here), "ip_not_allowed"},
		{"ours that names another", here, with(ours, "X-Forwarded-For", there), ""},
		{"another app", here, with(ours, "X-Android-Package", "com.example.other"), "app_not_allowed"},
		{"our app, signed by somebody else", here, with(ours, "X-Android-Cert", "00"+appCert[2:]), "app_not_allowed"},
		{"no app", here, http.Header{"Origin": {"https://example.com"}}, "app_not_allowed"},
		{"two apps", here, with(ours, "X-Ios-Bundle-Identifier", "com.example.app"), "app_not_allowed"},
		{"another page", here, with(ours, "Origin", "https://evil.test"), "domain_not_allowed"},
		{"no page", here, ourApp, "origin_missing"},
		{"everything else", there, http.Header{"Origin": {"https://evil.test"}}, "ip_not_allowed"},
	} {
		a := s.productFrom(t, c.from, tile+k.secret, c.header)
		switch {
		case c.code == "" && a.status != 200:
			t.Errorf("%s: %s", c.what, a.brief())
		case c.code != "" && (a.status != 403 || a.json(t)["code"] != c.code):
			t.Errorf("%s: %s, want 403 %s", c.what, a.brief(), c.code)
		}
	}
	s.must(t, 200, "owner", "PATCH", k.path, `{"networks":[],"apps":[]}`, "If-Match", "*")
	if a := s.obeyedFrom(t, there, tile+k.secret, http.Header{"Origin": {"https://example.com"}}, 200); a.status != 200 {
		t.Errorf("lifted: %s", a.brief())
	}
}

// obeyedFrom calls until the gate has the newest record, for as long as it may take.
func (s *stack) obeyedFrom(t testing.TB, address, path string, header http.Header, status int) (a answer) {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < 12*time.Second; time.Sleep(200 * time.Millisecond) {
		if a = s.productFrom(t, address, path, header); a.status == status {
			break
		}
	}
	return a
}

// TestEachProposedListIsCountedExactly, and refuses nobody. What was seen is proposed by one request.
func TestEachProposedListIsCountedExactly(t *testing.T) {
	t.Parallel()
	s := shared
	const good, bad = 4, 3
	account := s.newAccount(t, "owner")
	type call struct {
		from   string
		header http.Header
	}
	keys := map[string]key{}
	for proposal, calls := range map[string][2]call{
		`{"domains":["example.com"]}`:                                 {{here, http.Header{"Origin": {"https://example.com"}}}, {here, http.Header{"Origin": {"https://evil.test"}}}},
		`{"networks":["` + here + `/32"]}`:                            {{here, nil}, {there, nil}},
		`{"apps":[{"platform":"ios","bundle_id":"com.example.app"}]}`: {{here, http.Header{"X-Ios-Bundle-Identifier": {"com.example.app"}}}, {here, ourApp}},
		`{"networks":["` + here + `"],"domains":["example.com"]}`:     {{here, http.Header{"Origin": {"https://example.com"}}}, {there, http.Header{"Origin": {"https://evil.test"}}}},
	} {
		k := s.newKey(t, account, lifeKey)
		keys[proposal] = k
		s.must(t, 200, "owner", "PUT", k.path+"/proposal", proposal)
		for i := range good + bad {
			c := calls[0]
			if i < bad {
				c = calls[1]
			}
			if a := s.productFrom(t, c.from, tile+k.secret, c.header); a.status != 200 {
				t.Errorf("%s is enforced: %s", proposal, a.brief())
			}
		}
	}
	want := fmt.Sprint(bad, " of ", good+bad)
	for proposal, k := range keys {
		var got string
		for begin := time.Now(); time.Since(begin) < 25*time.Second; time.Sleep(500 * time.Millisecond) {
			p, _ := s.must(t, 200, "owner", "GET", k.path+"/usage", "").json(t)["proposed"].(map[string]any)
			if got = fmt.Sprint(p["would_refuse"], " of ", p["evaluated"]); got == want {
				break
			}
		}
		if got != want {
			t.Errorf("%s would have refused %s, want %s", proposal, got, want)
		}
	}
	seen := s.must(t, 200, "owner", "POST", keys[`{"domains":["example.com"]}`].path+"/proposal/from-usage", `{}`).json(t)
	proposed := seen["key"].(map[string]any)["proposed"].(map[string]any)
	if got := fmt.Sprint(proposed["domains"], seen["allowed"], seen["would_refuse"], seen["unkept"]); got != fmt.Sprintf("[evil.test example.com] %d 0 0", good+bad) {
		t.Errorf("seen: %s", got)
	}
}
