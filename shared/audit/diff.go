package audit

import (
	"encoding/json"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/appid"
	"latchkey/shared/consent"
	"latchkey/shared/moment"
	"latchkey/shared/product"
)

// fact is one field of a record as its audit rows show it.
type fact struct {
	field string
	value any
}

// KeyChanges lists what differs between two versions of a key, for its audit row: nil before is its creation. No
// secret, no hash and no sealed secret is ever part of it; a changed secret shows as its preview.
func KeyChanges(before *apikey.Key, after apikey.Key) []Change {
	if before == nil {
		before = &apikey.Key{}
	}
	return diff(keyFacts(*before), keyFacts(after))
}

// keyFacts lists what audit rows show of a key, in their order.
func keyFacts(k apikey.Key) []fact {
	out := apikey.Outgoing{}
	if k.Outgoing != nil {
		out = *k.Outgoing
	}
	return []fact{
		{"name", k.Name},
		{"labels", k.Labels},
		{"usage", k.Usage},
		{"billing_type", k.BillingType},
		{"products", k.Products},
		{"product_paths", consents(k.Consents)},
		{"domains", k.Domains},
		{"networks", k.Networks},
		{"apps", apps(k.Apps)},
		{"missing_origin", k.MissingOrigin},
		{"header_only", k.HeaderOnly},
		{"recoverable", k.Recoverable},
		{"preview", k.Current.Preview},
		{"exposed", exposure(k.Current.Exposed)},
		{"previous_preview", out.Preview},
		{"previous_exposed", exposure(out.Exposed)},
		{"previous_secret_expires_at", at(out.EndsAt)},
		{"rotated_at", at(k.RotatedAt)},
		{"rotation_cancelled", out.Cancelled},
		{"rotation_reason", out.Reason},
		{"expires_at", at(k.ExpiresAt)},
		{"disabled", k.Disabled},
		{"blocked", block(k.Blocked)},
		{"revoked_at", at(k.RevokedAt)},
		{"deleted_at", at(k.DeletedAt)},
		{"limits", limits(k.Limits)},
		{"quotas", caps(k.Caps)},
		{"rotation_policy", policy(k.Rotation)},
		{"proposed", proposal(k.Proposed)},
		{"account_type", k.AccountType},
	}
}

func block(b *apikey.Block) any {
	if b == nil {
		return nil
	}
	said := map[string]any{"reason": b.Reason, "at": at(b.At)}
	if !b.Until.IsZero() {
		said["until"] = at(b.Until)
	}
	return said
}

func exposure(e apikey.Exposure) any {
	if e == (apikey.Exposure{}) {
		return nil
	}
	return map[string]any{
		"at": at(e.At), "source": e.By, "place": e.Place, "refused_at": at(e.RefusedAt), "replace": e.Replace,
		"lifted_at": at(e.LiftedAt), "lift_reason": e.LiftReason,
	}
}

func leaks(p account.LeakPolicy) any {
	if p == (account.LeakPolicy{}) {
		return nil
	}
	p = p.InForce()
	return map[string]any{"frontend": p.Frontend, "backend": p.Backend, "mobile": p.Mobile}
}

func suspension(s account.Suspension) any {
	if s.By = ""; s == (account.Suspension{}) {
		return nil
	}
	return map[string]any{"reason": s.Reason, "at": at(s.At), "until": at(s.Until)}
}

func limits(list []apikey.Limit) any {
	facts := make([]map[string]any, len(list))
	for i, l := range list {
		facts[i] = map[string]any{"class": l.Class, "qps": l.QPS, "ends_at": at(l.EndsAt), "then_qps": l.Then, "granted_qps": l.Granted, "lent_qps": l.Lent}
	}
	return facts
}

func caps(list apikey.Caps) any {
	facts := make([]map[string]any, len(list))
	for i, c := range list {
		facts[i] = map[string]any{"group": c.Group, "day": c.Day}
	}
	return facts
}

func accountLimits(list account.Limits) any {
	facts := make([]map[string]any, len(list))
	for i, l := range list {
		facts[i] = map[string]any{"class": l.Class, "qps": l.QPS}
	}
	return facts
}

func accountQuotas(list account.Quotas) any {
	facts := make([]map[string]any, len(list))
	for i, q := range list {
		facts[i] = map[string]any{"billing_type": q.Billing, "group": q.Group, "day": number(q.Day), "month": number(q.Month)}
	}
	return facts
}

