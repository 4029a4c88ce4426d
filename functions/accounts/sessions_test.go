package main

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/sessions"
	"latchkey/shared/keytest"
)

const endSessions = "/v1/operator/people/end-sessions"

// signIn starts a session of a person, as the console does.
func (r *harness) signIn(t testing.TB, sub, id string) {
	t.Helper()
	store := sessions.New(r.DB, r.Tables.Sessions)
	now := r.Clock.Now()
	err := sessions.Change(t.Context(), store, sub, func(p sessions.Person) error {
		p.Sessions, p.ExpiresAt = append(p.Sessions, id), now.Add(12*time.Hour)
		session := sessions.Session{ID: id, Sealed: []byte("x"), CreatedAt: now, ExpiresAt: now.Add(2 * time.Hour), UsedAt: now}
		return store.Start(t.Context(), session, p)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// signedIn lists those of the sessions that are open.
func (r *harness) signedIn(t testing.TB, ids ...string) (open []string) {
	t.Helper()
	store := sessions.New(r.DB, r.Tables.Sessions)
	for _, id := range ids {
		if _, err := store.Get(t.Context(), id, r.Clock.Now()); err == nil {
			open = append(open, id)
		}
	}
	return open
}

// ends lists the operators' rows about ended sessions, without what differs from call to call.
func (r *harness) ends(t testing.TB) (rows []audit.Row) {
	t.Helper()
	for _, row := range r.AllAudit(t, control.Operators) {
		if row.Action == "person.end_sessions" {
			rows = append(rows, audit.Row{Account: row.Account, Actor: row.Actor, Changes: row.Changes})
		}
	}
	return rows
}

func TestAnAdminEndsAllSessionsOfAPerson(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	all := []string{"one", "two", "three", "foreign"}
	for _, id := range all[:3] {
		r.signIn(t, "jane|d", id)
	}
	r.signIn(t, "jane", "foreign")
	var want []audit.Row
	end := apitest.Call{As: "operator", Method: "POST", Path: endSessions, Body: object{"subject": "jane|d"}}
	for range 2 { // it does no harm twice
		if got := r.Want(t, 204, end); len(got.Body) > 0 {
			t.Errorf("%s", got.Body)
		}
		want = append(want, audit.Row{
			Account: control.Operators, Changes: []audit.Change{audit.Set("subject", "jane|d", nil)},
			Actor: audit.Actor{Subject: keytest.Subject("operator"), Email: "operator@example.com", Role: account.RoleOperator},
		})
	}
	if open := r.signedIn(t, all...); !slices.Equal(open, all[3:]) {
		t.Errorf("still open: %v", open)
	}
	if rows := r.ends(t); !slices.EqualFunc(rows, want, func(a, b audit.Row) bool {
		return a.Account == b.Account && a.Actor == b.Actor && slices.Equal(a.Changes, b.Changes)
	}) {
		t.Errorf("the operators' audit trail has %+v", rows)
	}
	// Nor does the next sign-in suffer from it.
	r.signIn(t, "jane|d", "four")
	if open := r.signedIn(t, "four"); len(open) != 1 {
		t.Error("who signs in afterwards has no session")
	}
}

func TestSessionsAreEndedByAdminsAlone(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	r.signIn(t, "viewer", "one")
	for _, as := range []string{"support", "owner", "viewer"} {
		if got := r.Do(t, apitest.Call{As: as, Method: "POST", Path: endSessions, Body: object{"subject": "viewer"}}); got.Problem() != "403 forbidden []" {
			t.Errorf("%s: %s", as, got.Problem())
		}
	}
	if len(r.signedIn(t, "one")) != 1 || len(r.ends(t)) > 0 {
		t.Error("who is refused has ended a session, or left a row")
	}
}

// TestNoSessionEndsUnnoted: a row that can't be written ends nothing, and one that is written is there although the
// sessions couldn't be ended; the same call again does the rest.
func TestNoSessionEndsUnnoted(t *testing.T) {
	for name, c := range map[string]struct {
		call string // of DynamoDB, that fails
		rows int
	}{"the row": {"TransactWriteItems", 0}, "the list": {"PutItem", 1}, "a session": {"DeleteItem", 1}} {
		t.Run(name, func(t *testing.T) {
			down := false
			stores := keytest.Open(t).With(func(call string, _ int) keytest.Fault {
				if down && call == c.call {
					return keytest.Before
				}
				return keytest.NoFault
			})
			r := harnessOn(t, stores)
			apitest.People(t, r.API, r.account.ID)
			r.signIn(t, "jane", "one")
			end := apitest.Call{As: "operator", Method: "POST", Path: endSessions, Body: object{"subject": "jane"}}
			down = true
			if got := r.Do(t, end); got.Status < 500 {
				t.Errorf("answered %d", got.Status)
			}
			down = false
			if open := r.signedIn(t, "one"); c.rows == 0 && len(open) != 1 {
				t.Error("it ended unnoted")
			}
			if rows := r.ends(t); len(rows) != c.rows {
				t.Errorf("%d rows", len(rows))
			}
			r.Want(t, 204, end)
			if open := r.signedIn(t, "one"); len(open) > 0 || len(r.ends(t)) != c.rows+1 {
				t.Error("the same call again ended nothing, or left no row")
			}
		})
	}
}

// TestWhoIsNoAdminAnyMoreEndsNoSession: the right is checked in the write of the row.
func TestWhoIsNoAdminAnyMoreEndsNoSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, interrupt := raceHarness(t)
		r.rank(t, "operator", "evil", object{"rank": "admin"}, 201)
		r.signIn(t, "jane", "one")
		interrupt.Arm(func() { r.rank(t, "operator", "evil", object{"rank": "support"}, 200) })
		got := r.Do(t, apitest.Call{As: "evil", Method: "POST", Path: endSessions, Body: object{"subject": "jane"}})
		if got.Status != 403 || len(r.signedIn(t, "one")) != 1 || len(r.ends(t)) > 0 {
			t.Errorf("%s, rows %v", got.Problem(), r.ends(t))
		}
	})
}

// TestARowAboutEndedSessionsForgetsWhoIsErased like any other row.
func TestARowAboutEndedSessionsForgetsWhoIsErased(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	r.Want(t, 204, apitest.Call{As: "operator", Method: "POST", Path: endSessions, Body: object{"subject": "jane.doe"}})
	pseudonym, _ := r.erase(t, "jane.doe")
	if rows := r.ends(t); len(rows) != 1 || !slices.Equal(rows[0].Changes, []audit.Change{audit.Set("subject", pseudonym, nil)}) {
		t.Errorf("%+v", rows)
	}
}
