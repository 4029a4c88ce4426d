package apitest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// needNoRight are the operations that change something and that everybody with a token may do, with the reason why there is no
// right that somebody could lose before the write.
var needNoRight = map[string]string{
	"createAccount":    "the account isn't there yet, and makes its opener its owner",
	"acceptInvitation": "everybody who has the link may accept it; the write checks that its inviter still may grant the role",
}

// losses are the ways to lose a right: of a member, and of an operator. They are done as others do them, and say what the answer
// to the loser is then.
var losses = map[string]func(t testing.TB, f Fixture, op Operation, caller string) (status int){
	"removed": func(t testing.TB, f Fixture, op Operation, caller string) int {
		t.Helper()
		who := keytest.Subject(caller)
		if caller == "operator" {
			must(t, f.Control.RemoveOperator(t.Context(), who, keytest.Subject("second"), keytest.Row("", "operator.remove", "")))
			if strings.Contains(op.Path, "{account}") {
				return http.StatusNotFound
			}
			return http.StatusForbidden
		}
		m, err := f.Control.Member(t.Context(), f.Account, who)
		must(t, err)
		must(t, f.Control.RemoveMember(t.Context(), m, keytest.Row(f.Account, "member.remove", "")))
		return http.StatusNotFound
	},
	"demoted": func(t testing.TB, f Fixture, _ Operation, caller string) int {
		t.Helper()
		who := keytest.Subject(caller)
		if caller == "operator" {
			before, err := f.Control.Operator(t.Context(), who)
			must(t, err)
			after := before
			after.Rank = account.Support
			must(t, f.Control.ReplaceOperator(t.Context(), before, after, keytest.Subject("second"), keytest.Row("", "operator.change", "")))
			return http.StatusForbidden
		}
		before, err := f.Control.Member(t.Context(), f.Account, who)
		must(t, err)
		_, err = f.Control.PutMember(t.Context(), &before, before.WithRole(account.Viewer, f.Clock.Now()), keytest.Subject("second"), keytest.Row(f.Account, "member.change", ""))
		must(t, err)
		return http.StatusForbidden
	},
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Rights takes the caller's right away in the moment before the first write of each operation that a function serves and that
// changes something, as each of those who may do it: the answer is that of somebody who never had the right, nothing is
// changed, and no secret is made or shown; so it is where the request names a version, which a 412 would tell to try again. states names the one of States in which an operation has something to change.
func Rights(t *testing.T, fixture func(testing.TB) Fixture, serves func(Operation) bool, states map[string]string) {
	keytest.OneAtATime(t)
	for _, op := range Operations(t) {
		if !serves(op) || !op.Changes() {
			continue
		}
		_, exempt := needNoRight[op.ID]
		if open := slices.Contains(op.Roles, "any") || slices.Contains(op.Roles, "public"); exempt != open {
			t.Errorf("%s is open to %v: is there a right to lose? needNoRight says %v", op.ID, op.Roles, exempt)
		}
		if exempt {
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			tried := 0
			fixture := func() Fixture {
				f := fixture(t)
				if state, ok := states[op.ID]; ok {
					bringInto(t, f, op, state)()
				}
				return f
			}
			for role, caller := range map[string]string{"owner": "owner", "developer": "developer", "admin": "operator", "operator": "operator"} {
				if slices.Contains(op.Roles, role) && fixture().succeeds(t, op, caller) {
					for loss := range losses {
						fixture().losesTheRight(t, op, caller, loss, "*")
						if tried++; op.IfMatch != NotTaken {
							f := fixture()
							f.losesTheRight(t, op, caller, loss, etag(f.version(t, op)))
						}
					}
				}
			}
			if tried == 0 {
				t.Error("nobody's call succeeds, so nothing was shown")
			}
		})
	}
}

// succeeds reports whether a caller may do what the fixture's call asks for: a developer may leave, but remove nobody else.
func (f Fixture) succeeds(t testing.TB, op Operation, caller string) bool {
	t.Helper()
	return f.naming(op, "*").call(t, op, caller, f.params(op)).Status < http.StatusBadRequest
}

// naming is the fixture with a call that names a version, or none ("*"), if the operation takes one.
func (f Fixture) naming(op Operation, tag string) Fixture {
	if op.IfMatch == NotTaken {
		return f
	}
	return f.sending(op, "If-Match", tag)
}

func (f Fixture) losesTheRight(t *testing.T, op Operation, caller, loss, tag string) {
	t.Helper()
	f.Member(t, f.Account, "second", account.Owner)
	f.NewOperator(t, control.Operator{Subject: keytest.Subject("second"), Rank: account.Admin, AddedAt: "2026-11-21T12:00:00Z"})
	f.Mux.Looks = nil // an operator's look is a write of its own
	status, before := 0, map[string]string(nil)
	f.Interrupt.Arm(func() {
		status = losses[loss](t, f, op, caller)
		before = f.Dump(t)
	})
	defer f.Interrupt.Arm(nil)
	answer := f.naming(op, tag).call(t, op, caller, f.params(op))
	for path := op.Path; before == nil && answer.Status == http.StatusOK; { // what goes part by part may begin where there is nothing to do
		token, more := answer.JSON(t)["next_page_token"].(string)
		if !more {
			break
		}
		op.Path = path + "?page_token=" + url.QueryEscape(token)
		answer = f.call(t, op, caller, f.params(op))
	}
	if before == nil {
		t.Errorf("%s, %s, If-Match %s: it wrote nothing, so nothing was shown (%d)", caller, loss, tag, answer.Status)
		return
	}
	if answer.Status != status {
		t.Errorf("%s, %s before the write, If-Match %s: %d, want %d (%s)", caller, loss, tag, answer.Status, status, answer.Body)
	}
	if items := written(before, f.Dump(t)); len(items) > 0 {
		t.Errorf("%s, %s before the write: it wrote %v", caller, loss, items)
	}
}
