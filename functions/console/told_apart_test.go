package main

import (
	"net/http"
	"slices"
	"testing"

	"latchkey/shared/api"
)

// TestAccountsOfOneNameAreToldApartInASearch of members or keys over all accounts: each has its ID.
func TestAccountsOfOneNameAreToldApartInASearch(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	w.api.on("GET /v1/operator/members", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		one := func(id string) api.FoundMember {
			return api.FoundMember{AccountId: id, AccountName: "Harbour Tours", Email: "kari@one.example", Role: api.Owner}
		}
		reply(out, 200, api.FoundMemberList{Members: []api.FoundMember{one("acc_11"), one("acc_22")}})
		return true
	})
	w.api.on("GET /v1/operator/keys", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		one := func(id string) api.FoundKey {
			return api.FoundKey{AccountId: id, AccountName: "Harbour Tours", KeyId: keyID, KeyName: "Site", Status: api.Active}
		}
		reply(out, 200, api.FoundKeyList{Keys: []api.FoundKey{one("acc_11"), one("acc_22")}})
		return true
	})
	for _, in := range []string{"people", "name"} {
		page := w.ask(http.MethodGet, "/operator?q=harbour&in="+in, nil)
		if got, want := cells(page, "Account"), []string{"Harbour Toursacc_11", "Harbour Toursacc_22"}; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}
