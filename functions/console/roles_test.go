package main

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	matrix "latchkey/shared/account"
	"latchkey/shared/api"
)

var update = flag.Bool("update", false, "write the golden files in testdata")

// anybody marks what needs no right in an account.
const anybody = matrix.Action("anybody")

// searches are the addresses of forms that ask for something and change nothing: find_test.go and typed_forms_test.go.
var searches = []string{
	"/accounts/{account}/keys", "/operator", "/operator/accounts/{account}", "/accounts/{account}/usage", "/accounts/{account}/usage/keys", "/accounts/{account}/qps-requests/new/key", "/accounts/{account}/qps-requests/keys",
	"/accounts/{account}/keys/{key}/test", "/accounts/{account}/domains/one", "/accounts/{account}/domains/new", "/accounts/{account}/account/audit", "/operator/operators/audit",
	erasePage + "/subject", endSessionsPage + "/subject",
}

// leadsOn has the page to which the answer to a search leads, where that is another one than the form's.
var leadsOn = map[string]string{"/accounts/{account}/keys/{key}/test": "/accounts/{account}/keys/{key}/try"}

// needs has the right that each form of the console needs; a page of the same path is where the form stands.
var needs = map[string]matrix.Action{
	"/sign-out": anybody, "/preferences": anybody, "/accounts": anybody, "/invitations": anybody, "/domains/check": anybody,
	"/sessions/end": anybody, "/sessions/end-all": anybody,
	"/accounts/{account}/keys/{key}/try":                     matrix.ReadKeys,
	"/accounts/{account}/keys/new":                           matrix.WriteKeys,
	"/accounts/{account}/keys/first":                         matrix.WriteKeys,
	"/accounts/{account}/keys/selected/disable":              matrix.WriteKeys,
	"/accounts/{account}/keys/selected/enable":               matrix.WriteKeys,
	"/accounts/{account}/keys/selected/rotate":               matrix.WriteKeys,
	"/accounts/{account}/keys/selected/label":                matrix.WriteKeys,
	"/accounts/{account}/keys/selected/domain":               matrix.WriteKeys,
	"/accounts/{account}/keys/selected/delete":               matrix.DeleteKeys,
	"/accounts/{account}/keys/selected/restore":              matrix.DeleteKeys,
	"/accounts/{account}/keys/{key}/edit":                    matrix.WriteKeys,
	"/accounts/{account}/keys/{key}/repair":                  matrix.WriteKeys,
	"/accounts/{account}/keys/{key}/disable":                 matrix.WriteKeys,
	"/accounts/{account}/keys/{key}/enable":                  matrix.WriteKeys,
	"/accounts/{account}/keys/{key}/rotate":                  matrix.WriteKeys,
	"/accounts/{account}/keys/{key}/extend":                  matrix.WriteKeys,
	"/accounts/{account}/keys/{key}/rotation-end":            matrix.WriteKeys,
	"/accounts/{account}/keys/{key}/rotation-cancel":         matrix.WriteKeys,
	"/accounts/{account}/keys/{key}/policy":                  matrix.WriteKeys,
	"/accounts/{account}/keys/{key}/policy-remove":           matrix.WriteKeys,
	"/accounts/{account}/keys/{key}/propose":                 matrix.WriteKeys,
	"/accounts/{account}/keys/{key}/from-usage":              matrix.WriteKeys,
	"/accounts/{account}/keys/{key}/promote":                 matrix.WriteKeys,
	"/accounts/{account}/keys/{key}/drop":                    matrix.WriteKeys,
	"/accounts/{account}/keys/{key}/limits/{class}":          matrix.WriteKeys,
	"/accounts/{account}/keys/{key}/quotas/{group}":          matrix.WriteKeys,
	"/accounts/{account}/keys/{key}/revoke":                  matrix.RevokeKeys,
	"/accounts/{account}/keys/{key}/delete":                  matrix.DeleteKeys,
	"/accounts/{account}/keys/{key}/restore":                 matrix.DeleteKeys,
	"/accounts/{account}/keys/{key}/reveal":                  matrix.RevealKeys,
	"/accounts/{account}/keys/{key}/accept":                  matrix.AcceptPaths,
	"/accounts/{account}/domains/link":                       matrix.WriteKeys,
	"/accounts/{account}/domains/unlink":                     matrix.WriteKeys,
	"/accounts/{account}/domains/replace":                    matrix.WriteKeys,
	"/accounts/{account}/keys/{key}/lift-exposure":           matrix.LiftExposures,
	"/accounts/{account}/account/leaks":                      matrix.SetPolicy,
	"/accounts/{account}/account/rules":                      matrix.SetPolicy,
	"/operator/leaks":                                        matrix.ReportLeaks,
	"/accounts/{account}/qps-requests/new":                   matrix.FileRequests,
	"/accounts/{account}/qps-requests/{request}/withdraw":    matrix.FileRequests,
	"/accounts/{account}/account/name":                       matrix.RenameAccount,
	"/accounts/{account}/account/role":                       matrix.ManageMembers,
	"/accounts/{account}/account/remove":                     matrix.ManageMembers,
	"/accounts/{account}/account/invitations":                matrix.ManageMembers,
	"/accounts/{account}/account/invitations/withdraw":       matrix.ManageMembers,
	"/accounts/{account}/account/close":                      matrix.LeaveService,
	"/operator/people/erase":                                 matrix.ErasePeople,
	"/operator/people/end-sessions":                          matrix.EndSessions,
	"/operator/statements/close":                             matrix.CloseStatement,
	"/operator/accounts/{account}/type":                      matrix.SetAccountType,
	"/operator/accounts/{account}/key-limit":                 matrix.SetKeyLimit,
	"/operator/accounts/{account}/limits/{class}":            matrix.SetLimits,
	"/operator/accounts/{account}/quotas/{group}":            matrix.SetLimits,
	"/operator/accounts/{account}/close":                     matrix.CloseAccount,
	"/operator/accounts/{account}/suspend":                   matrix.SuspendAccount,
	"/operator/accounts/{account}/resume":                    matrix.SuspendAccount,
	"/operator/keys/{key}/block":                             matrix.BlockKeys,
	"/operator/keys/{key}/unblock":                           matrix.BlockKeys,
	"/operator/keys/{key}/revoke":                            matrix.RevokeAnyKey,
	"/operator/operators/rank":                               matrix.ManageOperator,
	"/operator/accounts/{account}/keys/{key}/billing-type":   matrix.SetBilling,
	"/operator/accounts/{account}/keys/{key}/limits/{class}": matrix.SetLimits,
	"/operator/qps-requests/{account}/{request}":             matrix.DecideRequests,
	"/operator/operators":                                    matrix.ManageOperator,
	"/operator/operators/remove":                             matrix.ManageOperator,
}

