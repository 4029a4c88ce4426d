package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
)

type object = map[string]any

// invite makes an invitation and returns its token.
func (r *harness) invite(t testing.TB, as string, body object) string {
	t.Helper()
	return r.Want(t, 201, apitest.Call{As: as, Method: "POST", Path: r.path("/invitations"), Body: body}).JSON(t)["token"].(string)
}

// accept looks at an invitation and accepts it, both of which are refused alike.
func (r *harness) accept(t testing.TB, as, token string) apitest.Answer {
	t.Helper()
	shown := r.Do(t, apitest.Call{As: as, Method: "POST", Path: "/v1/invitations/show", Body: object{"token": token}})
	accepted := r.Do(t, apitest.Call{As: as, Method: "POST", Path: "/v1/invitations/accept", Body: object{"token": token}})
	if shown.Status != accepted.Status || shown.Status != 200 && shown.Problem() != accepted.Problem() {
		t.Errorf("shown: %s; accepted: %s", shown.Problem(), accepted.Problem())
	}
	return accepted
}

func (r *harness) put(t testing.TB, as, sub string, role account.Role, status int) apitest.Answer {
	t.Helper()
	return r.Want(t, status, apitest.Call{As: as, Method: "PUT", Path: r.path("/members/" + sub), Body: object{"role": string(role)}})
}

func (r *harness) remove(t testing.TB, as, sub string) apitest.Answer {
	t.Helper()
	return r.Want(t, 200, apitest.Call{As: as, Method: "DELETE", Path: r.path("/members/" + sub)})
}

const voided = "404 invitation_not_found []"

func TestNobodyBecomesAMemberWithoutAccepting(t *testing.T) {
	r := newHarness(t)
	for _, sub := range []string{"victim", "operator", "owner2"} {
		r.put(t, "owner", sub, account.Viewer, 404)
	}
	if me := r.Want(t, 200, apitest.Call{As: "victim", Method: "GET", Path: "/v1/me"}).JSON(t); len(me["accounts"].([]any)) != 0 {
		t.Errorf("%v", me)
	}
}

func TestAnInvitationEndsWithItsInvitersRight(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, r *harness){
		"removed": func(t *testing.T, r *harness) { r.remove(t, "owner", "mallory") },
		"left":    func(t *testing.T, r *harness) { r.remove(t, "mallory", "mallory") },
		"demoted": func(t *testing.T, r *harness) { r.put(t, "owner", "mallory", account.Viewer, 200) },
		"demoted and promoted": func(t *testing.T, r *harness) {
			r.put(t, "owner", "mallory", account.Developer, 200)
			r.Clock.Advance(time.Second)
			r.put(t, "owner", "mallory", account.Owner, 200)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newHarness(t)
			r.Member(t, r.account.ID, "mallory", account.Owner)
			token := r.invite(t, "mallory", object{"role": "owner"})
			r.Clock.Advance(time.Second)
			end(t, r)
			for _, who := range []string{"mallory2", "bystander"} {
				if got := r.accept(t, who, token); got.Problem() != voided {
					t.Errorf("%s: %s", who, got.Problem())
				}
			}
			list := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("/invitations")})
			if strings.Contains(string(list.Body), "inv_") {
				t.Errorf("it is still listed as open: %s", list.Body)
			}
		})
	}
}

// The check is in the write itself, so that it holds without the withdrawal, which a breakdown may have prevented:
// whichever way the inviter loses the right, and when they have it again.
func TestAnInvitationIsVoidEvenIfItWasNotWithdrawn(t *testing.T) {
	for name, way := range map[string]struct {
		lose, regain func(t *testing.T, r *harness, m account.Member) error
	}{
		"removed and invited again": {
			func(t *testing.T, r *harness, m account.Member) error {
				return r.Control.RemoveMember(t.Context(), m, keytest.Row(r.account.ID, "member.remove", ""))
			},
			func(t *testing.T, r *harness, m account.Member) error {
				again := account.Member{Account: m.Account, Subject: m.Subject, Role: account.Owner, AddedAt: r.Clock.Now()}
				_, err := r.Control.PutMember(t.Context(), nil, again, keytest.Subject("owner"), keytest.Row(r.account.ID, "member.add", ""))
				return err
			},
		},
		"demoted and promoted": {
			func(t *testing.T, r *harness, m account.Member) error { return r.setRole(t, m, account.Developer) },
			func(t *testing.T, r *harness, m account.Member) error { return r.setRole(t, m, account.Owner) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newHarness(t)
			r.Member(t, r.account.ID, "mallory", account.Owner)
			token := r.invite(t, "mallory", object{"role": "owner"})
			step := func(do func(*testing.T, *harness, account.Member) error, m account.Member) {
				t.Helper()
				r.Clock.Advance(time.Second)
				if err := do(t, r, m); err != nil {
					t.Fatal(err)
				}
			}
			member := func() account.Member {
				m, err := r.Control.Member(t.Context(), r.account.ID, keytest.Subject("mallory"))
				if err != nil && !errors.Is(err, dynamo.ErrNotFound) {
					t.Fatal(err)
				}
				return m
			}
			was := member()
			step(way.lose, was)
			strangers, now := []string{"bystander", "mallory2"}, member()
			if now.Role == "" {
				strangers, now = append(strangers, "mallory"), was
			}
			for _, who := range strangers {
				if got := r.accept(t, who, token); got.Problem() != voided {
					t.Errorf("%s: %s", who, got.Problem())
				}
			}
			step(way.regain, now)
			if got := r.accept(t, "mallory2", token); got.Problem() != voided {
				t.Errorf("after the inviter's return: %s", got.Problem())
			}
			r.remove(t, "owner", "mallory") // and each removal withdraws what an earlier one left
			list := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("/invitations")})
			if strings.Contains(string(list.Body), "inv_") {
				t.Errorf("%s", list.Body)
			}
		})
	}
}

