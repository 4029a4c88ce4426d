// Package leases is the table by which execution environments share a limit: one item for each, written as package
// limiter asks. It is linked into the authorizer.
package leases

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
	"latchkey/shared/limiter"
)

// Updater is the one call that the store makes.
type Updater interface {
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// Store is the leases table. Its client should try a call once: a repeated one wastes tokens, and time.
type Store struct {
	db    Updater
	table string
}

var _ limiter.Store = (*Store)(nil)

// New makes a store of the named table.
func New(db Updater, table string) *Store { return &Store{db: db, table: table} }

// The use and the capacity of a window are kept under names of that window. So one update without a
// choice both opens a window, which starts at nothing, and joins it: adding to an attribute that isn't there starts
// it, and the window before is forgotten either way. What is taken ahead is added under the name of the window after, so a window
// starts at that, whichever release opens it.
const (
	take      = "SET w = :w, age = :age, #c = if_not_exists(#c, :c), #ttl = :ttl REMOVE #u0, #c0 ADD #u :n"
	takeAhead = take + ", #u1 :m"
	isNew     = "attribute_not_exists(pk)"
	follows   = "w = :w OR w = :w0"
)

var zero = dynamo.N(0)

// Take implements limiter.Store.
func (s *Store) Take(ctx context.Context, ask limiter.Ask) (limiter.Seen, error) {
	set, condition := take, follows
	values := dynamo.Item{
		":w": dynamo.N(ask.Window), ":n": dynamo.N(ask.N), ":c": dynamo.N(ask.Capacity),
		":age": dynamo.N(ask.Age.Microseconds()), ":ttl": dynamo.N(ask.Expires.Unix()),
	}
	names := map[string]string{
		"#u": used(ask.Window), "#c": capacity(ask.Window), "#u0": used(ask.Window - 1), "#c0": capacity(ask.Window - 1), "#ttl": "ttl",
	}
	if ask.Create {
		condition = isNew
	} else {
		values[":w0"] = dynamo.N(ask.Window - 1)
	}
	if ask.Ahead > 0 {
		set, names["#u1"], values[":m"] = takeAhead, used(ask.Window+1), dynamo.N(ask.Ahead)
	}
	out, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:        &s.table,
		Key:              dynamo.Item{"pk": dynamo.S(ask.Limit), "sk": zero},
		UpdateExpression: &set, ConditionExpression: &condition,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		ReturnValues:                        types.ReturnValueAllOld,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &failed):
		return seen(failed.Item, false)
	case err != nil:
		return limiter.Seen{}, fmt.Errorf("leases: taking tokens: %w", err)
	case ask.Create:
		return limiter.Seen{Applied: true}, nil // there was nothing, by the condition
	default:
		return seen(out.Attributes, true)
	}
}

// hourKept is the time that the count of an hour is kept after it.
const hourKept = 2 * time.Hour

// Count adds one to a count of an hour and returns the sum. A call whose answer was lost may have counted: the sum is
// never too low.
func (s *Store) Count(ctx context.Context, name string, hour time.Time) (int64, error) {
	set := "SET #ttl = :ttl ADD num :one"
	out, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: dynamo.Item{"pk": dynamo.S(name), "sk": dynamo.N(hour.Unix())}, UpdateExpression: &set,
		ExpressionAttributeNames:  map[string]string{"#ttl": "ttl"},
		ExpressionAttributeValues: dynamo.Item{":ttl": dynamo.N(hour.Add(hourKept).Unix()), ":one": dynamo.N(1)},
		ReturnValues:              types.ReturnValueUpdatedNew,
	})
	if err != nil {
		return 0, fmt.Errorf("leases: counting: %w", err)
	}
	n, ok := dynamo.GetN(out.Attributes, "num")
	if !ok {
		return 0, fmt.Errorf("%w: count", dynamo.ErrUnreadable)
	}
	return n, nil
}

func used(window int64) string     { return "u" + strconv.FormatInt(window, 10) }
func capacity(window int64) string { return "c" + strconv.FormatInt(window, 10) }

// seen reads an item as it was; no item is window 0.
func seen(item dynamo.Item, applied bool) (limiter.Seen, error) {
	if len(item) == 0 {
		return limiter.Seen{Applied: applied}, nil
	}
	window, hasWindow := dynamo.GetN(item, "w")
	age, hasAge := dynamo.GetN(item, "age")
	u, hasUsed := dynamo.GetN(item, used(window))
	c, hasCapacity := dynamo.GetN(item, capacity(window))
	if !hasWindow || !hasAge || !hasUsed || !hasCapacity {
		return limiter.Seen{}, fmt.Errorf("%w: lease", dynamo.ErrUnreadable)
	}
	out := limiter.Seen{Applied: applied, Window: window, Used: u, Capacity: c, Age: time.Duration(age) * time.Microsecond}
	out.Ahead, _ = dynamo.GetN(item, used(window+1))
	if ttl, ok := dynamo.GetN(item, "ttl"); ok {
		out.Expires = time.Unix(ttl, 0).UTC()
	}
	return out, nil
}
