package keytest

import (
	"context"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/authz"
	"latchkey/shared/consent"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/policies"
)

// CheckAccount compares an account's record at the gate with the account.
func (s Stores) CheckAccount(t *testing.T, a account.Account) {
	t.Helper()
	got, found, err := s.Gate.Account(t.Context(), a.ID)
	if want := authz.AccountOf(a); err != nil || !found || !reflect.DeepEqual(got, want) {
		t.Errorf("the gate's record of the account: %+v (%v, %v), want %+v", got, found, err, want)
	}
}

func (s Stores) suspend(t *testing.T, a account.Account) account.Account {
	t.Helper()
	after := a
	after.Suspended = account.Suspension{Reason: "Abuse.", At: Now}
	after, err := s.Control.UpdateAccount(t.Context(), a, after, Row(a.ID, "account.suspend", ""))
	must(t, err)
	return after
}

// driftOfAccounts: a record that is missing, differs or has no account is drift, and repaired. That an account from before
// the records has none is no drift: its record would say nothing, and it gets one without an audit row. Nor is it that the record of an account
// that was closed before the records tell doesn't.
func driftOfAccounts(t *testing.T, s Stores) {
	fine, missing, different := s.suspend(t, s.NewAccount(t)), s.suspend(t, s.NewAccount(t)), s.suspend(t, s.NewAccount(t))
	limited := s.NewAccount(t, func(a *account.Account) { a.Limits = account.Limits{{Class: "search", QPS: 5}} })
	quotaed := s.NewAccount(t, func(a *account.Account) { a.Quotas = account.Quotas{{Billing: "freemium", Group: "other", Day: 5}} })
	older, closedBefore := s.NewAccount(t), s.NewAccount(t)
	unlimited := s.NewAccount(t, func(a *account.Account) { a.Limits = account.Limits{{Class: "search", QPS: 5}} })
	unquotaed := s.NewAccount(t, func(a *account.Account) { a.Quotas = account.Quotas{{Billing: "freemium", Group: "other", Day: 5}} })
	unconsented := s.NewAccount(t, func(a *account.Account) {
		a.Accepted = consent.List{{Product: "map-display", Paths: []consent.Path{{Prefix: "/map/", Since: "1-a"}}}}
	})
	for _, a := range []account.Account{missing, unlimited, unquotaed, unconsented, older} {
		must(t, s.dropAccount(a.ID))
	}
	closedBefore, err := s.CloseAccount(t.Context(), closedBefore.ID) // by a release whose records don't say so
	must(t, err)
	says := authz.AccountOf(closedBefore)
	says.Closed, says.Suspended = false, false
	must(t, PutRaw(t.Context(), s.DB, s.Tables.Gate, policies.EncodeAccount(says)))
	wrong := authz.AccountOf(different)
	wrong.Suspended = false
	must(t, PutRaw(t.Context(), s.DB, s.Tables.Gate, policies.EncodeAccount(wrong)))
	wrong = authz.AccountOf(limited)
	wrong.Limits = wrong.Limits.With("search", 50)
	must(t, PutRaw(t.Context(), s.DB, s.Tables.Gate, policies.EncodeAccount(wrong)))
	wrong = authz.AccountOf(quotaed)
	wrong.Quotas = nil
	must(t, PutRaw(t.Context(), s.DB, s.Tables.Gate, policies.EncodeAccount(wrong)))
	must(t, PutRaw(t.Context(), s.DB, s.Tables.Gate, policies.EncodeAccount(authz.Account{ID: "acc_gone", Type: account.SelfServe, Version: 1})))
	rows := len(s.AllAudit(t, older.ID))
	for _, repair := range []bool{false, true} {
		kinds := map[control.DriftKind]int{}
		for _, d := range s.Drifts(t, repair) {
			kinds[d.Kind]++
			if d.Repaired != repair {
				t.Errorf("repaired: %+v", d)
			}
		}
		if len(kinds) != 3 || kinds[control.DriftMissing] != 4 || kinds[control.DriftDifferent] != 3 || kinds[control.DriftOrphan] != 1 {
			t.Fatalf("drift: %v", kinds)
		}
		s.CheckAccount(t, older)
		s.CheckAccount(t, closedBefore)
	}
	if left := s.Drifts(t, false); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
	for _, a := range []account.Account{fine, missing, different, limited, quotaed, unlimited, unquotaed, unconsented, older} {
		s.CheckAccount(t, a)
	}
	if n := len(s.AllAudit(t, older.ID)); n != rows {
		t.Errorf("%d audit rows more", n-rows)
	}
	if _, found, _ := s.Gate.Account(t.Context(), "acc_gone"); found {
		t.Error("the record without an account is there still")
	}
}

func (s Stores) dropAccount(id account.ID) error {
	_, err := s.DB.DeleteItem(context.Background(), &dynamodb.DeleteItemInput{TableName: &s.Tables.Gate, Key: policies.AccountKey(id)})
	return err
}
