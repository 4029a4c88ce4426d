package main

import (
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// TestWhatSomebodyLeavesIsLookedForInSoManyKeys: in all of a long account, and where that is longer than one answer looks at, the
// answer says that there may be more.
func TestWhatSomebodyLeavesIsLookedForInSoManyKeys(t *testing.T) {
	keytest.OneAtATime(t)
	const looksAt = legacyPages * control.MostLooked
	for others, found := range map[int]bool{3 * control.MostLooked: true, looksAt: false} {
		r := harnessOn(t, keytest.LongStores(t))
		r.Member(t, r.account.ID, "mallory", account.Developer)
		r.NewKeys(t, r.NewKey(t, r.account), others-1)
		theirs := r.NewKey(t, r.account, func(k *apikey.Key) { k.CreatedBy = keytest.Subject("mallory") })
		before := r.Calls.Read()
		doc := r.remove(t, "owner", "mallory").JSON(t)
		if read := r.Calls.Read() - before; read > looksAt+legacyPages+20 {
			t.Errorf("behind %d keys: %d records are read", others, read)
		}
		keys := doc["keys"].([]any)
		if len(keys) == 1 != found || doc["more"] == found || found && keys[0].(map[string]any)["id"] != string(theirs.ID) {
			t.Errorf("behind %d keys: %v, more %v", others, keys, doc["more"])
		}
	}
}

// TestWhatSomebodyLeavesIsListedUpToABound, however it lies among the account's keys, and the answer says that there is more.
func TestWhatSomebodyLeavesIsListedUpToABound(t *testing.T) {
	r := harnessOn(t, keytest.LongStores(t))
	r.Member(t, r.account.ID, "mallory", account.Developer)
	theirs := r.NewKey(t, r.account, func(k *apikey.Key) { k.CreatedBy = keytest.Subject("mallory") })
	r.NewKeys(t, theirs, maxLegacy-2)
	r.NewKeys(t, r.NewKey(t, r.account), control.MostLooked)
	r.NewKeys(t, theirs, maxLegacy-1)
	doc := r.remove(t, "owner", "mallory").JSON(t)
	if n := len(doc["keys"].([]any)); n != maxLegacy || doc["more"] != true {
		t.Errorf("%d keys, more %v", n, doc["more"])
	}
}
