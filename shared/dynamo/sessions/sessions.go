// Package sessions keeps the console's sessions. The browser's cookie is never stored, only its hash, and the tokens
// come in encrypted.
package sessions

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
)

// DB lists the methods of DynamoDB that the store calls.
type DB interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	dynamo.Transactor
}

// Session is one browser's session.
type Session struct {
	ID        string // the hash of the cookie
	Sealed    []byte // encrypted by the caller
	CreatedAt time.Time
	ExpiresAt time.Time // to the second
	UsedAt    time.Time // to the second; zero in a session of a release that didn't list sessions, until it is touched
	HeldUntil time.Time // to the millisecond: before it, nobody else renews the tokens; zero for no hold
	Browser   string    // that signed in, in a word of the caller's own; "" where nobody knows
	Version   int64     // set by Put
}

// Store is the sessions table.
type Store struct {
	db    DB
	table string
}

// New makes a store of the named table.
func New(db DB, table string) *Store { return &Store{db: db, table: table} }

var (
	consistent = true
	names      = map[string]string{"#ttl": "ttl", "#used": "used"}
)

// Put writes a session: a new one when its Version is 0, else the next version of the one that was read. ErrStale
// when another call was faster; a repeated call whose first answer was lost is ErrStale too, and its caller reads again.
func (s *Store) Put(ctx context.Context, session Session) (Session, error) {
	condition, values := expecting(session.Version)
	session.Version++
	_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: item(session), ConditionExpression: &condition, ExpressionAttributeValues: values,
	})
	return session, explain(err, "writing")
}

// expecting is the condition of a write: nothing is stored for version 0, else that version.
func expecting(version int64) (condition string, values dynamo.Item) {
	if version == 0 {
		return "attribute_not_exists(pk)", nil
	}
	return "ver = :ver", dynamo.Item{":ver": dynamo.N(version)}
}

func item(session Session) dynamo.Item {
	i := dynamo.Item{
		"pk": dynamo.S(session.ID), "sealed": &types.AttributeValueMemberB{Value: session.Sealed},
		"created": dynamo.N(session.CreatedAt.Unix()), "ttl": dynamo.N(session.ExpiresAt.Unix()), "ver": dynamo.N(session.Version),
	}
	if !session.UsedAt.IsZero() {
		i["used"] = dynamo.N(session.UsedAt.Unix())
	}
	if session.Browser != "" {
		i["browser"] = dynamo.S(session.Browser)
	}
	if !session.HeldUntil.IsZero() {
		i["held"] = dynamo.N(session.HeldUntil.UnixMilli())
	}
	return i
}

// Get reads a session. ErrNotFound when there is none or it has expired: DynamoDB deletes days late.
func (s *Store) Get(ctx context.Context, id string, now time.Time) (Session, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: dynamo.Item{"pk": dynamo.S(id)}, ConsistentRead: &consistent,
	})
	if err != nil {
		return Session{}, explain(err, "reading")
	}
	if len(out.Item) == 0 {
		return Session{}, dynamo.ErrNotFound
	}
	sealed, isBytes := out.Item["sealed"].(*types.AttributeValueMemberB)
	created, hasCreated := dynamo.GetN(out.Item, "created")
	expires, hasExpiry := dynamo.GetN(out.Item, "ttl")
	version, hasVersion := dynamo.GetN(out.Item, "ver")
	if !isBytes || !hasCreated || !hasExpiry || !hasVersion {
		return Session{}, fmt.Errorf("%w: session", dynamo.ErrUnreadable)
	}
	session := Session{
		ID: id, Sealed: sealed.Value, CreatedAt: time.Unix(created, 0).UTC(), ExpiresAt: time.Unix(expires, 0).UTC(), Version: version,
	}
	if used, ok := dynamo.GetN(out.Item, "used"); ok {
		session.UsedAt = time.Unix(used, 0).UTC()
	}
	session.Browser, _ = dynamo.GetS(out.Item, "browser")
	if held, ok := dynamo.GetN(out.Item, "held"); ok {
		session.HeldUntil = time.UnixMilli(held).UTC()
	}
	if !now.Before(session.ExpiresAt) {
		return Session{}, dynamo.ErrNotFound
	}
	return session, nil
}

// Touch moves a session's end and its last use. ErrNotFound when it was deleted, so a signed-out session never comes back.
func (s *Store) Touch(ctx context.Context, id string, used, expires time.Time) error {
	set, condition := "SET #ttl = :ttl, #used = :used", "attribute_exists(pk)"
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: dynamo.Item{"pk": dynamo.S(id)}, UpdateExpression: &set, ConditionExpression: &condition,
		ExpressionAttributeNames:  names,
		ExpressionAttributeValues: dynamo.Item{":ttl": dynamo.N(expires.Unix()), ":used": dynamo.N(used.Unix())},
	})
	if err = explain(err, "touching"); errors.Is(err, dynamo.ErrStale) {
		return dynamo.ErrNotFound
	}
	return err
}

// Delete ends a session; deleting twice changes nothing.
func (s *Store) Delete(ctx context.Context, id string) error {
	_, err := s.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.table, Key: dynamo.Item{"pk": dynamo.S(id)}})
	return explain(err, "deleting")
}

// DeleteUnchanged ends a session as it was read. ErrStale when somebody has written it since, or it is gone.
func (s *Store) DeleteUnchanged(ctx context.Context, session Session) error {
	condition, values := expecting(session.Version)
	_, err := s.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.table, Key: dynamo.Item{"pk": dynamo.S(session.ID)}, ConditionExpression: &condition, ExpressionAttributeValues: values,
	})
	return explain(err, "deleting")
}

func explain(err error, doing string) error {
	var failed *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed):
		return dynamo.ErrStale
	default:
		return fmt.Errorf("sessions: %s: %w", doing, err)
	}
}
