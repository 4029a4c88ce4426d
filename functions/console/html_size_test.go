package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// mostHTML bounds the HTML of a page, in bytes.
const mostHTML = 40_000

// fullKeys are the keys of a page with everything that a row can say, and with what people type as long as it may be.
func fullKeys(now time.Time) (list []api.Key, figures []api.KeyFiguresOfOne) {
	day := func(n int) api.MaybeTime { return moment.Of(now.AddDate(0, 0, n)) }
	for i := range keysPerPage {
		k := fullKey()
		k.Id, k.Name = scattered(i), fmt.Sprintf("%02d %s", i, strings.Repeat("Map of the shop, ", 4))[:64]
		k.Labels = nil
		for n := range 5 {
			k.Labels = append(k.Labels, fmt.Sprintf("a label of some length, %d, %02d", n, i))
		}
		k.Status, k.Recoverable, k.Usage = api.Active, true, api.Frontend
		k.Products, k.Domains = []string{"map-display", "search", "routing"}, []string{fmt.Sprintf("*.shop-%d.a-rather-long-name-of-a-customer.example.com", i), "b.example"}
		k.CreatedAt, k.RotatedAt, k.ExpiresAt, k.LastUsedAt, k.ExposedAt = day(-400), ptr(day(-40)), ptr(day(3)), ptr(day(-1)), ptr(day(-2))
		k.PreviousPreview, k.PreviousSecretExpiresAt = ptr("ak_8Lg3…y0Re"), ptr(day(1))
		list = append(list, k)
		f := api.KeyFiguresOfOne{Id: k.Id, Requests: 123_456_789, Refused: 12_345_678}
		for hour := range 24 {
			f.Hours = append(f.Hours, int64(1_000_000+hour*77_777*(i+1)%900_000))
		}
		figures = append(figures, f)
	}
	return list, figures
}

// TestTheLongestListOfKeysIsBounded: what people type is as long as it may be in every row, and every row has every sign.
func TestTheLongestListOfKeysIsBounded(t *testing.T) {
	w := newWalker(t, "owner")
	keys, figures := fullKeys(then)
	labels := []api.LabelCount{}
	for n := range 20 {
		labels = append(labels, api.LabelCount{Name: fmt.Sprintf("a label of some length, %d", n), Keys: 17})
	}
	w.api.on("GET /v1/accounts/"+account+"/keys", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.KeyList{Keys: keys, Figures: &api.KeyFigures{Keys: figures}, NextPageToken: ptr("next"), PreviousPageToken: ptr("previous"), Total: ptr(500), Labels: &labels})
		return true
	})
	for _, language := range []string{"en", "fr", "ar"} {
		for _, query := range []string{"", "?select=all", "?page=p&status=active&sort=-requests"} {
			page := w.ask(http.MethodGet, "/accounts/"+account+"/keys"+query, nil, "Accept-Language", language)
			if size := len(page.text); page.StatusCode != http.StatusOK || size > 60_000 || strings.Count(page.text, `name="key"`) != keysPerPage {
				t.Errorf("%s %s: %d: %d bytes", language, query, page.StatusCode, size)
			}
		}
	}
}

