package sessions_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/sessions"
	"latchkey/shared/keytest"
)

func TestSessionContract(t *testing.T) {
	db, tables := keytest.Engine(t)
	memory, names := keytest.NewMemory()
	for name, s := range map[string]*sessions.Store{
		"engine": sessions.New(db, tables.Sessions), "memory": sessions.New(memory, names.Sessions),
	} {
		t.Run(name, func(t *testing.T) {
			first, err := s.Put(t.Context(), sessions.Session{ID: "h", Sealed: []byte("x"), CreatedAt: keytest.Now, ExpiresAt: keytest.Now.Add(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Get(t.Context(), "h", keytest.Now)
			if err != nil || !reflect.DeepEqual(got, first) {
				t.Fatalf("got %+v, %v, want %+v", got, err, first)
			}
			renewed := first
			renewed.Sealed = []byte("y")
			second, err := s.Put(t.Context(), renewed)
			if err != nil {
				t.Fatal(err)
			}
			for what, session := range map[string]sessions.Session{"a stale version": first, "a taken ID": {ID: "h", Sealed: []byte("z")}} {
				if _, err := s.Put(t.Context(), session); !errors.Is(err, dynamo.ErrStale) {
					t.Fatalf("%s: %v", what, err)
				}
			}
			if _, err := s.Get(t.Context(), "h", second.ExpiresAt); !errors.Is(err, dynamo.ErrNotFound) {
				t.Fatalf("an expired session that is still stored: %v", err)
			}
			if err := s.Touch(t.Context(), "h", keytest.Now, keytest.Now.Add(2*time.Hour)); err != nil {
				t.Fatal(err)
			}
			if got, err = s.Get(t.Context(), "h", second.ExpiresAt); err != nil || string(got.Sealed) != "y" {
				t.Fatalf("after a touch: %+v, %v", got, err)
			}
			for range 2 {
				if err := s.Delete(t.Context(), "h"); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.Get(t.Context(), "h", keytest.Now); !errors.Is(err, dynamo.ErrNotFound) {
				t.Fatal(err)
			}
			if err := s.Touch(t.Context(), "h", keytest.Now, keytest.Now.Add(time.Hour)); !errors.Is(err, dynamo.ErrNotFound) {
				t.Fatalf("touching brought back a deleted session: %v", err)
			}
		})
	}
}

// TestADamagedSessionSignsNobodyIn: nothing of it may be missing or of another type.
func TestADamagedSessionSignsNobodyIn(t *testing.T) {
	memory, names := keytest.NewMemory()
	s := sessions.New(memory, names.Sessions)
	for _, member := range []string{"sealed", "created", "ttl", "ver"} {
		for _, value := range []types.AttributeValue{nil, &types.AttributeValueMemberNULL{Value: true}} {
			item := dynamo.Item{
				"pk": dynamo.S("a"), "sealed": &types.AttributeValueMemberB{Value: []byte("x")}, "created": dynamo.N(1),
				"ttl": dynamo.N(keytest.Now.Add(time.Hour).Unix()), "ver": dynamo.N(3),
			}
			if item[member] = value; value == nil {
				delete(item, member)
			}
			if err := keytest.PutRaw(t.Context(), memory, names.Sessions, item); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Get(t.Context(), "a", keytest.Now); !errors.Is(err, dynamo.ErrUnreadable) || !reflect.DeepEqual(got, sessions.Session{}) {
				t.Errorf("without a good %s: %+v, %v", member, got, err)
			}
		}
	}
}

// TestAnOutageIsTheErrorOfEachCall: nothing is answered as done, as missing or as somebody else's.
func TestAnOutageIsTheErrorOfEachCall(t *testing.T) {
	memory, names := keytest.NewMemory()
	down := sessions.New(keytest.NewFaults(memory, func(string, int) keytest.Fault { return keytest.Before }), names.Sessions)
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"Get":             func() error { _, err := down.Get(ctx, "a", keytest.Now); return err },
		"Put":             func() error { _, err := down.Put(ctx, fresh("a")); return err },
		"Touch":           func() error { return down.Touch(ctx, "a", keytest.Now, keytest.Now) },
		"Delete":          func() error { return down.Delete(ctx, "a") },
		"DeleteUnchanged": func() error { return down.DeleteUnchanged(ctx, fresh("a")) },
		"Person":          func() error { _, err := down.Person(ctx, "p"); return err },
		"PutPerson":       func() error { return down.PutPerson(ctx, sessions.Person{ID: "p"}) },
		"Start":           func() error { return down.Start(ctx, fresh("a"), sessions.Person{ID: "p"}) },
		"EndAll":          func() error { return sessions.EndAll(ctx, down, "one") },
	} {
		if err := call(); err == nil || errors.Is(err, dynamo.ErrNotFound) || errors.Is(err, dynamo.ErrStale) || errors.Is(err, dynamo.ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAnIDThatIsTakenIsNotStarted: nobody is given a session that is somebody's.
func TestAnIDThatIsTakenIsNotStarted(t *testing.T) {
	stores(t, func(t *testing.T, s *sessions.Store, _ sessions.DB, _ string) {
		signIn(t, s, "one", "a")
		other := fresh("a")
		other.Sealed = []byte("somebody else's")
		if err := s.Start(t.Context(), other, sessions.Person{ID: "p"}); !errors.Is(err, dynamo.ErrStale) {
			t.Errorf("got %v", err)
		}
		if got, err := s.Get(t.Context(), "a", keytest.Now); err != nil || string(got.Sealed) != "x" {
			t.Errorf("the session is %q, %v", got.Sealed, err)
		}
		if p, err := s.Person(t.Context(), "p"); err != nil || p.Version != 0 {
			t.Errorf("the other's list: %+v, %v", p, err)
		}
	})
}

// alwaysLate is a store whose lists are written by somebody else before each write.
type alwaysLate struct {
	*sessions.Store
	writes int
}

func (a *alwaysLate) PutPerson(context.Context, sessions.Person) error {
	a.writes++
	return dynamo.ErrStale
}

// TestEndingSessionsGivesUpAfterSixAttempts: the caller is told that they may not all have ended; and at once when its time is over.
func TestEndingSessionsGivesUpAfterSixAttempts(t *testing.T) {
	memory, names := keytest.NewMemory()
	late := &alwaysLate{Store: sessions.New(memory, names.Sessions)}
	signIn(t, late.Store, "one", "a")
	if err := sessions.EndAll(t.Context(), late, "one"); !errors.Is(err, dynamo.ErrStale) || late.writes != 6 {
		t.Errorf("%v after %d writes", err, late.writes)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	late.writes = 0
	if err := sessions.Change(ctx, late, "one", func(p sessions.Person) error { return late.PutPerson(ctx, p) }); !errors.Is(err, context.Canceled) || late.writes > 1 {
		t.Errorf("%v after %d writes", err, late.writes)
	}
}

func TestAfterAllEndedTheListNamesNone(t *testing.T) {
	stores(t, func(t *testing.T, s *sessions.Store, _ sessions.DB, _ string) {
		signIn(t, s, "one", "a")
		if err := sessions.EndAll(t.Context(), s, "one"); err != nil {
			t.Fatal(err)
		}
		if p, err := s.Person(t.Context(), sessions.PersonID("one")); err != nil || len(p.Sessions) != 0 || p.Version != 2 {
			t.Errorf("%+v, %v", p, err)
		}
	})
}
