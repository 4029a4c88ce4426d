package control

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/moment"
)

// Invitation is a single-use link into an account. Only the hash of its token is kept.
type Invitation struct {
	ID        string // "inv_" and a ULID
	Account   account.ID
	Role      account.Role
	Email     string // the address that the accepting person must have verified; "" for everybody who has the token
	TokenHash apikey.Hash
	By        account.Subject
	CreatedAt time.Time
	ExpiresAt time.Time
}

type invitationRecord struct {
	ID        string `dynamodbav:"id"`
	Account   string `dynamodbav:"account"`
	Role      string `dynamodbav:"member_role"`
	Email     string `dynamodbav:"email"`
	TokenHash string `dynamodbav:"token_hash"`
	Issuer    string `dynamodbav:"issuer"`
	Subject   string `dynamodbav:"subject"`
	CreatedAt string `dynamodbav:"created_at"`
	ExpiresAt string `dynamodbav:"expires_at"`
	TTL       int64  `dynamodbav:"ttl"`
}

func encodeInvitation(key dynamo.Item, i Invitation) dynamo.Item {
	return encode(key, "invitation", invitationRecord{
		ID: i.ID, Account: string(i.Account), Role: string(i.Role), Email: i.Email, TokenHash: i.TokenHash.String(),
		Issuer: i.By.Issuer, Subject: i.By.ID, CreatedAt: moment.Format(i.CreatedAt), ExpiresAt: moment.Format(i.ExpiresAt),
		TTL: i.ExpiresAt.Add(24 * time.Hour).Unix(),
	}, "", "")
}

func decodeInvitation(item dynamo.Item) (Invitation, error) {
	var r invitationRecord
	if err := decode(item, "invitation", &r); err != nil {
		return Invitation{}, err
	}
	d := keyDecoder{}
	i := Invitation{
		ID: r.ID, Account: account.ID(r.Account), Role: account.Role(r.Role), Email: r.Email, TokenHash: d.hash(r.TokenHash),
		By:        account.Subject{Issuer: r.Issuer, ID: r.Subject},
		CreatedAt: d.read(r.CreatedAt), ExpiresAt: d.read(r.ExpiresAt),
	}
	place := inviteKey(i.Account, i.ID)
	if sortKey(item) == inviteSK {
		place = inviteTokenKey(i.TokenHash)
	}
	return i, cmp.Or(d.err, placed(item, place, unversioned))
}

// Invite writes an invitation. [*Replay] when the idempotency key, if there is one, was used before; ErrExists, account.ErrClosed,
// ErrNotFound, account.ErrInvitations when the account has [account.MaxInvitations] open ones; ErrStale when another was written since
// they were counted.
func (s *Store) Invite(ctx context.Context, i Invitation, remember *Idempotency, row audit.Row) error {
	room, err := s.roomToInvite(ctx, i.Account, i.CreatedAt)
	if err != nil {
		return err
	}
	return s.write(ctx, row, append(s.remember(i.Account, remember, i.ID, unversioned),
		room,
		put(s.control, encodeInvitation(inviteKey(i.Account, i.ID), i), isNew, always(dynamo.ErrExists)),
		put(s.control, encodeInvitation(inviteTokenKey(i.TokenHash), i), isNew, always(dynamo.ErrExists)),
		s.openAccount(i.Account),
	)...)
}

