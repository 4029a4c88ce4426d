package sessions_test

import (
	"testing"
	"time"

	"latchkey/shared/dynamo/sessions"
	"latchkey/shared/keytest"
)

// TestSessionsAreStoredAsTheyAlwaysWere: people stay signed in over an upgrade.
func TestSessionsAreStoredAsTheyAlwaysWere(t *testing.T) {
	db, tables := keytest.NewMemory()
	s := sessions.New(db, tables.Sessions)
	at := func(minutes int) time.Time { return keytest.Now.Add(time.Duration(minutes) * time.Minute) }
	session := sessions.Session{ID: "a", Sealed: []byte("x"), CreatedAt: at(1), ExpiresAt: at(2), UsedAt: at(3), HeldUntil: at(4), Browser: "Firefox/Windows"}
	if err := s.Start(t.Context(), session, sessions.Person{ID: sessions.PersonID("one"), Sessions: []string{"a"}, ExpiresAt: at(5)}); err != nil {
		t.Fatal(err)
	}
	keytest.KeepStored(t, "sessions", keytest.Stored(t, db, tables.Sessions)...)
}
