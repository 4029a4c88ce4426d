package control_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
)

// check compares what is stored with the ledger. calm is a connection without faults.
func (w *harness) check(f failer, t *testing.T, calm keytest.Stores) {
	f.Helper()
	if len(w.broken) > 0 {
		f.Fatalf("unexpected errors: %v", w.broken)
	}
	versions, purged := w.fold(f, t, calm)
	counted := int64(0)
	for id, history := range versions {
		checkHistory(f, history)
		got, err := calm.Control.Key(context.Background(), w.account.ID, id)
		last := history[int64(len(history))].after
		if purged[id] {
			if !errors.Is(err, dynamo.ErrNotFound) {
				f.Fatalf("%s was purged and is there: %v", id, err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, last) {
			f.Fatalf("%s is stored as %+v, %v\nand was acknowledged as %+v", id, got, err, last)
		}
		if got.DeletedAt.IsZero() && got.RevokedAt.IsZero() {
			counted++
		}
	}
	if got := w.guard(f, calm); got != counted {
		f.Fatalf("the account counts %d keys, and has %d", got, counted)
	}
}

// checkHistory holds each version against the one before it.
func checkHistory(f failer, history map[int64]mutation) {
	f.Helper()
	for version := int64(1); version <= int64(len(history)); version++ {
		m, ok := history[version]
		if !ok {
			f.Fatalf("version %d is missing of %d", version, len(history))
			return
		}
		if version == 1 {
			continue
		}
		before, after := history[version-1].after, m.after
		if !reflect.DeepEqual(*m.before, before) {
			f.Fatalf("%s acted on %+v, but version %d was %+v", m.action, *m.before, version-1, before)
		}
		if !before.RevokedAt.IsZero() && !after.RevokedAt.Equal(before.RevokedAt) {
			f.Fatalf("%s changed a revocation", m.action)
		}
		if (before.Blocked == nil) != (after.Blocked == nil) && m.action != "key.block" && m.action != "key.unblock" {
			f.Fatalf("%s changed a block", m.action)
		}
		if m.action == "key.restore" {
			undone := after
			undone.DeletedAt, undone.UpdatedAt, undone.Version = before.DeletedAt, before.UpdatedAt, before.Version
			if !reflect.DeepEqual(undone, before) {
				f.Fatalf("restore changed more than the deletion: %+v", after)
			}
		}
	}
}

// fold sorts the operations by key and version, and compares them with the audit trail: a row for each mutation that was
// acknowledged, and no row of any that nobody made.
func (w *harness) fold(f failer, t *testing.T, calm keytest.Stores) (versions map[apikey.ID]map[int64]mutation, purged map[apikey.ID]bool) {
	f.Helper()
	versions, purged = map[apikey.ID]map[int64]mutation{}, map[apikey.ID]bool{}
	rows := map[string]bool{}
	for _, row := range calm.AllAudit(t, w.account.ID) {
		rows[row.ID] = true
	}
	delete(rows, w.opening(f, t, calm))
	for _, m := range w.ledger {
		switch {
		case m.known && !rows[m.row]:
			f.Fatalf("%s was acknowledged and left no audit row", m.action)
		case !rows[m.row]:
			continue // unknown, and it didn't happen
		}
		delete(rows, m.row)
		if m.action == "key.purge" {
			purged[m.before.ID] = true
			continue
		}
		m.after.Version = 1
		if m.before != nil {
			m.after.Version = m.before.Version + 1
		}
		if versions[m.after.ID] == nil {
			versions[m.after.ID] = map[int64]mutation{}
		}
		if _, twice := versions[m.after.ID][m.after.Version]; twice {
			f.Fatalf("version %d of %s was written twice", m.after.Version, m.after.ID)
		}
		versions[m.after.ID][m.after.Version] = m
	}
	if len(rows) > 0 {
		f.Fatalf("%d audit rows of mutations that nobody made", len(rows))
	}
	return versions, purged
}

func (w *harness) opening(f failer, t *testing.T, calm keytest.Stores) string {
	f.Helper()
	rows := calm.AllAudit(t, w.account.ID)
	if len(rows) == 0 || rows[len(rows)-1].Action != "account.create" {
		f.Fatalf("the audit trail doesn't begin with the account's creation")
	}
	return rows[len(rows)-1].ID
}

func (w *harness) guard(f failer, calm keytest.Stores) int64 {
	f.Helper()
	yes := true
	out, err := calm.DB.GetItem(context.Background(), &dynamodb.GetItemInput{
		TableName: &calm.Tables.Control, ConsistentRead: &yes,
		Key: dynamo.Item{"pk": dynamo.S("A#" + string(w.account.ID)), "sk": dynamo.S("GUARD#keys")},
	})
	if err != nil {
		f.Fatalf("reading the guard: %v", err)
	}
	n, _ := dynamo.GetN(out.Item, "num")
	return n
}
