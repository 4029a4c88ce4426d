package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

func TestADeveloperRemovedWithAValidTokenIsRefusedOnTheNextRequest(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	s.join(t, account, "developer", "developer")
	created := s.must(t, 201, "developer", "POST", account+"/keys", lifeKey)
	path := account + "/keys/" + created.json(t)["id"].(string)
	for range 5 { // every environment of the functions knows the member
		s.must(t, 200, "developer", "GET", path, "")
	}
	left := s.must(t, 200, "owner", "DELETE", account+"/members/developer", "").json(t)
	if keys := left["keys"].([]any); len(keys) != 1 || keys[0].(map[string]any)["id"] != created.json(t)["id"] {
		t.Errorf("the key that the developer made isn't listed: %v", left)
	}
	var wg sync.WaitGroup
	for _, c := range [][3]string{
		{"GET", path, ""},
		{"PATCH", path, `{"name":"x"}`},
		{"POST", path + "/disable", `{}`},
		{"GET", account + "/keys", ""},
		{"POST", account + "/keys", lifeKey},
		{"GET", account, ""},
		{"GET", account + "/members", ""},
		{"GET", account + "/audit", ""},
		{"GET", account + "/usage", ""},
	} {
		wg.Go(func() {
			refused(t, c[0]+" "+c[1], s.manage(t, "developer", c[0], c[1], c[2], "If-Match", "*"), 404, "not_found")
		})
	}
	wg.Wait()
	if me := string(s.must(t, 200, "developer", "GET", "/v1/me", "").body); strings.Contains(me, account[len("/v1/accounts/"):]) {
		t.Errorf("the account is still in %s", me)
	}
	again := s.must(t, 200, "owner", "DELETE", account+"/members/developer", "") // as good as the first: what they left is still there
	if !strings.Contains(string(again.body), `"name":"life"`) {
		t.Errorf("the second removal doesn't name the key that they made: %s", again.body)
	}
}

func TestAnOwnerRemovedWithAValidTokenIsRefusedOnTheNextRequest(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	k := s.newKey(t, account, lifeKey)
	s.join(t, account, "viewer", "owner")
	s.must(t, 200, "viewer", "PATCH", k.path, `{"name":"mine now"}`, "If-Match", "*")
	s.must(t, 200, "owner", "PUT", account+"/members/viewer", `{"role":"viewer"}`)
	refused(t, "a write of one who may only read now", s.manage(t, "viewer", "POST", k.path+"/disable", `{}`), 403, "forbidden")
	s.must(t, 200, "owner", "PUT", account+"/members/viewer", `{"role":"owner"}`)
	s.must(t, 200, "viewer", "DELETE", account+"/members/owner", "")
	refused(t, "a revoke", s.manage(t, "owner", "POST", k.path+"/revoke", `{"confirm_name":"mine now"}`), 404, "not_found")
	refused(t, "a reading", s.manage(t, "owner", "GET", k.path, ""), 404, "not_found")
	refused(t, "their return", s.manage(t, "owner", "PUT", account+"/members/owner", `{"role":"owner"}`), 404, "not_found")
	if status := s.must(t, 200, "viewer", "GET", k.path, "").json(t)["status"]; status != "active" {
		t.Errorf("the key is %v", status)
	}
}

func TestTheLastOwnerStays(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	refused(t, "leaving", s.manage(t, "owner", "DELETE", account+"/members/owner", ""), 409, "last_owner")
	refused(t, "stepping down", s.manage(t, "owner", "PUT", account+"/members/owner", `{"role":"viewer"}`), 409, "last_owner")
	s.join(t, account, "developer", "owner")
	// Both leave at once: one of them must stay.
	var wg sync.WaitGroup
	statuses := [2]int{}
	for i, who := range []string{"owner", "developer"} {
		wg.Go(func() { statuses[i] = s.manage(t, who, "DELETE", account+"/members/"+who, "").status })
	}
	wg.Wait()
	if statuses != [2]int{200, 409} && statuses != [2]int{409, 200} {
		t.Errorf("leaving at once: %v", statuses)
	}
	s.must(t, 422, "owner", "POST", "/v1/accounts", `{"name":""}`)
}

