package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

const invitation = "lki_AAAA-bbbb_CCCC"

func invited(r *harness) {
	r.api.on("POST /v1/accounts/"+account+"/invitations", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(w, 201, api.InvitationWithToken{Id: "inv_1", Role: api.Developer, Token: ptr(invitation)})
		return true
	})
	by := "Demo’s owner"
	r.api.on("POST /v1/invitations/show", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(w, 200, api.InvitationOffer{AccountId: account, AccountName: "Fjordlast AS", Role: api.Developer, InvitedBy: &by, ExpiresAt: moment.Of(time.Now().Add(time.Hour))})
		return true
	})
	r.api.on("POST /v1/invitations/accept", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(w, 200, api.Account{Id: account, Name: "Demo"})
		return true
	})
}

func TestAnInvitationsLinkIsShownOnceWithItsTokenInTheFragment(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	fakeAnswers(r, "Demo")
	invited(r)
	made := r.post("/accounts/"+account+"/account/invitations", url.Values{"role": {"developer"}, "email": {"new@example.com"}})
	if !strings.Contains(text(made.doc), r.url+"/invitations#"+invitation) || made.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d: %s", made.StatusCode, text(made.doc))
	}
	if made.Request.Method != http.MethodGet || made.Request.URL.Path != "/accounts/"+account+"/account" {
		t.Errorf("the link is in the answer to a %s of %s", made.Request.Method, made.Request.URL)
	}
	for posted, shows := range map[string]string{"/name": detailsPage, "/role": "/account", "/invitations": "/account"} { // a reload in the address bar
		if page := r.get("/accounts/" + account + "/account" + posted); page.StatusCode != 200 || page.Request.URL.Path != "/accounts/"+account+shows {
			t.Errorf("%s: %d at %s", posted, page.StatusCode, page.Request.URL)
		}
	}
	if got := r.api.seen("POST /v1/accounts/" + account + "/invitations"); len(got) != 1 || got[0].body != `{"email":"new@example.com","role":"developer"}` {
		t.Errorf("the calls: %+v", got)
	}
	for _, path := range ourPages {
		if strings.Contains(r.get(path).text, invitation) {
			t.Errorf("%s shows the token", path)
		}
	}
	if strings.Contains(r.logs.String(), invitation) {
		t.Error("the logs hold the token")
	}
}

func TestAnInvitationOutlivesTheSignIn(t *testing.T) {
	r := newHarness(t, time.Hour)
	fakeAnswers(r, "Demo")
	invited(r)
	waiting := r.post("/invitations", url.Values{"token": {r.url + "/invitations#" + invitation}})
	if waiting.Request.URL.String() != r.url+"/invitations" || !strings.Contains(waiting.text, "/sign-in?return=%2Finvitations") || strings.Contains(waiting.text, invitation) {
		t.Fatalf("at %s: %s", waiting.Request.URL, waiting.text)
	}
	if len(r.api.seen("POST /v1/invitations/accept")) != 0 {
		t.Fatal("accepted by nobody")
	}
	r.signIn("viewer")
	page := r.get("/invitations")
	for _, said := range []string{"Demo’s owner invites you to join an account.", "Fjordlast AS", "Developer", "Accept the invitation"} {
		if !strings.Contains(text(page.doc), said) || strings.Contains(page.text, `name="token"`) {
			t.Errorf("without %q: %s", said, text(page.doc))
		}
	}
	if got := r.api.seen("POST /v1/invitations/show"); len(got) != 1 || got[0].body != `{"token":"`+invitation+`"}` || len(r.api.seen("POST /v1/invitations/accept")) != 0 {
		t.Errorf("the calls: %+v", got)
	}
	joined := r.post("/invitations", nil)
	if got := r.api.seen("POST /v1/invitations/accept"); len(got) != 1 || got[0].body != `{"token":"`+invitation+`"}` {
		t.Errorf("the calls: %+v", got)
	}
	if joined.Request.URL.Path != "/accounts/"+account+"/keys" || !strings.Contains(text(joined.doc), "You’re now a member of this account") {
		t.Errorf("it ends at %s", joined.Request.URL)
	}
	if page := r.get("/invitations"); !strings.Contains(page.text, `name="token"`) {
		t.Error("the token still waits")
	}
}

