package main

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/functions/console/internal/chart"
	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
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

type keyRow struct {
	api.Key
	FirstProduct              string
	MoreProducts, MoreDomains int
	FirstLabels               []string
	MoreLabels                int
	Hints                     []string
	Chips                     []string // what happens to it at the moment
	Day                       *dayView // nil: nobody knows
}

// Kept reports whether its secret can be read again.
func (k keyRow) Kept() bool {
	return k.Recoverable && k.Status != api.Revoked && k.Status != api.Deleted
}

// dayView holds what a key's calls came to in 24 hours.
type dayView struct {
	Requests int64
	Spark    template.HTML
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
		d.Begin = beginningOf(found.Keys, d.Next != "", a.now())
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

// shownRefused is the part of the calls, one in so many, from which on a row says how many were refused.
const shownRefused = 50

func figuresByKey(all *api.KeyFigures) map[string]api.KeyFiguresOfOne {
	byKey := map[string]api.KeyFiguresOfOne{}
	if all != nil {
		for _, f := range all.Keys {
			byKey[f.Id] = f
		}
	}
	return byKey
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

// labelsInRow bounds the labels of a row; the key's page has all.
const labelsInRow = 2

func rowOf(k api.Key, products []api.Product, now time.Time) keyRow {
	row := keyRow{Key: k, MoreProducts: max(len(k.Products)-1, 0), MoreDomains: max(len(k.Domains)-1, 0), Hints: hints(k, now)}
	row.FirstLabels = k.Labels[:min(len(k.Labels), labelsInRow)]
	row.MoreLabels = len(k.Labels) - len(row.FirstLabels)
	if len(k.Products) > 0 {
		row.FirstProduct = productName(products, k.Products[0])
	}
	return row
}

func productName(products []api.Product, id string) string {
	for _, p := range products {
		if p.Id == id {
			return p.Name
		}
	}
	return id
}

// docsOf returns the address of a product's documentation, or "".
func docsOf(products []api.Product, id string) string {
	for _, p := range products {
		if p.Id == id && p.DocsUrl != nil {
			return *p.DocsUrl
		}
	}
	return ""
}

const longUnused = 90 * 24 * time.Hour

// hints lists settings that would make a key safer. Keys that don't work get none.
func hints(k api.Key, now time.Time) (list []string) {
	if k.Status != api.Active {
		return nil
	}
	if unrestricted(k) {
		list = append(list, "unrestricted")
	}
	last := k.CreatedAt.Time
	if k.LastUsedAt != nil {
		last = k.LastUsedAt.Time
	}
	if now.Sub(last) > longUnused {
		list = append(list, "unused")
	}
	if len(k.PendingPaths) > 0 {
		list = append(list, "pending_paths")
	}
	if p := k.RotationPolicy; p != nil && p.NextDueAt != nil && now.After(p.NextDueAt.Time) {
		list = append(list, "rotation_due")
	}
	return list
}

// unrestricted reports whether everybody who reads a page can use its key elsewhere.
func unrestricted(k api.Key) bool {
	return apikey.ClientKind(k.Usage).Unrestricted(len(k.Domains), len(k.Networks), len(k.Apps))
}

// soonExpired is from when on the list says that a key expires.
const soonExpired = 7 * 24 * time.Hour

// chips lists what happens to a key that works: a rotation, and an expiry that is near.
func (v *visit) chips(k api.Key, now time.Time) (list []string) {
	if k.Status != api.Active {
		return nil
	}
	if k.PreviousPreview != nil && !k.RotationCancelled {
		list = append(list, v.t("chip.rotating"))
	}
	if k.ExpiresAt != nil && k.ExpiresAt.Sub(now) <= soonExpired {
		list = append(list, v.t("chip.expires", "time", v.lang.Duration(k.ExpiresAt.Sub(now))))
	}
	return list
}

// key reads the key that the path names.
func (v *visit) key() (api.Key, error) {
	return management.Get[api.Key](v.ctx(), v.api, v.keyPath(), nil)
}
