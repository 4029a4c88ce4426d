package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/dynamo/leases"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter"
)

// bounded is a bound on tables of its own.
func bounded(second, hour int) *web.PersonChanges {
	db, tables := keytest.NewMemory()
	store := leases.New(db, tables.Leases)
	return &web.PersonChanges{PerSecond: second, PerHour: hour, Leases: store, Hours: store, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
}

func admitted(c *web.PersonChanges, who account.Subject, tries int) (n int, wait time.Duration) {
	for range tries {
		w, ok := c.Admit(context.Background(), who)
		if ok {
			n++
		} else {
			wait = w
		}
	}
	return n, wait
}

func TestAPersonChangesSoMuchInASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := bounded(4, 1000)
		n, wait := admitted(c, keytest.Subject("flood"), 50)
		if n < 1 || n > 4 || wait < time.Second {
			t.Errorf("%d of 50 changes at once, then wait %s", n, wait)
		}
		for _, other := range []account.Subject{keytest.Subject("another"), {Issuer: "https://another.example", ID: "flood"}} {
			if n, _ := admitted(c, other, 1); n != 1 {
				t.Errorf("one person's flood stops %+v", other)
			}
		}
		time.Sleep(wait + time.Second)
		if n, _ := admitted(c, keytest.Subject("flood"), 1); n != 1 {
			t.Error("still refused after the wait")
		}
	})
}

func TestAPersonChangesSoMuchInAnHourInAllEnvironmentsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := bounded(1000, 7)
		second := &web.PersonChanges{PerSecond: 1000, PerHour: 7, Leases: first.Leases, Hours: first.Hours, Now: time.Now, Log: first.Log}
		who := keytest.Subject("flood")
		a, _ := admitted(first, who, 5)
		b, wait := admitted(second, who, 5)
		if a+b != 7 {
			t.Errorf("%d + %d changes of an hour, want 7", a, b)
		}
		if left := time.Until(time.Now().Truncate(time.Hour).Add(time.Hour)); wait != left {
			t.Errorf("wait %s, and the hour ends in %s", wait, left)
		}
		time.Sleep(wait)
		if n, _ := admitted(second, who, 1); n != 1 {
			t.Error("refused in the next hour")
		}
	})
}

type broken struct{}

func (broken) Take(context.Context, limiter.Ask) (limiter.Seen, error) {
	return limiter.Seen{}, errors.New("down")
}

func (broken) Count(context.Context, string, time.Time) (int64, error) {
	return 0, errors.New("down")
}

func TestAnOutageOfTheLeasesLocksNobodyOut(t *testing.T) {
	c := bounded(8, 1)
	c.Leases, c.Hours = broken{}, broken{}
	if n, _ := admitted(c, keytest.Subject("owner"), 1); n != 1 {
		t.Error("refused")
	}
}

// An outage doesn't lift the bound of an hour: the environment goes on from the last number that it knows, and an hour
// ends during the outage too.
func TestAnOutageOfTheLeasesLiftsNoBoundOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := bounded(1000, 7)
		who, hours := keytest.Subject("flood"), c.Hours
		if n, _ := admitted(c, who, 3); n != 3 {
			t.Fatal(n)
		}
		c.Hours = broken{}
		n, wait := admitted(c, who, 10)
		if left := time.Until(time.Now().Truncate(time.Hour).Add(time.Hour)); n != 4 || wait != left {
			t.Errorf("%d more changes during the outage, want 4; wait %s of %s", n, wait, left)
		}
		if n, _ := admitted(c, keytest.Subject("another"), 10); n != 7 {
			t.Errorf("%d changes of another person, want 7", n)
		}
		time.Sleep(wait)
		if n, _ := admitted(c, who, 10); n != 7 {
			t.Errorf("%d changes in the next hour, want 7", n)
		}
		c.Hours = hours
		if n, _ := admitted(c, who, 1); n != 1 { // the table has counted none of this hour
			t.Error("refused after the outage")
		}
	})
}

// What an environment remembers of people is bounded: forgetting somebody costs no more than their part of the bound.
func TestAnEnvironmentRemembersSoManyPeople(t *testing.T) {
	c := bounded(1000, 2)
	c.Hours = broken{}
	for i := range 3000 {
		if n, _ := admitted(c, keytest.Subject(strconv.Itoa(i)), 1); n != 1 {
			t.Fatalf("person %d is refused", i)
		}
	}
	if n := c.Remembered(); n > 1024 {
		t.Errorf("%d people", n)
	}
}

type anybody struct{}

func (anybody) Verify(_ context.Context, token string) (account.Person, error) {
	return account.Person{Subject: keytest.Subject(token)}, nil
}

// counting admits a number of changes and refuses the rest.
type counting struct{ left int }

func (c *counting) Admit(context.Context, account.Subject) (time.Duration, bool) {
	c.left--
	return 90 * time.Second, c.left >= 0
}

func boundMux(changes gateway.Changes) *gateway.Mux {
	m := web.NewMux(anybody{}, keytest.MemoryStores(nil).Control, slog.New(slog.DiscardHandler), time.Now)
	m.Changes = changes
	done := func(w http.ResponseWriter, _ *http.Request, _ gateway.Principal) error {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	m.Person("POST /change", done)
	m.Person("GET /look", done)
	m.Account("POST /v1/accounts/{account}/close", done, account.RevokeKeys)
	return m
}

func ask(m *gateway.Mux, method, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Authorization", "Bearer owner")
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	return w
}

func TestEachRequestThatMayChangeSomethingCountsWhateverItsAnswer(t *testing.T) {
	m := boundMux(&counting{left: 3})
	foreign := "/v1/accounts/" + string(keytest.AccountID()) + "/close"
	for i, want := range []struct {
		method, path string
		status       int
	}{
		{"POST", "/change", 204},
		{"POST", foreign, 404}, // a refusal counts as much
		{"GET", "/look", 204},  // a look doesn't
		{"GET", "/look", 204},
		{"POST", "/change", 204},
		{"POST", "/change", 429},
		{"POST", foreign, 429},
		{"GET", "/look", 204},
	} {
		w := ask(m, want.method, want.path)
		if w.Code != want.status {
			t.Errorf("request %d: %d, want %d", i, w.Code, want.status)
		}
		if w.Code == 429 && (w.Header().Get("Retry-After") != strconv.Itoa(90) || !strings.Contains(w.Body.String(), `"too_many_changes"`)) {
			t.Errorf("request %d: %v %s", i, w.Header(), w.Body)
		}
	}
}

func TestAFunctionWithoutABoundChangesNothing(t *testing.T) {
	m := boundMux(nil)
	if w := ask(m, "POST", "/change"); w.Code != http.StatusServiceUnavailable {
		t.Error(w.Code)
	}
	if w := ask(m, "GET", "/look"); w.Code != http.StatusNoContent {
		t.Error(w.Code)
	}
}
