package control_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
	"latchkey/shared/qps"
	"latchkey/shared/text"
)

// Closing an account revokes every key, and always ends. A key that can't be read can't be revoked: it stops none of the others, the
// account counts it, operators are told, and the gate refuses it with all keys of a closed account.
func TestClosingEndsAndCountsTheKeysThatCantBeRead(t *testing.T) {
	c := newCrowd(t)
	bad := c.spoil(t, "key")
	row := func(action string, key apikey.ID) audit.Row { return keytest.Row(c.account.ID, action, key) }
	a, err := c.store.Close(t.Context(), c.account, keytest.Now, row)
	if err != nil || a.ClosedAt.IsZero() || a.UnreadableKeys != bad {
		t.Errorf("%+v, %v", a, err)
	}
	if len(c.reported) != bad {
		t.Errorf("%d are reported, want %d", len(c.reported), bad)
	}
	stored, err := c.store.Account(t.Context(), c.account.ID)
	if err != nil || !stored.Same(a) {
		t.Errorf("stored: %+v, %v", stored, err)
	}
	c.CheckAccount(t, a)
	if record, _, err := c.Gate.Account(t.Context(), a.ID); err != nil || !record.Closed {
		t.Errorf("the gate's record: %+v, %v", record, err)
	}
	last := c.AllAudit(t, a.ID)[0]
	if want := []audit.Change{audit.Set("closing", true, nil), audit.Set("closed_at", nil, moment.Of(keytest.Now)), audit.Set("unreadable_keys", nil, bad)}; last.Action != "account.close" || !slices.Equal(last.Changes, want) {
		t.Errorf("%s: %v, want %v", last.Action, last.Changes, want)
	}
	p, err := c.store.Keys(t.Context(), c.account.ID, control.KeyQuery{})
	if err != nil || len(p.Keys) != each-bad || len(p.Bad) != bad {
		t.Fatalf("%d keys and %d bad ones, %v", len(p.Keys), len(p.Bad), err)
	}
	for _, k := range p.Keys {
		if k.RevokedAt.IsZero() {
			t.Errorf("%s isn't revoked", k.ID)
		}
	}
}

// TestClosingEndsWhateverCountCantBeRead: the counts that a closing lowers are no reason to keep an account.
func TestClosingEndsWhateverCountCantBeRead(t *testing.T) {
	for _, sk := range []string{"GUARD#keys", "GUARD#owners", "GUARD#accounts"} {
		for _, what := range []string{"unreadable", "gone"} {
			s := keytest.MemoryStores(t)
			a := keytest.Account()
			a, err := s.Control.OpenAccount(t.Context(), a, keytest.Member(a.ID, "owner", account.Owner), 5, nil, keytest.Row(a.ID, "account.create", ""))
			if err != nil {
				t.Fatal(err)
			}
			s.NewKey(t, a)
			s.NewKey(t, a)
			if n := spoilCount(t, s, sk, what == "gone"); n != 1 {
				t.Fatalf("%d records %s", n, sk)
			}
			got, err := s.CloseAccount(t.Context(), a.ID)
			if err != nil || got.ClosedAt.IsZero() || got.UnreadableKeys != 0 {
				t.Errorf("%s is %s: %+v, %v", sk, what, got, err)
			}
			if record, _, err := s.Gate.Account(t.Context(), a.ID); err != nil || !record.Closed {
				t.Errorf("%s is %s: the gate's record: %+v, %v", sk, what, record, err)
			}
		}
	}
}