// pageless are rights that have no form of their own, with the reason.
var pageless = map[matrix.Action]string{
	matrix.SetPrincipals: "a field of the rotation policy's form",
}

// downloads are files, not pages.
var downloads = map[string]bool{"/accounts/{account}/statements.csv": true, "/operator/statements.csv": true, "/accounts/{account}/usage.csv": true, "/accounts/{account}/account/audit.csv": true, "/operator/operators/audit.csv": true, "/accounts/{account}/account/export.json": true, "/accounts/{account}/keys/selected.csv": true}

// shows are the pages of the rights to read.
var shows = map[matrix.Action]string{
	matrix.ReadKeys: "/accounts/{account}/keys", matrix.ReadUsage: "/accounts/{account}/usage", matrix.ReadRequests: "/accounts/{account}/qps-requests",
	matrix.LeaveService: "/accounts/{account}/account/export", matrix.ReadStatements: "/accounts/{account}/statements",
	matrix.ReadMembers: "/accounts/{account}/account", matrix.ReadAudit: "/accounts/{account}/account/audit", matrix.LookUp: "/operator",
}

// TestEveryRightHasItsPlaceInTheConsole holds needs and shows against the routes and against the role matrix.
func TestEveryRightHasItsPlaceInTheConsole(t *testing.T) {
	w := newWalker(t, "")
	routes := w.routes(http.MethodPost)
	for _, pattern := range routes {
		if needs[pattern] == "" && !slices.Contains(searches, pattern) {
			t.Errorf("which right does POST %s need?", pattern)
		}
	}
	used := map[matrix.Action]bool{}
	for pattern, action := range needs {
		used[action] = true
		if !slices.Contains(routes, pattern) {
			t.Errorf("there is no POST %s", pattern)
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), "../../shared/account/role.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Action" {
			value, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if seen++; !used[matrix.Action(value)] && shows[matrix.Action(value)] == "" && pageless[matrix.Action(value)] == "" {
				t.Errorf("the console has no place for %s", value)
			}
		}
		return true
	})
	if seen < 19 {
		t.Errorf("only %d rights were found", seen)
	}
}

var support = api.Support

