package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// leakRoutes lists the pages about secrets that were found where others can read them.
func (a *app) leakRoutes() {
	a.writing("GET /accounts/{account}/keys/{key}/lift-exposure", can.own, blank(a.showLifting))
	a.account("POST /accounts/{account}/keys/{key}/lift-exposure", a.liftExposure)
	a.writing("GET /accounts/{account}/account/leaks", can.own, blank(a.showLeakPolicy))
	a.account("POST /accounts/{account}/account/leaks", a.putLeakPolicy)
	a.admins("GET /operator/leaks", blank(a.showLeakReport))
	a.person("POST /operator/leaks", a.reportLeak)
}

// leak says of a key with an exposed secret whether that still works or is refused, of two the one in force, or that it is exposed where the key lets
// nothing through; "" without one.
func leak(k api.Key) string {
	if k.ExposedAt == nil {
		return ""
	}
	i := max(0, slices.IndexFunc(k.Exposures, func(e api.Exposure) bool { return e.Secret == "current" }))
	if i < len(k.Exposures) && k.Exposures[i].Refused {
		return "refused"
	}
	if k.Status != api.Active {
		return "only"
	}
	return "works"
}

// stopped reports whether a key that is active lets no call through, since each of its secrets is exposed and refused.
func stopped(k api.Key) bool { return k.Status == api.Active && allRefused(k) }

// refusedSecret reports whether one of a key's secrets, current or outgoing, is exposed and refused.
func refusedSecret(k api.Key, secret string) bool {
	return slices.ContainsFunc(k.Exposures, func(e api.Exposure) bool { return e.Secret == secret && e.Refused })
}

// exposureView has all that the page of a key tells of a leak.
type exposureView struct {
	api.Exposure
	AtOnce bool   // refused with the report
	Until  string // to when the calls in between are counted: refused, lifted or now
	Calls  int64  // that were allowed in between
	Known  bool   // how many they are
	end    time.Time
}

// exposures tells of each exposed secret of a key, with the calls that were allowed in between: by the hour, if the chart's hours and those
// of the week before have them, or else by the day, of all in one call.
func (v *visit) exposures(k api.Key, now time.Time, chart api.Usage) (views []exposureView) {
	hours := chart.Series
	if chart.Before != nil {
		hours = append(slices.Clone(chart.Before.Series), hours...)
	}
	var older []int
	first := now
	for i, e := range k.Exposures {
		one := exposureView{Exposure: e, Until: "now", end: now}
		if e.RefusedAt != nil {
			one.end, one.Until = e.RefusedAt.Time, "refused"
		}
		if one.AtOnce = one.end.Equal(e.ExposedAt.Time); !one.AtOnce {
			if one.Calls, one.Known = allowedIn(hours, e.ExposedAt.Truncate(time.Hour), one.end); !one.Known {
				older = append(older, i)
				if e.ExposedAt.Before(first) {
					first = e.ExposedAt.Time
				}
			}
		}
		views = append(views, one)
	}
	if len(older) == 0 {
		return views
	}
	first = first.UTC().Truncate(oneDay)
	if kept := now.UTC().Add(-keepDays).Truncate(oneDay).Add(oneDay); first.Before(kept) {
		first = kept
	}
	var days api.Usage
	var lacking bool
	_ = optional(reading(&days, v.api, v.keyPath("/usage"), byDay(first, now.UTC().Truncate(oneDay).Add(oneDay))), &lacking)(v.ctx()) // it returns no error
	for _, i := range older {
		views[i].Calls, _ = allowedIn(days.Series, views[i].ExposedAt.Truncate(oneDay), views[i].end)
		views[i].Known = !lacking
	}
	return views
}

// allowedIn adds up what was allowed from a moment to another, as far as a series has it. whole is true if it has all of that time.
func allowedIn(series []api.UsagePoint, from, until time.Time) (calls int64, whole bool) {
	for _, p := range series {
		if !p.Start.Before(from) && !p.Start.After(until) {
			calls += p.Allowed
		}
	}
	return calls, len(series) > 0 && !from.Before(series[0].Start.Time)
}

// lifting asks why an exposed secret is to work again.
type lifting struct {
	*form
	Key  api.Key
	Held string // why the key lets no call through with the secret either; "" where it does
}

func (a *app) showLifting(v *visit, status int, f *form) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	return v.renderForm(status, k, "lift-exposure", v.t("lift.title", "name", k.Name), &lifting{f, k, heldBy(k, v.app.now(), "exposed")})
}

