package product

import (
	"time"

	"latchkey/shared/account"
)

// Held is an account's quotas, with what is known of when their numbers were set.
type Held struct {
	Catalogue Catalogue
	Standard  account.QuotaTimes // of the catalogue's numbers
	Own       account.Quotas
	Times     account.QuotaTimes // of the account's own
}

// Before returns the quota of a billing type and a group as it holds now, without the numbers that weren't set before a time: what
// ended by then ended without them.
func (h Held) Before(end time.Time, billing string, group Group) Quota {
	quota, own := h.Catalogue.QuotaOf(h.Own, billing, group), h.Own.Of(billing, string(group))
	its, standard := h.Times.Of(billing, string(group)), h.Standard.Of(billing, string(group))
	if !set(own.Day, its.Day, standard.Day).Before(end) {
		quota.Day = 0
	}
	if !set(own.Month, its.Month, standard.Month).Before(end) {
		quota.Month = 0
	}
	return quota
}

// set returns when the number of a period was set: the account's own, or the catalogue's, which may have been there before its own
// was lifted.
func set(own int64, its, standard time.Time) time.Time {
	if own == 0 && standard.After(its) {
		return standard
	}
	return its
}

// CountsFrom returns the first UTC day of which all calls count under the quota of a billing type and a group; the zero time if they
// always did, as far as it is known. ok is false where there is no quota.
func (h Held) CountsFrom(billing string, group Group) (day time.Time, ok bool) {
	var since time.Time
	if h.Catalogue.Quota(billing, group) != (Quota{}) {
		since, ok = h.Standard.Of(billing, string(group)).Since, true
	}
	if own := h.Own.Of(billing, string(group)); own.Day != 0 || own.Month != 0 {
		if its := h.Times.Of(billing, string(group)).Since; !ok || its.Before(since) {
			since, ok = its, true
		}
	}
	return FirstWholeDay(since), ok
}

// FirstWholeDay returns the beginning of the first UTC day that begins at a time or after it; for the zero time that itself.
func FirstWholeDay(since time.Time) time.Time {
	day := since.UTC().Truncate(24 * time.Hour)
	if day.Before(since) {
		day = day.AddDate(0, 0, 1)
	}
	return day
}
