package policies

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
)

// Getter is the one call that the authorizer makes on the gate table.
type Getter interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

// Reader reads policy records and account records.
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
	item, err := r.get(ctx, Key(hash))
	if err != nil || len(item) == 0 {
		return authz.Policy{}, false, err
	}
	policy, err = Decode(item)
	if err == nil && policy.Hash != hash {
		err = fmt.Errorf("%w: policy record of another secret", dynamo.ErrUnreadable)
	}
	return policy, err == nil, err
}

// Account reads an account's record, strongly consistent. found is false for an account that has none: it is not
// suspended. The error is dynamo.ErrUnreadable for a damaged record, and anything else when the store didn't answer.
func (r *Reader) Account(ctx context.Context, id account.ID) (a authz.Account, found bool, err error) {
	item, err := r.get(ctx, AccountKey(id))
	if err != nil || len(item) == 0 {
		return authz.Account{}, false, err
	}
	a, err = DecodeAccount(item)
	if err == nil && a.ID != id {
		err = fmt.Errorf("%w: record of another account", dynamo.ErrUnreadable)
	}
	return a, err == nil, err
}

func (r *Reader) get(ctx context.Context, key dynamo.Item) (dynamo.Item, error) {
	out, err := r.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.table, Key: key, ConsistentRead: &consistent})
	if err != nil {
		return nil, fmt.Errorf("policies: reading a record: %w", err)
	}
	return out.Item, nil
}
