// Package keytest is the test kit of the stores and of the code above them: builders, a clock that is set by the test,
// randomness that repeats, an in-memory DynamoDB, a real engine, faults, and the contract that every store keeps.
package keytest

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/authz"
	"latchkey/shared/product"
)

// Now is the time at which tests begin.
var Now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// Issuer is the issuer of all people of tests.
const Issuer = "https://issuer.example"

// Clock is a clock that only tests move. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that is stopped at Now.
func NewClock() *Clock { return &Clock{now: Now} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Random is a source that repeats itself for a seed. It is safe for concurrent use.
func Random(seed uint64) io.Reader {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	return &lockedReader{r: rand.NewChaCha8(key)}
}

type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}

// Subject is a person of the tests' issuer.
func Subject(name string) account.Subject { return account.Subject{Issuer: Issuer, ID: name} }

// AccountID makes a new account ID.
func AccountID() account.ID { return account.ID("acc_" + ulid.Make().String()) }

// NewID makes an ID with a prefix.
func NewID(prefix string) string { return prefix + ulid.Make().String() }

// KeyID makes a new key ID.
func KeyID() apikey.ID { return apikey.ID("key_" + ulid.Make().String()) }

// Account builds an open self-serve account.
func Account(options ...func(*account.Account)) account.Account {
	a := account.Account{
		ID: AccountID(), Name: "Wander Maps", Type: account.SelfServe, KeyLimit: account.DefaultKeyLimit, CreatedAt: Now, Version: 1,
	}
	for _, o := range options {
		o(&a)
	}
	return a
}

// Member builds a member.
func Member(id account.ID, name string, role account.Role) account.Member {
	return account.Member{Account: id, Subject: Subject(name), Email: name + "@example.com", Role: role, AddedAt: Now, Version: 1}
}

// Key builds an active self-serve key of an account, with a secret that can't be guessed from its ID.
func Key(id account.ID, options ...func(*apikey.Key)) apikey.Key {
	keyID := KeyID()
	k := apikey.Key{
		ID: keyID, Account: id, AccountType: account.SelfServe, Version: 1, Name: "My first API key", Usage: apikey.Backend,
		BillingType: apikey.Freemium, Products: []product.ID{"map-display", "search"}, MissingOrigin: apikey.MissingOriginAllow,
		Current: StoredSecret(string(keyID) + "/1"), CreatedAt: Now, UpdatedAt: Now,
	}
	for _, o := range options {
		o(&k)
	}
	return k
}

// StoredSecret builds a stored secret whose hash is made from a seed.
func StoredSecret(seed string) apikey.StoredSecret {
	return apikey.StoredSecret{Hash: sha256.Sum256([]byte(seed)), Preview: "ak_7Kf2…x9Qd", CreatedAt: Now}
}

// Policy builds what the gate holds of a key's current secret.
func Policy(k apikey.Key, options ...func(*authz.Policy)) authz.Policy {
	p := authz.PoliciesOf(k)[0]
	for _, o := range options {
		o(&p)
	}
	return p
}

// Row builds an audit row with a new ID, by the person "owner". It names no role of theirs, which the store would check in the
// write, so that a fixture may change anything.
func Row(id account.ID, action string, key apikey.ID) audit.Row {
	return audit.Row{
		ID: "aud_" + ulid.Make().String(), Account: id, KeyID: string(key), Action: action, At: Now, RequestID: "req-1",
		Actor: audit.Actor{Subject: Subject("owner"), Email: "owner@example.com", Role: account.RoleSystem},
	}
}

// RowIn is Row with a changed field.
func RowIn(id account.ID, action string, key apikey.ID, field, before, after string) audit.Row {
	row := Row(id, action, key)
	row.Changes = []audit.Change{{Field: field, Before: fmt.Sprintf("%q", before), After: fmt.Sprintf("%q", after)}}
	return row
}
