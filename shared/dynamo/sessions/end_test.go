package sessions_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/sessions"
	"latchkey/shared/keytest"
)

// signIn starts a session of a subject, as the console does.
func signIn(t *testing.T, s *sessions.Store, subject, id string) {
	t.Helper()
	err := sessions.Change(t.Context(), s, subject, func(p sessions.Person) error {
		p.Sessions, p.ExpiresAt = append(p.Sessions, id), keytest.Now.Add(12*time.Hour)
		return s.Start(t.Context(), fresh(id), p)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, s *sessions.Store, id string, want bool) {
	t.Helper()
	if _, err := s.Get(t.Context(), id, keytest.Now); want != (err == nil) || err != nil && !errors.Is(err, dynamo.ErrNotFound) {
		t.Errorf("session %s: %v, open is %v", id, err, want)
	}
}

func TestAllSessionsOfASubjectEndAndNoOthers(t *testing.T) {
	stores(t, func(t *testing.T, s *sessions.Store, _ sessions.DB, _ string) {
		if err := sessions.EndAll(t.Context(), s, "one"); err != nil {
			t.Errorf("nobody signed in: %v", err)
		}
		if p, err := s.Person(t.Context(), sessions.PersonID("one")); err != nil || p.Version != 0 {
			t.Errorf("a list of nobody's was written: %+v, %v", p, err)
		}
		signIn(t, s, "one", "a")
		signIn(t, s, "one", "b")
		signIn(t, s, "two", "c")
		for range 2 { // it does no harm twice
			if err := sessions.EndAll(t.Context(), s, "one"); err != nil {
				t.Fatal(err)
			}
		}
		open(t, s, "a", false)
		open(t, s, "b", false)
		open(t, s, "c", true)
		signIn(t, s, "one", "d") // the next sign-in is a session like any other
		open(t, s, "d", true)
	})
}

// meanwhile is a store in which somebody does something while sessions are ended.
type meanwhile struct {
	*sessions.Store
	do func()
}

func (m meanwhile) PutPerson(ctx context.Context, p sessions.Person) error {
	m.do()
	return m.Store.PutPerson(ctx, p)
}

func TestASessionThatBeginsWhileAllEndIsEndedToo(t *testing.T) {
	stores(t, func(t *testing.T, s *sessions.Store, _ sessions.DB, _ string) {
		signIn(t, s, "one", "a")
		done := false
		err := sessions.EndAll(t.Context(), meanwhile{s, func() {
			if !done {
				done = true
				signIn(t, s, "one", "late")
			}
		}}, "one")
		if err != nil {
			t.Fatal(err)
		}
		open(t, s, "a", false)
		open(t, s, "late", false)
	})
}

// TestSessionsThatCantAllBeEndedStayListed, so that the next call ends them.
func TestSessionsThatCantAllBeEndedStayListed(t *testing.T) {
	memory, tables := keytest.NewMemory()
	s := sessions.New(memory, tables.Sessions)
	signIn(t, s, "one", "a")
	failing := failsToDelete{s}
	if err := sessions.EndAll(t.Context(), failing, "one"); !errors.Is(err, errDown) {
		t.Errorf("got %v", err)
	}
	if p, err := s.Person(t.Context(), sessions.PersonID("one")); err != nil || len(p.Sessions) != 1 {
		t.Errorf("the list is %+v, %v", p, err)
	}
}

var errDown = errors.New("down")

type failsToDelete struct{ *sessions.Store }

func (failsToDelete) Delete(context.Context, string) error { return errDown }
