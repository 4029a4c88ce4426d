package control_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/origin"
	"latchkey/shared/product"
	"latchkey/shared/rotation"
)

// steps change a key as the functions do. Each secret is known by its number: 1 is the one that the key was made with.
var steps = map[string]func(k apikey.Key, now time.Time) (apikey.Key, error){
	"rotate": func(k apikey.Key, now time.Time) (apikey.Key, error) {
		grace, _ := rotation.ParseGrace(nil, rotation.Other)
		return rotation.Rotate(k, numbered(k, 2+len(k.Retired)), grace, rotation.Other, now)
	},
	"leak": func(k apikey.Key, now time.Time) (apikey.Key, error) {
		return rotation.Rotate(k, numbered(k, 2+len(k.Retired)), rotation.Grace{}, rotation.Leaked, now)
	},
	"cancel": rotation.Cancel,
	"end":    rotation.End,
	"sweep": func(k apikey.Key, now time.Time) (apikey.Key, error) {
		after, _ := rotation.Sweep(k, now)
		return after, nil
	},
	"disable": apikey.Key.Disable,
	"enable":  apikey.Key.Enable,
	"block":   func(k apikey.Key, now time.Time) (apikey.Key, error) { return k.Block("abuse", "op", time.Time{}, now) },
	"unblock": apikey.Key.Unblock,
	"revoke":  func(k apikey.Key, now time.Time) (apikey.Key, error) { return k.Revoke(true, now) },
	"delete":  func(k apikey.Key, now time.Time) (apikey.Key, error) { return k.Delete(now), nil },
	"restore": apikey.Key.Restore,
	"expire": func(k apikey.Key, now time.Time) (apikey.Key, error) {
		k = k.Touched(now)
		k.ExpiresAt = now.Add(time.Hour)
		return k, nil
	},
}

func numbered(k apikey.Key, n int) apikey.StoredSecret {
	return keytest.StoredSecret(fmt.Sprint(string(k.ID), "/", n))
}

// gateTable has what the gate answers to each secret of a key after some steps, at once and some time later. What is
// not named is a secret that the key never had.
const gateTable = `
after                     at once                              in 14m59s                            in 15m                               in 24h
-                         1=allowed                            1=allowed                            1=allowed                            1=allowed
rotate                    1=allowed 2=allowed                  1=allowed 2=allowed                  1=allowed 2=allowed                  1=secret_expired 2=allowed
rotate,sweep              1=allowed 2=allowed                  1=allowed 2=allowed                  1=allowed 2=allowed                  1=secret_expired 2=allowed
leak                      1=secret_expired 2=allowed           1=secret_expired 2=allowed           1=secret_expired 2=allowed           1=secret_expired 2=allowed
rotate,end                1=secret_expired 2=allowed           1=secret_expired 2=allowed           1=secret_expired 2=allowed           1=secret_expired 2=allowed
rotate,cancel             1=allowed 2=allowed                  1=allowed 2=allowed                  1=allowed 2=secret_expired           1=allowed 2=secret_expired
rotate,cancel,end         1=allowed 2=secret_expired           1=allowed 2=secret_expired           1=allowed 2=secret_expired           1=allowed 2=secret_expired
rotate,end,rotate         1=secret_expired 2=allowed 3=allowed 1=secret_expired 2=allowed 3=allowed 1=secret_expired 2=allowed 3=allowed 1=secret_expired 2=secret_expired 3=allowed
disable                   1=key_disabled                       1=key_disabled                       1=key_disabled                       1=key_disabled
rotate,disable            1=key_disabled 2=key_disabled        1=key_disabled 2=key_disabled        1=key_disabled 2=key_disabled        1=key_disabled 2=key_disabled
rotate,disable,enable     1=allowed 2=allowed                  1=allowed 2=allowed                  1=allowed 2=allowed                  1=secret_expired 2=allowed
rotate,block              1=key_blocked 2=key_blocked          1=key_blocked 2=key_blocked          1=key_blocked 2=key_blocked          1=key_blocked 2=key_blocked
rotate,block,unblock      1=allowed 2=allowed                  1=allowed 2=allowed                  1=allowed 2=allowed                  1=secret_expired 2=allowed
rotate,revoke             1=key_revoked 2=key_revoked          1=key_revoked 2=key_revoked          1=key_revoked 2=key_revoked          1=key_revoked 2=key_revoked
rotate,end,revoke         1=key_revoked 2=key_revoked          1=key_revoked 2=key_revoked          1=key_revoked 2=key_revoked          1=key_revoked 2=key_revoked
rotate,delete             1=key_deleted 2=key_deleted          1=key_deleted 2=key_deleted          1=key_deleted 2=key_deleted          1=key_deleted 2=key_deleted
rotate,delete,restore     1=allowed 2=allowed                  1=allowed 2=allowed                  1=allowed 2=allowed                  1=secret_expired 2=allowed
revoke,delete             1=key_deleted                        1=key_deleted                        1=key_deleted                        1=key_deleted
revoke,delete,restore     1=key_revoked                        1=key_revoked                        1=key_revoked                        1=key_revoked
disable,block,revoke      1=key_revoked                        1=key_revoked                        1=key_revoked                        1=key_revoked
expire                    1=allowed                            1=allowed                            1=allowed                            1=key_expired
rotate,cancel,expire      1=allowed 2=allowed                  1=allowed 2=allowed                  1=allowed 2=secret_expired           1=key_expired 2=key_expired
`