// crowd gives the fake API so many members, invitations, operators and accounts, in pages.
func (w *walker) crowd(n int) {
	root := "/v1/accounts/" + account
	paged := func(route string, page func(from, to int, next *string) any) {
		w.api.on("GET "+route, func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
			size, err := strconv.Atoi(r.URL.Query().Get("page_size"))
			if err != nil {
				size = 50
			}
			from, _ := strconv.Atoi(r.URL.Query().Get("page_token"))
			to := min(from+size, n)
			var next *string
			if to < n {
				next = ptr(strconv.Itoa(to))
			}
			reply(out, 200, page(from, to, next))
			return true
		})
	}
	address := func(i int) *string {
		return ptr(fmt.Sprintf("a-person-of-some-company.number-%03d@customer.example.com", i))
	}
	paged(root+"/members", func(from, to int, next *string) any {
		list := api.MemberList{NextPageToken: next}
		for i := from; i < to; i++ {
			list.Members = append(list.Members, api.Member{Subject: scattered(i), Email: address(i), Role: api.Developer, AddedAt: moment.Of(then), Version: 3})
		}
		return list
	})
	paged(root+"/invitations", func(from, to int, next *string) any {
		list := api.InvitationList{NextPageToken: next}
		for i := from; i < to; i++ {
			list.Invitations = append(list.Invitations, api.Invitation{Id: scattered(i), Email: address(i), Role: api.Developer, CreatedAt: moment.Of(then), ExpiresAt: moment.Of(then)})
		}
		return list
	})
	paged("/v1/operators", func(from, to int, next *string) any {
		list := api.OperatorList{NextPageToken: next}
		for i := from; i < to; i++ {
			list.Operators = append(list.Operators, api.Operator{Subject: scattered(i), Email: address(i), Rank: api.Admin, AddedAt: moment.Of(then)})
		}
		return list
	})
	longest := strings.Repeat("سبب ", 125) // as long as a reason may be
	paged("/v1/operator/blocked-keys", func(from, to int, next *string) any {
		list := api.BlockedKeyList{NextPageToken: next, Unreadable: ptr(3)}
		for i := from; i < to; i++ {
			list.Keys = append(list.Keys, api.BlockedKey{
				KeyId: scattered(i), KeyName: fmt.Sprintf("key-%03d %s", i, longest)[:64], AccountId: account, AccountName: strings.Repeat("long name ", 8),
				Blocked: api.Block{Reason: longest, At: moment.Of(then), Until: ptr(moment.Of(then)), By: address(i)},
			})
		}
		return list
	})
	paged("/v1/operator/exposed-keys", func(from, to int, next *string) any {
		list := api.ExposedKeyList{NextPageToken: next, Unreadable: ptr(3)}
		for i := from; i < to; i++ {
			list.Keys = append(list.Keys, api.ExposedKey{
				KeyId: scattered(i), KeyName: fmt.Sprintf("key-%03d %s", i, longest)[:64], AccountId: account, AccountName: strings.Repeat("long name ", 8),
				ExposedAt: moment.Of(then), Source: "operator", Place: ptr("https://git.example/" + strings.Repeat("x", 480)),
			})
		}
		return list
	})
	paged("/v1/operator/suspended-accounts", func(from, to int, next *string) any {
		list := api.SuspendedAccountList{NextPageToken: next, Unreadable: ptr(3)}
		for i := from; i < to; i++ {
			list.Accounts = append(list.Accounts, api.SuspendedAccount{
				AccountId: scattered(i), AccountName: fmt.Sprintf("account-%03d %s", i, strings.Repeat("long name ", 8)),
				Suspended: api.Suspension{Reason: longest, At: moment.Of(then), Until: ptr(moment.Of(then)), By: address(i)},
			})
		}
		return list
	})
	paged("/v1/operator/keys", func(from, to int, next *string) any {
		list := api.FoundKeyList{NextPageToken: next, SearchedKeys: 812_000, SearchedAccounts: 250_000}
		for i := from; i < to; i++ {
			domain := fmt.Sprintf("shop-%03d.%s.example", i, strings.Repeat("long-label.", 4))
			list.Keys = append(list.Keys, api.FoundKey{
				KeyId: scattered(i), KeyName: fmt.Sprintf("key-%03d %s", i, longest)[:64], Domains: []string{domain, domain, domain, domain}, Preview: "ak_7Kf2…x9Qd",
				Status: api.Active, AccountId: account, AccountName: strings.Repeat("long name ", 8),
			})
		}
		return list
	})
	paged("/v1/operator/members", func(from, to int, next *string) any {
		list := api.FoundMemberList{NextPageToken: next, SearchedMembers: 812_000, SearchedAccounts: 250_000}
		for i := from; i < to; i++ {
			list.Members = append(list.Members, api.FoundMember{Subject: fmt.Sprint("m", i), Email: strings.Repeat("long.name.", 8) + "@example.com", Role: api.Developer, AccountId: account, AccountName: strings.Repeat("long name ", 8)})
		}
		return list
	})
	paged("/v1/operator/accounts", func(from, to int, next *string) any {
		list := api.AccountList{NextPageToken: next}
		for i := from; i < to; i++ {
			list.Accounts = append(list.Accounts, api.Account{Id: scattered(i), Name: fmt.Sprintf("%03d %s", i, strings.Repeat("long name ", 9))[:80], Type: api.Enterprise, CreatedAt: moment.Of(then), KeyLimit: 100})
		}
		return list
	})
}

