package keytest

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/qps"
)

// writesOfWhatChanged: each write that replaces or removes what was read is refused, and changes nothing, where somebody else has
// written it since, also if it looks as it did.
func writesOfWhatChanged(t *testing.T, s Stores) {
	a := s.NewAccount(t, func(a *account.Account) { a.Type = account.Enterprise })
	for _, part := range []struct {
		name string
		want error
		// begin makes a record and gives two writes of it, both of what was read: somebody else's and the one that comes too late.
		begin func(t *testing.T, s Stores, a account.Account) (other, late func() error)
	}{
		{"a key's edit", dynamo.ErrStale, staleEdit},
		{"a key's purge", dynamo.ErrStale, stalePurge},
		{"a member's role", dynamo.ErrStale, staleRole},
		{"a member's removal", dynamo.ErrStale, staleRemoval},
		{"an operator's rank", dynamo.ErrStale, staleRank},
		{"a request's end", qps.ErrNotPending, staleRequest},
		{"a pass of a job", dynamo.ErrStale, stalePass},
		{"an announced catalogue", dynamo.ErrStale, staleAnnouncement},
		{"a deployed catalogue", dynamo.ErrStale, staleDeployment},
		{"an account's name", dynamo.ErrStale, staleAccount}, // the last: the others have read it
	} {
		other, late := part.begin(t, s, a)
		must(t, other())
		before := s.Dump(t)
		if err := late(); !errors.Is(err, part.want) {
			t.Errorf("%s, too late: %v, want %v", part.name, err, part.want)
		}
		if !maps.Equal(before, s.Dump(t)) {
			t.Errorf("%s, too late: something was written", part.name)
		}
	}
}

func staleEdit(t *testing.T, s Stores, a account.Account) (other, late func() error) {
	k := s.NewKey(t, a)
	edit := func() error {
		_, err := s.Edit(t.Context(), k, "key.update", func(k *apikey.Key) { k.Name = "Renamed" })
		return err
	}
	return edit, edit
}

// stalePurge: the key was restored and deleted again.
func stalePurge(t *testing.T, s Stores, a account.Account) (other, late func() error) {
	remove := func(k *apikey.Key) { k.DeletedAt = Now }
	deleted, err := s.Edit(t.Context(), s.NewKey(t, a), "key.delete", remove)
	must(t, err)
	return func() error {
			back, err := s.Edit(t.Context(), deleted, "key.restore", func(k *apikey.Key) { k.DeletedAt = time.Time{} })
			must(t, err)
			_, err = s.Edit(t.Context(), back, "key.delete", remove)
			return err
		}, func() error {
			return s.Control.Purge(t.Context(), deleted, Row(a.ID, "key.purge", deleted.ID))
		}
}

func aMember(t *testing.T, s Stores, a account.Account, name string) (read account.Member, change func() error) {
	read, err := s.Control.PutMember(t.Context(), nil, Member(a.ID, name, account.Developer), Subject("owner"), Row(a.ID, "member.add", ""))
	must(t, err)
	return read, func() error {
		after := read
		after.Role = account.Viewer
		_, err := s.Control.PutMember(t.Context(), &read, after, Subject("owner"), Row(a.ID, "member.change", ""))
		return err
	}
}

func staleRole(t *testing.T, s Stores, a account.Account) (other, late func() error) {
	_, change := aMember(t, s, a, "one")
	return change, change
}

func staleRemoval(t *testing.T, s Stores, a account.Account) (other, late func() error) {
	read, change := aMember(t, s, a, "two")
	return change, func() error { return s.Control.RemoveMember(t.Context(), read, Row(a.ID, "member.remove", "")) }
}

func staleRank(t *testing.T, s Stores, _ account.Account) (other, late func() error) {
	admin := control.Operator{Subject: Subject("admin"), Rank: account.Admin, Email: "admin@example.com", AddedAt: Now.Format(time.RFC3339)}
	must(t, s.Control.AddFirstOperator(t.Context(), admin, Row("", "operator.add", "")))
	read := admin
	read.Subject, read.Rank, read.Email = Subject("support"), account.Support, "support@example.com"
	must(t, s.Control.AddOperator(t.Context(), read, admin.Subject, Row("", "operator.add", "")))
	change := func() error {
		after := read
		after.Rank = account.Admin
		return s.Control.ReplaceOperator(t.Context(), read, after, admin.Subject, Row("", "operator.change", ""))
	}
	return change, change
}

func staleRequest(t *testing.T, s Stores, a account.Account) (other, late func() error) {
	k := s.NewKey(t, a, func(k *apikey.Key) { k.BillingType = apikey.Paying })
	r, err := qps.Submit(qps.Request{
		ID: "qps_stale", Account: a.ID, KeyID: k.ID, Product: "search", Class: "search", Current: 5, Requested: 50,
		CreatedBy: qps.Party{Subject: Subject("owner"), Email: "owner@example.com"}, EndsAt: Now.Add(time.Hour),
	}, block(t, "launch"), 5, 100, Now)
	must(t, err)
	must(t, s.Control.SubmitRequest(t.Context(), r, nil, Row(a.ID, "qps.submit", k.ID)))
	end := func() error {
		after, err := r.Reject(qps.Party{Subject: Subject("operator"), Email: "operator@example.com"}, block(t, "no"), Now)
		must(t, err)
		return s.Control.CloseRequest(context.Background(), after, Row(a.ID, "qps.reject", k.ID))
	}
	return end, end
}

func stalePass(t *testing.T, s Stores, _ account.Account) (other, late func() error) {
	read, err := s.Control.SavePass(t.Context(), control.Pass{Job: "stale", Began: Now})
	must(t, err)
	save := func(found int) func() error { // the same twice is a repetition
		return func() error {
			after := read
			after.Counts = map[string]int{"found": found}
			_, err := s.Control.SavePass(t.Context(), after)
			return err
		}
	}
	return save(1), save(2)
}

func staleAnnouncement(t *testing.T, s Stores, _ account.Account) (other, late func() error) {
	read, err := s.Control.Announced(t.Context())
	must(t, err)
	announce := func() error {
		return s.Control.Announce(t.Context(), read, control.Announced{Version: "v2"}, Row("", "catalogue.announce", ""))
	}
	return announce, announce
}

func staleDeployment(t *testing.T, s Stores, _ account.Account) (other, late func() error) {
	read, err := s.Control.Announced(t.Context())
	must(t, err)
	deployed := func() error { return s.Control.Deployed(t.Context(), read, control.Announced{Version: "v3"}) }
	return deployed, deployed
}

func staleAccount(t *testing.T, s Stores, a account.Account) (other, late func() error) {
	rename := func() error {
		after := a
		after.Name = "Renamed"
		_, err := s.Control.UpdateAccount(t.Context(), a, after, Row(a.ID, "account.edit", ""))
		return err
	}
	return rename, rename
}
