package main

import (
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/keytest"
)

// TestAnExportHasAColumnForEachCode has the header as customers' sheets know it.
func TestAnExportHasAColumnForEachCode(t *testing.T) {
	const want = "start,account_id,key_id,key_name,billing_type,product,requests,allowed,refused,qps_breaches," +
		"key_deleted,key_revoked,key_blocked,account_suspended,key_disabled,key_expired,secret_expired,key_exposed,key_not_in_header," +
		"path_not_canonical,product_not_allowed,path_not_granted,ip_not_allowed,app_not_allowed,origin_missing,domain_not_allowed,qps_exceeded,quota_exceeded"
	r := newHarness(t)
	answer := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path(apikey.Key{}) + "?format=csv"})
	if got, _, _ := strings.Cut(string(answer.Body), "\n"); got != want {
		t.Errorf("the header is\n%s, want\n%s", got, want)
	}
}

// TestEachCodeCanBeAskedForAndIsCountedAsItself: each alone has one call in the export, in its own column.
func TestEachCodeCanBeAskedForAndIsCountedAsItself(t *testing.T) {
	for _, c := range authz.Codes {
		r := newHarness(t)
		path := r.path(r.key) + "?outcome=" + string(c.Code)
		if c.Check < 4 { // the key is not known yet, or nothing could be decided
			if got := r.Do(t, apitest.Call{As: "owner", Method: "GET", Path: path}); got.Status != 400 {
				t.Errorf("%s, which no key is counted for, can be asked for: %d", c.Code, got.Status)
			}
			continue
		}
		r.count(t, 1, call(r.key, "search", c.Code, keytest.Now.Add(-1)), call(r.key, "search", authz.Allowed, keytest.Now.Add(-1)))
		lines := strings.Split(strings.TrimSpace(string(r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: path + "&format=csv"}).Body)), "\n")
		header, cells := strings.Split(lines[0], ","), strings.Split(lines[len(lines)-1], ",")
		for i, name := range header[10:] {
			if want := map[bool]string{true: "1", false: "0"}[name == string(c.Code)]; cells[10+i] != want {
				t.Errorf("%s: column %s has %s", c.Code, name, cells[10+i])
			}
		}
		doc := r.get(t, r.key, "")["totals"].(map[string]any)
		if by := doc["by_reason"].(map[string]any); by[string(c.Code)] != 1.0 || doc["requests"] != 2.0 || doc["refused"] != 1.0 {
			t.Errorf("%s: %v", c.Code, doc)
		}
	}
}