// roomToInvite counts an account's open invitations. They end without a write, when they expire, so no number of them is
// kept: the guard is the number of all that were made, and says whether one was added since the open ones were counted.
func (s *Store) roomToInvite(ctx context.Context, id account.ID, now time.Time) (op, error) {
	key, made := itemKey(accountPK(id), invitedSK), int64(0)
	old, err := s.get(ctx, key)
	switch {
	case err == nil:
		if made, err = s.count(ctx, old); err != nil {
			return op{}, err
		}
	case !errors.Is(err, dynamo.ErrNotFound):
		return op{}, err
	}
	for open, after := 0, ""; ; {
		p, err := s.Invitations(ctx, id, now, after, account.MaxInvitations-open)
		if err != nil {
			return op{}, err
		}
		if open += len(p.Invitations); open >= account.MaxInvitations {
			return op{}, account.ErrInvitations
		}
		if after = p.Next; after == "" {
			break
		}
	}
	return put(s.control, guard(accountPK(id), invitedSK, made+1), cond{
		text: "attribute_not_exists(pk) OR num = :made", values: dynamo.Item{":made": dynamo.N(made)},
	}, always(dynamo.ErrStale)), nil
}

// InvitationPage is one page of invitations, the oldest first.
type InvitationPage struct {
	Invitations []Invitation
	Next        string // the after of the next page; "" at the end
}

// Invitations lists those of an account that can still be accepted. after is the Next of the page before, or "". A page may
// have fewer than the limit, or none, and still a next one: it looks at [MostLooked] and no more.
func (s *Store) Invitations(ctx context.Context, id account.ID, now time.Time, after string, limit int) (InvitationPage, error) {
	q := query{pk: accountPK(id), prefix: invitePrefix, limit: perCall(limit)}
	if after != "" {
		q.start = inviteKey(id, after)
	}
	p, err := page(ctx, s, list[Invitation]{
		query: q, limit: limit, mark: func(item dynamo.Item) string { return strings.TrimPrefix(sortKey(item), invitePrefix) },
		read: func(item dynamo.Item) (Invitation, bool, error) {
			i, err := decodeInvitation(item)
			return i, now.Before(i.ExpiresAt), err
		},
	})
	return InvitationPage{p.records, p.next}, err
}

// Invitation reads an account's invitation by its ID. ErrNotFound when it was used, withdrawn or never made.
func (s *Store) Invitation(ctx context.Context, id account.ID, invitation string) (Invitation, error) {
	return one(ctx, s, inviteKey(id, invitation), decodeInvitation)
}

// FindInvitation reads an invitation by its token's hash. ErrNotFound when it was used, withdrawn, has expired, or
// never existed.
func (s *Store) FindInvitation(ctx context.Context, tokenHash apikey.Hash, now time.Time) (Invitation, error) {
	i, err := one(ctx, s, inviteTokenKey(tokenHash), decodeInvitation)
	if err == nil && !now.Before(i.ExpiresAt) {
		return Invitation{}, dynamo.ErrNotFound
	}
	return i, err
}

// WithdrawInvitation withdraws an invitation. ErrNotFound when it was used or withdrawn already.
func (s *Store) WithdrawInvitation(ctx context.Context, i Invitation, row audit.Row) error {
	return s.write(ctx, row, s.dropInvitation(i)...)
}

func (s *Store) dropInvitation(i Invitation) []op {
	return []op{
		remove(s.control, inviteTokenKey(i.TokenHash), exists, always(dynamo.ErrNotFound)),
		remove(s.control, inviteKey(i.Account, i.ID), exists, always(dynamo.ErrNotFound)),
	}
}

// Inviter returns the member behind an invitation, for a person who looks before accepting. Its errors are those of
// AcceptInvitation.
func (s *Store) Inviter(ctx context.Context, i Invitation, who account.Person) (account.Member, error) {
	if i.By == who.Subject {
		return account.Member{}, s.ownInvitation(ctx, i)
	}
	if i.Email != "" && !account.SameAddress(i.Email, who.Email) {
		return account.Member{}, account.ErrOtherAddress
	}
	inviter, err := s.Member(ctx, i.Account, i.By)
	if err != nil {
		return account.Member{}, err
	}
	if !inviter.Role.MayGrant(i.Role) || inviter.AddedAt.After(i.CreatedAt) || inviter.RoleAt.After(i.CreatedAt) {
		return account.Member{}, dynamo.ErrNotFound
	}
	switch _, err := s.Member(ctx, i.Account, who.Subject); {
	case errors.Is(err, dynamo.ErrNotFound):
		return inviter, nil
	case err != nil:
		return account.Member{}, err
	}
	return account.Member{}, dynamo.ErrExists
}

