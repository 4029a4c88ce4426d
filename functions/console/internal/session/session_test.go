package session_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"sync"
	"testing"
	"time"

	"latchkey/functions/console/internal/session"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/sessions"
	"latchkey/shared/keytest"
)

var tokens = session.Tokens{Access: "access-canary", Refresh: "refresh-canary", Subject: "person-canary", EndSession: "https://issuer.example/out", Revocation: "https://issuer.example/revoke"}

// store is the real one in memory. It counts, and fails when it is told to.
type store struct {
	session.Store
	mu            sync.Mutex
	gets, touches int
	ids           []string
	rows          []sessions.Session
	people        []string
	fail          error
}

func (s *store) Put(ctx context.Context, row sessions.Session) (sessions.Session, error) {
	if s.fail != nil {
		return row, s.fail
	}
	s.ids, s.rows = append(s.ids, row.ID), append(s.rows, row)
	return s.Store.Put(ctx, row)
}

func (s *store) Get(ctx context.Context, id string, now time.Time) (sessions.Session, error) {
	s.mu.Lock()
	s.gets++
	s.mu.Unlock()
	if s.fail != nil {
		return sessions.Session{}, s.fail
	}
	return s.Store.Get(ctx, id, now)
}

func (s *store) Start(ctx context.Context, row sessions.Session, p sessions.Person) error {
	if s.fail != nil {
		return s.fail
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.Store.Start(ctx, row, p)
	if err == nil {
		s.ids, s.rows, s.people = append(s.ids, row.ID), append(s.rows, row), append(s.people, p.ID)
	}
	return err
}

func (s *store) Touch(ctx context.Context, id string, used, expires time.Time) error {
	s.touches++
	return s.Store.Touch(ctx, id, used, expires)
}

type harness struct {
	*testing.T
	session.Keeper
	store *store
	now   time.Time
}

func newHarness(t *testing.T) *harness {
	memory, tables := keytest.NewMemory()
	b := &harness{T: t, now: time.Date(2026, 8, 3, 8, 0, 0, 0, time.UTC), store: &store{Store: sessions.New(memory, tables.Sessions)}}
	b.Keeper = session.Keeper{Store: b.store, Now: func() time.Time { return b.now }, Random: rand.Reader}
	return b
}

func (b *harness) start() string {
	b.Helper()
	cookie, err := b.New(b.Context(), tokens, session.Browser{})
	if err != nil {
		b.Fatal(err)
	}
	return cookie
}

func (b *harness) open(cookie string) *session.Session {
	b.Helper()
	s, err := b.Open(b.Context(), cookie)
	if err != nil {
		b.Fatalf("at %s: %v", b.now.Format(time.TimeOnly), err)
	}
	return s
}

func (b *harness) over(cookie, why string) {
	b.Helper()
	if s, err := b.Open(b.Context(), cookie); !errors.Is(err, session.ErrNone) || s != nil {
		b.Errorf("%s: %v, %v", why, s, err)
	}
}

func TestTheLifeOfASessionIsWrittenDown(t *testing.T) {
	if session.Idle != 2*time.Hour || session.Longest != 12*time.Hour {
		t.Errorf("idle %s, longest %s", session.Idle, session.Longest)
	}
}

func TestASessionEndsTwoHoursAfterItsLastUse(t *testing.T) {
	for name, c := range map[string]struct {
		uses []time.Duration // after the sign-in
		last time.Duration   // at which it is gone
	}{
		"never used":           {nil, 2 * time.Hour},
		"used at once":         {[]time.Duration{time.Minute}, 2 * time.Hour},
		"used after an hour":   {[]time.Duration{time.Hour}, 3 * time.Hour},
		"used at its last end": {[]time.Duration{2*time.Hour - time.Second}, 4*time.Hour - time.Second},
		"used often":           {[]time.Duration{time.Hour, 2 * time.Hour, 3 * time.Hour}, 5 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			for _, at := range []time.Duration{c.last - time.Second, c.last} {
				b := newHarness(t)
				begin := b.now
				cookie := b.start()
				for _, use := range c.uses {
					b.now = begin.Add(use)
					if got := b.open(cookie); got.Tokens != tokens {
						t.Fatalf("got %+v", got.Tokens)
					}
				}
				b.now = begin.Add(at)
				if at < c.last {
					b.open(cookie)
				} else {
					b.over(cookie, "its end")
				}
			}
		})
	}
}