// burden gives the fake API a key of 50 domains, an audit trail whose every row is about such a key and changes nearly all of it, and 100 keys
// with three findings each, names as long as they may be.
func (w *walker) burden() {
	root := "/v1/accounts/" + account
	longest := strings.Repeat("خرائط ", 11)[:2*53] // 64 characters
	domains := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("a-rather-long-name-of-a-shop-%d.example.com", i))
		}
		return list
	}
	w.state(func(_ *api.Me, k *api.KeyWithSecret) { k.Domains = domains(50) })
	changes := []api.Change{
		{Field: "name", Before: longest, After: strings.Repeat("W", 64)},
		{Field: "labels", Before: []string{longest[:40], "b"}, After: []string{longest[:40], longest[:38]}},
		{Field: "domains", Before: domains(50), After: append(domains(43), "one.more.example")},
		{Field: "networks", After: slices.Repeat([]string{"2001:db8:1234:5678::/64"}, 50)},
		{Field: "exposed", After: map[string]any{"place": "https://git.example/" + strings.Repeat("x", 480), "lift_reason": strings.Repeat("سبب ", 125)}},
		{Field: "billing_type", Before: "free", After: "paying"},
		{Field: "usage", After: "frontend"},
		{Field: "recoverable", After: true},
		{Field: "preview", After: "ak_7Kf2…x9Qd"},
	}
	rows := func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
		list := api.AuditList{NextPageToken: ptr("next")}
		size, _ := strconv.Atoi(r.URL.Query().Get("page_size"))
		if r.URL.Query().Has("from") {
			list.NextPageToken, size = nil, 1
		}
		for i := range size {
			one := api.AuditRow{
				Id: fmt.Sprint(i), Action: "key.edit", KeyId: ptr(scattered(i)), KeyName: &longest, At: moment.Of(then), RequestId: scattered(i), SourceIp: ptr("2001:db8:1234:5678:9abc:def0:1234:5678"),
				Actor: api.Actor{Subject: "x", Role: "owner", Email: ptr("a-person-of-some-company@customer.example.com")}, Changes: changes,
			}
			if i%2 == 0 { // so that each field is among the first of a row
				one.Changes = changes[2:]
			}
			list.Rows = append(list.Rows, one)
		}
		reply(out, 200, list)
		return true
	}
	for _, trail := range []string{root + "/audit", root + "/keys/" + keyID + "/audit", "/v1/operators/audit"} {
		w.api.on("GET "+trail, rows)
	}
	w.api.on("GET "+root+"/findings", func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
		list := api.FindingList{}
		if r.URL.Query().Get("page_token") == "" {
			list.NextPageToken = ptr("next")
		}
		for i := range 100 {
			key := api.DomainKey{Id: scattered(i), Name: fmt.Sprintf("%s%02d", longest[:2*51], i), Status: api.Disabled}
			list.Findings = append(list.Findings,
				api.Finding{Key: key, Code: "unrestricted", Act: "restrict"}, api.Finding{Key: key, Code: "unused_90_days", Since: ptr(moment.Of(then)), Act: "disable"},
				api.Finding{Key: key, Code: "never_expires", Since: ptr(moment.Of(then)), Act: "set_expiry"})
		}
		reply(out, 200, list)
		return true
	})
}

