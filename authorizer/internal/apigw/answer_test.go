package apigw

import (
	"encoding/json"
	"regexp"
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
	allow := parse(t, Allow("arn:stage", "the-key", Grant{"key_1", "acc_1", "map-display"}))
	if allow.PolicyDocument.Statement[0]["Effect"] != "Allow" || allow.UsageIdentifierKey != "the-key" || len(allow.Context) != 3 ||
		allow.Context["keyId"] != "key_1" || allow.Context["accountId"] != "acc_1" || allow.Context["product"] != "map-display" {
		t.Errorf("allow: %+v", allow)
	}
	deny := parse(t, Deny("arn:stage", "key_1", authz.DomainNotAllowed))
	if deny.PolicyDocument.Statement[0]["Effect"] != "Deny" || deny.UsageIdentifierKey != "" || deny.Context["code"] != "domain_not_allowed" {
		t.Errorf("deny: %+v", deny)
	}
	over := parse(t, OverLimit("arn:stage", "", Limited{Class: "map-display.tiles", QPS: 50, RetryAfter: 2}))
	if over.PolicyDocument.Statement[0]["Effect"] != "Allow" || over.UsageIdentifierKey != overLimitKey ||
		over.Context["code"] != "qps_exceeded" || over.Context["retryAfter"] != "2" ||
		over.Context["rateLimit"] != `"map-display.tiles";r=0;t=2` || over.Context["rateLimitPolicy"] != `"map-display.tiles";q=50;w=1` {
		t.Errorf("over: %+v", over)
	}
}

func TestContextHoldsNothingThatABodyWouldHaveToEscape(t *testing.T) {
	a := parse(t, Allow("arn:stage", "k", Grant{apikey.ID("a\"b\\c\nd é"), "x y", "/"}))
	for name, value := range a.Context {
		if !plain.MatchString(value) {
			t.Errorf("%s is %q", name, value)
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
