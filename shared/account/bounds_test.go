package account_test

import (
	"errors"
	"strings"
	"testing"

	"latchkey/shared/account"
)

const ulid = "01HZY3M7Q8R9S0T1V2W3X4Y5Z6"

func TestAnIDIsAPrefixAndAULIDAndNothingBesides(t *testing.T) {
	for _, good := range []string{"acc_" + ulid, "acc_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"} {
		if id, err := account.ParseID(good); err != nil || string(id) != good {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "acc_", ulid, "key_" + ulid, "ACC_" + ulid, "acc_" + ulid[:25], "acc_" + ulid + "0", "acc_8" + ulid[1:], "acc_" + strings.ToLower(ulid),
		"acc_" + ulid[:25] + "L", "acc_" + ulid[:25] + "O", "acc_" + ulid + "\n", " acc_" + ulid, "acc_" + ulid[:25] + "#", "acc_" + ulid[:24] + "é",
	} {
		if _, err := account.ParseID(bad); !errors.Is(err, account.ErrID) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestTypesAreTwo(t *testing.T) {
	for text, good := range map[string]bool{"enterprise": true, "self_serve": true, "": false, "Enterprise": false, "self-serve": false, "enterprise ": false} {
		if got, err := account.ParseType(text); (err == nil) != good || good && string(got) != text || err != nil && (!errors.Is(err, account.ErrType) || got != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
