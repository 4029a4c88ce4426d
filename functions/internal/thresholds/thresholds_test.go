package thresholds_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/thresholds"
	"latchkey/shared/account"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter/quota"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// table has an account with a quota of 10 calls a month, and answers by turns.
type table struct {
	answers []error
	asked   int
}

func (*table) Account(_ context.Context, id account.ID) (account.Account, error) {
	return account.Account{ID: id, Quotas: account.Quotas{{Billing: "free", Group: "other", Month: 10}}}, nil
}

func (s *table) ReachThreshold(context.Context, account.ID, usage.Threshold, audit.Row) error {
	s.asked++
	return s.answers[min(s.asked, len(s.answers))-1]
}

func (*table) Announced(context.Context) (control.Announced, error) { return control.Announced{}, nil }

// six calls are counted in each month.
type six struct{}

func (six) AccountRows(_ context.Context, _ account.ID, in counters.Range) ([]usage.Row, error) {
	return []usage.Row{{Start: in.From, Product: "search", Counts: usage.Counts{"b::free:allowed": 6}}}, nil
}

// TestWhatCouldNotBeToldIsTriedAgain, and what is told isn't asked for again.
func TestWhatCouldNotBeToldIsTriedAgain(t *testing.T) {
	down := errors.New("down")
	for name, tt := range map[string]struct {
		answers []error
		told    []int // by each call
		asked   int
	}{
		"told":          {[]error{nil}, []int{1, 0, 0}, 1},
		"told before":   {[]error{dynamo.ErrExists}, []int{0, 0, 0}, 1},
		"down, then up": {[]error{down, dynamo.ErrConflict, nil}, []int{0, 0, 1, 0}, 3},
	} {
		s := &table{answers: tt.answers}
		teller := &thresholds.Teller{Store: s, Rows: six{}, Products: product.Default(), Source: env.Source{Now: func() time.Time { return keytest.Now }, Rand: keytest.RandomOf(t)}}
		for n, want := range tt.told {
			told, err := teller.Tell(t.Context(), "acc_1", []time.Time{keytest.Now.Truncate(24 * time.Hour)})
			if failed := n < len(tt.answers) && tt.answers[n] != nil && !errors.Is(tt.answers[n], dynamo.ErrExists); len(told) != want || (err != nil) != failed {
				t.Errorf("%s, call %d: %v, %v", name, n, told, err)
			}
		}
		if s.asked != tt.asked {
			t.Errorf("%s: the table is asked %d times, want %d", name, s.asked, tt.asked)
		}
	}
}

// written keeps what is told.
type written struct {
	table
	told []string
}

func (w *written) ReachThreshold(_ context.Context, id account.ID, one usage.Threshold, row audit.Row) error {
	w.told = append(w.told, fmt.Sprint(id, " ", one.Billing, " ", one.Group, " ", one.Period, " ", one.Percent, " ", one.Used, " of ", one.Quota, " ", row.Account, row.KeyID, " ", row.Action, " ", row.Actor.Role, " ", row.Changes))
	return nil
}

