package apikey_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestStatusShowsTheFirstFactThatHolds(t *testing.T) {
	all := apikey.Key{
		DeletedAt: noon, RevokedAt: noon, Blocked: &apikey.Block{Reason: "abuse"}, Disabled: true, ExpiresAt: noon,
	}
	peel := []struct {
		want apikey.Status
		drop func(*apikey.Key)
	}{
		{apikey.StatusDeleted, func(k *apikey.Key) { k.DeletedAt = time.Time{} }},
		{apikey.StatusRevoked, func(k *apikey.Key) { k.RevokedAt = time.Time{} }},
		{apikey.StatusBlocked, func(k *apikey.Key) { k.Blocked = nil }},
		{apikey.StatusDisabled, func(k *apikey.Key) { k.Disabled = false }},
		{apikey.StatusExpired, func(k *apikey.Key) { k.ExpiresAt = noon.Add(1) }},
		{apikey.StatusActive, func(*apikey.Key) {}},
	}
	for _, p := range peel {
		if got := all.Status(noon); got != p.want {
			t.Errorf("got %s, want %s", got, p.want)
		}
		if got := all.StatusIn(false, noon); got != p.want {
			t.Errorf("in an account that isn't suspended: got %s, want %s", got, p.want)
		}
		in := p.want
		if slices.Index(apikey.Statuses[:], in) > slices.Index(apikey.Statuses[:], apikey.StatusSuspended) {
			in = apikey.StatusSuspended
		}
		if got := all.StatusIn(true, noon); got != in {
			t.Errorf("in a suspended account: got %s, want %s", got, in)
		}
		p.drop(&all)
	}
}

// command is one thing that a customer or an operator may try.
type command struct {
	name     string
	customer bool
	do       func(apikey.Key, time.Time) (apikey.Key, error)
}

var commands = []command{
	{"disable", true, func(k apikey.Key, now time.Time) (apikey.Key, error) { return k.Disable(now) }},
	{"enable", true, func(k apikey.Key, now time.Time) (apikey.Key, error) { return k.Enable(now) }},
	{"revoke", true, func(k apikey.Key, now time.Time) (apikey.Key, error) { return k.Revoke(true, now) }},
	{"delete", true, func(k apikey.Key, now time.Time) (apikey.Key, error) { return k.Delete(now), nil }},
	{"restore", true, func(k apikey.Key, now time.Time) (apikey.Key, error) { return k.Restore(now) }},
	{"block", false, func(k apikey.Key, now time.Time) (apikey.Key, error) { return k.Block("abuse", "op", time.Time{}, now) }},
	{"unblock", false, func(k apikey.Key, now time.Time) (apikey.Key, error) { return k.Unblock(now) }},
	{"close", false, func(k apikey.Key, now time.Time) (apikey.Key, error) {
		after, _ := k.RevokeUnconfirmed(now)
		return after, nil
	}},
}

func TestNoCommandUndoesARevokeAndNoCustomerUndoesABlock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := apikey.Key{Name: "n", Version: 1}
		now := noon
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			c := rapid.SampledFrom(commands).Draw(t, "command")
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "days")) * 24 * time.Hour)
			after, err := c.do(k, now)
			if err != nil && after.Version != k.Version {
				t.Fatalf("%s was refused and still wrote", c.name)
			}
			if !k.RevokedAt.IsZero() && after.RevokedAt != k.RevokedAt {
				t.Fatalf("%s changed revoked_at", c.name)
			}
			if c.customer && (k.Blocked == nil) != (after.Blocked == nil) {
				t.Fatalf("a customer's %s changed a block", c.name)
			}
			if c.name == "restore" && err == nil {
				hidden := k
				hidden.DeletedAt = time.Time{}
				if hidden.Status(now) != after.Status(now) {
					t.Fatalf("restore brought back %s, hidden was %s", after.Status(now), hidden.Status(now))
				}
			}
			if after.Version != k.Version && after.Version != k.Version+1 {
				t.Fatalf("%s went from version %d to %d", c.name, k.Version, after.Version)
			}
			k = after
		}
	})
}

func TestRevokeAsksForAConfirmation(t *testing.T) {
	k := apikey.Key{Name: "Shop"}
	if after, err := k.Revoke(false, noon); !after.RevokedAt.IsZero() || !errors.Is(err, apikey.ErrNameMismatch) {
		t.Errorf("got %v %v", after, err)
	}
	if after, err := k.Revoke(true, noon); err != nil || after.Status(noon) != apikey.StatusRevoked {
		t.Errorf("got %v %v", after, err)
	}
}

func TestRestoreEndsAfterThirtyDays(t *testing.T) {
	k := apikey.Key{AccountType: account.SelfServe, BillingType: apikey.Freemium}.Delete(noon)
	if _, err := k.Restore(noon.Add(apikey.RestoreWindow - time.Millisecond)); err != nil {
		t.Error(err)
	}
	if _, err := k.Restore(noon.Add(apikey.RestoreWindow)); !errors.Is(err, apikey.ErrRestoreTooOld) {
		t.Errorf("got %v", err)
	}
}