// TestTheGateAnswersForEachSecretOfAKeyInEachState goes through the store's writes and the gate's reads.
func TestTheGateAnswersForEachSecretOfAKeyInEachState(t *testing.T) {
	later := []time.Duration{0, 15*time.Minute - time.Second, 15 * time.Minute, 24 * time.Hour}
	for _, line := range strings.Split(strings.TrimSpace(gateTable), "\n")[1:] {
		s := keytest.MemoryStores(t)
		cells := strings.Fields(line)
		k := keytest.Key(s.NewAccount(t).ID)
		k.Current = numbered(k, 1)
		k, err := s.Control.Commit(t.Context(), control.Change{After: k, Audit: keytest.Row(k.Account, "key.create", k.ID)})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range strings.Split(cells[0], ",") {
			step, ok := steps[name]
			if !ok {
				continue
			}
			after, err := step(k, keytest.Now)
			if err == nil {
				k, err = s.Control.Commit(t.Context(), control.Change{Before: &k, After: after, Audit: keytest.Row(k.Account, "key."+name, k.ID)})
			}
			if err != nil {
				t.Fatalf("%s: %s: %v", cells[0], name, err)
			}
		}
		at := -1
		for _, cell := range cells[1:] {
			number, code, _ := strings.Cut(cell, "=")
			if number == "1" {
				at++
			}
			hash := keytest.StoredSecret(string(k.ID) + "/" + number).Hash
			if got := ask(t, s, hash, keytest.Now.Add(later[at])); string(got) != code {
				t.Errorf("after %s, %v later: secret %s is %s, want %s", cells[0], later[at], number, got, code)
			}
		}
		if got := ask(t, s, numbered(k, 9).Hash, keytest.Now); got != authz.KeyUnknown {
			t.Errorf("a secret that the key never had is %s", got)
		}
	}
}

// ask decides about a call of the key's product with a secret, by what the gate holds.
func ask(t *testing.T, s keytest.Stores, hash apikey.Hash, at time.Time) authz.Code {
	t.Helper()
	policy, found, err := s.Gate.Policy(context.Background(), hash)
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		return authz.KeyUnknown
	}
	request := authz.Request{Target: authz.TargetOf("/search/2/test", product.Default()), Presence: origin.Missing, Place: authz.InHeader}
	return authz.Decide(at, request, policy).Code
}
