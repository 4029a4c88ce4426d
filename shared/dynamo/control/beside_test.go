package control_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
	"latchkey/shared/qps"
	"latchkey/shared/text"
)

// TestAKeyEndsWhateverIsWrongBesideIt: no damage to any attribute of any record but the key's own keeps its secret alive, or, the
// account's own but for, the account open. Each end is tried with each attribute of another type, of another value, and gone.
func TestAKeyEndsWhateverIsWrongBesideIt(t *testing.T) {
	s := keytest.MemoryStores(t)
	a := keytest.Account(func(a *account.Account) { a.Type = account.Enterprise })
	a, err := s.Control.OpenAccount(t.Context(), a, keytest.Member(a.ID, "owner", account.Owner), 5, nil, keytest.Row(a.ID, "account.create", ""))
	if err != nil {
		t.Fatal(err)
	}
	k := s.NewKey(t, a, func(k *apikey.Key) { k.BillingType = apikey.Paying })
	why, err := text.Secrets{}.ParseBlock("launch", 1, qps.MaxJustification)
	if err != nil {
		t.Fatal(err)
	}
	r, err := qps.Submit(qps.Request{ID: "qps_1", Account: a.ID, KeyID: k.ID, Product: "search", Class: "search", Current: 5, Requested: 50}, why, 5, 100, keytest.Now)
	if err == nil {
		err = s.Control.SubmitRequest(t.Context(), r, nil, keytest.Row(a.ID, "qps.submit", k.ID))
	}
	if err != nil {
		t.Fatal(err)
	}
	whole := map[string][]dynamo.Item{}
	for _, table := range []string{s.Tables.Control, s.Tables.Gate} {
		whole[table] = keytest.Stored(t, s.DB, table)
	}
	ends := map[string]func() error{
		"revoke": func() error {
			_, err := s.Edit(t.Context(), k, "key.revoke", func(k *apikey.Key) { k.RevokedAt = keytest.Now })
			return err
		},
		"delete": func() error {
			_, err := s.Edit(t.Context(), k, "key.delete", func(k *apikey.Key) { k.DeletedAt = keytest.Now })
			return err
		},
		"block": func() error {
			_, err := s.Edit(t.Context(), k, "key.block", func(k *apikey.Key) { k.Blocked = &apikey.Block{Reason: "abuse", At: keytest.Now, By: "operator"} })
			return err
		},
		"close": func() error {
			_, err := s.CloseAccount(t.Context(), a.ID)
			return err
		},
	}
	tried := 0
	for table, items := range whole {
		for _, item := range items {
			sk, _ := dynamo.GetS(item, "sk")
			own := map[string]string{"KEY#" + string(k.ID): "", "ACCOUNT": "close"}
			for _, attribute := range slices.Sorted(maps.Keys(item)) {
				if attribute == "pk" || attribute == "sk" {
					continue
				}
				for what, bad := range map[string]types.AttributeValue{"of another type": &types.AttributeValueMemberBOOL{}, "another": dynamo.S("soon"), "gone": nil} {
					for name, end := range ends {
						if not, is := own[sk]; is && (not == "" || not == name) {
							continue
						}
						damaged := maps.Clone(item)
						damaged[attribute] = bad
						if bad == nil {
							delete(damaged, attribute)
						}
						restore(t, s, whole)
						if err := keytest.PutRaw(t.Context(), s.DB, table, damaged); err != nil {
							t.Fatal(err)
						}
						if err := end(); err != nil {
							t.Errorf("%s, %s of %s is %s: %v", name, attribute, sk, what, err)
						}
						tried++
					}
				}
			}
		}
	}
	if tried < 500 {
		t.Errorf("only %d tried", tried)
	}
}