func TestAnInvitationThatWasUsedIsExplained(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	fakeAnswers(r, "Demo")
	for code, c := range map[string]struct {
		status int
		says   string
	}{
		"invitation_not_found": {404, "was used or withdrawn, or has expired"}, "already_member": {409, "You’re already a member of this account"},
		"invitation_other_address": {403, "for a different email address"},
	} {
		for _, call := range []string{"show", "accept"} { // found when it is looked at, or only when it is accepted
			invited(r)
			r.api.on("POST /v1/invitations/"+call, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
				problem(w, c.status, code)
				return true
			})
			page := r.post("/invitations", url.Values{"token": {invitation}})
			if call == "accept" {
				page = r.post("/invitations", nil)
			}
			if page.StatusCode != c.status || !strings.Contains(text(page.doc), c.says) || strings.Contains(text(page.doc), "api-request-1") {
				t.Errorf("%s at %s: %d %s", code, call, page.StatusCode, text(page.doc))
			}
			if page := r.get("/invitations"); !strings.Contains(page.text, `name="token"`) {
				t.Errorf("%s at %s: the token still waits", code, call)
			}
		}
	}
	for _, token := range []string{"", "not a token", strings.Repeat("a", 500), "x\r\ny"} {
		if page := r.post("/invitations", url.Values{"token": {token}}); page.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", token, page.StatusCode)
		}
	}
}

func TestTheLastOwnerMustNameAnotherFirst(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	fakeAnswers(r, "Demo")
	lastOwner := func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		problem(w, 409, "last_owner")
		return true
	}
	r.api.on("PUT /v1/accounts/"+account+"/members/owner", lastOwner)
	r.api.on("DELETE /v1/accounts/"+account+"/members/owner", lastOwner)
	for path, form := range map[string]url.Values{"role": {"subject": {"owner"}, "role": {"viewer"}}, "remove": {"subject": {"owner"}}} {
		page := r.post("/accounts/"+account+"/account/"+path, form)
		if page.StatusCode != http.StatusConflict || !strings.Contains(text(page.doc), "Make someone else an owner first") {
			t.Errorf("%s: %d %s", path, page.StatusCode, text(page.doc))
		}
	}
}

func TestAMembersSubjectMayHoldAnything(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	fakeAnswers(r, "Demo")
	route := "PUT /v1/accounts/" + account + "/members/a|b/c"
	r.api.on(route, func(w http.ResponseWriter, q *http.Request, _ []byte) bool {
		if !strings.HasSuffix(q.URL.EscapedPath(), "/members/a%7Cb%2Fc") {
			t.Errorf("the path is %s", q.URL.EscapedPath())
		}
		reply(w, 200, api.Member{})
		return true
	})
	if page := r.post("/accounts/"+account+"/account/role", url.Values{"subject": {"a|b/c"}, "role": {"owner"}}); page.StatusCode != 200 {
		t.Errorf("%d %s", page.StatusCode, text(page.doc))
	}
	if got := r.api.seen(route); len(got) != 1 || got[0].body != `{"role":"owner"}` {
		t.Errorf("the calls: %+v", got)
	}
	for _, subject := range []string{"", ".", ".."} {
		if page := r.post("/accounts/"+account+"/account/role", url.Values{"subject": {subject}, "role": {"owner"}}); page.StatusCode != 404 {
			t.Errorf("%q: %d", subject, page.StatusCode)
		}
	}
}

