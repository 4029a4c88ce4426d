package main

import (
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/product"
)

// TestTwoChangesOfAKeyAtOnceAreAsOneAfterTheOther: who names no version is never told that there is another one. Block
// is the operators', in another function, on the same key.
func TestTwoChangesOfAKeyAtOnceAreAsOneAfterTheOther(t *testing.T) {
	for state, prepare := range map[string]func(testing.TB, *harness, map[string]any){
		"active":   func(testing.TB, *harness, map[string]any) {},
		"disabled": func(t testing.TB, r *harness, k map[string]any) { r.post(t, 200, "owner", k, "disable", nil) },
		"deleted": func(t testing.TB, r *harness, k map[string]any) {
			r.Want(t, 200, apitest.Call{As: "owner", Method: "DELETE", Path: r.path(k)})
		},
	} {
		t.Run(state, func(t *testing.T) {
			apitest.Races(t, func(t testing.TB) apitest.Race { return newRace(t, prepare) })
		})
	}
}

func newRace(t testing.TB, prepare func(testing.TB, *harness, map[string]any)) apitest.Race {
	stores, interrupt := apitest.RaceStores(t)
	a := apitest.New(t, stores)
	r := &harness{API: a, account: a.NewAccount(t)}
	r.handler = &handler{store: a.Control, service: &web.KeyService{
		Store: a.Control, Source: a.Source, Prefix: apikey.DefaultPrefix, Products: product.Default(), Used: apitest.NoUse{}, Sealer: apitest.Sealer{},
	}}
	r.handler.routes(a.Mux)
	r.Member(t, r.account.ID, "developer", account.Developer)
	k := r.create(t, map[string]any{"domains": []string{"a.example"}})
	r.Want(t, 200, apitest.Call{As: "owner", Method: "PUT", Path: r.path(k) + "/proposal", Body: map[string]any{"domains": []string{"b.example"}}})
	prepare(t, r, k)

	do := func(method, action string, body any, headers ...string) func(testing.TB) apitest.Answer {
		return func(t testing.TB) apitest.Answer {
			c := apitest.Call{As: "owner", Method: method, Path: r.path(k) + action, Body: body, Headers: map[string]string{}}
			if len(headers) == 2 {
				c.Headers[headers[0]] = headers[1]
			}
			return r.Do(t, c)
		}
	}
	return apitest.Race{
		Interrupt: interrupt,
		Do: map[string]func(testing.TB) apitest.Answer{
			"disable": do("POST", "/disable", nil),
			"enable":  do("POST", "/enable", nil),
			"revoke":  do("POST", "/revoke", map[string]any{"confirm_name": "My key"}),
			"delete":  do("DELETE", "", nil),
			"restore": do("POST", "/restore", nil),
			"propose": do("PUT", "/proposal", map[string]any{"products": []string{"search"}}),
			"drop":    do("DELETE", "/proposal", nil),
			"edit":    do("PATCH", "", map[string]any{"domains": []string{"c.example"}}, "If-Match", "*"),
		},
		Others: map[string]func(testing.TB){"block": func(t testing.TB) {
			before := r.stored(t, k)
			after, err := before.Block("abuse", "operator", time.Time{}, r.Source.Time())
			if err == nil {
				_, err = r.Edit(t.Context(), before, "key.block", func(k *apikey.Key) { *k = after })
			}
			if err != nil {
				t.Fatal(err)
			}
		}},
		State: func(t testing.TB) string {
			doc := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path(k)}).JSON(t)
			stored := r.stored(t, k)
			return apitest.Facts(doc, "status", "disabled", "domains", "proposed") +
				apitest.Facts(map[string]any{"blocked": stored.Blocked != nil, "revoked": !stored.RevokedAt.IsZero(), "deleted": !stored.DeletedAt.IsZero()}, "blocked", "revoked", "deleted")
		},
	}
}

// TestPromotingNeedsTheVersionThatWasSeen: another proposal may have taken the place of the one that a person read.
func TestPromotingNeedsTheVersionThatWasSeen(t *testing.T) {
	r := newHarness(t)
	k := r.create(t, nil)
	propose := func(domain string) string {
		return r.Want(t, 200, apitest.Call{As: "owner", Method: "PUT", Path: r.path(k) + "/proposal", Body: map[string]any{"domains": []string{domain}}}).Header.Get("ETag")
	}
	seen := propose("seen.example")
	promote := apitest.Call{As: "owner", Method: "POST", Path: r.path(k) + "/proposal/promote"}
	if got := r.Want(t, 428, promote); got.Code() != "if_match_required" {
		t.Error(got.Problem())
	}
	propose("other.example")
	promote.Headers = map[string]string{"If-Match": seen}
	r.Want(t, 412, promote)
	if domains := r.stored(t, k).Domains; len(domains) != 0 {
		t.Errorf("enforced: %v", domains)
	}
}
