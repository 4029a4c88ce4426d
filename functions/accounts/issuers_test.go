package main

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

const issuerOfBefore = "https://before.example/a b"

var atBefore = "?issuer=" + url.QueryEscape(issuerOfBefore)

// memberBefore adds a member of an issuer before the stack's own.
func (r *harness) memberBefore(t testing.TB, sub string, role account.Role) account.Subject {
	t.Helper()
	m := keytest.Member(r.account.ID, sub, role)
	m.Subject.Issuer = issuerOfBefore
	if _, err := r.Control.PutMember(t.Context(), nil, m, keytest.Subject("owner"), keytest.Row(r.account.ID, "member.add", "")); err != nil {
		t.Fatal(err)
	}
	return m.Subject
}

// people lists the members, each as issuer, subject and role.
func (r *harness) people(t testing.TB) (list []string) {
	t.Helper()
	for _, m := range r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("/members")}).JSON(t)["members"].([]any) {
		from, _ := m.(object)["issuer"].(string)
		list = append(list, from+" "+m.(object)["subject"].(string)+" "+m.(object)["role"].(string))
	}
	return list
}

// Members of an issuer before have their rights again if the stack goes back to it. So they are shown as such, and can be demoted and
// removed with what they leave: they alone, and not who has the same subject at the present issuer.
func TestMembersOfAnIssuerBeforeCanBeDemotedAndRemoved(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	who := r.memberBefore(t, "developer", account.Owner)
	i := control.Invitation{ID: keytest.NewID("inv_"), Account: r.account.ID, Role: account.Viewer, By: who, CreatedAt: r.Clock.Now(), ExpiresAt: r.Clock.Now().Add(invitationLife)}
	if err := r.Control.Invite(t.Context(), i, nil, keytest.Row(r.account.ID, "invitation.create", "")); err != nil {
		t.Fatal(err)
	}
	owner := func(method, sub string, body any) apitest.Call {
		return apitest.Call{As: "owner", Method: method, Path: r.path("/members/" + sub), Body: body}
	}
	if got := r.people(t); !slices.Contains(got, issuerOfBefore+" developer owner") || !slices.Contains(got, " developer developer") {
		t.Fatalf("%q", got)
	}
	r.Want(t, 400, owner("DELETE", "developer?issuer=a%7Cb", nil))
	r.Want(t, 400, owner("PUT", "developer?isuer=x", object{"role": "viewer"}))
	r.Want(t, 404, owner("PUT", "developer?issuer=https://other.example", object{"role": "viewer"}))
	r.Want(t, 403, apitest.Call{As: "developer", Method: "DELETE", Path: r.path("/members/developer" + atBefore)}) // the same subject, another person
	demoted := r.Want(t, 200, owner("PUT", "developer"+atBefore, object{"role": "viewer"})).JSON(t)
	if left := demoted["left"].(object)["invitations"].([]any); demoted["issuer"] != issuerOfBefore || len(left) != 1 {
		t.Errorf("%v", demoted)
	}
	r.Want(t, 200, owner("DELETE", "developer"+atBefore, nil))
	if got := r.people(t); slices.ContainsFunc(got, func(m string) bool { return strings.HasPrefix(m, issuerOfBefore) }) || !slices.Contains(got, " developer developer") {
		t.Errorf("%q", got)
	}
	named := 0
	for _, row := range r.AllAudit(t, r.account.ID) {
		if len(row.Changes) > 0 && row.Changes[0].Before == audit.Set("", issuerOfBefore+"#developer", nil).Before {
			named++
		}
	}
	if named != 2 {
		t.Errorf("%d rows name the member with the issuer", named)
	}
}

// An account keeps an owner who can sign in: those of an issuer before don't count, no matter who asks.
func TestTheLastOwnerIsThatOfTheStacksIssuer(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	r.memberBefore(t, "mallory", account.Owner)
	for _, c := range []apitest.Call{
		{As: "owner", Method: "DELETE", Path: r.path("/members/owner")},
		{As: "owner", Method: "PUT", Path: r.path("/members/owner"), Body: object{"role": "viewer"}},
		{As: "operator", Method: "POST", Path: "/v1/operator/people/erase", Body: object{"subject": "owner"}},
	} {
		if got := r.Do(t, c); got.Code() != "last_owner" {
			t.Errorf("%s %s: %s", c.Method, c.Path, got.Problem())
		}
	}
	r.Want(t, 200, apitest.Call{As: "owner", Method: "DELETE", Path: r.path("/members/mallory" + atBefore)})
	r.Member(t, r.account.ID, "second", account.Owner)
	r.Want(t, 200, apitest.Call{As: "owner", Method: "DELETE", Path: r.path("/members/owner")})
}

// Who is erased is a person of one issuer: also in the rows that name them with it, and nobody else of their subject.
func TestAPersonOfAnIssuerBeforeIsErased(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	who := r.memberBefore(t, "developer", account.Owner)
	r.Want(t, 200, apitest.Call{As: "owner", Method: "PUT", Path: r.path("/members/developer" + atBefore), Body: object{"role": "viewer"}})
	r.Want(t, 200, apitest.Call{As: "owner", Method: "PUT", Path: r.path("/members/developer"), Body: object{"role": "viewer"}})
	r.NewOperator(t, control.Operator{Subject: who, Rank: account.Admin, AddedAt: "2026-11-21T12:00:00Z"})
	erase := func(issuer string) apitest.Call {
		return apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/people/erase", Body: object{"subject": "developer", "issuer": issuer}}
	}
	if got := r.Do(t, erase(issuerOfBefore)); got.Code() != "person_is_operator" {
		t.Error(got.Problem())
	}
	r.Want(t, 204, apitest.Call{As: "operator", Method: "DELETE", Path: "/v1/operators/developer" + atBefore})
	r.Want(t, 422, erase("a|b"))
	pseudonym, _ := r.erase(t, "developer", issuerOfBefore)
	if pseudonym != who.Pseudonym().ID {
		t.Errorf("%q", pseudonym)
	}
	if table := r.table(t); strings.Contains(table, issuerOfBefore) {
		t.Errorf("the table still names the person: %s", table)
	}
	if got := r.people(t); !slices.Contains(got, " developer viewer") {
		t.Errorf("%q", got)
	}
	here := 0
	for _, row := range r.AllAudit(t, r.account.ID) {
		if row.Action == "member.change" && len(row.Changes) > 0 && row.Changes[0].Before == audit.Set("", "developer", nil).Before {
			here++
		}
	}
	if here != 1 {
		t.Errorf("%d rows name who has the same subject at the stack's issuer", here)
	}
}
