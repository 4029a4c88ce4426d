package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/keytest"
)

func TestAPageTokenIsGoodForItsOwnQuestion(t *testing.T) {
	keytest.OneAtATime(t)
	r := billed(t)
	r.fill(t)
	question := func(as, root string) apitest.Question {
		path := root + "/statements/"
		return apitest.Question{
			As: as, Path: path + october.String(), Queries: []string{"", "format=csv"}, Elsewhere: []string{path + (october + 1).String(), path + (october - 1).String()},
		}
	}
	apitest.TokensKeepTheirQuestion(t, r.API, served, map[string]apitest.Question{
		"getStatement": question("owner", r.root()), "getStatements": question("operator", "/v1/operator"),
	})
}
