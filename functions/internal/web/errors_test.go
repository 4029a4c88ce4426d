package web_test

import (
	"testing"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
)

func TestACodeHasOneText(t *testing.T) {
	seen := map[string]gateway.Problem{}
	for _, row := range web.Errors() {
		first, ok := seen[row.Problem.Code]
		if ok && (first.Text != row.Problem.Text || first.Detail != row.Problem.Detail) {
			t.Errorf("%s says %q %q and %q %q", row.Problem.Code, first.Text, first.Detail, row.Problem.Text, row.Problem.Detail)
		}
		seen[row.Problem.Code] = *row.Problem
	}
}
