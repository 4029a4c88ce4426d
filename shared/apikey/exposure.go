package apikey

import (
	"errors"
	"time"

	"latchkey/shared/account"
)

// Reporter is the kind of source that a report of an exposed secret came from.
type Reporter string

// The reporters. GitHub's reports are signed and operators are known, so both are trusted above anybody.
const (
	ReportedByAnybody  Reporter = "anybody"
	ReportedByGitHub   Reporter = "github"
	ReportedByOperator Reporter = "operator"
)

// trust is greater for those whose word decides; 0 for a reporter that is none.
func (r Reporter) trust() int {
	switch r {
	case ReportedByAnybody:
		return 1
	case ReportedByGitHub, ReportedByOperator:
		return 2
	default:
		return 0
	}
}

// MaxPlace is the length of a place, in characters.
const MaxPlace = 500

// Exposure says that a secret was found where others can read it. It belongs to that secret, and leaves the key with it. The
// zero value says that nobody found it.
type Exposure struct {
	At    time.Time // of the first report; UTC, milliseconds
	By    Reporter  // of the most trusted report
	Place string    // where that one found it, secrets in it masked; "" if it doesn't say
	// RefusedAt is the time from which the gate refuses the secret; zero: it doesn't.
	RefusedAt time.Time
	// Replace says that the job is to put another secret in its place, and to deliver that.
	Replace bool
	// LiftedAt is the time from which an owner lets the secret work, for LiftReason.
	LiftedAt   time.Time
	LiftReason string
}

// Refused reports whether the gate refuses the secret.
func (e Exposure) Refused() bool { return !e.RefusedAt.IsZero() && e.LiftedAt.IsZero() }

// open reports whether the secret was found, and no owner allows it.
func (e Exposure) open() bool { return !e.At.IsZero() && e.LiftedAt.IsZero() }

// LeakReport is one report of an exposed secret.
type LeakReport struct {
	By    Reporter
	Place string // without a secret
}

// ErrNotExposed refuses to lift what isn't there.
var ErrNotExposed = errors.New("apikey: no secret of the key is exposed, or an owner allows it")

// Reaction returns what an account's policy says of keys of a usage kind. A kind that isn't known is refused.
func (u ClientKind) Reaction(p account.LeakPolicy) account.LeakReaction {
	p = p.InForce()
	switch u {
	case Frontend:
		return p.Frontend
	case Backend:
		return p.Backend
	case Mobile:
		return p.Mobile
	default:
		return account.LeakRefuse
	}
}

// Expose records that the secret with a hash was found, and for a trusted report what the reaction is. ok is false where it
// changes nothing: the key is revoked, the secret isn't one of its own any more, or a report of the same or of more trust came
// before. The time of the first report stays.
func (k Key) Expose(h Hash, report LeakReport, reaction account.LeakReaction, now time.Time) (after Key, ok bool) {
	stored := k.live(h, now)
	if stored == nil || !k.RevokedAt.IsZero() || report.By.trust() <= stored.Exposed.By.trust() {
		return k, false
	}
	after = k.next(now)
	e := Exposure{At: after.UpdatedAt, By: report.By, Place: report.Place}
	if first := stored.Exposed.At; !first.IsZero() {
		e.At = first
	}
	if report.By.trust() > ReportedByAnybody.trust() && reaction != account.LeakNotify {
		e.RefusedAt = after.UpdatedAt
		e.Replace = reaction == account.LeakRotate && h == k.Current.Hash && k.delivered() && k.DeletedAt.IsZero() && !k.Expired(now)
	}
	after.setExposure(h, e)
	return after, true
}

// live returns the key's secret with a hash, nil where it has none that can still open something.
func (k *Key) live(h Hash, now time.Time) *StoredSecret {
	switch k.RoleOf(h) {
	case CurrentSecret:
		return &k.Current
	case OutgoingSecret:
		if now.Before(k.Outgoing.EndsAt) {
			return &k.Outgoing.StoredSecret
		}
	case RetiredSecret:
	}
	return nil
}

// setExposure leaves the record that k was copied from as it was.
func (k *Key) setExposure(h Hash, e Exposure) {
	if k.Current.Hash == h {
		k.Current.Exposed = e
		return
	}
	out := *k.Outgoing
	out.Exposed = e
	k.Outgoing = &out
}

// delivered reports whether the key's secrets reach their reader through Secrets Manager.
func (k Key) delivered() bool { return k.Rotation != nil && k.Rotation.Principal != "" }

// LiftExposure lets the exposed secrets of the key work, for a reason: those that are refused work again, and nobody has to see to the others
// any more. ErrNotExposed where there is none.
func (k Key) LiftExposure(reason string, now time.Time) (Key, error) {
	if err := k.Editable(); err != nil {
		return k, err
	}
	after, lifted := k.next(now), false
	lift := func(s StoredSecret) {
		if s.Exposed.open() && k.live(s.Hash, now) != nil {
			e := s.Exposed
			e.LiftedAt, e.LiftReason, e.Replace = after.UpdatedAt, reason, false
			after.setExposure(s.Hash, e)
			lifted = true
		}
	}
	lift(k.Current)
	if k.Outgoing != nil {
		lift(k.Outgoing.StoredSecret)
	}
	if !lifted {
		return k, ErrNotExposed
	}
	return after, nil
}

// OpenExposure returns the exposure that somebody has to see to at a time: of the secret in force, else of the one that a rotation is ending
// until its end, and of neither where an owner let that secret work again. The zero value: there is none, or the key has ended.
func (k Key) OpenExposure(now time.Time) Exposure {
	if !k.DeletedAt.IsZero() || !k.RevokedAt.IsZero() {
		return Exposure{}
	}
	secrets := []StoredSecret{k.Current}
	if k.Outgoing != nil && now.Before(k.Outgoing.EndsAt) {
		secrets = append(secrets, k.Outgoing.StoredSecret)
	}
	for _, s := range secrets {
		if e := s.Exposed; e.open() {
			return e
		}
	}
	return Exposure{}
}
