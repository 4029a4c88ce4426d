package e2e

import (
	"bytes"
	"image/png"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestAKeyOpensTheGate(t *testing.T) {
	a := shared.product(t, tile+shared.DemoSecret, nil)
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "image/png" {
		t.Fatalf("got %d %s %.200q", a.status, a.header.Get("Content-Type"), a.body)
	}
	img, err := png.Decode(bytes.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	if b := img.Bounds(); b.Dx() != 256 || b.Dy() != 256 {
		t.Errorf("the tile has %v", b)
	}
	for _, header := range []string{"X-Api-Key", "x-api-key", "X-API-KEY"} {
		if a := shared.product(t, strings.TrimSuffix(tile, "&key="), http.Header{header: {shared.DemoSecret}}); a.status != http.StatusOK {
			t.Errorf("header %s: %d %s", header, a.status, a.body)
		}
	}
	for _, path := range []string{"/search/2/search/berlin.json", "/routing/1/calculateRoute/52.5,13.4:48.9,2.4/json"} {
		if a := shared.product(t, path+"?key="+shared.DemoSecret, nil); a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %d %s %.200s", path, a.status, a.header.Get("Content-Type"), a.body)
		}
	}
}

// oneCharacterOff is the secret with one character changed: the checksum finds it.
func oneCharacterOff(secret string) string {
	c := byte('A')
	if secret[10] == c {
		c = 'B'
	}
	return secret[:10] + string(c) + secret[11:]
}

// unknownSecret is well formed, checksum included, and was never given to anyone: its checksum was worked out
// with Python's zlib.crc32.
const unknownSecret = "ak_" + "000000000000000000000000000" + "2X7ok2"

func TestEveryRefusalOfTheCredentialLooksTheSame(t *testing.T) {
	_, disabled := shared.createKey(t, `{"name":"to be disabled","usage":"backend","products":["map-display"]}`)
	id, revoked := shared.createKey(t, `{"name":"to be revoked","usage":"backend","products":["map-display"]}`)
	if a := shared.manage(t, "owner", "POST", "/v1/accounts/"+shared.DemoAccount+"/keys/"+id+"/revoke", `{"confirm_name":"to be revoked"}`); a.status != 200 {
		t.Fatalf("revoke: %d %s", a.status, a.body)
	}
	_ = disabled
	var first *answer
	for name, path := range map[string]string{
		"no key":                strings.TrimSuffix(tile, "&key="),
		"empty key":             tile,
		"one character changed": tile + oneCharacterOff(shared.DemoSecret),
		"well-formed unknown":   tile + unknownSecret,
		"revoked":               tile + revoked,
		"two credentials":       tile + shared.DemoSecret + "&api_key=" + shared.DemoSecret,
		"the same key twice":    tile + shared.DemoSecret + "&key=" + shared.DemoSecret,
	} {
		a := shared.product(t, path, nil)
		if a.status != http.StatusUnauthorized {
			t.Errorf("%s: got %d %s", name, a.status, a.body)
			continue
		}
		if a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: no CORS header", name)
		}
		if code := a.json(t)["code"]; code != "unauthorized" {
			t.Errorf("%s: code %v", name, code)
		}
		if first == nil {
			first = &a
			continue
		}
		if !bytes.Equal(a.body, first.body) {
			t.Errorf("%s: body %s, another had %s", name, a.body, first.body)
		}
		if got, want := fingerprint(a.header), fingerprint(first.header); got != want {
			t.Errorf("%s: headers\n%s\nanother had\n%s", name, got, want)
		}
	}
}

// changing are the headers that differ from call to call.
var changing = regexp.MustCompile(`(?i)^(date|x-request-id|x-amzn-requestid|x-amzn-trace-id|x-amz-apigw-id)$`)

func fingerprint(h http.Header) string {
	var b strings.Builder
	h = h.Clone()
	for name := range h {
		if changing.MatchString(name) {
			h.Set(name, "…")
		}
	}
	_ = h.Write(&b)
	return b.String()
}

