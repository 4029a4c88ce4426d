package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter/quota"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// quotaed is a harness of 21 November, 12:00, whose catalogue and account have quotas of freemium calls, with calls of the day, of the
// month and of the one before.
func quotaed(t testing.TB) *harness {
	t.Helper()
	q, err := product.ParseQuotas([]byte(`{"groups":[{"id":"tiles","name":"Tiles","classes":["map-display.tiles"]}],"quotas":{"freemium":{"tiles":{"day":500},"other":{"month":90}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	products, err := product.Default().WithQuotas(q)
	if err != nil {
		t.Fatal(err)
	}
	r := newHarnessWith(t, products)
	after, err := r.account.SetQuota(account.Quota{Billing: "freemium", Group: "tiles", Day: 150, Month: 10_000}, keytest.Now)
	if err != nil {
		t.Fatal(err)
	}
	if r.account, err = r.Control.UpdateAccount(t.Context(), r.account, after, keytest.Row(r.account.ID, "account.set_quota", "")); err != nil {
		t.Fatal(err)
	}
	now := keytest.Now
	one := func(k apikey.Key, class product.Class, code authz.Code, at time.Time) { // 100 calls
		c := call(k, "map-display", code, at)
		c.Class = class
		r.count(t, 100, c)
	}
	one(r.key, "map-display.tiles", authz.Allowed, now.Add(-time.Hour))
	one(r.key, "map-display.tiles", authz.QuotaExceeded, now.Add(-time.Hour))
	one(r.two, "map-display.tiles", authz.Allowed, now.AddDate(0, 0, -3))
	one(r.two, "map-display.tiles", authz.Allowed, now.AddDate(0, -1, 0))
	one(r.two, "map-display", authz.Allowed, now.AddDate(0, 0, -20))
	r.take(t, "tiles", 120, now)
	r.take(t, "tiles", 105, now.AddDate(0, 0, -3))
	r.take(t, "tiles", 999, now.AddDate(0, -1, 0))
	r.take(t, "other", 101, now.AddDate(0, 0, -20))
	return r
}

// take takes calls out of a freemium quota.
func (r *harness) take(t testing.TB, group string, n int64, at time.Time) {
	t.Helper()
	name := quota.Name{Scope: string(r.account.ID), Type: "freemium", Group: group}
	if _, err := quotas.New(r.DB.(quotas.Client), r.Tables.Quotas).Write(t.Context(), quota.Ask{Name: name, Date: at.Truncate(day), N: n}); err != nil {
		t.Fatal(err)
	}
}

// quotaRows renders the answer, a line for each row, with its day and its month.
func quotaRows(t testing.TB, r *harness, as string) (lines []string) {
	t.Helper()
	doc := r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: "/v1/accounts/" + string(r.account.ID) + "/quotas"}).JSON(t)
	rows, _ := doc["quotas"].([]any)
	for _, row := range rows {
		m, _ := row.(map[string]any)
		line := fmt.Sprint(m["billing_type"], " ", m["group"])
		for _, period := range []string{"day", "month"} {
			p, _ := m[period].(map[string]any)
			line += fmt.Sprintf(" | %v of %v (%v, %v), %v left and %v in hand until %v, out %v", p["used"], p["quota"], p["default_quota"], p["set_by"], p["left"], p["in_hand"], p["ends_at"], p["runs_out_at"])
		}
		lines = append(lines, line)
	}
	return lines
}

// TestQuotasShowWhatIsUsedAndLeft, where their numbers come from, when their periods end, and when nothing will be left.
func TestQuotasShowWhatIsUsedAndLeft(t *testing.T) {
	r := quotaed(t)
	apitest.People(t, r.API, r.account.ID)
	const tomorrow, december = "2026-11-22T00:00:00.000Z", "2026-12-01T00:00:00.000Z"
	want := []string{
		"freemium tiles | 100 of 150 (500, operator), 30 left and 20 in hand until " + tomorrow + ", out 2026-11-21T15:36:00.000Z" +
			" | 200 of 10000 (<nil>, operator), 9775 left and 25 in hand until " + december + ", out <nil>",
		"freemium other | 0 of <nil> (<nil>, <nil>), <nil> left and <nil> in hand until " + tomorrow + ", out <nil>" +
			" | 100 of 90 (90, catalogue), 0 left and 1 in hand until " + december + ", out <nil>",
		"pay_as_you_grow tiles | 0 of <nil> (<nil>, <nil>), <nil> left and <nil> in hand until " + tomorrow + ", out <nil> | 0 of <nil> (<nil>, <nil>), <nil> left and <nil> in hand until " + december + ", out <nil>",
		"pay_as_you_grow other | 0 of <nil> (<nil>, <nil>), <nil> left and <nil> in hand until " + tomorrow + ", out <nil> | 0 of <nil> (<nil>, <nil>), <nil> left and <nil> in hand until " + december + ", out <nil>",
	}
	for _, as := range []string{"viewer", "developer", "owner", "operator", "support"} {
		got := quotaRows(t, r, as)
		if len(got) != len(want) {
			t.Fatalf("%s sees %q", as, got)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s sees\n     %s\nwant %s", as, got[i], want[i])
			}
		}
	}
}

// TestAMonthRunsOutAtTheRateOfItsDay: at what is called today, not at what the month has had.
func TestAMonthRunsOutAtTheRateOfItsDay(t *testing.T) {
	r := quotaed(t)
	apitest.People(t, r.API, r.account.ID)
	after, err := r.account.SetQuota(account.Quota{Billing: "freemium", Group: "tiles", Month: 500}, keytest.Now)
	if err == nil {
		_, err = r.Control.UpdateAccount(t.Context(), r.account, after, keytest.Row(r.account.ID, "account.set_quota", ""))
	}
	if err != nil {
		t.Fatal(err)
	}
	const want = "200 of 500 (<nil>, operator), 275 left and 25 in hand until 2026-12-01T00:00:00.000Z, out 2026-11-22T21:00:00.000Z" // 100 in twelve hours
	if got := quotaRows(t, r, "owner")[0]; !strings.HasSuffix(got, " | "+want) {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestAQuotaThatCannotBeReadIsShownWithoutWhatIsLeft, and the others as they are.
func TestAQuotaThatCannotBeReadIsShownWithoutWhatIsLeft(t *testing.T) {
	r := quotaed(t)
	apitest.People(t, r.API, r.account.ID)
	item := dynamo.Item{"pk": dynamo.S(string(r.account.ID) + "#freemium#tiles"), "sk": dynamo.S("2026-11"), "m": dynamo.S("damaged")}
	if _, err := r.DB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &r.Tables.Quotas, Item: item}); err != nil {
		t.Fatal(err)
	}
	doc := r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: "/v1/accounts/" + string(r.account.ID) + "/quotas"}).JSON(t)
	rows, _ := doc["quotas"].([]any)
	left := func(row int, period string) any {
		m, _ := rows[row].(map[string]any)
		p, _ := m[period].(map[string]any)
		return p["left"]
	}
	if len(rows) != 4 || left(0, "day") != nil || left(0, "month") != nil || left(1, "month") != 0.0 || doc["unreadable"] != 1.0 {
		t.Errorf("%v", doc)
	}
}

// TestABillingTypeOfTheOtherAccountTypeIsShownWhileItCounts: with calls of this month, or with numbers of the account's own.
func TestABillingTypeOfTheOtherAccountTypeIsShownWhileItCounts(t *testing.T) {
	r := quotaed(t)
	apitest.People(t, r.API, r.account.ID)
	paying := r.two
	paying.BillingType = apikey.Paying
	c := call(paying, "map-display", authz.Allowed, keytest.Now.AddDate(0, 0, -5))
	c.Class = "map-display.tiles"
	r.count(t, 7, c)
	if got := quotaRows(t, r, "owner"); len(got) != 5 || got[0][:12] != "paying tiles" {
		t.Errorf("%q", got)
	}
}

// TestWhichBillingTypesAnAccountsQuotasShow: those that its keys can have, now or after the change of its type that runs, and those of another type with calls
// of this month or a number of the account's own, of whichever period.
func TestWhichBillingTypesAnAccountsQuotasShow(t *testing.T) {
	h := handlers{products: product.Default()}
	other := usage.Spending{Billing: apikey.Paying, Group: product.Other}
	for name, tt := range map[string]struct {
		account account.Account
		month   map[usage.Spending]int64
		want    string
	}{
		"self-serve":                {account.Account{Type: account.SelfServe}, nil, "freemium freemium pay_as_you_grow pay_as_you_grow"},
		"enterprise":                {account.Account{Type: account.Enterprise}, nil, "evaluation evaluation paying paying free free"},
		"changing its type":         {account.Account{Type: account.SelfServe, PendingType: account.Enterprise}, nil, "evaluation evaluation paying paying free free freemium freemium pay_as_you_grow pay_as_you_grow"},
		"with calls":                {account.Account{Type: account.SelfServe}, map[usage.Spending]int64{other: 1}, "paying freemium freemium pay_as_you_grow pay_as_you_grow"},
		"with a number for a day":   {account.Account{Type: account.SelfServe, Quotas: account.Quotas{{Billing: "paying", Group: "other", Day: 1}}}, nil, "paying freemium freemium pay_as_you_grow pay_as_you_grow"},
		"with a number for a month": {account.Account{Type: account.SelfServe, Quotas: account.Quotas{{Billing: "free", Group: "tiles", Month: 1}}}, nil, "free freemium freemium pay_as_you_grow pay_as_you_grow"},
		"with no calls any more":    {account.Account{Type: account.SelfServe}, map[usage.Spending]int64{other: 0}, "freemium freemium pay_as_you_grow pay_as_you_grow"},
	} {
		var got []string
		for _, k := range h.kinds(tt.account, spent{month: tt.month}) {
			got = append(got, string(k.Billing))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %s, want %s", name, strings.Join(got, " "), tt.want)
		}
	}
}
