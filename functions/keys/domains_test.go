package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

func (r *harness) domains() string { return "/v1/accounts/" + string(r.account.ID) + "/domains" }

// listed is the entries of a list with their keys, and its version.
func (r *harness) listed(t testing.TB, query string) (entries []string, tag string) {
	t.Helper()
	answer := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.domains() + query})
	for _, d := range answer.JSON(t)["domains"].([]any) {
		d := d.(map[string]any)
		names := []string{}
		for _, k := range d["keys"].([]any) {
			names = append(names, k.(map[string]any)["name"].(string))
		}
		entries = append(entries, fmt.Sprintf("%s: %s (%v)", d["domain"], strings.Join(names, " "), d["key_count"]))
	}
	return entries, answer.Header.Get("ETag")
}

// changed lists the results of a change, one for each key.
func changed(t testing.TB, answer apitest.Answer) (results []string) {
	t.Helper()
	for _, one := range answer.JSON(t)["results"].([]any) {
		one := one.(map[string]any)
		text := fmt.Sprintf("%s %s %v", one["name"], one["result"], one["domains"])
		if one["code"] != nil {
			text += " " + one["code"].(string)
		}
		results = append(results, text)
	}
	return results
}

// withDomains makes a key of the name with these entries, with no look at today's rules.
func (r *harness) withDomains(t testing.TB, name string, domains ...string) apikey.Key {
	t.Helper()
	return r.NewKey(t, r.account, func(k *apikey.Key) { k.Name, k.Domains = name, apikey.Set(domains) })
}

func (r *harness) domainsOf(t testing.TB, k apikey.Key) string {
	t.Helper()
	now, err := r.Control.Key(t.Context(), k.Account, k.ID)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(now.Domains, " ")
}

func wantList(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant:\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestEveryEntryIsListedWithTheKeysThatHaveIt, those that can't be edited any more left out.
func TestEveryEntryIsListedWithTheKeysThatHaveIt(t *testing.T) {
	r := newHarness(t)
	r.withDomains(t, "shop", "a.example.com", "b.example.com")
	r.withDomains(t, "blog", "b.example.com")
	r.withDomains(t, "open")
	r.NewKey(t, r.account, func(k *apikey.Key) {
		k.Name, k.Domains, k.RevokedAt = "gone", []string{"a.example.com", "c.example.com"}, keytest.Now
	})
	all, tag := r.listed(t, "")
	wantList(t, "all", all, "a.example.com: shop (1)", "b.example.com: blog shop (2)")
	one, _ := r.listed(t, "?domain="+url.QueryEscape("B.Example.com"))
	wantList(t, "one, as it is typed", one, "b.example.com: blog shop (2)")
	if none, _ := r.listed(t, "?domain=d.example.com"); len(none) != 0 {
		t.Errorf("an entry of no key: %q", none)
	}
	first := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.domains() + "?page_size=1"}).JSON(t)
	rest, _ := r.listed(t, "?page_size=1&page_token="+first["next_page_token"].(string))
	wantList(t, "the second page", rest, "b.example.com: blog shop (2)")
	if _, again := r.listed(t, ""); again != tag {
		t.Errorf("the version went from %s to %s by reading", tag, again)
	}
}

// TestAListCountsTheKeysThatAnEntryWouldRestrict: those without any, and of an entry those that have no other.
func TestAListCountsTheKeysThatAnEntryWouldRestrict(t *testing.T) {
	r := newHarness(t)
	r.withDomains(t, "shop", "a.example.com", "b.example.com")
	r.withDomains(t, "blog", "b.example.com")
	r.withDomains(t, "open")
	r.withDomains(t, "open too")
	r.NewKey(t, r.account, func(k *apikey.Key) { k.Name, k.Domains, k.RevokedAt = "gone", nil, keytest.Now })
	for _, query := range []string{"?page_size=1", "?domain=b.example.com"} {
		doc := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.domains() + query}).JSON(t)
		first := doc["domains"].([]any)[0].(map[string]any)
		if doc["key_count"] != 4.0 || doc["open_key_count"] != 2.0 || first["only_entry_count"] != map[bool]float64{true: 1, false: 0}[first["domain"] == "b.example.com"] {
			t.Errorf("%s: %v", query, doc)
		}
	}
}