func TestAProductThatTheKeyDoesNotHaveIsForbidden(t *testing.T) {
	_, secret := shared.createKey(t, `{"name":"map only","usage":"backend","products":["map-display"]}`)
	if a := shared.product(t, tile+secret, nil); a.status != http.StatusOK {
		t.Fatalf("its own product: %d %s", a.status, a.body)
	}
	a := shared.product(t, "/search/2/search/berlin.json?key="+secret, nil)
	if a.status != http.StatusForbidden || a.json(t)["code"] != "product_not_allowed" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("headers %v", a.header)
	}
}

func TestUnknownPathIsTheGatewaysOwn403(t *testing.T) {
	a := shared.product(t, "/nothing/here?key="+shared.DemoSecret, nil)
	if a.status != http.StatusForbidden || a.header.Get("X-Amzn-Errortype") != "MissingAuthenticationTokenException" {
		t.Errorf("got %d %v %s", a.status, a.header, a.body)
	}
}

// What is no URI is refused before anybody is asked.
func TestACharacterThatMustBeEncodedIsRefused(t *testing.T) {
	for _, c := range []string{"\\", "<", ">", "|", "{", "}", "^", "`", "é"} {
		if a := shared.product(t, "/map/1"+c+"tile?key="+shared.DemoSecret, nil); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %.100s", c, a.status, a.body)
		}
	}
}

func TestHostilePathsNeverReachTheUpstream(t *testing.T) {
	for _, path := range []string{
		"/map/%2e%2e/search/2/search/berlin.json", "/map/../search/2/search/berlin.json", "/map/./1/tile/basic/main/0/0/0.png",
		"/map/%2E%2E/search/x.json", "/map/.%2e/search/x.json", "/map//1/tile/basic/main/0/0/0.png",
		"/map/1%2ftile/basic/main/0/0/0.png", "/map/1%5ctile/basic/main/0/0/0.png", "/map/..%5csearch/x.json",
		"/map/%252e%252e/search/x.json", "/map/%25252e/x",
	} {
		a := shared.product(t, path+"?key="+shared.DemoSecret, nil)
		if a.status != http.StatusForbidden {
			t.Errorf("%s: got %d %.100s", path, a.status, a.body)
			continue
		}
		if code := a.json(t)["code"]; code != "path_not_canonical" {
			t.Errorf("%s: code %v", path, code)
		}
	}
}

// TestTheGatewayItselfRefusesARawBackslash: as API Gateway does with what is no path.
func TestTheGatewayItselfRefusesARawBackslash(t *testing.T) {
	if a := shared.product(t, "/map/1\\tile?key="+shared.DemoSecret, nil); a.status != http.StatusBadRequest || a.json(t)["code"] != "bad_request" {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

// TestAnAddressWithASlashCanBeSearchedFor, and one with a percent sign or behind a number sign.
func TestAnAddressWithASlashCanBeSearchedFor(t *testing.T) {
	_, secret := shared.createKey(t, `{"name":"addresses","usage":"backend","products":["search"]}`)
	for _, address := range []string{"12%2F3%20King%20St", "50%25%20Arabica", "%23%20111"} {
		if a := shared.product(t, "/search/2/search/"+address+".json?key="+secret, nil); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", address, a.status, a.body)
		}
	}
}

func TestAHeaderThatImitatesTheGatewaysIsRefused(t *testing.T) {
	for name, status := range map[string]int{"X_Latchkey_Account_Id": 401, "X_Api_Key": 401, "X-Latchkey-Account-Id": 200} {
		if a := shared.product(t, tile+shared.DemoSecret, http.Header{name: {"acc_victim"}}); a.status != status {
			t.Errorf("%s: %d %.200s", name, a.status, a.body)
		}
	}
}

func TestPreflightNeedsNoKey(t *testing.T) {
	a := raw(t, http.MethodOptions, shared.ProductsURL, "/map/1/tile/basic/main/0/0/0.png", http.Header{
		"Origin": {"https://example.com"}, "Access-Control-Request-Method": {"GET"}, "Access-Control-Request-Headers": {"x-api-key"},
	}, "")
	if a.status != http.StatusNoContent || a.header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(strings.ToLower(a.header.Get("Access-Control-Allow-Headers")), "x-api-key") {
		t.Errorf("got %d %v", a.status, a.header)
	}
}
