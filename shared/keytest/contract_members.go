package keytest

import (
	"context"
	"errors"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
)

func membersRemoval(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	m, err := s.Control.PutMember(t.Context(), nil, Member(a.ID, "dev", account.Developer), Subject("owner"), Row(a.ID, "member.add", ""))
	must(t, err)
	_, err = s.Control.PutMember(t.Context(), nil, m, Subject("owner"), Row(a.ID, "member.add", ""))
	wantErr(t, err, dynamo.ErrExists)
	after := m
	after.Role = account.Viewer
	changed, err := s.Control.PutMember(t.Context(), &m, after, Subject("owner"), Row(a.ID, "member.change", ""))
	must(t, err)
	wantErr(t, s.Control.RemoveMember(t.Context(), m, Row(a.ID, "member.remove", "")), dynamo.ErrStale)
	must(t, s.Control.RemoveMember(t.Context(), changed, Row(a.ID, "member.remove", "")))
	_, err = s.Control.Member(t.Context(), a.ID, m.Subject)
	wantErr(t, err, dynamo.ErrNotFound)
	list, err := s.Control.Memberships(t.Context(), m.Subject, "", 0)
	must(t, err)
	members, err := s.Control.Members(t.Context(), a.ID, "", 0)
	must(t, err)
	if len(list.Memberships) != 0 || len(members.Members) != 1 {
		t.Fatalf("memberships %+v, members %+v", list, members)
	}
	wantErr(t, s.Control.RemoveMember(t.Context(), changed, Row(a.ID, "member.remove", "")), dynamo.ErrNotFound)
	if rows := s.AllAudit(t, a.ID); len(rows) != 4 {
		t.Fatalf("%d audit rows, want 4", len(rows))
	}
}

func membersLastOwner(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	_, err := s.Control.PutMember(t.Context(), nil, Member(a.ID, "owner2", account.Owner), Subject("owner"), Row(a.ID, "member.add", ""))
	must(t, err)
	leave := func(i int) error {
		m := Member(a.ID, []string{"owner", "owner2"}[i], account.Owner)
		if i == 0 {
			return s.Control.RemoveMember(context.Background(), m, Row(a.ID, "member.remove", ""))
		}
		after := m
		after.Role = account.Viewer
		_, err := s.Control.PutMember(context.Background(), &m, after, m.Subject, Row(a.ID, "member.change", ""))
		return err
	}
	if n := race(t, 2, leave, account.ErrLastOwner); n != 1 {
		t.Fatalf("%d owners left, want 1", n)
	}
}

// membersLastOwnerOfIssuer: of two owners who leave at once one stays, though an owner of another issuer, who can't sign in, does too.
func membersLastOwnerOfIssuer(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	before := Member(a.ID, "owner", account.Owner)
	before.Subject.Issuer += "/before"
	for _, m := range []account.Member{before, Member(a.ID, "owner2", account.Owner)} {
		_, err := s.Control.PutMember(t.Context(), nil, m, Subject("owner"), Row(a.ID, "member.add", ""))
		must(t, err)
	}
	leave := func(i int) error {
		for {
			err := s.Control.RemoveMember(context.Background(), Member(a.ID, []string{"owner", "owner2"}[i], account.Owner), Row(a.ID, "member.remove", ""))
			if !errors.Is(err, dynamo.ErrStale) { // the other one left meanwhile: decided again
				return err
			}
		}
	}
	if n := race(t, 2, leave, account.ErrLastOwner); n != 1 {
		t.Fatalf("%d owners left, want 1", n)
	}
}

// operatorsFirstOfIssuer: operators of an issuer before don't keep the first one of the next from coming, who then is an operator as any.
func operatorsFirstOfIssuer(t *testing.T, s Stores) {
	next := func(name string) account.Subject { return account.Subject{Issuer: Issuer + "/next", ID: name} }
	first := func(who account.Subject) error {
		o := control.Operator{Subject: who, Rank: account.Admin, AddedAt: Now.Format(time.RFC3339)}
		return s.Control.AddFirstOperatorOfIssuer(t.Context(), o, Row("", "operator.add", ""))
	}
	must(t, s.Control.AddFirstOperator(t.Context(), control.Operator{Subject: Subject("op"), Rank: account.Admin}, Row("", "operator.add", "")))
	wantErr(t, first(Subject("op2")), dynamo.ErrExists)
	must(t, first(next("op")))
	for _, who := range []account.Subject{next("op"), next("op2"), Subject("op2")} {
		wantErr(t, first(who), dynamo.ErrExists)
	}
	must(t, s.Control.AddOperator(t.Context(), control.Operator{Subject: next("op2"), Rank: account.Admin}, next("op"), Row("", "operator.add", "")))
	must(t, s.Control.RemoveOperator(t.Context(), next("op"), next("op2"), Row("", "operator.remove", "")))
	wantErr(t, first(next("op")), dynamo.ErrExists)
	list, err := s.Control.Operators(t.Context(), "", 0)
	must(t, err)
	if len(list.Operators) != 2 || list.Operators[0].Subject != next("op2") || list.Operators[1].Subject != Subject("op") {
		t.Fatalf("operators %+v", list)
	}
	must(t, s.Control.AddOperator(t.Context(), control.Operator{Subject: Subject("op2")}, Subject("op"), Row("", "operator.add", "")))
}

