package main

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	shown "latchkey/shared/text"
)

func (a *app) accountRoutes() {
	a.account("GET /accounts/{account}/account", blank(a.showPeople))
	for _, posted := range []string{"/role", "/invitations", "/invitations/withdraw"} { // where a refused form leaves the browser
		a.elsewhere("GET /accounts/{account}/account"+posted, "/accounts/{account}/account")
	}
	a.detailRoutes()
	a.account("POST /accounts/{account}/account/role", a.changeRole)
	a.account("GET /accounts/{account}/account/remove", a.removeForm)
	a.account("POST /accounts/{account}/account/remove", a.removeMember)
	a.account("GET /accounts/{account}"+behindPage, a.showBehind)
	a.account("GET /accounts/{account}/account/audit", a.showAudit)
	a.account("POST /accounts/{account}/account/audit", func(v *visit) error {
		return v.searchedKey(v.accountURL("/account/audit"), "key", "key", anyKey, "action", "who", "from", "to")
	})
	a.account("GET /accounts/{account}/account/audit.csv", a.downloadAudit)
	a.leavingRoutes()
	a.invitationRoutes()
}

// peoplePage has the people of an account, and who is invited.
type peoplePage struct {
	*form
	Members     paged[memberRow]
	Invitations paged[api.Invitation]
	Roles       []api.Role
	Alone       bool // the only owner
	Placed      []resent
}

type memberRow struct {
	api.Member
	Me bool
}

var roles = []api.Role{api.Viewer, api.Developer, api.Owner}

// showPeople reads an account's people and shows them with the form that was sent, if one was.
func (a *app) showPeople(v *visit, status int, f *form) error {
	if f.Values["idempotency"] == "" { // of the invitation's form
		f.Values["idempotency"] = rand.Text()
	}
	d := &peoplePage{form: f, Roles: roles}
	var members []memberRow
	var invitations []api.Invitation
	me, err := v.person()
	if err != nil {
		return err
	}
	reads := []func(context.Context) error{
		func(ctx context.Context) (err error) {
			members, err = v.members(ctx, v.accountPath("/members"), me.Subject)
			return err
		},
	}
	if v.owns(me) || me.Operator {
		reads = append(reads, func(ctx context.Context) error {
			return management.Pages(ctx, v.api, v.accountPath("/invitations"), mostPages,
				func(page api.InvitationList) *string { return page.NextPageToken },
				func(page api.InvitationList) { invitations = append(invitations, page.Invitations...) })
		})
	}
	if err := v.parallel(reads...); err != nil {
		return err
	}
	owners := 0
	for _, m := range members {
		if m.Role == api.Owner && m.Issuer == nil {
			owners++
		}
	}
	d.Alone = owners == 1
	d.Members = pageOf(members, v.asked("people"), formsPerPage, func(m memberRow) bool { return m.At() == f.At })
	d.Invitations = pageOf(invitations, v.asked("invited"), formsPerPage, func(api.Invitation) bool { return false })
	d.Placed = append(d.Invitations.fields("invited"), d.Members.fields("people")...)
	return v.render(status, "account", v.t("account.title"), d)
}

// owns reports whether the person is an owner of the account in the path.
func (v *visit) owns(me api.Me) bool {
	return slices.ContainsFunc(me.Accounts, func(a api.MyAccount) bool { return a.Id == v.accountID && a.Role == api.Owner })
}

func (v *visit) members(ctx context.Context, path, me string) (all []memberRow, err error) {
	err = management.Pages(ctx, v.api, path, mostPages,
		func(page api.MemberList) *string { return page.NextPageToken },
		func(page api.MemberList) {
			for _, m := range page.Members {
				all = append(all, memberRow{m, m.Issuer == nil && m.Subject == me})
			}
		})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(x, y memberRow) int { return strings.Compare(x.Name(), y.Name()) })
	return all, nil
}

// Name returns the member's display name.
func (m memberRow) Name() string {
	if m.Email != nil {
		return *m.Email
	}
	return shown.Shown(m.Subject) // the API leaves subjects as they are: they name somebody
}

