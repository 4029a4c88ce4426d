package main

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	"latchkey/shared/pasted"
)

func (a *app) invitationRoutes() {
	a.account("POST /accounts/{account}/account/invitations", a.invite)
	a.account("POST /accounts/{account}/account/invitations/withdraw", a.withdrawInvitation)
	a.public("GET /invitations", a.showInvitation)
	a.public("POST /invitations", a.acceptInvitation)
}

// invite makes an invitation. The page that follows shows its link, this once: not where the form came twice.
func (a *app) invite(v *visit) error {
	f := newForm()
	f.Values["email"], f.Values["role"], f.Values["idempotency"] = v.form("email"), v.form("role"), v.form("idempotency")
	body := api.CreateInvitation{Role: api.Role(f.Values["role"])}
	if email := f.Values["email"]; email != "" {
		body.Email = &email
	}
	var made api.InvitationWithToken
	status, err := f.submit(v, management.Call{
		Method: http.MethodPost, Path: v.accountPath("/invitations"), Body: body, Idempotency: f.Values["idempotency"],
	}, &made)
	switch {
	case refusedAs(err, "invitation_not_found"):
		return v.done(v.accountURL("/account"), "invitation_gone")
	case err != nil:
		return err
	case f.Bad():
		return a.showPeople(v, status, f)
	case made.Token == nil:
		return v.done(v.accountURL("/account"), "invitation_again")
	}
	return v.leave(v.accountURL("/account"), note{Link: v.absolute(invitationPage) + "#" + *made.Token, For: f.Values["email"]})
}

func (a *app) withdrawInvitation(v *visit) error {
	id := v.form("invitation")
	if id == "" || !plainID(id) {
		return errNotFound
	}
	_, err := v.api.Do(v.ctx(), management.Call{Method: http.MethodDelete, Path: v.accountPath("/invitations/", id)}, nil)
	if refusedAs(err, "not_found") {
		return v.done(v.accountURL("/account", v.place("people", "invited")), "invitation_gone") // withdrawn, accepted or expired
	}
	if err != nil {
		return err
	}
	return v.done(v.accountURL("/account", v.place("people", "invited")), "invitation_withdrawn")
}

const (
	invitationPage = "/invitations"
	invitationName = "__Host-latchkey-invitation"
	invitationLife = 10 * time.Minute
)

// invitationView is the page behind an invitation's link. The token is in the link's fragment, which browsers send to
// nobody; a script sends it by the form, or the person pastes the link. From then on it waits in a cookie, over the
// sign-in and until the person, who sees who invites to what, has accepted.
type invitationView struct {
	*form
	Waiting bool // the token is in the cookie
	SignIn  string
	Offer   *api.InvitationOffer // for who is signed in
}

func (a *app) showInvitation(v *visit) error {
	d := &invitationView{form: newForm(), Waiting: v.cookie(invitationName) != ""}
	if err := v.signedIn(); errors.Is(err, errSignIn) {
		d.SignIn = signInURL(invitationPage)
		return a.invitationPage(v, http.StatusOK, d)
	} else if err != nil {
		return err
	}
	if !d.Waiting {
		return a.invitationPage(v, http.StatusOK, d)
	}
	d.Offer = new(api.InvitationOffer)
	_, err := v.api.Do(v.ctx(), management.Call{
		Method: http.MethodPost, Path: "/v1/invitations/show", Body: api.AcceptInvitation{Token: v.cookie(invitationName)},
	}, d.Offer)
	if err != nil {
		return a.refusedInvitation(v, err)
	}
	return a.invitationPage(v, http.StatusOK, d)
}

func (a *app) invitationPage(v *visit, status int, d *invitationView) error {
	v.w.Header().Set("Referrer-Policy", "no-referrer")
	return v.render(status, "invitation", v.t("invitation.title"), d)
}

// refusedInvitation says why an invitation can't be accepted, and forgets it. It passes a breakdown on.
func (a *app) refusedInvitation(v *visit, err error) error {
	var p *management.Problem
	if !errors.As(err, &p) || p.Status != http.StatusNotFound && p.Status != http.StatusConflict && p.Status != http.StatusUnprocessableEntity && p.Status != http.StatusForbidden {
		return err
	}
	f := newForm()
	f.Problem = v.problemText(p)
	v.setCookie(invitationName, "", 0)
	return a.invitationPage(v, p.Status, &invitationView{form: f})
}

// acceptInvitation takes a token from the form, to be looked at, or accepts the one in the cookie. A form's answer may not
// lead to the issuer, whose pages the policy doesn't allow forms to reach.
func (a *app) acceptInvitation(v *visit) error {
	pasted := v.r.PostFormValue("token")
	if token := invitationToken(pasted); token != "" && len(token) <= 200 {
		v.setCookie(invitationName, token, invitationLife)
		return v.redirect(invitationPage)
	}
	token := v.cookie(invitationName)
	if token == "" || pasted != "" {
		d := &invitationView{form: newForm()}
		d.add("token", v.t("invitation.bad"))
		if err := v.signedIn(); errors.Is(err, errSignIn) {
			d.SignIn = signInURL(invitationPage)
		} else if err != nil {
			return err
		}
		return a.invitationPage(v, http.StatusUnprocessableEntity, d)
	}
	if err := v.signedIn(); errors.Is(err, errSignIn) {
		return v.redirect(invitationPage)
	} else if err != nil {
		return err
	}
	var joined api.Account
	_, err := v.api.Do(v.ctx(), management.Call{
		Method: http.MethodPost, Path: "/v1/invitations/accept", Body: api.AcceptInvitation{Token: token},
	}, &joined)
	if offered := v.form("account"); v.joined(offered, err) {
		joined.Id, err = offered, nil
	}
	if err != nil {
		return a.refusedInvitation(v, err)
	}
	v.setCookie(invitationName, "", 0)
	return v.done("/accounts/"+joined.Id+"/keys", "invitation_accepted")
}

// invitationToken finds the token in what was pasted: the whole link, or the token alone. A cookie can carry what it
// returns.
func invitationToken(text string) string {
	text = pasted.Unquoted(text)
	if _, fragment, ok := strings.Cut(text, "#"); ok {
		text = fragment
	}
	if !plainID(text) {
		return ""
	}
	return text
}
