package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

// TestAReplacementOverFiveHundredKeysThatIsCutOffHalfWayIsAsOne: the 300 entries of the account are those of a replacement that
// nothing cut off, on each key, in the list and at the gate.
func TestAReplacementOverFiveHundredKeysThatIsCutOffHalfWayIsAsOne(t *testing.T) {
	const entries = 300
	r := newHarness(t)
	if err := r.changeAccount(t, func(a *account.Account) { a.KeyLimit = mostKeysChanged }); err != nil {
		t.Fatal(err)
	}
	keys := make([]apikey.Key, mostKeysChanged)
	for i := range keys {
		keys[i] = r.withDomains(t, fmt.Sprintf("key %03d", i), fmt.Sprintf("e%03d.example.com", i%(entries-1)), "old.example.com")
	}
	answer := r.Want(t, 200, apitest.Call{As: "developer", Method: "GET", Path: r.domains()})
	r.Clock.Advance(time.Second)
	call := apitest.Call{
		As: "developer", Method: "POST", Path: r.domains() + "/replace", Headers: map[string]string{"If-Match": answer.Header.Get("ETag")},
		Body: map[string]any{"domain": "old.example.com", "with": "new.example.com"},
	}
	done := func() (n int) {
		for _, k := range keys {
			if strings.Contains(r.domainsOf(t, k), "new.example.com") {
				n++
			}
		}
		return n
	}
	written := 0
	r.Faults.Choose(func(operation string, _ int) keytest.Fault {
		if operation == "TransactWriteItems" {
			written++
		}
		if written > mostKeysChanged/2 {
			return keytest.Before
		}
		return keytest.NoFault
	})
	if cut := r.Do(t, call); cut.Status < 500 {
		t.Fatalf("the first replacement was answered %d: %s", cut.Status, cut.Body)
	}
	r.Faults.Choose(func(string, int) keytest.Fault { return keytest.NoFault })
	if n := done(); n < mostKeysChanged/4 || n > mostKeysChanged/2 {
		t.Fatalf("half way is after %d keys", n)
	}
	r.Want(t, 200, call)
	if n := done(); n != mostKeysChanged {
		t.Errorf("%d of %d keys have the new entry", n, mostKeysChanged)
	}
	for i, k := range keys {
		if got, want := r.domainsOf(t, k), fmt.Sprintf("e%03d.example.com new.example.com", i%(entries-1)); got != want {
			t.Errorf("%s has %q, want %q", k.Name, got, want)
		}
		r.checkNow(t, k)
	}
	if more, _ := r.listed(t, "?domain=new.example.com"); len(more) != 1 || !strings.HasSuffix(more[0], "(500)") {
		t.Errorf("the new entry: %v", more)
	}
	if gone, _ := r.listed(t, "?domain=old.example.com"); len(gone) != 0 {
		t.Errorf("the old entry: %v", gone)
	}
}
