package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	"latchkey/shared/usage/statement"
)

const (
	statementsPage     = "/operator/statements"
	closeStatementPage = "/operator/statements/close"
)

func (a *app) statementRoutes() {
	a.account("GET /accounts/{account}/statements", blank(a.showStatement))
	a.account("GET /accounts/{account}/statements.csv", a.downloadStatement)
	a.person("GET "+statementsPage, blank(a.showStatement))
	a.person("GET /operator/statements.csv", a.downloadStatement)
	a.admins("GET "+closeStatementPage, blank(a.showClosingStatement))
	a.person("POST "+closeStatementPage, a.closeStatement)
}

// statementPage shows a statement: of one account, or of all of them to operators.
type statementPage struct {
	*form
	api.Statement
	Lines      []statementLine
	Root       string // the page's own path
	Account    string // "" where it is over all
	Last       string // the present month, after which there is none
	Page, Next string
	Settled    bool     // the month can be closed
	Waits      string   // what an open month waits for, as the API says it
	Without    []string // accounts whose rows it lacks: the first of them
	Further    int      // and how many more
	Merged     []string // accounts whose rows here are of all keys together: the first of them
	MoreMerged int      // and how many more
	Total      *api.StatementRow
	Guide      string // where the documentation is, beside a file that is too long; "" for nowhere
}

// mostWithout bounds the accounts that a page names as left out, or as not split by key.
const mostWithout = 20

// firstOf are as many accounts as a page names, and how many more there are.
func firstOf(accounts *[]string) (first []string, more int) {
	if accounts == nil {
		return nil, 0
	}
	n := min(len(*accounts), mostWithout)
	return (*accounts)[:n], len(*accounts) - n
}

// statementLine is a row in words.
type statementLine struct {
	api.StatementRow
	ProductName, ClassName, Type string
	AllKeys                      bool // the account's rows aren't split by key
}

// statementPath is the API's path of the statement that a page is about.
func (v *visit) statementPath(month string) string {
	if v.accountID == "" {
		return "/v1/operator/statements/" + url.PathEscape(month)
	}
	return v.accountPath("/statements/", url.PathEscape(month))
}

// statementRoot is the path of the page itself.
func (v *visit) statementRoot() string {
	if v.accountID == "" {
		return statementsPage
	}
	return v.accountURL("/statements")
}

// month is the one that was asked for; without one, the last that has ended.
func (a *app) month(v *visit) string {
	if asked := strings.TrimSpace(v.query("month")); asked != "" {
		return asked
	}
	return (statement.MonthOf(a.now()) - 1).String()
}

// total adds up the rows of a statement that has no other pages. One row needs no sum.
func (d *statementPage) total() *api.StatementRow {
	if len(d.Rows) < 2 || d.Page != "" || d.Next != "" {
		return nil
	}
	var sum api.StatementRow
	for _, row := range d.Rows {
		sum.Requests, sum.Allowed, sum.Refused = sum.Requests+row.Requests, sum.Allowed+row.Allowed, sum.Refused+row.Refused
	}
	return &sum
}

func (a *app) showStatement(v *visit, status int, f *form) error {
	d := &statementPage{form: f, Root: v.statementRoot(), Account: v.accountID, Last: statement.MonthOf(a.now()).String(), Page: v.query("page")}
	d.Month = a.month(v)
	if status == http.StatusConflict {
		d.Guide = a.brand.Docs()
	}
	query := queryOf(map[string]string{"page_size": "100", "page_token": d.Page})
	waiting := v.waiting()
	if v.accountID == "" {
		if err := waiting(v.ctx()); err != nil {
			return err
		}
	}
	products, err := a.productList(v.ctx(), v.api)
	if err != nil {
		return err
	}
	found, err := management.Get[api.Statement](v.ctx(), v.api, v.statementPath(d.Month), query)
	if err == nil && found.Status != api.Final && d.Account != "" && d.Month != d.Last && d.Page == "" && v.query("month") == "" {
		// A customer is shown the month in progress rather than one that nobody has stated, which may be before the account.
		d.Month = d.Last
		found, err = management.Get[api.Statement](v.ctx(), v.api, v.statementPath(d.Month), query)
	}
	asked := newForm() // f may say something about the statement itself
	if err := asked.refuseQuery(v, err); err != nil {
		return err
	}
	if asked.Bad() {
		f.Problem, status = v.t("statement.bad_month"), http.StatusBadRequest
	} else {
		d.Statement = found
		if found.WaitsFor != nil {
			d.Waits = *found.WaitsFor
		}
		d.Without, d.Further = firstOf(found.LeftOut)
		d.Merged, d.MoreMerged = firstOf(found.NotSplit)
		d.Settled = !a.now().Before(found.SettledAt.Time)
	}
	for _, row := range found.Rows {
		line := v.statementLine(row, products)
		line.AllKeys = found.NotSplit != nil && row.Adjusts == nil && slices.Contains(*found.NotSplit, row.AccountId)
		d.Lines = append(d.Lines, line)
	}
	d.Next = orNone(found.NextPageToken)
	d.Total = d.total()
	if v.accountID == "" {
		return v.render(status, "operator-statement", v.t("statement.title"), d)
	}
	return v.render(status, "statement", v.t("statement.title"), d)
}

