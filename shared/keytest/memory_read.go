package keytest

import (
	"bytes"
	"context"
	"math/big"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
)

// keepBefore keeps an item that is about to be overwritten, for reads that needn't see the write.
func (t *memoryTable) keepBefore(pk, sk string) {
	if t.before[pk] == nil {
		t.before[pk] = map[string]dynamo.Item{}
	}
	t.before[pk][sk] = t.partitions[pk][sk]
}

// read is an item as a read sees it; nil is none.
func (t *memoryTable) read(pk, sk string, consistent bool) dynamo.Item {
	if item, written := t.before[pk][sk]; written && !consistent {
		return item
	}
	return t.partitions[pk][sk]
}

// partition is all items of a partition as a read sees them.
func (t *memoryTable) partition(pk string, consistent bool) map[string]dynamo.Item {
	if consistent {
		return t.partitions[pk]
	}
	late := map[string]dynamo.Item{}
	for sk := range t.before[pk] {
		if item := t.read(pk, sk, false); item != nil {
			late[sk] = item
		}
	}
	return late
}

// all is the whole table as a read sees it.
func (t *memoryTable) all(consistent bool) map[string]map[string]dynamo.Item {
	if consistent {
		return t.partitions
	}
	late := map[string]map[string]dynamo.Item{}
	for pk := range t.before {
		late[pk] = t.partition(pk, false)
	}
	return late
}

func isTrue(b *bool) bool { return b != nil && *b }

// GetItem reads one item.
func (m *Memory) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, err := m.table(in.TableName)
	if err != nil || ctx.Err() != nil {
		return nil, cmpErr(err, ctx.Err())
	}
	pk, sk, err := t.place(in.Key)
	if err != nil {
		return nil, err
	}
	return &dynamodb.GetItemOutput{Item: cloneItem(t.read(pk, sk, isTrue(in.ConsistentRead)))}, nil
}

// Query reads a partition of a table or an index in order.
func (m *Memory) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, err := m.table(in.TableName)
	if err != nil || ctx.Err() != nil {
		return nil, cmpErr(err, ctx.Err())
	}
	pk, sk := t.pk, t.sk
	if in.IndexName != nil {
		pk, sk = t.indexes[*in.IndexName][0], t.indexes[*in.IndexName][1]
	}
	if in.IndexName != nil && isTrue(in.ConsistentRead) {
		return nil, refuse("an index can't be read consistently")
	}
	var partitions map[string]map[string]dynamo.Item
	if in.IndexName != nil {
		partitions = t.all(!m.LateIndexes)
	} else {
		value, err := keyText(newExpression(nil, in.ExpressionAttributeNames, in.ExpressionAttributeValues).firstValue(*in.KeyConditionExpression))
		if err != nil {
			return nil, err
		}
		partitions = map[string]map[string]dynamo.Item{value: t.partition(value, isTrue(in.ConsistentRead))}
	}
	var found []dynamo.Item
	prefix := beginning(in)
	for _, partition := range partitions {
		for _, item := range partition {
			if item[pk] == nil || sk != "" && item[sk] == nil {
				continue
			}
			if place, ok := dynamo.GetS(item, sk); ok && !strings.HasPrefix(place, prefix) {
				continue // most of a long partition, without reading the condition for each
			}
			e := newExpression(item, in.ExpressionAttributeNames, in.ExpressionAttributeValues)
			e.partial = true
			if e.condition(*in.KeyConditionExpression) {
				found = append(found, item)
			}
			if err := e.end(); err != nil {
				return nil, err
			}
		}
	}
	return m.page(t, found, sk, in)
}

// beginning is the text that a query's sort keys begin with, "" where it doesn't say.
func beginning(in *dynamodb.QueryInput) string {
	_, rest, found := strings.Cut(*in.KeyConditionExpression, "begins_with(")
	if !found {
		return ""
	}
	_, name, _ := strings.Cut(rest, ", ")
	name, _, _ = strings.Cut(name, ")")
	prefix, _ := dynamo.GetS(in.ExpressionAttributeValues, name)
	return prefix
}

