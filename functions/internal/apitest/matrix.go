package apitest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"latchkey/shared/account"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// Fixture supplies the matrix with one account's objects, by the names of path parameters, and with bodies by
// operation. It is rebuilt after each call that may have changed things.
type Fixture struct {
	*API
	Account account.ID
	Params  map[string]string // of the own account
	Bodies  map[string]any    // by operationId; others send {} where a body is allowed
	Headers map[string]map[string]string
	Instead map[string]map[string]string // parameters of single operations, by operationId
}

// Operation is one operation of the contract.
type Operation struct {
	ID, Method, Path string
	Roles            []string
	HasBody          bool
	IfMatch          Header // which preconditions it takes
	Idempotency      Header
}

// Header says whether an operation takes a header.
type Header string

// What the contract says of a header.
const (
	NotTaken Header = ""
	Optional Header = "optional"
	Required Header = "required"
)

// Operations lists the contract's, in a stable order.
func Operations(t testing.TB) (list []Operation) {
	t.Helper()
	paths := Contract(t).Paths.Map()
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		operations := paths[path].Operations()
		for _, method := range slices.Sorted(maps.Keys(operations)) {
			op := operations[method]
			o := Operation{ID: op.OperationID, Method: method, Path: path, HasBody: op.RequestBody != nil}
			for _, role := range op.Extensions["x-roles"].([]any) {
				o.Roles = append(o.Roles, role.(string))
			}
			parameters := append(slices.Clone(paths[path].Parameters), op.Parameters...)
			o.IfMatch, o.Idempotency = taken(parameters, "If-Match"), taken(parameters, "Idempotency-Key")
			list = append(list, o)
		}
	}
	return list
}

func taken(parameters openapi3.Parameters, name string) Header {
	for _, p := range parameters {
		switch {
		case p.Value.Name != name || p.Value.In != "header":
		case p.Value.Required:
			return Required
		default:
			return Optional
		}
	}
	return NotTaken
}

// ServedBy tells which function serves an operation: each is of one, so that what each function's tests hold is held for all.
func (o Operation) ServedBy() string {
	has := func(part string) bool { return strings.Contains(o.Path, part) }
	switch {
	case strings.HasSuffix(o.Path, "/audit"):
		return "accounts"
	case strings.HasSuffix(o.Path, "/usage"), strings.HasSuffix(o.Path, "/statements/{month}"), strings.HasSuffix(o.Path, "/quotas"):
		return "usage"
	case has("/leaks"):
		return "leaks"
	case has("/rotat"):
		return "rotation"
	case has("/qps-requests"), has("/keys/{key}/limits/"), has("/keys/{key}/quotas/"):
		return "qps"
	case has("/accounts/{account}/keys"), has("/accounts/{account}/domains"), has("/accounts/{account}/findings"):
		return "keys"
	default:
		return "accounts"
	}
}

// asking are the operations that change nothing though they are no GET: what they ask about is no matter for a URL.
var asking = []string{"testKey", "findKeys", "findAnyKeys", "showInvitation"}

// Changes reports whether an operation may change something.
func (o Operation) Changes() bool {
	return o.Method != http.MethodGet && !slices.Contains(asking, o.ID)
}

// Caller is one of those who may do it.
func (o Operation) Caller() string {
	for _, one := range [][2]string{{"owner", "owner"}, {"any", "owner"}, {"operator", "operator"}, {"admin", "operator"}} {
		if slices.Contains(o.Roles, one[0]) {
			return one[1]
		}
	}
	return "owner"
}

// Callers are the columns of the matrix: who calls, and which of the contract's roles they have.
var Callers = map[string]string{
	"viewer": "viewer", "developer": "developer", "owner": "owner", "operator": "admin", "support": "operator", "stranger": "",
	"removed": "", "nobody": "none",
}