func (v *visit) statementLine(row api.StatementRow, products []api.Product) statementLine {
	line := statementLine{StatementRow: row, ProductName: productName(products, row.Product), Type: v.t("usage.billing_type.unknown")}
	if row.Product == "" {
		line.ProductName = v.t("statement.no_product")
	}
	if row.Class != nil {
		line.ClassName = v.className(products, *row.Class)
		if *row.Class == "*" {
			line.ClassName = v.t("statement.any_class")
		}
	}
	if row.BillingType != nil {
		line.Type = v.lang.Or("billing_type."+*row.BillingType, *row.BillingType)
	}
	return line
}

// PageURL is the same statement from a page token on; "" is the first page.
func (d *statementPage) PageURL(token string) string {
	return withQuery(d.Root, queryOf(map[string]string{"month": d.Month, "page": token}))
}

// CSVURL is the file of the month.
func (d *statementPage) CSVURL() string {
	return d.Root + ".csv?" + url.Values{"month": {d.Month}}.Encode()
}

// CloseURL asks an admin whether to close the month over what is left.
func (d *statementPage) CloseURL() string {
	return closeStatementPage + "?" + url.Values{"month": {d.Month}}.Encode()
}

// filePages is as many pages of the API's table as one answer has room for.
const filePages = 2

// downloadStatement hands the API's table on. One that is longer than an answer leads back to the page, which says where to take it.
func (a *app) downloadStatement(v *visit) error {
	month, next := a.month(v), ""
	var text []byte
	said := http.Header{}
	for range filePages {
		query := url.Values{}
		if next != "" {
			query.Set("page_token", next)
		}
		answer, err := v.api.Do(v.ctx(), management.Call{Method: http.MethodGet, Path: v.statementPath(month), Query: query, Accept: "text/csv"}, nil)
		if err != nil {
			return err
		}
		text = append(text, answer.Raw...)
		saidOfAll(said, answer.Header)
		if next = answer.Header.Get("X-Next-Page-Token"); next == "" {
			break
		}
	}
	if next != "" {
		f := newForm()
		f.Problem = v.t("statement.too_long")
		return a.showStatement(v, http.StatusConflict, f)
	}
	if sum := said.Get("X-Statement-Sha256"); sum != "" && sum != fmt.Sprintf("%x", sha256.Sum256(text)) {
		return errTorn
	}
	return v.handOn(said, text)
}

// errTorn is a file that isn't the one that was written.
var errTorn = errors.New("console: the file of a statement has another SHA-256 than the statement")

// saidOfAll adds what the API says of a page of a file to what it has said of those before: the file lacks what any of them lacks, and has that one's name.
func saidOfAll(said, page http.Header) {
	before, _ := strconv.Atoi(said.Get("X-Unreadable"))
	lacks, _ := strconv.Atoi(page.Get("X-Unreadable"))
	for _, name := range toldOfFiles {
		if is := page.Get(name); said.Get(name) == "" || lacks > 0 && is != "" {
			said.Set(name, is)
		}
	}
	if before+lacks > 0 {
		said.Set("X-Unreadable", strconv.Itoa(before+lacks))
	}
}

// closingStatement asks why a month is closed over what is left.
type closingStatement struct {
	*form
	Month string
}

func (a *app) showClosingStatement(v *visit, status int, f *form) error {
	d := &closingStatement{form: f, Month: f.Values["month"]}
	if v.r.Method != http.MethodPost {
		d.Month = a.month(v)
	}
	return v.render(status, "statement-close", v.t("statement.close.title"), d)
}

// closeStatement may be sent again at any time.
func (a *app) closeStatement(v *visit) error {
	f := newForm()
	f.Values["month"], f.Values["reason"] = v.r.PostFormValue("month"), v.prose("reason")
	call := management.Call{
		Method: http.MethodPost, Path: "/v1/operator/statements/" + url.PathEscape(f.Values["month"]) + "/close",
		Body: api.CloseStatement{Reason: f.Values["reason"]},
	}
	status, err := f.submit(v, call, nil)
	return f.answer(v, status, err, a.showClosingStatement, statementsPage+"?"+url.Values{"month": {f.Values["month"]}}.Encode(), "statement_closed")
}
