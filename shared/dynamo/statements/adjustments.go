package statements

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/moment"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

// Adjustment holds calls of an account that were found to be counted after the statement of their month was written.
type Adjustment struct {
	Account account.ID
	Of      statement.Month // the month of the calls
	Number  int             // 1 for the account's first of that month
	In      statement.Month // the month in which it came, in whose statement it stands
	Rows    []statement.Row
}

func adjustmentPK(id account.ID) string { return "ADJ#" + string(id) }

// MostAdjusted bounds the rows of an adjustment, which is one item. What has more is several adjustments.
const MostAdjusted = partRows

// Adjust adds an adjustment. dynamo.ErrExists when the account has one of this month and number already.
func (s *Store) Adjust(ctx context.Context, a Adjustment) error {
	item := key(adjustmentPK(a.Account), fmt.Sprintf("%s#%04d", a.Of, a.Number))
	columns := statement.Columns()
	item["v"], item["in"], item["columns"] = dynamo.N(version), dynamo.S(a.In.String()), dynamo.S(string(statement.Line(columns)))
	item["z"] = &types.AttributeValueMemberB{Value: pack(statement.Encode(columns, a.In, a.Rows))}
	_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)")})
	var failed *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &failed):
		return dynamo.ErrExists
	case err != nil:
		return fmt.Errorf("statements: adjusting: %w", err)
	default:
		return nil
	}
}

// Adjustments lists those of an account, of all months.
func (s *Store) Adjustments(ctx context.Context, id account.ID) (list []Adjustment, err error) {
	err = s.each(ctx, adjustmentPK(id), "", "", 0, func(item dynamo.Item) (bool, error) {
		a, err := decodeAdjustment(id, item)
		list = append(list, a)
		return err == nil, err
	})
	return list, err
}

func decodeAdjustment(id account.ID, item dynamo.Item) (Adjustment, error) {
	a := Adjustment{Account: id}
	sk, _ := dynamo.GetS(item, "sk")
	in, _ := dynamo.GetS(item, "in")
	line, _ := dynamo.GetS(item, "columns")
	text, err := partOf(item)
	if err != nil {
		return a, err
	}
	unreadable := fmt.Errorf("statements: %w: adjustment %s", dynamo.ErrUnreadable, sk)
	if len(sk) < len("2026-11#0001") {
		return a, unreadable
	}
	if a.Of, err = statement.ParseMonth(sk[:7]); err != nil {
		return a, unreadable
	}
	if _, err := fmt.Sscanf(sk[8:], "%d", &a.Number); err != nil {
		return a, unreadable
	}
	if a.In, err = statement.ParseMonth(in); err != nil {
		return a, unreadable
	}
	columns, err := statement.ReadLine(line)
	if err != nil {
		return a, unreadable
	}
	if a.Rows, err = statement.Decode(columns, text); err != nil {
		return a, unreadable
	}
	return a, nil
}

// cameIn picks the rows of the adjustments that came in a month, sorted: of each month and place one.
func cameIn(m statement.Month, list []Adjustment) []statement.Row {
	var rows [][]statement.Row
	for _, a := range list {
		if a.In == m {
			rows = append(rows, a.Rows)
		}
	}
	return statement.Join(rows...)
}

const (
	settledPK = "SETTLED"
	missingPK = "MISSING"
	sweptPK   = "SWEPT"
	// keepMarks is longer than any month should wait for its statement: as long as the counters of its days.
	keepMarks = usage.KeepDays
)

// Settle notes that a record that was left aside is counted.
func (s *Store) Settle(ctx context.Context, id string, now time.Time) error {
	item := key(settledPK, id)
	item["ttl"] = dynamo.N(now.Add(keepMarks).Unix())
	return s.note(ctx, item)
}

// Settled lists what Settle noted.
func (s *Store) Settled(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	err := s.each(ctx, settledPK, "", "", 0, func(item dynamo.Item) (bool, error) {
		id, _ := dynamo.GetS(item, "sk")
		out[id] = true
		return true, nil
	})
	return out, err
}

// Missed is a report, or a record that was set aside, about a month that isn't counted.
type Missed struct {
	ID     string
	At     time.Time   // when it was noted; zero in notes of releases before
	Report dynamo.Item // as the table of reports had it; none in notes of releases before
}

// Miss notes what isn't counted. The note outlives it in its own table. Noted again, it is kept for as long again.
func (s *Store) Miss(ctx context.Context, m statement.Month, missed Missed) error {
	item := key(missingPK+"#"+m.String(), missed.ID)
	item["report"] = &types.AttributeValueMemberM{Value: missed.Report}
	item["at"], item["ttl"] = dynamo.N(missed.At.UnixMilli()), dynamo.N(missed.At.Add(keepMarks).Unix())
	return s.note(ctx, item)
}

// EachMissing goes through what Miss noted about a month, and ends with the first error.
func (s *Store) EachMissing(ctx context.Context, m statement.Month, yield func(Missed) error) error {
	return s.each(ctx, missingPK+"#"+m.String(), "", "", 0, func(item dynamo.Item) (bool, error) {
		var one Missed
		one.ID, _ = dynamo.GetS(item, "sk")
		if report, ok := item["report"].(*types.AttributeValueMemberM); ok {
			one.Report = report.Value
		}
		if at, ok := dynamo.GetN(item, "at"); ok {
			one.At = time.UnixMilli(at).UTC()
		}
		return true, yield(one)
	})
}

// Sweep is the progress of comparing reports with the counters.
type Sweep struct {
	Began time.Time // zero: not yet
	After string    // the last report that was compared
	Done  bool
}

// Swept names what is gone through, and how far that has come is kept.
type Swept string

// Daily is the comparison of all reports that are there, begun again each day.
const Daily Swept = "daily"

// SweptFinal is that of those that are there when its statement is final.
func SweptFinal(m statement.Month) Swept { return Swept(m.String() + "#final") }

// SweptAsides is the look at what was set aside before an admin closed the month.
func SweptAsides(m statement.Month) Swept { return Swept(m.String() + "#asides") }

// Sweep reads how far something has been gone through. One that can't be read begins again.
func (s *Store) Sweep(ctx context.Context, of Swept) (w Sweep, err error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: key(sweptPK, string(of)), ConsistentRead: aws.Bool(true)})
	if err != nil || len(out.Item) == 0 {
		return w, wrap("reading a sweep", err)
	}
	began, _ := dynamo.GetS(out.Item, "began_at")
	w.After, _ = dynamo.GetS(out.Item, "after")
	if done, ok := out.Item["done"].(*types.AttributeValueMemberBOOL); ok {
		w.Done = done.Value
	}
	if w.Began, err = dynamo.ParseTime(began); err != nil {
		return Sweep{}, nil //nolint:nilerr // it begins again
	}
	return w, nil
}

// SaveSweep notes how far something has been gone through. Of two runs at once either may be the last: what one has compared
// needn't be compared again.
func (s *Store) SaveSweep(ctx context.Context, of Swept, w Sweep) error {
	item := key(sweptPK, string(of))
	item["began_at"], item["after"], item["done"] = dynamo.S(moment.Format(w.Began)), dynamo.S(w.After), dynamo.Bool(w.Done)
	return s.note(ctx, item)
}

func (s *Store) note(ctx context.Context, item dynamo.Item) error {
	_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: item})
	return wrap("writing a note", err)
}

func wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("statements: %s: %w", what, err)
	}
	return nil
}
