package main

import (
	"fmt"
	"testing"

	"latchkey/functions/internal/apitest"
)

func TestAPageTokenIsGoodForItsOwnQuestion(t *testing.T) {
	r := newHarness(t)
	for i := range 3 {
		r.create(t, map[string]any{"name": fmt.Sprint("Shop ", i), "labels": []string{"prod", "web"}, "domains": []string{"a.example.com", "b.example.com"}})
	}
	apitest.TokensKeepTheirQuestion(t, r.API, served, map[string]apitest.Question{
		"listKeys": {As: "viewer", Path: r.keys(), Queries: []string{
			"", "q=shop", "q=sho", "status=active", "product=search", "label=prod", "label=web", "sort=created_at", "sort=name",
		}, Beside: []string{"figures", "with"}},
		"listDomains":  {As: "viewer", Path: r.domains(), Queries: []string{"", "domain=a.example.com"}},
		"listFindings": {As: "viewer", Path: "/v1/accounts/" + string(r.account.ID) + "/findings", Queries: []string{"", "key_id=key_01HZY3M7Q8R9S0T1V2W3X4Y5Z6"}},
	})
}
