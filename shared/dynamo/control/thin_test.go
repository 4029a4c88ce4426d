package control_test

import (
	"errors"
	"reflect"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/gate"
	"latchkey/shared/keytest"
)

func TestThinPath(t *testing.T) {
	client, tables := keytest.Engine(t)
	s := control.New(client, tables.Control, tables.Gate)
	ctx := t.Context()
	a := keytest.Account(func(a *account.Account) { a.KeyLimit = 1 })
	if _, err := s.CreateAccount(ctx, a, keytest.Member(a.ID, "owner", account.Owner), keytest.Row(a.ID, "account.create", "")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutMember(ctx, nil, keytest.Member(a.ID, "dev", account.Developer), keytest.Row(a.ID, "member.add", "")); err != nil {
		t.Fatal(err)
	}
	k := keytest.Key(a.ID)
	made, err := s.Commit(ctx, control.Change{After: k, Audit: keytest.Row(a.ID, "key.create", k.ID)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Key(ctx, a.ID, k.ID)
	if err != nil || !reflect.DeepEqual(got, made) {
		t.Fatalf("got %+v %v\nwant %+v", got, err, made)
	}
	k2 := keytest.Key(a.ID)
	if _, err := s.Commit(ctx, control.Change{After: k2, Audit: keytest.Row(a.ID, "key.create", k2.ID)}); !errors.Is(err, dynamo.ErrKeyLimit) {
		t.Fatal(err)
	}
	r := gate.NewReader(client, tables.Gate)
	p, found, err := r.Policy(ctx, k.Current.Hash)
	if err != nil || !found || !reflect.DeepEqual(p, authz.PoliciesOf(made)[0]) {
		t.Fatalf("%+v %v %v", p, found, err)
	}
	if _, err := s.Commit(ctx, control.Change{Before: &k2, After: k2, Audit: keytest.Row(a.ID, "key.edit", k2.ID)}); !errors.Is(err, dynamo.ErrNotFound) {
		t.Fatal(err)
	}
	next, _, _ := made.Disable(keytest.Now)
	if _, err := s.Commit(ctx, control.Change{Before: &made, After: next, Audit: keytest.Row(a.ID, "key.disable", k.ID)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(ctx, control.Change{Before: &made, After: next, Audit: keytest.Row(a.ID, "key.disable", k.ID)}); !errors.Is(err, dynamo.ErrStale) {
		t.Fatal(err)
	}
	page, err := s.AuditOfAccount(ctx, a.ID, "", 2)
	if err != nil || len(page.Rows) != 2 || page.Next == "" || page.Rows[0].Action != "key.disable" {
		t.Fatalf("%+v %v", page, err)
	}
	list, err := s.Memberships(ctx, keytest.Subject("dev"))
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
}
