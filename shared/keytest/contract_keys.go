package keytest

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/consent"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/product"
)

// full sets every field of a key to something.
func full(k *apikey.Key) {
	k.Labels = []string{"production", "web"}
	k.Domains, k.HeaderOnly, k.Recoverable, k.OriginChosen = []string{"example.com", "*.example.com"}, true, true, true
	k.Current.Sealed = []byte{1, 2, 3}
	k.Outgoing = &apikey.Outgoing{StoredSecret: StoredSecret(string(k.ID) + "/0"), EndsAt: Now.Add(time.Hour), Cancelled: true, Reason: "other"}
	k.Retired = []apikey.Retired{{Hash: StoredSecret(string(k.ID) + "/r1").Hash, EndedAt: Now}, {Hash: StoredSecret(string(k.ID) + "/r2").Hash, EndedAt: Now}}
	k.RotatedAt, k.ExpiresAt, k.Disabled = Now, Now.Add(24*time.Hour), true
	k.Blocked = &apikey.Block{Reason: "abuse", At: Now, Until: Now.Add(72 * time.Hour), By: "operator@example.com"}
	k.Limits = []apikey.Limit{{Class: "search", QPS: 3, EndsAt: Now.Add(time.Hour), Then: 2, Granted: 2, Lent: 4}, {Class: "map-display.tiles", QPS: 0}}
	k.Rotation = &apikey.RotationPolicy{EveryDays: 90, NotifyDaysBefore: 7, Principal: "arn:aws:iam::123456789012:role/r", SetBy: Subject("owner"), AnnouncedFor: Now}
	k.CreatedBy = Subject("developer")
	shown := consent.List{{Product: "search", Paths: []consent.Path{{Prefix: "/search/", Since: "1-e459a7fd79"}, {Prefix: "/search/", Since: consent.Version("3-0123456789").OfEncodedSlash()}}, Narrow: true}}
	k.Consents = shown
	k.Networks, k.Apps = []string{"192.0.2.0/24", "2001:db8::/32"}, []string{"ios com.example.app"}
	k.Caps = apikey.Caps{{Group: "other", Day: 5}, {Group: "tiles", Day: apikey.MaxCap, Since: Now}}
	k.Proposed = &apikey.Proposal{
		Domains: &[]string{"a.example"}, Networks: &[]string{"198.51.100.0/24"}, Apps: &[]string{"ios com.example.other"},
		Products: &[]product.ID{"search"}, Since: Now, Consents: shown,
	}
	k.Delivery = apikey.Delivery{Reader: k.Rotation.Principal, Name: "latchkey/maps/" + string(k.ID), Due: true, Version: "v1", RetryAt: Now}
}

// checkFull checks that full sets every field of a key but those that end it.
func checkFull(t *testing.T, k apikey.Key) {
	t.Helper()
	v := reflect.ValueOf(k)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() && !slices.Contains([]string{"RevokedAt", "DeletedAt", "PlaceFreed"}, name) {
			t.Errorf("the full key of this contract has no %s", name)
		}
	}
}

func keysReadBack(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	for name, option := range map[string]func(*apikey.Key){"plain": func(*apikey.Key) {}, "full": full} {
		k := s.NewKey(t, a, option)
		if name == "full" {
			checkFull(t, k)
		}
		got, err := s.Control.Key(t.Context(), a.ID, k.ID)
		must(t, err)
		if !reflect.DeepEqual(got, k) {
			t.Fatalf("%s: got %+v\nwant %+v", name, got, k)
		}
		got, err = s.Control.FindKey(t.Context(), k.ID)
		must(t, err)
		if !reflect.DeepEqual(got, k) {
			t.Fatalf("%s by ID alone: got %+v", name, got)
		}
		s.CheckGate(t, k)
	}
	_, err := s.Control.FindKey(t.Context(), KeyID())
	wantErr(t, err, dynamo.ErrNotFound)
}

