package control

import (
	"context"
	"strings"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/audit"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/moment"
	plain "latchkey/shared/text"
)

// PlaceByName orders the list of accounts by name, and is what a search by name looks into.
func PlaceByName(a account.Account) string {
	return searchName(a.Name) + "#" + string(a.ID)
}

// OpenAccount is CreateAccount for a person who may have opened at most so many accounts that are not closed:
// account.ErrAccounts for one more. [*Replay] when the idempotency key, if there is one, was used before.
func (s *Store) OpenAccount(ctx context.Context, a account.Account, owner account.Member, most int, remember *Idempotency, row audit.Row) (account.Account, error) {
	a.OpenedBy = owner.Subject
	return s.createAccount(ctx, a, owner, row, append(s.remember("", remember, string(a.ID), 1), s.countOpened(owner.Subject, most))...)
}

// CreateAccount writes a new account with its first owner. ErrExists when the ID is taken.
func (s *Store) CreateAccount(ctx context.Context, a account.Account, owner account.Member, row audit.Row) (account.Account, error) {
	return s.createAccount(ctx, a, owner, row)
}

func (s *Store) createAccount(ctx context.Context, a account.Account, owner account.Member, row audit.Row, ops ...op) (account.Account, error) {
	a.Version, owner.Version = 1, 1
	owner.Account, owner.Role = a.ID, account.Owner
	taken := always(dynamo.ErrExists)
	keys := guard(accountPK(a.ID), keyCountSK, 0)
	keys["cap"] = dynamo.N(int64(a.KeyLimit))
	err := s.write(ctx, row, append(ops,
		put(s.control, encodeAccount(a), isNew, taken),
		s.putAccountRecord(a),
		put(s.control, keys, isNew, taken),
		put(s.control, guard(accountPK(a.ID), ownerSK, 1), isNew, taken),
		put(s.control, encodeMember(owner), isNew, taken),
		put(s.control, encodeMirror(owner), isNew, taken),
	)...)
	return a, err
}

// countOpened adds one to the accounts that a person has opened and nobody has closed.
func (s *Store) countOpened(who account.Subject, most int) op {
	return update(s.control, itemKey(subjectPK(who), openedSK), "SET num = if_not_exists(num, :zero) + :one", cond{
		text:   "attribute_not_exists(pk) OR num < :most",
		values: dynamo.Item{":zero": dynamo.N(0), ":one": dynamo.N(1), ":most": dynamo.N(int64(most))},
	}, counted(account.ErrAccounts))
}

// uncountOpened makes room for another account of the person who opened one that is now closed.
func (s *Store) uncountOpened(who account.Subject) op {
	return update(s.control, itemKey(subjectPK(who), openedSK), "SET num = num - :one", cond{
		text: "num >= :one", values: dynamo.Item{":one": dynamo.N(1)},
	}, always(errGuard))
}

// guard is a counter that a rule across items is kept by.
func guard(pk, sk string, count int64) dynamo.Item {
	item := itemKey(pk, sk)
	item["kind"], item["num"] = dynamo.S("guard"), dynamo.N(count)
	return item
}

// count reads a guard's number. One that can't be read is reported.
func (s *Store) count(ctx context.Context, guard dynamo.Item) (int64, error) {
	n, ok := dynamo.GetN(guard, "num")
	if !ok {
		return 0, s.unreadable(ctx, guard, errCount).Err
	}
	return n, nil
}

// Account reads an account. ErrNotFound when there is none.
func (s *Store) Account(ctx context.Context, id account.ID) (account.Account, error) {
	return one(ctx, s, accountKey(id), decodeAccount)
}

// UpdateAccount replaces an account by its next version. ErrStale when it has changed since before was read,
// account.ErrClosed when it is closed for good. Changing the type and closing are BeginType and Close, which also see to
// the keys.
func (s *Store) UpdateAccount(ctx context.Context, before, after account.Account, row audit.Row) (account.Account, error) {
	return s.updateAccount(ctx, before, after, row)
}

// updateAccount adds ops of this package's own, which decide after the account's.
func (s *Store) updateAccount(ctx context.Context, before, after account.Account, row audit.Row, extra ...op) (account.Account, error) {
	after.ID, after.Version = before.ID, before.Version+1
	if err := s.gateReads(ctx, accountKey(before.ID), after.Type, after.Closed() || !after.Suspended.At.IsZero()); err != nil {
		return after, err
	}
	ops := []op{put(s.control, encodeAccount(after), cond{
		text:   "version = :ver AND attribute_not_exists(closed_at)",
		values: dynamo.Item{":ver": dynamo.N(before.Version)},
	}, accountFailed), s.putAccountRecord(after)}
	if before.KeyLimit != after.KeyLimit {
		ops = append(ops, update(s.control, itemKey(accountPK(before.ID), keyCountSK), "SET cap = :cap",
			cond{text: exists.text, values: dynamo.Item{":cap": dynamo.N(int64(after.KeyLimit))}},
			always(dynamo.ErrNotFound)))
	}
	ops = append(append(ops, s.indexSuspended(before, after)...), extra...)
	if before.ClosedAt.IsZero() && !after.ClosedAt.IsZero() && after.OpenedBy != (account.Subject{}) {
		ops = append(ops, s.uncountOpened(after.OpenedBy))
	}
	return after, s.write(ctx, row, ops...)
}

// putAccountRecord makes the gate know of an account what it must. The condition on the account's own item orders the
// writes.
func (s *Store) putAccountRecord(a account.Account) op {
	return put(s.gate, policies.EncodeAccount(authz.AccountOf(a)), whatever, always(dynamo.ErrStale))
}