// TestEveryPageIsSmall: below 40 kB of HTML in each language, of an account of 500 keys, 300 domains and 1,000 requests, with 120 members, invitations and
// operators, and with what a row can say at its longest. What is longer comes in pages.
func TestEveryPageIsSmall(t *testing.T) {
	w := newWalker(t, "owner")
	w.grow()
	w.crowd(120)
	check := func(target string) {
		for _, language := range []string{"en", "fr", "ar"} {
			page := w.ask(http.MethodGet, target, nil, "Accept-Language", language)
			if size := len(page.text); size > mostHTML {
				t.Errorf("%s in %s: %d, %d bytes", target, language, page.StatusCode, size)
			}
		}
	}
	all := func() {
		for _, pattern := range w.routes(http.MethodGet) {
			if target := w.page(pattern); !strings.HasSuffix(pattern, ".csv") && !strings.HasSuffix(pattern, ".json") && !strings.HasPrefix(pattern, "/assets/") {
				check(target)
			}
		}
		for _, page := range bigPages {
			path, query, _ := strings.Cut(page, "?")
			check(w.fill(path) + "?" + strings.ReplaceAll(query, "{key}", keyID))
		}
	}
	all()
	for _, page := range []string{"/accounts/" + account + "/account?people=3&invited=10", "/operator/operators?page=9", "/operator/accounts/" + account + "/people?page=2", allExposed + "?page=20", allSuspended + "?page=20"} {
		check(page)
	}
	w.burden()
	all()
	for _, page := range []string{keysPath + "/findings?from=30", keysPath + "/findings?informing=1", "/accounts/" + account + "/account/audit?at=" + moment.Format(then), "/operator/operators/audit?at=" + moment.Format(then)} {
		check(page)
	}
}

// TestEveryFindingIsOnAPage: from one to the next, each of 200 keys' three is shown once, those that ask for nothing behind a link.
func TestEveryFindingIsOnAPage(t *testing.T) {
	w := newWalker(t, "owner")
	w.burden()
	seen := map[string]int{}
	pages := 0
	var walk func(target string)
	walk = func(target string) {
		page := w.ask(http.MethodGet, target, nil)
		pages++
		elements(page.doc, func(n *html.Node) {
			if to := attr(n, "href"); n.Data == "a" && strings.Contains(attr(n, "class"), "button small") {
				seen[to]++
			}
		})
		next := links(page.doc)
		if to := next["100 informational findings"]; to != "" && !strings.Contains(target, "from=") {
			walk(to)
		}
		if to := next["Next page"]; to != "" && pages < 100 {
			if strings.Contains(target, "informing") && !strings.Contains(to, "from=") {
				return // of the keys after these, which their own page leads to
			}
			walk(to)
		}
	}
	walk(keysPath + "/findings")
	if len(seen) != 300 {
		t.Errorf("%d findings on %d pages", len(seen), pages)
	}
	for to, n := range seen {
		if n != 2 { // the fake API tells of the same keys twice
			t.Errorf("%s is on %d pages", to, n)
		}
	}
}