func keysBySecret(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	k := s.NewKey(t, a, full)
	s.NewKey(t, a)
	for _, state := range []func(*apikey.Key){func(*apikey.Key) {}, func(k *apikey.Key) { k.RevokedAt = Now }, func(k *apikey.Key) { k.DeletedAt = Now }} {
		var err error
		k, err = s.Edit(t.Context(), k, "key.edit", state)
		must(t, err)
		for role, hash := range map[apikey.SecretRole]apikey.Hash{
			apikey.CurrentSecret: k.Current.Hash, apikey.OutgoingSecret: k.Outgoing.Hash, apikey.RetiredSecret: k.Retired[0].Hash,
		} {
			for where, find := range map[string]func() (apikey.Key, apikey.SecretRole, error){
				"in its account": func() (apikey.Key, apikey.SecretRole, error) { return s.Control.KeyBySecret(t.Context(), a.ID, hash) },
				"anywhere":       func() (apikey.Key, apikey.SecretRole, error) { return s.Control.FindKeyBySecret(t.Context(), hash) },
			} {
				got, is, err := find()
				must(t, err)
				if got.ID != k.ID || got.Version != k.Version || is != role {
					t.Errorf("the %s secret %s: %s, %q", role, where, got.ID, is)
				}
			}
			for _, id := range []account.ID{AccountID(), s.NewAccount(t).ID, ""} {
				_, _, err := s.Control.KeyBySecret(t.Context(), id, hash)
				wantErr(t, err, dynamo.ErrNotFound)
			}
		}
	}
	for _, hash := range []apikey.Hash{{}, {1}} {
		_, _, err := s.Control.FindKeyBySecret(t.Context(), hash)
		wantErr(t, err, dynamo.ErrNotFound)
	}
	// A record of the gate that its key doesn't know is drift, and no answer.
	stray := authz.PoliciesOf(k)[0]
	stray.Hash = apikey.Hash{2}
	s.Put(t, s.Tables.Gate, policies.Encode(stray))
	_, _, err := s.Control.FindKeyBySecret(t.Context(), stray.Hash)
	wantErr(t, err, dynamo.ErrNotFound)
}

func keysStale(t *testing.T, s Stores) {
	k := s.NewKey(t, s.NewAccount(t))
	edit := func(i int) error {
		_, err := s.Edit(context.Background(), k, "key.edit", func(k *apikey.Key) { k.Name, k.Disabled = "edited", i == 0 })
		return err
	}
	if n := race(t, 4, edit, dynamo.ErrStale); n != 1 {
		t.Fatalf("%d of 4 edits won", n)
	}
	got, err := s.Control.Key(t.Context(), k.Account, k.ID)
	must(t, err)
	if got.Version != 2 {
		t.Fatalf("version %d, want 2", got.Version)
	}
	s.CheckGate(t, got)
	if rows := s.AllAudit(t, k.Account); len(rows) != 3 {
		t.Fatalf("%d audit rows, want 3", len(rows))
	}
}

func keysRevoked(t *testing.T, s Stores) {
	k := s.NewKey(t, s.NewAccount(t))
	revoked, err := s.Edit(t.Context(), k, "key.revoke", func(k *apikey.Key) { k.RevokedAt = Now })
	must(t, err)
	// A program that forgot the rule, or read the key in a way of its own, meets it in the store.
	_, err = s.Edit(t.Context(), revoked, "key.edit", func(k *apikey.Key) { k.RevokedAt = time.Time{} })
	wantErr(t, err, apikey.ErrRevoked)
	_, err = s.Edit(t.Context(), revoked, "key.edit", func(k *apikey.Key) { k.RevokedAt = Now.Add(time.Hour) })
	wantErr(t, err, apikey.ErrRevoked)
	deleted, err := s.Edit(t.Context(), revoked, "key.delete", func(k *apikey.Key) { k.DeletedAt = Now })
	must(t, err)
	restored, err := s.Edit(t.Context(), deleted, "key.restore", func(k *apikey.Key) { k.DeletedAt = time.Time{} })
	must(t, err)
	if !restored.RevokedAt.Equal(Now) {
		t.Fatalf("restored: %+v", restored)
	}
	s.CheckGate(t, restored)
}

func keysLimit(t *testing.T, s Stores) {
	a := s.NewAccount(t, func(a *account.Account) { a.KeyLimit = 3 })
	create := func(int) error {
		k := Key(a.ID)
		_, err := s.Control.Commit(context.Background(), control.Change{After: k, Audit: Row(a.ID, "key.create", k.ID)})
		return err
	}
	if n := race(t, 8, create, account.ErrKeyLimit); n != 3 {
		t.Fatalf("%d keys were created, want 3", n)
	}
	page, err := s.Control.Keys(t.Context(), a.ID, control.KeyQuery{})
	must(t, err)
	if len(page.Keys) != 3 {
		t.Fatalf("%d keys are listed, want 3", len(page.Keys))
	}
}

func keysRoom(t *testing.T, s Stores) {
	a := s.NewAccount(t, func(a *account.Account) { a.KeyLimit = 1 })
	first := s.NewKey(t, a)
	deleted, err := s.Edit(t.Context(), first, "key.delete", func(k *apikey.Key) { k.DeletedAt = Now })
	must(t, err)
	_, err = s.Edit(t.Context(), deleted, "key.block", func(k *apikey.Key) { k.Blocked = &apikey.Block{At: Now} })
	must(t, err)
	s.NewKey(t, a)
	deleted, err = s.Control.Key(t.Context(), a.ID, first.ID)
	must(t, err)
	_, err = s.Edit(t.Context(), deleted, "key.restore", func(k *apikey.Key) { k.DeletedAt = time.Time{} })
	wantErr(t, err, account.ErrKeyLimit)
}