func (m *Memory) page(t *memoryTable, found []dynamo.Item, sk string, in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
	order := func(a, b dynamo.Item) int {
		c := 0
		if sk != "" {
			c = compareValues(a[sk], b[sk])
		}
		if c == 0 {
			c = compareValues(a[t.pk], b[t.pk])
		}
		if c == 0 && t.sk != "" {
			c = compareValues(a[t.sk], b[t.sk])
		}
		if in.ScanIndexForward != nil && !*in.ScanIndexForward {
			c = -c
		}
		return c
	}
	if in.ExclusiveStartKey != nil {
		if err := startsWithin(in); err != nil {
			return nil, err
		}
		found = slices.DeleteFunc(found, func(item dynamo.Item) bool { return order(item, in.ExclusiveStartKey) <= 0 })
	}
	slices.SortFunc(found, order)
	limit := m.PageSize
	if in.Limit != nil && (limit == 0 || int(*in.Limit) < limit) {
		limit = int(*in.Limit)
	}
	out := &dynamodb.QueryOutput{}
	for i, item := range found {
		if limit > 0 && i == limit {
			out.LastEvaluatedKey = t.keysOf(found[i-1], in.IndexName)
			break
		}
		out.ScannedCount++
		if in.FilterExpression != nil {
			e := newExpression(item, in.ExpressionAttributeNames, in.ExpressionAttributeValues)
			e.partial = true
			holds := e.condition(*in.FilterExpression)
			if err := e.end(); err != nil {
				return nil, err
			}
			if !holds {
				continue
			}
		}
		if out.Count++; in.Select != types.SelectCount {
			out.Items = append(out.Items, cloneItem(item))
		}
	}
	return out, nil
}

// startsWithin refuses a place that isn't one of the query's, as DynamoDB does.
func startsWithin(in *dynamodb.QueryInput) error {
	for _, value := range in.ExclusiveStartKey {
		if _, err := keyText(value); err != nil {
			return err
		}
	}
	if in.KeyConditionExpression == nil { // a scan's
		return nil
	}
	e := newExpression(in.ExclusiveStartKey, in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	e.partial = true
	within := e.condition(*in.KeyConditionExpression)
	if err := e.end(); err != nil {
		return err
	}
	if !within {
		return refuse("The provided starting key is outside query boundaries based on provided conditions")
	}
	return nil
}

func (t *memoryTable) keysOf(item dynamo.Item, indexName *string) dynamo.Item {
	key := dynamo.Item{t.pk: item[t.pk]}
	if t.sk != "" {
		key[t.sk] = item[t.sk]
	}
	if indexName != nil {
		for _, name := range t.indexes[*indexName] {
			key[name] = item[name]
		}
	}
	return key
}

// Scan reads a whole table, in the order of its keys.
func (m *Memory) Scan(ctx context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, err := m.table(in.TableName)
	if err != nil || ctx.Err() != nil {
		return nil, cmpErr(err, ctx.Err())
	}
	var found []dynamo.Item
	for _, partition := range t.all(isTrue(in.ConsistentRead)) {
		for _, item := range partition {
			found = append(found, item)
		}
	}
	out, err := m.page(t, found, "", &dynamodb.QueryInput{
		ExclusiveStartKey: in.ExclusiveStartKey, Limit: in.Limit, FilterExpression: in.FilterExpression,
		ExpressionAttributeNames: in.ExpressionAttributeNames, ExpressionAttributeValues: in.ExpressionAttributeValues,
	})
	if err != nil {
		return nil, err
	}
	return &dynamodb.ScanOutput{
		Items: out.Items, LastEvaluatedKey: out.LastEvaluatedKey, Count: out.Count, ScannedCount: out.ScannedCount,
	}, nil
}

func cloneItem(item dynamo.Item) dynamo.Item {
	if item == nil {
		return nil
	}
	out := make(dynamo.Item, len(item))
	for name, v := range item {
		out[name] = cloneValue(v)
	}
	return out
}

func cloneValue(v types.AttributeValue) types.AttributeValue {
	switch v := v.(type) {
	case *types.AttributeValueMemberM:
		return &types.AttributeValueMemberM{Value: cloneItem(v.Value)}
	case *types.AttributeValueMemberL:
		list := make([]types.AttributeValue, len(v.Value))
		for i := range v.Value {
			list[i] = cloneValue(v.Value[i])
		}
		return &types.AttributeValueMemberL{Value: list}
	case *types.AttributeValueMemberB:
		return &types.AttributeValueMemberB{Value: bytes.Clone(v.Value)}
	default:
		return v // never changed in place
	}
}

// compareValues orders two values of one type as a sort key orders them.
func compareValues(a, b types.AttributeValue) int {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		if b, ok := b.(*types.AttributeValueMemberS); ok {
			return strings.Compare(a.Value, b.Value)
		}
	case *types.AttributeValueMemberN:
		if b, ok := b.(*types.AttributeValueMemberN); ok {
			x, okX := new(big.Rat).SetString(a.Value)
			y, okY := new(big.Rat).SetString(b.Value)
			if okX && okY {
				return x.Cmp(y)
			}
		}
	case *types.AttributeValueMemberB:
		if b, ok := b.(*types.AttributeValueMemberB); ok {
			return bytes.Compare(a.Value, b.Value)
		}
	}
	return -2
}
