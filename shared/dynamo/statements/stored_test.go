package statements_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/usage/statement"
)

// TestStatementsAreStoredAsTheyAlwaysWere: they stay for years, and their hashes are of what is packed in them.
func TestStatementsAreStoredAsTheyAlwaysWere(t *testing.T) {
	db, tables := keytest.NewMemory()
	r := on(db, tables.Statements)
	s := r.begin(t)
	s.Over = true
	r.end(t, r.write(t, s, one, 2))
	must(t, r.Adjust(t.Context(), statements.Adjustment{Account: one, Of: month, Number: 1, In: month + 1, Rows: adjusting(month, 1)}))
	must(t, r.Settle(t.Context(), "aside 1", keytest.Now))
	must(t, r.Miss(t.Context(), month, missed("report 2")))
	must(t, r.SaveSweep(t.Context(), statements.Daily, statements.Sweep{Began: keytest.Now, After: "x", Done: true}))
	leaving, err := r.Save(t.Context(), statements.State{Month: month + 1}, statements.State{Status: statements.Writing, Columns: columns, After: two, Left: []account.ID{one}})
	must(t, err)
	if leaving.Has(one) || !leaving.Has(two) {
		t.Errorf("%+v", leaving)
	}
	items := keytest.Stored(t, db, tables.Statements)
	for _, item := range items {
		if packed, ok := item["z"].(*types.AttributeValueMemberB); ok { // another release of Go may pack the same text in other bytes
			item["z"] = dynamo.S("gzip of " + unpacked(t, packed.Value))
		}
	}
	keytest.KeepStored(t, "statements", items...)
}

func unpacked(t *testing.T, packed []byte) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	must(t, err)
	text, err := io.ReadAll(r)
	must(t, err)
	return string(text)
}

// packedOnce is a part as it was written on 2026-11-29: two rows of acc_1.
const packedOnce = "H4sIAAAAAAAA/zIyMDLTNTTQ0UlMTo431MlOrYw3AAOd4tTEouQMGJVWlJqqY6xjqGOkY0AAQlTo6Ohw4TLcEJvhJjpGJBkOCAAA//+6e8YEugAAAA=="

// columnsOnce are the columns of then.
const columnsOnce = "month,adjusts,account_id,key_id,product,class,billing_type,requests,allowed,refused,key_deleted,key_revoked,key_blocked,account_suspended,key_disabled,key_expired,secret_expired,key_exposed,key_not_in_header,path_not_canonical,product_not_allowed,path_not_granted,ip_not_allowed,app_not_allowed,origin_missing,domain_not_allowed,qps_exceeded,quota_exceeded,other_refusals,upstream_2xx,upstream_3xx,upstream_4xx,upstream_5xx"

// TestWhatWasPackedIsRead, by its bytes and the columns that its statement has.
func TestWhatWasPackedIsRead(t *testing.T) {
	db, tables := keytest.NewMemory()
	r := on(db, tables.Statements)
	s := r.write(t, r.begin(t), two, 1)
	s.Columns = strings.Split(columnsOnce, ",")
	packed, err := base64.StdEncoding.DecodeString(packedOnce)
	must(t, err)
	must(t, keytest.PutRaw(t.Context(), db, tables.Statements, dynamo.Item{
		"pk": dynamo.S("M#" + month.String()), "sk": dynamo.S("acc_1#0000"), "v": dynamo.N(1), "n": dynamo.N(2), "sha256": dynamo.S("ab"),
		"z": &types.AttributeValueMemberB{Value: packed},
	}))
	rows, err := r.Rows(t.Context(), s, one)
	must(t, err)
	got, want := statement.Encode(s.Columns, month, rows), statement.Encode(s.Columns, month, rowsOf(one, 2))
	if !bytes.Equal(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}
