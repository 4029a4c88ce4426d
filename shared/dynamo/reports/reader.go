package reports

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/dynamo"
	"latchkey/shared/usage"
)

// Scanner is the one call that a Reader makes.
type Scanner interface {
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// Reader reads the slices table itself, not its stream.
type Reader struct {
	db    Scanner
	table string
}

// NewReader makes a reader of the named table.
func NewReader(db Scanner, table string) *Reader { return &Reader{db: db, table: table} }

// Each goes through all reports that are in the table, but perhaps those of the last moments, in no order, behind the one of an ID; "" for all. A report that can't be read comes
// with its error. done is called behind each page of them, with the ID of its last, and ends the walk by its error.
func (r *Reader) Each(ctx context.Context, after string, yield func(id string, report usage.Report, err error) error, done func(after string) error) error {
	input := &dynamodb.ScanInput{TableName: &r.table} // not consistent, which costs half and leaves the partitions to those that write
	if pk, sk, ok := strings.Cut(after, " "); ok {
		input.ExclusiveStartKey = dynamo.Item{"pk": dynamo.S(pk), "sk": dynamo.S(sk)}
	}
	for {
		page, err := r.db.Scan(ctx, input)
		if err != nil {
			return fmt.Errorf("reports: scan: %w", err)
		}
		for _, item := range page.Items {
			report, unreadable := Decode(item)
			if err := yield(idOf(item), report, unreadable); err != nil {
				return err
			}
		}
		if len(page.LastEvaluatedKey) == 0 {
			return nil
		}
		input.ExclusiveStartKey = page.LastEvaluatedKey
		if err := done(idOf(page.LastEvaluatedKey)); err != nil {
			return err
		}
	}
}

// ID is the one that [Reader.Each] has of a report.
func ID(r usage.Report) string {
	return idOf(Encode(usage.Report{Environment: r.Environment, Sequence: r.Sequence, Part: r.Part}))
}

// idOf names a report by its keys: environments' names have no blanks.
func idOf(item dynamo.Item) string {
	pk, _ := dynamo.GetS(item, "pk")
	sk, _ := dynamo.GetS(item, "sk")
	return pk + " " + sk
}
