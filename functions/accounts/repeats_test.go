package main

import (
	"maps"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/keytest"
)

// TestARepeatedInvitationIsReplayedWithoutItsToken: whatever has changed since, no second invitation is made, and the link is shown once.
func TestARepeatedInvitationIsReplayedWithoutItsToken(t *testing.T) {
	for name, c := range map[string]struct {
		then func(*harness, string)
		want string
	}{
		"nothing":         {func(*harness, string) {}, ""},
		"the last second": {func(r *harness, _ string) { r.Clock.Advance(24*time.Hour - time.Second) }, ""},
		"there are too many": {func(r *harness, _ string) {
			for range account.MaxInvitations - 1 {
				r.Want(t, 201, apitest.Call{As: "owner", Method: "POST", Path: r.path("/invitations"), Body: map[string]any{"role": "viewer"}})
			}
		}, ""},
		"it was withdrawn": {func(r *harness, id string) {
			r.Want(t, 204, apitest.Call{As: "owner", Method: "DELETE", Path: r.path("/invitations/" + id)})
		}, "404 invitation_not_found []"},
	} {
		r := newHarness(t)
		call := apitest.Call{
			As: "owner", Method: "POST", Path: r.path("/invitations"), Body: map[string]any{"role": "viewer", "email": "a@example.com"},
			Headers: map[string]string{"Idempotency-Key": "k"},
		}
		first := r.Want(t, 201, call).JSON(t)
		c.then(r, first["id"].(string))
		before := r.Dump(t)
		got := r.Do(t, call)
		switch {
		case c.want != "":
			if got.Problem() != c.want || got.Header.Get("Idempotent-Replayed") != "" {
				t.Errorf("%s: %s", name, got.Problem())
			}
		case got.Status != 201 || got.Header.Get("Idempotent-Replayed") != "true":
			t.Errorf("%s: %s", name, got.Problem())
		default:
			doc := got.JSON(t)
			if doc["id"] != first["id"] || doc["role"] != "viewer" || doc["email"] != "a@example.com" || doc["token"] != nil || doc["token_unavailable"] != true {
				t.Errorf("%s: %v", name, doc)
			}
		}
		other := call
		other.Body = map[string]any{"role": "owner"}
		if got := r.Do(t, other); got.Problem() != "422 idempotency_key_reused []" {
			t.Errorf("%s: another body: %s", name, got.Problem())
		}
		if items := keytest.Written(before, r.Dump(t)); len(items) > 0 {
			t.Errorf("%s: a replay wrote %v", name, items)
		}
	}
}

// TestARepeatedAccountIsReplayedAsItIsNow: it takes no second place of the person's, and is shown to its members alone.
func TestARepeatedAccountIsReplayedAsItIsNow(t *testing.T) {
	r := newHarness(t)
	call := apitest.Call{As: "stranger", Method: "POST", Path: "/v1/accounts", Body: map[string]any{"name": "Mine"}, Headers: map[string]string{"Idempotency-Key": "k"}}
	first := r.Want(t, 201, call).JSON(t)
	id := account.ID(first["id"].(string))
	for range 2 { // all that are left
		r.Want(t, 201, apitest.Call{As: "stranger", Method: "POST", Path: "/v1/accounts", Body: map[string]any{"name": "Other"}})
	}
	r.Want(t, 200, apitest.Call{As: "stranger", Method: "PATCH", Path: "/v1/accounts/" + string(id), Body: map[string]any{"name": "Renamed"}})
	before := r.Dump(t)
	again := r.Want(t, 201, call)
	if doc := again.JSON(t); again.Header.Get("Idempotent-Replayed") != "true" || doc["id"] != first["id"] || doc["name"] != "Renamed" || doc["role"] != "owner" {
		t.Errorf("%v %v", again.Header, doc)
	}
	other := call
	other.Body = map[string]any{"name": "Another"}
	if got := r.Do(t, other); got.Problem() != "422 idempotency_key_reused []" {
		t.Errorf("another body: %s", got.Problem())
	}
	if items := keytest.Written(before, r.Dump(t)); len(items) > 0 {
		t.Errorf("a replay wrote %v", items)
	}
	r.Member(t, id, "heir", account.Owner)
	r.Want(t, 200, apitest.Call{As: "stranger", Method: "DELETE", Path: "/v1/accounts/" + string(id) + "/members/stranger"})
	if got := r.Do(t, call); got.Problem() != "404 not_found []" {
		t.Errorf("who has left is shown the account: %s", got.Problem())
	}
	elsewhere := call
	elsewhere.As = "owner"
	if doc := r.Want(t, 201, elsewhere).JSON(t); doc["id"] == first["id"] {
		t.Error("another person's key replays this one's request")
	}
}

// TestTwoAtTheSameMomentMakeOne: the second finds the first when it writes.
func TestTwoAtTheSameMomentMakeOne(t *testing.T) {
	for name, c := range map[string]struct {
		path func(*harness) string
		body map[string]any
	}{
		"an account":    {func(*harness) string { return "/v1/accounts" }, map[string]any{"name": "Mine"}},
		"an invitation": {func(r *harness) string { return r.path("/invitations") }, map[string]any{"role": "viewer"}},
	} {
		stores, interrupt := apitest.RaceStores(t)
		r := harnessOn(t, stores)
		call := apitest.Call{As: "owner", Method: "POST", Path: c.path(r), Body: c.body, Headers: map[string]string{"Idempotency-Key": "k"}}
		var first apitest.Answer
		interrupt.Arm(func() { first = r.Want(t, 201, call) })
		second := r.Want(t, 201, call)
		if second.Header.Get("Idempotent-Replayed") != "true" || second.JSON(t)["id"] != first.JSON(t)["id"] {
			t.Errorf("%s: %s and %s", name, first.Body, second.Body)
		}
	}
}

// TestASecondRequestDuringTheFirstIsItsReplay, also where the first one makes the last invitation that the account may have open.
func TestASecondRequestDuringTheFirstIsItsReplay(t *testing.T) {
	apitest.Overlapping(t, populated, served, "*")
	apitest.Overlapping(t, func(t testing.TB) apitest.Fixture {
		f := populated(t)
		for open := 2; open < account.MaxInvitations; open++ {
			f.Call(t, "createInvitation", "", map[string]any{"role": "viewer"})
		}
		return f
	}, served, "*")
}

func TestNoChangeIsMadeTwice(t *testing.T) {
	apitest.Repeats(t, func(t testing.TB) apitest.Fixture {
		f := populated(t)
		f.Bodies = maps.Clone(f.Bodies)
		f.Bodies["acceptInvitation"] = map[string]any{"token": f.Call(t, "createInvitation", "", map[string]any{"role": "viewer"}).JSON(t)["token"]}
		return f
	}, served, map[string]string{"resumeAccount": "suspended"})
}
