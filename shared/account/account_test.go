package account_test

import (
	"errors"
	"testing"

	"latchkey/shared/account"
)

func TestRolesMayWhatIsListed(t *testing.T) {
	actions := []struct {
		action                             account.Action
		viewer, developer, owner, operator bool
	}{
		{account.ReadKeys, true, true, true, true},
		{account.ReadUsage, true, true, true, true},
		{account.ReadRequests, true, true, true, true},
		{account.ReadMembers, true, true, true, true},
		{account.ReadAudit, true, true, true, true},
		{account.WriteKeys, false, true, true, false},
		{account.FileRequests, false, true, true, false},
		{account.RevokeKeys, false, false, true, false},
		{account.DeleteKeys, false, false, true, false},
		{account.RevealKeys, false, false, true, false},
		{account.ManageMembers, false, false, true, false},
		{account.RenameAccount, false, false, true, false},
		{account.LookUp, false, false, false, true},
		{account.BlockKeys, false, false, false, true},
		{account.DecideRequests, false, false, false, true},
		{account.SetAccountType, false, false, false, true},
		{account.SetKeyLimit, false, false, false, true},
		{account.CloseAccount, false, false, false, true},
		{account.ManageOperator, false, false, false, true},
		{"", false, false, false, false},
		{"something_new", false, false, false, false},
	}
	for _, a := range actions {
		got := [...]bool{account.Viewer.May(a.action), account.Developer.May(a.action), account.Owner.May(a.action), account.OperatorMay(a.action)}
		if want := [...]bool{a.viewer, a.developer, a.owner, a.operator}; got != want {
			t.Errorf("%s: viewer, developer, owner, operator: got %v, want %v", a.action, got, want)
		}
		if account.Role("").May(a.action) || account.Role("operator").May(a.action) {
			t.Errorf("%s is allowed to a role that no member has", a.action)
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
