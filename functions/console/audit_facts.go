package main

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// codes are the facts that are no words: their letters stand from left to right, and nothing but them breaks a line.
var codes = []string{"apps", "networks", "domains", "preview", "previous_preview"}

// namesOfGroups are the groups of classes, as the account's quotas call them: a row has their IDs alone. They are read for a page with rows that name
// one, and kept as the catalogue is, whose names they are. Where they can't be read, the page has the IDs.
func (v *visit) namesOfGroups(ctx context.Context, rows []api.AuditRow) map[string]string {
	if v.accountID == "" || !slices.ContainsFunc(rows, func(r api.AuditRow) bool {
		return slices.ContainsFunc(r.Changes, func(c api.Change) bool { return namesGroup(c.Field, c.Before) || namesGroup(c.Field, c.After) })
	}) {
		return nil
	}
	names, fresh := v.app.catalog.groups.at(v.app.now())
	if fresh {
		return names
	}
	found, err := management.Get[api.Quotas](ctx, v.api, v.accountPath("/quotas"), nil)
	if err != nil {
		return names
	}
	all := maps.Clone(names)
	if all == nil {
		all = map[string]string{}
	}
	for _, q := range found.Quotas {
		all[q.Group] = q.Name
	}
	v.app.catalog.groups.keep(all, v.app.now().Add(catalogueLife))
	return all
}

// namesGroup reports whether a value of the audit trail is a group of classes, or has one.
func namesGroup(field string, value any) bool {
	switch t := value.(type) {
	case []any:
		return slices.ContainsFunc(t, func(one any) bool { return namesGroup(field, one) })
	case map[string]any:
		return t["group"] != nil
	default:
		return field == "group" && value != nil
	}
}

// appOf reads an app, which a row has as the API has it.
func appOf(object map[string]any) (one api.App, ok bool) {
	text := func(name string) *string {
		if said, is := object[name].(string); is {
			return &said
		}
		return nil
	}
	one = api.App{Package: text("package"), Sha1: text("sha1"), BundleId: text("bundle_id")}
	one.Platform = orNone(text("platform"))
	return one, one.Platform != ""
}

// group names a group of classes.
func (f facts) group(id string) string { return f.v.groupTitle(id, cmp.Or(f.groups[id], id)) }