// A release before this one changed the type of deleted keys and left their billing type.
func TestRestoreGivesAKeyThatNoLongerFitsItsAccountTheDefault(t *testing.T) {
	k := apikey.Key{AccountType: account.SelfServe, BillingType: apikey.Freemium}.Delete(noon)
	k.AccountType = account.Enterprise
	if k, err := k.Restore(noon); err != nil || k.BillingType != apikey.Evaluation || !k.DeletedAt.IsZero() {
		t.Errorf("got %+v, %v", k, err)
	}
}

func TestATypeChangeFollowsItsMappingThenWhatFitsThenTheDefault(t *testing.T) {
	for _, c := range []struct {
		from    account.Type
		has     apikey.BillingType
		to      account.Type
		mapping map[apikey.BillingType]apikey.BillingType
		want    apikey.BillingType
	}{
		{account.SelfServe, apikey.Freemium, account.Enterprise, nil, apikey.Evaluation},
		{account.SelfServe, apikey.PayAsYouGrow, account.Enterprise, map[apikey.BillingType]apikey.BillingType{apikey.PayAsYouGrow: apikey.Paying}, apikey.Paying},
		{account.SelfServe, apikey.Freemium, account.Enterprise, map[apikey.BillingType]apikey.BillingType{apikey.PayAsYouGrow: apikey.Paying}, apikey.Evaluation},
		{account.SelfServe, apikey.Paying, account.Enterprise, nil, apikey.Paying},
		{account.Enterprise, apikey.Free, account.SelfServe, nil, apikey.Freemium},
	} {
		change, err := apikey.NewTypeChange(c.to, c.mapping)
		if err != nil {
			t.Fatal(err)
		}
		k := apikey.Key{AccountType: c.from, BillingType: c.has, Version: 3, RevokedAt: noon, DeletedAt: noon}
		after, ok := k.Retype(change, noon)
		if !ok || after.BillingType != c.want || after.AccountType != c.to || after.Version != 4 {
			t.Errorf("%s to %s: %+v", c.has, c.to, after)
		}
		if again, ok := after.Retype(change, noon); ok || again.Version != 4 {
			t.Errorf("%s to %s twice: %+v", c.has, c.to, again)
		}
	}
}

func TestAMappingThatCantBeFollowedIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		to   account.Type
		from apikey.BillingType
		onto apikey.BillingType
		want error
	}{
		"onto another type's": {account.Enterprise, apikey.Freemium, apikey.PayAsYouGrow, apikey.ErrBilling},
		"onto nothing":        {account.Enterprise, apikey.Freemium, "", apikey.ErrBilling},
		"from nothing":        {account.Enterprise, "gold", apikey.Paying, apikey.ErrUnknownBilling},
		"to no type":          {"other", apikey.Freemium, apikey.Paying, apikey.ErrBilling},
	} {
		_, err := apikey.NewTypeChange(c.to, map[apikey.BillingType]apikey.BillingType{c.from: c.onto})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheRuleForCallsWithoutAnOriginFollowsTheUsageUnlessItWasChosen(t *testing.T) {
	for _, c := range []struct {
		from, to apikey.ClientKind
		has      apikey.MissingOrigin
		chosen   bool
		want     apikey.MissingOrigin
	}{
		{apikey.Backend, apikey.Frontend, apikey.MissingOriginAllow, false, apikey.MissingOriginDeny},
		{apikey.Frontend, apikey.Mobile, apikey.MissingOriginDeny, false, apikey.MissingOriginAllow},
		{apikey.Backend, apikey.Frontend, apikey.MissingOriginAllow, true, apikey.MissingOriginAllow},
		{apikey.Frontend, apikey.Backend, apikey.MissingOriginDeny, true, apikey.MissingOriginDeny},
		{apikey.Backend, apikey.Frontend, apikey.MissingOriginDeny, false, apikey.MissingOriginDeny},   // no default, so chosen
		{apikey.Frontend, apikey.Backend, apikey.MissingOriginAllow, false, apikey.MissingOriginAllow}, // the same
		{apikey.Backend, apikey.Mobile, apikey.MissingOriginDeny, false, apikey.MissingOriginDeny},     // nor the new kind's
		{apikey.Mobile, apikey.Backend, apikey.MissingOriginDeny, false, apikey.MissingOriginDeny},
		{apikey.Frontend, apikey.Frontend, apikey.MissingOriginAllow, false, apikey.MissingOriginAllow},
	} {
		k := apikey.Key{Usage: c.from, MissingOrigin: c.has, OriginChosen: c.chosen}.SetUsage(c.to)
		if k.MissingOrigin != c.want || k.Usage != c.to {
			t.Errorf("%s to %s, chosen %v: %s, want %s", c.from, c.to, c.chosen, k.MissingOrigin, c.want)
		}
	}
}

func TestBillingTypesFitTheAccount(t *testing.T) {
	for _, c := range []struct {
		text string
		of   account.Type
		want apikey.BillingType
	}{
		{"", account.Enterprise, ""},
		{"freemium", account.SelfServe, apikey.Freemium},
		{"free", account.Enterprise, apikey.Free},
		{"free", account.SelfServe, ""},
		{"pay_as_you_grow", account.Enterprise, ""},
		{"", "", ""},
		{"", "other", ""},
	} {
		got, err := apikey.ParseBilling(c.text, c.of)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q for %q: got %q, %v", c.text, c.of, got, err)
		}
	}
}