// TestAKeyAndItsTrailSayTheSame of its apps and caps: an app as people type it, from left to right in every language, and a group of classes by
// its name. The names are asked for where a row has a group, and not for each page.
func TestAKeyAndItsTrailSayTheSame(t *testing.T) {
	w := newWalker(t, "owner")
	const print = "DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09"
	android := api.App{Platform: "android", Package: ptr("com.example.driver"), Sha1: ptr(print)}
	ios := api.App{Platform: "ios", BundleId: ptr("com.example.driver")}
	w.state(func(_ *api.Me, k *api.KeyWithSecret) { k.Apps = []api.App{android, ios} })
	w.api.on("GET /v1/accounts/"+account+"/quotas", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.Quotas{Quotas: []api.Quota{{Group: "tiles", Name: "Map tiles", BillingType: "free"}}})
		return true
	})
	w.api.on("GET /v1"+keyPath+"/usage", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.Usage{Quotas: &[]api.KeyQuotaUse{{Group: "tiles", Name: "Map tiles", Day: ptr(int64(250_000)), EndsAt: moment.Of(then)}}})
		return true
	})
	row := api.AuditRow{At: moment.Of(then), Action: "key.edit", KeyId: ptr(keyID), Actor: api.Actor{Subject: "u", Role: "owner"}, RequestId: "r", Changes: []api.Change{
		{Field: "apps", After: []any{map[string]any{"platform": "android", "package": "com.example.driver", "sha1": print}, map[string]any{"platform": "ios", "bundle_id": "com.example.driver"}}},
		{Field: "quotas", After: []any{map[string]any{"group": "tiles", "day": 250_000}}},
	}}
	for _, trail := range []string{"/accounts/" + account + "/audit", keyPath + "/audit"} {
		w.api.on("GET /v1"+trail, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 200, api.AuditList{Rows: []api.AuditRow{row}})
			return true
		})
	}
	lines := append(linesOf([]api.App{android}), linesOf([]api.App{ios})...)
	trails := []string{"/accounts/" + account + "/account/audit", keyPath + "/audit", "/accounts/" + account + "/account/audit?at=" + moment.Format(then)}
	for _, language := range []string{"en", "ar"} {
		key := text(w.ask(http.MethodGet, keyPath, nil, "Accept-Language", language).doc)
		for _, want := range append(lines, "Map tiles") {
			if !strings.Contains(key, want) {
				t.Errorf("%s: the key's page lacks %q", language, want)
			}
		}
		for _, trail := range trails {
			page := w.ask(http.MethodGet, trail, nil, "Accept-Language", language)
			if said := text(page.doc); !strings.Contains(said, "Map tiles") || strings.Contains(said, "tiles·") || strings.Contains(said, ": tiles") {
				t.Errorf("%s, %s: the group is called %s", trail, language, said)
			}
			var codes []string
			elements(page.doc, func(n *html.Node) {
				if n.Data == "code" && attr(n, "dir") == "ltr" && strings.Contains(text(n), "com.example") {
					codes = append(codes, text(n))
				}
			})
			if !strings.Contains(trail, "at=") { // the other one is on the page of the row
				codes = append(codes, lines[1])
			}
			for _, line := range lines {
				if !strings.Contains(strings.Join(codes, " "), line) {
					t.Errorf("%s, %s: %q, want %q", trail, language, codes, line)
				}
			}
			if !strings.Contains(page.text, "DA:<wbr>39:<wbr>") {
				t.Errorf("%s, %s: a fingerprint breaks inside a byte", trail, language)
			}
		}
	}
	if asked := w.api.seen("GET /v1/accounts/" + account + "/quotas"); len(asked) != 1 {
		t.Errorf("the names of groups were asked for %d times", len(asked))
	}
}

