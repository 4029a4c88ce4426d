package policies

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
)

// Getter is the one call that the authorizer makes on the gate table.
type Getter interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

// Reader reads policy records.
type Reader struct {
	db    Getter
	table string
}

// New makes a reader of the named table.
func New(db Getter, table string) *Reader { return &Reader{db: db, table: table} }

var consistent = true

// Policy reads the record of one secret, strongly consistent. found is false when there is no such secret.
// The error is dynamo.ErrUnreadable for a damaged record, and anything else when the store didn't answer.
func (r *Reader) Policy(ctx context.Context, hash apikey.Hash) (policy authz.Policy, found bool, err error) {
	out, err := r.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.table, Key: Key(hash), ConsistentRead: &consistent})
	if err != nil {
		return authz.Policy{}, false, fmt.Errorf("policies: reading a record: %w", err)
	}
	if len(out.Item) == 0 {
		return authz.Policy{}, false, nil
	}
	policy, err = Decode(out.Item)
	if err == nil && policy.Hash != hash {
		err = fmt.Errorf("%w: policy record of another secret", dynamo.ErrUnreadable)
	}
	return policy, err == nil, err
}
