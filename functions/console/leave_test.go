package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// longExport makes the API export so many rows of the audit trail, each so many bytes long.
func (w *walker) longExport(rows, bytes int) {
	w.api.on("GET /v1/accounts/"+account+"/export", func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
		from, _ := strconv.Atoi(r.URL.Query().Get("page_token"))
		size, _ := strconv.Atoi(r.URL.Query().Get("page_size"))
		doc := api.Export{Audit: &[]api.AuditRow{}}
		if from == 0 {
			doc = api.Export{Account: &api.Account{Id: account, Name: "Demo"}, Members: &[]api.Member{{Subject: "owner"}}, Audit: &[]api.AuditRow{}}
		}
		for i := from; i < min(from+size, rows); i++ {
			*doc.Audit = append(*doc.Audit, api.AuditRow{Id: fmt.Sprint("aud_", i), RequestId: strings.Repeat("r", bytes)})
		}
		if next := strconv.Itoa(from + size); from+size < rows {
			doc.NextPageToken = &next
		}
		reply(out, 200, doc)
		return true
	})
}

// TestTheFilesOfAnExportHoldEverythingOnce, however many they are: each page leads to its file and to the next page, and a
// file ends where the next one begins.
func TestTheFilesOfAnExportHoldEverythingOnce(t *testing.T) {
	for name, c := range map[string]struct{ rows, bytes, files int }{
		"one page": {7, 10, 1}, "one file, whole": {2000, 10, 1}, "a row more": {2001, 10, 2}, "several": {4500, 10, 3}, "long rows": {1000, 9000, 3}, "nothing": {0, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWalker(t, "owner")
			w.longExport(c.rows, c.bytes)
			n, at := 0, "/accounts/"+account+"/account/export"
			for part := 1; at != ""; part++ {
				if part > c.files {
					t.Fatalf("there is a file %d", part)
				}
				page := w.ask(http.MethodGet, at, nil)
				to, before := links(page.doc), n
				file := w.ask(http.MethodGet, to["Download JSON"], nil)
				var doc api.Export
				if err := json.Unmarshal([]byte(file.text), &doc); err != nil || page.StatusCode != 200 || file.StatusCode != 200 {
					t.Fatalf("%d, %d, %v", page.StatusCode, file.StatusCode, err)
				}
				if len(file.text) > 5<<20 {
					t.Errorf("the file has %d bytes", len(file.text))
				}
				for _, row := range *doc.Audit {
					if row.Id != fmt.Sprint("aud_", n) {
						t.Fatalf("file %d: %s in the place of %d", part, row.Id, n)
					}
					n++
				}
				if (doc.Account != nil) != (part == 1) || (doc.Members != nil) != (part == 1) {
					t.Errorf("file %d: account %v, members %v", part, doc.Account, doc.Members)
				}
				if whole := strings.Join(strings.Fields(text(page.doc)), ""); n > before && !strings.Contains(whole, "Audittrail"+w.app.langs.Offered()[0].Number(n-before)) {
					t.Errorf("page %d doesn't say what the file holds: %s", part, whole)
				}
				at = to["Next file"]
				if (at == "") != (doc.NextPageToken == nil) {
					t.Errorf("file %d: the next page is %q", part, at)
				}
			}
			if n != c.rows {
				t.Errorf("%d rows of %d", n, c.rows)
			}
		})
	}
}

// TestTheExportIsForOwners, also of a closed account: nobody else's request gets as far as reading it.
func TestTheExportIsForOwners(t *testing.T) {
	w := newWalker(t, "owner")
	for name, c := range map[string]struct {
		me     api.Me
		status int
	}{
		"a viewer": {member(api.Viewer), 403}, "a developer": {member(api.Developer), 403}, "an operator": {api.Me{Operator: true}, 403}, "a stranger": {api.Me{}, 404}, "an owner": {member(api.Owner), 200},
		"an owner of a closed account": {api.Me{Accounts: []api.MyAccount{{Id: account, Role: api.Owner, Closed: true}}}, 200},
	} {
		w.state(func(me *api.Me, _ *api.KeyWithSecret) { *me = c.me })
		for _, path := range []string{"/export", "/export.json"} {
			w.forget()
			page := w.ask(http.MethodGet, "/accounts/"+account+"/account"+path, nil)
			if asked := len(w.api.seen("GET /v1/accounts/" + account + "/export")); page.StatusCode != c.status || asked > 0 != (c.status == 200) {
				t.Errorf("%s: %s answered %d after %d calls", name, path, page.StatusCode, asked)
			}
		}
	}
}

// TestAnOwnerClosesTheAccountByItsName: what is typed is sent as it is, and the API compares.
func TestAnOwnerClosesTheAccountByItsName(t *testing.T) {
	w := newWalker(t, "owner")
	path, route := "/accounts/"+account+"/account/close", "POST /v1/accounts/"+account+"/close"
	w.refuse(422, "invalid", api.FieldError{Pointer: "/confirm_name", Code: "name_mismatch"})
	page := w.ask(http.MethodPost, path, url.Values{"confirm_name": {" Demos"}})
	if got := w.api.seen(route); page.StatusCode != 422 || !strings.Contains(text(page.doc), "Type “Demo” to confirm.") || len(got) != 1 || got[0].body != `{"confirm_name":" Demos"}` {
		t.Errorf("%d, %+v: %s", page.StatusCode, got, text(page.doc))
	}
	for _, says := range []string{"permanently revoked", "can’t be undone", "stop working within 10 seconds"} {
		if !strings.Contains(text(w.ask(http.MethodGet, path, nil).doc), says) {
			t.Errorf("the page doesn't say %q", says)
		}
	}
	w.accept()
	if to := w.ask(http.MethodPost, path, url.Values{"confirm_name": {"Demo"}}).Header.Get("Location"); to != "/accounts/"+account+detailsPage {
		t.Errorf("it leads to %s", to)
	}
}

// TestAnAccountThatIsClosedIsNotClosedAgain, and one whose closing stopped half-way is.
func TestAnAccountThatIsClosedIsNotClosedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		account api.Account
		offered bool
	}{
		"open": {api.Account{}, true}, "being closed": {api.Account{Closing: true}, true}, "closed": {api.Account{ClosedAt: ptr(moment.Of(then))}, false},
	} {
		w := newWalker(t, "owner")
		c.account.Id, c.account.Name, c.account.Type = account, "Demo", api.SelfServe
		w.api.on("GET /v1/accounts/"+account, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 200, c.account)
			return true
		})
		w.state(func(me *api.Me, _ *api.KeyWithSecret) {
			*me = api.Me{Accounts: []api.MyAccount{{Id: account, Name: "Demo", Role: api.Owner, Closed: name != "open"}}}
		})
		to := links(w.ask(http.MethodGet, "/accounts/"+account+detailsPage, nil).doc)
		if got := to["Close account…"] != ""; got != c.offered || to["Export…"] == "" {
			t.Errorf("%s: offered: %v", name, to)
		}
		page := w.ask(http.MethodGet, "/accounts/"+account+"/account/close", nil)
		if want := map[bool]int{true: 200, false: 303}[c.offered]; page.StatusCode != want {
			t.Errorf("%s: answered %d", name, page.StatusCode)
		}
	}
}
