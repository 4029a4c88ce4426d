package control

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
)

// A search over all accounts has no index: it goes through the accounts in the order of their names and looks at each record of a kind, a
// bounded part at a time. An account that gets another name meanwhile may be looked at twice, or not at all.

// Bounds of one page of a search, beside [MostLooked] for the records that it looks at. It reads up to 500 more: those of the accounts that are
// read beside one that has many.
const (
	MostSearched = 250 // accounts
	perIndex     = 50  // accounts that are read at once
	sideBySide   = 10  // accounts whose records are read at once
	perAccount   = 50  // of the records of one
)

// Match is a record that a search has found, with its account.
type Match[T any] struct {
	Record  T
	Account account.Account // its ID alone where it can't be read
}

// Looked counts what a search has looked at, an account as soon as one of its records was.
type Looked struct{ Accounts, Records int }

// MatchPage is one page of a search. It may have few matches, or none, and still a next one.
type MatchPage[T any] struct {
	Matches []Match[T]
	Looked  Looked // on this page and all before it
	Next    string // the after of the next page; "" at the end
}

// SearchKeys looks for keys of all accounts, deleted ones too; for operators. A new account shows in it after a moment. after is the Next of the page
// before, or "".
func (s *Store) SearchKeys(ctx context.Context, match func(apikey.Key) bool, after string, limit int) (MatchPage[apikey.Key], error) {
	return search(ctx, s, keyPrefix, func(item dynamo.Item) (apikey.Key, bool, error) {
		k, err := DecodeKey(item)
		return k, err == nil && match(k), err
	}, after, limit)
}

// SearchMembers looks for members of all accounts, as [Store.SearchKeys] does for keys.
func (s *Store) SearchMembers(ctx context.Context, match func(account.Member) bool, after string, limit int) (MatchPage[account.Member], error) {
	return search(ctx, s, memberPrefix, func(item dynamo.Item) (account.Member, bool, error) {
		m, err := decodeMember(item, "member")
		return m, err == nil && match(m), err
	}, after, limit)
}

func search[T any](ctx context.Context, s *Store, prefix string, read func(dynamo.Item) (T, bool, error), after string, limit int) (MatchPage[T], error) {
	from, err := parseReached(after)
	if err != nil {
		return MatchPage[T]{}, err
	}
	g := searching[T]{store: s, prefix: prefix, read: read, limit: limit, from: from, at: from}
	for range MostSearched / perIndex {
		accounts, more, err := s.searchedAccounts(ctx, g.at.done)
		if err != nil {
			return MatchPage[T]{}, err
		}
		for len(accounts) > 0 {
			n := min(len(accounts), sideBySide)
			full, err := g.group(ctx, accounts[:n])
			if err != nil || full {
				return g.page(full), err
			}
			accounts = accounts[n:]
		}
		if !more {
			return g.page(false), nil
		}
	}
	return g.page(true), nil
}

// searching is one page of a search while it is made.
type searching[T any] struct {
	store   *Store
	prefix  string
	read    func(dynamo.Item) (record T, found bool, err error)
	limit   int
	from    reached // where the page begins
	at      reached
	looked  int // records, on this page
	matches []Match[T]
}

func (g *searching[T]) page(more bool) MatchPage[T] {
	p := MatchPage[T]{Matches: g.matches, Looked: g.at.sofar()}
	if more {
		p.Next = g.at.String()
	}
	return p
}

// group looks into some accounts, whose first records it reads side by side. full says that the page is before it is done with them.
func (g *searching[T]) group(ctx context.Context, accounts []dynamo.Item) (full bool, err error) {
	begun := make([][]dynamo.Item, len(accounts))
	group, at := errgroup.WithContext(ctx)
	for i, item := range accounts {
		id, record := accountOf(text(item, "pk")), ""
		if id == g.from.within {
			record = g.from.record
		}
		group.Go(func() (err error) {
			begun[i], err = g.records(at, id, record)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return false, err
	}
	for i, item := range accounts {
		if full, err := g.account(ctx, g.store.accountIn(ctx, item), begun[i]); err != nil || full {
			return full, err
		}
		g.at.Accounts++
		g.at.done, g.at.within, g.at.record = cursor(item), "", ""
	}
	return false, nil
}

// account looks at an account's records, of which the first are read.
func (g *searching[T]) account(ctx context.Context, its account.Account, records []dynamo.Item) (full bool, err error) {
	for len(records) > 0 {
		for _, item := range records {
			record, found, unreadable := g.read(item)
			switch {
			case g.looked == MostLooked || found && len(g.matches) == g.limit:
				return true, nil
			case unreadable != nil:
				g.store.unreadable(ctx, item, unreadable)
			case found:
				g.matches = append(g.matches, Match[T]{record, its})
			}
			g.looked++
			g.at.Records++
			g.at.within, g.at.record = its.ID, strings.TrimPrefix(sortKey(item), g.prefix)
		}
		if len(records) < perAccount {
			break
		}
		if records, err = g.records(ctx, its.ID, g.at.record); err != nil {
			return false, err
		}
	}
	return false, nil
}

// records reads up to perAccount records of an account, those behind one if it is named.
func (g *searching[T]) records(ctx context.Context, id account.ID, after string) (items []dynamo.Item, err error) {
	q := query{pk: accountPK(id), prefix: g.prefix, most: perAccount}
	if after != "" {
		q.start = itemKey(q.pk, g.prefix+after)
	}
	err = g.store.each(ctx, q, func(item dynamo.Item) (bool, error) {
		items = append(items, item)
		return true, nil
	})
	return items, err
}

// reached holds how far a search has come.
type reached struct {
	Looked            // of the accounts those that are done with
	done   string     // the place in the index of the last account that is done with; "" before the first
	within account.ID // the account behind it, of which a part is done; "" for none
	record string     // the last of its records that was looked at
}

func (r reached) sofar() Looked {
	if r.within != "" {
		r.Accounts++
	}
	return r.Looked
}

func (r reached) String() string {
	return fmt.Sprintf("%d\n%d\n%s\n%s\n%s", r.Accounts, r.Records, r.within, r.record, r.done)
}

func parseReached(text string) (r reached, err error) {
	if text == "" {
		return r, nil
	}
	parts := strings.SplitN(text, "\n", 5)
	if len(parts) < 5 {
		return r, fmt.Errorf("control: searching: %w", dynamo.ErrCursor)
	}
	for i, n := range []*int{&r.Accounts, &r.Records} {
		if *n, err = strconv.Atoi(parts[i]); err != nil {
			return r, fmt.Errorf("control: searching: %w", dynamo.ErrCursor)
		}
	}
	r.within, r.record, r.done = account.ID(parts[2]), parts[3], parts[4]
	return r, nil
}

// searchedAccounts reads the next accounts, as the index has them. more says that there are others.
func (s *Store) searchedAccounts(ctx context.Context, done string) (items []dynamo.Item, more bool, err error) {
	q := query{index: lookup, pk: gAccounts, start: cursorItem(gAccounts, done), most: perIndex + 1}
	err = s.each(ctx, q, func(item dynamo.Item) (bool, error) {
		more = len(items) == perIndex
		if !more {
			items = append(items, item)
		}
		return !more, nil
	})
	return items, more, err
}

// accountIn is the account of an item of the index. One that can't be read is reported and has its ID alone: it hides none of its records.
func (s *Store) accountIn(ctx context.Context, item dynamo.Item) account.Account {
	a, err := decodeAccount(item)
	if err != nil {
		s.unreadable(ctx, item, err)
		return account.Account{ID: accountOf(text(item, "pk"))}
	}
	return a
}
