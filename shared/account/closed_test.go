package account_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/consent"
)

// TestAClosedAccountTakesNoChange: each of them is refused as soon as the closing begins, and leaves the account as it is; the same change
// of an open account is made.
func TestAClosedAccountTakesNoChange(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	changes := map[string]func(account.Account) (account.Account, error){
		"accept": func(a account.Account) (account.Account, error) {
			return a.Accept(consent.Given{Product: "search", Paths: []consent.Path{{Prefix: "/s/", Since: "2-8c1d22ef01"}}})
		},
		"leaks": func(a account.Account) (account.Account, error) {
			return a.SetLeaks(account.LeakPolicy{Frontend: account.LeakRefuse})
		},
		"limit": func(a account.Account) (account.Account, error) { return a.SetLimit("search", 7) },
		"quota": func(a account.Account) (account.Account, error) {
			return a.SetQuota(account.Quota{Billing: "free", Group: "other", Day: 3}, now)
		},
		"rules":   func(a account.Account) (account.Account, error) { return a.SetRules(account.Rules{LifetimeDays: 30}) },
		"suspend": func(a account.Account) (account.Account, error) { return a.Suspend("unpaid", time.Time{}, "op", now) },
		"resume":  account.Account.Resume,
	}
	full := account.Account{
		ID: "acc_1", Name: "A", Type: account.SelfServe, Limits: account.Limits{{Class: "map", QPS: 2}}, Quotas: account.Quotas{{Billing: "paying", Group: "tiles", Day: 1}},
		Rules: account.Rules{FrontendRestricted: true}, Leaks: account.LeakPolicy{Backend: account.LeakRotate},
		Suspended: account.Suspension{Reason: "abuse", At: now.Add(-time.Hour), By: "first"},
	}
	for name, change := range changes {
		if after, err := change(full); err != nil || reflect.DeepEqual(after, full) {
			t.Errorf("%s of an open account: %v, changed: %v", name, err, err == nil)
		}
		for _, over := range []func(*account.Account){func(a *account.Account) { a.Closing = true }, func(a *account.Account) { a.ClosedAt = now }} {
			closed := full
			over(&closed)
			if after, err := change(closed); !errors.Is(err, account.ErrClosed) || !reflect.DeepEqual(after, closed) {
				t.Errorf("%s of a closed account: %v, %+v", name, err, after)
			}
		}
	}
}

// TestWhatIsAcceptedIsOpenToTheAccount, whatever is accepted of the product later; accepted again it changes nothing.
func TestWhatIsAcceptedIsOpenToTheAccount(t *testing.T) {
	g := consent.Given{Product: "search", Paths: []consent.Path{{Prefix: "/s/", Since: "2-8c1d22ef01"}}}
	once, err := account.Account{}.Accept(g)
	if len(once.Accepted) != 1 || !reflect.DeepEqual(once.Accepted[0], g) || err != nil {
		t.Fatalf("%+v, %v", once.Accepted, err)
	}
	if again, _ := once.Accept(g); !again.Same(once) {
		t.Errorf("accepted again: %+v", again.Accepted)
	}
	later := consent.Path{Prefix: "/t/", Since: "3-0f9a61c7d2"}
	twice, err := once.Accept(consent.Given{Product: "search", Paths: []consent.Path{later}})
	if want := append(g.Paths, later); err != nil || len(twice.Accepted) != 1 || !reflect.DeepEqual(twice.Accepted[0].Paths, want) {
		t.Errorf("accepted later: %+v, %v, want %+v", twice.Accepted, err, want)
	}
}

// TestTwoVersionsThatSayTheSameAreTheSame, whatever their numbers; any other difference is one.
func TestTwoVersionsThatSayTheSameAreTheSame(t *testing.T) {
	a := account.Account{Name: "A", Version: 3}
	b := a
	if b.Version = 9; !a.Same(b) {
		t.Error("the number of a version counts")
	}
	if b.Closing = true; a.Same(b) {
		t.Error("an account that is being closed is the same as an open one")
	}
}