// TestAListNamesTwentyKeysOfAnEntry, and all of them of the one that is asked for.
func TestAListNamesTwentyKeysOfAnEntry(t *testing.T) {
	r := newHarness(t)
	r.NewKeys(t, r.withDomains(t, "one", "a.example.com"), 20)
	for query, want := range map[string]int{"": 20, "?domain=a.example.com": 21} {
		list, _ := r.listed(t, query)
		if len(list) != 1 || strings.Count(list[0], " ") != want+1 || !strings.HasSuffix(list[0], "(21)") {
			t.Errorf("%q: %q, want %d of 21 keys", query, list, want)
		}
	}
}

// TestAnEntryCountsTheCallsThatNamedItsHosts in the last seven days, of the keys that have it.
func TestAnEntryCountsTheCallsThatNamedItsHosts(t *testing.T) {
	r := newHarness(t)
	k, other := r.withDomains(t, "shop", "*.example.com", "www.example.com"), r.withDomains(t, "other", "www.example.net")
	today := r.Clock.Now()
	r.countFrom(t, 5, k, authz.Allowed, "www.example.com", today)
	r.countFrom(t, 3, k, authz.Allowed, "a.example.com", today.AddDate(0, 0, -6))
	r.countFrom(t, 2, k, authz.QPSExceeded, "a.example.com", today)
	r.countFrom(t, 100, k, authz.Allowed, "a.example.com", today.AddDate(0, 0, -7)) // a day too early
	r.countFrom(t, 100, k, authz.DomainNotAllowed, "example.com", today)            // which no entry covers
	r.countFrom(t, 100, other, authz.DomainNotAllowed, "www.example.com", today)    // a key without the entry
	want := map[string]string{"*.example.com": "8 2", "www.example.com": "5 0", "www.example.net": "0 0"}
	for _, d := range r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.domains()}).JSON(t)["domains"].([]any) {
		d := d.(map[string]any)
		if got := fmt.Sprintf("%v %v", d["allowed"], d["refused"]); got != want[d["domain"].(string)] {
			t.Errorf("%s: %s, want %s", d["domain"], got, want[d["domain"].(string)])
		}
	}
}

