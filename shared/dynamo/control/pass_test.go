package control_test

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// TestAWalkFromAnyPlaceLeavesNothingOut: it ends behind each place in turn, an account gets another name, a key is purged and one is
// made meanwhile, and what begins there sees each key that stood all the time, together with the first part, once.
func TestAWalkFromAnyPlaceLeavesNothingOut(t *testing.T) {
	names := []string{"a", "m", "z", "0"}
	for stop := 0; ; stop++ {
		s := keytest.MemoryStores(t)
		var accounts []account.Account
		want := map[apikey.ID]int{}
		var deleted []apikey.Key
		for _, name := range names {
			a := s.NewAccount(t)
			accounts = append(accounts, renamed(t, s, a, name))
			for range 4 {
				want[s.NewKey(t, a).ID] = 1
			}
			deleted = append(deleted, s.NewKey(t, a, func(k *apikey.Key) { k.DeletedAt = keytest.Now }))
		}
		got := map[apikey.ID]int{}
		yield := func(k apikey.Key, err error) error { got[k.ID]++; return err }
		stopped, places := errors.New("stop"), 0
		var at control.Place
		err := s.Control.EachKeyFrom(t.Context(), control.Place{}, yield, func(p control.Place) error {
			if at = p; places == stop {
				return stopped
			}
			places++
			return nil
		})
		if err == nil {
			if want := len(names) * 6; places != want {
				t.Errorf("%d places, want %d", places, want)
			}
			return
		}
		if !errors.Is(err, stopped) {
			t.Fatal(err)
		}
		for n, a := range accounts {
			renamed(t, s, a, names[len(names)-1-n])
			if err := s.Control.Purge(t.Context(), deleted[n], keytest.Row(a.ID, "key.purge", deleted[n].ID)); err != nil {
				t.Fatal(err)
			}
			s.NewKey(t, a)
		}
		if err := s.Control.EachKeyFrom(t.Context(), at, yield, func(control.Place) error { return nil }); err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(got, func(id apikey.ID, n int) bool { return want[id] == 0 && n == 1 })
		if !maps.Equal(got, want) {
			t.Fatalf("from %+v: %v", at, got)
		}
	}
}

