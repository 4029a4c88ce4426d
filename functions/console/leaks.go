package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// leakRoutes lists the pages about secrets that were found where others can read them.
func (a *app) leakRoutes() {
	a.writing("GET /accounts/{account}/keys/{key}/lift-exposure", can.own, func(v *visit) error { return a.showLifting(v, http.StatusOK, newForm()) })
	a.account("POST /accounts/{account}/keys/{key}/lift-exposure", a.liftExposure)
	a.writing("GET /accounts/{account}/account/leaks", can.own, func(v *visit) error { return a.showLeakPolicy(v, http.StatusOK, newForm()) })
	a.account("POST /accounts/{account}/account/leaks", a.putLeakPolicy)
	a.admins("GET /operator/leaks", func(v *visit) error { return a.showLeakReport(v, http.StatusOK, newForm()) })
	a.person("POST /operator/leaks", a.reportLeak)
}

// exposureView has all that the page of a key tells of a leak.
type exposureView struct {
	api.Exposure
	AtOnce bool   // refused with the report
	Until  string // to when the calls in between are counted: refused, lifted or now
	Calls  int64  // that were allowed in between
	Known  bool   // how many they are
}

// exposures tells of each exposed secret of a key, with the calls that came in between.
func (v *visit) exposures(k api.Key, now time.Time) (views []exposureView) {
	for _, e := range k.Exposures {
		one := exposureView{Exposure: e, Until: "now"}
		until := now
		if e.RefusedAt != nil {
			until, one.Until = e.RefusedAt.Time, "refused"
		}
		if one.AtOnce = until.Equal(e.ExposedAt.Time); !one.AtOnce {
			one.Calls, one.Known = v.callsBetween(e.ExposedAt.Time, until)
		}
		views = append(views, one)
	}
	return views
}

// callsBetween counts the calls of the key that were allowed in the days of a span, as far as they are kept. Counters have no
// finer parts for all of that time.
func (v *visit) callsBetween(from, until time.Time) (calls int64, known bool) {
	if kept := until.Add(-keepDays); from.Before(kept) {
		from = kept
	}
	var used api.Usage
	var lacking bool
	ask := byDay(from.UTC().Truncate(oneDay), until.UTC().Truncate(oneDay).Add(oneDay))
	if until.Sub(from) < keepHours/2 && v.app.now().Sub(from) < keepHours-oneDay {
		ask = byDay(from.UTC().Truncate(time.Hour), until.UTC().Truncate(time.Hour).Add(time.Hour))
		ask.Set("interval", "hour")
	}
	_ = optional(reading(&used, v.api, v.keyPath("/usage"), ask), &lacking)(v.ctx()) // it returns no error
	return used.Totals.Allowed, !lacking
}

// lifting asks why an exposed secret is to work again.
type lifting struct {
	*form
	Key api.Key
}

func (a *app) showLifting(v *visit, status int, f *form) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	return v.render(status, "lift-exposure", v.t("lift.title", "name", k.Name), &lifting{f, k})
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
	if err != nil {
		return err
	}
	if !f.settled() {
		return a.showLeakPolicy(v, status, f)
	}
	return v.done(v.accountURL(detailsPage), "leak_policy")
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
	if typed == "" {
		f.add("secret", v.t("operator.leak.secret.bad"))
	}
	hash := v.soughtHash(typed)
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
