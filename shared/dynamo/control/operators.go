package control

import (
	"cmp"
	"context"
	"errors"

	"latchkey/shared/account"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
)

// Operator is a person who works for the API company.
type Operator struct {
	Subject account.Subject
	Email   string // a label; it gives no right and no search finds it
	Rank    account.Rank
	AddedAt string // RFC 3339
}

type operatorRecord struct {
	Issuer  string `dynamodbav:"issuer"`
	Subject string `dynamodbav:"subject"`
	Email   string `dynamodbav:"email"`
	Rank    string `dynamodbav:"operator_rank,omitempty"`
	AddedAt string `dynamodbav:"added_at"`
}

func decodeOperator(item dynamo.Item) (Operator, error) {
	var r operatorRecord
	err := decode(item, "operator", &r)
	o := Operator{
		Subject: account.Subject{Issuer: r.Issuer, ID: r.Subject}, Email: r.Email, Rank: account.Rank(r.Rank), AddedAt: r.AddedAt,
	}
	if r.Rank == "" {
		o.Rank = account.Admin // of a time without ranks
	}
	return o, cmp.Or(err, placed(item, operatorKey(o.Subject), unversioned))
}

func encodeOperator(o Operator) dynamo.Item {
	return encode(operatorKey(o.Subject), "operator", operatorRecord{
		Issuer: o.Subject.Issuer, Subject: o.Subject.ID, Email: o.Email, Rank: string(o.Rank), AddedAt: o.AddedAt,
	}, gOperators, subjectText(o.Subject))
}

// Operator reads an operator. ErrNotFound when the person is none.
func (s *Store) Operator(ctx context.Context, who account.Subject) (Operator, error) {
	return one(ctx, s, operatorKey(who), decodeOperator)
}

// Rank returns a person's rank, "" for somebody who is no operator.
func (s *Store) Rank(ctx context.Context, who account.Subject) (account.Rank, error) {
	o, err := s.Operator(ctx, who)
	switch {
	case errors.Is(err, dynamo.ErrNotFound):
		return "", nil
	case err != nil:
		return "", err
	default:
		return o.Rank, nil
	}
}

// OperatorPage is one page of operators, in the order of their issuers and subjects.
type OperatorPage struct {
	Operators []Operator
	Next      string // the after of the next page; "" at the end
}

// Operators lists the operators. It reads an index, which may lag behind by a moment. after is the Next of the page before,
// or ""; a limit of 0 gives the first [MostLooked].
func (s *Store) Operators(ctx context.Context, after string, limit int) (OperatorPage, error) {
	q := query{index: lookup, pk: gOperators, limit: perCall(limit), start: cursorItem(gOperators, after)}
	p, err := page(ctx, s, list[Operator]{query: q, limit: limit, read: all(decodeOperator), mark: cursor})
	return OperatorPage{p.records, p.next}, err
}

// AddOperator makes a person an operator. ErrExists when it is one, account.ErrNotAdmin when by is no admin any more.
func (s *Store) AddOperator(ctx context.Context, o Operator, by account.Subject, row audit.Row) error {
	if by == o.Subject { // an admin is an operator already, and one transaction can't check and write one item
		return account.ErrNotAdmin
	}
	return s.addOperator(ctx, o, "attribute_not_exists(pk) OR num >= :zero", row, s.isAdmin(by))
}

// AddFirstOperator makes a person an operator while there is none at all, and is ErrExists otherwise.
func (s *Store) AddFirstOperator(ctx context.Context, o Operator, row audit.Row) error {
	return s.afterDecision().addOperator(ctx, o, "attribute_not_exists(pk) OR num = :zero", row) // nobody has a right yet
}

