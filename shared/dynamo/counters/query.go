package counters

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// Range is a span of hours or days, the first included and the last not.
type Range struct {
	From, To time.Time
	Days     bool // read the days' items, not the hours'
}

// KeyRows reads a key's counters in a range. An item that can't be read is reported and left out.
func (s *Store) KeyRows(ctx context.Context, a account.ID, k apikey.ID, r Range) ([]usage.Row, error) {
	rows, err := s.rows(ctx, a, keyPartition(a, k), r)
	for i := range rows {
		rows[i].Key = k
	}
	return rows, err
}

// AccountRows reads an account's counters in a range. They have neither hosts nor secrets. An item that can't be read is
// reported and left out.
func (s *Store) AccountRows(ctx context.Context, a account.ID, r Range) ([]usage.Row, error) {
	return s.rows(ctx, a, accountPartition(a), r)
}

func (s *Store) rows(ctx context.Context, id account.ID, pk string, r Range) ([]usage.Row, error) {
	kind := "H"
	if r.Days {
		kind = "D"
	}
	input := &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :from AND :to"),
		ExpressionAttributeValues: dynamo.Item{
			":pk":   dynamo.S(pk),
			":from": dynamo.S(fmt.Sprintf("%s#%09d", kind, usage.HourOf(r.From))),
			// "#" sorts before every product, so the hour of r.To itself is out.
			":to": dynamo.S(fmt.Sprintf("%s#%09d#", kind, usage.HourOf(r.To.Add(-1))+1)),
		},
	}
	var rows []usage.Row
	for {
		page, err := s.db.Query(ctx, input)
		if err != nil {
			return nil, fmt.Errorf("counters: query: %w", err)
		}
		for _, item := range page.Items {
			row, err := decodeRow(item)
			if err != nil {
				sk, _ := dynamo.GetS(item, "sk")
				s.leaveOut(ctx, id, pk, sk, err)
				continue
			}
			if !row.Start.Before(r.From) && row.Start.Before(r.To) {
				rows = append(rows, row)
			}
		}
		if len(page.LastEvaluatedKey) == 0 {
			return rows, nil
		}
		input.ExclusiveStartKey = page.LastEvaluatedKey
	}
}

func decodeRow(item dynamo.Item) (usage.Row, error) {
	stored, err := decode(item)
	if err != nil {
		return usage.Row{}, err
	}
	sk, _ := dynamo.GetS(item, "sk")
	parts := strings.SplitN(sk, "#", 3)
	var hour usage.Hour
	if len(parts) != 3 {
		return usage.Row{}, fmt.Errorf("counters: %w", dynamo.ErrUnreadable)
	}
	if _, err := fmt.Sscanf(parts[1], "%d", &hour); err != nil {
		return usage.Row{}, fmt.Errorf("counters: %w", dynamo.ErrUnreadable)
	}
	return usage.Row{Start: hour.Start(), Product: product.ID(parts[2]), Counts: stored.Counts}, nil
}

// FreshAt is the time of the newest report of an account that is counted; zero if there was none, or if it can't be read,
// which is reported.
func (s *Store) FreshAt(ctx context.Context, a account.ID) (time.Time, error) {
	p := usage.Item{Kind: usage.CountedUntil, Account: a}
	got, err := s.Read(ctx, []usage.Item{p})
	if errors.Is(err, dynamo.ErrUnreadable) {
		pk, sk := keyOf(p)
		s.leaveOut(ctx, a, pk, sk, err)
		return time.Time{}, nil
	}
	return got[p].At, err
}

// LastUsed finds when each secret of the keys was last used, by usage.HashTag, to the minute.
func (s *Store) LastUsed(ctx context.Context, a account.ID, keys []apikey.ID) (map[apikey.ID]map[string]time.Time, error) {
	out := make(map[apikey.ID]map[string]time.Time, len(keys))
	for len(keys) > 0 {
		n := min(len(keys), MaxItems)
		items := make([]usage.Item, n)
		for i, k := range keys[:n] {
			items[i] = usage.Item{Kind: usage.KeyLastUse, Account: a, Key: k}
		}
		got, err := s.Read(ctx, items)
		if err != nil {
			return nil, err
		}
		for p, stored := range got {
			out[p.Key] = stored.Counts.LastUsed()
		}
		keys = keys[n:]
	}
	return out, nil
}

// Quarantine keeps a stream record that can't be counted, whole and as it came, for a person to look at and to send
// again. id is the record's own, so that a second delivery is the same item.
func (s *Store) Quarantine(ctx context.Context, id, why string, record []byte, now time.Time) error {
	item := dynamo.Item{
		"pk": dynamo.S(asidePK(now)), "sk": dynamo.S(id), "why": dynamo.S(why),
		"at": dynamo.N(now.UnixMilli()), "ttl": dynamo.N(now.Add(usage.KeepHours).Unix()), "record": dynamo.S(string(record)),
	}
	if _, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: item}); err != nil {
		return fmt.Errorf("counters: set aside: %w", err)
	}
	return nil
}
