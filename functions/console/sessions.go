package main

import (
	"errors"
	"net/http"

	"latchkey/functions/console/internal/session"
)

func (a *app) sessionRoutes() {
	a.person("GET /sessions", a.showSessions)
	a.elsewhere("GET /sessions/end", "/sessions")
	a.elsewhere("GET /sessions/end-all", "/sessions")
	a.person("POST /sessions/end", a.endSession)
	a.person("POST /sessions/end-all", a.endAllSessions)
}

// sessionsPage lists where a person is signed in.
type sessionsPage struct{ Sessions []session.Entry }

func (a *app) showSessions(v *visit) error {
	list, err := a.keeper.List(v.ctx(), v.session)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "sessions", v.t("sessions.title"), &sessionsPage{list})
}

// endSession ends a session of the person's own. One that isn't in their list is over, or was never theirs.
func (a *app) endSession(v *visit) error {
	if err := a.keeper.EndListed(v.ctx(), v.session, v.form("session")); err != nil && !errors.Is(err, session.ErrNone) {
		return err
	}
	return v.done("/sessions", "session_ended")
}

func (a *app) endAllSessions(v *visit) error {
	if err := a.keeper.Reload(v.ctx(), v.session); err != nil { // its newest refresh token is to be revoked
		return signInIfNone(err)
	}
	if err := a.keeper.EndAll(v.ctx(), v.session); err != nil {
		return err
	}
	return a.signedOut(v, v.session)
}
