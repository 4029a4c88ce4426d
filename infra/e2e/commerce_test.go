package e2e

import (
	"net/http"
	"testing"
	"time"
)

// TestFromTheFirstKeyToAHigherLimit is the way of a customer who signed up alone: a key, a contract, a request, and calls
// above the first limit, all with the secret of the first day.
func TestFromTheFirstKeyToAHigherLimit(t *testing.T) {
	t.Parallel()
	s, account := shared, shared.newAccount(t, "owner")
	k := s.newKey(t, account, `{"name":"My first API key","usage":"backend","products":["map-display","search"]}`)
	gone := s.newKey(t, account, `{"name":"Deleted","usage":"backend","products":["search"]}`)
	s.must(t, 200, "owner", "DELETE", gone.path, "")
	ask := `{"key_id":"` + k.id + `","product":"search","requested_qps":9,"justification":"We launch in May."}`
	refused(t, "a request before the contract", s.manage(t, "owner", "POST", account+"/qps-requests", ask), 403, "account_type_not_allowed")
	refused(t, "an owner's own contract", s.manage(t, "owner", "PATCH", account, `{"type":"enterprise"}`), 403, "forbidden")
	refused(t, "an owner's own billing type", s.manage(t, "owner", "PATCH", k.path, `{"billing_type":"pay_as_you_grow"}`, "If-Match", k.etag), 422, "invalid")

	started := s.must(t, 202, "operator", "PATCH", account, `{"type":"enterprise","billing_types":{"freemium":"paying"}}`)
	if o := s.must(t, 200, "owner", "GET", started.header.Get("Location"), "").json(t); o["status"] != "done" {
		t.Fatalf("the operation: %v", o)
	}
	if v := s.must(t, 200, "owner", "GET", k.path, "").json(t); v["billing_type"] != "paying" || v["status"] != "active" {
		t.Errorf("the key after it: %v", v)
	}
	s.must(t, 200, "owner", "POST", gone.path+"/restore", "")
	s.must(t, 200, "operator", "PUT", "/v1/operator"+account[len("/v1"):]+"/keys/"+gone.id+"/billing-type", `{"billing_type":"free"}`)
	if a := s.product(t, searchPath+k.secret, nil); a.status != http.StatusOK {
		t.Errorf("a call with the secret of the first day: %d %s", a.status, a.body)
	}

	filed := s.want(t, 201, "owner", "POST", account+"/qps-requests", ask)
	s.want(t, 200, "operator", "POST", account+"/qps-requests/"+filed["id"].(string)+"/approve", `{}`)
	s.inForce(t, k.secret, 9, time.Now())
	s.want(t, 200, "owner", "PUT", k.path+"/limits/search", `{"qps":2}`)
	s.want(t, 200, "owner", "PUT", k.path+"/limits/search", `{"qps":9}`) // and back, without asking again
	s.inForce(t, k.secret, 9, time.Now())

	pending := s.want(t, 201, "owner", "POST", account+"/qps-requests", `{"key_id":"`+k.id+`","product":"search","requested_qps":90,"justification":"More."}`)
	s.must(t, 202, "operator", "PATCH", account, `{"type":"self_serve"}`)
	if v := s.want(t, 200, "owner", "GET", account+"/qps-requests/"+pending["id"].(string), ""); v["status"] != "withdrawn" {
		t.Errorf("a request of an account that may not ask any more: %v", v)
	}
	if v := s.must(t, 200, "owner", "GET", k.path, "").json(t); v["billing_type"] != "freemium" {
		t.Errorf("back again: %v", v)
	}
}
