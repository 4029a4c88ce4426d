package main

import (
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// What owners may do who leave: take along what is stored, and close the account.

func (a *app) leavingRoutes() {
	a.leaving("GET /accounts/{account}/account/export", a.showExport)
	a.leaving("GET /accounts/{account}/account/export.json", a.downloadExport)
	a.leaving("GET /accounts/{account}/account/close", blank(a.showLeaving))
	a.account("POST /accounts/{account}/account/close", a.closeOwnAccount)
}

// leaving registers a page for the account's owners, also of one that is closed or being closed.
func (a *app) leaving(pattern string, e endpoint) {
	a.account(pattern, func(v *visit) error {
		me, err := v.person()
		if err != nil {
			return err
		}
		if !v.owns(me) {
			return v.allowed(can.own)
		}
		return e(v)
	})
}

// A file holds so many pages of the export at most, and no further one once it has so many bytes: it has to fit into one
// answer of a Lambda function, and to be read while that lasts.
const (
	exportPages = 20
	exportBytes = 3 << 20
)

// exportPart is the part of the export that one file has.
type exportPart struct {
	api.Export
	Root    string // the page's own path
	From    string // where it begins: a page token, "" for the beginning
	Pages   int
	Part    int
	Holding []listed
}

// listed is one list of the export.
type listed struct {
	Title string // a message
	N     int
}

// File is the path of the download. It names the number of pages, so that the file ends where the next one begins.
func (p exportPart) File() string {
	return p.Root + ".json?" + url.Values{"page": {p.From}, "pages": {strconv.Itoa(p.Pages)}, "part": {strconv.Itoa(p.Part)}}.Encode()
}

// NextPart is the page of the part after this one.
func (p exportPart) NextPart() string {
	return p.Root + "?" + url.Values{"page": {*p.NextPageToken}, "part": {strconv.Itoa(p.Part + 1)}}.Encode()
}

// readExport reads a part of the export: pages from where the query says, and their lists as one. It ends after so many
// pages, or after the page with which it has so many bytes.
func (v *visit) readExport(pages, bytes int) (p exportPart, err error) {
	p.Root, p.From = v.accountURL("/account/export"), v.query("page")
	p.Part, _ = strconv.Atoi(v.query("part"))
	p.Part = min(max(p.Part, 1), 9999)
	query := url.Values{"page_size": {"100"}}
	token := p.From
	for size := 0; p.Pages < pages && size < bytes; {
		if token != "" {
			query.Set("page_token", token)
		}
		var page api.Export
		answer, err := v.api.Do(v.ctx(), management.Call{Method: http.MethodGet, Path: v.accountPath("/export"), Query: query}, &page)
		if err != nil {
			return p, err
		}
		size += len(answer.Raw)
		p.add(page)
		p.Pages++
		if page.NextPageToken == nil {
			break
		}
		token = *page.NextPageToken
	}
	return p, nil
}

// add takes a further page in.
func (p *exportPart) add(page api.Export) {
	if page.Account != nil {
		p.Account = page.Account
	}
	join(&p.Members, page.Members)
	join(&p.Invitations, page.Invitations)
	join(&p.Keys, page.Keys)
	join(&p.QpsRequests, page.QpsRequests)
	join(&p.Audit, page.Audit)
	p.NextPageToken = page.NextPageToken
}

func join[T any](into **[]T, more *[]T) {
	if more == nil {
		return
	}
	if *into == nil {
		*into = &[]T{}
	}
	**into = append(**into, *more...)
}

// showExport shows what a file has, with the way to it and to the page of the next one.
func (a *app) showExport(v *visit) error {
	p, err := v.readExport(exportPages, exportBytes)
	if err != nil {
		return err
	}
	if p.Account != nil {
		p.Holding = append(p.Holding, listed{"account.title", 1})
	}
	p.holds("member.title", length(p.Members))
	p.holds("invitation.open", length(p.Invitations))
	p.holds("nav.keys", length(p.Keys))
	p.holds("nav.qps", length(p.QpsRequests))
	p.holds("audit.title", length(p.Audit))
	return v.render(http.StatusOK, "account-export", v.t("export.title"), p)
}

func (p *exportPart) holds(title string, n int) {
	if n > 0 {
		p.Holding = append(p.Holding, listed{title, n})
	}
}

func length[T any](list *[]T) int {
	if list == nil {
		return 0
	}
	return len(*list)
}

// downloadExport sends a part as a file: one document of the API's own form.
func (a *app) downloadExport(v *visit) error {
	pages, err := strconv.Atoi(v.query("pages"))
	if err != nil || pages < 1 || pages > exportPages {
		pages = exportPages
	}
	p, err := v.readExport(pages, math.MaxInt) // the page that led here has counted the bytes
	if err != nil {
		return err
	}
	doc, err := json.Marshal(p.Export)
	if err != nil {
		return err
	}
	name := "account-" + a.now().UTC().Format(dayFormat)
	if p.Part > 1 {
		name += "-" + strconv.Itoa(p.Part)
	}
	v.file("application/json", called(name+".json"))
	_, _ = v.w.Write(doc) //nolint:gosec // a file, of a type that browsers don't render
	return nil
}

// showLeaving asks for the account's name, typed. One that is being closed can be closed again: that goes on where it stopped.
func (a *app) showLeaving(v *visit, status int, f *form) error {
	account, err := management.Get[api.Account](v.ctx(), v.api, v.accountPath(), nil)
	if err != nil {
		return err
	}
	if account.ClosedAt != nil {
		return v.redirect(v.accountURL(detailsPage))
	}
	f.confirm(v, "confirm_name", account.Name)
	return v.render(status, "account-close", v.t("leave.close.title"), &closing{f, account})
}

func (a *app) closeOwnAccount(v *visit) error {
	f := newForm()
	f.Values["confirm_name"] = v.r.PostFormValue("confirm_name")
	typed := f.Values["confirm_name"]
	var closed api.Account
	status, err := f.submit(v, management.Call{Method: http.MethodPost, Path: v.accountPath("/close"), Body: api.CloseAccount{ConfirmName: &typed}}, &closed)
	return f.answer(v, status, err, a.showLeaving, v.accountURL(detailsPage), closedNotice(closed))
}
