package main

import (
	"net/http"
	"slices"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// TestARotationCanHaveEachReasonThatTheAPITakes: while one runs, a leak alone; after it was cancelled, all again.
func TestARotationCanHaveEachReasonThatTheAPITakes(t *testing.T) {
	all := []string{"scheduled", "leaked", "other"}
	for _, c := range []struct {
		runs, cancelled bool
		want            []string
	}{{false, false, all}, {true, false, []string{"leaked"}}, {true, true, all}} {
		w := newWalker(t, "owner")
		w.state(func(_ *api.Me, k *api.KeyWithSecret) {
			if k.RotationCancelled = c.cancelled; c.runs {
				k.PreviousPreview, k.PreviousSecretExpiresAt = ptr("ak_old…"), ptr(moment.Of(then))
			}
		})
		var got []string
		elements(w.ask(http.MethodGet, keyPath+"/rotate", nil).doc, func(n *html.Node) {
			if n.Data == "option" && attr(n.Parent, "name") == "reason" {
				got = append(got, attr(n, "value"))
			}
		})
		if !slices.Equal(got, c.want) {
			t.Errorf("runs %v, cancelled %v: %q", c.runs, c.cancelled, got)
		}
	}
}