// number is nil for none.
func number(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

func policy(p *apikey.RotationPolicy) any {
	if p == nil {
		return nil
	}
	return map[string]any{"every_days": p.EveryDays, "notify_days_before": p.NotifyDaysBefore, "principal": p.Principal}
}

func proposal(p *apikey.Proposal) any {
	if p == nil {
		return nil
	}
	facts := map[string]any{"domains": p.Domains, "products": p.Products}
	if p.Networks != nil {
		facts["networks"] = p.Networks
	}
	if p.Apps != nil {
		facts["apps"] = apps(*p.Apps)
	}
	if len(p.Consents) > 0 {
		facts["product_paths"] = consents(p.Consents)
	}
	return facts
}

// apps shows apps as the contract has them. One that can't be read shows as it is stored.
func apps(list []string) []any {
	facts := make([]any, len(list))
	for i, text := range list {
		switch a, err := appid.ParseApp(text); {
		case err != nil:
			facts[i] = text
		case a.Platform() == appid.Android:
			facts[i] = map[string]any{"platform": a.Platform(), "package": a.Name(), "sha1": a.SHA1()}
		default:
			facts[i] = map[string]any{"platform": a.Platform(), "bundle_id": a.Name()}
		}
	}
	return facts
}

// consents shows what was agreed to of each product, a path with the catalogue's version since which it is covered.
func consents(list consent.List) any {
	facts := make([]map[string]any, len(list))
	for i, g := range list {
		paths := make([]map[string]any, len(g.Paths))
		for j, p := range g.Paths {
			path, since := p.Shown()
			paths[j] = map[string]any{"path": path, "since": since}
		}
		facts[i] = map[string]any{"product": g.Product, "paths": paths}
	}
	return facts
}

// AccountChanges lists what differs between two versions of an account: nil before is its creation.
func AccountChanges(before *account.Account, after account.Account) []Change {
	if before == nil {
		before = &account.Account{}
	}
	return diff(accountFacts(*before), accountFacts(after))
}

func accountFacts(a account.Account) []fact {
	return []fact{
		{"name", a.Name},
		{"type", a.Type},
		{"pending_type", a.PendingType},
		{"key_limit", a.KeyLimit},
		{"suspended", suspension(a.Suspended)},
		{"accepted_paths", consents(a.Accepted)},
		{"limits", accountLimits(a.Limits)},
		{"quotas", accountQuotas(a.Quotas)},
		{"leaks", leaks(a.Leaks)},
		{"frontend_restricted", a.Rules.FrontendRestricted},
		{"max_lifetime_days", count(a.Rules.LifetimeDays)},
		{"closing", a.Closing},
		{"closed_at", at(a.ClosedAt)},
		{"unreadable_keys", count(a.UnreadableKeys)},
	}
}

// Set is one field that has a new value; nil before or after means that there is none.
func Set(field string, before, after any) Change {
	return Change{Field: field, Before: text(before), After: text(after)}
}

// at is a time as JSON; nothing for the zero time.
func at(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return moment.Of(t)
}

// count is a number as JSON; nothing for zero.
func count(n int) any {
	if n == 0 {
		return nil
	}
	return n
}

// CatalogueChanges lists the products that aren't as they were, each as "product:" and its ID.
func CatalogueChanges(before, after []product.Outline) (changes []Change) {
	for _, c := range product.Compare(before, after) {
		changes = append(changes, Set("product:"+string(c.ID), outline(c.Before), outline(c.After)))
	}
	return changes
}

func outline(o *product.Outline) any {
	if o == nil {
		return nil
	}
	return map[string]any{"name": o.Name, "prefixes": append([]string{}, o.Prefixes...)}
}

// diff compares facts pair by pair: both lists are of one function.
func diff(before, after []fact) (changes []Change) {
	for i := range after {
		if c := Set(after[i].field, before[i].value, after[i].value); c.Before != c.After {
			changes = append(changes, c)
		}
	}
	return changes
}

// text renders a fact as JSON; the zero facts (nothing, "", false, an empty list) are "".
func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return "" // facts are strings, numbers and lists of them
	}
	switch t := string(raw); t {
	case "null", `""`, "false", "[]", "0":
		return ""
	default:
		return t
	}
}
