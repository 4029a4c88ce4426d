package rotation

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"latchkey/shared/apikey"
)

// The bounds of a rotation policy.
const (
	MaxEveryDays  = 3650
	MaxNotifyDays = 90
)

// Why a policy is refused.
var (
	ErrEvery     = errors.New("rotation: every_days must be 1 to 3650")
	ErrNotify    = errors.New("rotation: notify_days_before must be 0 to 90, and less than every_days")
	ErrPrincipal = errors.New("rotation: the principal must be the ARN of an IAM user or role, without wildcards")
)

// principalARN is an IAM user or role, never an account root or a wildcard: delivery is for one named reader.
var principalARN = regexp.MustCompile(`^arn:aws(?:-cn|-us-gov|-eusc|-iso(?:-[a-z])?)?:iam::[0-9]{12}:(?:user|role)/([A-Za-z0-9+=,.@_/-]{1,512})$`)

// isPrincipal reports whether a text is the ARN of a user or role. Its path has no segment that some program could read
// as a step to another one.
func isPrincipal(text string) bool {
	parts := principalARN.FindStringSubmatch(text)
	if parts == nil {
		return false
	}
	for segment := range strings.SplitSeq(parts[1], "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// ParsePolicy checks a rotation policy. An empty principal means that the key is announced and never rotated on
// its own.
func ParsePolicy(everyDays, notifyDaysBefore int, principal string) (apikey.RotationPolicy, error) {
	if everyDays < 1 || everyDays > MaxEveryDays {
		return apikey.RotationPolicy{}, ErrEvery
	}
	if notifyDaysBefore < 0 || notifyDaysBefore > MaxNotifyDays || notifyDaysBefore >= everyDays {
		return apikey.RotationPolicy{}, ErrNotify
	}
	if principal != "" && !isPrincipal(principal) {
		return apikey.RotationPolicy{}, ErrPrincipal
	}
	return apikey.RotationPolicy{EveryDays: everyDays, NotifyDaysBefore: notifyDaysBefore, Principal: principal}, nil
}

// Due returns the time at which the policy next wants the secret changed, counted from the last rotation or the key's
// creation. The zero time means never: no policy, a key that can't be rotated, or one that expires before. A disabled
// or blocked key comes due like any other, so that it has a fresh secret when it is enabled or unblocked.
func Due(k apikey.Key) time.Time { return dueFrom(k, k.UpdatedAt) }

func dueFrom(k apikey.Key, now time.Time) time.Time {
	if k.Rotation == nil || k.Editable() != nil {
		return time.Time{}
	}
	from := k.CreatedAt
	if k.RotatedAt.After(from) {
		from = k.RotatedAt
	}
	return unlessExpired(k, from.AddDate(0, 0, k.Rotation.EveryDays), now)
}

// unlessExpired is a time, or never if the key has expired by then, or has now: what is overdue is done now.
func unlessExpired(k apikey.Key, at, now time.Time) time.Time {
	if !k.ExpiresAt.IsZero() && !later(at, now).Before(k.ExpiresAt) {
		return time.Time{}
	}
	return at
}

// Leak returns the time from which the job is to replace the key's secret, since it has leaked; the zero time where it isn't.
func Leak(k apikey.Key) time.Time {
	if k.Editable() != nil || Reader(k) == "" || !k.Current.Exposed.Replace {
		return time.Time{}
	}
	return k.Current.Exposed.RefusedAt
}

// Reader is the principal that is to read the key's secret in Secrets Manager; "" where nothing is delivered, or not
// any more: a revoked key's secret opens nothing, and costs something to keep.
func Reader(k apikey.Key) string {
	if k.Rotation == nil || !k.RevokedAt.IsZero() {
		return ""
	}
	return k.Rotation.Principal
}

// Task is one step of the scheduled job for a key.
type Task string

// The tasks, in the order in which they are done.
const (
	Nothing          Task = ""
	Deliver          Task = "deliver"   // make Secrets Manager hold what the key says
	EndGrace         Task = "end_grace" // clean up a record whose grace period is over
	Announce         Task = "announce"  // say that a rotation comes due
	RotateAndDeliver Task = "rotate"    // rotate and deliver
	// EndLimit drops a limit that has ended, so that the record says what holds.
	EndLimit Task = "end_limit"
	// EndBlock lifts a block whose end has come.
	EndBlock Task = "end_block"
)

// Next returns the job's next task for a key that is written now, and the time from which it is due; Nothing and the zero time where
// there is none.
func Next(k apikey.Key) (Task, time.Time) { return NextFrom(k, k.UpdatedAt) }

// NextFrom is [Next] for a job that comes to the key now, which may be later than the task was due: a rotation for which it is too late
// holds up nothing else.
func NextFrom(k apikey.Key, now time.Time) (Task, time.Time) {
	task, at := Nothing, time.Time{}
	earlier := func(t Task, when time.Time) {
		if !when.IsZero() && (at.IsZero() || when.Before(at)) {
			task, at = t, when
		}
	}
	if !k.DeletedAt.IsZero() {
		return task, at // the purge sees to it
	}
	deliveryDue := DeliveryDue(k)
	if deliveryDue {
		earlier(Deliver, later(later(k.CreatedAt, k.UpdatedAt), k.Delivery.RetryAt))
	}
	if k.Editable() != nil {
		return task, at
	}
	if k.Outgoing != nil {
		earlier(EndGrace, k.Outgoing.EndsAt)
	}
	if k.Blocked != nil {
		earlier(EndBlock, k.Blocked.Until)
	}
	for _, l := range k.Limits {
		earlier(EndLimit, l.EndsAt)
	}
	if leaked := Leak(k); !leaked.IsZero() && !deliveryDue {
		earlier(RotateAndDeliver, unlessExpired(k, later(leaked, k.Delivery.RetryAt), now))
	}
	if due := dueFrom(k, now); !due.IsZero() {
		if !k.Rotation.AnnouncedFor.Equal(due) {
			earlier(Announce, due.AddDate(0, 0, -k.Rotation.NotifyDaysBefore))
		}
		if k.Rotation.Principal != "" && !deliveryDue { // one delivery after the other
			// A rotation that runs is ended first: two live secrets are the most a key has.
			if k.Outgoing != nil {
				due = later(due, k.Outgoing.EndsAt)
			}
			earlier(RotateAndDeliver, unlessExpired(k, later(due, k.Delivery.RetryAt), now))
		}
	}
	return task, at
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// DeliveryDue reports whether Secrets Manager may say something else than the key: another secret, or another reader.
func DeliveryDue(k apikey.Key) bool {
	return k.Delivery.Due || k.Delivery.Reader != "" && k.Delivery.Reader != Reader(k)
}

// Prepared records, with a rotation of the job's own, the version in Secrets Manager that holds the new secret.
func Prepared(rotated apikey.Key, version string) apikey.Key {
	rotated.Delivery = rotated.Delivery.Again(version)
	return rotated
}

// Delivered records that Secrets Manager holds the current secret under a name for the key's reader, or nothing any more where
// it has none.
func Delivered(k apikey.Key, name string, now time.Time) apikey.Key {
	after := touched(k, now)
	after.Delivery = apikey.Delivery{}
	if reader := Reader(k); reader != "" {
		after.Delivery = apikey.Delivery{Reader: reader, Name: name}
	}
	return after
}

// RetryAfter is the time between attempts of a delivery that failed by the customer's settings. Each failure is
// reported, so not too often.
const RetryAfter = 24 * time.Hour

// Undelivered records that a delivery failed for a reason that only the customer can fix, and when to try again.
func Undelivered(k apikey.Key, now time.Time) apikey.Key {
	after := touched(k, now)
	after.Delivery.RetryAt = after.UpdatedAt.Add(RetryAfter)
	return after
}

// Announced records that the rotation that comes due was announced. ok is false where it was already.
func Announced(k apikey.Key, now time.Time) (after apikey.Key, ok bool) {
	due := Due(k)
	if due.IsZero() || k.Rotation.AnnouncedFor.Equal(due) {
		return k, false
	}
	after = touched(k, now)
	policy := *k.Rotation
	policy.AnnouncedFor = due
	after.Rotation = &policy
	return after, true
}

// WithoutEndedLimits drops limits whose end has come, putting back what was agreed to follow them.
func WithoutEndedLimits(k apikey.Key, now time.Time) (after apikey.Key, ok bool) {
	var kept []apikey.Limit
	for _, l := range k.Limits {
		if !l.Ended(now) {
			kept = append(kept, l)
			continue
		}
		ok = true
		if then := l.At(now); then > 0 {
			kept = append(kept, apikey.Limit{Class: l.Class, QPS: then, Granted: l.Granted})
		}
	}
	if !ok {
		return k, false
	}
	after = touched(k, now)
	after.Limits = kept
	return after, true
}
