package apikey_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

const ulid = "01HZY3M7Q8R9S0T1V2W3X4Y5Z6"

func TestAnIDIsAPrefixAndAULIDAndNothingBesides(t *testing.T) {
	for _, good := range []string{"key_" + ulid, "key_7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "key_00000000000000000000000000"} {
		if id, err := apikey.ParseID(good); err != nil || string(id) != good {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "key_", ulid, "acc_" + ulid, "KEY_" + ulid, "key_" + ulid[:25], "key_" + ulid + "0", "key_8" + ulid[1:], "key_" + strings.ToLower(ulid),
		"key_" + ulid[:25] + "I", "key_" + ulid[:25] + "U", "key_" + ulid + "\n", " key_" + ulid, "key_" + ulid[:25] + "#", "key_" + ulid[:24] + "é",
	} {
		if _, err := apikey.ParseID(bad); !errors.Is(err, apikey.ErrID) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestChoicesAreTheListedOnes(t *testing.T) {
	for text, good := range map[string]bool{"frontend": true, "backend": true, "mobile": true, "": false, "Backend": false, "backend ": false} {
		if _, err := apikey.ParseClientKind(text); (err == nil) != good || err != nil && !errors.Is(err, apikey.ErrClientKind) {
			t.Errorf("usage %q: %v", text, err)
		}
	}
	fits := map[account.Type]string{account.Enterprise: "evaluation paying free", account.SelfServe: "freemium pay_as_you_grow", "": "", "other": ""}
	for accountType, list := range fits {
		for _, b := range []string{"paying", "evaluation", "free", "freemium", "pay_as_you_grow", "Paying", "none"} {
			got, err := apikey.ParseBilling(b, accountType)
			want := strings.Contains(" "+list+" ", " "+b+" ")
			if (err == nil) != want || want && string(got) != b || err != nil && !errors.Is(err, apikey.ErrBilling) {
				t.Errorf("%q for %q: %v", b, accountType, err)
			}
		}
		got, err := apikey.DefaultBilling(accountType)
		if first, _, _ := strings.Cut(list, " "); string(got) != first || (err == nil) != (list != "") {
			t.Errorf("the default of %q: %q, %v", accountType, got, err)
		}
	}
}

// TestTheMomentsAtWhichAStatusChanges has each time just before, and at it.
func TestTheMomentsAtWhichAStatusChanges(t *testing.T) {
	k := keytest.Key(keytest.AccountID(), func(k *apikey.Key) { k.ExpiresAt = keytest.Now })
	for at, want := range map[time.Duration]apikey.Status{-time.Millisecond: "active", 0: "expired", time.Millisecond: "expired"} {
		if got := k.Status(keytest.Now.Add(at)); got != want {
			t.Errorf("%v after the expiry it is %s", at, got)
		}
	}
	deleted := keytest.Key(keytest.AccountID()).Delete(keytest.Now)
	for at, want := range map[time.Duration]error{
		0: nil, 30*24*time.Hour - time.Millisecond: nil, 30 * 24 * time.Hour: apikey.ErrRestoreTooOld, 31 * 24 * time.Hour: apikey.ErrRestoreTooOld,
	} {
		if _, err := deleted.Restore(keytest.Now.Add(at)); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("restoring %v after the deletion: %v", at, err)
		}
	}
}

// TestEveryChangeInEveryStatus has all changes of a status, and whether a key is changed, stays the same or refuses.
func TestEveryChangeInEveryStatus(t *testing.T) {
	now := keytest.Now
	states := map[string]func(*apikey.Key){
		"active": func(*apikey.Key) {}, "disabled": func(k *apikey.Key) { k.Disabled = true }, "blocked": func(k *apikey.Key) { k.Blocked = &apikey.Block{} },
		"expired": func(k *apikey.Key) { k.ExpiresAt = now }, "revoked": func(k *apikey.Key) { k.RevokedAt = now }, "deleted": func(k *apikey.Key) { k.DeletedAt = now },
	}
	changes := map[string]func(apikey.Key) (apikey.Key, error){
		"disable": func(k apikey.Key) (apikey.Key, error) { return k.Disable(now) },
		"enable":  func(k apikey.Key) (apikey.Key, error) { return k.Enable(now) },
		"revoke":  func(k apikey.Key) (apikey.Key, error) { return k.Revoke(true, now) },
		"delete":  func(k apikey.Key) (apikey.Key, error) { return k.Delete(now), nil },
		"restore": func(k apikey.Key) (apikey.Key, error) { return k.Restore(now) },
		"block":   func(k apikey.Key) (apikey.Key, error) { return k.Block("abuse", "op", time.Time{}, now) },
		"unblock": func(k apikey.Key) (apikey.Key, error) { return k.Unblock(now) },
	}
	errs := map[string]error{
		"deleted": apikey.ErrDeleted, "revoked": apikey.ErrRevoked, "not_deleted": apikey.ErrNotDeleted, "not_blocked": apikey.ErrNotBlocked,
		"changed": nil, "same": nil,
	}
	const table = `
                active       disabled     blocked      expired      revoked      deleted
disable         changed      same         changed      changed      revoked      deleted
enable          same         changed      same         same         revoked      deleted
revoke          changed      changed      changed      changed      same         deleted
delete          changed      changed      changed      changed      changed      same
restore         not_deleted  not_deleted  not_deleted  not_deleted  not_deleted  changed
block           changed      changed      changed      changed      changed      changed
unblock         not_blocked  not_blocked  changed      not_blocked  not_blocked  not_blocked
`
	lines := strings.Split(strings.TrimSpace(table), "\n")
	columns := strings.Fields(lines[0])
	if len(lines)-1 != len(changes) || len(columns) != len(states) {
		t.Fatal("the table doesn't have all changes and states")
	}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		for i, want := range cells[1:] {
			k := keytest.Key(keytest.AccountID(), states[columns[i]])
			after, err := changes[cells[0]](k)
			if !errors.Is(err, errs[want]) || (err == nil) != (errs[want] == nil) {
				t.Errorf("%s while %s: %v, want %s", cells[0], columns[i], err, want)
			}
			grown := k.Version
			if want == "changed" {
				grown++
			}
			if after.Version != grown || (want == "changed") == after.Same(k) {
				t.Errorf("%s while %s: version %d of %d", cells[0], columns[i], after.Version, k.Version)
			}
		}
	}
}
