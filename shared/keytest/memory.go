package keytest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/big"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"latchkey/shared/dynamo"
)

// DB is the part of DynamoDB that the stores call. *dynamodb.Client, *Memory and *Faults have it.
type DB interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

var (
	_ DB = (*dynamodb.Client)(nil)
	_ DB = (*Memory)(nil)
	_ DB = (*Faults)(nil)
)

// Memory is a DynamoDB in memory: the calls of DB with their conditions, and nothing else. The stores' own code runs
// on it unchanged, and the contract suite holds it to what the real engine does. It is safe for concurrent use.
//
// A read of a table that isn't strongly consistent answers each item as it was before its last write: DynamoDB may do
// that at any time, and no engine that runs locally ever does.
type Memory struct {
	// PageSize makes Query and Scan end their pages early, to show who doesn't read on. 0 is no limit.
	PageSize int
	// LateIndexes makes the indexes, too, show each item as it was before its last write. An index of DynamoDB is late
	// most of the time, by milliseconds, and can't be read consistently.
	LateIndexes bool

	mu     sync.Mutex
	tables map[string]*memoryTable
	tokens map[string][sha256.Size]byte // what each token was used for
}

type memoryTable struct {
	*view
	indexes  map[string]*view
	keysOnly map[string]bool // the indexes that have nothing but keys
}

// NewMemory makes an empty DynamoDB with the project's tables.
func NewMemory() (*Memory, dynamo.Tables) {
	m := &Memory{tables: map[string]*memoryTable{}, tokens: map[string][sha256.Size]byte{}}
	tables := TableNames("memory")
	for _, input := range TableInputs(tables) {
		pk, sk := schemaNames(input.KeySchema)
		keys := [2]string{pk, sk}
		t := &memoryTable{view: newView(pk, sk, keys), indexes: map[string]*view{}, keysOnly: map[string]bool{}}
		for _, i := range input.GlobalSecondaryIndexes {
			pk, sk := schemaNames(i.KeySchema)
			t.indexes[*i.IndexName] = newView(pk, sk, keys)
			t.keysOnly[*i.IndexName] = i.Projection.ProjectionType == types.ProjectionTypeKeysOnly
		}
		m.tables[*input.TableName] = t
	}
	return m, tables
}

func schemaNames(schema []types.KeySchemaElement) (pk, sk string) {
	pk = *schema[0].AttributeName
	if len(schema) > 1 {
		sk = *schema[1].AttributeName
	}
	return pk, sk
}

func refuse(format string, args ...any) error {
	return &smithy.GenericAPIError{Code: "ValidationException", Message: fmt.Sprintf(format, args...), Fault: smithy.FaultClient}
}

func (m *Memory) table(name *string) (*memoryTable, error) {
	if name == nil || m.tables[*name] == nil {
		return nil, &types.ResourceNotFoundException{}
	}
	return m.tables[*name], nil
}

// place is an item's partition and its place in it.
func (t *memoryTable) place(item dynamo.Item) (pk, sk string, err error) {
	pk, err = keyText(item[t.pk])
	if err == nil && t.sk != "" {
		sk, err = keyText(item[t.sk])
	}
	return pk, sk, err
}

// keyText is a key attribute as a text of its own; sorting by it is not the attribute's order.
func keyText(v types.AttributeValue) (string, error) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		if v.Value != "" {
			return "S" + v.Value, nil
		}
	case *types.AttributeValueMemberN:
		if n, ok := new(big.Rat).SetString(v.Value); ok {
			return "N" + n.RatString(), nil
		}
	case *types.AttributeValueMemberB:
		return "B" + string(v.Value), nil
	}
	return "", refuse("a key attribute is missing, empty or of the wrong type")
}

// lastSecond is the end of the year 9999. The time of a day of this century in milliseconds is beyond it.
const lastSecond = 253402300799

func (t *memoryTable) store(item dynamo.Item) error {
	pk, sk, err := t.place(item)
	if err != nil {
		return err
	}
	if ttl, ok := dynamo.GetN(item, "ttl"); ok && ttl > lastSecond {
		return refuse("ttl isn't a time in seconds, so DynamoDB would never delete the item") // it takes such an item silently
	}
	t.write(pk, sk, cloneItem(item))
	return nil
}

func (t *memoryTable) drop(key dynamo.Item) error {
	pk, sk, err := t.place(key)
	if err == nil {
		t.write(pk, sk, nil)
	}
	return err
}

// PutItem writes one item.
func (m *Memory) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	_, err := m.single(ctx, types.TransactWriteItem{Put: &types.Put{
		TableName: in.TableName, Item: in.Item, ConditionExpression: in.ConditionExpression,
		ExpressionAttributeNames: in.ExpressionAttributeNames, ExpressionAttributeValues: in.ExpressionAttributeValues,
	}})
	return &dynamodb.PutItemOutput{}, err
}

// DeleteItem removes one item.
func (m *Memory) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	_, err := m.single(ctx, types.TransactWriteItem{Delete: &types.Delete{
		TableName: in.TableName, Key: in.Key, ConditionExpression: in.ConditionExpression,
		ExpressionAttributeNames: in.ExpressionAttributeNames, ExpressionAttributeValues: in.ExpressionAttributeValues,
	}})
	return &dynamodb.DeleteItemOutput{}, err
}

