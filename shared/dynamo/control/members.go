package control

import (
	"context"
	"strconv"
	"strings"

	"latchkey/shared/account"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
)

// Member reads a person's place in an account. ErrNotFound when the person has none. It is read on every request, so
// that a removal acts at once.
func (s *Store) Member(ctx context.Context, id account.ID, who account.Subject) (account.Member, error) {
	return one(ctx, s, memberKey(id, who), func(item dynamo.Item) (account.Member, error) { return decodeMember(item, "member") })
}

// MemberPage is one page of members, in the order of their issuers and subjects.
type MemberPage struct {
	Members []account.Member
	Next    string // the after of the next page; "" at the end
}

// Members lists an account's members. after is the Next of the page before, or ""; a limit of 0 gives the first [MostLooked].
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

// Memberships lists a person's accounts. after is the Next of the page before, or ""; a limit of 0 gives the first
// [MostLooked]. One whose account is gone or can't be read isn't among them.
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

// PutMember adds a member (before is nil) or changes one. ErrExists, account.ErrClosed; account.ErrLastOwner when the account
// would have no owner left; ErrStale when the member has changed since before was read.
func (s *Store) PutMember(ctx context.Context, before *account.Member, after account.Member, by account.Subject, row audit.Row) (account.Member, error) {
	if by == after.Subject && (before == nil || !before.Role.MayGrant(after.Role)) {
		return account.Member{}, dynamo.ErrStale // what the write wants to find has the role: one transaction can't check it too
	}
	after, ops := s.putMember(before, after)
	if before != nil && before.Role == account.Owner && after.Role != account.Owner {
		other, err := s.otherOwner(ctx, *before, row.Actor)
		if err != nil {
			return account.Member{}, err
		}
		ops = append(ops, other...)
	}
	return after, s.write(ctx, row, ops...)
}

// memberIn checks in the write itself that a person has one of the roles: who was removed or demoted a moment ago gives and
// takes nothing any more. It fails with ErrStale, so that the request is decided again, from the rights on.
func (s *Store) memberIn(id account.ID, who account.Subject, roles []account.Role) op {
	condition := cond{values: dynamo.Item{}}
	condition.text = oneOf(roles, condition.values)
	return check(s.control, memberKey(id, who), condition, always(dynamo.ErrStale))
}

// oneOf is a condition on a member's role, whose values it adds. No role fits an empty list.
func oneOf(roles []account.Role, values dynamo.Item) string {
	if len(roles) == 0 {
		values[":none"] = dynamo.S("")
		return "member_role = :none"
	}
	texts := make([]string, len(roles))
	for n, role := range roles {
		name := ":g" + strconv.Itoa(n)
		values[name] = dynamo.S(string(role))
		texts[n] = "member_role = " + name
	}
	return "(" + strings.Join(texts, " OR ") + ")"
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
	ops := append(s.dropMember(before), s.countOwner(before.Account, before.Role == account.Owner, false)...)
	if before.Role == account.Owner {
		other, err := s.otherOwner(ctx, before, row.Actor)
		if err != nil {
			return err
		}
		ops = append(ops, other...)
	}
	return s.write(ctx, row, ops...)
}

// otherOwner finds who stays an owner beside one who doesn't, and checks in the write that they do; account.ErrLastOwner when there is
// nobody. For an owner of the issuer that the stack has now, as the actor is, it is another one of that issuer: those of an issuer before
// can't sign in.
func (s *Store) otherOwner(ctx context.Context, owner account.Member, actor audit.Actor) ([]op, error) {
	present := actor.Subject.Issuer
	for after := ""; ; {
		page, err := s.Members(ctx, owner.Account, after, 0)
		if err != nil {
			return nil, err
		}
		for _, m := range page.Members {
			switch who := m.Subject; {
			case m.Role != account.Owner || who == owner.Subject, owner.Subject.Issuer == present && who.Issuer != present:
			case who == actor.Subject && actor.Role == string(account.Owner):
				return nil, nil // write checks it
			default:
				return []op{s.memberIn(owner.Account, who, []account.Role{account.Owner})}, nil
			}
		}
		if after = page.Next; after == "" {
			return nil, account.ErrLastOwner
		}
	}
}

func (s *Store) dropMember(before account.Member) []op {
	condition := cond{text: "version = :ver", values: dynamo.Item{":ver": dynamo.N(before.Version)}}
	return []op{
		remove(s.control, memberKey(before.Account, before.Subject), condition, gone(dynamo.ErrStale)),
		remove(s.control, mirrorKey(before.Account, before.Subject), condition, gone(dynamo.ErrStale)),
	}
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
			cond{text: "num > :one", values: dynamo.Item{":one": dynamo.N(1)}}, counted(account.ErrLastOwner))}
	default:
		return nil
	}
}
