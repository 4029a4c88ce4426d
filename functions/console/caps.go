package main

import (
	"net/http"
	"slices"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	"latchkey/shared/authz"
)

// capRow is the daily cap of a key for a group of classes, or that it has none.
type capRow struct {
	api.KeyQuotaUse
	Title    string // of the group
	Enforced bool   // false for a group that there no longer is
}

// enforced reads what an answer says of a group. An API of the release before says nothing, and all its groups are.
func enforced(said *bool) bool { return said == nil || *said }

// Earlier reports whether more is used than was taken.
func (r capRow) Earlier() bool { return earlier(r.Day, r.Left, r.Used) }

type capForm struct {
	*form
	Key api.Key
	Cap capRow
}

// capRows lists the groups of classes.
func (v *visit) capRows(list []api.KeyQuotaUse) []capRow {
	rows := make([]capRow, len(list))
	for i, one := range list {
		one.InHand = unlessNone(one.InHand)
		rows[i] = capRow{one, v.groupTitle(one.Group, one.Name), enforced(one.Enforced)}
	}
	return rows
}

// Bounds reports whether the key has a cap there that is in force.
func (r capRow) Bounds() bool { return r.Enforced && r.Day != nil }

// Spent reports whether the cap is used up.
func (r capRow) Spent() bool { return spent(r.Day, r.Left, r.Used) }

// Spent reports whether the quota of the period is used up.
func (r quotaRow) Spent() bool { return spent(r.Quota, r.Left, r.Used) }

// spent reports whether nothing is left of a number of calls. Where what is left can't be read, it goes by those that are counted.
func spent(most, left *int64, used int64) bool {
	if left != nil {
		return most != nil && *left <= 0
	}
	return most != nil && used >= *most
}

// Spent reports whether one of the key's caps, or of the account's quotas that bind it, is used up.
func (d *keyPage) Spent() bool { return anySpent(d.Caps, d.Shared) }

func anySpent(caps []capRow, shared []quotaRow) bool {
	return slices.ContainsFunc(caps, capRow.Spent) || slices.ContainsFunc(shared, quotaRow.Spent)
}

// quotaCauses finds those of the key's caps that refuse by a quota, and reports whether the account's quotas do: what is used up now, or else what
// there is.
func quotaCauses(caps []capRow, shared []quotaRow) (own []capRow, others bool) {
	causes := capRow.Spent
	others = slices.ContainsFunc(shared, quotaRow.Spent)
	if !others && !slices.ContainsFunc(caps, causes) {
		causes, others = capRow.Bounds, len(shared) > 0
	}
	for _, one := range caps {
		if causes(one) {
			own = append(own, one)
		}
	}
	return own, others
}

// quotaCause gives a refusal by a quota the text of what has refused. Where both the key's caps and the account's quotas fit, the text names both.
func (v *visit) quotaCause(reasons []refusal, caps []capRow, shared []quotaRow) []refusal {
	own, others := quotaCauses(caps, shared)
	i := slices.IndexFunc(reasons, func(r refusal) bool { return r.Code == string(authz.QuotaExceeded) })
	if i < 0 || len(own) > 0 == others {
		return reasons
	}
	if reasons[i].Help = v.t("usage.help.quota_exceeded.account"); len(own) > 0 {
		reasons[i].Help = v.t("usage.help.quota_exceeded.key")
	}
	return reasons
}

// capRepairs lead to the caps that refuse. Where the answer doesn't tell of caps, they lead to the key's page.
func (v *visit) capRepairs(k api.Key, u api.Usage) (list []repair) {
	if u.Quotas == nil && len(k.Quotas) > 0 {
		return []repair{{Text: v.t("repair.quota_exceeded"), URL: v.repairURL(k) + "#caps"}}
	}
	own, _ := quotaCauses(v.capRows(deref(u.Quotas)), v.quotaRows(deref(u.AccountQuotas)))
	for _, one := range own {
		list = append(list, repair{Text: v.t("repair.quota_exceeded"), About: one.Title, URL: v.repairURL(k, "/quotas/", one.Group), Dialog: true})
	}
	return list
}

// unlessNone leaves a number of calls out where it says nothing.
func unlessNone(n *int64) *int64 {
	if n != nil && *n == 0 {
		return nil
	}
	return n
}

// capIn is the number of calls of a group in a day that a key has, "" for no cap.
func capIn(k api.Key, group string) string {
	for _, one := range k.Quotas {
		if one.Group == group {
			return callsOf(&one.Day)
		}
	}
	return ""
}

// capOf is the form for the cap of a group, as it stands.
func capOf(group string) func(api.Key) *form {
	return func(k api.Key) *form {
		f := newForm()
		f.Values["day"] = capIn(k, group)
		f.begin()
		return f
	}
}

func (a *app) capForm(v *visit) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	return a.showCap(v, http.StatusOK, capOf(v.r.PathValue("group"))(k), k)
}

// showCap shows the form for the cap of the group that the path names.
func (a *app) showCap(v *visit, status int, f *form, k api.Key) error {
	var quotas api.KeyQuotas
	if err := reading(&quotas, v.api, v.keyPath("/quotas"), nil)(v.ctx()); err != nil {
		return err
	}
	rows := v.capRows(quotas.Quotas)
	i := slices.IndexFunc(rows, func(r capRow) bool { return r.Group == v.r.PathValue("group") })
	if i < 0 {
		return errNotFound
	}
	return v.renderForm(status, k, "cap", v.t("cap.title", "group", rows[i].Title), &capForm{form: f, Key: k, Cap: rows[i]})
}

// setCap sets the cap of a group; an empty field lifts it.
func (a *app) setCap(v *visit) error {
	f, group := newForm(), v.r.PathValue("group")
	if !plainName(group) {
		return errNotFound
	}
	f.Values["day"], f.Values["was"] = v.form("day"), v.form("was")
	body := api.SetKeyQuota{}
	if f.Values["day"] != "" {
		n := int64(f.whole(v, "day"))
		body.Day = &n
	}
	began := f.began()
	set := func(api.Key) management.Call {
		return management.Call{Method: http.MethodPut, Path: v.keyPath("/quotas/", group), Body: body}
	}
	before, status, err := a.settle(v, f, set, capOf(group))
	switch {
	case err != nil:
		return err
	case !f.settled():
		return a.showCap(v, status, f, before)
	}
	if capIn(before, group) == f.Values["day"] && (began == nil || slices.Equal(began["day"], f.edited()["day"])) {
		return v.done(v.keyURL(), "cap_same")
	}
	return v.done(v.keyURL(), "cap")
}
