package counters

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/dynamo"
)

// Aside is a record that Quarantine kept.
type Aside struct {
	ID     string
	At     time.Time // when it was kept
	Record []byte    // as it came
}

// EachAside goes through the records that were kept on a day in UTC.
func (s *Store) EachAside(ctx context.Context, day time.Time, yield func(Aside) error) error {
	input := &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: dynamo.Item{":pk": dynamo.S(asidePK(day))},
	}
	for {
		page, err := s.db.Query(ctx, input)
		if err != nil {
			return fmt.Errorf("counters: what is set aside: %w", err)
		}
		for _, item := range page.Items {
			id, _ := dynamo.GetS(item, "sk")
			record, _ := dynamo.GetS(item, "record")
			at, ok := dynamo.GetN(item, "at")
			a := Aside{ID: id, At: time.UnixMilli(at).UTC(), Record: []byte(record)}
			if !ok {
				a.At = day.UTC()
			}
			if err := yield(a); err != nil {
				return err
			}
		}
		if len(page.LastEvaluatedKey) == 0 {
			return nil
		}
		input.ExclusiveStartKey = page.LastEvaluatedKey
	}
}

func asidePK(day time.Time) string { return "ASIDE#" + day.UTC().Format(time.DateOnly) }
