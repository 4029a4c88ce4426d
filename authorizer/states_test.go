package main

import (
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/rotation"
)

// life is a key on its way through commands, each of them committed, with the texts of all secrets that it ever had.
type life struct {
	t      testing.TB
	stores keytest.Stores
	key    apikey.Key
	texts  []string // the n-th secret's
	now    time.Time
}

// begin stores a key whose first secret is known.
func begin(t testing.TB, s keytest.Stores) *life {
	l := &life{t: t, stores: s, now: keytest.Now}
	l.key = s.NewKey(t, s.NewAccount(t), func(k *apikey.Key) { k.Current = l.secret() })
	return l
}

// secret makes the next secret.
func (l *life) secret() apikey.StoredSecret {
	text := secret(l.t, uint64(len(l.texts))+1)
	l.texts = append(l.texts, text.Reveal())
	return apikey.StoredSecret{Hash: text.Hash(), Preview: text.Preview(), CreatedAt: l.now}
}

// do commits what a command makes of the key.
func (l *life) do(command func(apikey.Key, time.Time) (apikey.Key, error)) {
	l.t.Helper()
	after, err := command(l.key, l.now)
	if err == nil {
		before := l.key
		l.key, err = l.stores.Control.Commit(l.t.Context(), control.Change{
			Before: &before, After: after, Audit: keytest.Row(before.Account, "key.edit", before.ID),
		})
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *life) rotate(grace time.Duration) {
	l.t.Helper()
	seconds := int64(grace / time.Second)
	parsed, err := rotation.ParseGrace(&seconds, "scheduled")
	if err != nil {
		l.t.Fatal(err)
	}
	l.do(func(k apikey.Key, now time.Time) (apikey.Key, error) {
		return rotation.Rotate(k, l.secret(), parsed, "scheduled", now)
	})
}

// expose reports a secret as somebody who is trusted.
func (l *life) expose(h apikey.Hash, reaction account.LeakReaction) {
	l.do(func(k apikey.Key, now time.Time) (apikey.Key, error) {
		after, _ := k.Expose(h, apikey.LeakReport{By: apikey.ReportedByGitHub}, reaction, now)
		return after, nil
	})
}

// edit is a command that only sets fields.
func edit(set func(*apikey.Key)) func(apikey.Key, time.Time) (apikey.Key, error) {
	return func(k apikey.Key, now time.Time) (apikey.Key, error) {
		k = k.Touched(now)
		set(&k)
		return k, nil
	}
}

// The whole way of a state: a command, what Commit writes of it, what the gate reads of that, and its answer. want has
// the code for each secret in the order in which the key got them; in the background runs a rotation with a grace of an
// hour, so that there are a retired secret, an outgoing one and the current one.
func TestTheGateAnswersTheStateOfAKeyForEachOfItsSecrets(t *testing.T) {
	allowed := authz.Allowed
	same := func(code authz.Code) []authz.Code { return []authz.Code{code, code, code} }
	for _, tt := range []struct {
		name  string
		do    func(*life)
		after time.Duration
		want  []authz.Code
	}{
		{"in the grace period", func(*life) {}, 0, []authz.Code{authz.SecretExpired, allowed, allowed}},
		{"at its last moment", func(*life) {}, time.Hour - time.Millisecond, []authz.Code{authz.SecretExpired, allowed, allowed}},
		{"at its end", func(*life) {}, time.Hour, []authz.Code{authz.SecretExpired, authz.SecretExpired, allowed}},
		{
			"the rotation is cancelled: the new secret opens for 15 minutes more", func(l *life) { l.do(rotation.Cancel) },
			15*time.Minute - time.Millisecond,
			[]authz.Code{authz.SecretExpired, allowed, allowed},
		},
		{
			"15 minutes after a cancel", func(l *life) { l.do(rotation.Cancel) },
			15 * time.Minute,
			[]authz.Code{authz.SecretExpired, allowed, authz.SecretExpired},
		},
		{"the rotation is ended", func(l *life) { l.do(rotation.End) }, 0, []authz.Code{authz.SecretExpired, authz.SecretExpired, allowed}},
		{
			"a rotation after a cancelled one", func(l *life) { l.do(rotation.Cancel); l.rotate(time.Hour) },
			time.Minute,
			[]authz.Code{authz.SecretExpired, allowed, authz.SecretExpired, allowed},
		},
		{
			"the grace period is over and its secret retired", func(l *life) {
				l.now = l.now.Add(time.Hour)
				l.do(func(k apikey.Key, now time.Time) (apikey.Key, error) { k, _ = rotation.Sweep(k, now); return k, nil })
			}, 0, []authz.Code{authz.SecretExpired, authz.SecretExpired, allowed},
		},
		{"disabled", func(l *life) { l.do(edit(func(k *apikey.Key) { k.Disabled = true })) }, 0, same(authz.KeyDisabled)},
		{
			"enabled again", func(l *life) {
				l.do(edit(func(k *apikey.Key) { k.Disabled = true }))
				l.do(edit(func(k *apikey.Key) { k.Disabled = false }))
			}, 0, []authz.Code{authz.SecretExpired, allowed, allowed},
		},
		{
			"its secret is exposed and refused", func(l *life) { l.expose(l.key.Current.Hash, account.LeakRefuse) }, 0,
			[]authz.Code{authz.SecretExpired, allowed, authz.KeyExposed},
		},
		{
			"the secret that ends is exposed", func(l *life) { l.expose(l.key.Outgoing.Hash, account.LeakRefuse) }, 0,
			[]authz.Code{authz.SecretExpired, authz.KeyExposed, allowed},
		},
		{
			"its secret is exposed and works on", func(l *life) { l.expose(l.key.Current.Hash, account.LeakNotify) }, 0,
			[]authz.Code{authz.SecretExpired, allowed, allowed},
		},
		{
			"exposed, and an owner lets it work", func(l *life) {
				l.expose(l.key.Current.Hash, account.LeakRefuse)
				l.do(func(k apikey.Key, now time.Time) (apikey.Key, error) { return k.LiftExposure("A sample.", now) })
			}, 0,
			[]authz.Code{authz.SecretExpired, allowed, allowed},
		},
		{
			"exposed, and rotated with a grace period", func(l *life) {
				l.do(rotation.End)
				l.expose(l.key.Current.Hash, account.LeakRefuse)
				l.rotate(time.Hour)
			}, 0,
			[]authz.Code{authz.SecretExpired, authz.SecretExpired, authz.KeyExposed, allowed},
		},
		{"blocked", func(l *life) {
			l.do(func(k apikey.Key, now time.Time) (apikey.Key, error) { return k.Block("abuse", "op", time.Time{}, now) })
		}, 0, same(authz.KeyBlocked)},
		{"revoked", func(l *life) {
			l.do(func(k apikey.Key, now time.Time) (apikey.Key, error) { k, _ = k.RevokeUnconfirmed(now); return k, nil })
		}, 0, same(authz.KeyRevoked)},
		{"deleted", func(l *life) {
			l.do(func(k apikey.Key, now time.Time) (apikey.Key, error) { return k.Delete(now), nil })
		}, 0, same(authz.KeyDeleted)},
		{
			"expired", func(l *life) {
				l.do(edit(func(k *apikey.Key) { k.ExpiresAt = l.now.Add(2 * time.Minute) }))
			}, 2 * time.Minute, same(authz.KeyExpired),
		},
		{
			"before it expires", func(l *life) {
				l.do(edit(func(k *apikey.Key) { k.ExpiresAt = l.now.Add(2 * time.Minute) }))
			}, 2*time.Minute - time.Millisecond, []authz.Code{authz.SecretExpired, allowed, allowed},
		},
		{
			"for the header alone", func(l *life) {
				l.do(edit(func(k *apikey.Key) { k.HeaderOnly = true }))
			}, 0, []authz.Code{authz.SecretExpired, authz.KeyNotInHeader, authz.KeyNotInHeader},
		},
		{
			"for another product", func(l *life) {
				l.do(edit(func(k *apikey.Key) { k.Products = k.Products[1:] }))
			}, 0, []authz.Code{authz.SecretExpired, authz.ProductNotAllowed, authz.ProductNotAllowed},
		},
		{
			"for pages alone", func(l *life) {
				l.do(edit(func(k *apikey.Key) { k.Domains, k.MissingOrigin = []string{"a.example"}, apikey.MissingOriginDeny }))
			}, 0, []authz.Code{authz.SecretExpired, authz.OriginMissing, authz.OriginMissing},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := keytest.MemoryStores(t)
			l := begin(t, s)
			l.rotate(0)
			l.now = l.now.Add(time.Second)
			began := l.now
			l.rotate(time.Hour)
			tt.do(l)
			b := newHarness(t)
			last := &lastOutcome{}
			b.gate.records.store, b.gate.recorder = s.Gate, last
			b.clock.at.wall = began.Add(tt.after)
			if l.now.After(b.clock.at.wall) {
				b.clock.at.wall = l.now
			}
			for i, text := range l.texts {
				status := b.status(t, text)
				if code := last.Decision.Code; code != tt.want[i] || status != statusOf(code) {
					t.Errorf("secret %d: %s with status %d, want %s", i+1, code, status, tt.want[i])
				}
				if last.Outgoing == (i == current(l)) || last.Key != l.key.ID {
					t.Errorf("secret %d is counted for %s, as its previous one: %v", i+1, last.Key, last.Outgoing)
				}
			}
		})
	}
}

// current is the place of the secret in force.
func current(l *life) int {
	for i, text := range l.texts {
		if s, err := apikey.DefaultPrefix.Parse(text); err == nil && s.Hash() == l.key.Current.Hash {
			return i
		}
	}
	return -1
}

// lastOutcome is a recorder that keeps the last call's outcome.
type lastOutcome struct {
	unrecorded
	outcome
}

func (l *lastOutcome) Count(_ moment, o *outcome) int {
	l.outcome = *o
	return 0
}

// statusOf returns the HTTP status for a code.
func statusOf(code authz.Code) int {
	return map[authz.Class]int{
		authz.ClassPass: 200, authz.ClassCredential: 401, authz.ClassPermission: 403, authz.ClassLimit: 429, authz.ClassOutage: 503,
	}[code.Class()]
}
