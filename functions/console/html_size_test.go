package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

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

// TestEveryPageIsSmall: below 40 kB of HTML in each language, of an account of 500 keys, 300 domains and 1,000 requests, with 120 members, invitations and
// operators. What is longer comes in pages.
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
	for _, pattern := range w.routes(http.MethodGet) {
		if target := w.page(pattern); !strings.HasSuffix(pattern, ".csv") && !strings.HasSuffix(pattern, ".json") && !strings.HasPrefix(pattern, "/assets/") {
			check(target)
		}
	}
	for _, page := range bigPages {
		path, query, _ := strings.Cut(page, "?")
		check(w.fill(path) + "?" + strings.ReplaceAll(query, "{key}", keyID))
	}
	for _, page := range []string{"/accounts/" + account + "/account?people=3&invited=10", "/operator/operators?page=9", "/operator/accounts/" + account + "/people?page=2", allExposed + "?page=20", allSuspended + "?page=20"} {
		check(page)
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
