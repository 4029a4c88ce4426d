package usage_test

import (
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/usage"
)

// A key whose calls are all refused isn't in use: neither a leaked secret that somebody tries nor a page of another
// domain keeps it from being called unused.
func TestOnlyAllowedCallsAreUseAndTheOthersAreToldApart(t *testing.T) {
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	secret := apikey.Hash{1}
	tally := usage.NewTally("e")
	call := func(minute int, code authz.Code) {
		tally.Count(&usage.Call{At: at.Add(time.Duration(minute) * time.Minute), Subject: usage.Subject{Account: "a", Key: "k", Product: "p"}, Code: code, Secret: secret})
	}
	call(3, authz.DomainNotAllowed)
	counts := tally.Report(at)[0].Entries[0].Counts
	if used := counts.LastUsed(); !used[usage.HashTag(secret)].IsZero() || !used[usage.RefusedTag].Equal(at.Add(3*time.Minute)) {
		t.Errorf("a refused call alone: %v", used)
	}
	call(1, authz.Allowed)
	call(2, authz.QPSExceeded)
	counts = tally.Report(at)[0].Entries[0].Counts
	if used := counts.LastUsed(); !used[usage.HashTag(secret)].Equal(at.Add(time.Minute)) || !used[usage.RefusedTag].Equal(at.Add(3*time.Minute)) {
		t.Errorf("both kinds: %v", used)
	}
	if len(usage.RefusedTag) != len(usage.HashTag(secret)) {
		t.Error("a counter of the release before takes it for malformed")
	}
}
