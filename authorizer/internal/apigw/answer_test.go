package apigw

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
)

type answer struct {
	PrincipalID    string `json:"principalId"`
	PolicyDocument struct {
		Version   string
		Statement []map[string]string
	} `json:"policyDocument"`
	UsageIdentifierKey string            `json:"usageIdentifierKey"`
	Context            map[string]string `json:"context"`
}

func parse(t *testing.T, text []byte) answer {
	t.Helper()
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if st := a.PolicyDocument.Statement; a.PolicyDocument.Version != "2012-10-17" || len(st) != 1 ||
		st[0]["Action"] != "execute-api:Invoke" || st[0]["Resource"] != "arn:stage/*" || a.PrincipalID == "" {
		t.Errorf("bad policy: %s", text)
	}
	return a
}

var plain = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

func TestAnswersMakeTheGatewaySendTheStatus(t *testing.T) {
	allow := parse(t, Allow(nil, "arn:stage", "the-key", Grant{"key_1", "acc_1", "map-display"}))
	if allow.PolicyDocument.Statement[0]["Effect"] != "Allow" || allow.UsageIdentifierKey != "the-key" || len(allow.Context) != 3 ||
		allow.Context["keyId"] != "key_1" || allow.Context["accountId"] != "acc_1" || allow.Context["product"] != "map-display" {
		t.Errorf("allow: %+v", allow)
	}
	deny := parse(t, Deny(nil, "arn:stage", "key_1", authz.DomainNotAllowed))
	if deny.PolicyDocument.Statement[0]["Effect"] != "Deny" || deny.UsageIdentifierKey != "" || deny.Context["code"] != "domain_not_allowed" ||
		deny.Context["detail"] != Detail(authz.DomainNotAllowed) {
		t.Errorf("deny: %+v", deny)
	}
	over := parse(t, OverLimit(nil, "arn:stage", "", Limited{Class: "map-display.tiles", QPS: 50, RetryAfter: 2}))
	if over.PolicyDocument.Statement[0]["Effect"] != "Allow" || over.UsageIdentifierKey != overLimitKey ||
		over.Context["code"] != "qps_exceeded" || over.Context["detail"] != Detail(authz.QPSExceeded) || over.Context["retryAfter"] != "2" ||
		over.Context["rateLimit"] != `"map-display.tiles";r=0;t=2` || over.Context["rateLimitPolicy"] != `"map-display.tiles";q=50;w=1` {
		t.Errorf("over: %+v", over)
	}
	all := parse(t, OverLimit(nil, "arn:stage", "key_1", Limited{Class: "map-display.tiles", Account: true, QPS: 500, RetryAfter: 1}))
	if all.Context["code"] != "qps_exceeded" || all.Context["rateLimit"] != `"account.map-display.tiles";r=0;t=1` || all.Context["rateLimitPolicy"] != `"account.map-display.tiles";q=500;w=1` {
		t.Errorf("over the account's limit: %+v", all)
	}
}

func TestContextHoldsNothingThatABodyWouldHaveToEscape(t *testing.T) {
	a := parse(t, Allow(nil, "arn:stage", "k", Grant{apikey.ID("a\"b\\c\nd é"), "x y", "/"}))
	for name, value := range a.Context {
		if !plain.MatchString(value) {
			t.Errorf("%s is %q", name, value)
		}
	}
}

// sentence has nothing that a JSON body would have to escape, and ends as a sentence does.
var sentence = regexp.MustCompile(`^[A-Z][A-Za-z ,.:-]+\.$`)

// TestA403And429SaysWhatHelps: each code in its own words, and no other, since all refusals of the credential are alike.
func TestA403And429SaysWhatHelps(t *testing.T) {
	seen := map[string]authz.Code{}
	for _, c := range authz.Codes {
		detail := Detail(c.Code)
		if status := Status(c.Code); status != 403 && status != 429 {
			if detail != "" {
				t.Errorf("%s (%d) has a sentence", c.Code, status)
			}
			continue
		}
		if !sentence.MatchString(detail) || seen[detail] != "" {
			t.Errorf("%s: %q, as %s has", c.Code, detail, seen[detail])
		}
		seen[detail] = c.Code
		var over answer
		if text := Deny(nil, "arn:stage", "key_1", c.Code); json.Unmarshal(text, &over) != nil || over.Context["detail"] != detail {
			t.Errorf("%s: %s", c.Code, text)
		}
	}
}

// TestTheReferenceSaysWhatHelps: docs/reference/gate.md has the sentences.
func TestTheReferenceSaysWhatHelps(t *testing.T) {
	page, err := os.ReadFile("../../../docs/reference/gate.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range authz.Codes {
		if row := "| `" + string(c.Code) + "` | " + Detail(c.Code) + " |\n"; Detail(c.Code) != "" && !strings.Contains(string(page), row) {
			t.Errorf("the page lacks %s", row)
		}
	}
}

// TestEveryCodeHasAStatus: all that is wrong with the credential itself is one 401, and a key that is good for other
// calls is 403. Only a breakdown is 503.
func TestEveryCodeHasAStatus(t *testing.T) {
	byCheck := map[int]int{0: 503, 1: 401, 2: 401, 3: 401, 4: 401, 5: 403, 6: 403, 7: 429}
	for _, c := range authz.Codes {
		want := byCheck[c.Check]
		if c.Code == authz.KeyNotInHeader {
			want = 403 // the key is good, only its place isn't
		}
		if got := Status(c.Code); got != want {
			t.Errorf("%q: %d, want %d", c.Code, got, want)
		}
	}
	for code, want := range map[authz.Code]int{authz.Allowed: 200, "": 503, "unheard-of": 503} {
		if got := Status(code); got != want {
			t.Errorf("%q: %d, want %d", code, got, want)
		}
	}
}