func keysForeign(t *testing.T, s Stores) {
	mine, theirs := s.NewAccount(t), s.NewAccount(t)
	k := s.NewKey(t, theirs)
	_, err := s.Control.Key(t.Context(), mine.ID, k.ID)
	wantErr(t, err, dynamo.ErrNotFound)
	stolen := k
	stolen.Account = mine.ID
	_, err = s.Edit(t.Context(), stolen, "key.edit", func(k *apikey.Key) { k.Name = "mine" })
	wantErr(t, err, dynamo.ErrNotFound)
	unknown := Account()
	k2 := Key(unknown.ID)
	_, err = s.Control.Commit(t.Context(), control.Change{After: k2, Audit: Row(unknown.ID, "key.create", k2.ID)})
	wantErr(t, err, dynamo.ErrNotFound)
	k3 := Key(mine.ID, func(k *apikey.Key) { k.AccountType = account.Enterprise })
	_, err = s.Control.Commit(t.Context(), control.Change{After: k3, Audit: Row(mine.ID, "key.create", k3.ID)})
	wantErr(t, err, dynamo.ErrStale) // the account isn't of the type that the caller took it for
}

func keysPages(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	var want []apikey.ID
	for i := range 8 {
		k := s.NewKey(t, a, func(k *apikey.Key) { k.Disabled = i%2 == 1 })
		if i == 4 {
			_, err := s.Edit(t.Context(), k, "key.delete", func(k *apikey.Key) { k.DeletedAt = Now })
			must(t, err)
		} else if i%2 == 0 {
			want = append(want, k.ID)
		}
	}
	s.NewKey(t, s.NewAccount(t)) // another account's is never listed
	for _, newest := range []bool{false, true} {
		for size := 1; size <= 4; size++ {
			var got []apikey.ID
			for after := apikey.ID(""); ; {
				page, err := s.Control.Keys(t.Context(), a.ID, control.KeyQuery{
					After: after, Limit: size, Newest: newest, Match: func(k apikey.Key) bool { return !k.Disabled },
				})
				must(t, err)
				for _, k := range page.Keys {
					got = append(got, k.ID)
				}
				if after = page.Next; after == "" {
					break
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("newest first %v, pages of %d: got %v, want %v", newest, size, got, want)
			}
		}
		slices.Reverse(want)
	}
	page, err := s.Control.Keys(t.Context(), a.ID, control.KeyQuery{Deleted: true})
	must(t, err)
	if len(page.Keys) != 8 {
		t.Fatalf("%d keys with deleted ones, want 8", len(page.Keys))
	}
}

// keysBounded: one page looks at so many keys, from either end, and the next one goes on there.
func keysBounded(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	first := s.NewKey(t, a)
	const more = 10
	last := s.NewKeys(t, first, control.MostLooked+more-1)
	for _, want := range []control.KeyQuery{{}, {Limit: 5}, {Newest: true}, {Newest: true, Limit: 5}} {
		far := last
		if want.Newest {
			far = first.ID
		}
		want.Match = func(k apikey.Key) bool { return k.ID == far }
		page, err := s.Control.Keys(t.Context(), a.ID, want)
		must(t, err)
		if len(page.Keys) != 0 || page.Next == "" {
			t.Fatalf("%+v: the first page has %d keys, next %q", want, len(page.Keys), page.Next)
		}
		want.After = page.Next
		page, err = s.Control.Keys(t.Context(), a.ID, want)
		must(t, err)
		if len(page.Keys) != 1 || page.Keys[0].ID != far || page.Next != "" {
			t.Fatalf("%+v: the second page has %d keys, next %q", want, len(page.Keys), page.Next)
		}
	}
	page, err := s.Control.Keys(t.Context(), a.ID, control.KeyQuery{})
	must(t, err)
	if len(page.Keys) != control.MostLooked || page.Next == "" {
		t.Fatalf("%d keys without a limit, next %q", len(page.Keys), page.Next)
	}
}

func keysRetired(t *testing.T, s Stores) {
	k := s.NewKey(t, s.NewAccount(t), full)
	dropped := k.Retired[0].Hash
	after, err := s.Edit(t.Context(), k, "key.rotate", func(k *apikey.Key) {
		k.Retired = k.Retired[1:]
		k.Outgoing = nil
	})
	must(t, err)
	for _, gone := range []apikey.Hash{dropped, k.Outgoing.Hash} {
		if _, found, err := s.Gate.Policy(t.Context(), gone); err != nil || found {
			t.Fatalf("found %v, %v", found, err)
		}
	}
	s.CheckGate(t, after)
	if drifts := s.Drifts(t, false); len(drifts) != 0 {
		t.Fatalf("drift %+v", drifts)
	}
}

func keysCollision(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	k := s.NewKey(t, a)
	thief := Key(a.ID, func(other *apikey.Key) { other.Current = k.Current })
	_, err := s.Control.Commit(t.Context(), control.Change{After: thief, Audit: Row(a.ID, "key.create", thief.ID)})
	wantErr(t, err, dynamo.ErrExists)
	s.CheckGate(t, k)
}