// TestAKeyEndsWhateverTheCountOfKeysIs: a count that can't be read, is gone or is too low is no reason to keep a secret alive. It is
// reported, and the row of the change is written once.
func TestAKeyEndsWhateverTheCountOfKeysIs(t *testing.T) {
	spoil := map[string]func(keytest.Stores){
		"unreadable": func(s keytest.Stores) { spoilCount(t, s, "GUARD#keys", false) },
		"gone":       func(s keytest.Stores) { spoilCount(t, s, "GUARD#keys", true) },
		"too low": func(s keytest.Stores) {
			for _, item := range keytest.Stored(t, s.DB, s.Tables.Control) {
				if at, _ := dynamo.GetS(item, "sk"); at == "GUARD#keys" {
					item["num"] = dynamo.N(0)
					if err := keytest.PutRaw(t.Context(), s.DB, s.Tables.Control, item); err != nil {
						t.Fatal(err)
					}
				}
			}
		},
	}
	for what, spoil := range spoil {
		for name, end := range map[string]func(*apikey.Key){
			"key.revoke": func(k *apikey.Key) { k.RevokedAt = keytest.Now }, "key.delete": func(k *apikey.Key) { k.DeletedAt = keytest.Now },
		} {
			s, reported := keytest.MemoryStores(t), 0
			s.Control = s.Control.Reporting(func(context.Context, control.Unreadable) { reported++ })
			a := s.NewAccount(t)
			k := s.NewKey(t, a)
			spoil(s)
			after, err := s.Edit(t.Context(), k, name, end)
			if err != nil || reported != 1 {
				t.Errorf("%s, the count is %s: %v, reported %d times", name, what, err, reported)
				continue
			}
			s.CheckGate(t, after)
			if last := s.AllAudit(t, a.ID)[0]; last.Action != name || last.KeyID != string(k.ID) {
				t.Errorf("%s, the count is %s: the last row is %+v", name, what, last)
			}
		}
	}
}

