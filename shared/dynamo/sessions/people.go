package sessions

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
)

// Person names the sessions of one person. Sessions that are over may be among them, so each is read to be listed.
type Person struct {
	ID        string // a hash of who it is
	Sessions  []string
	ExpiresAt time.Time // to the second; of the list, not of a session
	Version   int64     // 0 while nothing is stored
}

// personPrefix keeps the lists apart from the sessions of the same table: no session's ID has a '#'.
const personPrefix = "person#"

// Person reads a person's list, an empty one when nothing is stored.
func (s *Store) Person(ctx context.Context, id string) (Person, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: dynamo.Item{"pk": dynamo.S(personPrefix + id)}, ConsistentRead: &consistent,
	})
	if err != nil {
		return Person{}, explain(err, "reading a person")
	}
	if len(out.Item) == 0 {
		return Person{ID: id}, nil
	}
	version, hasVersion := dynamo.GetN(out.Item, "ver")
	if !hasVersion {
		return Person{}, fmt.Errorf("%w: a person's sessions", dynamo.ErrUnreadable)
	}
	expires, _ := dynamo.GetN(out.Item, "ttl")
	p := Person{ID: id, ExpiresAt: time.Unix(expires, 0).UTC(), Version: version}
	list, ok := out.Item["sessions"].(*types.AttributeValueMemberL)
	if !ok {
		return p, nil // the next write heals it
	}
	for _, v := range list.Value {
		if name, ok := v.(*types.AttributeValueMemberS); ok {
			p.Sessions = append(p.Sessions, name.Value)
		}
	}
	return p, nil
}

func (s *Store) personPut(p Person) *types.Put {
	list := make([]types.AttributeValue, len(p.Sessions))
	for i, id := range p.Sessions {
		list[i] = dynamo.S(id)
	}
	condition, values := expecting(p.Version)
	return &types.Put{
		TableName: &s.table, ConditionExpression: &condition, ExpressionAttributeValues: values,
		Item: dynamo.Item{
			"pk": dynamo.S(personPrefix + p.ID), "sessions": &types.AttributeValueMemberL{Value: list},
			"ttl": dynamo.N(p.ExpiresAt.Unix()), "ver": dynamo.N(p.Version + 1),
		},
	}
}

// PutPerson writes the next version of a list that was read. ErrStale when another call was faster.
func (s *Store) PutPerson(ctx context.Context, p Person) error {
	put := s.personPut(p)
	_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: put.TableName, Item: put.Item, ConditionExpression: put.ConditionExpression, ExpressionAttributeValues: put.ExpressionAttributeValues,
	})
	return explain(err, "writing a person")
}

// Start writes a new session and the list that names it, both or neither: no session is open that its person's list lacks.
// ErrStale when the list has changed since it was read.
func (s *Store) Start(ctx context.Context, session Session, p Person) error {
	condition, values := expecting(session.Version)
	session.Version++
	err := dynamo.Transact(ctx, s.db, rand.Text(), []types.TransactWriteItem{
		{Put: &types.Put{TableName: &s.table, Item: item(session), ConditionExpression: &condition, ExpressionAttributeValues: values}},
		{Put: s.personPut(p)},
	})
	var cancelled *dynamo.Cancelled
	if errors.As(err, &cancelled) || errors.Is(err, dynamo.ErrConflict) {
		return dynamo.ErrStale
	}
	return explain(err, "starting")
}
