package dynamo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// Transactor is the one call that Transact makes.
type Transactor interface {
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Cancelled lists the conditions of a transaction that didn't hold. Nothing was written.
type Cancelled struct {
	Reasons []Reason // one for each item of the transaction, in its order
}

// Reason is the result of one item's condition.
type Reason struct {
	Failed bool
	Old    map[string]types.AttributeValue // the item as it was, where it was asked for and exists
}

// Error names the failed items by their place.
func (c *Cancelled) Error() string {
	text := "dynamo: conditions failed:"
	for i, r := range c.Reasons {
		if r.Failed {
			text += fmt.Sprintf(" %d", i)
		}
	}
	return text
}

// How often a transaction is tried, and how long the pauses between are at most.
const (
	conflictAttempts = 8
	errorAttempts    = 3
	firstPause       = 15 * time.Millisecond
	longestPause     = 400 * time.Millisecond
)

// Transact writes all items or none. The token makes a repetition of the same items harmless for ten minutes, so a
// lost answer is answered by asking again.
//
// The error is nil when the items are known to be written; [*Cancelled] when a condition didn't hold; [ErrConflict] when
// other transactions got in the way each time; [ErrUnknown] when no clear answer came. Any other error is a refusal of
// the request itself.
func Transact(ctx context.Context, db Transactor, token string, items []types.TransactWriteItem) error {
	input := &dynamodb.TransactWriteItemsInput{TransactItems: items, ClientRequestToken: &token}
	unclear := 0
	for attempt := 1; ; attempt++ {
		_, err := db.TransactWriteItems(ctx, input)
		verdict, cancelled := classify(err)
		switch verdict {
		case done:
			return nil
		case refused:
			return err
		case conditions:
			return cancelled
		case conflict:
			if attempt >= conflictAttempts {
				if unclear > 0 {
					return fmt.Errorf("%w: %w", ErrUnknown, ErrConflict)
				}
				return ErrConflict
			}
		case uncertain:
			if unclear++; unclear >= errorAttempts || ctx.Err() != nil {
				return fmt.Errorf("%w: %w", ErrUnknown, err)
			}
		}
		if Pause(ctx, attempt) != nil {
			if verdict == conflict && unclear == 0 {
				return ErrConflict
			}
			return fmt.Errorf("%w: %w", ErrUnknown, ctx.Err())
		}
	}
}

type verdict int

const (
	uncertain verdict = iota
	done
	refused
	conditions
	conflict
)

func classify(err error) (verdict, *Cancelled) {
	if err == nil {
		return done, nil
	}
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		return reasons(cancelled)
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return uncertain, nil
	}
	switch api.ErrorCode() {
	case "TransactionConflictException", "TransactionInProgressException":
		return conflict, nil
	case "ValidationException", "AccessDeniedException", "ResourceNotFoundException", "UnrecognizedClientException",
		"IdempotentParameterMismatchException", "ItemCollectionSizeLimitExceededException", "SerializationException":
		return refused, nil
	default:
		return uncertain, nil
	}
}

// reasons prefers a conflict over failed conditions: where both are reported, the conditions of the items in
// conflict weren't looked at, and one of those may be the one that says what really happened.
func reasons(exception *types.TransactionCanceledException) (verdict, *Cancelled) {
	found := &Cancelled{Reasons: make([]Reason, len(exception.CancellationReasons))}
	answer := uncertain
	for i, r := range exception.CancellationReasons {
		code := ""
		if r.Code != nil {
			code = *r.Code
		}
		switch code {
		case "ConditionalCheckFailed":
			found.Reasons[i] = Reason{Failed: true, Old: r.Item}
			if answer != conflict && answer != refused {
				answer = conditions
			}
		case "ValidationError", "ItemCollectionSizeLimitExceeded":
			answer = refused
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded":
			if answer != refused {
				answer = conflict
			}
		}
	}
	return answer, found
}

// Pause waits before the attempt after the given one: at random up to a bound that doubles, so that those who
// collided don't collide again. It returns early with the context's error.
func Pause(ctx context.Context, attempt int) error {
	bound := min(firstPause<<min(attempt-1, 8), longestPause)
	timer := time.NewTimer(rand.N(bound) + time.Millisecond)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