// countFrom puts n calls of a key, with the host that they named, into the counters, as the consumer does.
func (r *harness) countFrom(t testing.TB, n int, k apikey.Key, code authz.Code, host string, at time.Time) {
	t.Helper()
	store := counters.New(r.DB.(counters.Client), r.Tables.Counters)
	tally := usage.NewTally(fmt.Sprint(k.ID, host, code, at.UnixNano()))
	for range n {
		tally.Count(&usage.Call{At: at, Code: code, Host: host, Secret: k.Current.Hash, Subject: usage.Subject{Account: k.Account, Key: k.ID, Product: k.Products[0]}})
	}
	contributions, newest := usage.Coalesce(tally.Report(at), at)
	for _, batch := range usage.Batches(contributions, newest, counters.MaxItems) {
		stored, err := store.Read(t.Context(), batch.Items())
		if err == nil {
			err = store.Write(t.Context(), usage.Fold(stored, batch))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestAnEntryIsLinkedAndUnlinkedKeyByKey: what refuses one key stops no other, and the same request again changes nothing.
func TestAnEntryIsLinkedAndUnlinkedKeyByKey(t *testing.T) {
	r := newHarness(t)
	has, hasnt, full := r.withDomains(t, "has", "a.example.com"), r.withDomains(t, "hasnt"), r.withDomains(t, "full", hundred(t)...)
	nearly := r.withDomains(t, "nearly", hundred(t)[1:]...)
	revoked := r.NewKey(t, r.account, func(k *apikey.Key) { k.Name, k.RevokedAt = "revoked", keytest.Now })
	deleted := r.NewKey(t, r.account, func(k *apikey.Key) { k.Name, k.DeletedAt = "deleted", keytest.Now })
	long := r.withDomains(t, "long", longDomains()...) // by an older rule
	spoilt := r.withDomains(t, "spoilt", "a.example.com")
	for _, item := range r.Items(t, r.Tables.Control) {
		if sk, _ := dynamo.GetS(item, "sk"); sk == "KEY#"+string(spoilt.ID) {
			item["created_at"] = dynamo.S("spoilt")
			r.Put(t, r.Tables.Control, item)
		}
	}
	foreign := r.NewKey(t, r.NewAccount(t))
	ids := []string{
		string(has.ID), string(hasnt.ID), string(nearly.ID), string(full.ID), string(revoked.ID), string(foreign.ID), string(deleted.ID), string(spoilt.ID), string(long.ID), string(has.ID),
	}
	send := func(what string) []string {
		return changed(t, r.Want(t, 200, apitest.Call{As: "developer", Method: "POST", Path: r.domains() + "/" + what, Body: map[string]any{"domain": "A.example.com", "keys": ids}}))
	}
	refused := []string{fmt.Sprintf("full refused %d domain_limit_reached", apikey.MaxDomains), "revoked refused 0 key_revoked", " refused 0 not_found", "deleted refused 0 key_deleted", "spoilt refused 1 record_unreadable", "long refused 90 domain_limit_reached"}
	wantList(t, "linked", send("link"), append([]string{"has unchanged 1", "hasnt changed 1", "nearly changed 100"}, refused...)...)
	wantList(t, "linked again", send("link"), append([]string{"has unchanged 1", "hasnt unchanged 1", "nearly unchanged 100"}, refused...)...)
	refused[0], refused[5] = fmt.Sprintf("full unchanged %d", apikey.MaxDomains), "long unchanged 90"
	wantList(t, "unlinked", send("unlink"), append([]string{"has changed 0", "hasnt changed 0", "nearly changed 99"}, refused...)...)
	wantList(t, "unlinked again", send("unlink"), append([]string{"has unchanged 0", "hasnt unchanged 0", "nearly unchanged 99"}, refused...)...)
	for _, k := range []apikey.Key{has, hasnt} {
		edits := 0
		for _, row := range r.AllAudit(t, r.account.ID) {
			if row.KeyID == string(k.ID) && row.Action == "key.edit" {
				edits++
			}
		}
		if now, err := r.Control.Key(t.Context(), k.Account, k.ID); err != nil || int64(edits) != now.Version-k.Version {
			t.Errorf("%s: %d rows for %d changes, %v", k.Name, edits, now.Version-k.Version, err)
		}
		r.checkNow(t, k)
	}
	if got := r.domainsOf(t, foreign); got != strings.Join(foreign.Domains, " ") {
		t.Errorf("another account's key has %q", got)
	}
}

// checkNow compares the gate's record with the key as it is now.
func (r *harness) checkNow(t testing.TB, k apikey.Key) {
	t.Helper()
	now, err := r.Control.Key(t.Context(), k.Account, k.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.CheckGate(t, now)
}

// longDomains are entries that make a record at the gate longer than it may be.
func longDomains() (list []string) {
	for i := range 90 {
		list = append(list, fmt.Sprintf("%s.d%03d.example", strings.Repeat(strings.Repeat("a", 60)+".", 3)+"a", i))
	}
	return list
}

// hundred is as many entries as a key may have.
func hundred(t testing.TB) (list []string) {
	t.Helper()
	for i := range apikey.MaxDomains {
		list = append(list, fmt.Sprintf("n%03d.example.com", i))
	}
	return list
}

// TestAChangeOfDomainsShowsNamesAsOtherAnswersDo: what hides or turns text round in an old name is shown as U+FFFD.
func TestAChangeOfDomainsShowsNamesAsOtherAnswersDo(t *testing.T) {
	r := newHarness(t)
	k := r.withDomains(t, "\u202eevil", "a.example.com")
	answer := r.Want(t, 200, apitest.Call{As: "developer", Method: "POST", Path: r.domains() + "/unlink", Body: map[string]any{"domain": "a.example.com", "keys": []string{string(k.ID)}}})
	wantList(t, "unlinked", changed(t, answer), "\ufffdevil changed 0")
}

// TestReplacingLeavesWhatHasChangedSince, and does the rest; a key that has changed is as its owner left it.
func TestReplacingLeavesWhatHasChangedSince(t *testing.T) {
	r := newHarness(t)
	first, second := r.withDomains(t, "first", "old.example.com", "x.example.com"), r.withDomains(t, "second", "old.example.com", "new.example.com")
	third := r.withDomains(t, "third", "x.example.com")
	replace := func(status int, tag string) apitest.Answer {
		call := apitest.Call{As: "developer", Method: "POST", Path: r.domains() + "/replace", Body: map[string]any{"domain": "old.example.com", "with": "new.example.com"}}
		if tag != "" {
			call.Headers = map[string]string{"If-Match": tag}
		}
		return r.Want(t, status, call)
	}
	replace(428, "")
	_, tag := r.listed(t, "")
	r.Clock.Advance(time.Second)
	r.Want(t, 200, apitest.Call{As: "developer", Method: "PATCH", Path: r.keys() + "/" + string(second.ID), Headers: map[string]string{"If-Match": "*"}, Body: map[string]any{"header_only": true}})
	wantList(t, "replaced", changed(t, replace(200, tag)), "first changed 2", "second refused 2 version_stale")
	replace(412, tag) // nothing is left that the caller has seen
	_, tag = r.listed(t, "")
	wantList(t, "seen again", changed(t, replace(200, tag)), "second changed 1")
	for k, want := range map[*apikey.Key]string{&first: "new.example.com x.example.com", &second: "new.example.com", &third: "x.example.com"} {
		if got := r.domainsOf(t, *k); got != want {
			t.Errorf("%s has %q, want %q", k.Name, got, want)
		}
	}
}

// TestAReplacementThatIsCutOffAnywhereAndSentAgainIsAsOne, with the version of the first time.
func TestAReplacementThatIsCutOffAnywhereAndSentAgainIsAsOne(t *testing.T) {
	for at := 1; ; at++ {
		r := newHarness(t)
		keys := []apikey.Key{r.withDomains(t, "a", "old.example.com"), r.withDomains(t, "b", "old.example.com", "x.example.com"), r.withDomains(t, "c", "old.example.com")}
		_, tag := r.listed(t, "")
		r.Clock.Advance(time.Second)
		call := apitest.Call{
			As: "developer", Method: "POST", Path: r.domains() + "/replace", Headers: map[string]string{"If-Match": tag},
			Body: map[string]any{"domain": "old.example.com", "with": "new.example.com"},
		}
		r.Faults.Choose(func(_ string, n int) keytest.Fault { // what the call does at its end arrives half of the times
			switch {
			case n == at && at%2 == 0:
				return keytest.After
			case n >= at:
				return keytest.Before
			}
			return keytest.NoFault
		})
		cut := r.Do(t, call)
		r.Faults.Choose(func(string, int) keytest.Fault { return keytest.NoFault })
		if cut.Status == 200 {
			if at < 8 {
				t.Fatalf("nothing was cut off at call %d", at)
			}
			return
		}
		r.Want(t, 200, call)
		for i, want := range []string{"new.example.com", "new.example.com x.example.com", "new.example.com"} {
			if got := r.domainsOf(t, keys[i]); got != want {
				t.Errorf("cut off at call %d, key %s has %q", at, keys[i].Name, got)
			}
			r.checkNow(t, keys[i])
		}
	}
}
