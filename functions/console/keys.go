package main

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"latchkey/functions/console/internal/chart"
	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

func (a *app) keyRoutes() {
	a.account("GET /accounts/{account}/keys", a.listKeys)
	a.account("POST /accounts/{account}/keys", a.searchKeys)
	a.person("GET /accounts/new", a.newAccount)
	a.writing("GET /accounts/{account}/keys/new", can.write, a.newKey)
	a.account("POST /accounts/{account}/keys/new", a.createKey)
	a.account("GET /accounts/{account}/keys/{key}", a.showKey)
	a.account("GET /accounts/{account}/keys/{key}/audit", a.showKeyAudit)
	a.account("GET /accounts/{account}/keys/{key}/try", a.tryKey)
	a.account("POST /accounts/{account}/keys/{key}/try", a.trySecret)
	a.elsewhere("GET /accounts/{account}/keys/{key}/test", "/accounts/{account}/keys/{key}/try")
	a.account("POST /accounts/{account}/keys/{key}/test", a.testPage)
	a.elsewhere("GET /accounts/{account}/keys/{key}/repair", "/accounts/{account}/keys/{key}")
	a.account("POST /accounts/{account}/keys/{key}/repair", a.repairKey)
	a.writing("GET /accounts/{account}/keys/{key}/edit", can.write, a.editForm)
	a.account("POST /accounts/{account}/keys/{key}/edit", a.editKey)
	a.public("POST /domains/check", a.checkDomains)
	a.firstRoutes()
	a.selectedRoutes()
	a.stepRoutes()
	a.rotationRoutes()
	a.proposalRoutes()
}

// keyList is the list of keys as the URL asks for it; no filter is kept anywhere else.
type keyList struct {
	Q, Status, Product, Label, Sort, Page string
	Filtered                              bool
	Back                                  bool // the page is before the one that was seen
	Many                                  bool // too many keys to sort by any column
	Unnamed                               bool // nor by name, yet
	Statuses                              []api.Status
	Products                              []api.Product
	Keys                                  []keyRow
	First                                 *firstForm // instead of a list that has no keys
	Begin                                 *beginning
	Previous, Next                        string
	Total                                 string           // how many keys there are, and which of them the page has
	Place                                 string           // which page it is, of how many
	Labels                                []api.LabelCount // to choose from
	MostLabels                            int              // there may be more than these; 0: there are not
	Selected                              *doneView        // what has become of the keys that were selected
	All                                   bool             // of the page are to be selected
	Lean                                  bool             // as many to a page as an act takes, each with the least
	Matching                              int              // how many keys the list has on all its pages; 0: nobody counted
	Gone                                  bool             // some of them are deleted
	path                                  string
	figures                               bool // it is to be shown: with the figures of a day, and counted
}

var statuses = []api.Status{api.Active, api.Disabled, api.Blocked, api.Suspended, api.Expired, api.Revoked, api.Deleted}

// mostLabels is the number of labels that the API lists: those that the most keys have.
const mostLabels = 50

// keysPerPage is so small that a page of keys that have two labels, a hint and a kept secret is below 40 kB in each language.
const keysPerPage = 12

// listAddress is the account's list of keys, as it was narrowed and sorted if the person comes from there. From pages farther away, the script
// leads back to it.
func (v *visit) listAddress() string {
	list := v.accountURL("/keys")
	from, err := url.Parse(v.r.Referer())
	if err != nil || from.Host != v.r.Host || from.Path != v.base+list || from.RawQuery == "" || ownAddress(from) == "/" {
		return list
	}
	query := from.Query()
	if query.Del("select"); len(query) == 0 { // what was selected there isn't to be again
		return list
	}
	return list + "?" + query.Encode()
}