func accountFailed(old dynamo.Item) error {
	switch {
	case len(old) == 0:
		return dynamo.ErrNotFound
	case old["closed_at"] != nil:
		return account.ErrClosed
	default:
		return dynamo.ErrStale
	}
}

// Conditions on an account's own item, of which a write states those that it needs.
const (
	isOpen = "attribute_exists(pk) AND attribute_not_exists(closed_at) AND attribute_not_exists(closing)"
	// isActive is true without a suspension, and after the end of one.
	isActive = "attribute_exists(pk) AND (attribute_not_exists(suspended_at) OR suspended_until <= :now)"
)

// openAccount lets a write through only while the account takes part in business: not closed, nor closing.
func (s *Store) openAccount(id account.ID) op {
	return check(s.control, accountKey(id), cond{text: isOpen}, gone(account.ErrClosed))
}

// activeAccount lets a write through only while the account isn't suspended: the suspension that is there at the moment of
// the write decides, not the one that was read.
func (s *Store) activeAccount(id account.ID, now time.Time) op {
	return check(s.control, accountKey(id), cond{text: isActive, values: atTime(now)}, gone(account.ErrSuspended))
}

// openActiveAccount is both.
func (s *Store) openActiveAccount(id account.ID, now time.Time) op {
	return check(s.control, accountKey(id), cond{text: isOpen + " AND " + isActive, values: atTime(now)}, func(old dynamo.Item) error {
		if old["closed_at"] != nil || old["closing"] != nil {
			return account.ErrClosed
		}
		return gone(account.ErrSuspended)(old)
	})
}

func atTime(now time.Time) dynamo.Item { return dynamo.Item{":now": dynamo.S(moment.Format(now))} }

// AccountPage is one page of accounts, ordered by name.
type AccountPage struct {
	Accounts []account.Account
	Next     string // the After of the next page; "" at the end
}

// elsewhere begins the cursors of the accounts that have the words of a search somewhere else than at the beginning of their name.
// No name has a line break.
const elsewhere = "\n"

// Accounts lists accounts by a text of their name, both folded (text.Fold); for operators. Those that begin with it come first, then
// those that have each of its words, or a part of a word, anywhere. A change shows in it after a moment. A page of the latter may
// have few accounts, or none, and still a next one: see [MostLooked]. After is the Next of the page before, or "".
func (s *Store) Accounts(ctx context.Context, name, after string, limit int) (AccountPage, error) {
	prefix := searchName(name)
	from, beyond := strings.CutPrefix(after, elsewhere)
	var p AccountPage
	if !beyond {
		var err error
		if p, err = s.accountsByName(ctx, query{prefix: prefix, limit: perCall(limit)}, after, limit, all(decodeAccount)); err != nil || p.Next != "" || prefix == "" {
			return p, err
		}
		from = ""
	}
	words := strings.Fields(plain.Fold(name))
	others := func(item dynamo.Item) (account.Account, bool, error) {
		if strings.HasPrefix(text(item, "gsk"), prefix) { // it came first
			return account.Account{}, false, nil
		}
		a, err := decodeAccount(item)
		return a, err != nil || plain.HasWords(a.Name, words), err
	}
	left := limit - len(p.Accounts)
	more, err := s.accountsByName(ctx, query{limit: perSearch(limit)}, from, max(left, 1), others)
	if err != nil {
		return AccountPage{}, err
	}
	switch {
	case left > 0:
		p.Accounts = append(p.Accounts, more.Accounts...)
		if more.Next != "" {
			p.Next = elsewhere + more.Next
		}
	case len(more.Accounts) > 0 || more.Next != "":
		p.Next = elsewhere // the page is full, and there are others
	}
	return p, nil
}

// accountsByName reads one page of the list of accounts, in the order of their names.
func (s *Store) accountsByName(ctx context.Context, q query, after string, limit int, read func(dynamo.Item) (account.Account, bool, error)) (AccountPage, error) {
	q.index, q.pk = lookup, gAccounts
	if after != "" {
		id := account.ID(after[strings.LastIndexByte(after, '#')+1:])
		q.start = accountKey(id)
		q.start["gpk"], q.start["gsk"] = dynamo.S(gAccounts), dynamo.S(after)
	}
	p, err := page(ctx, s, list[account.Account]{query: q, limit: limit, read: read, mark: func(item dynamo.Item) string { return text(item, "gsk") }})
	return AccountPage{p.records, p.next}, err
}

// AccountsByEmail lists the accounts that have a member with this address; for operators. A change shows in it after
// a moment. after is the Next of the page before, or "".
func (s *Store) AccountsByEmail(ctx context.Context, email, after string, limit int) (AccountPage, error) {
	q := query{index: lookup, pk: gEmail(email), limit: perCall(limit)}
	var before account.ID // members of one account stand side by side
	if after != "" {
		q.start = cursorItem(q.pk, after)
		id, _, _ := strings.Cut(after, "#")
		before = account.ID(id)
	}
	p, err := page(ctx, s, list[account.ID]{
		query: q, limit: limit, mark: cursor,
		read: func(item dynamo.Item) (account.ID, bool, error) {
			m, err := decodeMember(item, "member")
			again := err == nil && m.Account == before
			if err == nil {
				before = m.Account
			}
			return m.Account, !again, err
		},
	})
	if err != nil {
		return AccountPage{}, err
	}
	byID, err := s.accounts(ctx, p.records)
	result := AccountPage{Next: p.next}
	for _, id := range p.records {
		if a, ok := byID[id]; ok {
			result.Accounts = append(result.Accounts, a)
		}
	}
	return result, err
}
