// Package control keeps accounts, their people, their keys and the audit trail, and writes the gate's records in the same
// transaction as the key that they mirror. No other package knows the items of the control table.
//
// Every change is one transaction that carries its own audit row. The row's ID must be new for each attempt of a
// caller to change something: it is what a lost answer is looked up by.
package control

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
)

// DB lists the methods of DynamoDB that the store calls; *dynamodb.Client has them.
type DB interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Store is the control table, and the gate table's writer.
type Store struct {
	db      DB
	control string
	gate    string
	report  func(context.Context, Unreadable) // nil: nobody is told
	decided bool                              // see afterDecision
}

// New makes a store of the two named tables. A function that writes no key may leave gate empty.
func New(db DB, controlTable, gateTable string) *Store {
	return &Store{db: db, control: controlTable, gate: gateTable}
}

// index is a secondary index of the table, by two attributes of its own. It is eventually consistent.
type index struct{ name, pk, sk string }

var (
	lookup  = &index{"lookup", "gpk", "gsk"}
	byNames = &index{"names", "npk", "nsk"} // keys by name; it has their places alone
)

// op is one item of a transaction, and what it means when its condition doesn't hold.
type op struct {
	item   types.TransactWriteItem
	failed func(old dynamo.Item) error
}

// cond is a condition with its names and values.
type cond struct {
	text   string
	names  map[string]string
	values dynamo.Item
}

func (c cond) valuesOrNil() dynamo.Item {
	if len(c.values) == 0 {
		return nil
	}
	return c.values
}

var (
	isNew  = cond{text: "attribute_not_exists(pk)"}
	exists = cond{text: "attribute_exists(pk)"}
	// whatever holds always: each write states a condition.
	whatever = cond{text: "attribute_exists(pk) OR attribute_not_exists(pk)"}
)

const allOld = types.ReturnValuesOnConditionCheckFailureAllOld

// always answers a failed condition with one error.
func always(err error) func(dynamo.Item) error { return func(dynamo.Item) error { return err } }

// gone tells a missing item from one that is there but not as expected.
func gone(otherwise error) func(dynamo.Item) error {
	return func(old dynamo.Item) error {
		if len(old) == 0 {
			return dynamo.ErrNotFound
		}
		return otherwise
	}
}

// counted tells a guard that is missing, or whose numbers can't be read, from one whose count doesn't allow a write.
func counted(otherwise error, numbers ...string) func(dynamo.Item) error {
	return func(old dynamo.Item) error {
		if len(old) == 0 {
			return dynamo.ErrNotFound
		}
		for _, name := range append(numbers, "num") {
			if _, ok := dynamo.GetN(old, name); !ok {
				return errCount
			}
		}
		return otherwise
	}
}

var errCount = fmt.Errorf("%w: a guard without its number", dynamo.ErrUnreadable)

func put(table string, item dynamo.Item, c cond, failed func(dynamo.Item) error) op {
	return op{failed: failed, item: types.TransactWriteItem{Put: &types.Put{
		TableName: &table, Item: item, ConditionExpression: &c.text, ExpressionAttributeNames: c.names,
		ExpressionAttributeValues: c.valuesOrNil(), ReturnValuesOnConditionCheckFailure: allOld,
	}}}
}

func remove(table string, key dynamo.Item, c cond, failed func(dynamo.Item) error) op {
	return op{failed: failed, item: types.TransactWriteItem{Delete: &types.Delete{
		TableName: &table, Key: key, ConditionExpression: &c.text, ExpressionAttributeNames: c.names,
		ExpressionAttributeValues: c.valuesOrNil(), ReturnValuesOnConditionCheckFailure: allOld,
	}}}
}

func check(table string, key dynamo.Item, c cond, failed func(dynamo.Item) error) op {
	return op{failed: failed, item: types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &table, Key: key, ConditionExpression: &c.text, ExpressionAttributeNames: c.names,
		ExpressionAttributeValues: c.valuesOrNil(), ReturnValuesOnConditionCheckFailure: allOld,
	}}}
}

func update(table string, key dynamo.Item, set string, c cond, failed func(dynamo.Item) error) op {
	return op{failed: failed, item: types.TransactWriteItem{Update: &types.Update{
		TableName: &table, Key: key, UpdateExpression: &set, ConditionExpression: &c.text,
		ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.valuesOrNil(),
		ReturnValuesOnConditionCheckFailure: allOld,
	}}}
}

var errNoRowID = errors.New("control: a mutation without an audit row")

// write does all ops and the audit row, or nothing, and on condition that the person in the row still has the role that the row
// names (actor.go). Where several conditions fail, the first op decides the error.
func (s *Store) write(ctx context.Context, row audit.Row, ops ...op) error {
	return s.writeAs(ctx, row.ID, row, ops...)
}

// writeAs is write with a token of its own, for a second transaction of one attempt: where the first was cancelled, the row's ID
// is still free, and the token isn't.
func (s *Store) writeAs(ctx context.Context, token string, row audit.Row, ops ...op) error {
	if row.ID == "" {
		return errNoRowID
	}
	record := encodeAudit(row)
	written := func(dynamo.Item) error { return s.resolve(ctx, record, dynamo.ErrExists) }
	ops = append(append([]op{put(s.control, record, isNew, written)}, s.actorStill(row, ops)...), ops...)
	err := s.transact(ctx, token, ops)
	if errors.Is(err, dynamo.ErrUnknown) {
		return s.resolve(ctx, record, err)
	}
	return err
}

