package main

import (
	"net/http"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

const endSessionsPage = "/operator/people/end-sessions"

// sessionsOf asks whose sessions end, and then whether.
type sessionsOf struct {
	*form
	Subject string
}

func (a *app) showEndSessions(v *visit, status int, f *form) error {
	d := &sessionsOf{form: f, Subject: f.Values["subject"]}
	if v.r.Method != http.MethodPost {
		d.Subject = v.query("subject")
	}
	return v.render(status, "person-end-sessions", v.t("end_sessions.title"), d)
}

// endSessionsOf ends all sessions of a person. It may be sent again at any time.
func (a *app) endSessionsOf(v *visit) error {
	f := newForm()
	f.Values["subject"] = v.r.PostFormValue("subject")
	call := management.Call{
		Method: http.MethodPost, Path: "/v1/operator/people/end-sessions", Body: api.EndSessions{Subject: f.Values["subject"]},
	}
	status, err := f.submit(v, call, nil)
	return f.answer(v, status, err, a.showEndSessions, endSessionsPage, "sessions_ended")
}
