package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter/quota"
)

// capped is the harness of quotas whose first key has a cap on tiles, of which 120 calls are taken today.
func capped(t testing.TB) *harness {
	t.Helper()
	r := quotaed(t)
	apitest.People(t, r.API, r.account.ID)
	var err error
	if r.key, err = r.Edit(t.Context(), r.key, "key.set_quota", func(k *apikey.Key) { k.Caps = apikey.Caps{{Group: "tiles", Day: 150}} }); err != nil {
		t.Fatal(err)
	}
	name := quota.Name{Scope: string(r.key.ID), Group: "tiles"}
	for days, n := range map[int]int64{0: 120, -3: 11} {
		if _, err := quotas.New(r.DB.(quotas.Client), r.Tables.Quotas).Write(t.Context(), quota.Ask{Name: name, Date: keytest.Now.AddDate(0, 0, days).Truncate(day), N: n}); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// keyQuotaRows renders the answer for a key, a line for each row.
func keyQuotaRows(t testing.TB, r *harness, as string, k apikey.Key) (lines []string, unreadable any) {
	t.Helper()
	doc := r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: "/v1/accounts/" + string(r.account.ID) + "/keys/" + string(k.ID) + "/quotas"}).JSON(t)
	rows, _ := doc["quotas"].([]any)
	for _, row := range rows {
		m, _ := row.(map[string]any)
		lines = append(lines, fmt.Sprintf("%v (%v): %v of %v, %v left and %v in hand until %v, out %v", m["group"], m["name"], m["used"], m["day"], m["left"], m["in_hand"], m["ends_at"], m["runs_out_at"]))
	}
	return lines, doc["unreadable"]
}

// TestAKeysCapsShowWhatIsUsedAndLeft of the present day, of the key alone, and its groups without a cap what is used.
func TestAKeysCapsShowWhatIsUsedAndLeft(t *testing.T) {
	const until = "until 2026-11-22T00:00:00.000Z"
	r := capped(t)
	other := call(r.key, "map-display", authz.Allowed, keytest.Now)
	other.Class = "map-display"
	r.count(t, 6, other)
	for _, as := range []string{"viewer", "developer", "owner", "operator", "support"} {
		for k, want := range map[*apikey.Key][]string{
			&r.key: {"tiles (Tiles): 100 of 150, 30 left and 20 in hand " + until + ", out 2026-11-21T15:36:00.000Z", "other (Other): 6 of <nil>, <nil> left and <nil> in hand " + until + ", out <nil>"},
			&r.two: {"tiles (Tiles): 0 of <nil>, <nil> left and <nil> in hand " + until + ", out <nil>", "other (Other): 0 of <nil>, <nil> left and <nil> in hand " + until + ", out <nil>"},
		} {
			if got, unreadable := keyQuotaRows(t, r, as, *k); !slices.Equal(got, want) || unreadable != nil {
				t.Errorf("%s sees %q, %v unreadable\nwant %q", as, got, unreadable, want)
			}
		}
	}
}

// TestACapsUseIsOfAllBillingTypes that the key had in the day.
func TestACapsUseIsOfAllBillingTypes(t *testing.T) {
	r := capped(t)
	for n, billing := range map[int]string{7: "paying", 5: "pay_as_you_grow"} {
		other := call(r.key, "search", authz.Allowed, keytest.Now)
		other.Billing, other.Class = apikey.BillingType(billing), "search"
		r.count(t, n, other)
	}
	if got, _ := keyQuotaRows(t, r, "owner", r.key); !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, "other (Other): 12 of ") }) {
		t.Errorf("%q", got)
	}
}

// TestACapThatIsBelowWhatIsTakenHasNothingLeft.
func TestACapThatIsBelowWhatIsTakenHasNothingLeft(t *testing.T) {
	r := capped(t)
	k, err := r.Edit(t.Context(), r.key, "key.set_quota", func(k *apikey.Key) { k.Caps = apikey.Caps{{Group: "tiles", Day: 40}} })
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := keyQuotaRows(t, r, "owner", k); got[0] != "tiles (Tiles): 100 of 40, 0 left and 20 in hand until 2026-11-22T00:00:00.000Z, out <nil>" {
		t.Errorf("%q", got)
	}
}

// TestACapWhoseItemCannotBeReadIsShownWithoutWhatIsLeft.
func TestACapWhoseItemCannotBeReadIsShownWithoutWhatIsLeft(t *testing.T) {
	r := capped(t)
	item := dynamo.Item{"pk": dynamo.S(string(r.key.ID) + "##tiles"), "sk": dynamo.S("2026-11"), "m": dynamo.S("damaged")}
	if _, err := r.DB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &r.Tables.Quotas, Item: item}); err != nil {
		t.Fatal(err)
	}
	for _, as := range []string{"owner", "operator"} {
		got, unreadable := keyQuotaRows(t, r, as, r.key)
		if got[0] != "tiles (Tiles): 100 of 150, <nil> left and <nil> in hand until 2026-11-22T00:00:00.000Z, out <nil>" || unreadable != 1.0 {
			t.Errorf("%s: %q, %v unreadable", as, got, unreadable)
		}
	}
}

// TestAKeyShowsTheQuotasOfItsAccountThatBindIt, as the account's own answer has them: those of its billing type that have a number.
func TestAKeyShowsTheQuotasOfItsAccountThatBindIt(t *testing.T) {
	r := capped(t)
	whole := map[string]any{}
	all, _ := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: "/v1/accounts/" + string(r.account.ID) + "/quotas"}).JSON(t)["quotas"].([]any)
	for _, row := range all {
		m, _ := row.(map[string]any)
		whole[fmt.Sprint(m["billing_type"], " ", m["group"])] = row
	}
	of := func(k apikey.Key) any {
		return r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: "/v1/accounts/" + string(r.account.ID) + "/keys/" + string(k.ID) + "/quotas"}).JSON(t)["account_quotas"]
	}
	want := []any{whole["freemium tiles"], whole["freemium other"]}
	for what, got := range map[string]any{"of a key": of(r.key), "in its usage": r.get(t, r.key, "?with=quotas")["account_quotas"]} {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	paying, err := r.Edit(t.Context(), r.two, "key.set_billing_type", func(k *apikey.Key) { k.BillingType = apikey.Paying })
	if err != nil {
		t.Fatal(err)
	}
	if got := of(paying); !reflect.DeepEqual(got, []any{}) {
		t.Errorf("a key whose billing type has no quota: %v", got)
	}
}
