package apikey_test

import (
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/product"
)

func TestLimitInForce(t *testing.T) {
	end := noon.Add(time.Hour)
	limits := []apikey.Limit{
		{Class: "for good", QPS: 50},
		{Class: "lent", QPS: 70, EndsAt: end, Then: 20},
		{Class: "lent over the default", QPS: 90, EndsAt: end},
		{Class: "twice", QPS: 1},
		{Class: "twice", QPS: 2},
		{Class: "zero", QPS: 0},
		{Class: "negative", QPS: -3, EndsAt: end, Then: -4},
	}
	for _, c := range []struct {
		class product.Class
		at    time.Time
		want  int // 0: the catalogue's default
		ended bool
	}{
		{"none", noon, 0, false},
		{"for good", noon, 50, false},
		{"for good", end.Add(time.Hour), 50, false},
		{"lent", end.Add(-1), 70, false},
		{"lent", end, 20, true},
		{"lent", end.Add(time.Hour), 20, true},
		{"lent over the default", end.Add(-1), 90, false},
		{"lent over the default", end, 0, true},
		{"twice", noon, 1, false},
		{"zero", noon, 0, false},
		{"negative", noon, 0, false},
		{"negative", end, 0, true},
	} {
		l := apikey.OwnLimit(limits, c.class)
		if got, ended := l.At(c.at), l.Ended(c.at); got != c.want || ended != c.ended {
			t.Errorf("%s at %s: %d, ended %v; want %d, %v", c.class, c.at.Format(time.TimeOnly), got, ended, c.want, c.ended)
		}
	}
}
