package main

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
)

// TestOperatorsFindAKeyByItsSecret: whichever of its secrets it is and whatever state the key is in, with its account, and the
// account's trail has the look alone, without what was searched for.
func TestOperatorsFindAKeyByItsSecret(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	secret, err := apikey.DefaultPrefix.Generate(r.Source.Rand)
	if err != nil {
		t.Fatal(err)
	}
	old := keytest.StoredSecret("old")
	k := r.NewKey(t, r.account, func(k *apikey.Key) {
		k.Current.Hash, k.DeletedAt = secret.Hash(), keytest.Now
		k.Outgoing = &apikey.Outgoing{StoredSecret: old, EndsAt: keytest.Now.AddDate(0, 0, 1)}
	})
	find := func(as string, body object) string {
		t.Helper()
		found := []string{}
		for _, m := range r.Want(t, 200, apitest.Call{As: as, Method: "POST", Path: "/v1/operator/keys/find", Body: body}).JSON(t)["matches"].([]any) {
			m := m.(map[string]any)
			found = append(found, fmt.Sprint(m["matched"], " ", m["key"].(map[string]any)["id"], " ", m["account"].(map[string]any)["id"]))
		}
		return strings.Join(found, ", ")
	}
	looks := func() (n int) {
		for _, row := range r.AllAudit(t, r.account.ID) {
			if row.Action == "operator.look" {
				n++
			}
			if text := fmt.Sprint(row); strings.Contains(text, secret.Reveal()) || strings.Contains(text, secret.Hash().String()) {
				t.Errorf("the row tells what was searched for: %s", text)
			}
		}
		return n
	}
	where := string(k.ID) + " " + string(r.account.ID)
	for _, as := range []string{"support", "operator"} {
		if got := find(as, object{"secret": secret.Reveal()}); got != "current "+where {
			t.Errorf("%s finds %q", as, got)
		}
		if got := find(as, object{"secret_sha256": hex.EncodeToString(old.Hash[:])}); got != "outgoing "+where {
			t.Errorf("%s finds %q by the outgoing secret", as, got)
		}
	}
	if n := looks(); n != 2 {
		t.Errorf("%d rows of looks, want one for each of the two who looked", n)
	}
	before := r.Dump(t)
	if got := find("operator", object{"secret": "ak_nobody"}); got != "" {
		t.Errorf("a secret of nobody finds %q", got)
	}
	got := r.Do(t, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/keys/find", Body: object{"preview": k.Current.Preview}})
	if got.Problem() != "422 invalid [/preview]" || !strings.Contains(string(got.Body), `"account_needed"`) {
		t.Errorf("a preview: %s", got.Body)
	}
	if written := keytest.Written(before, r.Dump(t)); len(written) > 0 {
		t.Errorf("what finds nothing wrote %v", written)
	}
	if strings.Contains(r.Logs.String(), secret.Reveal()) || strings.Contains(r.All.String(), secret.Reveal()) {
		t.Error("a log line or an answer has the secret")
	}
}

// TestAnAccountThatCantBeReadIsFoundByItsIDAsSuch: the answer counts it, and what was asked for by its own path says so.
func TestAnAccountThatCantBeReadIsFoundByItsIDAsSuch(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	for _, item := range r.items(t) {
		if sk, _ := dynamo.GetS(item, "sk"); sk == "ACCOUNT" {
			item["created_at"] = dynamo.S("soon")
			r.Put(t, r.Tables.Control, item)
		}
	}
	doc := r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: "/v1/operator/accounts?q=" + string(r.account.ID)}).JSON(t)
	if doc["unreadable"] != 1.0 || len(doc["accounts"].([]any)) != 0 {
		t.Errorf("%v", doc)
	}
	for _, who := range []string{"operator", "owner"} {
		if got := r.Want(t, 409, apitest.Call{As: who, Method: "GET", Path: r.path("")}); got.Code() != "record_unreadable" {
			t.Errorf("%s: %s", who, got.Body)
		}
	}
	for _, path := range []string{"/members", "/invitations", "/audit"} {
		r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path(path)})
	}
}