// People writes the matrix's callers: members by role, an operator, a member of another account, a removed member.
func People(t testing.TB, a *API, own account.ID) {
	t.Helper()
	a.Member(t, own, "developer", account.Developer)
	a.Member(t, own, "viewer", account.Viewer)
	a.Member(t, own, "removed", account.Owner)
	m, err := a.Control.Member(t.Context(), own, keytest.Subject("removed"))
	if err == nil {
		err = a.Control.RemoveMember(t.Context(), m, keytest.Row(own, "member.remove", ""))
	}
	if err != nil {
		t.Fatal(err)
	}
	a.NewOperator(t, control.Operator{Subject: keytest.Subject("operator"), AddedAt: "2026-11-21T12:00:00Z"})
	a.NewOperator(t, control.Operator{Subject: keytest.Subject("support"), Rank: account.Support, AddedAt: "2026-11-21T12:00:00Z"})
	other := keytest.Account()
	stranger := keytest.Member(other.ID, "stranger", account.Owner)
	if _, err := a.Control.CreateAccount(t.Context(), other, stranger, keytest.Row(other.ID, "account.create", "")); err != nil {
		t.Fatal(err)
	}
}

// Matrix calls each operation that a function serves as each caller on its own objects, and checks who gets in: 401
// without a token, 404 for those who have no part in the account, 403 for those whose role doesn't suffice. It then
// compares the answers about foreign and unknown objects byte by byte, wants a row of what operators read, and lists that go on without a record that can't be read.
func Matrix(t *testing.T, fixture func(testing.TB) Fixture, serves func(Operation) bool) {
	keytest.OneAtATime(t)
	for _, op := range Operations(t) {
		if !serves(op) {
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			f := fixture(t)
			for _, caller := range slices.Sorted(maps.Keys(Callers)) {
				params := maps.Clone(f.Params)
				maps.Copy(params, f.Instead[op.ID])
				answer := f.call(t, op, caller, params)
				if why := expect(op, caller, answer); why != "" {
					t.Errorf("%s: %s, got %d %s", caller, why, answer.Status, answer.Body)
				}
				if answer.Status < http.StatusBadRequest {
					f = fixture(t) // the call has changed things
				}
			}
			timesAreInRange(t, fixture, op)
			looksLeaveARow(t, fixture, op)
			takesNoOtherParameter(t, fixture, op)
			leavesOutBadRecords(t, fixture, op)
			survivesAnUnreadableAccount(t, fixture, op)
			if strings.Contains(op.Path, "{account}") {
				foreignLooksUnknown(t, fixture, op)
			}
		})
	}
}

func (f Fixture) call(t testing.TB, op Operation, caller string, params map[string]string) Answer {
	t.Helper()
	c := Call{As: caller, Method: op.Method, Path: fill(op.Path, params), Headers: f.Headers[op.ID]}
	if caller == "nobody" {
		c.As = ""
	}
	if op.HasBody {
		c.Body = map[string]any{}
		if body, ok := f.Bodies[op.ID]; ok {
			c.Body = body
		}
	}
	return f.Do(t, c)
}

// Call makes an operation's call with a body, as one of those who may do it unless as names another.
func (f Fixture) Call(t testing.TB, id, as string, body any) Answer {
	t.Helper()
	for _, op := range Operations(t) {
		if op.ID == id {
			f.Bodies = map[string]any{id: body}
			return f.call(t, op, cmp.Or(as, op.Caller()), f.params(op))
		}
	}
	t.Fatalf("the contract has no operation %q", id)
	return Answer{}
}

