// Package statements keeps the statements of months, so that nothing changes them once they are written: items are put on condition that
// they aren't there yet, in one transaction with how far the statement has come, and never updated or deleted.
package statements

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/moment"
	"latchkey/shared/usage/statement"
)

// Client holds the calls that a Store makes.
type Client interface {
	dynamo.Transactor
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Store is the statements table.
type Store struct {
	db    Client
	table string
}

// New makes a store of the named table.
func New(db Client, table string) *Store { return &Store{db: db, table: table} }

// Status tells statements apart by how far they have come.
type Status string

// The statuses. While a statement is being written, people are still shown the counters.
const (
	Open    Status = "open"
	Writing Status = "writing"
	Final   Status = "final"
)

// State is the state of a month's statement.
type State struct {
	Month   statement.Month
	Version int64 // 0 for a month that nobody has begun to watch
	Status  Status
	Columns []string   // of the table; none while it is open
	After   account.ID // the last account that is written; accounts are written in the order of their IDs
	SHA256  string     // of all bytes of a final statement, in hexadecimal
	Rows    int64
	Ended   time.Time // when it became final
	Over    bool      // an admin had it written although something was left
	// Left are accounts up to After whose rows aren't in it: of a statement that is being written, because they couldn't be made yet; of a final one,
	// because an admin had it written over them.
	Left []account.ID
}

// Has reports whether the rows of an account are written, which nothing changes any more.
func (s State) Has(id account.ID) bool {
	return (s.Status == Final || s.Status == Writing && id <= s.After) && !slices.Contains(s.Left, id)
}

const (
	statesPK = "STATEMENTS"
	version  = 1
	// leavingVersion is the format of the state of a statement that is being written and lacks accounts.
	leavingVersion = 2
)

func key(pk, sk string) dynamo.Item { return dynamo.Item{"pk": dynamo.S(pk), "sk": dynamo.S(sk)} }

func encodeState(s State) dynamo.Item {
	item := key(statesPK, s.Month.String())
	item["v"], item["version"], item["status"] = dynamo.N(version), dynamo.N(s.Version), dynamo.S(string(s.Status))
	item["after"], item["sha256"], item["rows"] = dynamo.S(string(s.After)), dynamo.S(s.SHA256), dynamo.N(s.Rows)
	item["ended_at"], item["over"] = dynamo.S(moment.Format(s.Ended)), dynamo.Bool(s.Over)
	item["columns"] = dynamo.S(strings.Join(s.Columns, ","))
	if len(s.Left) > 0 {
		left := make([]types.AttributeValue, len(s.Left))
		for i, id := range s.Left {
			left[i] = dynamo.S(string(id))
		}
		item["left"] = &types.AttributeValueMemberL{Value: left}
		if s.Status != Final { // a release that doesn't know them would end the statement without them
			item["v"] = dynamo.N(leavingVersion)
		}
	}
	return item
}

func decodeState(item dynamo.Item) (s State, err error) {
	format, _ := dynamo.GetN(item, "v")
	sk, _ := dynamo.GetS(item, "sk")
	n, okVersion := dynamo.GetN(item, "version")
	status, _ := dynamo.GetS(item, "status")
	after, _ := dynamo.GetS(item, "after")
	sum, _ := dynamo.GetS(item, "sha256")
	rows, okRows := dynamo.GetN(item, "rows")
	ended, _ := dynamo.GetS(item, "ended_at")
	columns, _ := dynamo.GetS(item, "columns")
	s = State{Version: n, Status: Status(status), After: account.ID(after), SHA256: sum, Rows: rows}
	var bad error
	if s.Month, bad = statement.ParseMonth(sk); bad != nil || format != version && format != leavingVersion || !okVersion || !okRows ||
		s.Status != Open && s.Status != Writing && s.Status != Final {
		return s, fmt.Errorf("statements: %w: %s", dynamo.ErrUnreadable, sk)
	}
	if s.Ended, bad = dynamo.ParseTime(ended); bad != nil {
		return s, fmt.Errorf("statements: %w: %s", dynamo.ErrUnreadable, sk)
	}
	if columns != "" {
		s.Columns = strings.Split(columns, ",")
	}
	if left, ok := item["left"].(*types.AttributeValueMemberL); ok {
		for _, value := range left.Value {
			id, ok := value.(*types.AttributeValueMemberS)
			if !ok {
				return s, fmt.Errorf("statements: %w: %s", dynamo.ErrUnreadable, sk)
			}
			s.Left = append(s.Left, account.ID(id.Value))
		}
	}
	if over, ok := item["over"].(*types.AttributeValueMemberBOOL); ok {
		s.Over = over.Value
	}
	return s, nil
}

// State reads the state of a month: open, and of version 0, where nobody has begun to watch it.
func (s *Store) State(ctx context.Context, m statement.Month) (State, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: key(statesPK, m.String()), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return State{}, fmt.Errorf("statements: reading a state: %w", err)
	}
	if len(out.Item) == 0 {
		return State{Month: m, Status: Open}, nil
	}
	return decodeState(out.Item)
}

