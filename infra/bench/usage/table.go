package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/infra/bench/figures"
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
		t.written += figures.WriteUnits(figures.ItemSize(w.Put.Item))
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
			t.read += figures.ReadUnits(figures.ItemSize(item))
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
