package product_test

import (
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/product"
)

func held(t *testing.T, standard account.QuotaTimes, own account.Quota, times account.QuotaTime) product.Held {
	t.Helper()
	c, err := quotaed(`{` + tilesGroup + `,"quotas":{"freemium":{"tiles":{"day":50}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	own.Group, times.Group, times.Billing = "tiles", "tiles", own.Billing
	return product.Held{Catalogue: c, Standard: standard, Own: account.Quotas{}.With(own), Times: account.QuotaTimes{times}}
}

// TestANumberHoldsInThePeriodsThatEndAfterItWasSet: the account's own, or the catalogue's since that one was set or the account's own was lifted.
func TestANumberHoldsInThePeriodsThatEndAfterItWasSet(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2026, 11, day, 12, 0, 0, 0, time.UTC) }
	standard := account.QuotaTimes{{Billing: "freemium", Group: "tiles", Since: at(4), Day: at(4)}}
	for name, tt := range map[string]struct {
		standard account.QuotaTimes
		own      account.Quota
		times    account.QuotaTime
		end      time.Time
		want     product.Quota
	}{
		"known of none":              {nil, account.Quota{Billing: "freemium", Day: 7, Month: 70}, account.QuotaTime{}, at(1), product.Quota{Day: 7, Month: 70}},
		"before both":                {nil, account.Quota{Billing: "freemium", Day: 7, Month: 70}, account.QuotaTime{Day: at(5), Month: at(6)}, at(5), product.Quota{}},
		"between them":               {nil, account.Quota{Billing: "freemium", Day: 7, Month: 70}, account.QuotaTime{Day: at(5), Month: at(6)}, at(6), product.Quota{Day: 7}},
		"behind both":                {nil, account.Quota{Billing: "freemium", Day: 7, Month: 70}, account.QuotaTime{Day: at(5), Month: at(6)}, at(7), product.Quota{Day: 7, Month: 70}},
		"before the own was lifted":  {nil, account.Quota{Billing: "freemium"}, account.QuotaTime{Day: at(5)}, at(5), product.Quota{}},
		"behind that":                {nil, account.Quota{Billing: "freemium"}, account.QuotaTime{Day: at(5)}, at(6), product.Quota{Day: 50}},
		"before the catalogue's":     {standard, account.Quota{Billing: "freemium"}, account.QuotaTime{Day: at(2)}, at(4), product.Quota{}},
		"behind the catalogue's":     {standard, account.Quota{Billing: "freemium"}, account.QuotaTime{Day: at(2)}, at(5), product.Quota{Day: 50}},
		"of its own, in place of it": {standard, account.Quota{Billing: "freemium", Day: 7}, account.QuotaTime{Day: at(2)}, at(3), product.Quota{Day: 7}},
	} {
		if got := held(t, tt.standard, tt.own, tt.times).Before(tt.end, "freemium", "tiles"); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

// TestCallsCountFromTheFirstWholeDayOfAQuota: of the account's own, or of the catalogue's if that one is older.
func TestCallsCountFromTheFirstWholeDayOfAQuota(t *testing.T) {
	day := func(day int) time.Time { return time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC) }
	at := func(n int) time.Time { return day(n).Add(12 * time.Hour) }
	standard := account.QuotaTimes{{Billing: "freemium", Group: "tiles", Since: at(4)}}
	for name, tt := range map[string]struct {
		standard account.QuotaTimes
		own      account.Quota
		since    time.Time
		want     time.Time
		none     bool
	}{
		"none":                         {nil, account.Quota{Billing: "paying"}, at(3), time.Time{}, true},
		"its own":                      {nil, account.Quota{Billing: "paying", Day: 5}, at(3), day(4), false},
		"from midnight on":             {nil, account.Quota{Billing: "paying", Month: 5}, day(3), day(3), false},
		"at any time":                  {nil, account.Quota{Billing: "paying", Month: 5}, time.Time{}, time.Time{}, false},
		"the catalogue's":              {standard, account.Quota{Billing: "freemium"}, at(8), day(5), false},
		"the catalogue's, at any time": {nil, account.Quota{Billing: "freemium", Month: 5}, at(8), time.Time{}, false},
		"its own, younger":             {standard, account.Quota{Billing: "freemium", Month: 5}, at(8), day(5), false},
		"its own, older":               {standard, account.Quota{Billing: "freemium", Month: 5}, at(2), day(3), false},
	} {
		got, ok := held(t, tt.standard, tt.own, account.QuotaTime{Since: tt.since}).CountsFrom(tt.own.Billing, "tiles")
		if !got.Equal(tt.want) && !tt.none || ok == tt.none {
			t.Errorf("%s: %v, %v, want %v", name, got, ok, tt.want)
		}
	}
}
