package main

import (
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
)

// TestNoDomainHoldsASecret: in a name of a host letters lose their case, and what is left of a secret then is enough to find it.
func TestNoDomainHoldsASecret(t *testing.T) {
	r := newHarness(t)
	made := r.create(t, nil)
	secret, id := made["secret"].(string), made["id"].(string)
	body := secret[len("ak_"):]
	for _, domain := range []string{
		"https://" + secret + ".example.com", "ak-" + body + ".example.com", "x-ak_" + body + ".example.com", strings.ToLower(secret) + ".example.com", strings.ToLower(body) + ".example.com", "https://x." + body + ".example.com", "*." + secret + ".example.com", secret,
	} {
		for what, call := range map[string]apitest.Call{
			"a new key":  {As: "owner", Method: "POST", Path: r.keys(), Body: map[string]any{"name": "x", "usage": "frontend", "products": []string{"search"}, "domains": []string{domain}}},
			"an edit":    {As: "owner", Method: "PATCH", Path: r.keys() + "/" + id, Body: map[string]any{"domains": []string{domain}}, Headers: map[string]string{"If-Match": "*"}},
			"a proposal": {As: "owner", Method: "PUT", Path: r.keys() + "/" + id + "/proposal", Body: map[string]any{"domains": []string{domain}}, Headers: map[string]string{"If-Match": "*"}},
		} {
			got := r.Do(t, call)
			if got.Status != 422 || !strings.Contains(string(got.Body), "secret_in_text") || strings.Contains(strings.ToLower(string(got.Body)), strings.ToLower(body)) {
				t.Errorf("%s with %s: %d %s", what, domain, got.Status, got.Body)
			}
		}
	}
	r.create(t, map[string]any{"domains": []string{"bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi.ipfs.example.com", "akademie.example.com"}})
}
