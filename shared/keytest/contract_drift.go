package keytest

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/policies"
)

// driftRepaired: a record that is missing, differs or has no key is drift, and repaired. That one of a release before names no
// billing type is none: it gets one by any run, without an audit row.
func driftRepaired(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	missing, different, fine, older := s.NewKey(t, a), s.NewKey(t, a), s.NewKey(t, a, full), s.NewKey(t, a, full)
	unbilled := policies.Encode(Policy(older))
	delete(unbilled, policies.BillingType)
	must(t, PutRaw(t.Context(), s.DB, s.Tables.Gate, unbilled))
	rows := len(s.AllAudit(t, a.ID))
	orphan := Key(a.ID)
	must(t, drop(t.Context(), s, Policy(missing).Hash))
	changed := Policy(different)
	changed.Disabled, changed.Version = true, 99
	must(t, PutRaw(t.Context(), s.DB, s.Tables.Gate, policies.Encode(changed)))
	must(t, PutRaw(t.Context(), s.DB, s.Tables.Gate, policies.Encode(Policy(orphan))))
	kinds := map[control.DriftKind]int{}
	for _, d := range s.Drifts(t, false) {
		kinds[d.Kind]++
	}
	if len(kinds) != 3 || kinds[control.DriftMissing] != 1 || kinds[control.DriftDifferent] != 1 || kinds[control.DriftOrphan] != 1 {
		t.Fatalf("drift: %v", kinds)
	}
	s.CheckGate(t, older)
	if n := len(s.AllAudit(t, a.ID)); n != rows {
		t.Errorf("%d audit rows more", n-rows)
	}
	repaired := s.Drifts(t, true)
	for _, d := range repaired {
		if !d.Repaired {
			t.Fatalf("not repaired: %+v", d)
		}
	}
	if len(repaired) != 3 {
		t.Fatalf("repaired without a word: %+v", repaired)
	}
	if left := s.Drifts(t, false); len(left) != 0 {
		t.Fatalf("left: %+v", left)
	}
	for _, k := range []apikey.Key{missing, different, fine} {
		s.CheckGate(t, k)
	}
	if _, found, _ := s.Gate.Policy(t.Context(), orphan.Current.Hash); found {
		t.Fatal("the orphan still opens the gate")
	}
}

// PutRaw writes an item as it is, for records that no store would write.
func PutRaw(ctx context.Context, db DB, table string, item dynamo.Item) error {
	_, err := db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: item})
	return err
}

func drop(ctx context.Context, s Stores, h apikey.Hash) error {
	_, err := s.DB.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.Tables.Gate, Key: policies.Key(h)})
	return err
}

func driftCalm(t *testing.T, s Stores) {
	k := s.NewKey(t, s.NewAccount(t), full)
	// The key changes between the reads of the comparison, and once more before a repair.
	edits := 0
	busy := s.With(func(call string, _ int) Fault {
		if call == "GetItem" && edits < 2 {
			edits++
			var err error
			k, err = s.Edit(context.Background(), k, "key.edit", func(k *apikey.Key) { k.Disabled = !k.Disabled })
			must(t, err)
		}
		return NoFault
	})
	if found := busy.Drifts(t, true); len(found) != 0 || edits != 2 {
		t.Fatalf("after %d edits: drift %+v", edits, found)
	}
	s.CheckGate(t, k)
	// The record is damaged, and the key is edited just before the repair is written: the edit wins.
	wrong := Policy(k)
	wrong.Blocked = !wrong.Blocked
	must(t, PutRaw(t.Context(), s.DB, s.Tables.Gate, policies.Encode(wrong)))
	edits = 0
	s.With(func(call string, _ int) Fault {
		if call == "TransactWriteItems" && edits == 0 {
			edits++
			var err error
			k, err = s.Edit(context.Background(), k, "key.edit", func(k *apikey.Key) { k.Disabled = !k.Disabled })
			must(t, err)
		}
		return NoFault
	}).Drifts(t, true)
	s.CheckGate(t, k)
	// A key is purged between the scan of the gate and the look at its record: what is gone is no drift, whether the run
	// repairs or only reports.
	for _, repair := range []bool{false, true} {
		gone := s.NewKey(t, s.NewAccount(t), func(k *apikey.Key) { k.DeletedAt = Now })
		purged := false
		found := NewStores(scanning{s.DB, func(item dynamo.Item) {
			if kid, _ := dynamo.GetS(item, "kid"); kid == string(gone.ID) {
				purged = true
				must(t, s.Control.Purge(context.Background(), gone, Row(gone.Account, "key.purge", gone.ID)))
			}
		}}, s.Tables).Drifts(t, repair)
		if len(found) != 0 || !purged {
			t.Errorf("a key was purged meanwhile (%v): drift %+v", purged, found)
		}
	}
}

// scanning lets something happen after an item was scanned.
type scanning struct {
	DB
	scanned func(dynamo.Item)
}

func (d scanning) Scan(ctx context.Context, in *dynamodb.ScanInput, o ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	out, err := d.DB.Scan(ctx, in, o...)
	if err == nil {
		for _, item := range out.Items {
			d.scanned(item)
		}
	}
	return out, err
}