func renamed(t *testing.T, s keytest.Stores, a account.Account, name string) account.Account {
	t.Helper()
	a, err := s.Control.Account(t.Context(), a.ID)
	after := a
	after.Name = name
	if err == nil {
		a, err = s.Control.UpdateAccount(t.Context(), a, after, keytest.Row(a.ID, "account.edit", ""))
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestAWalkHasAPlaceForARecordThatCantBeRead: it is named by where it stands, whatever is left of it.
func TestAWalkHasAPlaceForARecordThatCantBeRead(t *testing.T) {
	s := keytest.MemoryStores(t)
	a := s.NewAccount(t)
	bad, good := s.NewKey(t, a), s.NewKey(t, a)
	for _, item := range s.Items(t, s.Tables.Control) {
		if sk, _ := dynamo.GetS(item, "sk"); sk == "KEY#"+string(bad.ID) {
			s.Put(t, s.Tables.Control, dynamo.Item{"pk": item["pk"], "sk": item["sk"]})
		}
	}
	var keys []apikey.ID
	var places []control.Place
	err := s.Control.EachKeyFrom(t.Context(), control.Place{}, func(k apikey.Key, unreadable error) error {
		if (unreadable != nil) != (k.ID == bad.ID) || k.Account != a.ID {
			t.Errorf("%+v, %v", k, unreadable)
		}
		keys = append(keys, k.ID)
		return nil
	}, func(p control.Place) error { places = append(places, p); return nil })
	want := []control.Place{{Account: a.ID}, {Account: a.ID, Key: bad.ID}, {Account: a.ID, Key: good.ID}}
	if err != nil || !slices.Equal(keys, []apikey.ID{bad.ID, good.ID}) || !slices.Equal(places, want) {
		t.Errorf("%v, %v, %v", keys, places, err)
	}
}

var passes = map[string]control.Pass{
	"just begun": {Job: "drift", Began: keytest.Now},
	"among the keys": {
		Job: "drift", Mode: "repair", Began: keytest.Now, Counts: map[string]int{"missing": 2},
		Place: control.Place{Account: "acc_01M8HKY1AF1HAFFFZBC0H8KQJ1", Key: "key_01M8HKY1AF1HAFFFZBC0H8KQJ2"},
	},
	"among the records": {Job: "drift", Began: keytest.Now, Place: control.Place{Gate: true, Record: "account#x"}},
	"in the index":      {Job: "drift", Began: keytest.Now, Place: control.Place{Gate: true, Index: "EXPOSED\n2026\nK#k\nEXPOSED"}},
	"ended":             {Job: "keyring", Mode: "k2", Began: keytest.Now, Ended: keytest.Now.Add(time.Hour), Counts: map[string]int{"stale": 1}},
}

// TestAPassIsReadAsItWasSaved, also where the answer to saving it was lost.
func TestAPassIsReadAsItWasSaved(t *testing.T) {
	for name, p := range passes {
		for _, fault := range []keytest.Fault{keytest.NoFault, keytest.After} {
			s := keytest.MemoryStores(t)
			broken := s.With(func(call string, _ int) keytest.Fault {
				if call == "TransactWriteItems" {
					return fault
				}
				return keytest.NoFault
			})
			p := p
			saved, err := broken.Control.SavePass(t.Context(), p)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := s.Control.Pass(t.Context(), p.Job)
			if p.Version = 1; err != nil || !reflect.DeepEqual(got, saved) || !reflect.DeepEqual(got, p) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
	}
}

// TestOfTwoRunsOneSavesItsPass: the other's is refused, whether one stood before or not.
func TestOfTwoRunsOneSavesItsPass(t *testing.T) {
	s := keytest.MemoryStores(t)
	for range 3 {
		one, err := s.Control.Pass(t.Context(), "drift")
		if err != nil {
			t.Fatal(err)
		}
		one.Began, one.Counts = keytest.Now, map[string]int{"missing": 1}
		other := one
		other.Counts = map[string]int{"missing": 2}
		if _, err := s.Control.SavePass(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Control.SavePass(t.Context(), other); !errors.Is(err, dynamo.ErrStale) {
			t.Errorf("the second: %v", err)
		}
		if got, err := s.Control.Pass(t.Context(), "drift"); err != nil || got.Counts["missing"] != 1 {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// TestOfTwoRunsThatSaveTheSameOneGoesOn: what the other finds in the table isn't its own, though it says the same.
func TestOfTwoRunsThatSaveTheSameOneGoesOn(t *testing.T) {
	for _, fault := range []keytest.Fault{keytest.NoFault, keytest.After} { // of the first
		s := keytest.MemoryStores(t)
		p := control.Pass{Job: "compare", Began: keytest.Now, Counts: map[string]int{"trying": 1}}
		broken := s.With(func(call string, _ int) keytest.Fault {
			if call == "TransactWriteItems" {
				return fault
			}
			return keytest.NoFault
		})
		if _, err := broken.Control.SavePass(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Control.SavePass(t.Context(), p); !errors.Is(err, dynamo.ErrStale) {
			t.Errorf("the second: %v", err)
		}
	}
}

// TestAPassThatCantBeReadBeginsAgain: a job doesn't stand still because of how far it had come.
func TestAPassThatCantBeReadBeginsAgain(t *testing.T) {
	for _, damage := range []func(dynamo.Item){
		func(i dynamo.Item) { i["v"] = dynamo.N(9) },
		func(i dynamo.Item) { i["began_at"] = dynamo.S("yesterday") },
		func(i dynamo.Item) { delete(i, "version"); i["kind"] = dynamo.S("other") },
	} {
		s := keytest.MemoryStores(t)
		if _, err := s.Control.SavePass(t.Context(), passes["among the keys"]); err != nil {
			t.Fatal(err)
		}
		item := s.Items(t, s.Tables.Control)[0]
		damage(item)
		s.Put(t, s.Tables.Control, item)
		p, err := s.Control.Pass(t.Context(), "drift")
		if err != nil || p.UnderWay() || p.Job != "drift" {
			t.Fatalf("%+v, %v", p, err)
		}
		p.Began = keytest.Now
		if _, err := s.Control.SavePass(t.Context(), p); err != nil {
			t.Error(err)
		}
	}
}
