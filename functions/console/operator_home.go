package main

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/functions/console/internal/management"
	"latchkey/functions/internal/gateway"
	accounts "latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/pasted"
)

// lookUpPage is the operators' home with what waits for them, what a search over all accounts found, or the list of these.
type lookUpPage struct {
	Q, Page, Next string
	In            string // name or people: what is searched, whatever the text looks like
	Further       string // where the search of keys or people goes on
	Home          bool   // nothing was searched for
	All           bool   // accounts, one after the other
	Email         bool   // it was searched for as a member's email address
	People        bool   // it was searched for as a part of one
	KeyID         bool   // it was searched for as a key's ID, which no account's name is
	AccountID     bool   // it was searched for as an account's ID, or the beginning of one
	Search        *searchPart
	Pending       []requestView
	Lacking       bool // what is pending couldn't be read
	Accounts      []api.Account
}

// allAccounts lists the accounts that the home doesn't: there only what waits is worth a look.
const allAccounts = "/operator/accounts"

// homeRequests bounds the pending requests of the home; the queue has all.
const homeRequests = "5"

// aMailbox is a whole email address. Its domain may have no dot, as within a company.
var aMailbox = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)

// anEmail reports whether members can be found by it in one read. A part of an address is searched for, and an account's name may have an @ too.
func anEmail(typed string) bool {
	return aMailbox.MatchString(typed) && utf8.RuneCountInString(typed) <= accounts.MaxEmail
}

// lookUp finds accounts by ID, words of their name, or a member's email, and beside them keys by words or people by a part of their
// address; a key ID leads to the key.
func (a *app) lookUp(v *visit) error {
	d := &lookUpPage{Q: pasted.Value(v.query("q")), Page: v.query("page"), In: v.query("in"), Further: v.query("further")}
	id, notID := gateway.ID(d.Q, "key_")
	d.KeyID, d.AccountID = notID == nil, strings.HasPrefix(d.Q, "acc_") && plainID(d.Q)
	if d.KeyID && d.Further == "" {
		if there, err := v.keyIsThere(id); err != nil {
			return err
		} else if there {
			return v.redirect("/operator/keys/" + id)
		}
	}
	if hash := v.soughtHash(d.Q); hash != "" {
		return v.showAnyHolder(hash) // from an address that somebody made
	}
	if d.In != "people" && d.In != "name" {
		d.In = ""
	}
	if d.Email = anEmail(d.Q) && d.In == ""; !d.Email {
		d.Q = soughtFor(d.Q)
	}
	d.People = d.In == "people" || d.In == "" && !d.Email && strings.Contains(d.Q, "@")
	d.All = v.r.URL.Path == allAccounts
	d.Home = d.Q == "" && d.Page == "" && !d.All
	var found api.AccountList
	var pending api.QpsRequestList
	var products []api.Product
	var reads []func(context.Context) error
	if d.searches() { // with as many calls as a page may make: the tabs have the counts of the page before
		if last, fresh := a.counted.at(a.now()); fresh {
			v.overview = last
		}
		reads = append(reads, v.search(d))
	} else {
		reads = append(reads, v.waiting())
	}
	if d.Home {
		reads = append(reads, optional(reading(&pending, v.api, "/v1/qps-requests", url.Values{"page_size": {homeRequests}}), &d.Lacking), a.readingProducts(v, &products))
	}
	if !d.Home && !d.KeyID && (d.Search == nil || d.Further == "") {
		reads = append(reads, reading(&found, v.api, "/v1/operator/accounts", d.query()))
	}
	if err := v.parallel(reads...); err != nil {
		return err
	}
	if err := v.operates(); err != nil { // the home does without what the API refuses to others
		return err
	}
	for _, r := range pending.Requests {
		d.Pending = append(d.Pending, v.viewOf(r, products))
	}
	d.Accounts, d.Next = found.Accounts, orNone(found.NextPageToken)
	title := "operator.home"
	if d.All {
		title = "operator.accounts"
	}
	return v.render(http.StatusOK, "operator", v.t(title), d)
}

// keyIsThere reports whether there is a key with this ID, in any account.
func (v *visit) keyIsThere(id string) (bool, error) {
	_, err := management.Get[api.OperatorKey](v.ctx(), v.api, "/v1/operator/keys/"+id, nil)
	if refusedAs(err, "not_found") {
		return false, nil
	}
	return err == nil, err
}

// query returns the question to the list of accounts.
func (d *lookUpPage) query() url.Values {
	in := "q"
	if d.Email {
		in = "email"
	}
	return queryOf(map[string]string{"page_size": "25", in: d.Q, "page_token": d.Page})
}

// overview has methods for the pages, of what waits for operators.
type overview struct{ api.Overview }

// mostCounted is the number of which the API counts no more of a kind.
const mostCounted = 100

// orMore reports whether a number stands for as many or more.
func orMore(n int) bool { return n >= mostCounted }

// AtHome counts what the home lists and no other tab does. mostCounted stands for as many or more.
func (o overview) AtHome() int {
	return min(o.BlockedKeys+o.ExposedKeys+o.SuspendedAccounts, mostCounted)
}

// waiting reads what waits for operators, for the counts beside their tabs. A page is worth showing without.
func (v *visit) waiting() func(context.Context) error {
	return func(ctx context.Context) error {
		if found, err := management.Get[api.Overview](ctx, v.api, "/v1/operator/overview", nil); err == nil {
			v.overview = &overview{found}
			v.app.counted.keep(v.overview, v.app.now().Add(countedLife))
		}
		return nil
	}
}

// countedLife is for how long the counts of another page are worth showing.
const countedLife = 2 * time.Minute