// AcceptInvitation uses an invitation up and makes the person a member with its role, together. ErrNotFound when it
// was used, withdrawn or has expired, or its inviter has not had the right to grant the role ever since;
// account.ErrOtherAddress when it is for another person's address; ErrExists when the person is a member already: the
// invitation then stays.
func (s *Store) AcceptInvitation(ctx context.Context, i Invitation, who account.Person, now time.Time, row audit.Row) (account.Member, error) {
	if !now.Before(i.ExpiresAt) {
		return account.Member{}, dynamo.ErrNotFound
	}
	if i.By == who.Subject { // one transaction can't check and write one item
		return account.Member{}, s.ownInvitation(ctx, i)
	}
	if i.Email != "" && !account.SameAddress(i.Email, who.Email) {
		return account.Member{}, account.ErrOtherAddress
	}
	member, ops := s.putMember(nil, account.Member{
		Account: i.Account, Subject: who.Subject, Email: who.Email, Role: i.Role, AddedAt: now,
	})
	ops = append([]op{s.stillGrants(i)}, append(s.dropInvitation(i), ops...)...)
	return member, s.write(ctx, row, ops...)
}

// stillGrants checks that the inviter may grant the invitation's role, and has been able to since it was made: a right
// that was lost in between doesn't bring old invitations back.
func (s *Store) stillGrants(i Invitation) op {
	values := dynamo.Item{":at": dynamo.S(moment.Format(i.CreatedAt))}
	granter := oneOf(account.Granters(i.Role), values)
	return check(s.control, memberKey(i.Account, i.By), cond{
		text:   granter + " AND added_at <= :at AND (attribute_not_exists(role_at) OR role_at <= :at)",
		values: values,
	}, always(dynamo.ErrNotFound))
}

// ownInvitation answers somebody who accepts an invitation of their own.
func (s *Store) ownInvitation(ctx context.Context, i Invitation) error {
	if _, err := s.Member(ctx, i.Account, i.By); err != nil {
		return err // ErrNotFound: who was removed doesn't come back so
	}
	return dynamo.ErrExists
}

// Withdrawn names the invitations that one call withdrew.
type Withdrawn struct {
	IDs  []string
	More bool // there are more than one call withdraws
}

// maxWithdrawn bounds what one call withdraws. Those left open are void as well, and go with the next call.
const maxWithdrawn = 200

// WithdrawInvitationsOf withdraws the open invitations that a person made and may no longer make. row makes the audit
// row of each, by its ID. It may be repeated after a breakdown.
func (s *Store) WithdrawInvitationsOf(ctx context.Context, id account.ID, by account.Subject, now time.Time, row func(invitation string) audit.Row) (done Withdrawn, err error) {
	m, err := s.Member(ctx, id, by)
	if err != nil && !errors.Is(err, dynamo.ErrNotFound) {
		return done, err
	}
	s = s.afterDecision() // the demotion or removal; of oneself too
	for after := ""; ; {
		open, err := s.Invitations(ctx, id, now, after, 100)
		if err != nil {
			return done, err
		}
		for _, i := range open.Invitations {
			if i.By != by || m.Role.MayGrant(i.Role) {
				continue
			}
			if len(done.IDs) == maxWithdrawn {
				done.More = true
				return done, nil
			}
			switch err := s.WithdrawInvitation(ctx, i, row(i.ID)); {
			case err == nil:
				done.IDs = append(done.IDs, i.ID)
			case !errors.Is(err, dynamo.ErrNotFound):
				return done, err
			}
		}
		if after = open.Next; after == "" {
			return done, nil
		}
	}
}
