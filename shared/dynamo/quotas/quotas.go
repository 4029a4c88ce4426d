// Package quotas is the table by which execution environments share quotas: one item for each limit and month, written as
// package quota asks. It is linked into the authorizer.
package quotas

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
	"latchkey/shared/limiter/quota"
)

// Client is the one call that the store makes.
type Client interface {
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// Store is the quotas table. Its client should try a call once: a repeated one takes calls that nobody makes.
type Store struct {
	db    Client
	table string
}

var _ quota.Store = (*Store)(nil)

// New makes a store of the named table.
func New(db Client, table string) *Store { return &Store{db: db, table: table} }

const (
	// kept is the time that an item stays after its month.
	kept = 40 * 24 * time.Hour
	// monthSum is the attribute of the month's sum; those of the days are d01 to d31.
	monthSum = "m"
)

// Write implements quota.Store.
func (s *Store) Write(ctx context.Context, ask quota.Ask) (quota.Seen, error) {
	input := s.taking(ask)
	if ask.Stamp != 0 {
		input = s.correcting(ask)
	}
	out, err := s.db.UpdateItem(ctx, input)
	var failed *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &failed):
		return seen(failed.Item, ask, false)
	case err != nil:
		return quota.Seen{}, fmt.Errorf("quotas: writing: %w", err)
	default:
		return seen(out.Attributes, ask, true)
	}
}

// adding is an update of the item, without what it does.
func (s *Store) adding(ask quota.Ask) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: key(ask),
		ExpressionAttributeNames: names(ask), ExpressionAttributeValues: values(ask),
		ReturnValues:                        types.ReturnValueAllOld,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// taking is the update that adds to both sums, under the condition that they are small enough.
func (s *Store) taking(ask quota.Ask) *dynamodb.UpdateItemInput {
	set, condition := "SET #ttl = :ttl ADD #m :n, #d :n", ""
	input := s.adding(ask)
	input.UpdateExpression = &set
	bound := func(attribute, value string, most int64) {
		if condition != "" {
			condition += " AND "
		}
		// A sum that isn't there is 0, which may be too much.
		if most < 0 {
			condition += attribute + " <= " + value
		} else {
			condition += "(attribute_not_exists(" + attribute + ") OR " + attribute + " <= " + value + ")"
		}
		input.ExpressionAttributeValues[value] = dynamo.N(most)
	}
	if ask.MonthBound {
		bound("#m", ":mm", ask.MonthMost)
	}
	if ask.DayBound {
		bound("#d", ":dm", ask.DayMost)
	}
	if condition != "" {
		input.ConditionExpression = &condition
	}
	return input
}

// correcting is the update that adds to both sums and stamps a slot, under the condition that its stamp is larger.
func (s *Store) correcting(ask quota.Ask) *dynamodb.UpdateItemInput {
	set, condition := "SET #ttl = :ttl, #k = :k ADD #m :n, #d :n", "attribute_not_exists(#k) OR #k < :k"
	input := s.adding(ask)
	input.UpdateExpression, input.ConditionExpression = &set, &condition
	input.ExpressionAttributeNames["#k"] = slot(ask.Slot)
	input.ExpressionAttributeValues[":k"] = dynamo.N(ask.Stamp)
	return input
}

// key is the item of a limit and the month of a date.
func key(ask quota.Ask) dynamo.Item {
	return dynamo.Item{"pk": dynamo.S(ask.Scope + "#" + ask.Type + "#" + ask.Group), "sk": dynamo.S(ask.Date.Format("2006-01"))}
}

// slot is the attribute of a slot for stamps.
func slot(n int) string { return "k" + strconv.Itoa(n) }

func daySum(date time.Time) string { return "d" + date.Format("02") }

func names(ask quota.Ask) map[string]string {
	return map[string]string{"#m": monthSum, "#d": daySum(ask.Date), "#ttl": "ttl"}
}

func values(ask quota.Ask) dynamo.Item {
	next := time.Date(ask.Date.Year(), ask.Date.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	return dynamo.Item{":n": dynamo.N(ask.N), ":ttl": dynamo.N(next.Add(kept).Unix())}
}

// seen reads an item as it was; no item is no calls.
func seen(item dynamo.Item, ask quota.Ask, applied bool) (quota.Seen, error) {
	month, ok := sum(item, monthSum)
	day, okDay := sum(item, daySum(ask.Date))
	stamp, okStamp := int64(0), true
	if ask.Stamp != 0 {
		stamp, okStamp = sum(item, slot(ask.Slot))
	}
	if !ok || !okDay || !okStamp {
		return quota.Seen{}, fmt.Errorf("%w: quota", dynamo.ErrUnreadable)
	}
	return quota.Seen{Applied: applied, Day: day, Month: month, Stamp: stamp}, nil
}

// sum is a number that may be missing.
func sum(item dynamo.Item, name string) (int64, bool) {
	if _, there := item[name]; !there {
		return 0, true
	}
	return dynamo.GetN(item, name)
}
