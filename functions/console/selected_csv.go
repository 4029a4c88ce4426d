package main

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	"latchkey/shared/moment"
	shown "latchkey/shared/text"
)

// exportSelected sends the settings of the selected keys as a file, in the order of the list. Its values are the API's own, so that
// programs can read it, and no secret is among them.
func (a *app) exportSelected(v *visit) error {
	ids, list, err := v.selected(v.r.URL.Query())
	if err != nil || len(ids) == 0 {
		return err
	}
	found, err := v.readKeys(v.ctx(), list)
	if err != nil {
		return err
	}
	keys := slices.DeleteFunc(found.Keys, func(k api.Key) bool { return !slices.Contains(ids, k.Id) })
	unseen := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { // the list no longer shows these
		return slices.ContainsFunc(keys, func(k api.Key) bool { return k.Id == id })
	})
	more, err := v.keysByID(unseen)
	if err != nil {
		return err
	}
	keys = append(keys, more...)
	v.file(aTable, called("keys-"+a.now().UTC().Format(dayFormat)+".csv"))
	out := shown.NewTable(v.w)
	out.Line(settingNames...)
	for _, k := range keys {
		out.Line(settingsOf(k)...)
	}
	_ = out.End() // who reads it has gone
	return nil
}

// keysByID reads keys one by one, some at the same time, and leaves out what is gone.
func (v *visit) keysByID(ids []string) ([]api.Key, error) {
	found := make([]*api.Key, len(ids))
	g, ctx := errgroup.WithContext(v.ctx())
	g.SetLimit(sweepAtOnce)
	for i, id := range ids {
		g.Go(func() error {
			k, err := management.Get[api.Key](ctx, v.api, v.accountPath("/keys/", id), nil)
			switch {
			case refusedAs(err, "not_found"):
				return nil
			case err != nil:
				return err
			}
			found[i] = &k
			return nil
		})
	}
	err := g.Wait()
	var keys []api.Key
	for _, k := range found {
		if k != nil {
			keys = append(keys, *k)
		}
	}
	return keys, err
}

// settingNames are the columns of the file: the API's names, and lists with blanks between their items, labels with semicolons.
var settingNames = []string{
	"id", "name", "preview", "status", "usage", "billing_type", "products", "labels", "domains", "missing_origin", "header_only", "recoverable",
	"limits", "created_at", "expires_at", "last_used_at", "rotation_every_days", "next_rotation_at", "networks", "apps",
}

func settingsOf(k api.Key) []string {
	var limits []string
	for _, l := range k.Limits {
		limits = append(limits, l.Class+"="+strconv.Itoa(l.Qps))
	}
	every, due := "", ""
	if p := k.RotationPolicy; p != nil {
		every, due = strconv.Itoa(p.EveryDays), timeOrNone(p.NextDueAt)
	}
	return []string{
		k.Id, k.Name, k.Preview, string(k.Status), string(k.Usage), string(k.BillingType), strings.Join(k.Products, " "), strings.Join(k.Labels, "; "),
		strings.Join(k.Domains, " "), string(k.MissingOrigin), strconv.FormatBool(k.HeaderOnly), strconv.FormatBool(k.Recoverable), strings.Join(limits, " "),
		moment.Format(k.CreatedAt.Time), timeOrNone(k.ExpiresAt), timeOrNone(k.LastUsedAt), every, due, strings.Join(k.Networks, " "), strings.Join(linesOf(k.Apps), "; "),
	}
}

func timeOrNone(at *api.MaybeTime) string {
	if at == nil {
		return ""
	}
	return moment.Format(at.Time)
}