func TestASessionEndsTwelveHoursAfterTheSignInHoweverOftenItIsUsed(t *testing.T) {
	b := newHarness(t)
	begin := b.now
	cookie := b.start()
	for at := time.Duration(0); at < 12*time.Hour; at += 15 * time.Minute {
		b.now = begin.Add(at)
		s := b.open(cookie)
		if at%time.Hour == 0 {
			if err := b.Renew(b.Context(), s, tokens); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.now = begin.Add(12*time.Hour - time.Second)
	b.open(cookie)
	b.now = begin.Add(12 * time.Hour)
	b.over(cookie, "after 12 h")
	for _, row := range b.store.rows {
		if row.ExpiresAt.After(begin.Add(12*time.Hour)) || !row.CreatedAt.Equal(begin) {
			t.Errorf("a row of %s is kept until %s", row.CreatedAt, row.ExpiresAt)
		}
	}
}

// The end that is stored may lie: a row of before a change of the rules, or one that was written by mistake.
func TestASessionEndsAfterTwelveHoursWhateverItsRowSays(t *testing.T) {
	b := newHarness(t)
	begin := b.now
	cookie := b.start()
	if err := b.store.Store.Touch(t.Context(), b.store.ids[0], begin.Add(12*time.Hour-time.Second), begin.AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	b.now = begin.Add(12*time.Hour - time.Second)
	b.open(cookie)
	b.now = begin.Add(12 * time.Hour)
	b.over(cookie, "a row that is kept too long")
}

func TestNotEveryPageWritesTheSession(t *testing.T) {
	b := newHarness(t)
	begin := b.now
	cookie := b.start()
	for _, c := range []struct {
		at      time.Duration
		touches int
	}{
		{0, 0},
		{10*time.Minute - time.Second, 0},
		{10 * time.Minute, 1},
		{15 * time.Minute, 1},
		{20 * time.Minute, 2},
	} {
		b.now = begin.Add(c.at)
		if b.open(cookie); b.store.touches != c.touches {
			t.Errorf("after %s: %d writes, want %d", c.at, b.store.touches, c.touches)
		}
	}
}

func TestASessionThatWasEndedNeverComesBack(t *testing.T) {
	b := newHarness(t)
	cookie, other := b.start(), b.start()
	b.now = b.now.Add(time.Hour)
	s := b.open(cookie)
	for range 2 {
		if err := b.End(t.Context(), cookie); err != nil {
			t.Fatal(err)
		}
	}
	b.over(cookie, "ended")
	if err := b.Renew(t.Context(), s, tokens); !errors.Is(err, session.ErrNone) {
		t.Errorf("renewed after its end: %v", err)
	}
	b.over(cookie, "ended, then renewed")
	b.open(other)
	for _, nothing := range []string{"", "x", "%%%", cookie + "A"} {
		if err := b.End(t.Context(), nothing); err != nil {
			t.Errorf("ending %q: %v", nothing, err)
		}
	}
	b.open(other)
}

// endedMeanwhile is a store in which somebody signs out between the read and the write.
type endedMeanwhile struct{ *store }

func (s endedMeanwhile) Touch(context.Context, string, time.Time, time.Time) error {
	return dynamo.ErrNotFound
}

func TestASessionThatIsEndedWhileItIsReadIsOver(t *testing.T) {
	b := newHarness(t)
	cookie := b.start()
	b.Store = endedMeanwhile{b.store}
	b.open(cookie)
	b.now = b.now.Add(time.Hour)
	b.over(cookie, "ended meanwhile")
}

func TestTwoRenewalsAtOnceKeepTheFirst(t *testing.T) {
	b := newHarness(t)
	cookie := b.start()
	one, two := b.open(cookie), b.open(cookie)
	first, second := tokens, tokens
	first.Access, second.Access = "first", "second"
	if err := b.Renew(t.Context(), one, first); err != nil || one.Access != "first" {
		t.Fatalf("%s, %v", one.Access, err)
	}
	if err := b.Renew(t.Context(), two, second); err != nil || two.Access != "first" {
		t.Errorf("the second has %s, %v", two.Access, err)
	}
	third := tokens
	third.Access = "third"
	if err := b.Renew(t.Context(), two, third); err != nil || b.open(cookie).Access != "third" {
		t.Errorf("a later one: %s, %v", b.open(cookie).Access, err)
	}
}

func TestOnlyTheCookieOpensASession(t *testing.T) {
	b := newHarness(t)
	cookie, other := b.start(), b.start()
	if secret, err := base64.RawURLEncoding.DecodeString(cookie); err != nil || len(secret) != 32 || cookie == other {
		t.Fatalf("the cookies are %q and %q", cookie, other)
	}
	secret, _ := base64.RawURLEncoding.DecodeString(cookie)
	for _, row := range b.store.rows {
		for _, hidden := range [][]byte{[]byte(cookie), secret, []byte("canary"), []byte("issuer")} {
			if bytes.Contains(row.Sealed, hidden) || bytes.Contains([]byte(row.ID), hidden) {
				t.Errorf("the row holds %q", hidden)
			}
		}
	}
	gets := b.store.gets
	for _, nothing := range []string{"", "x", b.store.ids[0] + "A", base64.RawURLEncoding.EncodeToString(secret[:31]), base64.RawURLEncoding.EncodeToString(append(secret, 0)), base64.StdEncoding.EncodeToString(secret)} {
		b.over(nothing, "a cookie of another form")
	}
	if b.store.gets != gets {
		t.Error("the table was asked about what can't be a cookie")
	}
	b.over(b.store.ids[0], "the row's ID as a cookie")
	secret[0] ^= 1
	b.over(base64.RawURLEncoding.EncodeToString(secret), "another secret")
}

func TestSealedTokensFitTheirOwnRowAlone(t *testing.T) {
	b := newHarness(t)
	one, two := b.start(), b.start()
	mine, err := b.store.Store.Get(t.Context(), b.store.ids[0], b.now)
	if err != nil {
		t.Fatal(err)
	}
	for name, sealed := range map[string][]byte{
		"another row's": b.store.rows[1].Sealed, "none": nil, "too short": {1, 2, 3}, "one bit changed": flipped(mine.Sealed), "cut": mine.Sealed[:len(mine.Sealed)-1],
	} {
		t.Run(name, func(t *testing.T) {
			row := mine
			row.Sealed = sealed
			if mine, err = b.store.Store.Put(t.Context(), row); err != nil {
				t.Fatal(err)
			}
			b.over(one, name)
			b.open(two)
		})
	}
}

func flipped(sealed []byte) []byte {
	out := bytes.Clone(sealed)
	out[len(out)-1] ^= 1
	return out
}

// TestTheTableAloneReadsNothing tries the keys that a thief of the table could make of it.
func TestTheTableAloneReadsNothing(t *testing.T) {
	b := newHarness(t)
	b.start()
	row := b.store.rows[0]
	hash, err := base64.RawURLEncoding.DecodeString(row.ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string][]byte{"the ID": []byte(row.ID), "the hash": hash, "nothing": nil, "zeros": make([]byte, 32)} {
		derived, err := hkdf.Key(sha256.New, from, nil, "latchkey console tokens", 32)
		if err != nil {
			t.Fatal(err)
		}
		plain := make([]byte, 32)
		copy(plain, from)
		for _, key := range [][]byte{derived, plain} {
			block, _ := aes.NewCipher(key)
			gcm, _ := cipher.NewGCM(block)
			n := gcm.NonceSize()
			for _, about := range [][]byte{[]byte(row.ID), nil} {
				if _, err := gcm.Open(nil, row.Sealed[:n], row.Sealed[n:], about); err == nil {
					t.Errorf("a key made of %s opens the tokens", name)
				}
			}
		}
	}
}

func TestTheSameTokensAreSealedDifferentlyEachTime(t *testing.T) {
	b := newHarness(t)
	cookie := b.start()
	if err := b.Renew(t.Context(), b.open(cookie), tokens); err != nil {
		t.Fatal(err)
	}
	if len(b.store.rows) != 2 || bytes.Equal(b.store.rows[0].Sealed[:12], b.store.rows[1].Sealed[:12]) {
		t.Error("a nonce served twice")
	}
}

func TestAStoreThatFailsSignsNobodyOut(t *testing.T) {
	b := newHarness(t)
	cookie := b.start()
	s := b.open(cookie)
	b.store.fail = errors.New("throttled")
	if _, err := b.Open(t.Context(), cookie); err == nil || errors.Is(err, session.ErrNone) {
		t.Errorf("Open: %v", err)
	}
	if _, err := b.New(t.Context(), tokens, session.Browser{}); err == nil {
		t.Error("New has a session that isn't stored")
	}
	if err := b.Renew(t.Context(), s, tokens); err == nil || errors.Is(err, session.ErrNone) {
		t.Errorf("Renew: %v", err)
	}
	b.store.fail = nil
	b.open(cookie)
	b.Random = bytes.NewReader(make([]byte, 16))
	if _, err := b.New(t.Context(), tokens, session.Browser{}); err == nil {
		t.Error("a session without randomness")
	}
}