// TestEveryAuditTrailIsWrittenInWords, by the same words on each page that shows rows.
func TestEveryAuditTrailIsWrittenInWords(t *testing.T) {
	w := newWalker(t, "owner")
	rows := map[string]any{"next_page_token": "next one", "rows": []any{map[string]any{
		"id": "1", "at": "2026-08-03T14:00:00Z", "action": "key.edit", "key_id": keyID, "actor": map[string]any{"subject": "u", "role": "developer"}, "request_id": "r-7", "source_ip": "203.0.113.77",
		"changes": []any{
			map[string]any{"field": "missing_origin", "before": "deny", "after": "allow"},
			map[string]any{"field": "header_only", "after": true},
			map[string]any{"field": "products", "after": []string{"map-display"}},
		},
	}, map[string]any{
		"id": "3", "at": "2026-08-03T14:00:00Z", "action": "key.edit", "key_id": keyID, "actor": map[string]any{"subject": "u", "role": "developer"}, "request_id": "r-9",
		"changes": []any{
			map[string]any{"field": "expires_at", "before": "2026-09-01T00:00:00Z"},
			map[string]any{"field": "limits", "after": []any{map[string]any{"class": "map-display", "qps": 50, "then_qps": 0, "ends_at": nil}}},
			map[string]any{"field": "rank", "before": "support", "after": "admin"},
			map[string]any{"field": "email"}, // nothing before, and nothing after
		},
	}, map[string]any{"id": "2", "at": "2026-08-03T14:00:00Z", "action": "account.close.begin", "actor": map[string]any{"subject": "Operator", "role": "operator"}, "request_id": "r-8"}}}
	root := "/accounts/" + account
	for path, c := range map[string]struct{ route, key, older string }{
		root + "/account/audit":            {"/v1/accounts/" + account + "/audit", root + "/keys/" + keyID, root + "/account/audit?page=next+one"},
		root + "/keys/" + keyID + "/audit": {"/v1/accounts/" + account + "/keys/" + keyID + "/audit", "", root + "/keys/" + keyID + "/audit?page=next+one"},
		"/operator/operators/audit":        {"/v1/operators/audit", "/operator/keys/" + keyID, "/operator/operators/audit?page=next+one"},
	} {
		w.api.on("GET "+c.route, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(out, 200, rows); return true })
		for language, words := range map[string][]string{
			"en": {"Refused", "Allowed", "Yes", "Map Display API", "1 Sep 2026, 00:00 UTC", "Map Display API: 50 QPS", "r-7", "203.0.113.77", "Edited", "Developer", "Admin", "Account closing started"},
			"fr": {"Refusé", "Accepté", "Oui", "Map Display API : 50 QPS", "Administration", "Fermeture du compte commencée", "Opérateur"},
		} {
			page := w.ask(http.MethodGet, path, nil, "Accept-Language", language)
			whole := strings.Join(strings.Fields(text(page.doc)), "")
			for _, want := range words {
				if !strings.Contains(whole, strings.ReplaceAll(want, " ", "")) {
					t.Errorf("%s, %s: the audit trail lacks %q: %s", path, language, want, whole)
				}
			}
			if who := strings.Join(strings.Fields(text(first(page.doc, "audit"))), ""); strings.Contains(who, "OpérateurOpérateur") || strings.Contains(who, "OperatorOperator") {
				t.Errorf("%s: who has no name is named by the role twice: %s", path, whole)
			}
			if strings.Contains(whole, "E-mail") {
				t.Errorf("%s: a field that has no value is listed: %s", path, whole)
			}
			to := links(page.doc)
			if key := to[keyID]; key != c.key {
				t.Errorf("%s: the key leads to %q, want %q", path, key, c.key)
			}
			if older := to[map[string]string{"en": "Older", "fr": "Activité plus ancienne"}[language]]; older != c.older { //nolint:misspell // French
				t.Errorf("%s: what is older is at %q", path, older)
			}
		}
	}
	w.forget()
	w.ask(http.MethodGet, "/operator/operators/audit?page=tok", nil)
	if got := w.api.seen("GET /v1/operators/audit"); len(got) != 1 || got[0].uri != "/v1/operators/audit?page_size=15&page_token=tok" {
		t.Errorf("asks %+v", got)
	}
}

