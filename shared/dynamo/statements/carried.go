package statements

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/usage/statement"
)

// An adjustment is in the statement of the month in which it came. Where that was closed without the account's rows, it is carried into the next one
// that is written of the account: an item of the account's lists what is carried, and is put in the transaction that writes the rows.

// Carried lists the adjustments of an account that stand in the statement of a later month than the one in which they came.
type Carried struct {
	version int64
	to      map[string]statement.Month // by Adjustment.name
	added   bool
}

func carriedKey(id account.ID) dynamo.Item { return key("CARRIED#"+string(id), "1") }

// name is an adjustment's among those of its account.
func (a Adjustment) name() string { return fmt.Sprintf("%s#%04d", a.Of, a.Number) }

func (s *Store) carried(ctx context.Context, id account.ID) (c Carried, err error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: carriedKey(id), ConsistentRead: aws.Bool(true)})
	if err != nil || len(out.Item) == 0 {
		return c, wrap("reading what is carried", err)
	}
	unreadable := fmt.Errorf("statements: %w: what %s carries", dynamo.ErrUnreadable, id)
	format, _ := dynamo.GetN(out.Item, "v")
	n, okVersion := dynamo.GetN(out.Item, "version")
	to, okTo := out.Item["to"].(*types.AttributeValueMemberM)
	if format != version || !okVersion || !okTo {
		return c, unreadable
	}
	c = Carried{version: n, to: map[string]statement.Month{}}
	for name := range to.Value {
		month, _ := dynamo.GetS(to.Value, name)
		if c.to[name], err = statement.ParseMonth(month); err != nil {
			return c, unreadable
		}
	}
	return c, nil
}

// put writes what a table carries, on condition that nothing else was carried since it was read.
func (c Carried) put(table *string, id account.ID) *types.Put {
	to := dynamo.Item{}
	for name, m := range c.to {
		to[name] = dynamo.S(m.String())
	}
	item := carriedKey(id)
	item["v"], item["version"], item["to"] = dynamo.N(version), dynamo.N(c.version+1), &types.AttributeValueMemberM{Value: to}
	put := &types.Put{TableName: table, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)")}
	if c.version > 0 {
		put.ConditionExpression = aws.String("version = :before")
		put.ExpressionAttributeValues = dynamo.Item{":before": dynamo.N(c.version)}
	}
	return put
}

// Standing returns the rows of the adjustments that stand in an account's statement of a month which isn't written yet: of those that came in it, and of those
// that came before and stand nowhere, since their own month was closed without the account. Table.Carrying takes the latter.
func (s *Store) Standing(ctx context.Context, m statement.Month, id account.ID) ([]statement.Row, Carried, error) {
	list, err := s.Adjustments(ctx, id)
	if err != nil {
		return nil, Carried{}, err
	}
	rows, earlier := cameIn(m, list), map[statement.Month][]Adjustment{}
	for _, a := range list {
		if a.In < m {
			earlier[a.In] = append(earlier[a.In], a)
		}
	}
	if len(earlier) == 0 {
		return rows, Carried{}, nil
	}
	c, err := s.carried(ctx, id)
	if err != nil {
		return nil, c, err
	}
	c.to = maps.Clone(c.to)
	if c.to == nil {
		c.to = map[string]statement.Month{}
	}
	for _, in := range slices.Sorted(maps.Keys(earlier)) {
		of := slices.DeleteFunc(earlier[in], func(a Adjustment) bool { return c.to[a.name()] != 0 })
		if len(of) == 0 {
			continue
		}
		due, err := s.due(ctx, in, m, id)
		if err != nil {
			return nil, c, err
		}
		for _, a := range of {
			if due {
				rows, c.to[a.name()], c.added = append(rows, a.Rows...), m, true
			}
		}
	}
	return statement.Join(rows), c, nil
}

// due reports whether what came in a month stands in no statement, and m is the first month that can have it: the month is final and has nothing of the account,
// and each one up to m has been written for it.
func (s *Store) due(ctx context.Context, in, m statement.Month, id account.ID) (bool, error) {
	own, err := s.State(ctx, in)
	if err != nil || own.Status != Final {
		return false, passOver(err)
	}
	has := false
	err = s.each(ctx, monthPK(in), string(id)+"#", "", 1, func(dynamo.Item) (bool, error) {
		has = true
		return false, nil
	})
	if err != nil || has {
		return false, err
	}
	for between := in + 1; between < m; between++ {
		state, err := s.State(ctx, between)
		if err := passOver(err); err != nil {
			return false, err
		}
		if err == nil && state.Version > 0 && state.Status != Final && !state.Has(id) {
			return false, nil
		}
	}
	return true, nil
}

// passOver takes a month that can't be read for one that isn't there: it stops no other.
func passOver(err error) error {
	if errors.Is(err, dynamo.ErrUnreadable) {
		return nil
	}
	return err
}