// TestReactionsThatAreTheDefaultsAreKeptAsNone, so that a later default reaches them; others stay as they were set, and what is in force
// already is no change.
func TestReactionsThatAreTheDefaultsAreKeptAsNone(t *testing.T) {
	defaults := account.LeakPolicy{Frontend: account.LeakNotify, Backend: account.LeakRefuse, Mobile: account.LeakNotify}
	if got := (account.LeakPolicy{}).InForce(); got != defaults {
		t.Errorf("the defaults are %+v", got)
	}
	set := account.LeakPolicy{Frontend: account.LeakRefuse, Backend: account.LeakNotify, Mobile: account.LeakRotate}
	if got := set.InForce(); got != set {
		t.Errorf("what is set gives way: %+v", got)
	}
	part := account.LeakPolicy{Mobile: account.LeakRefuse}
	for name, c := range map[string]struct{ before, to, want account.LeakPolicy }{
		"set":                           {account.LeakPolicy{}, set, set},
		"in part":                       {account.LeakPolicy{}, part, part},
		"back to the defaults":          {set, defaults, account.LeakPolicy{}},
		"the defaults, written out":     {account.LeakPolicy{}, defaults, account.LeakPolicy{}},
		"the same with a default named": {part, account.LeakPolicy{Frontend: account.LeakNotify, Mobile: account.LeakRefuse}, part},
	} {
		if after, err := (account.Account{Leaks: c.before}).SetLeaks(c.to); err != nil || after.Leaks != c.want {
			t.Errorf("%s: %+v, %v", name, after.Leaks, err)
		}
	}
}

// TestASubjectIsTheIssuersOwnText of 1 to 255 bytes.
func TestASubjectIsTheIssuersOwnText(t *testing.T) {
	for id, want := range map[string]error{
		"a": nil, " A|b/é\u200b": nil, strings.Repeat("é", 127) + "x": nil, strings.Repeat("é", 128): account.ErrSubjectLength, "": account.ErrSubjectLength,
		"a\nb": account.ErrSubjectCharacter, "a\x7f": account.ErrSubjectCharacter, "a\u0085": account.ErrSubjectCharacter, "\xff": account.ErrSubjectCharacter, "\ufffd": account.ErrSubjectCharacter,
	} {
		got, err := account.ParseSubject("https://i.example", id)
		if !errors.Is(err, want) || want == nil && got != (account.Subject{Issuer: "https://i.example", ID: id}) || want != nil && got != (account.Subject{}) {
			t.Errorf("%q: %+v, %v", id, got, err)
		}
	}
}

// TestAPseudonymIsOneForAPerson: of no issuer, always the same, and another for each other person. The ID is stored, so it is a literal.
func TestAPseudonymIsOneForAPerson(t *testing.T) {
	want := account.Subject{Issuer: "erased", ID: "erased_cb0e65dc04075c343112"}
	if got := (account.Subject{Issuer: "https://i.example", ID: "one"}).Pseudonym(); got != want {
		t.Errorf("%+v", got)
	}
	for _, other := range []account.Subject{{Issuer: "https://i.example", ID: "two"}, {Issuer: "https://j.example", ID: "one"}} {
		if other.Pseudonym() == want {
			t.Errorf("%+v has the pseudonym of another person", other)
		}
	}
}

// TestARoleIsSinceItsLastChange, and an address is the verified one before one that an owner typed.
func TestARoleIsSinceItsLastChange(t *testing.T) {
	was, now := time.Unix(1, 0), time.Unix(2, 0)
	m := account.Member{Role: account.Viewer, RoleAt: was, Label: "typed@b.example"}
	if same := m.WithRole(account.Viewer, now); same != m {
		t.Errorf("the same role: %+v", same)
	}
	if other := m.WithRole(account.Owner, now); other.Role != account.Owner || !other.RoleAt.Equal(now) {
		t.Errorf("another role: %+v", other)
	}
	if m.Address() != "typed@b.example" {
		t.Errorf("without a verified address: %q", m.Address())
	}
	if m.Email = "verified@b.example"; m.Address() != "verified@b.example" {
		t.Errorf("with one: %q", m.Address())
	}
}
