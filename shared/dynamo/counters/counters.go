// Package counters keeps what usage folds: the hours and days of keys and accounts, and what each execution
// environment has contributed to them.
package counters

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// Client holds the calls that a Store makes.
type Client interface {
	dynamo.Transactor
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Store reads and writes the counters table.
type Store struct {
	db     Client
	table  string
	report func(ctx context.Context, id account.ID, item string, err error) // nil: nobody is told
}

// New makes a store of the named table.
func New(db Client, table string) *Store { return &Store{db: db, table: table} }

// Reporting returns the store with a place for the items that sums leave out, because they can't be read. An item is
// named by its keys.
func (s *Store) Reporting(report func(ctx context.Context, id account.ID, item string, err error)) *Store {
	told := *s
	told.report = report
	return &told
}

func (s *Store) leaveOut(ctx context.Context, id account.ID, pk, sk string, err error) {
	if s.report != nil {
		s.report(ctx, id, pk+" "+sk, err)
	}
}

// ErrRefused says that DynamoDB will never take these items: one of them is too large or malformed.
var ErrRefused = errors.New("counters: the store refuses the items")

// MaxItems is the most items that Read and Write take: what one batch and one transaction hold.
const MaxItems = 100

// Read gets items, strongly consistent: those that aren't there yet have version 0.
func (s *Store) Read(ctx context.Context, items []usage.Item) (map[usage.Item]usage.Stored, error) {
	out := make(map[usage.Item]usage.Stored, len(items))
	byKey := make(map[string]usage.Item, len(items))
	var keys []map[string]types.AttributeValue
	for _, p := range items {
		if _, twice := out[p]; twice {
			continue
		}
		out[p] = usage.Stored{}
		pk, sk := keyOf(p)
		byKey[pk+"\n"+sk] = p
		keys = append(keys, dynamo.Item{"pk": dynamo.S(pk), "sk": dynamo.S(sk)})
	}
	for attempt := 1; len(keys) > 0; attempt++ {
		got, err := s.db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			s.table: {Keys: keys, ConsistentRead: aws.Bool(true)},
		}})
		if err != nil {
			return nil, fmt.Errorf("counters: read: %w", err)
		}
		for _, item := range got.Responses[s.table] {
			pk, _ := dynamo.GetS(item, "pk")
			sk, _ := dynamo.GetS(item, "sk")
			stored, err := decode(item)
			if err != nil {
				return nil, err
			}
			out[byKey[pk+"\n"+sk]] = stored
		}
		keys = got.UnprocessedKeys[s.table].Keys
		if len(keys) == 0 {
			break
		}
		if err := dynamo.Pause(ctx, attempt); err != nil {
			return nil, fmt.Errorf("counters: read: %w", err)
		}
	}
	return out, nil
}

// Write puts items in one transaction, each on condition that it still has the version before its own. ErrStale says
// that one hasn't: somebody else has counted in between, or this transaction was written by an attempt whose answer
// was lost. Either way the caller reads again and folds again.
func (s *Store) Write(ctx context.Context, items map[usage.Item]usage.Stored) error {
	if len(items) == 0 {
		return nil
	}
	puts := make([]types.TransactWriteItem, 0, len(items))
	for p, stored := range items {
		put := &types.Put{TableName: &s.table, Item: encode(p, stored)}
		if stored.Version == 1 {
			put.ConditionExpression = aws.String("attribute_not_exists(pk)")
		} else {
			put.ConditionExpression = aws.String("v = :before")
			put.ExpressionAttributeValues = dynamo.Item{":before": dynamo.N(stored.Version - 1)}
		}
		puts = append(puts, types.TransactWriteItem{Put: put})
	}
	err := dynamo.Transact(ctx, s.db, rand.Text(), puts)
	var cancelled *dynamo.Cancelled
	if errors.As(err, &cancelled) {
		return dynamo.ErrStale
	}
	switch {
	case err == nil:
		return nil
	case refused(err):
		return fmt.Errorf("%w: %w", ErrRefused, err)
	default:
		return fmt.Errorf("counters: write: %w", err)
	}
}

// refused reports whether an answer is about the items, and not about the store's state or our rights.
func refused(err error) bool {
	var cancelled *types.TransactionCanceledException // with failed conditions it doesn't get here
	var api smithy.APIError
	return errors.As(err, &cancelled) && !errors.Is(err, dynamo.ErrUnknown) && !errors.Is(err, dynamo.ErrConflict) ||
		errors.As(err, &api) && api.ErrorCode() == "ValidationException"
}

// keyOf returns an item's primary key. The items of one key, and of one account, share a partition in the order of
// time.
func keyOf(p usage.Item) (pk, sk string) {
	switch p.Kind {
	case usage.Contributed: // spread by environment: a busy key has many
		return fmt.Sprintf("P#%s#%d", p.Environment, p.Hour), fmt.Sprintf("%s#%s#%s", p.Account, p.Key, p.Product)
	case usage.KeyHour:
		return keyPartition(p.Account, p.Key), sortKey("H", p.Hour, p.Product)
	case usage.KeyDay:
		return keyPartition(p.Account, p.Key), sortKey("D", p.Hour, p.Product)
	case usage.KeyLastUse:
		return keyPartition(p.Account, p.Key), "LAST"
	case usage.AccountHour:
		return accountPartition(p.Account), sortKey("H", p.Hour, p.Product)
	case usage.AccountDay:
		return accountPartition(p.Account), sortKey("D", p.Hour, p.Product)
	default: // usage.CountedUntil
		return accountPartition(p.Account), "FRESH"
	}
}

func keyPartition(a account.ID, k apikey.ID) string { return "K#" + string(a) + "#" + string(k) }
func accountPartition(a account.ID) string          { return "A#" + string(a) }

func sortKey(kind string, h usage.Hour, p product.ID) string {
	return fmt.Sprintf("%s#%09d#%s", kind, h, p)
}

func encode(p usage.Item, s usage.Stored) dynamo.Item {
	pk, sk := keyOf(p)
	item := dynamo.Item{"pk": dynamo.S(pk), "sk": dynamo.S(sk), "v": dynamo.N(s.Version), "c": encodeCounts(s.Counts)}
	if !s.At.IsZero() {
		item["at"] = dynamo.N(s.At.UnixMilli())
	}
	if at := p.Expires(); !at.IsZero() {
		item["ttl"] = dynamo.N(at.Unix())
	}
	return item
}

func encodeCounts(c usage.Counts) types.AttributeValue {
	m := make(dynamo.Item, len(c))
	for d, n := range c {
		m[string(d)] = dynamo.N(n)
	}
	return &types.AttributeValueMemberM{Value: m}
}

func decode(item dynamo.Item) (usage.Stored, error) {
	var s usage.Stored
	version, okVersion := dynamo.GetN(item, "v")
	counts, okCounts := item["c"].(*types.AttributeValueMemberM)
	if !okVersion || !okCounts || version < 1 {
		return s, fmt.Errorf("counters: %w", dynamo.ErrUnreadable)
	}
	if at, ok := dynamo.GetN(item, "at"); ok {
		s.At = time.UnixMilli(at).UTC()
	}
	var err error
	s.Version = version
	s.Counts, err = decodeCounts(counts.Value)
	return s, err
}

func decodeCounts(m dynamo.Item) (usage.Counts, error) {
	c := make(usage.Counts, len(m))
	for name := range m {
		n, ok := dynamo.GetN(m, name)
		if !ok {
			return nil, fmt.Errorf("counters: %w", dynamo.ErrUnreadable)
		}
		c[usage.Dimension(name)] = n
	}
	return c, nil
}
