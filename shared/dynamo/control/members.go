package control

import (
	"context"
	"errors"
	"strings"

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

// MemberPage is one page of members, in the order of their issuers and subjects.
type MemberPage struct {
	Members []account.Member
	Next    string // the after of the next page; "" at the end
}

// Members lists an account's members. after is the Next of the page before, or ""; a limit of 0 gives all.
func (s *Store) Members(ctx context.Context, id account.ID, after string, limit int) (MemberPage, error) {
	q := query{pk: accountPK(id), prefix: memberPrefix, limit: perCall(limit)}
	if after != "" {
		q.start = itemKey(q.pk, memberPrefix+after)
	}
	p, err := page(ctx, s, list[account.Member]{
		query: q, limit: limit, read: all(func(item dynamo.Item) (account.Member, error) { return decodeMember(item, "member") }),
		mark: func(item dynamo.Item) string { return strings.TrimPrefix(sortKey(item), memberPrefix) },
	})
	return MemberPage{p.records, p.next}, err
}

// Membership is one account of a person.
type Membership struct {
	Account account.Account
	Role    account.Role
}

// MembershipPage is one page of a person's accounts, in the order of the accounts' IDs.
type MembershipPage struct {
	Memberships []Membership
	Next        string // the after of the next page; "" at the end
}

// Memberships lists a person's accounts. after is the Next of the page before, or ""; a limit of 0 gives all. One whose
// account is gone or can't be read isn't among them.
func (s *Store) Memberships(ctx context.Context, who account.Subject, after string, limit int) (MembershipPage, error) {
	q := query{pk: subjectPK(who), prefix: mirrorPrefix, limit: perCall(limit)}
	if after != "" {
		q.start = itemKey(q.pk, mirrorPrefix+after)
	}
	p, err := page(ctx, s, list[account.Member]{
		query: q, limit: limit, read: all(func(item dynamo.Item) (account.Member, error) { return decodeMember(item, "membership") }),
		mark: func(item dynamo.Item) string { return strings.TrimPrefix(sortKey(item), mirrorPrefix) },
	})
	if err != nil {
		return MembershipPage{}, err
	}
	ids := make([]account.ID, len(p.records))
	for i, m := range p.records {
		ids[i] = m.Account
	}
	accounts, err := s.accounts(ctx, ids)
	result := MembershipPage{Next: p.next}
	for _, m := range p.records {
		if a, ok := accounts[m.Account]; ok {
			result.Memberships = append(result.Memberships, Membership{Account: a, Role: m.Role})
		}
	}
	return result, err
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

// OperatorPage is one page of operators, in the order of their issuers and subjects.
type OperatorPage struct {
	Operators []Operator
	Next      string // the after of the next page; "" at the end
}

// Operators lists the operators. It reads an index, which may lag behind by a moment. after is the Next of the page before,
// or ""; a limit of 0 gives all.
func (s *Store) Operators(ctx context.Context, after string, limit int) (OperatorPage, error) {
	q := query{index: true, pk: gOperators, limit: perCall(limit)}
	if after != "" {
		q.start = cursorItem(gOperators, after)
	}
	p, err := page(ctx, s, list[Operator]{query: q, limit: limit, read: all(decodeOperator), mark: cursor})
	return OperatorPage{p.records, p.next}, err
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
