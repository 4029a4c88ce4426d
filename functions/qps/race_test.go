package main

import (
	"fmt"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/product"
)

// Two limits of one key that are set at once, as Terraform does, are both set, by the same person or two and whatever else happens to
// the key: see package apitest.
func TestTwoLimitsAtOnceAreAsOneAfterTheOther(t *testing.T) {
	apitest.Races(t, func(t testing.TB) apitest.Race {
		stores, interrupt := apitest.RaceStores(t)
		r := newHarnessOn(t, stores)
		id := r.submit(t, map[string]any{"requested_qps": 60})
		own := func(class string, qps int) func(testing.TB) apitest.Answer {
			return func(t testing.TB) apitest.Answer {
				return r.Do(t, apitest.Call{As: "owner", Method: "PUT", Path: r.path("keys", string(r.key.ID), "limits", class), Body: map[string]any{"qps": qps}})
			}
		}
		capped := func(group string, day any) func(testing.TB) apitest.Answer {
			return func(t testing.TB) apitest.Answer {
				return r.Do(t, apitest.Call{As: "owner", Method: "PUT", Path: r.path("keys", string(r.key.ID), "quotas", group), Body: map[string]any{"day": day}})
			}
		}
		decide := func(action string, body map[string]any) func(testing.TB) apitest.Answer {
			return func(t testing.TB) apitest.Answer {
				return r.Do(t, apitest.Call{As: "operator", Method: "POST", Path: r.path("qps-requests", id, action), Body: body})
			}
		}
		return apitest.Race{
			Interrupt: interrupt,
			Do: map[string]func(testing.TB) apitest.Answer{
				"search": own("search", 2), "map-display": own("map-display", 3),
				"cap tiles": capped("tiles", 5), "cap other": capped("other", 7),
				"grant": func(t testing.TB) apitest.Answer {
					path := "/v1/operator/accounts/" + string(r.account.ID) + "/keys/" + string(r.key.ID) + "/limits/search"
					return r.Do(t, apitest.Call{As: "operator", Method: "PUT", Path: path, Body: map[string]any{"qps": 40}})
				},
				"approve": decide("approve", map[string]any{}), "reject": decide("reject", map[string]any{"comment": "no"}), "withdraw": func(t testing.TB) apitest.Answer {
					return r.Do(t, apitest.Call{As: "owner", Method: "POST", Path: r.path("qps-requests", id, "withdraw")})
				},
			},
			Others: map[string]func(testing.TB){"disable": func(t testing.TB) {
				before, err := r.Control.Key(t.Context(), r.account.ID, r.key.ID)
				if err == nil {
					_, err = r.Edit(t.Context(), before, "key.disable", func(k *apikey.Key) { k.Disabled = true })
				}
				if err != nil {
					t.Fatal(err)
				}
			}},
			State: func(t testing.TB) string {
				k, err := r.Control.Key(t.Context(), r.account.ID, r.key.ID)
				if err != nil {
					t.Fatal(err)
				}
				limits := map[product.Class]int{}
				for _, l := range k.Limits {
					limits[l.Class] = l.QPS
				}
				doc := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("qps-requests", id)}).JSON(t)
				return fmt.Sprint(limits, k.Caps, k.Disabled, doc["status"])
			},
		}
	})
}