func TestAnInvitationWorksOnce(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	invite := func(role string) (id, token string) {
		a := s.must(t, 201, "owner", "POST", account+"/invitations", `{"role":"`+role+`"}`)
		if a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("Cache-Control %q", a.header.Get("Cache-Control"))
		}
		v := a.json(t)
		return v["id"].(string), v["token"].(string)
	}
	accept := func(person, token string) answer {
		return s.manage(t, person, "POST", "/v1/invitations/accept", `{"token":"`+token+`"}`)
	}
	id, token := invite("developer")
	if list := s.must(t, 200, "owner", "GET", account+"/invitations", ""); !strings.Contains(string(list.body), id) || strings.Contains(string(list.body), token) {
		t.Errorf("the list: %s", list.body)
	}
	refused(t, "an unknown one", accept("developer", "lki_"+strings.Repeat("A", 43)), 404, "invitation_not_found")
	refused(t, "a member already", accept("owner", token), 409, "already_member")
	if a := accept("developer", token); a.status != 200 || a.json(t)["role"] != "developer" {
		t.Errorf("accepted: %d %s", a.status, a.body)
	}
	s.must(t, 201, "developer", "POST", account+"/keys", lifeKey)
	refused(t, "by somebody else", accept("viewer", token), 404, "invitation_not_found")
	s.must(t, 200, "owner", "DELETE", account+"/members/developer", "")
	refused(t, "again, after being removed", accept("developer", token), 404, "invitation_not_found")
	id, token = invite("viewer")
	s.must(t, 204, "owner", "DELETE", account+"/invitations/"+id, "")
	refused(t, "withdrawn", accept("viewer", token), 404, "invitation_not_found")
	// Two people take one link at once.
	_, token = invite("viewer")
	people, won := []string{"developer", "viewer", "enterprise_owner"}, 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, who := range people {
		wg.Go(func() {
			if accept(who, token).status == 200 {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d people came in by one link", won)
	}
	refused(t, "a developer invites", s.manage(t, "developer", "POST", "/v1/accounts/"+s.DemoAccount+"/invitations", `{"role":"owner"}`), 403, "forbidden")
}

func TestOperatorsLookUpAnyKeyAndAccountAndNobodyElseDoes(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	id := account[len("/v1/accounts/"):]
	name := "Lookup " + id[len(id)-8:]
	s.must(t, 200, "owner", "PATCH", account, `{"name":"`+name+`"}`)
	k := s.newKey(t, account, lifeKey)
	v := s.must(t, 200, "operator", "GET", "/v1/operator/keys/"+k.id, "").json(t)
	if v["key"].(map[string]any)["id"] != k.id || v["account"].(map[string]any)["id"] != id {
		t.Errorf("key: %v", v)
	}
	for _, query := range []string{"q=" + id, "q=" + url.QueryEscape(strings.ToUpper(name[:14])), "email=OWNER@example.com"} {
		if a := s.must(t, 200, "operator", "GET", "/v1/operator/accounts?page_size=100&"+query, ""); !strings.Contains(string(a.body), id) {
			t.Errorf("%s: not found in %.300s", query, a.body)
		}
	}
	if a := s.must(t, 200, "operator", "GET", account+"/keys", ""); !strings.Contains(string(a.body), k.id) {
		t.Errorf("an operator reads the account's keys: %s", a.body)
	}
	refused(t, "an operator creates a customer's key", s.manage(t, "operator", "POST", account+"/keys", lifeKey), 403, "forbidden")
	refused(t, "an unknown key", s.manage(t, "operator", "GET", "/v1/operator/keys/key_01HZY3M7Q8R9S0T1V2W3X4Y5Z6", ""), 404, "not_found")
	for _, path := range []string{"/v1/operator/keys/" + k.id, "/v1/operator/accounts?q=" + id, "/v1/operators", "/v1/operator/keys/key_01HZY3M7Q8R9S0T1V2W3X4Y5Z6"} {
		refused(t, "a customer on "+path, s.manage(t, "owner", "GET", path, ""), 403, "forbidden")
		refused(t, "nobody on "+path, s.manage(t, "", "GET", path, ""), 401, "unauthorized")
	}
	refused(t, "a customer makes themselves an operator", s.manage(t, "owner", "PUT", "/v1/operators/owner", `{}`), 403, "forbidden")
	refused(t, "an operator removes themselves", s.manage(t, "operator", "DELETE", "/v1/operators/operator", ""), 409, "not_yourself")
}

func TestRolesDecideWhatMembersMay(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	for _, role := range []string{"developer", "viewer"} {
		s.join(t, account, role, role)
	}
	k := s.newKey(t, account, lifeKey)
	for _, c := range []struct {
		method, path, body string
		least              int // 0 viewer, 1 developer, 2 owner
	}{
		{"GET", k.path, "", 0},
		{"GET", account + "/keys", "", 0},
		{"GET", account + "/members", "", 0},
		{"GET", account + "/audit", "", 0},
		{"POST", k.path + "/test", `{}`, 0},
		{"PATCH", k.path, `{"header_only":false}`, 1},
		{"POST", k.path + "/disable", `{}`, 1},
		{"POST", k.path + "/enable", `{}`, 1},
		{"POST", account + "/keys", lifeKey, 1},
		{"DELETE", k.path, "", 2},
		{"POST", k.path + "/restore", `{}`, 2},
		{"GET", account + "/invitations", "", 2},
		{"PATCH", account, `{"name":"x"}`, 2},
		{"PUT", account + "/members/viewer", `{"role":"viewer"}`, 2},
		{"POST", k.path + "/revoke", `{"confirm_name":"life"}`, 2},
	} {
		for rank, who := range []string{"viewer", "developer", "owner"} {
			a := s.manage(t, who, c.method, c.path, c.body, "If-Match", "*")
			if rank < c.least {
				refused(t, who+" "+c.method+" "+c.path, a, 403, "forbidden")
			} else if a.status >= 300 {
				t.Errorf("%s %s %s: %d %s", who, c.method, c.path, a.status, a.body)
			}
		}
		refused(t, "no token", s.manage(t, "", c.method, c.path, c.body), 401, "unauthorized")
		if a := s.manage(t, "enterprise_owner", c.method, c.path, c.body, "If-Match", "*"); a.status != http.StatusNotFound {
			t.Errorf("a stranger: %s %s: %d", c.method, c.path, a.status)
		}
	}
}

// TestASessionThatAnAdminEndedIsRefusedOnTheNextRequest: the person that the API names is the one that the console knows.
func TestASessionThatAnAdminEndedIsRefusedOnTheNextRequest(t *testing.T) {
	s := shared
	m := &maker{records: &records{}, t: t, s: s}
	// No other test signs in at this console as one of the two.
	cookies, other := []string{m.signIn("developer"), m.signIn("developer")}, m.signIn("viewer")
	open := func(cookie string) bool {
		return browse(t, "GET", s.ConsoleURL+"/sessions", "", cookie).status == http.StatusOK
	}
	if !open(cookies[0]) || !open(cookies[1]) || !open(other) {
		t.Fatal("they aren't signed in")
	}
	for range 2 { // it does no harm twice
		s.must(t, 204, "operator", "POST", "/v1/operator/people/end-sessions", `{"subject":"developer"}`)
	}
	if open(cookies[0]) || open(cookies[1]) {
		t.Error("a session goes on")
	}
	if !open(other) {
		t.Error("another person was signed out")
	}
	if rows := string(s.must(t, 200, "operator", "GET", "/v1/operators/audit", "").body); !strings.Contains(rows, `"person.end_sessions"`) || !strings.Contains(rows, "developer") {
		t.Errorf("the operators' audit trail doesn't tell: %s", rows)
	}
}
