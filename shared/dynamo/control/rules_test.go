package control_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// join adds a member, by the account's owner.
func join(t *testing.T, s keytest.Stores, id account.ID, name string, role account.Role) account.Member {
	t.Helper()
	m, err := s.Control.PutMember(t.Context(), nil, keytest.Member(id, name, role), keytest.Subject("owner"), keytest.Row(id, "member.add", ""))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestNobodyGivesThemselvesMoreThanTheyHave: each role to each other, by the person's own hand.
func TestNobodyGivesThemselvesMoreThanTheyHave(t *testing.T) {
	for _, has := range []account.Role{account.Viewer, account.Developer, account.Owner} {
		for _, wanted := range []account.Role{account.Viewer, account.Developer, account.Owner} {
			s := keytest.MemoryStores(t)
			a := s.NewAccount(t)
			before := join(t, s, a.ID, "self", has)
			after := before
			after.Role = wanted
			_, err := s.Control.PutMember(t.Context(), &before, after, before.Subject, keytest.Row(a.ID, "member.edit", ""))
			got, _ := s.Control.Member(t.Context(), a.ID, before.Subject)
			if may := has.MayGrant(wanted); may && (err != nil || got.Role != wanted) || !may && (!errors.Is(err, dynamo.ErrStale) || got.Role != has) {
				t.Errorf("from %s to %s: %v, and is %s", has, wanted, err, got.Role)
			}
		}
	}
	s := keytest.MemoryStores(t)
	a := s.NewAccount(t)
	m := keytest.Member(a.ID, "stranger", account.Owner)
	if _, err := s.Control.PutMember(t.Context(), nil, m, m.Subject, keytest.Row(a.ID, "member.add", "")); !errors.Is(err, dynamo.ErrStale) {
		t.Errorf("a stranger lets themselves in: %v", err)
	}
}

// TestTheOnlyOwnerStaysWhateverOtherRolesThereAre: other roles are no owners; a second owner is one, until they are demoted. Each change is
// another version.
func TestTheOnlyOwnerStaysWhateverOtherRolesThereAre(t *testing.T) {
	s := keytest.MemoryStores(t)
	a := s.NewAccount(t)
	owner, err := s.Control.Member(t.Context(), a.ID, keytest.Subject("owner"))
	if err != nil {
		t.Fatal(err)
	}
	leave := func() error {
		return s.Control.RemoveMember(t.Context(), owner, keytest.Row(a.ID, "member.remove", ""))
	}
	join(t, s, a.ID, "viewer", account.Viewer)
	second := join(t, s, a.ID, "dev", account.Developer)
	if err := leave(); !errors.Is(err, account.ErrLastOwner) {
		t.Fatalf("with a viewer and a developer: %v", err)
	}
	for n, role := range []account.Role{account.Owner, account.Developer, account.Developer, account.Viewer, account.Owner} {
		after := second
		after.Role = role
		second, err = s.Control.PutMember(t.Context(), &second, after, keytest.Subject("owner"), keytest.Row(a.ID, "member.edit", ""))
		if err != nil || second.Version != int64(n+2) {
			t.Fatalf("%s: version %d, %v", role, second.Version, err)
		}
		if role == account.Owner {
			continue
		}
		if err := leave(); !errors.Is(err, account.ErrLastOwner) {
			t.Fatalf("with a %s who was an owner: %v", role, err)
		}
	}
	if err := leave(); err != nil {
		t.Errorf("with another owner: %v", err)
	}
}

// TestAnInvitationIsForItsAddress, if it has one, and otherwise for anybody who holds its token.
func TestAnInvitationIsForItsAddress(t *testing.T) {
	for address, fits := range map[string]bool{"guest@example.com": true, "GUEST@example.com": true, "other@example.com": false, "": false} {
		for _, addressed := range []bool{true, false} {
			s := keytest.MemoryStores(t)
			a := s.NewAccount(t)
			i := invitation(a.ID, "owner", 1)
			if !addressed {
				i.Email = ""
			}
			row := keytest.Row(a.ID, "invitation.accept", "")
			err := s.Control.Invite(t.Context(), i, nil, keytest.Row(a.ID, "invitation.create", ""))
			if err == nil {
				_, err = s.Control.AcceptInvitation(t.Context(), i, account.Person{Subject: keytest.Subject("guest"), Email: address}, keytest.Now, row)
			}
			if ok := fits || !addressed; ok && err != nil || !ok && !errors.Is(err, account.ErrOtherAddress) {
				t.Errorf("for %q, accepted by %q: %v", i.Email, address, err)
			}
		}
	}
}

// TestAnOpenedAccountCountsUntilItIsClosed, and no other change makes room for another one.
func TestAnOpenedAccountCountsUntilItIsClosed(t *testing.T) {
	s := keytest.MemoryStores(t)
	open := func(name string) (account.Account, error) {
		a := keytest.Account()
		return s.Control.OpenAccount(t.Context(), a, keytest.Member(a.ID, name, account.Owner), 2, nil, keytest.Row(a.ID, "account.create", ""))
	}
	first, err := open("owner")
	if _, again := open("owner"); err != nil || again != nil {
		t.Fatal(err, again)
	}
	for n := range 3 {
		after := first
		after.Name = fmt.Sprint("Name ", n)
		if first, err = s.Control.UpdateAccount(t.Context(), first, after, keytest.Row(first.ID, "account.edit", "")); err != nil {
			t.Fatal(err)
		}
		if _, err := open("owner"); !errors.Is(err, account.ErrAccounts) {
			t.Fatalf("a third one, after %d edits: %v", n+1, err)
		}
	}
	if _, err := open("other"); err != nil {
		t.Errorf("another person: %v", err)
	}
	if _, err := s.CloseAccount(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := open("owner"); err != nil {
		t.Errorf("after one is closed: %v", err)
	}
	if _, err := open("owner"); !errors.Is(err, account.ErrAccounts) {
		t.Errorf("and one more: %v", err)
	}
	unowned := s.NewAccount(t) // an operator's: nobody's count changes
	if _, err := s.CloseAccount(t.Context(), unowned.ID); err != nil {
		t.Errorf("an account that nobody opened: %v", err)
	}
}

// TestAnOperationThatEndedStaysAsItEnded, whatever becomes of the account: going on with it writes nothing.
func TestAnOperationThatEndedStaysAsItEnded(t *testing.T) {
	s := keytest.MemoryStores(t)
	a := s.NewAccount(t)
	first, err := s.ChangeType(t.Context(), keytest.Operation(t, a.ID, account.Enterprise, nil))
	if err != nil || first.Status != control.Done {
		t.Fatalf("%+v, %v", first, err)
	}
	if _, err := s.ChangeType(t.Context(), keytest.Operation(t, a.ID, account.SelfServe, nil)); err != nil {
		t.Fatal(err)
	}
	before := s.Dump(t)
	for what, read := range map[string]func() (control.Operation, error){
		"read": func() (control.Operation, error) { return s.Control.Operation(t.Context(), a.ID, first.ID) },
		"gone on with": func() (control.Operation, error) {
			return s.Control.ContinueType(t.Context(), first, keytest.Now, func() bool { return false }, rowsOf(a.ID))
		},
	} {
		if got, err := read(); err != nil || got.Status != control.Done || !got.EndedAt.Equal(first.EndedAt) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	if written := keytest.Written(before, s.Dump(t)); len(written) != 0 {
		t.Errorf("written: %v", written)
	}
}

// TestAnOperationThatIsOvertakenAtAKeySaysSo: it isn't the key's fault that it can't follow.
func TestAnOperationThatIsOvertakenAtAKeySaysSo(t *testing.T) {
	for what, overtake := range map[string]func(*testing.T, keytest.Stores, account.ID){
		"another change": func(t *testing.T, s keytest.Stores, id account.ID) {
			if _, err := s.ChangeType(t.Context(), keytest.Operation(t, id, account.SelfServe, nil)); err != nil {
				t.Error(err)
			}
		},
		"the account's end": func(t *testing.T, s keytest.Stores, id account.ID) {
			if _, err := s.CloseAccount(t.Context(), id); err != nil {
				t.Error(err)
			}
		},
	} {
		s := keytest.MemoryStores(t)
		a := s.NewAccount(t)
		s.NewKey(t, a)
		o, _, err := keytest.BeginType(t.Context(), s.Control, keytest.Operation(t, a.ID, account.Enterprise, nil), keytest.Row(a.ID, "account.type.begin", ""))
		if err != nil {
			t.Fatal(err)
		}
		between := &keytest.Interrupt{DB: keytest.NewFaults(s.DB, func(_ string, n int) keytest.Fault {
			if n > 200 {
				return keytest.Before // a job that goes on for ever ends here
			}
			return keytest.NoFault
		})}
		between.Arm(func() { overtake(t, s, a.ID) })
		got, err := keytest.NewStores(between, s.Tables).Control.ContinueType(t.Context(), o, keytest.Now, func() bool { return false }, rowsOf(a.ID))
		if err != nil || got.Status != control.Failed {
			t.Errorf("%s comes between: %+v, %v", what, got, err)
		}
	}
}

// TestAnOperationOfWhichNothingCanBeReadIsNotOver: whether another took its place isn't known then.
func TestAnOperationOfWhichNothingCanBeReadIsNotOver(t *testing.T) {
	s := keytest.MemoryStores(t)
	a := s.NewAccount(t)
	s.NewKey(t, a)
	o, _, err := keytest.BeginType(t.Context(), s.Control, keytest.Operation(t, a.ID, account.Enterprise, nil), keytest.Row(a.ID, "account.type.begin", ""))
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	between := &keytest.Interrupt{DB: keytest.NewFaults(s.DB, func(call string, _ int) keytest.Fault {
		if call == "TransactWriteItems" {
			tried++
		}
		if call == "GetItem" && tried >= 10 { // the tries of a key
			return keytest.Before
		}
		return keytest.NoFault
	})}
	between.Arm(func() {
		if _, err := s.ChangeType(t.Context(), keytest.Operation(t, a.ID, account.SelfServe, nil)); err != nil {
			t.Error(err)
		}
	})
	got, err := keytest.NewStores(between, s.Tables).Control.ContinueType(t.Context(), o, keytest.Now, func() bool { return false }, rowsOf(a.ID))
	if !errors.Is(err, dynamo.ErrStale) || got.Status != control.Running {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestOnlyInvitationsThatMayNotBeMadeAnyMoreAreWithdrawn: those of the person, for a role that they can't grant.
func TestOnlyInvitationsThatMayNotBeMadeAnyMoreAreWithdrawn(t *testing.T) {
	for _, role := range []account.Role{"", account.Viewer, account.Developer, account.Owner} {
		s := keytest.MemoryStores(t)
		a := s.NewAccount(t)
		if role != "" {
			join(t, s, a.ID, "inviter", role)
		}
		invite(t, s, a.ID, "inviter", 1)
		invite(t, s, a.ID, "owner", 2)
		row := func(string) audit.Row { return keytest.Row(a.ID, "invitation.withdraw", "") }
		done, err := s.Control.WithdrawInvitationsOf(t.Context(), a.ID, keytest.Subject("inviter"), keytest.Now, row)
		left, _ := s.Control.Invitations(t.Context(), a.ID, keytest.Now, "", 0)
		keeps := role.MayGrant(account.Viewer)
		if err != nil || len(left.Invitations) == 0 || done.More || (len(done.IDs) == 0) != keeps || len(left.Invitations) != 2-len(done.IDs) || left.Invitations[len(left.Invitations)-1].By != keytest.Subject("owner") {
			t.Errorf("an inviter who is %q: %+v, left %+v, %v", role, done, left, err)
		}
	}
}

// TestAKeyThatOthersKeepChangingIsTriedTenTimes, and then the job says so, instead of going on for ever.
func TestAKeyThatOthersKeepChangingIsTriedTenTimes(t *testing.T) {
	for edits, want := range map[int]error{0: nil, 9: nil, 10: dynamo.ErrStale, 1000: dynamo.ErrStale} {
		synctest.Test(t, func(t *testing.T) {
			s := keytest.MemoryStores(t)
			a := s.NewAccount(t)
			k := s.NewKey(t, a)
			a.Closing = true
			a, err := s.Control.UpdateAccount(t.Context(), a, a, keytest.Row(a.ID, "account.close.begin", ""))
			if err != nil {
				t.Fatal(err)
			}
			tried := 0
			busy := s.With(func(call string, _ int) keytest.Fault {
				if call == "TransactWriteItems" {
					if tried++; tried <= edits && tried <= 20 {
						k, err = s.Edit(t.Context(), k, "key.edit", func(k *apikey.Key) { k.Name = fmt.Sprint("Name ", tried) })
					}
				}
				return keytest.NoFault
			})
			if _, got := busy.CloseAccount(t.Context(), a.ID); !errors.Is(got, want) || want == nil && got != nil || tried > 12 {
				t.Errorf("%d edits in between: %v after %d tries, %v", edits, got, tried, err)
			}
		})
	}
}

// TestWhereNothingDiffersNothingIsRepaired, not even in the audit trail.
func TestWhereNothingDiffersNothingIsRepaired(t *testing.T) {
	s := keytest.MemoryStores(t)
	a := s.NewAccount(t)
	s.NewKey(t, a)
	s.NewKey(t, a, func(k *apikey.Key) { k.DeletedAt = keytest.Now })
	before := s.Dump(t)
	if found := s.Drifts(t, true); len(found) != 0 {
		t.Errorf("found: %+v", found)
	}
	if written := keytest.Written(before, s.Dump(t)); len(written) != 0 {
		t.Errorf("written: %v", written)
	}
}

// TestAnAuditRowIsOfOneChange: a row that stands already, of something else, makes no change look done.
func TestAnAuditRowIsOfOneChange(t *testing.T) {
	s := keytest.MemoryStores(t)
	a := s.NewAccount(t)
	row := keytest.Row(a.ID, "account.edit", "")
	for _, item := range s.Items(t, s.Tables.Control) {
		if id, _ := dynamo.GetS(item, "id"); strings.HasPrefix(id, "aud_") {
			sk, _ := dynamo.GetS(item, "sk")
			item["sk"], item["id"] = dynamo.S(strings.Replace(sk, id[4:], row.ID[4:], 1)), dynamo.S(row.ID)
			s.Put(t, s.Tables.Control, item)
		}
	}
	after := a
	after.Name = "Other"
	_, err := s.Control.UpdateAccount(t.Context(), a, after, row)
	if got, _ := s.Control.Account(t.Context(), a.ID); !errors.Is(err, dynamo.ErrExists) || errors.Is(err, dynamo.ErrUnknown) || !got.Same(a) {
		t.Errorf("%v, and the account is %+v", err, got)
	}
	unread := s.With(keytest.OnCall("GetItem", 1, keytest.Before))
	if _, err := unread.Control.UpdateAccount(t.Context(), a, after, row); !errors.Is(err, dynamo.ErrUnknown) {
		t.Errorf("where the row can't be read: %v", err)
	}
}
