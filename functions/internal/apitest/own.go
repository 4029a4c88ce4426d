package apitest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/keytest"
)

// OwnAccount calls each operation that a function serves, that changes something and that admins decide on an account or one of its
// keys, as an admin who is a member of that account, in each role that doesn't have the right by itself: they are refused, and
// nothing is changed.
func OwnAccount(t *testing.T, fixture func(testing.TB) Fixture, serves func(Operation) bool) {
	keytest.OneAtATime(t)
	tried := 0
	for _, op := range Operations(t) {
		of := strings.Contains(op.Path, "{account}") || strings.Contains(op.Path, "{key}")
		if !serves(op) || !op.Changes() || !of || !slices.Contains(op.Roles, "admin") {
			continue
		}
		for _, role := range []account.Role{account.Viewer, account.Developer, account.Owner} {
			if slices.Contains(op.Roles, string(role)) { // of editAccount owners have the name alone
				continue
			}
			f := fixture(t)
			f.Member(t, f.Account, "operator", role)
			before := f.Dump(t)
			got := f.naming(op, "*").call(t, op, "operator", f.params(op))
			if got.Status != http.StatusForbidden || got.Code() != "own_account" {
				t.Errorf("%s as an admin who is %s: %s, want 403 own_account", op.ID, role, got.Problem())
			}
			if items := written(before, f.Dump(t)); len(items) > 0 {
				t.Errorf("%s as an admin who is %s: refused, and it wrote %v", op.ID, role, items)
			}
			tried++
		}
	}
	if tried == 0 {
		t.Error("admins decide nothing here, so nothing was shown")
	}
}
