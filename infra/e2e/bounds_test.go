package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A person makes so many changes and no more, whichever functions they ask and whatever the answers are; others go on,
// and so does reading.
func TestAPersonMakesSoManyChangesAndNoMore(t *testing.T) {
	const perHour = 30
	s, err := start(filepath.Join(t.TempDir(), "data"), "LATCHKEY_SEED=off", "LATCHKEY_PARAM_AccountsPerPerson=2",
		"LATCHKEY_PARAM_ChangesPerSecond=10", "LATCHKEY_PARAM_ChangesPerHour="+strconv.Itoa(perHour))
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	begin := time.Now()
	account := s.newAccount(t, "owner")
	s.newAccount(t, "owner")
	made := 2
	change := func(person, method, path, body string) (a answer, wait time.Duration) {
		t.Helper()
		for { // the bound of a second is met on the way to that of an hour
			a = s.manage(t, person, method, path, body)
			if a.status != http.StatusTooManyRequests {
				return a, 0
			}
			refused(t, path, a, http.StatusTooManyRequests, "too_many_changes")
			seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
			if err != nil || seconds < 1 || seconds > 3600 {
				t.Fatalf("Retry-After %q", a.header.Get("Retry-After"))
			}
			if wait = time.Duration(seconds) * time.Second; wait > 10*time.Second {
				return a, wait
			}
			time.Sleep(wait)
		}
	}
	a, _ := change("owner", "POST", "/v1/accounts", `{"name":"One more"}`)
	refused(t, "an account too many", a, http.StatusConflict, "account_limit_reached")
	made++
	calls := [][3]string{
		{"POST", account + "/keys", lifeKey}, // another function
		{"POST", account + "/invitations", `{"role":"viewer"}`},
		{"POST", "/v1/accounts/acc_01HZY3M7Q8R9S0T1V2W3X4Y5Z6/close", ""}, // of somebody else: 404
	}
	for ; ; made++ {
		c := calls[made%len(calls)]
		a, wait := change("owner", c[0], c[1], c[2])
		if a.status == http.StatusTooManyRequests {
			if left := time.Until(time.Now().Truncate(time.Hour).Add(time.Hour)); wait > left+5*time.Second {
				t.Errorf("wait %s where the hour ends in %s", wait, left)
			}
			break
		}
		if made > 3*perHour {
			t.Fatal("there is no bound")
		}
	}
	if made != perHour && begin.Truncate(time.Hour).Equal(time.Now().Truncate(time.Hour)) {
		t.Errorf("%d changes in an hour, want %d", made, perHour)
	}
	s.must(t, 200, "owner", "GET", account+"/keys", "")
	if a, _ := change("developer", "POST", "/v1/accounts", `{"name":"Mine"}`); a.status != http.StatusCreated {
		t.Errorf("another person: %d %s", a.status, a.body)
	}
}

// An operator of the rank support looks at everything and decides nothing; an admin does.
func TestOperatorsOfTheRankSupportLookAndDecideNothing(t *testing.T) {
	t.Parallel()
	s, account := shared, shared.newAccount(t, "owner")
	k := s.newKey(t, account, lifeKey)
	operator := "/v1/operator" + account[len("/v1"):]
	for _, path := range []string{
		account, account + "/keys", k.path, account + "/members", account + "/audit", account + "/usage", account + "/qps-requests",
		"/v1/operator/accounts?q=e2e", "/v1/operator/accounts?email=owner@example.com", "/v1/operator/keys/" + k.id, "/v1/qps-requests",
		"/v1/operators", "/v1/operators/audit",
	} {
		s.must(t, 200, "support", "GET", path, "")
	}
	if found := string(s.must(t, 200, "support", "POST", "/v1/operator/keys/find", `{"secret":"`+k.secret+`"}`).body); !strings.Contains(found, k.id) {
		t.Errorf("the secret finds %s", found)
	}
	for _, c := range [][3]string{
		{"PATCH", account, `{"type":"enterprise"}`},
		{"PATCH", account, `{"key_limit":7}`},
		{"POST", account + "/close", ""},
		{"POST", "/v1/operator/keys/" + k.id + "/block", `{"reason":"abuse"}`},
		{"POST", "/v1/operator/keys/" + k.id + "/unblock", ""},
		{"POST", "/v1/operator/keys/" + k.id + "/revoke", `{"reason":"abuse"}`},
		{"PUT", operator + "/keys/" + k.id + "/billing-type", `{"billing_type":"freemium"}`},
		{"PUT", operator + "/keys/" + k.id + "/limits/search", `{"qps":20}`},
		{"PUT", operator + "/limits/search", `{"qps":20}`},
		{"PUT", operator + "/quotas/tiles", `{"billing_type":"freemium","day":20,"month":null}`},
		{"POST", account + "/qps-requests/qps_01HZY3M7Q8R9S0T1V2W3X4Y5Z6/approve", `{}`},
		{"POST", account + "/qps-requests/qps_01HZY3M7Q8R9S0T1V2W3X4Y5Z6/reject", `{"comment":"no"}`},
		{"PUT", "/v1/operators/friend", `{}`},
		{"DELETE", "/v1/operators/operator", ""},
		{"POST", "/v1/operator/people/erase", `{"subject":"friend"}`},
		{"POST", "/v1/operator/people/end-sessions", `{"subject":"friend"}`},
		{"POST", "/v1/operator/statements/" + time.Now().UTC().AddDate(0, 0, -time.Now().UTC().Day()).Format("2006-01") + "/close", `{"reason":"no"}`},
	} {
		refused(t, fmt.Sprint(c[0], " ", c[1]), s.manage(t, "support", c[0], c[1], c[2]), http.StatusForbidden, "forbidden")
	}
	if status := s.status(t, k); status != "active" {
		t.Errorf("the key is %s", status)
	}
	s.must(t, 200, "operator", "POST", "/v1/operator/keys/"+k.id+"/block", `{"reason":"abuse"}`)
	s.must(t, 200, "operator", "POST", "/v1/operator/keys/"+k.id+"/unblock", "")

	// Who looked is in the audit trail: of the account for its own data, of the operators for lists of all.
	rows := string(s.must(t, 200, "operator", "GET", account+"/audit", "").body)
	lists := string(s.must(t, 200, "operator", "GET", "/v1/operators/audit", "").body)
	for text, where := range map[string]string{
		`"operator.look"`: rows, `"support"`: rows, `"operator.list"`: lists, `"accounts_by_email"`: lists, `"qps_requests"`: lists,
	} {
		if !strings.Contains(where, text) {
			t.Errorf("no %s in %s", text, where)
		}
	}
}
