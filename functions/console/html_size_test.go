package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// mostHTML bounds the HTML of a page, in bytes.
const mostHTML = 40_000

// fullKeys are the keys of a page with everything that a row can say, and with what people type as long as it may be.
func fullKeys(now time.Time) (list []api.Key, figures []api.KeyFiguresOfOne) {
	day := func(n int) api.MaybeTime { return moment.Of(now.AddDate(0, 0, n)) }
	for i := range keysPerPage {
		k := fullKey()
		k.Id, k.Name = scattered(i), fmt.Sprintf("%02d %s", i, strings.Repeat("Map of the shop, ", 4))[:64]
		k.Labels = nil
		for n := range 5 {
			k.Labels = append(k.Labels, fmt.Sprintf("a label of some length, %d, %02d", n, i))
		}
		k.Status, k.Recoverable, k.Usage = api.Active, true, api.Frontend
		k.Products, k.Domains = []string{"map-display", "search", "routing"}, []string{fmt.Sprintf("*.shop-%d.a-rather-long-name-of-a-customer.example.com", i), "b.example"}
		k.CreatedAt, k.RotatedAt, k.ExpiresAt, k.LastUsedAt, k.ExposedAt = day(-400), ptr(day(-40)), ptr(day(3)), ptr(day(-1)), ptr(day(-2))
		k.PreviousPreview, k.PreviousSecretExpiresAt = ptr("ak_8Lg3…y0Re"), ptr(day(1))
		list = append(list, k)
		f := api.KeyFiguresOfOne{Id: k.Id, Requests: 123_456_789, Refused: 12_345_678}
		for hour := range 24 {
			f.Hours = append(f.Hours, int64(1_000_000+hour*77_777*(i+1)%900_000))
		}
		figures = append(figures, f)
	}
	return list, figures
}

// TestTheLongestListOfKeysIsBounded: what people type is as long as it may be in every row, and every row has every sign.
func TestTheLongestListOfKeysIsBounded(t *testing.T) {
	w := newWalker(t, "owner")
	keys, figures := fullKeys(then)
	labels := []api.LabelCount{}
	for n := range 20 {
		labels = append(labels, api.LabelCount{Name: fmt.Sprintf("a label of some length, %d", n), Keys: 17})
	}
	w.api.on("GET /v1/accounts/"+account+"/keys", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.KeyList{Keys: keys, Figures: &api.KeyFigures{Keys: figures}, NextPageToken: ptr("next"), PreviousPageToken: ptr("previous"), Total: ptr(500), Labels: &labels})
		return true
	})
	for _, language := range []string{"en", "fr", "ar"} {
		for _, query := range []string{"", "?select=all", "?page=p&status=active&sort=-requests"} {
			page := w.ask(http.MethodGet, "/accounts/"+account+"/keys"+query, nil, "Accept-Language", language)
			if size := len(page.text); page.StatusCode != http.StatusOK || size > 60_000 || strings.Count(page.text, `name="key"`) != keysPerPage {
				t.Errorf("%s %s: %d: %d bytes", language, query, page.StatusCode, size)
			}
		}
	}
}
