package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
)

// numbers are caps without their times.
func numbers(caps apikey.Caps) string {
	var list []string
	for _, c := range caps {
		list = append(list, fmt.Sprintf("{%s %d}", c.Group, c.Day))
	}
	return fmt.Sprint(list)
}

// TestACapKnowsSinceWhenThereHasBeenOne: another number leaves that, and one that is lifted and set again begins again.
func TestACapKnowsSinceWhenThereHasBeenOne(t *testing.T) {
	r := newHarness(t)
	first := r.Clock.Now()
	for i, step := range []struct {
		day  any
		want time.Time
	}{
		{50, first},
		{60, first},
		{nil, time.Time{}},
		{70, first.Add(3 * time.Hour)},
	} {
		r.Want(t, 200, apitest.Call{As: "developer", Method: http.MethodPut, Path: r.path("keys", string(r.key.ID), "quotas", "tiles"), Body: map[string]any{"day": step.day}})
		var got time.Time
		for _, c := range r.stored(t).Caps {
			got = c.Since
		}
		if !got.Equal(step.want) {
			t.Errorf("step %d: since %v, want %v", i, got, step.want)
		}
		r.Clock.Advance(time.Hour)
	}
}

// TestACapIsSetChangedAndLifted, each group of its own, and asking again for what holds writes nothing.
func TestACapIsSetChangedAndLifted(t *testing.T) {
	r := newHarness(t)
	set := func(group string, body any, headers map[string]string) apitest.Answer {
		return r.Do(t, apitest.Call{As: "developer", Method: http.MethodPut, Path: r.path("keys", string(r.key.ID), "quotas", group), Body: body, Headers: headers})
	}
	for i, step := range []struct {
		group  string
		day    any
		want   string
		writes bool
	}{
		{"tiles", nil, "[]", false},
		{"tiles", 50, "[{tiles 50}]", true},
		{"tiles", 50, "[{tiles 50}]", false},
		{"other", 1, "[{other 1} {tiles 50}]", true},
		{"tiles", apikey.MaxCap, "[{other 1} {tiles 1000000000000}]", true},
		{"tiles", 2, "[{other 1} {tiles 2}]", true},
		{"other", nil, "[{tiles 2}]", true},
		{"tiles", nil, "[]", true},
		{"tiles", nil, "[]", false},
	} {
		before := r.stored(t).Version
		got := set(step.group, map[string]any{"day": step.day}, map[string]string{"If-Match": fmt.Sprintf("%q", fmt.Sprint(before))})
		after := r.stored(t)
		if got.Status != 200 || numbers(after.Caps) != step.want || (after.Version != before) != step.writes {
			t.Errorf("step %d: %d %s, version %d to %d, %v", i, got.Status, got.Body, before, after.Version, after.Caps)
		}
	}
	for name, tt := range map[string]struct {
		group string
		body  any
		want  string
	}{
		"0":                           {"tiles", map[string]any{"day": 0}, "422 invalid [/day]"},
		"less":                        {"tiles", map[string]any{"day": -1}, "422 invalid [/day]"},
		"too much":                    {"tiles", map[string]any{"day": apikey.MaxCap + 1}, "422 invalid [/day]"},
		"no number":                   {"tiles", map[string]any{}, "422 invalid [/day]"},
		"a month":                     {"tiles", map[string]any{"day": 5, "month": 5}, "422 invalid [/month]"},
		"a group that there isn't":    {"maps", map[string]any{"day": 5}, "404 not_found []"},
		"a class that is not a group": {"search", map[string]any{"day": 5}, "404 not_found []"},
	} {
		if got := set(tt.group, tt.body, nil).Problem(); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	if got := set("tiles", map[string]any{"day": 5}, map[string]string{"If-Match": `"1"`}); got.Status != 412 || len(r.stored(t).Caps) != 0 {
		t.Errorf("a stale version: %s", got.Problem())
	}
}

// TestACapOfAGroupThatIsGoneCanBeLifted, and not set: the group may come back with another catalogue, and the cap with it.
func TestACapOfAGroupThatIsGoneCanBeLifted(t *testing.T) {
	r := newHarness(t)
	key, err := r.Edit(t.Context(), r.key, "key.set_quota", func(k *apikey.Key) { k.Caps = apikey.Caps{{Group: "gone", Day: 1000}, {Group: "tiles", Day: 5}} })
	if err != nil {
		t.Fatal(err)
	}
	r.key = key
	for _, step := range []struct {
		group  string
		day    any
		status int
		want   string
	}{
		{"gone", 1000, 404, "gone 1000 tiles 5 "},
		{"gone", 10, 404, "gone 1000 tiles 5 "},
		{"never", nil, 404, "gone 1000 tiles 5 "},
		{"gone", nil, 200, "tiles 5 "},
		{"gone", nil, 404, "tiles 5 "},
	} {
		r.Want(t, step.status, apitest.Call{As: "developer", Method: http.MethodPut, Path: r.path("keys", string(r.key.ID), "quotas", step.group), Body: map[string]any{"day": step.day}})
		got := ""
		for _, one := range r.stored(t).Caps {
			got += fmt.Sprint(one.Group, " ", one.Day, " ")
		}
		if got != step.want {
			t.Errorf("%+v: %q", step, got)
		}
	}
}
