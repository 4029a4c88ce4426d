package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/functions/console/internal/session"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/sessions"
)

func (b *harness) of(subject string) string {
	b.Helper()
	t := tokens
	t.Subject = subject
	cookie, err := b.New(b.Context(), t, session.Browser{})
	if err != nil {
		b.Fatal(err)
	}
	return cookie
}

func (b *harness) listed(cookie string) []session.Entry {
	b.Helper()
	list, err := b.List(b.Context(), b.open(cookie))
	if err != nil {
		b.Fatal(err)
	}
	return list
}

func TestAPersonSeesTheirOwnSessionsAndNoOthers(t *testing.T) {
	b := newHarness(t)
	begin := b.now
	first := b.of("one")
	b.now = begin.Add(30 * time.Minute)
	second, foreign := b.of("one"), b.of("two")
	b.now = begin.Add(time.Hour)
	b.open(first)
	ids := b.store.ids
	for _, c := range []struct {
		cookie string
		want   []session.Entry
	}{
		{first, []session.Entry{{ids[0], begin, begin.Add(time.Hour), true, session.Browser{}}, {ids[1], begin.Add(30 * time.Minute), begin.Add(30 * time.Minute), false, session.Browser{}}}},
		{foreign, []session.Entry{{ids[2], begin.Add(30 * time.Minute), begin.Add(time.Hour), true, session.Browser{}}}},
	} {
		if got := b.listed(c.cookie); !slices.Equal(got, c.want) {
			t.Errorf("got  %v\nwant %v", got, c.want)
		}
	}
	// What is over isn't listed: by its end, or by signing out.
	if err := b.End(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if got := b.listed(first); len(got) != 1 {
		t.Errorf("after signing out of the second: %v", got)
	}
	other := b.of("one")
	b.now = begin.Add(3*time.Hour - 30*time.Minute)
	b.open(first)
	b.now = begin.Add(3*time.Hour + time.Second)
	if got := b.listed(first); len(got) != 1 || !got[0].Current {
		t.Errorf("after the end of %s: %v", other, got)
	}
}

func TestASessionIsEndedByItsOwnPersonAlone(t *testing.T) {
	b := newHarness(t)
	mine, other, foreign := b.of("one"), b.of("one"), b.of("two")
	for _, id := range []string{"", "x", b.store.ids[2], "person#x"} {
		if err := b.EndListed(t.Context(), b.open(mine), id); !errors.Is(err, session.ErrNone) {
			t.Errorf("ending %q: %v", id, err)
		}
	}
	b.open(foreign)
	if err := b.EndListed(t.Context(), b.open(mine), b.store.ids[1]); err != nil {
		t.Fatal(err)
	}
	b.over(other, "ended from the list")
	b.open(mine)
	if got := b.listed(mine); len(got) != 1 {
		t.Errorf("still listed: %v", got)
	}
}

var errStuck = errors.New("throttled")

// stuck is a store that deletes no session, or one that writes no list.
type stuck struct {
	session.Store
	deletes bool
}

func (s stuck) Delete(ctx context.Context, id string) error {
	if !s.deletes {
		return errStuck
	}
	return s.Store.Delete(ctx, id)
}

func (s stuck) PutPerson(ctx context.Context, p sessions.Person) error {
	if s.deletes {
		return errStuck
	}
	return s.Store.PutPerson(ctx, p)
}

// TestASessionThatCantBeEndedStaysListed: its person can end it later. One that has ended isn't listed, whatever the list says.
func TestASessionThatCantBeEndedStaysListed(t *testing.T) {
	for name, deletes := range map[string]bool{"not deleted": false, "deleted, and the list not written": true} {
		b := newHarness(t)
		mine, other := b.of("one"), b.of("one")
		b.Keeper.Store = stuck{b.store, deletes}
		if err := b.EndListed(t.Context(), b.open(mine), b.store.ids[1]); !errors.Is(err, errStuck) {
			t.Errorf("%s: %v", name, err)
		}
		b.Keeper.Store = b.store
		if n := len(b.listed(mine)); n != map[bool]int{false: 2, true: 1}[deletes] {
			t.Errorf("%s: %d sessions are listed", name, n)
		}
		if err := b.EndListed(t.Context(), b.open(mine), b.store.ids[1]); err != nil {
			t.Errorf("%s, ended again: %v", name, err)
		}
		b.over(other, name)
	}
}

func TestSigningOutEverywhereEndsEverySessionOfThePerson(t *testing.T) {
	b := newHarness(t)
	cookies, foreign := []string{b.of("one"), b.of("one"), b.of("one")}, b.of("two")
	s := b.open(cookies[1])
	for range 2 { // it does no harm twice
		if err := b.EndAll(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	for i, cookie := range cookies {
		b.over(cookie, fmt.Sprintf("session %d", i))
	}
	b.open(foreign)
	if got := b.listed(b.of("one")); len(got) != 1 {
		t.Errorf("after a new sign-in: %v", got)
	}
}

// signsInMeanwhile is a store in which the person signs in while their sessions are ended.
type signsInMeanwhile struct {
	session.Store
	once   sync.Once
	signIn func()
}

func (s *signsInMeanwhile) Delete(ctx context.Context, id string) error {
	s.once.Do(s.signIn)
	return s.Store.Delete(ctx, id)
}

func TestASignInDuringSigningOutEverywhereIsEndedToo(t *testing.T) {
	b := newHarness(t)
	cookie, late := b.of("one"), ""
	s := b.open(cookie)
	k := b.Keeper
	k.Store = &signsInMeanwhile{Store: b.store, signIn: func() { late = b.of("one") }}
	if err := k.EndAll(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	b.over(cookie, "the first")
	b.over(late, "the one that came meanwhile")
}

func TestOneSessionMoreThanTheMostEndsTheLeastRecentlyUsed(t *testing.T) {
	b := newHarness(t)
	if session.MostOfOnePerson != 20 {
		t.Fatalf("the most are %d", session.MostOfOnePerson)
	}
	var cookies []string
	for range 20 {
		cookies = append(cookies, b.of("one"))
		b.now = b.now.Add(time.Minute)
	}
	b.now = b.now.Add(20 * time.Minute)
	b.open(cookies[0])
	last := b.of("one")
	b.over(cookies[1], "the least recently used")
	for i, cookie := range append(slices.Delete(slices.Clone(cookies), 1, 2), last) {
		if _, err := b.Open(t.Context(), cookie); err != nil {
			t.Errorf("session %d: %v", i, err)
		}
	}
	if got := b.listed(last); len(got) != 20 {
		t.Errorf("%d are listed", len(got))
	}
	// What is over makes room, and nothing that is open ends.
	for _, cookie := range cookies[2:] {
		if err := b.End(t.Context(), cookie); err != nil {
			t.Fatal(err)
		}
	}
	b.of("one")
	b.open(cookies[0])
	b.open(last)
}

// TestASessionOfTheReleaseBeforeIsListedWhenItIsUsed: it has no last use, and no list names it.
func TestASessionOfTheReleaseBeforeIsListedWhenItIsUsed(t *testing.T) {
	b := newHarness(t)
	old := b.of("one")
	row := b.store.rows[0]
	if err := b.store.Delete(t.Context(), row.ID); err != nil {
		t.Fatal(err)
	}
	row.UsedAt = time.Time{}
	if _, err := b.store.Store.Put(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	p, err := b.store.Person(t.Context(), b.person(old))
	if err != nil {
		t.Fatal(err)
	}
	p.Sessions = nil
	if err := b.store.PutPerson(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	other := b.of("one")
	if got := b.listed(other); len(got) != 1 {
		t.Fatalf("listed before its use: %v", got)
	}
	if got := b.open(old); got.Tokens.Subject != "one" {
		t.Errorf("it opens %+v", got.Tokens)
	}
	if got := b.listed(other); len(got) != 2 {
		t.Errorf("after its use: %v", got)
	}
	if err := b.EndAll(t.Context(), b.open(other)); err != nil {
		t.Fatal(err)
	}
	b.over(old, "ended everywhere")
}

// person is the ID of the list that the store has for a session's person.
func (b *harness) person(string) string { return b.store.people[len(b.store.people)-1] }

func TestSignInsOfOnePersonAtOnceAreAllListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newHarness(t)
		cookies := make([]string, 4)
		var wait sync.WaitGroup
		for i := range cookies {
			wait.Go(func() { cookies[i], _ = b.Keeper.New(t.Context(), tokens, session.Browser{}) })
		}
		wait.Wait()
		if got := b.listed(cookies[0]); len(got) != 4 {
			t.Errorf("listed: %v", got)
		}
	})
}

// A hold keeps others away from the issuer until it ends or the tokens come.
func TestOneRequestHoldsASessionAtATime(t *testing.T) {
	b := newHarness(t)
	cookie := b.start()
	one, two := b.open(cookie), b.open(cookie)
	until := b.now.Add(20 * time.Second)
	if held, err := b.Hold(t.Context(), one, until); !held || err != nil {
		t.Fatalf("the first: %v, %v", held, err)
	}
	if held, err := b.Hold(t.Context(), two, until); held || err != nil || !two.HeldUntil().Equal(until) {
		t.Errorf("the second: %v, %v, held until %s", held, err, two.HeldUntil())
	}
	renewed := tokens
	renewed.Access = "renewed"
	if err := b.Renew(t.Context(), one, renewed); err != nil {
		t.Fatal(err)
	}
	if err := b.Reload(t.Context(), two); err != nil || two.Access != "renewed" || !two.HeldUntil().IsZero() {
		t.Errorf("the second has %s, held until %s, %v", two.Access, two.HeldUntil(), err)
	}
	if err := b.End(t.Context(), cookie); err != nil {
		t.Fatal(err)
	}
	if held, err := b.Hold(t.Context(), two, until); held || !errors.Is(err, session.ErrNone) {
		t.Errorf("a session that is over: %v, %v", held, err)
	}
}

func TestASessionThatWasRenewedMeanwhileIsNotEnded(t *testing.T) {
	b := newHarness(t)
	cookie := b.start()
	loser, winner := b.open(cookie), b.open(cookie)
	renewed := tokens
	renewed.Access = "renewed"
	if err := b.Renew(t.Context(), winner, renewed); err != nil {
		t.Fatal(err)
	}
	if ended, err := b.EndUnchanged(t.Context(), loser); ended || err != nil || loser.Access != "renewed" {
		t.Errorf("ended %v, %v, with %s", ended, err, loser.Access)
	}
	b.open(cookie)
	if ended, err := b.EndUnchanged(t.Context(), loser); !ended || err != nil {
		t.Errorf("unchanged: %v, %v", ended, err)
	}
	b.over(cookie, "ended")
	if ended, err := b.EndUnchanged(t.Context(), winner); ended || !errors.Is(err, session.ErrNone) {
		t.Errorf("over before: %v, %v", ended, err)
	}
}

// failingList is a store whose lists can't be written.
type failingList struct{ session.Store }

func (failingList) Person(context.Context, string) (sessions.Person, error) {
	return sessions.Person{}, errors.New("throttled")
}

func TestASessionThatCantBeListedStartsNotAtAll(t *testing.T) {
	b := newHarness(t)
	k := b.Keeper
	k.Store = failingList{b.store}
	if _, err := k.New(t.Context(), tokens, session.Browser{}); err == nil || errors.Is(err, dynamo.ErrStale) {
		t.Errorf("it started: %v", err)
	}
	if len(b.store.rows) > 0 {
		t.Error("a session was stored")
	}
}
