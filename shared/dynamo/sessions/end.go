package sessions

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"

	"golang.org/x/sync/errgroup"

	"latchkey/shared/dynamo"
)

// attempts bounds how often a person's list is written when sign-ins of the same person get in the way.
const attempts = 6

// PersonID names a person's list. Subjects come from the issuer and may tell who it is.
func PersonID(subject string) string {
	sum := sha256.Sum256([]byte("latchkey console person\n" + subject))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Reader reads people's lists; *Store does.
type Reader interface {
	Person(ctx context.Context, id string) (Person, error)
}

// Change reads the list of a subject for a write, again after each write that came too late.
func Change(ctx context.Context, s Reader, subject string, write func(Person) error) error {
	for attempt := 1; ; attempt++ {
		p, err := s.Person(ctx, PersonID(subject))
		if err != nil {
			return err
		}
		if err := write(p); !errors.Is(err, dynamo.ErrStale) || attempt == attempts {
			return err
		}
		if err := dynamo.Pause(ctx, attempt); err != nil {
			return err
		}
	}
}

// Ender lists the calls that end all sessions of a person; *Store has them. None reads a session.
type Ender interface {
	Reader
	PutPerson(ctx context.Context, p Person) error
	Delete(ctx context.Context, id string) error
}

// EndAll ends every session of a subject, and those that the caller names. A sign-in that happens meanwhile is ended too,
// or comes after it. It does no harm twice.
func EndAll(ctx context.Context, s Ender, subject string, also ...string) error {
	return Change(ctx, s, subject, func(p Person) error {
		g, each := errgroup.WithContext(ctx)
		for _, id := range append(p.Sessions, also...) {
			g.Go(func() error { return s.Delete(each, id) })
		}
		if err := g.Wait(); err != nil || p.Version == 0 {
			return err
		}
		p.Sessions = nil
		return s.PutPerson(ctx, p)
	})
}