// TestATrailShowsOfLimitsThoseThatChanged, on each page that has rows; the row's own page has all.
func TestATrailShowsOfLimitsThoseThatChanged(t *testing.T) {
	limit := func(class string, qps int) map[string]any {
		return map[string]any{"class": class, "qps": qps, "then_qps": 0}
	}
	w := newWalker(t, "owner")
	row := map[string]any{"id": "1", "at": moment.Format(then), "action": "key.limit", "key_id": keyID, "actor": map[string]any{"subject": "u", "role": "owner"}, "request_id": "r", "changes": []any{
		map[string]any{"field": "limits", "before": []any{limit("map-display", 1000), limit("search", 70)}, "after": []any{limit("map-display", 2000), limit("search", 70)}},
	}}
	for path, c := range map[string]struct {
		route string
		all   bool
	}{
		"/accounts/" + account + "/account/audit": {"/v1/accounts/" + account + "/audit", false},
		keyPath + "/audit":                        {"/v1" + keyPath + "/audit", false},
		"/accounts/" + account + "/account/audit?action=key.limit&at=" + moment.Format(then): {"/v1/accounts/" + account + "/audit", true},
	} {
		w.api.on("GET "+c.route, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 200, map[string]any{"rows": []any{row}})
			return true
		})
		said := strings.ReplaceAll(text(w.ask(http.MethodGet, path, nil).doc), "\u00a0", " ")
		if !strings.Contains(said, "Map Display API: 1,000 QPS") || !strings.Contains(said, "Map Display API: 2,000 QPS") || strings.Contains(said, "search: 70 QPS") != c.all || strings.Contains(said, "1 unchanged") == c.all {
			t.Errorf("%s: %s", path, said)
		}
	}
}

// A subject is shown as a text is, and sent as it is.
func TestASubjectThatHidesIsShownAndStillNamed(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	const hidden = "a\u202eb"
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Subject, me.Name, me.Email = hidden, nil, nil })
	w.api.on("GET /v1/accounts/"+account+"/members", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.MemberList{Members: []api.Member{{Subject: hidden, Role: api.Owner}}})
		return true
	})
	w.api.on("GET /v1/operators", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.OperatorList{Operators: []api.Operator{{Subject: hidden + "2"}}})
		return true
	})
	root := "/accounts/" + account + "/account"
	for _, path := range []string{root, root + "/remove?subject=" + url.QueryEscape(hidden), "/operator/operators", "/operator/operators/remove?subject=" + url.QueryEscape(hidden+"2")} {
		page := w.ask(http.MethodGet, path, nil)
		if whole := text(page.doc); page.StatusCode != 200 || strings.Contains(whole, hidden) || !strings.Contains(whole, "a\ufffdb") {
			t.Errorf("%s answered %d: %+q", path, page.StatusCode, whole)
		}
	}
	for _, form := range forms(w.ask(http.MethodGet, root, nil).doc) {
		if strings.HasSuffix(form.action, "/role") && form.values().Get("subject") != hidden {
			t.Errorf("the form names %+q", form.values().Get("subject"))
		}
	}
}

// TestAnInvitationIsReadWhateverWasPastedAroundIt: the token alone or the whole link, with what mail programs and people put around.
func TestAnInvitationIsReadWhateverWasPastedAroundIt(t *testing.T) {
	for _, around := range []string{"%s", " %s\n", "<%s>", `"%s"`, "\ufeff%s", "%s\u200b", "\u00a0<%s>\t", "\u2068%s\u2069", "\u200f«%s»,"} {
		for _, pasted := range []string{invitation, "https://console.example/prod/invitations#" + invitation} {
			if got := invitationToken(strings.Replace(around, "%s", pasted, 1)); got != invitation {
				t.Errorf("%q around %q: %q", around, pasted, got)
			}
		}
	}
	for _, other := range []string{"", "a b", "lki_1/2", "lki_\u200d1"} {
		if got := invitationToken(other); got != "" {
			t.Errorf("%q: %q", other, got)
		}
	}
}
