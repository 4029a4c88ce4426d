package main

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// names lists the keys that a list's query finds, by name.
func (r *harness) names(t *testing.T, query url.Values) string {
	t.Helper()
	list := []string{}
	for _, k := range r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + "?" + query.Encode()}).JSON(t)["keys"].([]any) {
		list = append(list, k.(map[string]any)["name"].(string))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func TestAListIsFilteredByAWholeLabelInAnyCase(t *testing.T) {
	r := newHarness(t)
	r.create(t, map[string]any{"name": "one", "labels": []string{"Production", "web"}})
	r.create(t, map[string]any{"name": "two", "labels": []string{"pre-production"}})
	r.create(t, map[string]any{"name": "three", "labels": []string{"Straße"}})
	r.create(t, map[string]any{"name": "production"})
	for label, want := range map[string]string{
		"production": "one", "WEB": "one", "we": "", "pre-production": "two", "strasse": "three", "": "one production three two",
	} {
		if got := r.names(t, url.Values{"label": {label}}); got != want {
			t.Errorf("label %q finds %q, want %q", label, got, want)
		}
	}
	if got := r.names(t, url.Values{"label": {"web"}, "q": {"two"}}); got != "" {
		t.Errorf("a label and other words find %q", got)
	}
}

// TestWordsAreFoundInAnyOrder: each word counts, wherever of the key it stands.
func TestWordsAreFoundInAnyOrder(t *testing.T) {
	r := newHarness(t)
	k := r.create(t, map[string]any{
		"name": "Fleet map", "labels": []string{"Production"}, "domains": []string{"*.fjordlast.example", "köln.example"},
	})
	r.create(t, map[string]any{"name": "Fleet"})
	id, preview := k["id"].(string), k["preview"].(string)
	for q, want := range map[string]string{
		"map fleet": "Fleet map", "fleet": "Fleet Fleet map", "prod fleet": "Fleet map", "fjordlast map": "Fleet map", "fleet nothing": "",
		"mapfleet": "", "köln.example": "Fleet map", id: "Fleet map", strings.ToLower(id): "Fleet map", id[len(id)-8:] + " map": "Fleet map",
		preview: "Fleet map", preview[len(preview)-4:]: "Fleet map", id[len(id)-3:]: "", "  ": "Fleet Fleet map",
	} {
		if got := r.names(t, url.Values{"q": {q}}); got != want {
			t.Errorf("%q finds %q, want %q", q, got, want)
		}
	}
}

// TestALabelThatTodaysRulesRefuseIsKept: what stands can be sent back, and nothing else like it.
func TestALabelThatTodaysRulesRefuseIsKept(t *testing.T) {
	r := newHarness(t)
	k := r.create(t, nil)
	before := r.stored(t, k)
	after := before
	after.Labels = []string{"a,b", "web"}
	if _, err := r.Control.Commit(t.Context(), control.Change{Before: &before, After: after, Audit: keytest.Row(r.account.ID, "key.edit", before.ID)}); err != nil {
		t.Fatal(err)
	}
	edit := func(labels ...string) int {
		return r.Do(t, apitest.Call{As: "developer", Method: "PATCH", Path: r.path(k), Body: map[string]any{"labels": append([]string{}, labels...)}, Headers: map[string]string{"If-Match": "*"}}).Status
	}
	if got := edit("web", "a,b", "new"); got != 200 || !slices.Equal(r.stored(t, k).Labels, []string{"a,b", "new", "web"}) {
		t.Errorf("sent back with another: %d %v", got, r.stored(t, k).Labels)
	}
	if got := edit("a,b", "c,d"); got != 422 {
		t.Errorf("another one like it: %d", got)
	}
	before = r.stored(t, k)
	after = before
	after.Labels = []string{"fil\u3164ler", "hid\u202eden"}
	if _, err := r.Control.Commit(t.Context(), control.Change{Before: &before, After: after, Audit: keytest.Row(r.account.ID, "key.edit", before.ID)}); err != nil {
		t.Fatal(err)
	}
	if got := edit("filler", "hid\ufffdden", "x"); got != 200 || !slices.Equal(r.stored(t, k).Labels, []string{"fil\u3164ler", "hid\u202eden", "x"}) {
		t.Errorf("sent back as they were shown: %d %+q", got, r.stored(t, k).Labels)
	}
	if got := edit(); got != 200 || len(r.stored(t, k).Labels) != 0 {
		t.Errorf("without labels: %d %v", got, r.stored(t, k).Labels)
	}
}
