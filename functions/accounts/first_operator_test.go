package main

import (
	"fmt"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/keytest"
)

// listedOperator is an operator as the list has them; nil if it doesn't.
func (r *harness) listedOperator(t testing.TB, as, sub string) object {
	t.Helper()
	for _, o := range r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: "/v1/operators"}).JSON(t)["operators"].([]any) {
		if o.(object)["subject"] == sub {
			return o.(object)
		}
	}
	return nil
}

// TestTheFirstOperatorIsAnAdminWhateverTheBodyAsksFor: of another rank, nobody could ever name a second one, and the stack's bootstrap is used up.
func TestTheFirstOperatorIsAnAdminWhateverTheBodyAsksFor(t *testing.T) {
	for _, named := range []string{"founder", keytest.Issuer + "#founder"} {
		for _, body := range []object{nil, {}, {"rank": "admin"}, {"rank": "support"}, {"rank": "support", "email": "service@maps.example"}} {
			t.Run(fmt.Sprint(named, body), func(t *testing.T) {
				r := newHarness(t)
				r.handler.operators.bootstrap = named
				call := apitest.Call{As: "founder", Method: "PUT", Path: "/v1/operators/founder"}
				if body != nil {
					call.Body = body
				}
				if doc := r.Want(t, 201, call).JSON(t); doc["rank"] != "admin" {
					t.Errorf("answered: %v", doc)
				}
				if rank, err := r.Control.Rank(t.Context(), keytest.Subject("founder")); err != nil || rank != account.Admin {
					t.Errorf("stored: %q (%v)", rank, err)
				}
				if doc := r.rank(t, "founder", "second", object{"rank": "support"}, 201).JSON(t); doc["rank"] != "support" {
					t.Errorf("the second: %v", doc)
				}
			})
		}
	}
}

// TestAnOperatorsAddressIsTheirOwn: who makes themselves operator has that of their token, unless they type another. Others have
// the typed one or none, never that of the admin who names them or changes their rank.
func TestAnOperatorsAddressIsTheirOwn(t *testing.T) {
	const typed = "service@maps.example"
	for _, c := range []struct {
		name    string
		founder string
		sub     string // who is put by the founder
		body    object
		want    any
	}{
		{"oneself", "founder", "founder", object{}, "founder@example.com"},
		{"oneself, with another", "founder", "founder", object{"email": typed}, typed},
		{"oneself, without one in the token", apitest.Unverified, apitest.Unverified, object{}, nil},
		{"somebody else", "founder", "second", object{}, nil},
		{"somebody else, with theirs", "founder", "second", object{"email": typed}, typed},
		{"somebody else of a rank", "founder", "second", object{"rank": "support"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newHarness(t)
			r.handler.operators.bootstrap = c.founder
			if c.sub != c.founder {
				r.rank(t, c.founder, c.founder, object{}, 201)
			}
			check := func(when string, doc object) {
				t.Helper()
				if doc["email"] != c.want {
					t.Errorf("%s: %v, want %v", when, doc["email"], c.want)
				}
				stored, err := r.Control.Operator(t.Context(), keytest.Subject(c.sub))
				if err != nil || c.want == nil && stored.Email != "" || c.want != nil && stored.Email != c.want {
					t.Errorf("%s, stored: %q (%v), want %v", when, stored.Email, err, c.want)
				}
				if listed := r.listedOperator(t, c.founder, c.sub); listed == nil || listed["email"] != c.want {
					t.Errorf("%s, listed: %v, want %v", when, listed, c.want)
				}
			}
			check("made", r.rank(t, c.founder, c.sub, c.body, 201).JSON(t))
			check("again", r.rank(t, c.founder, c.sub, object{}, 200).JSON(t))
			if c.sub != c.founder {
				check("of another rank", r.rank(t, c.founder, c.sub, object{"rank": "admin"}, 200).JSON(t))
			}
		})
	}
}
