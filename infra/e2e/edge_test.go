package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestNamesAreTrimmedAndOfAnyScript(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	create := func(name string) answer {
		return s.manage(t, "owner", "POST", account+"/keys", fmt.Sprintf(`{"name":"%s","usage":"backend","products":["map-display"]}`, name))
	}
	for name, kept := range map[string]string{
		"a": "a", strings.Repeat("x", 64): strings.Repeat("x", 64), strings.Repeat("😀", 64): strings.Repeat("😀", 64),
		"  my site  ": "my site", "Straßenkarte": "Straßenkarte", "地図": "地図", "خريطة": "خريطة", `<b>&\"`: `<b>&"`, `a\/b`: "a/b",
	} {
		if a := create(name); a.status != 201 || a.json(t)["name"] != kept {
			t.Errorf("%q: %d %s", name, a.status, a.body)
		}
	}
	for what, name := range map[string]string{
		"empty": "", "blanks": "   ", "65": strings.Repeat("x", 65), "65 of another script": strings.Repeat("地", 65), "a tab inside": `a\tb`,
		"a new line": `a\nb`, "NUL": `\u0000`, "delete": `a\u007fb`, "C1": `a\u0085b`, "turns the writing": `a\u202eb`,
	} {
		a := create(name)
		refused(t, what, a, 422, "invalid")
		if got := pointers(t, a); got != "/name invalid_name" {
			t.Errorf("%s: %s", what, got)
		}
	}
}

// A pre-flight has no body. One that says it has is the caller's mistake, and rings nobody's alarm for failures.
func TestAPreflightOfAnotherMediaTypeIsNoFailure(t *testing.T) {
	for media, status := range map[string]int{"": 204, "application/json": 204, "application/json; charset=utf-8": 204, "text/plain": 415, "x": 415} {
		header := http.Header{"Origin": {"https://example.com"}, "Access-Control-Request-Method": {"GET"}}
		if media != "" {
			header.Set("Content-Type", media)
		}
		if a := raw(t, "OPTIONS", shared.ProductsURL, "/map/1/tile/x.png", header, ""); a.status != status || status == 204 && a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%q: %d %v, want %d", media, a.status, a.header, status)
		}
	}
}

func TestUnreadableBodiesHaveTheirOwnAnswers(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	k := s.newKey(t, account, lifeKey)
	big := `{"name":"` + strings.Repeat("x", 64<<10) + `"}`
	for _, c := range []struct {
		what, method, path, body, media string
		status                          int
		code                            string
	}{
		{"oversize", "POST", account + "/keys", big, "", 413, "body_too_large"},
		{"oversize edit", "PATCH", k.path, big, "", 413, "body_too_large"},
		{"text", "POST", account + "/keys", lifeKey, "text/plain", 415, "content_type_unsupported"},
		{"a form", "POST", account + "/keys", "name=x", "application/x-www-form-urlencoded", 415, "content_type_unsupported"},
		{"another charset", "POST", account + "/keys", lifeKey, "application/json; charset=latin1", 415, "content_type_unsupported"},
		{"broken", "POST", account + "/keys", `{"name":`, "", 400, "body_not_json"},
		{"two documents", "POST", account + "/keys", lifeKey + lifeKey, "", 400, "body_not_json"},
		{"a byte order mark and nothing else", "POST", account + "/keys", "\ufeff", "", 400, "body_missing"},
		{"a byte order mark inside", "POST", account + "/keys", "{\ufeff" + lifeKey[1:], "", 400, "body_not_json"},
		{"no object", "POST", account + "/keys", `["name"]`, "", 400, "body_not_object"},
		{"null", "POST", account + "/keys", `null`, "", 400, "body_not_object"},
		{"a member twice", "POST", account + "/keys", `{"name":"a","name":"b","usage":"backend","products":["search"]}`, "", 400, "body_duplicate_member"},
		{"a member twice, spelled otherwise", "POST", account + "/keys", `{"name":"a","n\u0061me":"b","usage":"backend","products":["search"]}`, "", 400, "body_duplicate_member"},
		{"invalid UTF-8", "POST", account + "/keys", "{\"name\":\"a\xff\"}", "", 400, "body_not_utf8"},
		{"half a surrogate", "POST", account + "/keys", `{"name":"\ud800","usage":"backend","products":["search"]}`, "", 400, "body_not_utf8"},
		{"none", "POST", account + "/keys", "", "application/json", 400, "body_missing"},
		{"members where none are taken", "POST", k.path + "/disable", `{"force":true}`, "", 422, "invalid"},
		{"an unknown method", "PUT", k.path, `{}`, "", 405, "method_not_allowed"},
	} {
		header := []string{"If-Match", "*"}
		if c.media != "" {
			header = append(header, "Content-Type", c.media)
		}
		a := s.manage(t, "owner", c.method, c.path, c.body, header...)
		if c.status == 405 && a.status == 404 {
			continue // the gateway answers what it has no route for
		}
		refused(t, c.what, a, c.status, c.code)
	}
	if l := s.must(t, 200, "owner", "GET", account+"/keys", "").json(t)["keys"].([]any); len(l) != 1 {
		t.Errorf("%d keys, want the one", len(l))
	}
}

