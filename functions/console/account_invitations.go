package main

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/functions/internal/gateway"
	"latchkey/shared/api"
)

func (a *app) invitationRoutes() {
	a.account("POST /accounts/{account}/account/invitations", a.invite)
	a.account("POST /accounts/{account}/account/invitations/withdraw", a.withdrawInvitation)
	a.public("GET /invitations", a.showInvitation)
	a.public("POST /invitations", a.acceptInvitation)
}

// invite makes an invitation. The page that follows shows its link, this once.
func (a *app) invite(v *visit) error {
	f := newForm()
	f.Values["email"], f.Values["role"] = v.form("email"), v.form("role")
	body := api.CreateInvitation{Role: api.Role(f.Values["role"])}
	if email := f.Values["email"]; email != "" {
		body.Email = &email
	}
	var made api.InvitationWithToken
	status, err := f.submit(v, management.Call{Method: http.MethodPost, Path: v.accountPath("/invitations"), Body: body}, &made)
	if err != nil {
		return err
	}
	if f.Bad() {
		return a.showAccount(v, status, f)
	}
	return v.leave(v.accountURL("/account"), note{Link: v.absolute(invitationPage) + "#" + made.Token, For: f.Values["email"]})
}

func (a *app) withdrawInvitation(v *visit) error {
	id := v.form("invitation")
	if id == "" || !plainID(id) {
		return errNotFound
	}
	_, err := v.api.Do(v.ctx(), management.Call{Method: http.MethodDelete, Path: v.accountPath("/invitations/", id)}, nil)
	if err != nil {
		return err
	}
	return v.done(v.accountURL("/account"), "invitation_withdrawn")
}

const (
	invitationPage = "/invitations"
	invitationName = "latchkey-invitation"
	invitationLife = 10 * time.Minute
)

// invitationView is the page behind an invitation's link. The token is in the link's fragment, which browsers send to
// nobody; a script puts it into the form, or the person pastes the link. Over the sign-in it waits in a cookie.
type invitationView struct {
	*form
	Waiting bool // the token is in the cookie
	SignIn  string
}

func (a *app) showInvitation(v *visit) error { return a.invitationForm(v, http.StatusOK, newForm()) }

func (a *app) invitationForm(v *visit, status int, f *form) error {
	d := &invitationView{form: f, Waiting: v.cookie(invitationName) != "" && !f.Bad()}
	if v.session == nil {
		if err := v.signedIn(); errors.Is(err, errSignIn) {
			d.SignIn = signInURL(invitationPage)
		} else if err != nil {
			return err
		}
	}
	v.w.Header().Set("Referrer-Policy", "no-referrer")
	return v.render(status, "invitation", v.t("invitation.title"), d)
}

// acceptInvitation takes the token from the form or the cookie. Who isn't signed in comes back for it: a form's answer may
// not lead to the issuer, whose pages the policy doesn't allow forms to reach.
func (a *app) acceptInvitation(v *visit) error {
	f := newForm()
	token := invitationToken(v.r.PostFormValue("token"))
	if token == "" {
		token = v.cookie(invitationName)
	}
	if token == "" || len(token) > 200 {
		f.add("token", v.t("invitation.bad"))
		return a.invitationForm(v, http.StatusUnprocessableEntity, f)
	}
	if err := v.signedIn(); errors.Is(err, errSignIn) {
		v.setCookie(invitationName, token, invitationLife)
		return v.redirect(invitationPage)
	} else if err != nil {
		return err
	}
	var joined api.Account
	_, err := v.api.Do(v.ctx(), management.Call{
		Method: http.MethodPost, Path: "/v1/invitations/accept", Body: api.AcceptInvitation{Token: token},
	}, &joined)
	var p *management.Problem
	if errors.As(err, &p) && (p.Status == http.StatusNotFound || p.Status == http.StatusConflict || p.Status == http.StatusUnprocessableEntity) {
		f.Problem = v.problemText(p)
		v.setCookie(invitationName, "", 0)
		return a.invitationForm(v, p.Status, f)
	}
	if err != nil {
		return err
	}
	v.setCookie(invitationName, "", 0)
	return v.done("/accounts/"+joined.Id+"/keys", "invitation_accepted")
}

// invitationToken finds the token in what was pasted: the whole link, or the token alone. A cookie can carry what it
// returns.
func invitationToken(text string) string {
	text = gateway.Pasted(text)
	if _, fragment, ok := strings.Cut(text, "#"); ok {
		text = fragment
	}
	if !plainID(text) {
		return ""
	}
	return text
}