// TestARowOfAThresholdSaysEachFactUnderItsOwnName, and each threshold that is passed at once has its own.
func TestARowOfAThresholdSaysEachFactUnderItsOwnName(t *testing.T) {
	s := &written{}
	teller := &thresholds.Teller{Store: s, Rows: six{}, Products: product.Default(), Source: env.Source{Now: func() time.Time { return keytest.Now }, Rand: keytest.RandomOf(t)}}
	told, err := teller.Tell(t.Context(), "acc_1", []time.Time{keytest.Now.Truncate(24 * time.Hour)})
	if err != nil || len(told) != len(s.told) {
		t.Fatal(told, err)
	}
	want := "acc_1 free other 2026-11 50 6 of 10 acc_1 account.quota_reached system [{billing_type  \"free\"} {group  \"other\"} {period  \"2026-11\"} {threshold  50} {used  6} {quota  10}]"
	if got := strings.Join(s.told, "\n"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// typed has an account of a type without quotas of its own, and counts how often its counters are read.
type typed struct {
	written
	account.Account
	reads int
}

func (s *typed) AccountRows(ctx context.Context, id account.ID, in counters.Range) ([]usage.Row, error) {
	s.reads++
	return six{}.AccountRows(ctx, id, in)
}

// store is a typed as the control table.
type store struct{ *typed }

func (s store) Account(context.Context, account.ID) (account.Account, error) {
	return s.typed.Account, nil
}

// TestCountersAreReadOnlyWhereAQuotaApplies: to an account without quotas of its own those of the catalogue apply, of the billing types that its keys
// have or are getting.
func TestCountersAreReadOnlyWhereAQuotaApplies(t *testing.T) {
	products, err := product.Default().WithQuotas(product.Quotas{ByBilling: map[string]map[product.Group]product.Quota{"freemium": {"other": {Day: 10}}}})
	if err != nil {
		t.Fatal(err)
	}
	own := account.Quotas{{Billing: "free", Group: "other", Month: 10}}
	for name, tt := range map[string]struct {
		products product.Catalogue
		account  account.Account
		reads    int
	}{
		"of the type":           {products, account.Account{Type: account.SelfServe}, 1},
		"of another type":       {products, account.Account{Type: account.Enterprise}, 0},
		"of the type to come":   {products, account.Account{Type: account.Enterprise, PendingType: account.SelfServe}, 1},
		"of the type until now": {products, account.Account{Type: account.SelfServe, PendingType: account.Enterprise}, 1},
		"of its own":            {product.Default(), account.Account{Type: account.Enterprise, Quotas: own}, 1},
		"of none":               {product.Default(), account.Account{Type: account.SelfServe}, 0},
	} {
		s := &typed{Account: tt.account}
		teller := &thresholds.Teller{Store: store{s}, Rows: s, Products: tt.products, Source: env.Source{Now: func() time.Time { return keytest.Now }, Rand: keytest.RandomOf(t)}}
		if _, err := teller.Tell(t.Context(), "acc_1", []time.Time{keytest.Now.Truncate(24 * time.Hour)}); err != nil || s.reads != tt.reads {
			t.Errorf("%s: %d reads, want %d (%v)", name, s.reads, tt.reads, err)
		}
	}
}

// used has some calls allowed today, of which others were refused, in a month of which so many are taken; today's are all but a hundred of the month's.
type used struct {
	written
	quota   account.Quota
	allowed int64
	taken   int64
	err     error // of the quotas table
	damaged bool
}

func (s *used) Account(_ context.Context, id account.ID) (account.Account, error) {
	s.quota.Billing, s.quota.Group = "free", "other"
	return account.Account{ID: id, Quotas: account.Quotas{s.quota}}, nil
}

func (s *used) ReachThreshold(_ context.Context, _ account.ID, one usage.Threshold, _ audit.Row) error {
	s.told = append(s.told, fmt.Sprint(one.Period, " ", one.Percent))
	return nil
}

func (s *used) AccountRows(context.Context, account.ID, counters.Range) ([]usage.Row, error) {
	day := keytest.Now.Truncate(24 * time.Hour)
	return []usage.Row{
		{Start: day, Product: "search", Counts: usage.Counts{"b::free:allowed": s.allowed, "b::free:quota_exceeded": 3}},
		{Start: day.AddDate(0, 0, -1), Product: "search", Counts: usage.Counts{"b::free:allowed": 100}},
	}, nil
}

func (s *used) Taken(_ context.Context, at time.Time, names []quota.Name) (map[quota.Name]quota.Seen, error) {
	of := quota.Name{Scope: "acc_1", Type: "free", Group: "other"}
	if s.err != nil || s.damaged || names[0] != of {
		return nil, s.err
	}
	if at.Format("2006-01") != keytest.Now.Format("2006-01") {
		return nil, errors.New("another month")
	}
	seen := quota.Seen{Month: s.taken}
	if at.Equal(keytest.Now.Truncate(24 * time.Hour)) {
		seen.Day = s.taken - 100
	}
	return map[quota.Name]quota.Seen{of: seen}, nil
}

// TestAQuotaIsToldToBeUsedUpOnceItIs: calls are refused for the other period, for a key's cap, and by a number that has been changed since; only the quotas table knows
// whether all is taken. What it can't say is asked again, and keeps nothing else from being told.
func TestAQuotaIsToldToBeUsedUpOnceItIs(t *testing.T) {
	day, month := keytest.Now.Format(time.DateOnly), keytest.Now.Format("2006-01")
	reached := []string{month + " 50", month + " 80", day + " 50", day + " 80"}
	for name, tt := range map[string]struct {
		used
		want []string // beside 50 and 80
	}{
		"both":                          {used{quota: account.Quota{Day: 100, Month: 200}, allowed: 100, taken: 200}, []string{day + " 100", month + " 100"}},
		"the day":                       {used{quota: account.Quota{Day: 100, Month: 220}, allowed: 100, taken: 200}, []string{day + " 100"}},
		"the month":                     {used{quota: account.Quota{Day: 110, Month: 200}, allowed: 100, taken: 200}, []string{month + " 100"}},
		"neither: cap, or other number": {used{quota: account.Quota{Day: 101, Month: 201}, allowed: 100, taken: 200}, nil},
		"in others' hands":              {used{quota: account.Quota{Day: 100, Month: 200}, allowed: 90, taken: 200}, []string{day + " 100", month + " 100"}},
		"calls of before the quota":     {used{quota: account.Quota{Day: 100, Month: 200}, allowed: 150, taken: 150}, nil},
		"table down":                    {used{quota: account.Quota{Day: 100, Month: 200}, allowed: 100, taken: 200, err: errors.New("down")}, nil},
		"item damaged":                  {used{quota: account.Quota{Day: 100, Month: 200}, allowed: 100, taken: 200, damaged: true}, nil},
	} {
		s := &tt.used
		teller := &thresholds.Teller{Store: s, Rows: s, Quotas: s, Products: product.Default(), Source: env.Source{Now: func() time.Time { return keytest.Now }, Rand: keytest.RandomOf(t)}}
		days := []time.Time{keytest.Now.Truncate(24 * time.Hour)}
		_, err := teller.Tell(t.Context(), "acc_1", days)
		if want := append(slices.Clone(reached), tt.want...); !slices.Equal(slices.Sorted(slices.Values(s.told)), slices.Sorted(slices.Values(want))) || (err != nil) != (s.err != nil || s.damaged) {
			t.Errorf("%s: %q, %v, want %q", name, s.told, err, want)
		}
		s.told, s.err, s.damaged, s.taken = nil, nil, false, 1000
		if _, err := teller.Tell(t.Context(), "acc_1", days); err != nil || len(s.told) != 2-len(tt.want) {
			t.Errorf("%s: then all is taken: %q, %v", name, s.told, err)
		}
	}
}
