package main

import (
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/moment"
	"latchkey/shared/origin"
	"latchkey/shared/origin/entry"
	"latchkey/shared/text"
	"latchkey/shared/usage"
)

// seenDays are the days that a proposal from usage looks at, the running one included.
const seenDays = 30

// proposeFromUsage proposes the domains from which the key was called, and says what they would have refused. What else is proposed
// stays so. Where no page was seen nothing is proposed.
func (h *handler) proposeFromUsage(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	before, err := h.service.Read(r, c)
	if err != nil {
		return err
	}
	if err := gateway.OptionalIfMatch(r).Check(before.Version); err != nil {
		return err
	}
	if err := before.Editable(); err != nil {
		return err
	}
	now := h.service.Source.Time()
	in := daysUntil(now, seenDays)
	rows, err := h.counters.KeyRows(r.Context(), c.Account, before.ID, in)
	if err != nil {
		return err
	}
	seen := usage.SeenIn(rows)
	domains, refused := seenDomains(h.service.Texts, seen, before.MissingOrigin)
	if len(domains) == 0 { // to propose none would be to propose to let everybody in
		return h.fromUsage(w, r, c, before, in, seen, 0)
	}
	after := before.Touched(now)
	proposal := apikey.Proposal{Domains: &domains, Since: now}
	if p := before.Proposed; p != nil {
		proposal = *p
		proposal.Domains = &domains
	}
	after.Proposed = &proposal
	if after.Same(before) { // proposed again, it has been proposed since then
		return h.fromUsage(w, r, c, before, in, seen, refused)
	}
	proposal.Since = now
	f := h.fields(now)
	if f.fits(before, after); f.err() != nil {
		return f.err()
	}
	written, err := h.service.Store.Commit(r.Context(), control.Change{Before: &before, After: after, Audit: h.service.Row(c, "key.propose", &before, after)})
	if err != nil {
		return err
	}
	return h.fromUsage(w, r, c, written, in, seen, refused)
}

// seenDomains are the domains of the pages that called, those with the most calls first if there are too many, and how many of the allowed
// calls they would have refused.
func seenDomains(secrets text.Secrets, seen usage.Seen, missing apikey.MissingOrigin) (domains []string, refused int64) {
	for _, host := range seen.Hosts {
		canonical, err := entry.Parse(host.Name)
		if err == nil {
			_, err = origin.ParsePattern(canonical)
		}
		if err != nil || secrets.InHost(host.Name) || len(domains) == apikey.MaxDomains {
			refused += host.Allowed
			continue
		}
		domains = append(domains, canonical)
	}
	if missing != apikey.MissingOriginAllow {
		refused += seen.Missing
	}
	return apikey.Set(domains), refused
}

func (h *handler) fromUsage(w http.ResponseWriter, r *http.Request, c gateway.Principal, k apikey.Key, in counters.Range, seen usage.Seen, refused int64) error {
	view, err := h.service.AnswerView(r, c, k)
	if err != nil {
		return err
	}
	gateway.SetETag(w, k.Version)
	return gateway.JSON(w, http.StatusOK, api.ProposalFromUsage{
		Key: web.KeyDoc(k, view), From: moment.Of(in.From), To: moment.Of(in.To),
		Allowed: seen.Allowed, WouldRefuse: refused, Unkept: seen.Unkept,
	})
}