// At tells a member from the others: by the subject, and by the issuer of one of an issuer before.
func (m memberRow) At() string {
	if m.Issuer == nil {
		return m.Subject
	}
	return memberAt(m.Subject, *m.Issuer)
}

func memberAt(subject, issuer string) string {
	if issuer == "" {
		return subject
	}
	return issuer + "|" + subject
}

// memberCall is a request to the API about the member that a form names; at is the member's At.
func (v *visit) memberCall(method string) (call management.Call, at string, err error) {
	subject, issuer := v.r.PostFormValue("subject"), v.r.PostFormValue("issuer")
	call.Method = method
	call.Path, err = subjectPath(v.accountPath("/members/"), subject)
	if issuer != "" { // of one before: nobody else who has the same subject
		call.Query = url.Values{"issuer": {issuer}}
	}
	return call, memberAt(subject, issuer), err
}

// subjectPath is a person below a path of the API. Subjects come from the issuer and may hold anything.
func subjectPath(path, subject string) (string, error) {
	if subject == "" || subject == "." || subject == ".." {
		return "", errNotFound
	}
	return path + url.PathEscape(subject), nil
}

func (a *app) changeRole(v *visit) error {
	f := newForm()
	call, at, err := v.memberCall(http.MethodPut)
	if err != nil {
		return err
	}
	f.Values["new_role"] = v.form("role")
	call.Body = api.PutMember{Role: api.Role(f.Values["new_role"])}
	read := func() (string, int64, error) {
		members, err := v.members(v.ctx(), v.accountPath("/members"), "")
		for _, m := range members {
			if m.At() == at {
				return string(m.Role), 0, err
			}
		}
		return v.prose("was"), 0, err // the API says that there is none
	}
	var member api.Member
	status, err := f.overwrite(v, setting{"new_role", "member.role", v.as("role.")}, read, call, &member)
	if err != nil {
		return err
	}
	if !f.settled() {
		f.At = at
		f.about("role", "new_role") // the page has another form with a role
		return a.showPeople(v, status, f)
	}
	if member.Left != nil && leaves(*member.Left) {
		return v.leaveBehind(*member.Left, true)
	}
	return v.done(v.accountURL("/account", v.place("people", "invited")), "role_changed")
}

// removal asks whether a member should go. People may remove themselves: then it says so.
type removal struct {
	*form
	Member memberRow
	Placed []resent // of the page of people, to come back to
	Back   string
}

func (a *app) showRemoval(v *visit, status int, f *form) error {
	me, err := v.person()
	if err != nil {
		return err
	}
	members, err := v.members(v.ctx(), v.accountPath("/members"), me.Subject)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.At() == f.At {
			return v.render(status, "member-remove", v.t("member.remove.title"), &removal{f, m, v.placed("people", "invited"), v.accountURL("/account", v.place("people", "invited"))})
		}
	}
	return errNotFound
}

func (a *app) removeForm(v *visit) error {
	if v.query("subject") == "" { // the address that the form is sent to
		return v.redirect(v.accountURL("/account"))
	}
	f := newForm()
	f.At = memberAt(v.query("subject"), v.query("issuer"))
	return a.showRemoval(v, http.StatusOK, f)
}

func (a *app) removeMember(v *visit) error {
	f := newForm()
	call, at, err := v.memberCall(http.MethodDelete)
	if err != nil {
		return err
	}
	f.At = at
	me, err := v.person()
	if err != nil {
		return err
	}
	var left api.Legacy
	status, err := f.submit(v, call, &left)
	if err != nil {
		return err
	}
	myself := at == me.Subject
	switch {
	case f.Bad():
		return a.showRemoval(v, status, f)
	case !myself && leaves(left):
		return v.leaveBehind(left, false)
	case myself && !me.Operator:
		return v.done("/", "left")
	default:
		return v.done(v.accountURL("/account", v.place("people", "invited")), "member_removed")
	}
}