func fill(path string, params map[string]string) string {
	for name, value := range params {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	return path
}

func expect(op Operation, caller string, answer Answer) string {
	role := Callers[caller]
	public, anybody := slices.Contains(op.Roles, "public"), slices.Contains(op.Roles, "any")
	inAccount := strings.Contains(op.Path, "{account}")
	switch {
	case role == "none" && !public:
		return want(answer, http.StatusUnauthorized)
	case public, anybody, slices.Contains(op.Roles, role), role == "admin" && slices.Contains(op.Roles, "operator"):
		if answer.Status == 401 || answer.Status == 403 || answer.Status >= 500 {
			return "may do it"
		}
		if answer.Status >= 400 {
			return "may do it, so the test's request must succeed"
		}
		return ""
	case inAccount && role == "":
		return want(answer, http.StatusNotFound)
	default:
		return want(answer, http.StatusForbidden)
	}
}

func want(answer Answer, status int) string {
	if answer.Status != status {
		return fmt.Sprintf("want %d", status)
	}
	return ""
}

// takesNoOtherParameter sends a parameter that the contract doesn't know: it is named, and nothing is done.
func takesNoOtherParameter(t *testing.T, fixture func(testing.TB) Fixture, op Operation) {
	t.Helper()
	if slices.Contains(op.Roles, "public") {
		return
	}
	f := fixture(t)
	before := f.Dump(t)
	op.Path += "?colour=red"
	got := f.call(t, op, op.Caller(), f.params(op))
	if got.Status != http.StatusBadRequest || !slices.Contains(got.Pointers(), "colour") {
		t.Errorf("a parameter that isn't there: %d %s", got.Status, got.Body)
	}
	if items := written(before, f.Dump(t)); op.Method != http.MethodGet && len(items) > 0 {
		t.Errorf("a parameter that isn't there: it wrote %v", items)
	}
}

// foreignLooksUnknown asks, as somebody who has no part in the account, for its objects and for ones that don't
// exist, and as its owner for objects of another account under the own account's path.
func foreignLooksUnknown(t *testing.T, fixture func(testing.TB) Fixture, op Operation) {
	t.Helper()
	f := fixture(t)
	unknown := maps.Clone(f.Params)
	unknown["account"] = string(keytest.AccountID())
	malformed := maps.Clone(f.Params)
	malformed["account"] = "acc_x"
	foreign := f.call(t, op, "stranger", f.Params)
	for name, params := range map[string]map[string]string{"unknown": unknown, "malformed": malformed} {
		if got := f.call(t, op, "stranger", params); anonymous(got) != anonymous(foreign) {
			t.Errorf("a foreign account looks different from an %s one:\n%s\n%s", name, anonymous(foreign), anonymous(got))
		}
	}
	if got := f.call(t, op, "operator", unknown); got.Status != http.StatusNotFound {
		t.Errorf("an operator gets %d about an account that doesn't exist", got.Status)
	}
	if !strings.Contains(op.Path, "{key}") {
		return
	}
	own, other := fixture(t), maps.Clone(f.Params)
	other["account"] = own.Params["account"]
	other["key"] = string(keytest.KeyID())
	elsewhere := own.foreignKey(t)
	theirs := maps.Clone(own.Params)
	theirs["key"] = elsewhere
	a, b := own.call(t, op, "owner", theirs), own.call(t, op, "owner", other)
	if !slices.Contains(op.Roles, "owner") {
		return
	}
	if a.Status != http.StatusNotFound || anonymous(a) != anonymous(b) {
		t.Errorf("a foreign key looks different from an unknown one:\n%s\n%s", anonymous(a), anonymous(b))
	}
}

// foreignKey makes a key in another account of the same store.
func (f Fixture) foreignKey(t testing.TB) string {
	t.Helper()
	other := keytest.Account()
	member := keytest.Member(other.ID, "stranger", account.Owner)
	if _, err := f.Control.CreateAccount(t.Context(), other, member, keytest.Row(other.ID, "account.create", "")); err != nil {
		t.Fatal(err)
	}
	return string(f.NewKey(t, other).ID)
}

// anonymous is an answer without its request ID.
func anonymous(a Answer) string {
	header := a.Header.Clone()
	id := header.Get("X-Request-Id")
	header.Del("X-Request-Id")
	body := strings.ReplaceAll(string(a.Body), id, "")
	return fmt.Sprint(a.Status, header, body)
}
