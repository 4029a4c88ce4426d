package quotas

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
	"latchkey/shared/limiter/quota"
)

// Filler raises sums of the quotas table that are less than they must have been: those of a table that was lost, or restored to an older instant.
type Filler struct {
	db    Client
	table string
}

// NewFiller makes a filler of the named table.
func NewFiller(db Client, table string) *Filler { return &Filler{db: db, table: table} }

// Fill makes the sums of a name in the month and the day of ask at least what is given, and reports whether one was less. It lowers nothing, and
// what is taken meanwhile counts beside it. It is safe to repeat.
func (f *Filler) Fill(ctx context.Context, ask quota.Ask, month, day int64) (raised bool, err error) {
	for _, one := range []struct {
		attribute string
		least     int64
	}{{monthSum, month}, {daySum(ask.Date), day}} {
		if one.least <= 0 {
			continue
		}
		did, err := f.raise(ctx, ask, one.attribute, one.least)
		if err != nil {
			return raised, err
		}
		raised = raised || did
	}
	return raised, nil
}

func (f *Filler) raise(ctx context.Context, ask quota.Ask, attribute string, least int64) (bool, error) {
	set, condition := "SET #ttl = :ttl, #a = :n", "attribute_not_exists(#a) OR #a < :n"
	ask.N = least
	_, err := f.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &f.table, Key: key(ask), UpdateExpression: &set, ConditionExpression: &condition,
		ExpressionAttributeNames: map[string]string{"#a": attribute, "#ttl": "ttl"}, ExpressionAttributeValues: values(ask),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &failed):
		if _, readable := sum(failed.Item, attribute); !readable {
			return false, fmt.Errorf("%w: quota", dynamo.ErrUnreadable)
		}
		return false, nil
	case err != nil:
		return false, fmt.Errorf("quotas: filling: %w", err)
	}
	return true, nil
}
