package apitest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

// Walls calls each operation that a function serves across the wall between two accounts, and wants to see nothing and
// to change nothing there: for every rank and role, what belongs to another account is answered byte for byte as what
// doesn't exist, and nothing at all is written. Then it makes the calls that succeed, and wants the other account as it
// was.
func Walls(t *testing.T, fixture func(testing.TB) Fixture, serves func(Operation) bool) {
	keytest.OneAtATime(t)
	cells := 0
	for _, op := range Operations(t) {
		if !serves(op) || slices.Contains(op.Roles, "public") {
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			w := newWall(t, fixture(t), op)
			for _, c := range w.cells() {
				w.cell(t, c)
				cells++
			}
			changesNothingElsewhere(t, fixture(t), op)
		})
	}
	t.Logf("%d cells", cells)
	if cells == 0 {
		t.Error("no cell")
	}
}

// wall is a fixture with a second account, and names of what doesn't exist for all that the fixture has.
type wall struct {
	Fixture
	op      Operation
	other   account.Account
	unknown map[string]string // by parameter
}

// The people of the second account, by role.
var behind = map[string]account.Role{"b-owner": account.Owner, "b-developer": account.Developer, "b-viewer": account.Viewer}

// neighbour makes a second account of the same type, with people and a key.
func (f Fixture) neighbour(t testing.TB) (account.Account, apikey.Key) {
	t.Helper()
	own, err := f.Control.Account(t.Context(), f.Account)
	if err != nil {
		t.Fatal(err)
	}
	other := keytest.Account(func(a *account.Account) { a.Type = own.Type })
	first := keytest.Member(other.ID, "b-owner", account.Owner)
	if other, err = f.Control.CreateAccount(t.Context(), other, first, keytest.Row(other.ID, "account.create", "")); err != nil {
		t.Fatal(err)
	}
	f.Member(t, other.ID, "b-developer", account.Developer)
	f.Member(t, other.ID, "b-viewer", account.Viewer)
	billing, err := apikey.DefaultBilling(other.Type)
	if err != nil {
		t.Fatal(err)
	}
	return other, f.NewKey(t, other, func(k *apikey.Key) { k.BillingType = billing })
}

func newWall(t testing.TB, f Fixture, op Operation) *wall {
	t.Helper()
	other, _ := f.neighbour(t)
	ulid := func() string { return strings.TrimPrefix(string(keytest.KeyID()), "key_") }
	f.Params = f.params(op)
	return &wall{f, op, other, map[string]string{
		"account": string(keytest.AccountID()), "key": "key_" + ulid(), "request": "qps_" + ulid(), "invitation": "inv_" + ulid(), "operation": "op_" + ulid(),
		"sub": "some-other-body",
	}}
}

// cell is one comparison: the first call names things of the fixture's account, the second what doesn't exist.
type cell struct {
	as             string
	theirs, absent map[string]string // values by parameter, in the path and in the body
}

func (w *wall) cells() (list []cell) {
	absent := maps.Clone(w.Params)
	for name := range w.Params {
		if unknown, ok := w.unknown[name]; ok {
			absent[name] = unknown
		}
	}
	with := func(values map[string]string, account string) map[string]string {
		values = maps.Clone(values)
		values["account"] = account
		return values
	}
	inAccount, may := strings.Contains(w.op.Path, "{account}"), slices.Contains(w.op.Roles, "operator") || slices.Contains(w.op.Roles, "admin")
	if inAccount && w.names() { // objects of the one account under the path of the other
		for _, as := range append(slices.Sorted(maps.Keys(behind)), "operator", "support") {
			list = append(list, cell{as, with(w.Params, string(w.other.ID)), with(absent, string(w.other.ID))})
		}
	}
	for _, as := range []string{"b-owner", "removed", "newcomer", ""} { // the account itself
		list = append(list, cell{as, w.Params, absent})
		if inAccount {
			list = append(list, cell{as, w.Params, with(w.Params, w.unknown["account"])}, cell{as, with(absent, w.Params["account"]), absent})
		}
	}
	if may && inAccount { // an operator may look at any account, and finds nothing of one in another
		list = append(list, cell{"operator", with(w.Params, w.unknown["account"]), absent})
	}
	if slices.Contains(w.op.Roles, "any") { // of oneself
		list = nil
	}
	return list
}

// names reports whether the path or the body names an object in the account.
func (w *wall) names() bool {
	body, _ := json.Marshal(w.Bodies[w.op.ID])
	for _, name := range []string{"key", "request", "invitation", "operation", "sub"} {
		if strings.Contains(w.op.Path, "{"+name+"}") || w.Params[name] != "" && strings.Contains(string(body), `"`+w.Params[name]+`"`) {
			return true
		}
	}
	return false
}

func (w *wall) cell(t *testing.T, c cell) {
	t.Helper()
	before := w.Dump(t)
	a, b := w.across(t, c.as, c.theirs), w.across(t, c.as, c.absent)
	if a != b {
		t.Errorf("as %q: what is another's looks different from what isn't there:\n%s\n%s", c.as, a, b)
	}
	for _, key := range keytest.Written(before, w.Dump(t)) {
		if operator := c.as == "operator" || c.as == "support"; !operator || strings.Contains(key+before[key], string(w.Account)) {
			t.Errorf("as %q: a call across the wall wrote %s", c.as, key)
		}
	}
}

// across makes the call with other names in its path and body, and returns the answer without them.
func (w *wall) across(t testing.TB, as string, values map[string]string) string {
	t.Helper()
	f := w.Fixture
	if body, ok := f.Bodies[w.op.ID]; ok {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		text := string(raw)
		for name, value := range w.Params {
			text = strings.ReplaceAll(text, `"`+value+`"`, `"`+values[name]+`"`)
		}
		f.Bodies = map[string]any{w.op.ID: text}
	}
	answer := f.call(t, w.op, as, values)
	if answer.Status < http.StatusBadRequest && w.op.ID != "deleteMember" {
		t.Errorf("as %q: %s", as, anonymous(answer))
	}
	text := anonymous(answer)
	for name, value := range values {
		text = strings.ReplaceAll(text, value, "{"+name+"}")
	}
	return text
}

// changesNothingElsewhere makes a call that succeeds, and compares all items of another account.
func changesNothingElsewhere(t *testing.T, f Fixture, op Operation) {
	t.Helper()
	other, k := f.neighbour(t)
	theirs := func() map[string]string {
		dump := f.Dump(t)
		maps.DeleteFunc(dump, func(key, item string) bool {
			text := key + item
			return !strings.Contains(text, string(other.ID)) && !strings.Contains(text, string(k.ID)) && !strings.Contains(text, "b-owner")
		})
		return dump
	}
	before := theirs()
	if len(before) < 8 {
		t.Fatalf("the other account has %d items", len(before))
	}
	if got := f.call(t, op, op.Caller(), f.params(op)); got.Status >= http.StatusBadRequest {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	if written := keytest.Written(before, theirs()); len(written) > 0 {
		t.Errorf("it changed another account: %v", written)
	}
}
