package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
)

// table is a counters table with one writer, which counts what is asked of it.
type table struct {
	content             map[string]dynamo.Item
	transactions, items int
	written, read       int // in units of 1 and 4 KB
}

func newTable() *table { return &table{content: map[string]dynamo.Item{}} }

func place(item dynamo.Item) string {
	pk, _ := dynamo.GetS(item, "pk")
	sk, _ := dynamo.GetS(item, "sk")
	return pk + "\n" + sk
}

// TransactWriteItems takes puts, whose conditions hold as long as there is one writer.
func (t *table) TransactWriteItems(_ context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	t.transactions++
	for _, w := range in.TransactItems {
		t.items++
		t.written += writeUnits(itemSize(w.Put.Item))
		t.content[place(w.Put.Item)] = w.Put.Item
	}
	return &dynamodb.TransactWriteItemsOutput{}, nil
}

// BatchGetItem reads items; one that isn't there costs as the smallest.
func (t *table) BatchGetItem(_ context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	out := &dynamodb.BatchGetItemOutput{Responses: map[string][]dynamo.Item{}}
	for name, wanted := range in.RequestItems {
		for _, key := range wanted.Keys {
			item := t.content[place(key)]
			t.read += max(1, (itemSize(item)+4095)/4096)
			if item != nil {
				out.Responses[name] = append(out.Responses[name], item)
			}
		}
	}
	return out, nil
}

var errNotHere = errors.New("usage bench: not needed")

// Query isn't needed.
func (t *table) Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return nil, errNotHere
}

// PutItem isn't needed.
func (t *table) PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return nil, errNotHere
}

func writeUnits(size int) int { return max(1, (size+1023)/1024) }

// itemSize is the size that DynamoDB bills: names and values, and three bytes and one for each member of maps and lists.
func itemSize(item dynamo.Item) (n int) {
	for name, v := range item {
		n += len(name) + valueSize(v)
	}
	return n
}

func valueSize(v types.AttributeValue) int {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return (len(v.Value)+1)/2 + 1
	case *types.AttributeValueMemberM:
		return 3 + len(v.Value) + itemSize(v.Value)
	case *types.AttributeValueMemberL:
		n := 3 + len(v.Value)
		for _, member := range v.Value {
			n += valueSize(member)
		}
		return n
	default:
		return 1
	}
}