// people are those who look at a page.
var people = []struct {
	name string
	me   api.Me
	may  func(matrix.Action) bool
}{
	{"viewer", member(api.Viewer), matrix.Viewer.May},
	{"developer", member(api.Developer), matrix.Developer.May},
	{"owner", member(api.Owner), matrix.Owner.May},
	{"operator", api.Me{Operator: true}, matrix.Admin.May},
	{"support", api.Me{Operator: true, Rank: &support}, matrix.Support.May},
	{"stranger", api.Me{}, func(matrix.Action) bool { return false }},
}

func member(role api.Role) api.Me {
	return api.Me{Accounts: []api.MyAccount{{Id: account, Name: "Demo", Type: api.Enterprise, Role: role}}}
}

// become makes the fake API answer as it does to such a person. To strangers it answers everything but the operators'
// pages, as if its own checks were gone.
func (w *walker) become(me api.Me) {
	me.Subject = "owner"
	w.state(func(now *api.Me, _ *api.KeyWithSecret) { *now = me })
	for _, route := range []string{"/v1/operator/accounts", "/v1/operator/overview", "/v1/operator/blocked-keys", "/v1/operator/exposed-keys", "/v1/operator/suspended-accounts", "/v1/operator/keys", "/v1/operator/members", "/v1/operator/keys/" + keyID, "/v1/operators", "/v1/operators/audit", "/v1/qps-requests", "/v1/operator/statements/" + lastMonth()} {
		w.api.mu.Lock()
		before := w.api.answers["GET "+route]
		w.api.answers["GET "+route] = func(out http.ResponseWriter, r *http.Request, body []byte) bool {
			w.api.mu.Lock()
			may := w.api.me.Operator
			w.api.mu.Unlock()
			if !may {
				problem(out, 403, "forbidden")
				return true
			}
			return before(out, r, body)
		}
		w.api.mu.Unlock()
	}
}

// offers are the links and forms of a page by their patterns: first what changes something.
func (w *walker) offers(doc *html.Node) (changes, links []string) {
	add := func(method, target string) {
		pattern := w.pattern(method, target)
		if pattern == "" {
			w.t.Errorf("a link to %s %s, which isn't there", method, target)
			return
		}
		_, path, _ := strings.Cut(pattern, " ")
		path = cmp.Or(leadsOn[path], path)
		switch action, changing := needs[path]; {
		case action == anybody || strings.HasPrefix(path, "/assets"):
		case slices.Contains(searches, path):
			links = append(links, path)
		case method == http.MethodPost, changing && path != "/operator/operators":
			changes = append(changes, path)
		default:
			links = append(links, path)
		}
	}
	elements(doc, func(n *html.Node) {
		switch target := attr(n, "href") + attr(n, "action"); {
		case n.Data == "button" && has(n, "formaction"): // a form that several buttons send elsewhere
			add(strings.ToUpper(cmp.Or(attr(n, "formmethod"), "get")), attr(n, "formaction"))
		case n.Data == "form":
			add(strings.ToUpper(attr(n, "method")), target)
		case n.Data == "a" && strings.HasPrefix(target, "/"):
			add(http.MethodGet, target)
		}
	})
	slices.Sort(changes)
	slices.Sort(links)
	return slices.Compact(changes), slices.Compact(links)
}

