package keytest

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
)

// BatchGetItem reads items. With a PageSize it leaves the rest unprocessed, as DynamoDB may.
func (m *Memory) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := &dynamodb.BatchGetItemOutput{Responses: map[string][]dynamo.Item{}, UnprocessedKeys: map[string]types.KeysAndAttributes{}}
	asked := 0
	for name, wanted := range in.RequestItems {
		t, err := m.table(&name)
		if err != nil || ctx.Err() != nil {
			return nil, cmpErr(err, ctx.Err())
		}
		seen := map[string]bool{}
		for i, key := range wanted.Keys {
			pk, sk, err := t.place(key)
			if err != nil {
				return nil, err
			}
			if asked++; seen[pk+"\x00"+sk] || asked > 100 {
				return nil, refuse("a batch with duplicates or of more than 100 items")
			}
			seen[pk+"\x00"+sk] = true
			if m.PageSize > 0 && i >= 10*m.PageSize {
				rest := wanted
				rest.Keys = wanted.Keys[i:]
				out.UnprocessedKeys[name] = rest
				break
			}
			if item := t.read(pk, sk, isTrue(wanted.ConsistentRead)); item != nil {
				out.Responses[name] = append(out.Responses[name], cloneItem(item))
			}
		}
	}
	return out, nil
}

// BatchGetItem is DynamoDB's, with faults.
func (f *Faults) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	return through(f, ctx, "BatchGetItem", in, f.DB.BatchGetItem, o)
}
