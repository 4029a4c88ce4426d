package session

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/sessions"
)

// MostOfOnePerson is the greatest number of sessions of a person: one more ends the one that was used least recently.
const MostOfOnePerson = 20

// Entry is a session in its person's list.
type Entry struct {
	ID        string // names it; it opens nothing
	CreatedAt time.Time
	UsedAt    time.Time // up to 10 min ago it may have been used again
	Current   bool      // it is the one that asks
	Browser   Browser   // that signed in
}

// start stores a new session together with the list that names it.
func (k Keeper) start(ctx context.Context, row sessions.Session, subject string) error {
	return sessions.Change(ctx, k.Store, subject, func(p sessions.Person) error {
		p, err := k.add(ctx, p, row.ID)
		if err != nil {
			return err
		}
		return k.Store.Start(ctx, row, p)
	})
}

// list adds a session of before there were lists.
func (k Keeper) list(ctx context.Context, id, subject string) error {
	return sessions.Change(ctx, k.Store, subject, func(p sessions.Person) error {
		if slices.Contains(p.Sessions, id) {
			return nil
		}
		p, err := k.add(ctx, p, id)
		if err != nil {
			return err
		}
		return k.Store.PutPerson(ctx, p)
	})
}

// add puts a session into a list. A list that is full loses what is over, then what was used least recently, which ends.
func (k Keeper) add(ctx context.Context, p sessions.Person, id string) (sessions.Person, error) {
	p.ExpiresAt = k.Now().UTC().Add(Longest) // no session of the list lives longer
	if len(p.Sessions) >= MostOfOnePerson {
		open, err := k.read(ctx, p.Sessions, "")
		if err != nil {
			return p, err
		}
		p.Sessions = p.Sessions[:0]
		for i, e := range open { // the last used first
			if i < MostOfOnePerson-1 {
				p.Sessions = append(p.Sessions, e.ID)
			} else if err := k.Store.Delete(ctx, e.ID); err != nil {
				return p, err
			}
		}
	}
	p.Sessions = append(p.Sessions, id)
	return p, nil
}

// read looks sessions up and leaves out those that are over. What was used last comes first.
func (k Keeper) read(ctx context.Context, ids []string, current string) ([]Entry, error) {
	now := k.Now().UTC()
	found := make([]*Entry, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	for i, id := range ids {
		g.Go(func() error {
			row, err := k.Store.Get(ctx, id, now)
			if errors.Is(err, dynamo.ErrNotFound) || errors.Is(err, dynamo.ErrUnreadable) {
				return nil // nobody can open it
			}
			if err != nil {
				return err
			}
			if now.Before(row.CreatedAt.Add(Longest)) {
				found[i] = &Entry{ID: id, CreatedAt: row.CreatedAt, UsedAt: row.UsedAt, Current: id == current, Browser: storedBrowser(row.Browser)}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var list []Entry
	for _, e := range found {
		if e != nil {
			list = append(list, *e)
		}
	}
	slices.SortStableFunc(list, func(a, b Entry) int {
		return cmp.Or(b.UsedAt.Compare(a.UsedAt), b.CreatedAt.Compare(a.CreatedAt))
	})
	return list, nil
}

// List returns the open sessions of the session's person, the last used first.
func (k Keeper) List(ctx context.Context, s *Session) ([]Entry, error) {
	p, err := k.Store.Person(ctx, sessions.PersonID(s.Subject))
	if err != nil {
		return nil, err
	}
	if !slices.Contains(p.Sessions, s.row.ID) {
		p.Sessions = append(p.Sessions, s.row.ID)
	}
	return k.read(ctx, p.Sessions, s.row.ID)
}

// EndListed ends one session of the session's person. ErrNone if the person has no such session.
func (k Keeper) EndListed(ctx context.Context, s *Session, id string) error {
	return sessions.Change(ctx, k.Store, s.Subject, func(p sessions.Person) error {
		if !slices.Contains(p.Sessions, id) {
			return ErrNone
		}
		if err := k.Store.Delete(ctx, id); err != nil {
			return err
		}
		p.Sessions = slices.DeleteFunc(p.Sessions, func(one string) bool { return one == id })
		return k.Store.PutPerson(ctx, p)
	})
}

// EndAll ends every session of the session's person, this one included.
func (k Keeper) EndAll(ctx context.Context, s *Session) error {
	return sessions.EndAll(ctx, k.Store, s.Subject, s.row.ID)
}