// UpdateItem changes one item and returns the whole item: as it was for ALL_OLD, as it is for anything else.
func (m *Memory) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	p, err := m.single(ctx, types.TransactWriteItem{Update: &types.Update{
		TableName: in.TableName, Key: in.Key, ConditionExpression: in.ConditionExpression, UpdateExpression: in.UpdateExpression,
		ExpressionAttributeNames: in.ExpressionAttributeNames, ExpressionAttributeValues: in.ExpressionAttributeValues,
	}})
	if in.ReturnValues == types.ReturnValueAllOld {
		return &dynamodb.UpdateItemOutput{Attributes: cloneItem(p.old)}, err
	}
	return &dynamodb.UpdateItemOutput{Attributes: cloneItem(p.new)}, err
}

func (m *Memory) single(ctx context.Context, w types.TransactWriteItem) (prepared, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil {
		return prepared{}, ctx.Err()
	}
	p, err := m.prepare(w)
	if err != nil {
		return prepared{}, err
	}
	if !p.holds {
		return prepared{}, &types.ConditionalCheckFailedException{Item: cloneItem(p.old)}
	}
	return p, p.apply()
}

// fingerprint tells transactions apart that use one token.
func fingerprint(items []types.TransactWriteItem) ([sha256.Size]byte, error) {
	text, err := json.Marshal(items)
	return sha256.Sum256(text), err
}

// TransactWriteItems writes all items or none.
func (m *Memory) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	token := ""
	if in.ClientRequestToken != nil {
		token = *in.ClientRequestToken
	}
	asked, err := fingerprint(in.TransactItems)
	if err != nil {
		return nil, err
	}
	if before, used := m.tokens[token]; used && before == asked {
		return &dynamodb.TransactWriteItemsOutput{}, nil
	} else if used {
		return nil, &types.IdempotentParameterMismatchException{}
	}
	if len(in.TransactItems) > 100 {
		return nil, refuse("a transaction of more than 100 items")
	}
	writes := make([]prepared, len(in.TransactItems))
	reasons := make([]types.CancellationReason, len(in.TransactItems))
	seen, failed := map[string]bool{}, false
	for i, w := range in.TransactItems {
		p, err := m.prepare(w)
		if err != nil {
			return nil, err
		}
		if seen[p.place] {
			return nil, refuse("a transaction with two operations on one item")
		}
		seen[p.place], writes[i] = true, p
		code := "None"
		if !p.holds {
			code, failed = "ConditionalCheckFailed", true
			reasons[i].Item = cloneItem(p.old)
		}
		reasons[i].Code = &code
	}
	if failed {
		return nil, &types.TransactionCanceledException{CancellationReasons: reasons}
	}
	for _, p := range writes {
		if err := p.apply(); err != nil {
			return nil, err
		}
	}
	if token != "" {
		m.tokens[token] = asked
	}
	return &dynamodb.TransactWriteItemsOutput{}, nil
}

// prepared is a write whose condition was looked at.
type prepared struct {
	place    string
	old, new dynamo.Item
	holds    bool
	apply    func() error
}

// write is a transaction's item of any kind, in one shape.
type write struct {
	table, condition, set *string
	names                 map[string]string
	values, key           dynamo.Item
}

func shape(w types.TransactWriteItem) (write, error) {
	switch {
	case w.Put != nil:
		p := w.Put
		return write{p.TableName, p.ConditionExpression, nil, p.ExpressionAttributeNames, p.ExpressionAttributeValues, p.Item}, nil
	case w.Delete != nil:
		d := w.Delete
		return write{d.TableName, d.ConditionExpression, nil, d.ExpressionAttributeNames, d.ExpressionAttributeValues, d.Key}, nil
	case w.Update != nil:
		u := w.Update
		return write{u.TableName, u.ConditionExpression, u.UpdateExpression, u.ExpressionAttributeNames, u.ExpressionAttributeValues, u.Key}, nil
	case w.ConditionCheck != nil:
		c := w.ConditionCheck
		return write{c.TableName, c.ConditionExpression, nil, c.ExpressionAttributeNames, c.ExpressionAttributeValues, c.Key}, nil
	default:
		return write{}, refuse("an empty write")
	}
}

func (m *Memory) prepare(item types.TransactWriteItem) (p prepared, err error) {
	w, err := shape(item)
	if err != nil {
		return p, err
	}
	t, err := m.table(w.table)
	if err != nil {
		return p, err
	}
	pk, sk, err := t.place(w.key)
	if err != nil {
		return p, err
	}
	p.place, p.old, p.holds = *w.table+"\x00"+pk+"\x00"+sk, t.read(pk, sk, true), true
	e := newExpression(p.old, w.names, w.values)
	if w.condition != nil {
		p.holds = e.condition(*w.condition)
	}
	switch {
	case item.Put != nil:
		p.new = item.Put.Item
		p.apply = func() error { return t.store(p.new) }
	case item.Delete != nil:
		p.apply = func() error { return t.drop(w.key) }
	case item.Update != nil:
		if p.new = cloneItem(p.old); p.new == nil {
			p.new = cloneItem(w.key)
		}
		if p.holds {
			e.update(*w.set, p.new)
		} else {
			e.partial = true // the update isn't looked at
		}
		p.apply = func() error { return t.store(p.new) }
	default:
		p.apply = func() error { return nil }
	}
	return p, e.end()
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
