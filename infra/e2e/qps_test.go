package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

const searchPath = "/search/2/search/berlin.json?key="

// enterpriseKey makes a key of the enterprise account.
func (s *stack) enterpriseKey(t testing.TB, name string, products ...string) (id, secret string) {
	t.Helper()
	body := fmt.Sprintf(`{"name":%q,"usage":"backend","products":["%s"]}`, name, strings.Join(products, `","`))
	a := s.manage(t, "enterprise_owner", http.MethodPost, "/v1/accounts/"+s.Enterprise+"/keys", body)
	if a.status != http.StatusCreated {
		t.Fatalf("create: %d %s", a.status, a.body)
	}
	v := a.json(t)
	return v["id"].(string), v["secret"].(string)
}

// want makes a management call and wants a status.
func (s *stack) want(t testing.TB, status int, person, method, path, body string, header ...string) map[string]any {
	t.Helper()
	a := s.manage(t, person, method, path, body, header...)
	if a.status != status {
		t.Fatalf("%s %s as %s: %d, want %d: %s", method, path, person, a.status, status, a.body)
	}
	return a.json(t)
}

// untilRefused calls until a call is over the limit, and returns it and how many were admitted before.
func (s *stack) untilRefused(t testing.TB, path string) (refused answer, admitted int) {
	t.Helper()
	for range 500 {
		a := s.product(t, path, nil)
		switch a.status {
		case http.StatusOK:
			admitted++
		case http.StatusTooManyRequests:
			return a, admitted
		default:
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	t.Fatalf("no call of 500 was refused")
	return answer{}, 0
}

func TestOverTheLimitIs429WithWhatAClientNeeds(t *testing.T) {
	_, secret := shared.enterpriseKey(t, "limited", "search")
	refused, admitted := shared.untilRefused(t, searchPath+secret)
	// Five calls a second; a burst may meet two windows.
	if admitted < 1 || admitted > 15 {
		t.Errorf("%d calls before the first refusal", admitted)
	}
	for range 3 {
		wait, err := strconv.Atoi(refused.header.Get("Retry-After"))
		if err != nil || wait < 1 || wait > 2 {
			t.Fatalf("Retry-After: %q", refused.header.Get("Retry-After"))
		}
		for name, want := range map[string]string{
			"Content-Type":                  "application/problem+json",
			"RateLimit-Policy":              `"search";q=5;w=1`,
			"RateLimit":                     fmt.Sprintf(`"search";r=0;t=%d`, wait),
			"Access-Control-Allow-Origin":   "*",
			"Access-Control-Expose-Headers": "Retry-After,X-Request-Id,RateLimit,RateLimit-Policy",
			"Cache-Control":                 "no-store",
		} {
			if got := refused.header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		body := refused.json(t)
		if len(body) != 6 || body["detail"] != details["qps_exceeded"] || body["type"] != "about:blank" || body["title"] != "Too Many Requests" || body["status"] != 429.0 || body["code"] != "qps_exceeded" || body["error"] == "" {
			t.Errorf("body %s", refused.body)
		}
		<-time.After(time.Duration(wait) * time.Second)
		if a := shared.product(t, searchPath+secret, nil); a.status != http.StatusOK {
			t.Errorf("refused with %d after waiting Retry-After", a.status)
		}
		refused, _ = shared.untilRefused(t, searchPath+secret)
	}
}

func TestTheWorkflowOfAQPSRequest(t *testing.T) {
	t.Parallel()
	requests := "/v1/accounts/" + shared.Enterprise + "/qps-requests"
	key, secret := shared.enterpriseKey(t, "launch", "search")
	shared.untilRefused(t, searchPath+secret)

	demo := shared.manage(t, "owner", "POST", "/v1/accounts/"+shared.DemoAccount+"/qps-requests", `{"broken`)
	if demo.status != http.StatusForbidden || demo.json(t)["code"] != "account_type_not_allowed" {
		t.Errorf("a self-serve account: %d %s", demo.status, demo.body)
	}
	ask := fmt.Sprintf(`{"key_id":%q,"product":"search","requested_qps":500,"justification":"We launch in May."}`, key)
	withKey := []string{"Idempotency-Key", "launch-" + key}
	filed := shared.want(t, 201, "enterprise_owner", "POST", requests, ask, withKey...)
	again := shared.want(t, 201, "enterprise_owner", "POST", requests, ask, withKey...)
	if filed["status"] != "pending" || filed["qps_when_filed"] != 5.0 || again["id"] != filed["id"] {
		t.Errorf("filed %v, repeated %v", filed, again)
	}
	if second := shared.want(t, 409, "enterprise_owner", "POST", requests, ask); second["code"] != "request_open" {
		t.Errorf("a second request: %v", second)
	}
	mine := requests + "/" + filed["id"].(string)
	shared.want(t, 403, "enterprise_owner", "POST", mine+"/approve", `{}`)
	shared.want(t, 404, "owner", "GET", mine, "")

	queued := shared.inQueue(t, filed["id"].(string))
	evidence, _ := queued["evidence"].(map[string]any)
	if queued["key_name"] != "launch" || queued["account_name"] == nil || evidence["current_qps"] != 5.0 || evidence["max_qps"] != 1000.0 {
		t.Errorf("queued %v", queued)
	}
	decided := shared.want(t, 200, "operator", "POST", mine+"/approve", `{"qps":3,"comment":"Three for a start."}`)
	acknowledged := time.Now()
	if decided["status"] != "approved" || decided["approved_qps"] != 3.0 {
		t.Errorf("decided %v", decided)
	}
	shared.inForce(t, secret, 3, acknowledged)
	if late := shared.want(t, 409, "operator", "POST", mine+"/reject", `{"comment":"no"}`); late["code"] != "request_decided" {
		t.Errorf("a second decision: %v", late)
	}
	seen := shared.want(t, 200, "enterprise_owner", "GET", mine, "")
	if seen["comment"] != "Three for a start." || seen["decided_by"] != nil {
		t.Errorf("the customer sees %v", seen)
	}

	keyPath := "/v1/accounts/" + shared.Enterprise + "/keys/" + key
	rotated := shared.want(t, 200, "enterprise_owner", "POST", keyPath+"/rotate", `{"grace_seconds":3600}`)
	shared.inForce(t, rotated["secret"].(string), 3, time.Now())
	shared.want(t, 200, "enterprise_owner", "PUT", keyPath+"/limits/search", `{"qps":2}`)
	shared.inForce(t, rotated["secret"].(string), 2, time.Now())
	if higher := shared.manage(t, "enterprise_owner", "PUT", keyPath+"/limits/search", `{"qps":6}`); higher.status != 422 {
		t.Errorf("raising a key's limit above the default as a customer: %d %s", higher.status, higher.body)
	}

	withdrawn := shared.want(t, 201, "enterprise_owner", "POST", requests, ask)["id"].(string)
	shared.want(t, 200, "enterprise_owner", "POST", requests+"/"+withdrawn+"/withdraw", "")
	rejected := shared.want(t, 201, "enterprise_owner", "POST", requests, ask)["id"].(string)
	shared.want(t, 200, "operator", "POST", requests+"/"+rejected+"/reject", `{"comment":"Not now."}`)
	list := shared.want(t, 200, "enterprise_owner", "GET", requests+"?status=rejected", "")["requests"].([]any)
	if len(list) == 0 || list[0].(map[string]any)["comment"] != "Not now." {
		t.Errorf("rejected ones: %v", list)
	}
	shared.audited(t, keyPath, "qps.reject", "qps.submit", "qps.withdraw", "qps.submit", "key.lower_limit", "key.rotate", "qps.approve", "qps.submit")
}

// inQueue finds a request in the operators' queue, whose index may be a moment late.
func (s *stack) inQueue(t testing.TB, id string) map[string]any {
	t.Helper()
	for range 50 {
		for _, r := range s.want(t, 200, "operator", "GET", "/v1/qps-requests", "")["requests"].([]any) {
			if r := r.(map[string]any); r["id"] == id {
				return r
			}
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatalf("%s is not in the queue", id)
	return nil
}

// inForce waits until the gate keeps to a limit, which it must within 10 s.
func (s *stack) inForce(t testing.TB, secret string, qps int, since time.Time) {
	t.Helper()
	want := fmt.Sprintf(`"search";q=%d;w=1`, qps)
	for {
		refused, _ := s.untilRefused(t, searchPath+secret)
		if refused.header.Get("RateLimit-Policy") == want {
			return
		}
		if time.Since(since) > 10*time.Second {
			t.Fatalf("10 s after the change the gate says %q, want %q", refused.header.Get("RateLimit-Policy"), want)
		}
		<-time.After(100 * time.Millisecond)
	}
}

// audited checks the latest actions of a key's audit trail, the newest first.
func (s *stack) audited(t testing.TB, keyPath string, want ...string) {
	t.Helper()
	var got []string
	for _, row := range s.want(t, 200, "enterprise_owner", "GET", keyPath+"/audit", "")["rows"].([]any) {
		got = append(got, row.(map[string]any)["action"].(string))
	}
	if len(got) < len(want) || strings.Join(got[:len(want)], " ") != strings.Join(want, " ") {
		t.Errorf("audit %v, want %v first", got, want)
	}
}
