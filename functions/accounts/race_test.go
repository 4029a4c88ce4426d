package main

import (
	"fmt"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// An operator's block and what a customer does to the key at the same moment are both done, and so are an owner's and an
// operator's changes of the account: see package apitest.
func TestAnOperatorAndACustomerAtOnceAreAsOneAfterTheOther(t *testing.T) {
	apitest.Races(t, func(t testing.TB) apitest.Race {
		r, interrupt := raceHarness(t)
		k := r.NewKey(t, r.account)
		do := func(as, method, path string, body object) func(testing.TB) apitest.Answer {
			return func(t testing.TB) apitest.Answer {
				return r.Do(t, apitest.Call{As: as, Method: method, Path: path, Body: body})
			}
		}
		customer := func(action string, change func(*apikey.Key)) func(testing.TB) {
			return func(t testing.TB) {
				before, err := r.Control.Key(t.Context(), r.account.ID, k.ID)
				if err == nil {
					_, err = r.Edit(t.Context(), before, action, change)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		key := "/v1/operator/keys/" + string(k.ID)
		return apitest.Race{
			Interrupt: interrupt,
			Do: map[string]func(testing.TB) apitest.Answer{
				"block": do("operator", "POST", key+"/block", object{"reason": "abuse"}), "unblock": do("operator", "POST", key+"/unblock", object{}),
				"revoke": do("operator", "POST", key+"/revoke", object{"reason": "abuse"}),
				"rename": do("owner", "PATCH", r.path(""), object{"name": "Other"}), "raise": do("operator", "PATCH", r.path(""), object{"key_limit": 7}),
			},
			Others: map[string]func(testing.TB){
				"disable": customer("key.disable", func(k *apikey.Key) { k.Disabled = true }),
				"delete":  customer("key.delete", func(k *apikey.Key) { k.DeletedAt = keytest.Now }),
			},
			State: func(t testing.TB) string {
				stored, err := r.Control.Key(t.Context(), r.account.ID, k.ID)
				if err != nil {
					t.Fatal(err)
				}
				r.CheckGate(t, stored)
				doc := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("")}).JSON(t)
				return fmt.Sprint(stored.Blocked != nil, stored.RevokedAt.IsZero(), stored.Disabled, stored.DeletedAt.IsZero(), doc["name"], doc["key_limit"])
			},
		}
	})
}

// raceHarness is a harness with the people of apitest, whose writes can be interrupted.
func raceHarness(t testing.TB) (*harness, *keytest.Interrupt) {
	stores, interrupt := apitest.RaceStores(t)
	a := apitest.New(t, stores)
	r := &harness{API: a, account: a.NewAccount(t)}
	r.handler = newHandler(a.Control, a.Source, apitest.Texts, product.Default(), apitest.NoUse{}, settings{perPerson: 3})
	r.handler.routes(a.Mux)
	apitest.People(t, a, r.account.ID)
	return r, interrupt
}

// operatorsRace are two admins and what each does to an operator.
func operatorsRace(t testing.TB) apitest.Race {
	r, interrupt := raceHarness(t)
	for _, sub := range []string{"second", "third"} {
		r.rank(t, "operator", sub, object{"rank": "admin"}, 201)
	}
	do := func(as, method, sub string, body any) func(testing.TB) apitest.Answer {
		return func(t testing.TB) apitest.Answer {
			return r.Do(t, apitest.Call{As: as, Method: method, Path: "/v1/operators/" + sub, Body: body})
		}
	}
	return apitest.Race{
		Interrupt: interrupt,
		Do: map[string]func(testing.TB) apitest.Answer{
			"label of oneself": do("second", "PUT", "second", object{"email": "mine@example.com"}),
			"label of another": do("third", "PUT", "second", object{"email": "theirs@example.com"}),
			"demotion":         do("operator", "PUT", "second", object{"rank": "support"}),
		},
		State: func(t testing.TB) string {
			list, err := r.Control.Operators(t.Context(), "", 0)
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			for _, o := range list.Operators {
				text += fmt.Sprintln(o.Subject.ID, o.Rank, o.Email)
			}
			return text
		},
	}
}

// Of changes of operators at the same moment none undoes another: a rank that was taken stays taken, whatever its holder
// and other admins are doing.
func TestChangesOfOperatorsAtOnceAreAsOneAfterTheOther(t *testing.T) {
	apitest.Races(t, operatorsRace)
}
