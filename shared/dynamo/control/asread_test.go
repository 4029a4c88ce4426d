package control_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// TestAnOperatorIsReplacedOnlyAsTheyWereRead: the whole record is written again, so a change of any of its members that came in
// between would be undone.
func TestAnOperatorIsReplacedOnlyAsTheyWereRead(t *testing.T) {
	admin := control.Operator{Subject: keytest.Subject("admin"), Email: "admin@example.com", Rank: account.Admin, AddedAt: "2026-11-21T12:00:00.000Z"}
	read := control.Operator{Subject: keytest.Subject("other"), Email: "other@example.com", Rank: account.Support, AddedAt: "2026-11-21T12:00:01.000Z"}
	row := keytest.Row("", "operator.change", "")
	for what, change := range map[string]func(*control.Operator){
		"nothing":       func(*control.Operator) {},
		"the label":     func(o *control.Operator) { o.Email = "new@example.com" },
		"no label more": func(o *control.Operator) { o.Email = "" },
		"the rank":      func(o *control.Operator) { o.Rank = account.Admin },
		"when added":    func(o *control.Operator) { o.AddedAt = "2026-11-21T12:00:02.000Z" },
	} {
		s := keytest.MemoryStores(t)
		s.NewOperator(t, admin)
		s.NewOperator(t, read)
		between := read
		change(&between)
		if between != read {
			if err := s.Control.ReplaceOperator(t.Context(), read, between, admin.Subject, row); err != nil {
				t.Fatal(what, err)
			}
		}
		after := read
		after.Email = "third@example.com"
		err := s.Control.ReplaceOperator(t.Context(), read, after, admin.Subject, keytest.Row("", "operator.change", ""))
		stored, readErr := s.Control.Operator(t.Context(), read.Subject)
		if want := between != read; errors.Is(err, dynamo.ErrStale) != want || !want && err != nil || readErr != nil || want && stored != between || !want && stored != after {
			t.Errorf("%s has changed: %v; stored is %+v, %v", what, err, stored, readErr)
		}
	}
}

// TestNoRecordOfAKeyThatCantBeReadIsAnOrphan: its secrets are in the record that can't be read, and its calls go on, whether a
// comparison repairs or only looks. What is told is the key.
func TestNoRecordOfAKeyThatCantBeReadIsAnOrphan(t *testing.T) {
	for _, repair := range []bool{false, true} {
		s := keytest.MemoryStores(t)
		k := s.NewKey(t, s.NewAccount(t))
		for _, item := range s.Items(t, s.Tables.Control) {
			if sk, _ := dynamo.GetS(item, "sk"); sk == "KEY#"+string(k.ID) {
				item["current_secret"] = &types.AttributeValueMemberS{Value: "damaged"}
				s.Put(t, s.Tables.Control, item)
			}
		}
		kinds := map[control.DriftKind]int{}
		for _, d := range s.Drifts(t, repair) {
			kinds[d.Kind]++
		}
		if len(kinds) != 1 || kinds[control.DriftBadKey] != 1 {
			t.Errorf("repair %v: %v", repair, kinds)
		}
		s.CheckGate(t, k)
	}
}