// TestNoEditOfWhatIsDamagedTakesItFromTheGate: what can be read of a key or an account with a damaged attribute, and edited, the gate can
// read afterwards. Else a new name would stop the key, or all keys of the account.
func TestNoEditOfWhatIsDamagedTakesItFromTheGate(t *testing.T) {
	s := keytest.MemoryStores(t)
	a := s.NewAccount(t)
	k := s.NewKey(t, a)
	whole := map[string][]dynamo.Item{}
	for _, table := range []string{s.Tables.Control, s.Tables.Gate} {
		whole[table] = keytest.Stored(t, s.DB, table)
	}
	edits := map[string]func() (edited bool){
		"ACCOUNT": func() bool {
			before, err := s.Control.Account(t.Context(), a.ID)
			if err != nil {
				return false
			}
			after := before
			after.Name = "Other"
			_, err = s.Control.UpdateAccount(t.Context(), before, after, keytest.Row(a.ID, "account.edit", ""))
			return err == nil
		},
		"KEY#" + string(k.ID): func() bool {
			before, err := s.Control.Key(t.Context(), a.ID, k.ID)
			if err == nil {
				_, err = s.Edit(t.Context(), before, "key.edit", func(k *apikey.Key) { k.Name = "Other" })
			}
			return err == nil
		},
	}
	edited := 0
	for _, item := range whole[s.Tables.Control] {
		sk, _ := dynamo.GetS(item, "sk")
		edit, is := edits[sk]
		if !is {
			continue
		}
		for attribute := range item {
			for what, bad := range map[string]types.AttributeValue{
				"of another type": &types.AttributeValueMemberBOOL{}, "another": dynamo.S("soon"), "negative": dynamo.N(-7), "zero": dynamo.N(0), "empty": dynamo.S(""), "gone": nil,
			} {
				damaged := maps.Clone(item)
				damaged[attribute] = bad
				if bad == nil {
					delete(damaged, attribute)
				}
				if attribute == "pk" || attribute == "sk" {
					continue
				}
				restore(t, s, whole)
				if err := keytest.PutRaw(t.Context(), s.DB, s.Tables.Control, damaged); err != nil {
					t.Fatal(err)
				}
				if !edit() {
					continue
				}
				edited++
				_, _, account := s.Gate.Account(t.Context(), a.ID)
				_, _, err := s.Gate.Policy(t.Context(), k.Current.Hash)
				if account != nil || err != nil {
					t.Errorf("%s of %s is %s: the gate reads the account: %v, the key: %v", attribute, sk, what, account, err)
				}
			}
		}
	}
	if edited < 20 {
		t.Errorf("only %d edits were made", edited)
	}
}

// TestWhatIsDamagedCanBeStopped: a type that is none holds back no end, neither of a key nor of an account.
func TestWhatIsDamagedCanBeStopped(t *testing.T) {
	s := keytest.MemoryStores(t)
	a := s.NewAccount(t)
	k := s.NewKey(t, a)
	for _, item := range keytest.Stored(t, s.DB, s.Tables.Control) {
		if item["account_type"] != nil {
			item["account_type"] = dynamo.S("gold")
			if err := keytest.PutRaw(t.Context(), s.DB, s.Tables.Control, item); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, change := range []func(*apikey.Key){
		func(k *apikey.Key) { k.Disabled = true }, func(k *apikey.Key) { k.Blocked = &apikey.Block{Reason: "abuse", At: keytest.Now} },
		func(k *apikey.Key) { k.RevokedAt = keytest.Now },
	} {
		before, err := s.Control.Key(t.Context(), a.ID, k.ID)
		if err == nil {
			_, err = s.Edit(t.Context(), before, "key.end", change)
		}
		if err != nil {
			t.Error(err)
		}
	}
	before, err := s.Control.Account(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	after := before
	after.Suspended = account.Suspension{Reason: "abuse", At: keytest.Now, By: "operator"}
	if _, err = s.Control.UpdateAccount(t.Context(), before, after, keytest.Row(a.ID, "account.suspend", "")); err == nil {
		_, err = s.CloseAccount(t.Context(), a.ID)
	}
	if err != nil {
		t.Error(err)
	}
}

// restore makes tables what they were.
func restore(t *testing.T, s keytest.Stores, whole map[string][]dynamo.Item) {
	t.Helper()
	for table, items := range whole {
		for _, item := range keytest.Stored(t, s.DB, table) {
			key := dynamo.Item{"pk": item["pk"]}
			if item["sk"] != nil {
				key["sk"] = item["sk"]
			}
			if _, err := s.DB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: key}); err != nil {
				t.Fatal(err)
			}
		}
		for _, item := range items {
			if err := keytest.PutRaw(t.Context(), s.DB, table, maps.Clone(item)); err != nil {
				t.Fatal(err)
			}
		}
	}
}
