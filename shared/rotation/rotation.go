// Package rotation changes a key's secret and nothing else of it: same ID, name, products, domains, limits and
// counters. It is pure, and holds the rules of grace periods (docs/guides/rotation.md) for the API and the scheduled job.
// docs/glossary.md explains grace period and delivery.
package rotation

import (
	"errors"
	"time"

	"latchkey/shared/apikey"
)

// The bounds of a grace period.
const (
	DefaultGrace = 24 * time.Hour
	MaxGrace     = 30 * 24 * time.Hour
	// AfterCancel is the time that the new secret still works after a rotation is cancelled, in case someone uses it
	// already.
	AfterCancel = 15 * time.Minute
)

// The reasons for which a rotation is asked.
const (
	Scheduled = "scheduled"
	Leaked    = "leaked"
	Other     = "other"
)

// Why a rotation is refused.
var (
	ErrExpired          = errors.New("rotation: the key has expired: a new secret would open nothing")
	ErrInProgress       = errors.New("rotation: a rotation is in progress; end or cancel it first")
	ErrNotRunning       = errors.New("rotation: no rotation is in progress")
	ErrAlreadyCancelled = errors.New("rotation: already cancelled")
	ErrGrace            = errors.New("rotation: a grace period must be 0 seconds to 30 days")
	ErrReason           = errors.New("rotation: the reason must be scheduled, leaked or other")
	ErrRefused          = errors.New("rotation: the secret that would stay is refused as exposed")
	ErrShorter          = errors.New("rotation: the new end must be later than the current one")
)

// Grace is a checked grace period. The zero value ends the old secret at once.
type Grace struct{ length time.Duration }

// ParseGrace checks a grace period in seconds. nil means [DefaultGrace], or none where the secret has leaked: then the
// old one works on only if the caller says so.
func ParseGrace(seconds *int64, reason string) (Grace, error) {
	switch {
	case seconds == nil && reason == Leaked:
		return Grace{}, nil
	case seconds == nil:
		return Grace{DefaultGrace}, nil
	}
	if *seconds < 0 || *seconds > int64(MaxGrace/time.Second) {
		return Grace{}, ErrGrace
	}
	return Grace{time.Duration(*seconds) * time.Second}, nil
}

// ParseReason reads a reason; "" is other.
func ParseReason(text string) (string, error) {
	switch text {
	case "":
		return Other, nil
	case Scheduled, Leaked, Other:
		return text, nil
	default:
		return "", ErrReason
	}
}

// Running reports whether a rotation is in progress at now: a second secret is live, or would be but for a state that
// can be lifted. A key that is revoked or deleted has none, whatever its record still says.
func Running(k apikey.Key, now time.Time) bool {
	return k.Editable() == nil && k.Outgoing != nil && now.Before(k.Outgoing.EndsAt)
}

// Rotate puts a new secret in force and lets the old one live through the grace period. While another rotation
// runs it is refused, but for two cases, in which the outgoing secret ends now and at most two are live after it: the
// rotation was cancelled, so that a customer who lost the answer of a rotation has a way out at once; or the secret has
// leaked, and that can't wait.
func Rotate(k apikey.Key, fresh apikey.StoredSecret, grace Grace, reason string, now time.Time) (apikey.Key, error) {
	if err := k.Editable(); err != nil {
		return k, err
	}
	if k.Expired(now) {
		return k, ErrExpired
	}
	if Running(k, now) && !k.Outgoing.Cancelled && reason != Leaked {
		return k, ErrInProgress
	}
	after := touched(k, now)
	retireOutgoing(&after, now)
	old := after.Current
	after.Current = fresh
	after.Current.CreatedAt = after.UpdatedAt
	after.RotatedAt = after.UpdatedAt
	markDeliveryDue(&after)
	if grace.length == 0 {
		retire(&after, old.Hash, after.UpdatedAt)
		return after, nil
	}
	after.Outgoing = &apikey.Outgoing{StoredSecret: old, EndsAt: after.UpdatedAt.Add(grace.length), Reason: reason}
	return after, nil
}

