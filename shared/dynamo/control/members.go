package control

import (
	"context"
	"errors"

	"latchkey/shared/account"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
)

// Member reads a person's place in an account. ErrNotFound when the person has none. It is read on every request, so
// that a removal acts at once.
func (s *Store) Member(ctx context.Context, id account.ID, who account.Subject) (account.Member, error) {
	item, err := s.get(ctx, memberKey(id, who))
	if err != nil {
		return account.Member{}, err
	}
	return decodeMember(item, "member")
}

// Members lists an account's members.
func (s *Store) Members(ctx context.Context, id account.ID) (members []account.Member, err error) {
	err = s.each(ctx, query{pk: accountPK(id), prefix: memberPrefix}, func(item dynamo.Item) (bool, error) {
		m, err := decodeMember(item, "member")
		members = append(members, m)
		return err == nil, err
	})
	return members, err
}

// Membership is one account of a person.
type Membership struct {
	Account account.Account
	Role    account.Role
}

// Memberships lists a person's accounts.
func (s *Store) Memberships(ctx context.Context, who account.Subject) (list []Membership, err error) {
	err = s.each(ctx, query{pk: subjectPK(who), prefix: mirrorPrefix}, func(item dynamo.Item) (bool, error) {
		m, err := decodeMember(item, "membership")
		if err != nil {
			return false, err
		}
		a, err := s.Account(ctx, m.Account)
		if err != nil {
			return false, err
		}
		list = append(list, Membership{Account: a, Role: m.Role})
		return true, nil
	})
	return list, err
}

// PutMember adds a member (before is nil) or changes one. ErrExists, ErrStale, account.ErrClosed; account.ErrLastOwner
// when the account would have no owner left.
func (s *Store) PutMember(ctx context.Context, before *account.Member, after account.Member, row audit.Row) (account.Member, error) {
	after, ops := s.putMember(before, after)
	return after, s.write(ctx, row, ops...)
}

func (s *Store) putMember(before *account.Member, after account.Member) (account.Member, []op) {
	condition, failed := isNew, always(dynamo.ErrExists)
	wasOwner := false
	after.Version = 1
	if before != nil {
		after.Account, after.Subject, after.Version = before.Account, before.Subject, before.Version+1
		wasOwner = before.Role == account.Owner
		condition = cond{text: "version = :ver", values: dynamo.Item{":ver": dynamo.N(before.Version)}}
		failed = gone(dynamo.ErrStale)
	}
	ops := []op{
		put(s.control, encodeMember(after), condition, failed),
		put(s.control, encodeMirror(after), condition, failed),
		s.openAccount(after.Account),
	}
	return after, append(ops, s.countOwner(after.Account, wasOwner, after.Role == account.Owner)...)
}

// RemoveMember takes a member out. ErrStale when the member has changed since before was read; account.ErrLastOwner.
func (s *Store) RemoveMember(ctx context.Context, before account.Member, row audit.Row) error {
	condition := cond{text: "version = :ver", values: dynamo.Item{":ver": dynamo.N(before.Version)}}
	ops := []op{
		remove(s.control, memberKey(before.Account, before.Subject), condition, gone(dynamo.ErrStale)),
		remove(s.control, mirrorKey(before.Account, before.Subject), condition, gone(dynamo.ErrStale)),
	}
	ops = append(ops, s.countOwner(before.Account, before.Role == account.Owner, false)...)
	return s.write(ctx, row, ops...)
}

// countOwner keeps the number of owners, which never falls to none.
func (s *Store) countOwner(id account.ID, was, is bool) []op {
	key := itemKey(accountPK(id), ownerSK)
	switch {
	case is && !was:
		return []op{update(s.control, key, "SET num = num + :one",
			cond{text: exists.text, values: dynamo.Item{":one": dynamo.N(1)}}, always(dynamo.ErrNotFound))}
	case was && !is:
		return []op{update(s.control, key, "SET num = num - :one",
			cond{text: "num > :one", values: dynamo.Item{":one": dynamo.N(1)}}, gone(account.ErrLastOwner))}
	default:
		return nil
	}
}

// Operator is a person who works for the API company.
type Operator struct {
	Subject account.Subject
	Email   string
	AddedAt string // RFC 3339
}

type operatorRecord struct {
	Issuer  string `dynamodbav:"issuer"`
	Subject string `dynamodbav:"subject"`
	Email   string `dynamodbav:"email"`
	AddedAt string `dynamodbav:"added_at"`
}

func decodeOperator(item dynamo.Item) (Operator, error) {
	var r operatorRecord
	err := decode(item, "operator", &r)
	return Operator{Subject: account.Subject{Issuer: r.Issuer, ID: r.Subject}, Email: r.Email, AddedAt: r.AddedAt}, err
}

// Operator reads an operator. ErrNotFound when the person is none.
func (s *Store) Operator(ctx context.Context, who account.Subject) (Operator, error) {
	item, err := s.get(ctx, operatorKey(who))
	if err != nil {
		return Operator{}, err
	}
	return decodeOperator(item)
}

// IsOperator reports whether a person is an operator.
func (s *Store) IsOperator(ctx context.Context, who account.Subject) (bool, error) {
	_, err := s.Operator(ctx, who)
	if errors.Is(err, dynamo.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Operators lists the operators. It reads an index, which may lag behind by a moment.
func (s *Store) Operators(ctx context.Context) (list []Operator, err error) {
	err = s.each(ctx, query{index: true, pk: gOperators}, func(item dynamo.Item) (bool, error) {
		o, err := decodeOperator(item)
		list = append(list, o)
		return err == nil, err
	})
	return list, err
}

// AddOperator makes a person an operator. ErrExists when it is one. With first, it succeeds only while there is no
// operator at all, and is ErrExists otherwise.
func (s *Store) AddOperator(ctx context.Context, o Operator, first bool, row audit.Row) error {
	row.Account = Operators
	record := encode(operatorKey(o.Subject), "operator", operatorRecord{
		Issuer: o.Subject.Issuer, Subject: o.Subject.ID, Email: o.Email, AddedAt: o.AddedAt,
	}, gOperators, subjectText(o.Subject))
	count := cond{text: "attribute_not_exists(pk) OR num >= :zero"}
	if first {
		count.text = "attribute_not_exists(pk) OR num = :zero"
	}
	count.values = dynamo.Item{":zero": dynamo.N(0), ":one": dynamo.N(1)}
	return s.write(ctx, row,
		put(s.control, record, isNew, always(dynamo.ErrExists)),
		update(s.control, itemKey(operatorsPK, operatorsSK), "SET num = if_not_exists(num, :zero) + :one", count,
			always(dynamo.ErrExists)),
	)
}

// RemoveOperator removes an operator's rights. ErrNotFound when the person has none.
func (s *Store) RemoveOperator(ctx context.Context, who account.Subject, row audit.Row) error {
	row.Account = Operators
	return s.write(ctx, row,
		remove(s.control, operatorKey(who), exists, always(dynamo.ErrNotFound)),
		update(s.control, itemKey(operatorsPK, operatorsSK), "SET num = num - :one",
			cond{text: "num >= :one", values: dynamo.Item{":one": dynamo.N(1)}}, always(dynamo.ErrNotFound)),
	)
}
