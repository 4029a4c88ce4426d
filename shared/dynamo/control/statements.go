package control

import (
	"context"
	"errors"

	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
)

// statementRecord says that an admin has a month's statement written although something is left of the month.
type statementRecord struct {
	Month   string `dynamodbav:"month"`
	Reason  string `dynamodbav:"reason"`
	Version int64  `dynamodbav:"version"`
}

func statementKey(month string) dynamo.Item { return itemKey("J#statement#"+month, statementSK) }

// CloseStatement has a month's statement written although something is left of the month, with the admin's reason.
// dynamo.ErrExists where that has been said already.
func (s *Store) CloseStatement(ctx context.Context, month, reason string, row audit.Row) error {
	row.Account = Operators
	item := encode(statementKey(month), "statement", statementRecord{month, reason, 1}, "", "")
	return s.write(ctx, row, put(s.control, item, isNew, always(dynamo.ErrExists)))
}

// StatementClosed reads the reason for which an admin has a month's statement written; ok is false where nobody has said so.
func (s *Store) StatementClosed(ctx context.Context, month string) (reason string, ok bool, err error) {
	r, err := one(ctx, s, statementKey(month), func(item dynamo.Item) (r statementRecord, err error) {
		return r, decode(item, "statement", &r)
	})
	if errors.Is(err, dynamo.ErrNotFound) {
		return "", false, nil
	}
	return r.Reason, err == nil, err
}
