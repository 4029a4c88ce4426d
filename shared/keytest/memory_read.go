package keytest

import (
	"bytes"
	"context"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
)

// write overwrites an item, or takes it out where item is nil. What is overwritten is kept for reads that needn't see the write.
func (t *memoryTable) write(pk, sk string, item dynamo.Item) {
	place, was, earlier := pk+"\x00"+sk, t.read(pk, sk, true), t.read(pk, sk, false)
	for _, v := range t.views() {
		v.replace(v.now, place, was, item)
		v.replace(v.before, place, earlier, was)
	}
}

func (t *memoryTable) views() []*view {
	return append(slices.Collect(maps.Values(t.indexes)), t.view)
}

// read is an item as a read sees it; nil is none.
func (t *memoryTable) read(pk, sk string, consistent bool) dynamo.Item {
	if p := t.seen(!consistent)[pk]; p != nil {
		return p.items[pk+"\x00"+sk]
	}
	return nil
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
	value, err := keyText(newExpression(nil, in.ExpressionAttributeNames, in.ExpressionAttributeValues).firstValue(*in.KeyConditionExpression))
	if err != nil {
		return nil, err
	}
	from, late := t.view, !isTrue(in.ConsistentRead)
	if in.IndexName != nil {
		if !late {
			return nil, refuse("an index can't be read consistently")
		}
		from, late = t.indexes[*in.IndexName], m.LateIndexes
	}
	if in.ExclusiveStartKey != nil {
		if err := startsWithin(in); err != nil {
			return nil, err
		}
	}
	backward := in.ScanIndexForward != nil && !*in.ScanIndexForward
	limit := m.limit(in)
	var found []dynamo.Item
	for _, item := range from.query(from.seen(late)[value], beginning(in), backward, in.ExclusiveStartKey) {
		e := newExpression(item, in.ExpressionAttributeNames, in.ExpressionAttributeValues)
		e.partial = true
		if e.condition(*in.KeyConditionExpression) {
			found = append(found, item)
		}
		if err := e.end(); err != nil {
			return nil, err
		}
		if limit > 0 && len(found) > limit {
			break // one more says that there are more
		}
	}
	return m.page(t, found, in)
}

// limit returns how many items a page looks at, 0 for all.
func (m *Memory) limit(in *dynamodb.QueryInput) int {
	if in.Limit != nil && (m.PageSize == 0 || int(*in.Limit) < m.PageSize) {
		return int(*in.Limit)
	}
	return m.PageSize
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

// page is the answer from the items that are there, in order.
func (m *Memory) page(t *memoryTable, found []dynamo.Item, in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
	limit := m.limit(in)
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
		if in.IndexName != nil && t.keysOnly[*in.IndexName] {
			item = t.keysOf(item, in.IndexName)
		}
		if in.ProjectionExpression != nil {
			item = projected(item, in)
		}
		if out.Count++; in.Select != types.SelectCount {
			out.Items = append(out.Items, cloneItem(item))
		}
	}
	return out, nil
}

// projected has of an item the attributes that a query asks for, each by a name of its own.
func projected(item dynamo.Item, in *dynamodb.QueryInput) dynamo.Item {
	part := dynamo.Item{}
	for _, name := range strings.Split(*in.ProjectionExpression, ", ") {
		attribute := in.ExpressionAttributeNames[name]
		if value, ok := item[attribute]; ok {
			part[attribute] = value
		}
	}
	return part
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
		index := t.indexes[*indexName]
		for _, name := range []string{index.pk, index.sk} {
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
	query := &dynamodb.QueryInput{ExclusiveStartKey: in.ExclusiveStartKey}
	if in.ExclusiveStartKey != nil {
		if err := startsWithin(query); err != nil {
			return nil, err
		}
	}
	inOrder := newView(t.pk, "", t.table)
	var found []dynamo.Item
	for _, p := range t.seen(!isTrue(in.ConsistentRead)) {
		for _, item := range p.items {
			if in.ExclusiveStartKey == nil || inOrder.order(item, in.ExclusiveStartKey) > 0 {
				found = append(found, item)
			}
		}
	}
	slices.SortFunc(found, inOrder.order)
	out, err := m.page(t, found, &dynamodb.QueryInput{
		Limit: in.Limit, FilterExpression: in.FilterExpression,
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
