package main

import (
	"slices"
	"testing"
	"time"

	"latchkey/shared/api"
)

func TestTicksNameBarsThatThereAre(t *testing.T) {
	r := newHarness(t, time.Hour)
	v := &visit{app: r.app, lang: r.app.langs.Offered()[0]}
	start := time.Date(2026, 8, 3, 23, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		bars int
		step time.Duration
		want []string
	}{
		"none": {0, time.Hour, nil}, "one": {1, time.Hour, []string{"23:00"}}, "three": {3, time.Hour, []string{"23:00", "00:00", "01:00"}},
		"a day": {25, time.Hour, []string{"23:00", "05:00", "11:00", "17:00", "23:00"}}, "weeks": {29, 24 * time.Hour, []string{"3 Aug", "10 Aug", "17 Aug", "24 Aug", "31 Aug"}},
	} {
		t.Run(name, func(t *testing.T) {
			u := api.Usage{From: start, To: start.Add(time.Duration(c.bars) * c.step)}
			for i := range c.bars {
				u.Series = append(u.Series, api.UsagePoint{Start: start.Add(time.Duration(i) * c.step)})
			}
			if got := v.ticks(u); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
