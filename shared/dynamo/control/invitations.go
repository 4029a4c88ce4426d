package control

import (
	"context"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
)

// Invitation is a single-use link into an account. Only the hash of its token is kept.
type Invitation struct {
	ID        string // "inv_" and a ULID
	Account   account.ID
	Role      account.Role
	Email     string // of the intended recipient; it gives no right by itself
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
		Issuer: i.By.Issuer, Subject: i.By.ID, CreatedAt: stamp(i.CreatedAt), ExpiresAt: stamp(i.ExpiresAt),
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
	return i, d.err
}

// Invite writes an invitation. ErrExists, account.ErrClosed, ErrNotFound.
func (s *Store) Invite(ctx context.Context, i Invitation, row audit.Row) error {
	return s.write(ctx, row,
		put(s.control, encodeInvitation(inviteKey(i.Account, i.ID), i), isNew, always(dynamo.ErrExists)),
		put(s.control, encodeInvitation(inviteTokenKey(i.TokenHash), i), isNew, always(dynamo.ErrExists)),
		s.openAccount(i.Account),
	)
}

// InvitationPage is one page of invitations, the oldest first.
type InvitationPage struct {
	Invitations []Invitation
	Next        string // the after of the next page; "" at the end
}

// Invitations lists those of an account that can still be accepted. after is the Next of the page before, or ""; a limit of
// 0 gives all.
func (s *Store) Invitations(ctx context.Context, id account.ID, now time.Time, after string, limit int) (InvitationPage, error) {
	q := query{pk: accountPK(id), prefix: invitePrefix, limit: perCall(limit)}
	if after != "" {
		q.start = inviteKey(id, after)
	}
	p, err := page(ctx, s, list[Invitation]{
		query: q, limit: limit, mark: func(item dynamo.Item) string { return text(item, "id") },
		read: func(item dynamo.Item) (Invitation, bool, error) {
			i, err := decodeInvitation(item)
			return i, now.Before(i.ExpiresAt), err
		},
	})
	return InvitationPage{p.records, p.next}, err
}

// Invitation reads an account's invitation by its ID. ErrNotFound when it was used, withdrawn or never made.
func (s *Store) Invitation(ctx context.Context, id account.ID, invitation string) (Invitation, error) {
	item, err := s.get(ctx, inviteKey(id, invitation))
	if err != nil {
		return Invitation{}, err
	}
	return decodeInvitation(item)
}

// FindInvitation reads an invitation by its token's hash. ErrNotFound when it was used, withdrawn, has expired, or
// never existed.
func (s *Store) FindInvitation(ctx context.Context, tokenHash apikey.Hash, now time.Time) (Invitation, error) {
	item, err := s.get(ctx, inviteTokenKey(tokenHash))
	if err != nil {
		return Invitation{}, err
	}
	i, err := decodeInvitation(item)
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

// AcceptInvitation uses an invitation up and makes the person a member with its role, together. ErrNotFound when it
// was used, withdrawn or has expired; ErrExists when the person is a member already: the invitation then stays.
func (s *Store) AcceptInvitation(ctx context.Context, i Invitation, who account.Person, now time.Time, row audit.Row) (account.Member, error) {
	if !now.Before(i.ExpiresAt) {
		return account.Member{}, dynamo.ErrNotFound
	}
	member, ops := s.putMember(nil, account.Member{
		Account: i.Account, Subject: who.Subject, Email: who.Email, Role: i.Role, AddedAt: now,
	})
	return member, s.write(ctx, row, append(s.dropInvitation(i), ops...)...)
}