func (a *app) listKeys(v *visit) error {
	d := v.keyList(v.r.URL.Query())
	if hash := v.soughtHash(d.Q); hash != "" {
		return v.showHolder(hash) // from an address that somebody made
	}
	d.Q, d.figures = soughtFor(d.Q), true
	d.Statuses, d.First = statuses, newFirstForm()
	d.Filtered = d.Q != "" || d.Status != "" || d.Product != "" || d.Label != ""
	var found api.KeyList
	err := v.parallel(func(ctx context.Context) (err error) {
		found, err = v.readKeys(ctx, d)
		return err
	}, a.readingProducts(v, &d.Products))
	if err != nil {
		return err
	}
	if d.Page != "" && len(found.Keys) == 0 && found.NextPageToken == nil {
		return v.redirect(d.PageURL("")) // the filter took no more of what the page had; others may be before it
	}
	d.All = v.query("select") == "all"
	figures := figuresByKey(found.Figures)
	for _, k := range found.Keys {
		d.Gone = d.Gone || k.Status == api.Deleted
		row := rowOf(k, d.Products, a.now())
		row.Chips = v.chips(k, a.now())
		if f, ok := figures[k.Id]; ok {
			row.Day = &dayView{f.Requests, chart.Spark(f.Hours)}
			if f.Refused*shownRefused >= f.Requests && f.Refused > 0 {
				row.Chips = append(row.Chips, v.t("chip.refused", "share", v.percent(f.Refused, f.Requests)))
			}
		}
		d.Keys = append(d.Keys, row)
	}
	d.Previous, d.Next = orNone(found.PreviousPageToken), orNone(found.NextPageToken)
	d.count(v, found)
	if d.Filtered = d.Filtered || d.Page != ""; !d.Filtered {
		d.Begin = v.beginningOf(found.Keys, d.Next != "")
	}
	return v.render(http.StatusOK, "keys", v.t("keys.title"), d)
}

// Symbols are the icons that the rows draw, each once: that of copying is an owner's.
func (d *keyList) Symbols(own bool) (names []string) {
	for _, k := range d.Keys {
		drawn := []string{string(k.Status)}
		if own && k.Kept() {
			drawn = append(drawn, "copy")
		}
		if k.ExposedAt != nil || len(k.Hints) > 0 {
			drawn = append(drawn, "warning")
		}
		for _, name := range drawn {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// count notes how many keys there are, which of them the page has, and which labels they have; of more than the API counts, that alone.
func (d *keyList) count(v *visit, found api.KeyList) {
	if found.Matching != nil {
		d.Matching = *found.Matching
	}
	switch n := len(found.Keys); {
	case found.Matching != nil && found.Position != nil && (n < *found.Matching || *found.Position > 1):
		d.Total = v.t("keys.range", "from", *found.Position, "to", *found.Position+n-1, "n", *found.Matching)
		d.Place = v.pageOfKeys(*found.Position, *found.Matching, d.perPage())
	case found.Matching != nil:
		d.Total = v.t("keys.total", "n", *found.Matching)
	case d.Filtered:
	case found.Total != nil:
		d.Total = v.t("keys.total", "n", *found.Total)
	case d.Many:
		d.Total = v.t("keys.total.many", "n", mostSorted)
	}
	if found.Labels == nil || len(*found.Labels) == 0 {
		return
	}
	if d.Labels = *found.Labels; len(d.Labels) >= mostLabels {
		d.MostLabels = mostLabels
	}
	if d.Label != "" && !slices.ContainsFunc(d.Labels, func(l api.LabelCount) bool { return d.Labelled(l.Name) }) {
		d.Labels = append([]api.LabelCount{{Name: d.Label}}, d.Labels...)
	}
}

// Labelled reports whether the list is that of a label.
func (d *keyList) Labelled(name string) bool { return strings.EqualFold(name, d.Label) }

// keyList reads which list is meant, from an address or from a form of that list.
func (v *visit) keyList(from url.Values) *keyList {
	d := &keyList{
		Q: strings.TrimSpace(from.Get("q")), Status: from.Get("status"), Product: from.Get("product"), Label: strings.TrimSpace(from.Get("label")),
		Sort: from.Get("sort"), Page: from.Get("page"), Back: from.Get("back") != "", Many: from.Get("many") != "", Lean: from.Get("size") == leanSize, path: v.accountURL("/keys"),
	}
	if d.Sort == "" {
		d.Sort = newestFirst
	}
	return d
}

// key reads the key that the path names.
func (v *visit) key() (api.Key, error) {
	return management.Get[api.Key](v.ctx(), v.api, v.keyPath(), nil)
}