// setRole changes a role without what the API does besides.
func (r *harness) setRole(t *testing.T, m account.Member, role account.Role) error {
	t.Helper()
	_, err := r.Control.PutMember(t.Context(), &m, m.WithRole(role, r.Clock.Now()), keytest.Subject("owner"), keytest.Row(r.account.ID, "member.change", ""))
	return err
}

func TestAnInvitationToAnAddressOpensForThatVerifiedAddressAlone(t *testing.T) {
	r := newHarness(t)
	token := r.invite(t, "owner", object{"role": "owner", "email": "Bob@Example.com"})
	refused := func(who, token string) {
		t.Helper()
		if got := r.accept(t, who, token); got.Problem() != "403 invitation_other_address []" {
			t.Errorf("%s: %s", who, got.Problem())
		}
	}
	refused("mallory", token)
	refused(apitest.Unverified, token)
	if got := r.accept(t, "bob", token); got.Status != 200 {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	token = r.invite(t, "owner", object{"role": "owner", "email": "kiss@example.com"})
	for _, who := range []string{"\u212aiss", "ki\u017f\u017f", "\u212ai\u017f\u017f"} { // Unicode folds them to k and s
		refused(who, token)
	}
	if got := r.accept(t, "KISS", token); got.Status != 200 {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}

// idsOf are the IDs of a list's objects, in its order.
func idsOf(list []any) (ids []string) {
	for _, one := range list {
		ids = append(ids, one.(object)["id"].(string))
	}
	return ids
}

func TestRemovingSomebodyListsWhatTheyLeave(t *testing.T) {
	r := newHarness(t)
	r.Member(t, r.account.ID, "mallory", account.Owner)
	mallory := keytest.Subject("mallory")
	made := r.NewKey(t, r.account, func(k *apikey.Key) { k.Name, k.CreatedBy = "Theirs", mallory })
	fed := r.NewKey(t, r.account, func(k *apikey.Key) {
		k.Name = "Fed"
		k.Rotation = &apikey.RotationPolicy{EveryDays: 9, Principal: "arn:aws:iam::999999999999:user/mallory", SetBy: mallory}
	})
	r.NewKey(t, r.account, func(k *apikey.Key) { k.CreatedBy = keytest.Subject("owner") })
	deleted := r.NewKey(t, r.account, func(k *apikey.Key) {
		k.Name, k.CreatedBy, k.DeletedAt = "Can be restored", mallory, keytest.Now.Add(-apikey.RestoreWindow+time.Minute)
		k.Rotation = &apikey.RotationPolicy{EveryDays: 9, Principal: "arn:aws:iam::999999999999:user/mallory", SetBy: mallory}
	})
	r.NewKey(t, r.account, func(k *apikey.Key) {
		k.Name, k.CreatedBy, k.DeletedAt = "Gone for good", mallory, keytest.Now.Add(-apikey.RestoreWindow)
	})
	r.invite(t, "mallory", object{"role": "viewer"})
	check := func(left object) {
		t.Helper()
		keys, principals := left["keys"].([]any), left["principals"].([]any)
		if got := idsOf(keys); !slices.Equal(got, []string{string(made.ID), string(deleted.ID)}) {
			t.Errorf("the keys %v", got)
		}
		if got := idsOf(principals); !slices.Equal(got, []string{string(fed.ID), string(deleted.ID)}) || principals[0].(object)["principal"] != "arn:aws:iam::999999999999:user/mallory" {
			t.Errorf("the principals %v: %v", got, principals)
		}
		if keys[0].(object)["deleted_at"] != nil || keys[1].(object)["deleted_at"] == nil || principals[1].(object)["deleted_at"] == nil {
			t.Errorf("which are deleted: %v", left)
		}
	}
	r.Clock.Advance(time.Second)
	demoted := r.put(t, "owner", "mallory", account.Developer, 200).JSON(t)["left"].(object)
	if len(demoted["invitations"].([]any)) != 1 {
		t.Errorf("%v", demoted)
	}
	check(demoted)
	check(r.remove(t, "owner", "mallory").JSON(t))
	// An answer that is lost is asked for again, by any owner, and says what is left by then.
	r.Member(t, r.account.ID, "other", account.Owner)
	check(r.remove(t, "owner", "mallory").JSON(t))
	check(r.remove(t, "other", "mallory").JSON(t))
	for _, k := range []apikey.Key{made, fed, deleted} {
		_, err := r.Edit(t.Context(), k, "key.edit", func(k *apikey.Key) { k.CreatedBy, k.Rotation = keytest.Subject("owner"), nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, gone := range []string{"mallory", "nobody"} {
		r.Want(t, 204, apitest.Call{As: "owner", Method: "DELETE", Path: r.path("/members/" + gone)})
	}
}

func TestAPersonOpensSoManyAccountsAndNoMore(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	open := func(status int) apitest.Answer {
		t.Helper()
		return r.Want(t, status, apitest.Call{As: "newcomer", Method: "POST", Path: "/v1/accounts", Body: object{"name": "Mine"}})
	}
	first := open(201).JSON(t)["id"].(string)
	open(201)
	open(201)
	if got := open(409); got.Code() != "account_limit_reached" {
		t.Error(got.Problem())
	}
	for range 2 {
		r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/accounts/" + first + "/close"})
	}
	open(201)
	open(409)
}

func TestATypedAddressIsALabelThatNoSearchFinds(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	r.withoutAddress(t, "noaddress", account.Viewer)
	typed := map[string]string{"viewer": "ceo@bank.example", "noaddress": "cfo@bank.example"}
	for sub, email := range typed {
		r.Want(t, 200, apitest.Call{
			As: "owner", Method: "PUT", Path: r.path("/members/" + sub), Body: object{"role": "viewer", "email": email},
		})
	}
	found := func(email string) int {
		t.Helper()
		call := apitest.Call{As: "operator", Method: "GET", Path: "/v1/operator/accounts?email=" + email}
		return len(r.Want(t, 200, call).JSON(t)["accounts"].([]any))
	}
	for _, email := range typed {
		if n := found(email); n != 0 {
			t.Errorf("the typed address %s finds %d accounts", email, n)
		}
	}
	if n := found("VIEWER@example.com"); n != 1 {
		t.Errorf("a verified address finds %d accounts", n)
	}
	r.Member(t, r.account.ID, "\u212aiss", account.Viewer)
	if n := found("kiss@example.com"); n != 0 {
		t.Errorf("an address finds %d accounts of another address", n)
	}
	members := fmt.Sprint(r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("/members")}).JSON(t))
	if strings.Contains(members, "ceo@") || !strings.Contains(members, "cfo@") {
		t.Errorf("a typed address hides the verified one, or isn't shown where there is none: %s", members)
	}
}

// withoutAddress makes a member whose sign-in gave no address.
func (r *harness) withoutAddress(t testing.TB, sub string, role account.Role) {
	t.Helper()
	m := keytest.Member(r.account.ID, sub, role)
	m.Email = ""
	if _, err := r.Control.PutMember(t.Context(), nil, m, keytest.Subject("owner"), keytest.Row(r.account.ID, "member.add", "")); err != nil {
		t.Fatal(err)
	}
}

// An address that an owner typed for themselves isn't shown to a stranger as theirs, and one typed beside a verified address changes nothing.
func TestATypedAddressIsNobodysOwn(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	r.withoutAddress(t, "plain", account.Owner)
	r.Want(t, 200, apitest.Call{As: "plain", Method: "PUT", Path: r.path("/members/plain"), Body: object{"role": "owner", "email": "ceo@customer.example"}})
	offer := r.Want(t, 200, apitest.Call{As: "outsider", Method: "POST", Path: "/v1/invitations/show", Body: object{"token": r.invite(t, "plain", object{"role": "viewer"})}}).JSON(t)
	if offer["invited_by"] != nil {
		t.Errorf("%v", offer)
	}
	before := r.Dump(t)
	doc := r.Want(t, 200, apitest.Call{As: "owner", Method: "PUT", Path: r.path("/members/developer"), Body: object{"role": "developer", "email": "typed@else.example"}}).JSON(t)
	if written := keytest.Written(before, r.Dump(t)); doc["email"] != "developer@example.com" || len(written) > 0 {
		t.Errorf("%v, and it wrote %v", doc, written)
	}
}
