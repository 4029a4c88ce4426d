// Command console is the web console: pages for customers and operators, rendered on the server. It is a backend for its
// frontend: people sign in here by OpenID Connect, their tokens stay in a sealed session, and everything that pages show or
// change goes through the management API, as with any other client. Of all tables it may touch only its sessions.
//
// # Adding a page
//
//  1. A route in a function of its own file, called from routes: a.account("GET /accounts/{account}/thing", a.showThing) for
//     what belongs to an account, a.person for what needs only a sign-in. Handlers run in four steps: authorise (the API
//     does, answers of 401, 403 and 404 become pages by themselves), parse, act, render.
//  2. Calls of the API: management.Get[api.Thing](ctx, v.api, v.accountPath("/things"), query), v.api.Do for everything else,
//     v.parallel for several at once. What one returns as error is shown as a page, with the request's ID. For a form, give
//     the error to form.refuse first: it keeps what belongs to fields, and says whether that was all.
//  3. A template templates/thing.html with {{define "thing"}}, rendered by v.render(status, "thing", v.t("thing.title"), data).
//     It sees a page: its own data as .Data, and .Account, .Can, .Me. Functions: t, url, icon, date, moment, ago, num, dict …
//  4. Messages in thing.json of messages/en, fr and ar, with the same keys and placeholders (a test holds them).
//     Never put markup into a message, and never mark a customer's text as HTML.
//  5. For the navigation, an entry in navigation (page.go). For a dialog, a confirmation page with class "confirm" and a link
//     to it with data-dialog: without JavaScript it is a page, with it the same form in a dialog.
//  6. The page in infra/browser/pages.mjs, so that the browser tests look at it, and its name in infra/browser/pictures.json, below the route:
//     make screenshots takes a picture of it for the docs. What people do on it is a test in infra/browser.
package main

import (
	"os"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/telemetry"
)

func main() {
	app, err := start(os.Getenv, os.Stdout)
	if err != nil {
		telemetry.Abort(err)
	}
	gateway.Serve(app)
}