// operatorsOfALongerIssuer: an issuer whose address begins with the next one's is another.
func operatorsOfALongerIssuer(t *testing.T, s Stores) {
	longer := control.Operator{Subject: account.Subject{Issuer: Issuer + "/before", ID: "op"}, Rank: account.Admin}
	must(t, s.Control.AddFirstOperator(t.Context(), longer, Row("", "operator.add", "")))
	must(t, s.Control.AddFirstOperatorOfIssuer(t.Context(), control.Operator{Subject: Subject("op"), Rank: account.Admin}, Row("", "operator.add", "")))
}

func operatorsFirst(t *testing.T, s Stores) {
	add := func(i int) error {
		o := control.Operator{Subject: Subject([]string{"op0", "op1", "op2"}[i]), Email: "op@example.com", AddedAt: Now.Format(time.RFC3339)}
		return s.Control.AddFirstOperator(context.Background(), o, Row("", "operator.add", ""))
	}
	if n := race(t, 3, add, dynamo.ErrExists); n != 1 {
		t.Fatalf("%d first operators", n)
	}
	list, err := s.Control.Operators(t.Context(), "", 0)
	must(t, err)
	if len(list.Operators) != 1 {
		t.Fatalf("operators %+v", list)
	}
	first := list.Operators[0].Subject
	must(t, s.Control.AddOperator(t.Context(), control.Operator{Subject: Subject("op9")}, first, Row("", "operator.add", "")))
	is, err := s.Control.Rank(t.Context(), Subject("op9"))
	must(t, err)
	if is != account.Admin { // as of a time without ranks
		t.Fatal("op9 isn't an operator")
	}
	must(t, s.Control.RemoveOperator(t.Context(), Subject("op9"), first, Row("", "operator.remove", "")))
	wantErr(t, s.Control.RemoveOperator(t.Context(), Subject("op9"), first, Row("", "operator.remove", "")), dynamo.ErrNotFound)
	wantErr(t, s.Control.RemoveOperator(t.Context(), first, Subject("op9"), Row("", "operator.remove", "")), account.ErrNotAdmin)
	for _, who := range []string{"op8", "op9"} { // who was removed names nobody, nor themselves
		o := control.Operator{Subject: Subject(who), Rank: account.Admin}
		wantErr(t, s.Control.AddOperator(t.Context(), o, Subject("op9"), Row("", "operator.add", "")), account.ErrNotAdmin)
	}
	is, err = s.Control.Rank(t.Context(), Subject("op9"))
	must(t, err)
	if rows := s.AllAudit(t, control.Operators); is != "" || len(rows) != 3 {
		t.Fatalf("rank %q, %d audit rows, want 3", is, len(rows))
	}
}

func invitationsOnce(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	i := control.Invitation{
		ID: "inv_1", Account: a.ID, Role: account.Developer, Email: "new@example.com", TokenHash: apikey.Hash{1},
		By: Subject("owner"), CreatedAt: Now, ExpiresAt: Now.Add(time.Hour),
	}
	must(t, s.Control.Invite(t.Context(), i, nil, Row(a.ID, "invitation.create", "")))
	got, err := s.Control.FindInvitation(t.Context(), i.TokenHash, Now)
	must(t, err)
	if got != i {
		t.Fatalf("got %+v, want %+v", got, i)
	}
	_, err = s.Control.FindInvitation(t.Context(), i.TokenHash, i.ExpiresAt)
	wantErr(t, err, dynamo.ErrNotFound)
	_, err = s.Control.AcceptInvitation(t.Context(), i, account.Person{Subject: Subject("owner")}, Now, Row(a.ID, "invitation.accept", ""))
	wantErr(t, err, dynamo.ErrExists)
	accept := func(n int) error {
		who := account.Person{Subject: Subject([]string{"p0", "p1", "p2"}[n]), Email: "New@Example.com"}
		_, err := s.Control.AcceptInvitation(context.Background(), i, who, Now, Row(a.ID, "invitation.accept", ""))
		return err
	}
	if n := race(t, 3, accept, dynamo.ErrNotFound); n != 1 {
		t.Fatalf("accepted %d times", n)
	}
	members, err := s.Control.Members(t.Context(), a.ID, "", 0)
	must(t, err)
	open, err := s.Control.Invitations(t.Context(), a.ID, Now, "", 0)
	must(t, err)
	if len(members.Members) != 2 || len(open.Invitations) != 0 {
		t.Fatalf("members %+v, open %+v", members, open)
	}
}