// AddFirstOperatorOfIssuer makes a person an operator while nobody else of the same issuer is one, and is ErrExists otherwise. Operators
// of other issuers, from before the identity provider changed, can't sign in, so they name nobody. It reads an index, as
// Operators does: an operator who was named a moment ago may not be seen.
func (s *Store) AddFirstOperatorOfIssuer(ctx context.Context, o Operator, row audit.Row) error {
	there := false
	ofIssuer := query{index: lookup, pk: gOperators, prefix: subjectText(account.Subject{Issuer: o.Subject.Issuer}), limit: 1}
	err := s.each(ctx, ofIssuer, func(dynamo.Item) (bool, error) {
		there = true // whether it can be read or not
		return false, nil
	})
	switch {
	case err != nil:
		return err
	case there:
		return dynamo.ErrExists
	}
	return s.afterDecision().addOperator(ctx, o, "attribute_not_exists(pk) OR num >= :zero", row) // nobody of theirs has a right yet
}

func (s *Store) addOperator(ctx context.Context, o Operator, count string, row audit.Row, checks ...op) error {
	row.Account = Operators
	return s.write(ctx, row, append(checks,
		put(s.control, encodeOperator(o), isNew, always(dynamo.ErrExists)),
		update(s.control, itemKey(operatorsPK, operatorsSK), "SET num = if_not_exists(num, :zero) + :one",
			cond{text: count, values: dynamo.Item{":zero": dynamo.N(0), ":one": dynamo.N(1)}}, always(dynamo.ErrExists)))...)
}

// isAdmin checks who names operators, in the write itself: of two admins who remove each other at once, one stays.
func (s *Store) isAdmin(by account.Subject) op {
	return check(s.control, operatorKey(by), cond{
		text:   "attribute_exists(pk) AND (attribute_not_exists(operator_rank) OR operator_rank = :admin)",
		values: dynamo.Item{":admin": dynamo.S(string(account.Admin))},
	}, always(account.ErrNotAdmin))
}

// ReplaceOperator changes an operator's rank or label. ErrNotFound when the person is none, ErrStale when the operator has
// changed since before was read, account.ErrNotAdmin when by is no admin any more.
func (s *Store) ReplaceOperator(ctx context.Context, before, after Operator, by account.Subject, row audit.Row) error {
	row.Account = Operators
	after.Subject = before.Subject
	change := put(s.control, encodeOperator(after), asRead(before), gone(dynamo.ErrStale))
	if by == before.Subject { // one transaction can't check and write one item; what was read has the rank
		if before.Rank != account.Admin {
			return account.ErrNotAdmin
		}
		return s.write(ctx, row, change)
	}
	return s.write(ctx, row, s.isAdmin(by), change)
}

// asRead wants an operator's record to be what was read: the whole of it is written again, so a change that came in
// between would be undone.
func asRead(o Operator) cond {
	rank := "operator_rank = :rank"
	if o.Rank == account.Admin {
		rank = "(attribute_not_exists(operator_rank) OR operator_rank = :rank)" // of a time without ranks
	}
	return cond{text: rank + " AND email = :email AND added_at = :added", values: dynamo.Item{
		":rank": dynamo.S(string(o.Rank)), ":email": dynamo.S(o.Email), ":added": dynamo.S(o.AddedAt),
	}}
}

// NoteAct writes the row of what an admin does outside of this table. account.ErrNotAdmin, with nothing written, when by is
// no admin any more.
func (s *Store) NoteAct(ctx context.Context, by account.Subject, row audit.Row) error {
	row.Account = Operators
	return s.write(ctx, row, s.isAdmin(by))
}

// RemoveOperator removes an operator's rights. ErrNotFound when the person has none,
// account.ErrNotAdmin when by is no admin any more.
func (s *Store) RemoveOperator(ctx context.Context, who, by account.Subject, row audit.Row) error {
	row.Account = Operators
	return s.write(ctx, row,
		s.isAdmin(by),
		remove(s.control, operatorKey(who), exists, always(dynamo.ErrNotFound)),
		update(s.control, itemKey(operatorsPK, operatorsSK), "SET num = num - :one",
			cond{text: "num >= :one", values: dynamo.Item{":one": dynamo.N(1)}}, always(dynamo.ErrNotFound)),
	)
}