func TestUnknownReadOnlyAndMistypedMembersAreNamedByPointer(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	k := s.newKey(t, account, lifeKey)
	for body, want := range map[string]string{
		`{"name":"n","usage":"backend","products":["search"],"colour":"red","a/b~c":1}`:                    "/a~1b~0c unknown, /colour unknown",
		`{"name":"n","usage":"backend","products":["search"],"Name":"n"}`:                                  "/Name unknown",
		`{"name":"n","usage":"backend","products":["search"],"id":"key_1","status":"active","secret":"s"}`: "/id read_only, /secret unknown, /status read_only",
		`{}`: "/name required, /products required, /usage required",
		`{"name":7,"usage":"sideways","products":"search","header_only":1,"domains":["a.com",3],"expires_at":"soon"}`: "/domains/1 wrong_type, /expires_at wrong_type, /header_only wrong_type, /name wrong_type, /products wrong_type, /usage not_a_choice",
		`{"name":"n","usage":"backend","products":[]}`:                                                                "/products too_few",
		`{"name":"n","usage":"backend","products":["nothing","search","x"]}`:                                          "/products/0 unknown_product, /products/2 unknown_product",
		`{"name":"n","usage":"backend","products":["search"],"billing_type":"freemium"}`:                              "/billing_type read_only",
		`{"name":"n","usage":"backend","products":["search"],"expires_at":"2001-01-01T00:00:00Z"}`:                    "/expires_at not_in_the_future",
		`{"name":null,"usage":"backend","products":["search"]}`:                                                       "/name not_null",
	} {
		a := s.manage(t, "owner", "POST", account+"/keys", body)
		refused(t, body, a, 422, "invalid")
		if got := pointers(t, a); got != want && got != strings.Replace(want, "/secret unknown", "/secret read_only", 1) {
			t.Errorf("%s:\n got %s\nwant %s", body, got, want)
		}
	}
	many := `"d0.example.com"`
	for i := range 100 {
		many += fmt.Sprintf(`,"d%d.example.com"`, i+1)
	}
	a := s.manage(t, "owner", "PATCH", k.path, `{"domains":[`+many+`]}`, "If-Match", "*")
	refused(t, "101 domains", a, 422, "invalid")
	a = s.manage(t, "owner", "PATCH", k.path, `{"domains":["https://example.com/","*.co.uk","*"],"version":9,"account_id":"acc_x"}`, "If-Match", "*")
	refused(t, "domains with suggestions", a, 422, "invalid")
	if !strings.Contains(string(a.body), `"/version"`) || !strings.Contains(string(a.body), `"/account_id"`) {
		t.Errorf("%s", a.body)
	}
	a = s.manage(t, "owner", "PATCH", k.path, `{"domains":["https://example.com/","*.co.uk","*"]}`, "If-Match", "*")
	if got := pointers(t, a); !strings.Contains(got, "/domains/0 ") || !strings.Contains(got, "/domains/1 ") || !strings.Contains(got, "/domains/2 ") ||
		!strings.Contains(string(a.body), `"suggestion":"https://example.com"`) {
		t.Errorf("%s", a.body)
	}
}