// End stops the outgoing secret now. Where the one in force is refused as exposed, that would leave none that works.
func End(k apikey.Key, now time.Time) (apikey.Key, error) {
	if err := running(k, now); err != nil {
		return k, err
	}
	if k.Current.Exposed.Refused() {
		return k, ErrRefused
	}
	after := touched(k, now)
	retireOutgoing(&after, now)
	return after, nil
}

// Extend moves the end of the grace period to a later time, at most [MaxGrace] from now.
func Extend(k apikey.Key, grace Grace, now time.Time) (apikey.Key, error) {
	if err := running(k, now); err != nil {
		return k, err
	}
	if k.Outgoing.Cancelled {
		return k, ErrAlreadyCancelled
	}
	after := touched(k, now)
	end := after.UpdatedAt.Add(grace.length)
	if !end.After(k.Outgoing.EndsAt) {
		return k, ErrShorter
	}
	out := *k.Outgoing
	out.EndsAt = end
	after.Outgoing = &out
	return after, nil
}

// Cancel puts the old secret in force again, unless that is refused as exposed. The new one stays valid for [AfterCancel].
func Cancel(k apikey.Key, now time.Time) (apikey.Key, error) {
	if err := running(k, now); err != nil {
		return k, err
	}
	if k.Outgoing.Cancelled {
		return k, ErrAlreadyCancelled
	}
	if k.Outgoing.Exposed.Refused() {
		return k, ErrRefused
	}
	after := touched(k, now)
	after.Outgoing = &apikey.Outgoing{
		StoredSecret: k.Current, EndsAt: after.UpdatedAt.Add(AfterCancel), Cancelled: true, Reason: k.Outgoing.Reason,
	}
	after.Current = k.Outgoing.StoredSecret
	markDeliveryDue(&after)
	return after, nil
}

// markDeliveryDue records that the secret in force has changed, where one was delivered or is being delivered: the
// job then updates Secrets Manager, whatever caused the change.
func markDeliveryDue(k *apikey.Key) {
	if k.Delivery.Reader != "" || k.Delivery.Due {
		k.Delivery = k.Delivery.Again("")
	}
}

// Sweep retires an outgoing secret whose grace is over. The gate refuses it from that moment anyway; this only
// cleans up the record. ok is false where there is nothing to do.
func Sweep(k apikey.Key, now time.Time) (after apikey.Key, ok bool) {
	if k.Outgoing == nil || now.Before(k.Outgoing.EndsAt) {
		return k, false
	}
	after = touched(k, now)
	retireOutgoing(&after, now)
	return after, true
}

func running(k apikey.Key, now time.Time) error {
	if err := k.Editable(); err != nil {
		return err
	}
	if !Running(k, now) {
		return ErrNotRunning
	}
	return nil
}

// touched is the next version, with a list of retired secrets of its own: the caller's record stays as it was.
func touched(k apikey.Key, now time.Time) apikey.Key {
	after := k.Touched(now)
	after.Retired = append([]apikey.Retired(nil), k.Retired...)
	return after
}

func retireOutgoing(k *apikey.Key, now time.Time) {
	if k.Outgoing == nil {
		return
	}
	ended := k.Outgoing.EndsAt
	if at := now.UTC().Truncate(time.Millisecond); at.Before(ended) {
		ended = at
	}
	retire(k, k.Outgoing.Hash, ended)
	k.Outgoing = nil
}

func retire(k *apikey.Key, hash apikey.Hash, at time.Time) {
	k.Retired = append(k.Retired, apikey.Retired{Hash: hash, EndedAt: at})
	if extra := len(k.Retired) - apikey.MaxRetired; extra > 0 {
		k.Retired = k.Retired[extra:]
	}
}
