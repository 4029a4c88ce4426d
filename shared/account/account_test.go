package account_test

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"latchkey/shared/account"
)

func TestRolesMayWhatIsListed(t *testing.T) {
	actions := []struct {
		action                                   account.Action
		viewer, developer, owner, support, admin bool
	}{
		{account.ReadKeys, true, true, true, true, true},
		{account.ReadUsage, true, true, true, true, true},
		{account.ReadRequests, true, true, true, true, true},
		{account.ReadMembers, true, true, true, true, true},
		{account.ReadAudit, true, true, true, true, true},
		{account.WriteKeys, false, true, true, false, false},
		{account.FileRequests, false, true, true, false, false},
		{account.RevokeKeys, false, false, true, false, false},
		{account.DeleteKeys, false, false, true, false, false},
		{account.RevealKeys, false, false, true, false, false},
		{account.ManageMembers, false, false, true, false, false},
		{account.RenameAccount, false, false, true, false, false},
		{account.SetPrincipals, false, false, true, false, false},
		{account.LeaveService, false, false, true, false, false},
		{account.AcceptPaths, false, false, true, false, false},
		{account.ReadStatements, false, false, true, true, true},
		{account.CloseStatement, false, false, false, false, true},
		{account.LookUp, false, false, false, true, true},
		{account.BlockKeys, false, false, false, false, true},
		{account.RevokeAnyKey, false, false, false, false, true},
		{account.DecideRequests, false, false, false, false, true},
		{account.SetAccountType, false, false, false, false, true},
		{account.SetKeyLimit, false, false, false, false, true},
		{account.CloseAccount, false, false, false, false, true},
		{account.ManageOperator, false, false, false, false, true},
		{account.ErasePeople, false, false, false, false, true},
		{account.EndSessions, false, false, false, false, true},
		{account.SetPolicy, false, false, true, false, false},
		{account.LiftExposures, false, false, true, false, false},
		{account.SetLimits, false, false, false, false, true},
		{account.SetBilling, false, false, false, false, true},
		{account.SuspendAccount, false, false, false, false, true},
		{account.ReportLeaks, false, false, false, false, true},
		{"", false, false, false, false, false},
		{"something_new", false, false, false, false, false},
	}
	source, err := os.ReadFile("role.go")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{"": true, "something_new": true}
	for _, a := range actions {
		listed[string(a.action)] = true
	}
	declared := regexp.MustCompile(`Action = "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	if len(declared) != len(listed)-2 {
		t.Errorf("%d actions are declared, %d listed", len(declared), len(listed)-2)
	}
	for _, d := range declared {
		if !listed[d[1]] {
			t.Errorf("nobody says who may %s", d[1])
		}
	}
	for _, a := range actions {
		got := [...]bool{
			account.Viewer.May(a.action), account.Developer.May(a.action), account.Owner.May(a.action),
			account.Support.May(a.action), account.Admin.May(a.action),
		}
		if want := [...]bool{a.viewer, a.developer, a.owner, a.support, a.admin}; got != want {
			t.Errorf("%s: viewer, developer, owner, support, admin: got %v, want %v", a.action, got, want)
		}
		if account.Role("").May(a.action) || account.Role("operator").May(a.action) || account.Rank("").May(a.action) || account.Rank("owner").May(a.action) {
			t.Errorf("%s is allowed to a role or rank that nobody has", a.action)
		}
	}
}

func TestOnlyOwnersGrantRolesAndOnlyOnesThatThereAre(t *testing.T) {
	roles := []account.Role{"", account.Viewer, account.Developer, account.Owner, "operator"}
	for _, by := range roles {
		for _, granted := range roles {
			want := by == account.Owner && (granted == account.Viewer || granted == account.Developer || granted == account.Owner)
			if got := by.MayGrant(granted); got != want {
				t.Errorf("%q grants %q: %v", by, granted, got)
			}
			if got := slices.Contains(account.Granters(granted), by); got != want {
				t.Errorf("%q is among those who grant %q: %v", by, granted, got)
			}
		}
	}
}

func TestParsersRefuseWhatTheyDontKnow(t *testing.T) {
	if _, err := account.ParseType(""); !errors.Is(err, account.ErrType) {
		t.Error(err)
	}
	if _, err := account.ParseID("acc_1"); !errors.Is(err, account.ErrID) {
		t.Error(err)
	}
}

// TestAnAddressIsItsOwnButForTheCaseOfASCIILetters: of all characters, none but an ASCII letter's other case may stand for
// one of an address.
func TestAnAddressIsItsOwnButForTheCaseOfASCIILetters(t *testing.T) {
	for a := rune(1); a < utf8.RuneSelf; a++ {
		for _, b := range append(simpleFolds(a), a) {
			want := a == b || b < utf8.RuneSelf
			if got := account.SameAddress("x"+string(a)+"@bank.example", "x"+string(b)+"@BANK.example"); got != want {
				t.Errorf("%q for %q: %v", b, a, got)
			}
		}
	}
	for c := rune(1); c < utf8.RuneSelf; c++ {
		if got, want := account.FoldAddress("x"+string(c)), "x"+strings.ToLower(string(c)); got != want {
			t.Errorf("%q is folded to %q", c, got)
		}
	}
	for _, other := range []string{"", "kiss@bank.examplE ", "\u212aiss@bank.example", "ki\u017f\u017f@bank.example", "\uff4biss@bank.example", "kis@bank.example"} {
		if account.SameAddress("kiss@bank.example", other) {
			t.Errorf("%q opens", other)
		}
	}
}

// simpleFolds lists the other characters that Unicode folds to the same one.
func simpleFolds(r rune) (list []rune) {
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		list = append(list, f)
	}
	return list
}