// TestEachPageOffersEachRoleWhatItMay walks every page in every state for everybody. What a page offers is what the role
// matrix allows, and each change that the matrix allows is offered somewhere. testdata/offers.txt has all of it.
func TestEachPageOffersEachRoleWhatItMay(t *testing.T) {
	w := newWalker(t, "owner")
	golden := map[string]*strings.Builder{}
	for _, p := range people {
		offered := map[string]bool{}
		w.become(p.me)
		look := func(state, pattern string) {
			page := w.ask(http.MethodGet, w.page(pattern), nil)
			changes, links := w.offers(page.doc)
			for _, path := range changes {
				if own := needs[pattern]; own != "" && pattern != "/operator/operators" && !p.may(own) {
					break // nothing leads to this page, and the API refuses its form
				}
				if path != pattern || pattern == "/operator/operators" {
					offered[path] = true
				}
				leave := path == "/accounts/{account}/account/remove" && p.may(matrix.ReadMembers)
				if !p.may(needs[path]) && !leave {
					t.Errorf("%s, %s: the %s is offered %s", pattern, state, p.name, path)
				}
			}
			into := golden[pattern+" "+state]
			if into == nil {
				into = &strings.Builder{}
				golden[pattern+" "+state] = into
			}
			fmt.Fprintf(into, "\t%s: %d\n\t\t%s\n\t\t%s\n", p.name, page.StatusCode, short(changes), short(links))
		}
		for _, pattern := range w.routes(http.MethodGet) {
			switch {
			case pattern == "/sign-in", pattern == callbackPath, strings.HasPrefix(pattern, "/assets"), downloads[pattern]:
			case pattern == "/accounts/{account}/keys", pattern == "/accounts/{account}/keys/{key}", pattern == "/operator/keys/{key}", strings.HasSuffix(pattern, "/policy"):
				w.inEachState(func(state string) { look(state, pattern) })
				if strings.HasSuffix(pattern, "/keys") {
					w.listOf()
					look("no keys", pattern)
					w.api.mu.Lock()
					delete(w.api.answers, "GET /v1/accounts/"+account+"/keys")
					w.api.mu.Unlock()
				}
			default:
				look("", pattern)
			}
		}
		if len(p.me.Accounts) > 0 {
			w.state(func(me *api.Me, _ *api.KeyWithSecret) {
				me.Accounts = slices.Clone(me.Accounts)
				me.Accounts[0].Type = api.SelfServe
			})
			for _, pattern := range []string{"/accounts/{account}/keys", "/accounts/{account}/keys/{key}", "/accounts/{account}/qps-requests", "/accounts/{account}/qps-requests/new"} {
				look("self-serve", pattern)
			}
		}
		for path, action := range needs {
			if action != anybody && p.may(action) && !offered[path] {
				t.Errorf("nothing leads the %s to %s", p.name, path)
			}
		}
	}
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(golden)) {
		fmt.Fprintf(&all, "%s\n%s", strings.TrimSpace(name), golden[name])
	}
	compare(t, "testdata/offers.txt", all.String())
}

func short(paths []string) string {
	if len(paths) == 0 {
		return "-"
	}
	out := strings.Join(paths, "  ")
	return strings.NewReplacer("/accounts/{account}/keys/{key}", "KEY", "/accounts/{account}", "ACCOUNT").Replace(out)
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil { //nolint:gosec // read by everybody
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	was, is := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	page := ""
	for i := range max(len(was), len(is)) {
		a, b := at(was, i), at(is, i)
		if !strings.HasPrefix(b, "\t") {
			page = b
		}
		if a != b {
			t.Fatalf("%s, line %d (%s):\n%s\nwas\n%s\nIf that is meant: go test ./functions/console -update", name, i+1, page, b, a)
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// TestAStrangerSeesNoPageOfAnAccount, whatever the API would say.
func TestAStrangerSeesNoPageOfAnAccount(t *testing.T) {
	w := newWalker(t, "owner")
	w.become(api.Me{Accounts: []api.MyAccount{{Id: "acc_02", Name: "Own", Role: api.Owner}}})
	for _, pattern := range w.routes(http.MethodGet) {
		if !strings.Contains(pattern, "{account}") || downloads[pattern] {
			continue
		}
		page := w.ask(http.MethodGet, w.page(pattern), nil)
		if page.StatusCode != http.StatusNotFound || strings.Contains(page.text, "Demo") || strings.Contains(page.text, "demo.example") {
			t.Errorf("%s answered %d: %s", pattern, page.StatusCode, text(page.doc))
		}
	}
}

func TestNewcomersAreLedToTheirFirstStep(t *testing.T) {
	w := newWalker(t, "owner")
	for name, c := range map[string]struct {
		me     api.Me
		status int
		to     string
	}{
		"a member":                 {member(api.Viewer), 303, "/accounts/" + account + "/keys"},
		"an operator":              {api.Me{Operator: true}, 303, "/operator"},
		"an operator and a member": {api.Me{Operator: true, Accounts: member(api.Owner).Accounts}, 303, "/accounts/" + account + "/keys"},
		"nobody yet":               {api.Me{}, 200, ""},
	} {
		w.become(c.me)
		page := w.ask(http.MethodGet, "/", nil)
		if page.StatusCode != c.status || page.Header.Get("Location") != c.to {
			t.Errorf("%s: %d %s", name, page.StatusCode, page.Header.Get("Location"))
		}
	}
	w.accept()
	page := w.ask(http.MethodPost, "/accounts", url.Values{"name": {" First "}})
	if got := w.writes(); len(got) != 1 || got[0].body != `{"name":"First"}` || page.Header.Get("Location") != "/accounts/"+keyID+"/keys" {
		t.Errorf("%s and %s", describe(got), page.Header.Get("Location"))
	}
}
