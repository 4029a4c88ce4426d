package main

import (
	"cmp"
	"time"

	"latchkey/functions/console/internal/locale"
	"latchkey/shared/api"
)

// hasExpired reports whether a key's end is over, whatever else holds of it.
func hasExpired(k api.Key, now time.Time) bool {
	return k.Status == api.Expired || k.ExpiresAt != nil && !now.Before(k.ExpiresAt.Time)
}

// allRefused reports whether each of a key's secrets is exposed and refused.
func allRefused(k api.Key) bool {
	return refusedSecret(k, "current") && (k.PreviousPreview == nil || refusedSecret(k, "outgoing"))
}

// heldBy says why a key lets no call through, besides the reason that an act takes away and besides what holds for its account: "" where nothing does.
func heldBy(k api.Key, now time.Time, besides string) string {
	for _, one := range []struct {
		why   string
		holds bool
	}{
		{"blocked", k.Blocked != nil},
		{"disabled", k.Disabled},
		{"expired", hasExpired(k, now)},
		{"exposed", allRefused(k)},
	} {
		if one.holds && one.why != besides {
			return one.why
		}
	}
	return ""
}

// whileHeld is a text that says when a key stops or begins to work, or its other one for a key that lets no call through all the same.
func whileHeld(lang *locale.Language, key string, k api.Key, now time.Time, besides string) string {
	if heldBy(k, now, besides) == "" {
		return key
	}
	return cmp.Or(lang.Known(key+".held"), key)
}