// States lists the months that are watched, the oldest first. One that can't be read is left out of the list, which has all others, and the error is
// dynamo.ErrUnreadable.
func (s *Store) States(ctx context.Context) (list []State, err error) {
	var unreadable error
	err = s.each(ctx, statesPK, "", "", 0, func(item dynamo.Item) (bool, error) {
		state, err := decodeState(item)
		if err != nil {
			unreadable = errors.Join(unreadable, err)
		} else {
			list = append(list, state)
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return list, unreadable
}

// each goes through items of a partition behind a place, until yield says that it is enough. page is how many are read at once; 0 for as many
// as DynamoDB gives.
func (s *Store) each(ctx context.Context, pk, prefix, after string, page int32, yield func(dynamo.Item) (bool, error)) error {
	input := &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: dynamo.Item{":pk": dynamo.S(pk)},
	}
	if page > 0 {
		input.Limit = &page
	}
	if prefix != "" {
		input.KeyConditionExpression = aws.String("pk = :pk AND begins_with(sk, :prefix)")
		input.ExpressionAttributeValues[":prefix"] = dynamo.S(prefix)
	}
	if after != "" {
		input.ExclusiveStartKey = key(pk, after)
	}
	for {
		out, err := s.db.Query(ctx, input)
		if err != nil {
			return fmt.Errorf("statements: query: %w", err)
		}
		for _, item := range out.Items {
			if more, err := yield(item); err != nil || !more {
				return err
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return nil
		}
		input.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// MostParts is the most parts that one Save takes, of all accounts together.
const MostParts = 90

// Save replaces a month's state and adds the tables of accounts, in one transaction; of a large table, what names its parts, which are put before. dynamo.ErrStale when the state isn't as it was read:
// another run has come further, or this one's answer was lost. A final statement takes nothing more.
func (s *Store) Save(ctx context.Context, before, after State, tables ...Table) (State, error) {
	after.Month, after.Version = before.Month, before.Version+1
	if before.Status == Final {
		return before, dynamo.ErrStale
	}
	put := &types.Put{TableName: &s.table, Item: encodeState(after)}
	if before.Version == 0 {
		put.ConditionExpression = aws.String("attribute_not_exists(pk)")
	} else {
		put.ConditionExpression = aws.String("version = :before")
		put.ExpressionAttributeValues = dynamo.Item{":before": dynamo.N(before.Version)}
	}
	writes := []types.TransactWriteItem{{Put: put}}
	for _, t := range tables {
		if t.large() {
			if err := s.place(ctx, before.Month, t); err != nil {
				return before, err
			}
		}
		for _, item := range t.items(after.Month) {
			writes = append(writes, types.TransactWriteItem{Put: &types.Put{
				TableName: &s.table, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)"),
			}})
		}
		if t.carried.added {
			writes = append(writes, types.TransactWriteItem{Put: t.carried.put(&s.table, t.Account)})
		}
	}
	err := dynamo.Transact(ctx, s.db, rand.Text(), writes)
	var cancelled *dynamo.Cancelled
	switch {
	case err == nil:
		return after, nil
	case errors.As(err, &cancelled):
		return before, dynamo.ErrStale
	default:
		return before, fmt.Errorf("statements: saving %s: %w", after.Month, err)
	}
}