// TestEachStoredAttributeAsAnExtraMemberChangesNothing sends what an answer shows, and what the store may call it, to each
// operation that writes.
func TestEachStoredAttributeAsAnExtraMemberChangesNothing(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	k := s.newKey(t, account, lifeKey)
	before := s.must(t, 200, "owner", "GET", k.path, "").json(t)
	accountBefore := s.must(t, 200, "owner", "GET", account, "").json(t)
	members := slices.Collect(maps.Keys(before))
	members = append(append(members, slices.Collect(maps.Keys(accountBefore))...), "pk", "sk", "gpk", "gsk", "ttl", "hash", "sealed", "owner", "by", "account_type")
	editable := map[string]string{
		"PATCH " + k.path: "name labels usage products domains networks apps missing_origin header_only expires_at", "PATCH " + account: "name type key_limit billing_types",
		"POST " + account + "/keys":             "name labels usage products domains networks apps missing_origin header_only expires_at recoverable",
		"PUT " + account + "/members/developer": "role", "POST " + account + "/invitations": "role email", "POST /v1/accounts": "name",
		"PUT " + k.path + "/proposal": "domains networks apps products",
	}
	base := map[string]string{
		"POST " + account + "/keys": lifeKey, "PUT " + account + "/members/developer": `{"role":"viewer"}`, "POST " + account + "/invitations": `{"role":"viewer"}`,
		"POST /v1/accounts": `{"name":"x"}`, "PUT " + k.path + "/proposal": `{"domains":[]}`,
	}
	for _, state := range []string{"/disable", "/enable", "/restore", "/reveal", "/proposal/promote", "/proposal/from-usage"} {
		editable["POST "+k.path+state] = ""
	}
	for operation, allowed := range editable {
		method, path, _ := strings.Cut(operation, " ")
		for _, member := range members {
			if slices.Contains(strings.Fields(allowed), member) {
				continue
			}
			body := strings.TrimSuffix(base[operation], "}")
			if body == "" {
				body = "{"
			} else {
				body += ","
			}
			value := `"x"`
			if v, ok := before[member]; ok && v != nil {
				value = fmt.Sprintf("%q", fmt.Sprint(v))
			}
			a := s.manage(t, "owner", method, path, body+fmt.Sprintf(`%q:%s}`, member, value), "If-Match", "*")
			if a.status != 422 || !strings.Contains(string(a.body), `"/`+member+`"`) {
				t.Errorf("%s with %s: %d %s", operation, member, a.status, a.body)
			}
		}
	}
	if after := s.must(t, 200, "owner", "GET", k.path, "").json(t); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the key is now\n%v\nit was\n%v", after, before)
	}
	if after := s.must(t, 200, "owner", "GET", account, "").json(t); fmt.Sprint(after) != fmt.Sprint(accountBefore) {
		t.Errorf("the account is now\n%v\nit was\n%v", after, accountBefore)
	}
}

func TestPagesShowEachKeyOnceAndTheirTokensFitOneListOnly(t *testing.T) {
	s, account, other := shared, shared.newAccount(t, "owner"), shared.newAccount(t, "owner")
	for i := range 7 {
		products := `"map-display"`
		if i%2 == 0 {
			products += `,"search"`
		}
		s.newKey(t, account, fmt.Sprintf(`{"name":"Key %d","usage":"backend","products":[%s]}`, (i*3)%7, products))
		s.newKey(t, other, lifeKey)
	}
	page := func(account, query string) (names []string, next string) {
		t.Helper()
		v := s.must(t, 200, "owner", "GET", account+"/keys?"+query, "").json(t)
		for _, k := range v["keys"].([]any) {
			names = append(names, k.(map[string]any)["name"].(string))
		}
		token, ok := v["next_page_token"]
		if !ok {
			t.Fatalf("%s: no next_page_token", query)
		}
		if token != nil {
			next = token.(string)
		}
		return names, next
	}
	for query, want := range map[string]string{
		"sort=name":                "0 1 2 3 4 5 6",
		"sort=-name":               "6 5 4 3 2 1 0",
		"sort=created_at":          "0 3 6 2 5 1 4",
		"sort=-created_at":         "4 1 5 2 6 3 0",
		"":                         "4 1 5 2 6 3 0",
		"product=search&sort=name": "0 4 5 6",
		"q=KEY%203":                "3",
		"status=active&sort=name":  "0 1 2 3 4 5 6",
		"status=revoked":           "",
	} {
		for _, size := range []int{1, 2, 3, 7, 100} {
			var all []string
			for token, n := "", 0; ; n++ {
				names, next := page(account, fmt.Sprintf("%s&page_size=%d%s", query, size, token))
				for _, name := range names {
					all = append(all, strings.TrimPrefix(name, "Key "))
				}
				if next == "" || n > 10 {
					break
				}
				token = "&page_token=" + next
			}
			if got := strings.Join(all, " "); got != want {
				t.Errorf("%s in pages of %d: %s, want %s", query, size, got, want)
			}
		}
	}
	_, token := page(account, "sort=name&page_size=2")
	another := "A"
	if token[:1] == another {
		another = "B"
	}
	for what, path := range map[string]string{
		"another account's list": other + "/keys?sort=name&page_size=2&page_token=" + token,
		"another order":          account + "/keys?sort=-name&page_token=" + token,
		"another filter":         account + "/keys?sort=name&product=search&page_token=" + token,
		"another text":           account + "/keys?sort=name&q=k&page_token=" + token,
		"another list":           account + "/audit?page_token=" + token,
		"a changed token":        account + "/keys?sort=name&page_token=" + another + token[1:],
		"nonsense":               account + "/keys?sort=name&page_token=%00%ff",
	} {
		refused(t, what, s.manage(t, "owner", "GET", path, ""), 400, "page_token_invalid")
	}
	if names, _ := page(account, "sort=name&page_size=3&page_token="+token); strings.Join(names, ",") != "Key 2,Key 3,Key 4" {
		t.Errorf("another size: %v", names)
	}
	for _, bad := range []string{"page_size=0", "page_size=101", "page_size=x", "sort=size", "status=gone", "colour=red", "sort=name&sort=name"} {
		refused(t, bad, s.manage(t, "owner", "GET", account+"/keys?"+bad, ""), 400, "parameter_invalid")
	}
}

