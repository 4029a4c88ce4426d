// Package leases counts the tokens that execution environments took in a window. It is linked into the authorizer.
package leases

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
)

// Updater is the one call that the store makes.
type Updater interface {
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// Store is the leases table.
type Store struct {
	db    Updater
	table string
}

// New makes a store of the named table. Its client should try a call once: a repeated addition counts twice.
func New(db Updater, table string) *Store { return &Store{db: db, table: table} }

// Keep is how long a window's count is kept after its second.
const Keep = 10 * time.Minute

var (
	addUsed = "ADD used :n SET #ttl = :ttl"
	names   = map[string]string{"#ttl": "ttl"}
)

// Take adds n tokens to what is used of a counter ("key_…#map-display") in a window (a Unix second) and returns the
// new sum, n included: what still fits under the limit is the caller's grant. A call whose answer is lost may have
// counted, and counts again when it is repeated: that wastes tokens and never grants one twice.
func (s *Store) Take(ctx context.Context, counter string, window, n int64) (used int64, err error) {
	out, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                &s.table,
		Key:                      dynamo.Item{"pk": dynamo.S(counter), "sk": dynamo.N(window)},
		UpdateExpression:         &addUsed,
		ExpressionAttributeNames: names,
		ExpressionAttributeValues: dynamo.Item{
			":n": dynamo.N(n), ":ttl": dynamo.N(window + int64(Keep/time.Second)),
		},
		ReturnValues: types.ReturnValueUpdatedNew,
	})
	if err != nil {
		return 0, fmt.Errorf("leases: taking tokens: %w", err)
	}
	used, ok := dynamo.GetN(out.Attributes, "used")
	if !ok {
		return 0, fmt.Errorf("%w: a lease without a count", dynamo.ErrUnreadable)
	}
	return used, nil
}
