package sessions_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

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
