package qps_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/product"
	"latchkey/shared/qps"
)

// TestALimitThatACustomerSetsAtEachBound: with a catalogue's default of 10, what is stored where a number meets the default, the
// grant or what comes back after a loan.
func TestALimitThatACustomerSetsAtEachBound(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	later := now.Add(time.Hour)
	limit := func(l apikey.Limit) []apikey.Limit {
		l.Class = "search"
		return []apikey.Limit{l}
	}
	for what, c := range map[string]struct {
		had    []apikey.Limit
		wanted int
		want   []apikey.Limit
	}{
		"the default that a limit happens to be is no grant": {limit(apikey.Limit{QPS: 10}), 5, limit(apikey.Limit{QPS: 5})},
		"what stood above the default was granted":           {limit(apikey.Limit{QPS: 11}), 5, limit(apikey.Limit{QPS: 5, Granted: 11})},
		"the default again needs no limit of its own":        {limit(apikey.Limit{QPS: 5}), 10, nil},
		"nor with a grant that is no more than the default":  {limit(apikey.Limit{QPS: 5, Granted: 10}), 10, nil},
		"a higher grant stays known":                         {limit(apikey.Limit{QPS: 5, Granted: 11}), 10, limit(apikey.Limit{QPS: 10, Granted: 11})},
		"a loan ends where less comes back":                  {limit(apikey.Limit{QPS: 40, EndsAt: later, Then: 12}), 13, limit(apikey.Limit{QPS: 13, EndsAt: later, Then: 12, Lent: 40, Granted: 12})},
		"what would come back stays":                         {limit(apikey.Limit{QPS: 40, EndsAt: later, Then: 12}), 12, limit(apikey.Limit{QPS: 12, EndsAt: later, Then: 12, Granted: 12, Lent: 40})},
		"so does less":                                       {limit(apikey.Limit{QPS: 40, EndsAt: later, Then: 12}), 11, limit(apikey.Limit{QPS: 11, EndsAt: later, Then: 11, Granted: 12, Lent: 40})},
		"a loan over the default ends where more is wanted":  {limit(apikey.Limit{QPS: 40, EndsAt: later}), 11, limit(apikey.Limit{QPS: 11, EndsAt: later, Lent: 40})},
		"the default leaves the way back to it":              {limit(apikey.Limit{QPS: 40, EndsAt: later}), 10, limit(apikey.Limit{QPS: 10, EndsAt: later, Lent: 40})},
		"so does it with a grant that is no more":            {limit(apikey.Limit{QPS: 40, EndsAt: later, Granted: 10}), 10, limit(apikey.Limit{QPS: 10, EndsAt: later, Granted: 10, Lent: 40})},
		"with a higher one the default itself comes back":    {limit(apikey.Limit{QPS: 40, EndsAt: later, Granted: 11}), 10, limit(apikey.Limit{QPS: 10, EndsAt: later, Then: 10, Granted: 11, Lent: 40})},
		"and less than the default stays":                    {limit(apikey.Limit{QPS: 40, EndsAt: later}), 9, limit(apikey.Limit{QPS: 9, EndsAt: later, Then: 9, Lent: 40})},
	} {
		if got := qps.Set(c.had, "search", c.wanted, 10, now); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", what, got, c.want)
		}
	}
}

// TestALoanCanBeTakenBackUpWhileItLasts: whatever its customer sets meanwhile, what was lent stays free until its end, and what
// comes back then is never more than what holds for good.
func TestALoanCanBeTakenBackUpWhileItLasts(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	end := now.Add(time.Hour)
	rapid.Check(t, func(t *rapid.T) {
		const standard = 10
		good := rapid.IntRange(1, 40).Draw(t, "for good")
		limits := qps.Grant(nil, "search", good, time.Time{}, now)
		lent := rapid.IntRange(41, 90).Draw(t, "lent")
		limits = qps.Grant(limits, "search", lent, end, now)
		for range rapid.IntRange(1, 4).Draw(t, "changes") {
			free := qps.Free(limits, "search", standard, now)
			if free < lent {
				t.Fatalf("%d of the %d that were lent are free", free, lent)
			}
			limits = qps.Set(limits, "search", rapid.IntRange(1, free).Draw(t, "wanted"), standard, now)
			own := apikey.OwnLimit(limits, "search")
			if after := max(own.At(end), 0); after > max(good, standard) {
				t.Fatalf("%d come back at the end, %d hold for good", after, max(good, standard))
			}
			if free := qps.Free(limits, "search", standard, end); free > max(good, standard) {
				t.Fatalf("%d are free at the end, %d hold for good", free, max(good, standard))
			}
		}
		low := qps.Set(qps.Set(limits, "search", 1, standard, now), "search", lent, standard, now)
		if own := apikey.OwnLimit(low, "search"); own.At(now) != lent || own.At(end) == 1 {
			t.Fatalf("lowered to 1 and back to %d: %+v", lent, own)
		}
	})
}

func TestWhatIsFreeIsOneToTheBoundAndAnotherThanNow(t *testing.T) {
	for wanted, want := range map[int]error{-1: qps.ErrBelowOne, 0: qps.ErrBelowOne, 1: nil, 4: nil, 5: qps.ErrSameAsCurrent, 6: nil, 10: nil, 11: qps.ErrNotFree} {
		if err := qps.CheckFree(5, 10, wanted); !errors.Is(err, want) {
			t.Errorf("%d of up to 10, 5 in force: %v, want %v", wanted, err, want)
		}
	}
}

func TestAnOperatorGrantsFromOneToTheCataloguesMost(t *testing.T) {
	for granted, want := range map[int]error{-1: qps.ErrBelowOne, 0: qps.ErrBelowOne, 1: nil, 1000: nil, 1001: qps.ErrAboveMax} {
		if err := qps.CheckGrant(granted, 1000); !errors.Is(err, want) {
			t.Errorf("%d of up to 1000: %v, want %v", granted, err, want)
		}
	}
}

// TestARequestEndsWithEachThingThatItIsAbout.
func TestARequestEndsWithEachThingThatItIsAbout(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	key := apikey.Key{AccountType: account.Enterprise, Products: []product.ID{"routing", "search"}}
	for what, c := range map[string]struct {
		change func(*apikey.Key)
		want   bool
	}{
		"nothing":                  {func(*apikey.Key) {}, false},
		"the key is disabled":      {func(k *apikey.Key) { k.Disabled = true }, false},
		"the key is revoked":       {func(k *apikey.Key) { k.RevokedAt = now }, true},
		"the key is deleted":       {func(k *apikey.Key) { k.DeletedAt = now }, true},
		"the account may not ask":  {func(k *apikey.Key) { k.AccountType = account.SelfServe }, true},
		"the product is off":       {func(k *apikey.Key) { k.Products = k.Products[:1] }, true},
		"another product is off":   {func(k *apikey.Key) { k.Products = k.Products[1:] }, false},
		"all but its type is well": {func(k *apikey.Key) { k.AccountType = "" }, true},
	} {
		k := key
		c.change(&k)
		if got := (qps.Request{Product: "search"}).Ends(k); got != c.want {
			t.Errorf("%s: ends %v, want %v", what, got, c.want)
		}
	}
}
