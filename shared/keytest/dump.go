package keytest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
)

// Dump reads all items of the control and the gate table as text, by table and key. A test compares two dumps to hold
// that nothing at all was written.
func (s Stores) Dump(t testing.TB) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, table := range []string{s.Tables.Control, s.Tables.Gate} {
		for _, item := range s.Items(t, table) {
			all[table+" "+itemText(t, dynamo.Item{"pk": item["pk"], "sk": item["sk"]})] = itemText(t, item)
		}
	}
	return all
}

// Items reads all items of a table.
func (s Stores) Items(t testing.TB, table string) (items []dynamo.Item) {
	t.Helper()
	consistent := true
	for in := (dynamodb.ScanInput{TableName: &table, ConsistentRead: &consistent}); ; {
		page, err := s.DB.Scan(context.Background(), &in)
		if err != nil {
			t.Fatalf("reading %s: %v", table, err)
		}
		items = append(items, page.Items...)
		if in.ExclusiveStartKey = page.LastEvaluatedKey; len(page.LastEvaluatedKey) == 0 {
			return items
		}
	}
}

// Put writes an item as it is, past the stores.
func (s Stores) Put(t testing.TB, table string, item dynamo.Item) {
	t.Helper()
	if _, err := s.DB.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &table, Item: item}); err != nil {
		t.Fatalf("writing into %s: %v", table, err)
	}
}

// Written lists what differs between two dumps, by table and key.
func Written(before, after map[string]string) (keys []string) {
	for key, text := range after {
		if before[key] != text {
			keys = append(keys, key)
		}
	}
	for key := range before {
		if _, ok := after[key]; !ok {
			keys = append(keys, key)
		}
	}
	return keys
}

func itemText(t testing.TB, item dynamo.Item) string {
	t.Helper()
	values := map[string]string{}
	for name, value := range item {
		if value != nil {
			values[name] = valueText(t, value)
		}
	}
	raw, err := json.Marshal(values) // sorted by name
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// valueText is a value with its type.
func valueText(t testing.TB, value types.AttributeValue) string {
	switch v := value.(type) {
	case *types.AttributeValueMemberS: // which is most
		return "S " + v.Value
	case *types.AttributeValueMemberN:
		return "N " + v.Value
	}
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%T %s", value, raw)
}