func TestAForeignObjectAnswersByteForByteAsAnUnknownOne(t *testing.T) {
	s, mine := shared, "/v1/accounts/"+shared.Enterprise
	account := s.newAccount(t, "owner")
	k := s.newKey(t, account, lifeKey)
	const unknownKey, unknownAccount = "key_01HZY3M7Q8R9S0T1V2W3X4Y5Z6", "/v1/accounts/acc_01HZY3M7Q8R9S0T1V2W3X4Y5Z6"
	invitation := s.must(t, 201, "owner", "POST", account+"/invitations", `{"role":"viewer"}`).json(t)["id"].(string)
	onKey := [][2]string{
		{"GET", ""},
		{"PATCH", `{"name":"x"}`},
		{"DELETE", ""},
		{"POST /disable", `{}`},
		{"POST /enable", `{}`},
		{"POST /revoke", `{"confirm_name":"life"}`},
		{"POST /restore", `{}`},
		{"POST /reveal", `{}`},
		{"POST /test", `{}`},
		{"PUT /proposal", `{"domains":[]}`},
		{"DELETE /proposal", ""},
		{"POST /proposal/promote", `{}`},
		{"POST /proposal/from-usage", `{}`},
		{"POST /rotate", `{}`},
		{"POST /rotation/end", `{}`},
		{"GET /audit", ""},
		{"GET /usage", ""},
	}
	compare := func(what, method, foreign, unknown, body string) {
		t.Helper()
		f := s.manage(t, "enterprise_owner", method, foreign, body, "If-Match", "*")
		u := s.manage(t, "enterprise_owner", method, unknown, body, "If-Match", "*")
		strip := func(a answer) string {
			return fmt.Sprintf("%d\n%s\n%s", a.status, fingerprint(a.header), strings.ReplaceAll(string(a.body), a.header.Get("X-Request-Id"), "…"))
		}
		if strip(f) != strip(u) || f.status != http.StatusNotFound {
			t.Errorf("%s\nforeign %s\nunknown %s", what, strip(f), strip(u))
		}
	}
	for _, c := range onKey {
		method, sub, _ := strings.Cut(c[0], " ")
		compare("a foreign key under the caller's account: "+c[0], method, mine+"/keys/"+k.id+sub, mine+"/keys/"+unknownKey+sub, c[1])
		compare("a foreign key under its account: "+c[0], method, k.path+sub, unknownAccount+"/keys/"+unknownKey+sub, c[1])
	}
	for _, c := range [][2]string{
		{"GET", ""},
		{"PATCH", `{"name":"x"}`},
		{"GET /keys", ""},
		{"POST /keys", lifeKey},
		{"POST /keys/find", `{"preview":"ak_0000…0000"}`},
		{"GET /members", ""},
		{"PUT /members/viewer", `{"role":"viewer"}`},
		{"DELETE /members/owner", ""},
		{"GET /invitations", ""},
		{"POST /invitations", `{"role":"viewer"}`},
		{"GET /audit", ""},
		{"POST /close", `{}`},
		{"GET /usage", ""},
	} {
		method, sub, _ := strings.Cut(c[0], " ")
		compare("a foreign account: "+c[0], method, account+sub, unknownAccount+sub, c[1])
	}
	compare("a foreign invitation", "DELETE", mine+"/invitations/"+invitation, mine+"/invitations/inv_01HZY3M7Q8R9S0T1V2W3X4Y5Z6", "")
	for _, odd := range []string{"acc_x", "%2e%2e", "acc_01HZY3M7Q8R9S0T1V2W3X4Y5Z6%00", "KEY%23x", strings.Repeat("a", 300)} {
		a := s.manage(t, "enterprise_owner", "GET", "/v1/accounts/"+odd+"/keys", "")
		if a.status != http.StatusNotFound {
			t.Errorf("account %q: %d %s", odd, a.status, a.body)
		}
	}
}