// TestARowOfAnAuditTrailSaysInShortWhatItsPageSaysInFull: three fields, of a long list what was removed and added, and a link to all of it.
func TestARowOfAnAuditTrailSaysInShortWhatItsPageSaysInFull(t *testing.T) {
	w := newWalker(t, "owner")
	w.burden()
	for trail, whole := range map[string]string{
		"/accounts/" + account + "/account/audit": "/accounts/" + account + "/account/audit",
		keyPath + "/audit":                        "/accounts/" + account + "/account/audit",
		"/operator/operators/audit":               "/operator/operators/audit",
	} {
		page := w.ask(http.MethodGet, trail, nil)
		said := text(page.doc)
		for _, want := range []string{"a-rather-long-name-of-a-shop-43.example.com", "one.more.example", "43 unchanged", "+6", "7 fields", "9 fields"} {
			if !strings.Contains(said, want) {
				t.Errorf("%s doesn't say %q", trail, want)
			}
		}
		if strings.Contains(said, "shop-42.example.com") {
			t.Errorf("%s shows what hasn't changed", trail)
		}
		to := links(page.doc)["Show all details"]
		if want := whole + "?action=key.edit&at=" + url.QueryEscape(moment.Format(then)) + "&key=key_"; !strings.HasPrefix(to, want) {
			t.Errorf("%s leads to %q, want %s", trail, to, want)
			continue
		}
		w.forget()
		full := w.ask(http.MethodGet, to, nil)
		said = text(full.doc)
		for _, want := range []string{"shop-0.example.com", "shop-42.example.com", "shop-49.example.com", strings.Repeat("x", 480), "ak_7Kf2…x9Qd"} {
			if !strings.Contains(said, want) {
				t.Errorf("the page of a row of %s doesn't say %q", trail, want)
			}
		}
		if asked := w.api.seen("GET /v1" + map[bool]string{true: "/operators/audit", false: "/accounts/" + account + "/audit"}[strings.HasPrefix(whole, "/operator")]); len(asked) != 1 ||
			!strings.Contains(asked[0].uri, "from="+url.QueryEscape(moment.Format(then))) || !strings.Contains(asked[0].uri, "to="+url.QueryEscape(moment.Format(then.Add(time.Millisecond)))) {
			t.Errorf("asks %+v", asked)
		}
	}
}

// TestPeopleComeInPages: each of 120 is on one page, in order; a number that there isn't is the nearest page, and who is changed comes back to theirs.
func TestPeopleComeInPages(t *testing.T) {
	w := newWalker(t, "owner")
	w.crowd(120)
	for path, want := range map[string]int{"/accounts/" + account + "/account?people=": 10, "/accounts/" + account + "/account?invited=": 10, "/operator/operators?page=": 10, "/operator/accounts/" + account + "/people?page=": 3} {
		seen := map[string]int{}
		for n := 1; n <= want; n++ {
			page := w.ask(http.MethodGet, path+strconv.Itoa(n), nil)
			if says := fmt.Sprintf("Page %d of %d", n, want); !strings.Contains(page.text, says) {
				t.Errorf("%s%d doesn't say %q", path, n, says)
			}
			main := page.text
			if strings.Contains(path, "people=") {
				_, main, _ = strings.Cut(page.text, "Members</h2>")
			}
			if strings.Contains(path, "invited=") {
				main, _, _ = strings.Cut(page.text, "Members</h2>")
			}
			for i := range 120 {
				if strings.Contains(main, fmt.Sprintf("number-%03d@", i)) {
					seen[fmt.Sprint(i)]++
				}
			}
		}
		for i := range 120 {
			if seen[fmt.Sprint(i)] != 1 {
				t.Errorf("%s: number %d is on %d pages", path, i, seen[fmt.Sprint(i)])
			}
		}
		for number, nearest := range map[string]int{"0": 1, "-3": 1, "x": 1, "": 1, "99999999999999999999": want, "500": want} {
			if page := w.ask(http.MethodGet, path+number, nil); !strings.Contains(page.text, fmt.Sprintf("Page %d of %d", nearest, want)) {
				t.Errorf("%s%s isn't page %d", path, number, nearest)
			}
		}
	}
	w.api.on("PUT /v1/accounts/"+account+"/members/"+scattered(40), func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.Member{Subject: scattered(40), Role: api.Viewer})
		return true
	})
	sent := url.Values{"subject": {scattered(40)}, "was": {"developer"}, "role": {"viewer"}, "people": {"4"}}
	if done := w.ask(http.MethodPost, "/accounts/"+account+"/account/role", sent); !strings.HasSuffix(done.Header.Get("Location"), "/account?people=4") {
		t.Errorf("a changed role leads to %q", done.Header.Get("Location"))
	}
	w.refuse(http.StatusConflict, "last_owner")
	if refused := w.ask(http.MethodPost, "/accounts/"+account+"/account/role", sent); !strings.Contains(refused.text, "Page 4 of 10") || !strings.Contains(refused.text, "number-040@") {
		t.Errorf("a refused role shows another page: %d", refused.StatusCode)
	}
}
