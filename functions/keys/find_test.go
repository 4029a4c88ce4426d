package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// find searches the harness's account, and returns "role id" of what it finds.
func (r *harness) find(t testing.TB, as string, body any) (found []string) {
	t.Helper()
	for _, m := range r.Want(t, 200, apitest.Call{As: as, Method: "POST", Path: r.keys() + "/find", Body: body}).JSON(t)["matches"].([]any) {
		m := m.(map[string]any)
		found = append(found, m["matched"].(string)+" "+m["key"].(map[string]any)["id"].(string))
	}
	return found
}

func sha(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// TestAKeyIsFoundByWhatItIsKnownBy: by its secret as it was copied, by the hash in either case and by its previews, in whatever
// state the key is, and the answer says which of its secrets it was.
func TestAKeyIsFoundByWhatItIsKnownBy(t *testing.T) {
	r := newHarness(t)
	made, other := r.create(t, nil), r.create(t, nil)
	secret, id := made["secret"].(string), made["id"].(string)
	stored := r.stored(t, made)
	old := keytest.StoredSecret("old")
	for _, state := range []struct {
		name, role string // of the other secret
		change     func(*apikey.Key)
	}{
		{"rotating", "outgoing", func(k *apikey.Key) {
			k.Outgoing = &apikey.Outgoing{StoredSecret: old, EndsAt: keytest.Now.AddDate(0, 0, 1)}
		}},
		{"ended", "retired", func(k *apikey.Key) {
			k.Outgoing, k.Retired = nil, []apikey.Retired{{Hash: old.Hash, EndedAt: keytest.Now}}
		}},
		{"revoked", "retired", func(k *apikey.Key) { k.RevokedAt = keytest.Now }},
		{"deleted", "retired", func(k *apikey.Key) { k.DeletedAt = keytest.Now }},
	} {
		name, role := state.name, state.role
		k, err := r.Edit(t.Context(), stored, "key.edit", state.change)
		if err != nil {
			t.Fatal(err)
		}
		bodies := map[string]object{
			"the secret": {"secret": secret}, "as it was copied": {"secret": " \"" + secret + "\"\r\n"}, "the hash": {"secret_sha256": sha(secret)},
			"the hash in capitals": {"secret_sha256": strings.ToUpper(sha(secret))}, "the preview": {"preview": k.Current.Preview},
			"the preview as it was typed": {"preview": strings.ReplaceAll(k.Current.Preview, "…", "...")},
		}
		for what, body := range bodies {
			for _, as := range []string{"viewer", "developer", "owner"} {
				if got := r.find(t, as, body); fmt.Sprint(got) != "[current "+id+"]" {
					t.Errorf("%s, %s as %s: %v", name, what, as, got)
				}
			}
		}
		if got := r.find(t, "viewer", object{"secret_sha256": hex.EncodeToString(old.Hash[:])}); fmt.Sprint(got) != "["+role+" "+id+"]" {
			t.Errorf("%s: the other secret finds %v", name, got)
		}
		if got := r.find(t, "viewer", object{"preview": old.Preview}); (fmt.Sprint(got) == "[outgoing "+id+"]") != (role == "outgoing") {
			t.Errorf("%s: the other secret's preview finds %v", name, got)
		}
		stored = k
	}
	for what, body := range map[string]object{
		"a secret of nobody": {"secret": "ak_nobody"}, "another case": {"secret": strings.ToUpper(secret)}, "a part": {"secret": secret[:20]},
		"another hash": {"secret_sha256": sha("x")}, "no hash at all": {"secret_sha256": strings.Repeat("0", 64)}, "a part of a preview": {"preview": "ak_"},
		"an ID": {"preview": other["id"]},
	} {
		if got := r.find(t, "owner", body); len(got) > 0 {
			t.Errorf("%s finds %v", what, got)
		}
	}
}

// TestASearchTellsNothingOfAnothersKey: neither by what it answers, nor by what it asks of the store, nor by what it leaves.
func TestASearchTellsNothingOfAnothersKey(t *testing.T) {
	r := newHarness(t)
	r.create(t, nil)
	theirs := r.NewAccount(t, func(a *account.Account) { a.Name = "Neighbour" })
	k := r.NewKey(t, theirs, func(k *apikey.Key) {
		k.Outgoing = &apikey.Outgoing{StoredSecret: keytest.StoredSecret("theirs"), EndsAt: keytest.Now.AddDate(0, 0, 1)}
		k.Retired = []apikey.Retired{{Hash: keytest.StoredSecret("before").Hash, EndedAt: keytest.Now}}
	})
	ask := func(body object) string {
		t.Helper()
		before, calls := r.Dump(t), r.Calls.Calls()
		answer := r.Want(t, 200, apitest.Call{As: "owner", Method: "POST", Path: r.keys() + "/find", Body: body})
		calls = r.Calls.Calls() - calls
		if written := keytest.Written(before, r.Dump(t)); len(written) > 0 {
			t.Errorf("it wrote %v", written)
		}
		header := answer.Header.Clone()
		header.Del("X-Request-Id")
		return fmt.Sprint(calls, " calls of the store, ", header, string(answer.Body))
	}
	nobody, noPreview := ask(object{"secret_sha256": sha("nobody")}), ask(object{"preview": "ak_0000…0000"})
	for what, hash := range map[string]apikey.Hash{"current": k.Current.Hash, "outgoing": k.Outgoing.Hash, "retired": k.Retired[0].Hash} {
		if got := ask(object{"secret_sha256": hex.EncodeToString(hash[:])}); got != nobody {
			t.Errorf("their %s secret:\n%s\none of nobody:\n%s", what, got, nobody)
		}
	}
	for _, preview := range []string{k.Current.Preview, k.Outgoing.Preview} {
		if got := ask(object{"preview": preview}); got != noPreview {
			t.Errorf("their preview %s:\n%s\none of nobody:\n%s", preview, got, noPreview)
		}
	}
}

func TestASearchIsByExactlyOneThing(t *testing.T) {
	r := newHarness(t)
	secret := r.create(t, nil)["secret"].(string)
	long := strings.Repeat("x", 201)
	for what, c := range map[string]struct {
		body any
		want string
	}{
		"nothing":          {object{}, "422 invalid [/preview /secret /secret_sha256]"},
		"two":              {object{"secret": secret, "preview": "x"}, "422 invalid [/preview /secret]"},
		"all":              {object{"secret": secret, "secret_sha256": sha(secret), "preview": "x"}, "422 invalid [/preview /secret /secret_sha256]"},
		"no text":          {object{"secret": " "}, "422 invalid [/secret]"},
		"a long one":       {object{"secret": long}, "422 invalid [/secret]"},
		"a long preview":   {object{"preview": long}, "422 invalid [/preview]"},
		"null":             {object{"secret": nil}, "422 invalid [/secret]"},
		"a short hash":     {object{"secret_sha256": sha(secret)[2:]}, "422 invalid [/secret_sha256]"},
		"a long hash":      {object{"secret_sha256": sha(secret) + "00"}, "422 invalid [/secret_sha256]"},
		"a secret as hash": {object{"secret_sha256": secret}, "422 invalid [/secret_sha256]"},
		"a list":           {object{"secret": []string{secret}}, "422 invalid [/secret]"},
		"another name":     {object{"key": secret}, "422 invalid [/key]"},
		"in the query too": {secret, "400 body_not_json []"},
	} {
		got := r.Do(t, apitest.Call{As: "viewer", Method: "POST", Path: r.keys() + "/find", Body: c.body})
		if got.Problem() != c.want || strings.Contains(string(got.Body), secret) {
			t.Errorf("%s: %s, want %s: %s", what, got.Problem(), c.want, got.Body)
		}
	}
	if strings.Contains(r.Logs.String(), secret) {
		t.Error("the log has the secret")
	}
}

// TestAsManyKeysAsOnePreviewMayHave: the answer is bounded, and the oldest come first.
func TestAsManyKeysAsOnePreviewMayHave(t *testing.T) {
	r := newHarness(t)
	var all []string
	for range mostMatches + 2 {
		all = append(all, "current "+string(r.NewKey(t, r.account, func(k *apikey.Key) { k.Current.Preview = "ak_same…same" }).ID))
	}
	slices.Sort(all)
	if got := r.find(t, "viewer", object{"preview": "ak_same…same"}); !slices.Equal(got, all[:mostMatches]) {
		t.Errorf("%d keys: %v", len(got), got)
	}
}

// TestAKeyIsFoundHoweverManyOthersComeBefore: a search reads on where one page of keys has no match.
func TestAKeyIsFoundHoweverManyOthersComeBefore(t *testing.T) {
	r := newHarness(t)
	before, err := r.Control.Account(t.Context(), r.account.ID)
	if err != nil {
		t.Fatal(err)
	}
	after := before
	after.KeyLimit = control.MostLooked + 2
	if _, err := r.Control.UpdateAccount(t.Context(), before, after, keytest.Row(r.account.ID, "account.edit", "")); err != nil {
		t.Fatal(err)
	}
	for range control.MostLooked + 1 {
		r.NewKey(t, r.account)
	}
	last := r.NewKey(t, r.account, func(k *apikey.Key) { k.Current.Preview = "ak_last…last" })
	if got := r.find(t, "viewer", object{"preview": "ak_last…last"}); !slices.Equal(got, []string{"current " + string(last.ID)}) {
		t.Errorf("found %v", got)
	}
}

// TestTheListIsSearchedByThePreviewsOfTheSecretsThatWork: while a rotation runs by both, and by the old one no more when it is over.
func TestTheListIsSearchedByThePreviewsOfTheSecretsThatWork(t *testing.T) {
	r := newHarness(t)
	old := keytest.StoredSecret("before")
	old.Preview = "ak_0ld0…9q9q"
	k := r.NewKey(t, r.account, func(k *apikey.Key) {
		k.Outgoing = &apikey.Outgoing{StoredSecret: old, EndsAt: keytest.Now.AddDate(0, 0, 1)}
	})
	finds := func(preview string) bool {
		t.Helper()
		begin, end, _ := strings.Cut(preview, "…")
		for _, q := range []string{preview, begin, end} {
			list := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + "?q=" + url.QueryEscape(q)}).JSON(t)["keys"].([]any)
			if len(list) != 1 || list[0].(map[string]any)["id"] != string(k.ID) {
				return false
			}
		}
		return true
	}
	if !finds(k.Current.Preview) || !finds(old.Preview) {
		t.Error("a secret that works doesn't find its key")
	}
	if _, err := r.Edit(t.Context(), k, "key.rotation_end", func(k *apikey.Key) {
		k.Outgoing, k.Retired = nil, []apikey.Retired{{Hash: old.Hash, EndedAt: keytest.Now}}
	}); err != nil {
		t.Fatal(err)
	}
	if !finds(k.Current.Preview) || finds(old.Preview) {
		t.Error("after the rotation")
	}
}