// unaudited does all ops, or nothing, without an audit row: for what changes nothing that an audit trail tells of. what says in an error
// what it is. A lost answer is asked for again, and is [dynamo.ErrUnknown] if none comes.
func (s *Store) unaudited(ctx context.Context, what string, ops ...op) error {
	if err := s.transact(ctx, rand.Text(), ops); err != nil {
		return fmt.Errorf("control: %s: %w", what, err)
	}
	return nil
}

// transact does all ops or nothing. Of several conditions that don't hold, the first op decides the error.
func (s *Store) transact(ctx context.Context, token string, ops []op) error {
	items := make([]types.TransactWriteItem, len(ops))
	for i, o := range ops {
		items[i] = o.item
	}
	err := dynamo.Transact(ctx, s.db, token, items)
	var cancelled *dynamo.Cancelled
	if !errors.As(err, &cancelled) {
		return err
	}
	for i, reason := range cancelled.Reasons {
		if reason.Failed && i < len(ops) {
			return ops[i].failed(reason.Old)
		}
	}
	return fmt.Errorf("control: %w", cancelled)
}

// resolveTimeout bounds the question whether a write happened, which is asked even when the caller has gone.
const resolveTimeout = time.Second

// resolve finds out by the audit row whether this write happened after all; if not, it returns otherwise.
func (s *Store) resolve(ctx context.Context, record dynamo.Item, otherwise error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveTimeout)
	defer cancel()
	stored, err := s.get(ctx, dynamo.Item{"pk": record["pk"], "sk": record["sk"]})
	if err == nil && reflect.DeepEqual(stored, record) {
		return nil
	}
	if err != nil && !errors.Is(err, dynamo.ErrNotFound) {
		return fmt.Errorf("%w: %w", dynamo.ErrUnknown, err)
	}
	return otherwise
}

var consistent = true

// get reads one item of the control table, strongly consistent.
func (s *Store) get(ctx context.Context, key dynamo.Item) (dynamo.Item, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.control, Key: key, ConsistentRead: &consistent})
	if err != nil {
		return nil, fmt.Errorf("control: reading: %w", err)
	}
	if len(out.Item) == 0 {
		return nil, dynamo.ErrNotFound
	}
	return out.Item, nil
}

// query describes a range of one partition, of the table or of an index.
type query struct {
	index   *index // nil for the table
	pk      string
	prefix  string      // of the sort key
	below   string      // sort keys below this one
	above   string      // sort keys above this one
	start   dynamo.Item // continue after this item
	reverse bool
	only    []string // the attributes to read; none for all
	limit   int32    // items read per call; 0 is DynamoDB's megabyte
	most    int32    // items read in all; 0 for no bound
}

// each calls yield for every item of the range, or for the first most of them, until it returns false.
func (s *Store) each(ctx context.Context, q query, yield func(dynamo.Item) (bool, error)) error {
	forward := !q.reverse
	input := &dynamodb.QueryInput{TableName: &s.control, ScanIndexForward: &forward, ExclusiveStartKey: q.start}
	pk, sk := "pk", "sk"
	if q.index != nil {
		pk, sk, input.IndexName = q.index.pk, q.index.sk, &q.index.name
	} else {
		input.ConsistentRead = &consistent
	}
	if q.limit > 0 {
		input.Limit = &q.limit
	}
	text := "#p = :p"
	input.ExpressionAttributeNames = map[string]string{"#p": pk}
	input.ExpressionAttributeValues = dynamo.Item{":p": dynamo.S(q.pk)}
	switch {
	case q.prefix != "":
		text += " AND begins_with(#s, :s)"
		input.ExpressionAttributeNames["#s"] = sk
		input.ExpressionAttributeValues[":s"] = dynamo.S(q.prefix)
	case q.below != "":
		text += " AND #s < :s"
		input.ExpressionAttributeNames["#s"] = sk
		input.ExpressionAttributeValues[":s"] = dynamo.S(q.below)
	case q.above != "":
		text += " AND #s > :s"
		input.ExpressionAttributeNames["#s"] = sk
		input.ExpressionAttributeValues[":s"] = dynamo.S(q.above)
	}
	input.KeyConditionExpression = &text
	if len(q.only) > 0 {
		var names []string
		for i, attribute := range q.only {
			names = append(names, "#a"+strconv.Itoa(i))
			input.ExpressionAttributeNames[names[i]] = attribute
		}
		projection := strings.Join(names, ", ")
		input.ProjectionExpression = &projection
	}
	for left := q.most; ; {
		if q.most > 0 && (q.limit == 0 || left < q.limit) {
			part := left
			input.Limit = &part
		}
		out, err := s.db.Query(ctx, input)
		if err != nil {
			return badPlace(err, q.start)
		}
		for _, item := range out.Items {
			if more, err := yield(item); err != nil || !more {
				return err
			}
		}
		if left -= int32(len(out.Items)); len(out.LastEvaluatedKey) == 0 || q.most > 0 && left <= 0 {
			return nil
		}
		input.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// badPlace tells a place that DynamoDB refuses, as that of an item which isn't of the list, from a breakdown.
func badPlace(err error, start dynamo.Item) error {
	var answer smithy.APIError
	if len(start) > 0 && errors.As(err, &answer) && answer.ErrorCode() == "ValidationException" {
		return fmt.Errorf("control: listing: %w", dynamo.ErrCursor)
	}
	return fmt.Errorf("control: listing: %w", err)
}