func TestIDs(t *testing.T) {
	const good = "key_01HZY3M7Q8R9S0T1V2W3X4Y5Z6"
	if _, err := apikey.ParseID(good); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "key_", "acc_01HZY3M7Q8R9S0T1V2W3X4Y5Z6", strings.ToLower(good), good + "0", "key_81HZY3M7Q8R9S0T1V2W3X4Y5Z6", "key_01HZY3M7Q8R9S0T1V2W3X4Y5ZU"} {
		if _, err := apikey.ParseID(bad); !errors.Is(err, apikey.ErrID) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestUsageDecidesWhatAMissingOriginMeans(t *testing.T) {
	for usage, want := range map[apikey.ClientKind]apikey.MissingOrigin{
		apikey.Frontend: apikey.MissingOriginDeny, apikey.Backend: apikey.MissingOriginAllow, apikey.Mobile: apikey.MissingOriginAllow, "": apikey.MissingOriginDeny,
	} {
		if got := usage.DefaultMissingOrigin(); got != want {
			t.Errorf("%q: got %s, want %s", usage, got, want)
		}
	}
}

// TestABlockReplacesTheOneBefore: with another reason or end, and also where the end of that one has come. The same block again changes nothing.
func TestABlockReplacesTheOneBefore(t *testing.T) {
	first, err := apikey.Key{Name: "n", Version: 1}.Block("abuse", "op", noon.Add(time.Hour), noon)
	if err != nil {
		t.Fatal(err)
	}
	later := noon.Add(10 * 24 * time.Hour)
	for name, c := range map[string]struct {
		reason    string
		until, at time.Time
		changes   bool
	}{
		"the same": {"abuse", noon.Add(time.Hour).Local(), noon.Add(time.Minute), false}, "another reason": {"leaked", noon.Add(time.Hour), noon, true},
		"a later end": {"abuse", later, noon, true}, "no end": {"abuse", time.Time{}, noon, true}, "after its end, before the job": {"abuse", later, noon.Add(time.Hour + 1), true},
	} {
		again, err := first.Block(c.reason, "other", c.until, c.at)
		if err != nil || again.Same(first) == c.changes {
			t.Errorf("%s: %v, %+v", name, err, again.Blocked)
			continue
		}
		if _, lifted := again.WithoutEndedBlock(noon.Add(time.Hour + 1)); lifted == c.changes && c.reason == "abuse" {
			t.Errorf("%s: the job lifts it: %v", name, lifted)
		}
		if b := again.Blocked; c.changes && (b.By != "other" || b.Reason != c.reason || !b.Until.Equal(c.until) || first.Blocked.By != "op") {
			t.Errorf("%s: %+v", name, b)
		}
	}
}

// TestABlocksEndIsBounded, and a block is over from its end on, unless it has none or the key has ended.
func TestABlocksEndIsBounded(t *testing.T) {
	k := apikey.Key{Name: "n", Version: 1}
	for after, want := range map[time.Duration]error{
		-time.Hour: apikey.ErrBlockPast, 0: apikey.ErrBlockPast, time.Millisecond: nil,
		apikey.MaxBlock: nil, apikey.MaxBlock + time.Millisecond: apikey.ErrBlockLong,
	} {
		if blocked, err := k.Block("abuse", "op", noon.Add(after), noon); !errors.Is(err, want) || (blocked.Blocked != nil) != (want == nil) {
			t.Errorf("an end %v off: %v, %v", after, blocked.Blocked, err)
		}
	}
	ends, _ := k.Block("abuse", "op", noon.Add(time.Hour), noon)
	open, _ := k.Block("abuse", "op", time.Time{}, noon)
	revoked, _ := ends.RevokeUnconfirmed(noon)
	for name, c := range map[string]struct {
		k    apikey.Key
		at   time.Time
		want bool
	}{
		"before": {ends, noon.Add(time.Hour - time.Millisecond), false}, "at the end": {ends, noon.Add(time.Hour), true}, "not blocked": {k, noon.Add(time.Hour), false},
		"without an end": {open, noon.AddDate(9, 0, 0), false}, "revoked": {revoked, noon.Add(time.Hour), false}, "deleted": {ends.Delete(noon), noon.Add(time.Hour), false},
	} {
		if after, ok := c.k.WithoutEndedBlock(c.at); ok != c.want || (after.Blocked == nil) != (c.want || c.k.Blocked == nil) {
			t.Errorf("%s: %v, %+v", name, ok, after.Blocked)
		}
	}
}
