package statements

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
	"latchkey/shared/usage/statement"
)

// A table that a transaction can't hold has its parts in a partition of its own, which is named by the hash of its bytes. They are put
// there first, and belong to no statement until an item of the month names the partition: that item is written in the transaction. A run that ends before has
// written parts that the next one finds, or, where counters have changed meanwhile, parts of other bytes that nothing names.

// largeVersion is the format of the item that names a partition. A release that doesn't know it says that it can't read the table.
const largeVersion = 2

func (t Table) large() bool { return len(t.parts) > MostParts || t.size > maxTable }

// home names the partition of a large table's parts. Another release may cut the same bytes into other parts.
func (t Table) home(m statement.Month) string {
	return fmt.Sprintf("T#%s#%s#%s#%d", m, t.Account, t.sha, partRows)
}

func (t Table) pointer(m statement.Month) dynamo.Item {
	item := key(monthPK(m), string(t.Account)+"#0000")
	item["v"], item["n"], item["sha256"] = dynamo.N(largeVersion), dynamo.N(int64(t.rows)), dynamo.S(t.sha)
	item["at"], item["parts"] = dynamo.S(t.home(m)), dynamo.N(int64(len(t.parts)))
	return item
}

func partSK(i int) string { return fmt.Sprintf("%06d", i) }

// place puts the parts of a large table, those that aren't there yet.
func (s *Store) place(ctx context.Context, m statement.Month, t Table) error {
	for i, p := range t.parts {
		_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &s.table, Item: t.item(p, t.home(m), partSK(i)), ConditionExpression: aws.String("attribute_not_exists(pk)"),
		})
		var there *types.ConditionalCheckFailedException
		if err != nil && !errors.As(err, &there) {
			return fmt.Errorf("statements: a part of %s: %w", t.Account, err)
		}
	}
	return nil
}

// eachPart goes through the parts of a month behind a place, with the place of each: an item's, or a part's behind that of the item that names it.
func (s *Store) eachPart(ctx context.Context, m statement.Month, prefix, after string, page int32, yield func(at string, item dynamo.Item) (bool, error)) error {
	outer, inner, within := strings.Cut(after, "@")
	if within {
		out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: key(monthPK(m), outer), ConsistentRead: aws.Bool(true)})
		if err != nil {
			return wrap("reading a large table", err)
		}
		last, err := strconv.Atoi(inner)
		if err != nil || last < 0 || len(out.Item) == 0 {
			return dynamo.ErrCursor
		}
		if more, err := s.within(ctx, out.Item, outer, last+1, yield); err != nil || !more {
			return err
		}
	}
	return s.each(ctx, monthPK(m), prefix, outer, page, func(item dynamo.Item) (bool, error) {
		sk, _ := dynamo.GetS(item, "sk")
		if format, _ := dynamo.GetN(item, "v"); format == largeVersion {
			return s.within(ctx, item, sk, 0, yield)
		}
		return yield(sk, item)
	})
}

// within goes through the parts of a large table from a number on. A part that is missing is an error.
func (s *Store) within(ctx context.Context, item dynamo.Item, at string, next int, yield func(at string, item dynamo.Item) (bool, error)) (more bool, err error) {
	home, okHome := dynamo.GetS(item, "at")
	parts, okParts := dynamo.GetN(item, "parts")
	if !okHome || !okParts {
		return false, fmt.Errorf("statements: %w: %s", dynamo.ErrUnreadable, at)
	}
	after := ""
	if next > 0 {
		after = partSK(next - 1)
	}
	more = true
	err = s.each(ctx, home, "", after, 8, func(part dynamo.Item) (bool, error) {
		sk, _ := dynamo.GetS(part, "sk")
		if sk != partSK(next) {
			return false, fmt.Errorf("statements: %w: %s has no part %d", dynamo.ErrUnreadable, at, next)
		}
		next++
		more, err = yield(at+"@"+sk, part)
		return more, err
	})
	if err == nil && more && int64(next) != parts {
		err = fmt.Errorf("statements: %w: %s has %d of %d parts", dynamo.ErrUnreadable, at, next, parts)
	}
	return more, err
}
