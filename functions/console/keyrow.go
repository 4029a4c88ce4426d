package main

import (
	"html/template"
	"time"

	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/finding"
)

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

// hints lists settings that would make a key safer, by the bounds of [finding.Of]. Keys that don't work get none.
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
	if !now.Before(last.Add(finding.UnusedAfter)) {
		list = append(list, "unused")
	}
	if len(k.PendingPaths) > 0 {
		list = append(list, "pending_paths")
	}
	if p := k.RotationPolicy; p != nil && p.NextDueAt != nil && !now.Before(p.NextDueAt.Time) {
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
