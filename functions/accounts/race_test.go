package main

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/sessions"
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
				"revoke":       do("operator", "POST", key+"/revoke", object{"reason": "abuse"}),
				"limit search": do("operator", "PUT", operatorPath(r)+"/limits/search", object{"qps": 7}), "limit tiles": do("operator", "PUT", operatorPath(r)+"/limits/map-display.tiles", object{"qps": 8}),
				"quota tiles": do("operator", "PUT", operatorPath(r)+"/quotas/tiles", object{"billing_type": "freemium", "day": 5, "month": nil}), "quota others": do("operator", "PUT", operatorPath(r)+"/quotas/other", object{"billing_type": "freemium", "day": 6, "month": nil}),
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
				return fmt.Sprint(stored.Blocked != nil, stored.RevokedAt.IsZero(), stored.Disabled, stored.DeletedAt.IsZero(), doc["name"], doc["key_limit"], doc["limits"], doc["quotas"])
			},
		}
	})
}

func operatorPath(r *harness) string { return "/v1/operator" + strings.TrimPrefix(r.path(""), "/v1") }

// raceHarness is a harness with the people of apitest, whose writes can be interrupted.
func raceHarness(t testing.TB) (*harness, *keytest.Interrupt) {
	stores, interrupt := apitest.RaceStores(t)
	a := apitest.New(t, stores)
	r := &harness{API: a, account: a.NewAccount(t)}
	r.handler = newHandler(a.Control, sessions.New(a.DB, a.Tables.Sessions), a.Source, apitest.Texts, product.Default(), apitest.NoUse{}, settings{perPerson: 3})
	r.handler.routes(a.Mux)
	apitest.People(t, a, r.account.ID)
	r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: r.path("")}) // the look of this hour is a write of its own
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
		State: r.rights,
	}
}

// Of changes of operators at the same moment none undoes another: a rank that was taken stays taken, whatever its holder
// and other admins are doing.
func TestChangesOfOperatorsAtOnceAreAsOneAfterTheOther(t *testing.T) {
	apitest.Races(t, operatorsRace)
}

// A right that ends while its holder's request is on the way gives and takes nothing any more: nobody has a place in
// an account or among the operators because of somebody who was just removed or demoted, and nobody loses one.
func TestWhoLostTheirRightAMomentAgoGivesAndTakesNothing(t *testing.T) {
	operator, member := "/v1/operators/", func(r *harness) string { return r.path("/members/") }
	endings := map[string]func(t *testing.T, r *harness){
		"removed": func(t *testing.T, r *harness) {
			r.Want(t, 204, apitest.Call{As: "operator", Method: "DELETE", Path: operator + "evil"})
			r.Want(t, 200, apitest.Call{As: "owner", Method: "DELETE", Path: member(r) + "mallory"})
		},
		"demoted": func(t *testing.T, r *harness) {
			r.Want(t, 200, apitest.Call{As: "operator", Method: "PUT", Path: operator + "evil", Body: object{"rank": "support"}})
			r.put(t, "owner", "mallory", account.Developer, 200)
		},
	}
	requests := map[string]func(r *harness) apitest.Call{
		"names an operator": func(*harness) apitest.Call {
			return apitest.Call{As: "evil", Method: "PUT", Path: operator + "friend", Body: object{"rank": "admin"}}
		},
		"raises an operator": func(*harness) apitest.Call {
			return apitest.Call{As: "evil", Method: "PUT", Path: operator + "support", Body: object{"rank": "admin"}}
		},
		"removes an operator": func(*harness) apitest.Call {
			return apitest.Call{As: "evil", Method: "DELETE", Path: operator + "support"}
		},
		"changes their label": func(*harness) apitest.Call {
			return apitest.Call{As: "evil", Method: "PUT", Path: operator + "evil", Body: object{"email": "a@example.com"}}
		},
		"raises a member": func(r *harness) apitest.Call {
			return apitest.Call{As: "mallory", Method: "PUT", Path: member(r) + "viewer", Body: object{"role": "owner"}}
		},
		"lowers a member": func(r *harness) apitest.Call {
			return apitest.Call{As: "mallory", Method: "PUT", Path: member(r) + "developer", Body: object{"role": "viewer"}}
		},
		"removes a member": func(r *harness) apitest.Call {
			return apitest.Call{As: "mallory", Method: "DELETE", Path: member(r) + "viewer"}
		},
		"keeps their role": func(r *harness) apitest.Call {
			return apitest.Call{As: "mallory", Method: "PUT", Path: member(r) + "mallory", Body: object{"role": "owner", "email": "a@example.com"}}
		},
	}
	for how, end := range endings {
		for what, request := range requests {
			t.Run("who was "+how+" "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { // a lost race waits
					r, interrupt := raceHarness(t)
					r.rank(t, "operator", "evil", object{"rank": "admin"}, 201)
					mallory := keytest.Member(r.account.ID, "mallory", account.Owner)
					mallory.Email = "" // beside a verified one no address is kept
					if _, err := r.Control.PutMember(t.Context(), nil, mallory, keytest.Subject("owner"), keytest.Row(r.account.ID, "member.add", "")); err != nil {
						t.Fatal(err)
					}
					ended := ""
					interrupt.Arm(func() {
						end(t, r)
						ended = r.rights(t)
					})
					if got := r.Do(t, request(r)); ended == "" || got.Status != 403 && got.Status != 404 {
						t.Errorf("interrupted: %v, got %d %s", ended != "", got.Status, got.Body)
					}
					if after := r.rights(t); after != ended {
						t.Errorf("afterwards\n%swant\n%s", after, ended)
					}
				})
			})
		}
	}
}

// rights lists who has which place in the account and among the operators.
func (r *harness) rights(t testing.TB) (text string) {
	operators, err := r.Control.Operators(t.Context(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	members, err := r.Control.Members(t.Context(), r.account.ID, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range operators.Operators {
		text += fmt.Sprintln(o.Subject.ID, o.Rank, o.Email)
	}
	for _, m := range members.Members {
		text += fmt.Sprintln(m.Subject.ID, m.Role, m.Address())
	}
	return text
}
