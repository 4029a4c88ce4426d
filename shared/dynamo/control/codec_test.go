package control_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/consent"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
)

// fill sets every field that a value has to something drawn: what a record forgets, the round trip shows.
func fill(t *rapid.T, v reflect.Value, path string) {
	switch at := v.Addr().Interface().(type) {
	case *time.Time:
		*at = time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, path)).UTC()
		return
	case *apikey.Hash:
		copy(at[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, path))
		return
	case *consent.Path:
		at.Since = consent.Version(rapid.StringMatching(`[1-9][0-9]{0,3}-[0-9a-f]{10}`).Draw(t, path+" since"))
		at.Prefix = rapid.StringMatching(`(/[a-z0-9._-]{1,9}){1,3}/`).Draw(t, path)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, path+" set") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem(), path)
		}
	case reflect.Slice:
		if n := rapid.IntRange(0, 3).Draw(t, path+" length"); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(t, v.Index(i), path)
			}
		}
	case reflect.String:
		v.SetString(rapid.StringN(1, 8, 40).Draw(t, path))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, path))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64Range(1, 1e9).Draw(t, path))
	case reflect.Uint8:
		v.SetUint(rapid.Uint64Range(0, 255).Draw(t, path))
	default:
		t.Fatalf("teach this test, and the codec, the type of %s", path)
	}
}

func TestKeySurvivesItsRecord(t *testing.T) {
	memory, tables := keytest.NewMemory()
	s := keytest.NewStores(memory, tables)
	a := s.NewAccount(t, func(a *account.Account) { a.KeyLimit = 1 << 30 })
	rapid.Check(t, func(r *rapid.T) {
		var k apikey.Key
		fill(r, reflect.ValueOf(&k).Elem(), "key")
		k.ID, k.Account, k.AccountType, k.Version = keytest.KeyID(), a.ID, a.Type, 1
		k.PlaceFreed = !k.RevokedAt.IsZero() // as the store derives it
		// A secret belongs to one key and occurs once in it, which drawn hashes don't respect.
		k.Current.Hash = keytest.StoredSecret(string(k.ID)).Hash
		if k.Outgoing != nil {
			k.Outgoing.Hash = keytest.StoredSecret(string(k.ID) + "/0").Hash
		}
		for i := range k.Retired {
			k.Retired[i].Hash = keytest.StoredSecret(fmt.Sprintf("%s/r%d", k.ID, i)).Hash
		}
		if _, err := s.Control.Commit(t.Context(), control.Change{After: k, Audit: keytest.Row(a.ID, "key.create", k.ID)}); err != nil {
			r.Fatal(err)
		}
		got, err := s.Control.Key(t.Context(), a.ID, k.ID)
		if err != nil || !reflect.DeepEqual(got, k) {
			r.Fatalf("got %+v, %v\nwant %+v", got, err, k)
		}
	})
}

func TestDamagedKeyIsUnreadable(t *testing.T) {
	for name, item := range map[string]dynamo.Item{
		"nothing":        {},
		"another kind":   {"kind": dynamo.S("account"), "v": dynamo.N(1)},
		"a later format": {"kind": dynamo.S("key"), "v": dynamo.N(2)},
		"no version":     {"kind": dynamo.S("key"), "v": dynamo.N(1), "id": dynamo.S("key_1"), "account": dynamo.S("acc_1")},
		"a text for a number": {
			"kind": dynamo.S("key"), "v": dynamo.N(1), "version": dynamo.S("x"),
		},
		"a list for a map": {
			"kind": dynamo.S("key"), "v": dynamo.N(1), "version": dynamo.N(1), "current_secret": &types.AttributeValueMemberL{},
		},
	} {
		if _, err := control.DecodeKey(item); !errors.Is(err, dynamo.ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnUnreadableKeyStopsNoJob(t *testing.T) {
	s := keytest.MemoryStores(t)
	a := s.NewAccount(t)
	ending := func(k *apikey.Key) {
		k.Outgoing = &apikey.Outgoing{StoredSecret: keytest.StoredSecret(string(k.ID) + "/0"), EndsAt: keytest.Now}
	}
	bad, good := s.NewKey(t, a, ending), s.NewKey(t, a, ending)
	err := keytest.PutRaw(t.Context(), s.DB, s.Tables.Control, dynamo.Item{
		"pk": dynamo.S("A#" + string(a.ID)), "sk": dynamo.S("KEY#" + string(bad.ID)), "kind": dynamo.S("key"), "v": dynamo.N(99),
		"gpk": dynamo.S("DUE"), "gsk": dynamo.S(moment.Format(keytest.Now) + "#" + string(bad.ID)),
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.Control.Due(t.Context(), keytest.Now, "", 10)
	if err != nil || len(page.Keys) != 1 || page.Keys[0].ID != good.ID || len(page.Bad) != 1 || page.Bad[0].Item != string(bad.ID) || page.Bad[0].Account != a.ID {
		t.Fatalf("%+v, %v", page, err)
	}
	drifts := s.Drifts(t, false)
	if len(drifts) != 1 || drifts[0].Kind != control.DriftBadKey || drifts[0].Key != bad.ID {
		t.Fatalf("%+v", drifts)
	}
}