// TestARequestEndsWithItsAccount: also where its key can't be read, and so couldn't end it. In an open account such a request stands
// until the key is repaired.
func TestARequestEndsWithItsAccount(t *testing.T) {
	s := keytest.MemoryStores(t)
	a := s.NewAccount(t, func(a *account.Account) { a.Type = account.Enterprise })
	k := s.NewKey(t, a, func(k *apikey.Key) { k.BillingType = apikey.Paying })
	why, err := text.Secrets{}.ParseBlock("launch", 1, qps.MaxJustification)
	if err != nil {
		t.Fatal(err)
	}
	r, err := qps.Submit(qps.Request{ID: "qps_1", Account: a.ID, KeyID: k.ID, Product: "search", Class: "search", Current: 5, Requested: 50}, why, 5, 100, keytest.Now)
	if err == nil {
		err = s.Control.SubmitRequest(t.Context(), r, nil, keytest.Row(a.ID, "qps.submit", k.ID))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range keytest.Stored(t, s.DB, s.Tables.Control) {
		if kind, _ := dynamo.GetS(item, "kind"); kind == "key" {
			item["created_at"] = dynamo.S("soon")
			if err := keytest.PutRaw(t.Context(), s.DB, s.Tables.Control, item); err != nil {
				t.Fatal(err)
			}
		}
	}
	queue, err := s.Control.OpenRequests(t.Context(), "", 10)
	if err != nil || len(queue.Requests) != 1 {
		t.Fatalf("%+v, %v", queue, err)
	}
	end := func() (bool, error) {
		return s.Control.EndObsolete(t.Context(), queue.Requests[0], false, keytest.Now, keytest.Row(a.ID, "qps.end", k.ID))
	}
	if ok, err := end(); ok || !errors.Is(err, dynamo.ErrUnreadable) {
		t.Errorf("of an open account: %v, %v", ok, err)
	}
	if _, err := s.CloseAccount(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	if ok, err := end(); !ok || err != nil {
		t.Errorf("of a closed account: %v, %v", ok, err)
	}
	if queue, err := s.Control.OpenRequests(t.Context(), "", 10); err != nil || len(queue.Requests) != 0 {
		t.Errorf("left: %+v, %v", queue, err)
	}
}

// spoilCount damages the guard records of a sort key, or takes them away.
func spoilCount(t *testing.T, s keytest.Stores, sk string, gone bool) (n int) {
	t.Helper()
	for _, item := range keytest.Stored(t, s.DB, s.Tables.Control) {
		if at, _ := dynamo.GetS(item, "sk"); at != sk {
			continue
		}
		n++
		var err error
		if gone {
			key := dynamo.Item{"pk": item["pk"], "sk": item["sk"]}
			_, err = s.DB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &s.Tables.Control, Key: key})
		} else {
			item["num"] = dynamo.S("soon")
			err = keytest.PutRaw(t.Context(), s.DB, s.Tables.Control, item)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// A change of type takes every key along. One that can't be read can't follow: it stops none of the others and doesn't hold up the
// account, the operation is done and says how many are left, and they follow when they have been repaired.
func TestAChangeOfTypeEndsWithoutTheKeysThatCantBeReadAndTheyFollowLater(t *testing.T) {
	c := newCrowd(t)
	whole := c.items(t)
	bad := c.spoil(t, "key")
	row := func(action string, key apikey.ID) audit.Row { return keytest.Row(c.account.ID, action, key) }
	o, _, err := keytest.BeginType(t.Context(), c.store, keytest.Operation(t, c.account.ID, account.SelfServe, nil), row("account.type.begin", ""))
	if err != nil {
		t.Fatal(err)
	}
	goOn := func(unreadable int) {
		t.Helper()
		got, err := c.store.ContinueType(t.Context(), o, keytest.Now, func() bool { return false }, row)
		if err != nil || got.Status != control.Done || got.Unreadable != unreadable {
			t.Errorf("%+v, %v; want %d that can't be read", got, err, unreadable)
		}
		stored, err := c.store.Operation(t.Context(), c.account.ID, o.ID)
		if err != nil || stored.Status != control.Done || stored.Unreadable != unreadable || !stored.EndedAt.Equal(keytest.Now) {
			t.Errorf("stored: %+v, %v", stored, err)
		}
		running, err := c.store.RunningOperations(t.Context(), "", 0)
		listed := slices.ContainsFunc(running.Operations, func(r control.Operation) bool { return r.ID == o.ID })
		if err != nil || listed != (unreadable > 0) {
			t.Errorf("the job goes on with it: %v, %v; %d are left", listed, err, unreadable)
		}
	}
	goOn(bad)
	goOn(bad)
	a, err := c.store.Account(t.Context(), c.account.ID)
	if err != nil || a.Type != account.SelfServe || a.PendingType != "" {
		t.Errorf("%+v, %v", a, err)
	}
	p, err := c.store.Keys(t.Context(), c.account.ID, control.KeyQuery{})
	if err != nil || len(p.Keys) != each-bad || len(p.Bad) != bad {
		t.Fatalf("%d keys and %d bad ones, %v", len(p.Keys), len(p.Bad), err)
	}
	for _, u := range p.Bad { // repaired, as it was
		for _, item := range whole {
			kind, _ := dynamo.GetS(item, "kind")
			if id, _ := dynamo.GetS(item, "id"); kind == "key" && id == u.Item {
				c.put(t, item)
			}
		}
	}
	goOn(0)
	p, err = c.store.Keys(t.Context(), c.account.ID, control.KeyQuery{})
	if err != nil || len(p.Keys) != each {
		t.Fatalf("%d keys, %v", len(p.Keys), err)
	}
	for _, k := range p.Keys {
		if k.AccountType != account.SelfServe {
			t.Errorf("%s hasn't followed", k.ID)
		}
	}
}

// TestNoKeyFollowsAChangeThatAnotherHasOvertaken: a key that is repaired after the account has got another type follows that one's change.
func TestNoKeyFollowsAChangeThatAnotherHasOvertaken(t *testing.T) {
	c := newCrowd(t)
	c.spoil(t, "key")
	row := func(action string, key apikey.ID) audit.Row { return keytest.Row(c.account.ID, action, key) }
	change := func(to account.Type) control.Operation {
		t.Helper()
		o, _, err := keytest.BeginType(t.Context(), c.store, keytest.Operation(t, c.account.ID, to, nil), row("account.type.begin", ""))
		if err == nil {
			o, err = c.store.ContinueType(t.Context(), o, keytest.Now, func() bool { return false }, row)
		}
		if err != nil || o.Status != control.Done || o.Unreadable == 0 {
			t.Fatalf("%+v, %v", o, err)
		}
		return o
	}
	first, second := change(account.SelfServe), change(account.Enterprise)
	for range 2 {
		if _, err := c.store.ContinueType(t.Context(), first, keytest.Now, func() bool { return false }, row); err != nil {
			t.Fatal(err)
		}
	}
	p, err := c.store.Keys(t.Context(), c.account.ID, control.KeyQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range p.Keys {
		if k.AccountType != account.Enterprise {
			t.Errorf("%s went back", k.ID)
		}
	}
	running, err := c.store.RunningOperations(t.Context(), "", 0)
	ids := []string{}
	for _, o := range running.Operations {
		ids = append(ids, o.ID)
	}
	if err != nil || slices.Contains(ids, first.ID) || !slices.Contains(ids, second.ID) {
		t.Errorf("the job goes on with %v, %v", ids, err)
	}
	ends := 0 // told once, however often the job looks
	for _, row := range c.AllAudit(t, c.account.ID) {
		if row.Action == "account.type.end" {
			ends++
		}
	}
	if ends != 1 {
		t.Errorf("%d rows say that the first change ended", ends)
	}
}

// TestAChangeThatIsDoneDoesNothingWhileAnotherRuns: the keys that the other one has taken along don't go back, and the job no longer
// asks for the one that is done.
func TestAChangeThatIsDoneDoesNothingWhileAnotherRuns(t *testing.T) {
	c := newCrowd(t)
	c.spoil(t, "key")
	row := func(action string, key apikey.ID) audit.Row { return keytest.Row(c.account.ID, action, key) }
	begin := func(to account.Type, stop func() bool) control.Operation {
		t.Helper()
		o, _, err := keytest.BeginType(t.Context(), c.store, keytest.Operation(t, c.account.ID, to, nil), row("account.type.begin", ""))
		if err == nil {
			o, err = c.store.ContinueType(t.Context(), o, keytest.Now, stop, row)
		}
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	types := func() (list []account.Type) {
		p, err := c.store.Keys(t.Context(), c.account.ID, control.KeyQuery{})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range p.Keys {
			list = append(list, k.AccountType)
		}
		return list
	}
	first := begin(account.SelfServe, func() bool { return false })
	keys := 0
	second := begin(account.Enterprise, func() bool { keys++; return keys > 1 })
	before := types()
	if first.Status != control.Done || second.Status != control.Running || !slices.Contains(before, account.Enterprise) || !slices.Contains(before, account.SelfServe) {
		t.Fatalf("%+v, %+v, %v", first, second, before)
	}
	if _, err := c.store.ContinueType(t.Context(), first, keytest.Now, func() bool { return false }, row); err != nil {
		t.Error(err)
	}
	if after := types(); !slices.Equal(after, before) {
		t.Errorf("the keys were %v and are %v", before, after)
	}
	running, err := c.store.RunningOperations(t.Context(), "", 0)
	listed := func(id string) bool {
		return slices.ContainsFunc(running.Operations, func(o control.Operation) bool { return o.ID == id })
	}
	if err != nil || listed(first.ID) || !listed(second.ID) {
		t.Errorf("the job goes on with %+v, %v", running.Operations, err)
	}
}

// An account of many keys is closed page by page, never read at once; what broke off, at whichever page and key, goes on when it
// is repeated, and no key is revoked twice.
func TestClosingGoesOnWhereItBrokeOff(t *testing.T) {
	s := keytest.LongStores(t)
	a := s.NewAccount(t, func(a *account.Account) { a.KeyLimit = 1000 })
	const keys = 230
	for range keys {
		s.NewKey(t, a)
	}
	row := func(action string, key apikey.ID) audit.Row { return keytest.Row(a.ID, action, key) }
	breaks := 0
	for ; ; breaks++ {
		counted := &asked{DB: s.With(func(_ string, n int) keytest.Fault {
			if n >= 40+17*breaks { // and again, when it is tried again
				return keytest.Before
			}
			return keytest.NoFault
		}).DB}
		now, err := s.Control.Account(t.Context(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		got, err := keytest.NewStores(counted, s.Tables).Control.Close(t.Context(), now, keytest.Now, row)
		for _, limit := range counted.limits {
			if limit == 0 || limit > 101 {
				t.Fatalf("%d keys are read at once", limit)
			}
		}
		if err == nil {
			if got.ClosedAt.IsZero() {
				t.Fatalf("it isn't closed: %+v", got)
			}
			break
		}
		if breaks > keys {
			t.Fatal(err)
		}
		if a, err := s.Control.Account(t.Context(), a.ID); err != nil || !a.ClosedAt.IsZero() || !a.Closing {
			t.Fatalf("broken off: %+v, %v", a, err)
		}
	}
	revoked := map[string]int{}
	for _, r := range s.AllAudit(t, a.ID) {
		if r.Action == "key.revoke" {
			revoked[r.KeyID]++
		}
	}
	page, err := s.Control.Keys(t.Context(), a.ID, control.KeyQuery{})
	if err != nil || len(page.Keys) != keys || len(revoked) != keys || breaks < 3 {
		t.Fatalf("%d keys, %d of them revoked, %d breaks, %v", len(page.Keys), len(revoked), breaks, err)
	}
	for _, k := range page.Keys {
		if k.RevokedAt.IsZero() || revoked[string(k.ID)] != 1 {
			t.Errorf("%s is revoked %d times", k.ID, revoked[string(k.ID)])
		}
	}
}