func (a *app) liftExposure(v *visit) error {
	f := newForm()
	f.Values["reason"] = v.prose("reason")
	call := management.Call{Method: http.MethodPost, Path: v.keyPath("/lift-exposure"), Body: api.LiftExposure{Reason: f.Values["reason"]}}
	status, err := f.submit(v, call, nil)
	if err != nil {
		return err
	}
	if f.Bad() && f.Code != "secret_not_refused" { // which it is once this was sent twice
		return a.showLifting(v, status, f)
	}
	return v.done(v.keyURL(), "lifted")
}

// usageKinds are the kinds of keys, in the order of the contract.
var usageKinds = []string{string(api.Frontend), string(api.Backend), string(api.Mobile)}

// leakPolicy asks what is to happen to exposed secrets, by the kind of key.
type leakPolicy struct {
	*form
	Kinds     []string
	Reactions []string
	Was       string
}

var reactions = []string{"notify", "refuse", "rotate"}

const policySeparator = " "

// policyText is a policy as its form has it: the reactions in the order of the kinds.
func policyText(p api.LeakPolicy) string {
	return strings.Join([]string{string(p.Frontend), string(p.Backend), string(p.Mobile)}, policySeparator)
}

func (v *visit) leakPolicy() (string, int64, error) {
	now, err := management.Get[api.AccountPolicy](v.ctx(), v.api, v.accountPath("/policy"), nil)
	return policyText(now.Leaks), now.Version, err
}

func (a *app) showLeakPolicy(v *visit, status int, f *form) error {
	now, _, err := v.leakPolicy()
	if err != nil {
		return err
	}
	if v.r.Method == http.MethodGet {
		for i, one := range strings.Split(now, policySeparator) {
			f.Values[usageKinds[i]] = one
		}
	}
	return v.render(status, "leak-policy", v.t("leaks.policy.title"), &leakPolicy{f, usageKinds, reactions, now})
}

func (a *app) putLeakPolicy(v *visit) error {
	f := newForm()
	chosen := make([]string, len(usageKinds))
	for i, kind := range usageKinds {
		f.Values[kind] = v.form(kind)
		chosen[i] = f.Values[kind]
	}
	f.Values["leaks"] = strings.Join(chosen, policySeparator)
	body := api.PutAccountPolicy{Leaks: &api.LeakPolicy{Frontend: api.LeakReaction(chosen[0]), Backend: api.LeakReaction(chosen[1]), Mobile: api.LeakReaction(chosen[2])}}
	call := management.Call{Method: http.MethodPut, Path: v.accountPath("/policy"), Body: body}
	status, err := f.overwrite(v, setting{"leaks", "leaks.policy.title", v.sayPolicy}, v.leakPolicy, call, nil)
	return f.answer(v, status, err, a.showLeakPolicy, v.accountURL(detailsPage), "leak_policy")
}

// sayPolicy says a policy in words.
func (v *visit) sayPolicy(text string) string {
	var said []string
	for i, one := range strings.Split(text, policySeparator) {
		if i < len(usageKinds) && v.lang.Has("leaks.short."+one) {
			said = append(said, v.t("usage."+usageKinds[i])+v.t("format.colon")+v.t("leaks.short."+one))
		}
	}
	return orDash(strings.Join(said, " · "))
}

func (a *app) showLeakReport(v *visit, status int, f *form) error {
	return v.render(status, "operator-leak", v.t("operator.leak.title"), f)
}

// reportLeak hands an operator's report on. The secret is hashed here: neither a page nor the API's log ever has it.
func (a *app) reportLeak(v *visit) error {
	f := newForm()
	typed, where := v.form("secret"), v.form("url")
	for name, text := range map[string]string{"secret": typed, "url": where} {
		if secretIn(text) == "" { // a secret isn't shown again
			f.Values[name] = text
		}
	}
	hash := v.soughtHash(typed)
	if typed == "" || hash == incomplete {
		f.add("secret", v.t("operator.leak.secret.bad"))
	}
	if hash == "" { // no key has it; the API says so
		sum := sha256.Sum256([]byte(typed))
		hash = hex.EncodeToString(sum[:])
	}
	var found api.LeakOutcome
	call := management.Call{Method: http.MethodPost, Path: "/v1/operator/leaks", Body: api.ReportLeakAsOperator{SecretSha256: &hash, Url: &where}}
	status, err := f.submit(v, call, &found)
	if err != nil {
		return err
	}
	switch {
	case f.Bad():
		return a.showLeakReport(v, status, f)
	case found.KeyId == nil:
		return v.done("/operator", "leak_nobody")
	case !found.Changed:
		return v.done("/operator/keys/"+*found.KeyId, "leak_known")
	}
	return v.done("/operator/keys/"+*found.KeyId, "leak_reported")
}
