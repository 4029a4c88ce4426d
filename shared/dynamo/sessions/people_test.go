package sessions_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/sessions"
	"latchkey/shared/keytest"
)

// stores runs a test on the engine and in memory.
func stores(t *testing.T, f func(t *testing.T, s *sessions.Store, db sessions.DB, table string)) {
	db, tables := keytest.Engine(t)
	memory, names := keytest.NewMemory()
	t.Run("engine", func(t *testing.T) { f(t, sessions.New(db, tables.Sessions), db, tables.Sessions) })
	t.Run("memory", func(t *testing.T) { f(t, sessions.New(memory, names.Sessions), memory, names.Sessions) })
}

func fresh(id string) sessions.Session {
	return sessions.Session{ID: id, Sealed: []byte("x"), CreatedAt: keytest.Now, ExpiresAt: keytest.Now.Add(time.Hour), UsedAt: keytest.Now}
}

func TestASessionAndTheListThatNamesItAreWrittenTogether(t *testing.T) {
	stores(t, func(t *testing.T, s *sessions.Store, _ sessions.DB, _ string) {
		none, err := s.Person(t.Context(), "p")
		if err != nil || !reflect.DeepEqual(none, sessions.Person{ID: "p"}) {
			t.Fatalf("a person without sessions: %+v, %v", none, err)
		}
		first := none
		first.Sessions, first.ExpiresAt = []string{"a"}, keytest.Now.Add(12*time.Hour)
		if err := s.Start(t.Context(), fresh("a"), first); err != nil {
			t.Fatal(err)
		}
		got, err := s.Person(t.Context(), "p")
		first.Version = 1
		if err != nil || !reflect.DeepEqual(got, first) {
			t.Fatalf("got %+v, %v, want %+v", got, err, first)
		}
		row, err := s.Get(t.Context(), "a", keytest.Now)
		want := fresh("a")
		want.Version = 1
		if err != nil || !reflect.DeepEqual(row, want) {
			t.Fatalf("got %+v, %v, want %+v", row, err, want)
		}
		// A list that has changed meanwhile: neither is written.
		if err := s.Start(t.Context(), fresh("b"), sessions.Person{ID: "p", Sessions: []string{"b"}}); !errors.Is(err, dynamo.ErrStale) {
			t.Errorf("a list of before: %v", err)
		}
		if _, err := s.Get(t.Context(), "b", keytest.Now); !errors.Is(err, dynamo.ErrNotFound) {
			t.Errorf("a session that no list names is open: %v", err)
		}
		if err := s.PutPerson(t.Context(), none); !errors.Is(err, dynamo.ErrStale) {
			t.Errorf("a write of a version of before: %v", err)
		}
		got.Sessions = nil
		if err := s.PutPerson(t.Context(), got); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Person(t.Context(), "p"); err != nil || len(got.Sessions) > 0 || got.Version != 2 {
			t.Errorf("emptied: %+v, %v", got, err)
		}
		// Lists and sessions don't meet.
		if _, err := s.Get(t.Context(), "p", keytest.Now); !errors.Is(err, dynamo.ErrNotFound) {
			t.Errorf("a list was read as a session: %v", err)
		}
	})
}

func TestASessionIsDeletedOnlyAsItWasRead(t *testing.T) {
	stores(t, func(t *testing.T, s *sessions.Store, _ sessions.DB, _ string) {
		first, err := s.Put(t.Context(), fresh("a"))
		if err != nil {
			t.Fatal(err)
		}
		held := first
		held.HeldUntil = keytest.Now.Add(1500 * time.Millisecond)
		second, err := s.Put(t.Context(), held)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteUnchanged(t.Context(), first); !errors.Is(err, dynamo.ErrStale) {
			t.Errorf("what another call has written since: %v", err)
		}
		if got, err := s.Get(t.Context(), "a", keytest.Now); err != nil || !reflect.DeepEqual(got, second) {
			t.Fatalf("got %+v, %v, want %+v", got, err, second)
		}
		if err := s.DeleteUnchanged(t.Context(), second); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), "a", keytest.Now); !errors.Is(err, dynamo.ErrNotFound) {
			t.Error(err)
		}
		if err := s.DeleteUnchanged(t.Context(), second); !errors.Is(err, dynamo.ErrStale) {
			t.Errorf("deleted before: %v", err)
		}
	})
}

// TestSessionsOfTheReleaseBeforeAreRead: they have neither a last use nor a hold.
func TestSessionsOfTheReleaseBeforeAreRead(t *testing.T) {
	stores(t, func(t *testing.T, s *sessions.Store, db sessions.DB, table string) {
		_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: dynamo.Item{
			"pk": dynamo.S("old"), "sealed": &types.AttributeValueMemberB{Value: []byte("x")}, "created": dynamo.N(keytest.Now.Unix()),
			"ttl": dynamo.N(keytest.Now.Add(time.Hour).Unix()), "ver": dynamo.N(3),
		}})
		if err != nil {
			t.Fatal(err)
		}
		want := fresh("old")
		want.UsedAt, want.Version = time.Time{}, 3
		if got, err := s.Get(t.Context(), "old", keytest.Now); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
		used := keytest.Now.Add(time.Minute)
		if err := s.Touch(t.Context(), "old", used, used.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(t.Context(), "old", keytest.Now); err != nil || !got.UsedAt.Equal(used) || !got.ExpiresAt.Equal(used.Add(time.Hour)) {
			t.Errorf("touched: %+v, %v", got, err)
		}
	})
}

func TestAListSurvivesABadEntry(t *testing.T) {
	stores(t, func(t *testing.T, s *sessions.Store, db sessions.DB, table string) {
		put := func(item dynamo.Item) {
			item["pk"] = dynamo.S("person#p")
			if _, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item}); err != nil {
				t.Fatal(err)
			}
		}
		put(dynamo.Item{"ver": dynamo.N(1), "sessions": &types.AttributeValueMemberL{Value: []types.AttributeValue{dynamo.N(1), dynamo.S("a")}}})
		if got, err := s.Person(t.Context(), "p"); err != nil || !slices.Equal(got.Sessions, []string{"a"}) {
			t.Errorf("got %+v, %v", got, err)
		}
		put(dynamo.Item{"ver": dynamo.N(1), "sessions": dynamo.S("a")})
		if got, err := s.Person(t.Context(), "p"); err != nil || len(got.Sessions) > 0 || s.PutPerson(t.Context(), got) != nil {
			t.Errorf("no list: %+v, %v", got, err)
		}
		put(dynamo.Item{"sessions": &types.AttributeValueMemberL{}})
		if _, err := s.Person(t.Context(), "p"); !errors.Is(err, dynamo.ErrUnreadable) {
			t.Errorf("no version: %v", err)
		}
	})
}
