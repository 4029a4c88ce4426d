package quotas

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
	"latchkey/shared/limiter/quota"
)

// BatchClient is the one call that a reader makes.
type BatchClient interface {
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
}

// Reader reads the quotas table for those who show it.
type Reader struct {
	db    BatchClient
	table string
}

// NewReader makes a reader of the named table.
func NewReader(db BatchClient, table string) *Reader { return &Reader{db: db, table: table} }

// maxBatch is the number of items that one batch may read.
const maxBatch = 100

// Taken reads how many calls are taken out of the quotas of some names in the day and the month of a time, strongly consistent. One
// whose item can't be read is left out.
func (r *Reader) Taken(ctx context.Context, at time.Time, names []quota.Name) (map[quota.Name]quota.Seen, error) {
	date := at.UTC().Truncate(24 * time.Hour)
	out, byKey := make(map[quota.Name]quota.Seen, len(names)), make(map[string]quota.Ask, len(names))
	var keys []map[string]types.AttributeValue
	for _, name := range names {
		if _, twice := out[name]; twice {
			continue
		}
		out[name] = quota.Seen{}
		ask := quota.Ask{Name: name, Date: date}
		k := key(ask)
		pk, _ := dynamo.GetS(k, "pk")
		byKey[pk], keys = ask, append(keys, k)
	}
	for attempt := 1; len(keys) > 0; attempt++ {
		batch := keys[:min(len(keys), maxBatch)]
		got, err := r.db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			r.table: {Keys: batch, ConsistentRead: aws.Bool(true)},
		}})
		if err != nil {
			return nil, fmt.Errorf("quotas: reading: %w", err)
		}
		for _, item := range got.Responses[r.table] {
			pk, _ := dynamo.GetS(item, "pk")
			ask := byKey[pk]
			if out[ask.Name], err = seen(item, ask, false); err != nil {
				delete(out, ask.Name)
			}
		}
		again := got.UnprocessedKeys[r.table].Keys
		keys = append(keys[len(batch):], again...)
		if len(again) == 0 {
			continue
		}
		if err := dynamo.Pause(ctx, attempt); err != nil {
			return nil, fmt.Errorf("quotas: reading: %w", err)
		}
	}
	return out, nil
}
