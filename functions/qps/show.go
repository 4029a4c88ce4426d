package main

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/qps"
	"latchkey/shared/text"
	"latchkey/shared/usage"
)

func (h *handler) get(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.KnownQuery(r); err != nil {
		return err
	}
	request, err := h.read(r, c)
	if err != nil {
		return err
	}
	return h.show(w, r, c, http.StatusOK, request)
}

// show answers with a request and its evidence, or without that where the key or the counters can't be read: everybody who may decide or withdraw
// the request finds it all the same.
func (h *handler) show(w http.ResponseWriter, r *http.Request, c gateway.Principal, status int, request qps.Request) error {
	doc := web.QpsRequestDoc(request, c.Operator)
	k, err := h.store.Key(r.Context(), request.Account, request.KeyID)
	switch {
	case err == nil:
		doc.Evidence, err = h.evidenceOrNone(r.Context(), k, request)
	case absent(err):
		err = nil
	}
	if err != nil && r.Method == http.MethodGet { // a change is reported whatever can't be read
		return err
	}
	return gateway.JSON(w, status, doc)
}

var statuses = []qps.Status{"", qps.Pending, qps.Approved, qps.Rejected, qps.Withdrawn}

// list answers with an account's requests and the names of their keys, without evidence: that is read for one at a time.
func (h *handler) list(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.KnownQuery(r, "status", "page_size", "page_token"); err != nil {
		return err
	}
	status := qps.Status(r.URL.Query().Get("status"))
	if !slices.Contains(statuses, status) {
		return gateway.Parameter("status", "It must be pending, approved, rejected or withdrawn.")
	}
	page, err := gateway.PageOf(r, "qps", string(c.Account), string(status))
	if err != nil {
		return err
	}
	want := control.RequestQuery{After: page.After, Limit: page.Size}
	if status != "" {
		want.Match = func(one qps.Request) bool { return one.Status == status }
	}
	found, err := h.store.Requests(r.Context(), c.Account, want)
	if err != nil {
		return err
	}
	ids := make([]apikey.ID, len(found.Requests))
	for i, request := range found.Requests {
		ids[i] = request.KeyID
	}
	names, err := h.store.KeyNames(r.Context(), c.Account, ids...)
	if err != nil {
		return err
	}
	doc := api.QpsRequestList{Requests: []api.QpsRequest{}, NextPageToken: page.Next(found.Next), Unreadable: c.LeftOut(r.Context())}
	for _, request := range found.Requests {
		one := web.QpsRequestDoc(request, c.Operator)
		one.KeyName = web.ShownPtr(names[request.KeyID])
		doc.Requests = append(doc.Requests, one)
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

// atOnce is the number of requests of the queue that are looked up at the same time.
const atOnce = 8

// queue answers with the open requests of all accounts, each with its evidence and names.
func (h *handler) queue(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	page, err := gateway.OnlyPageOf(r, "qps-queue")
	if err != nil {
		return err
	}
	found, err := h.store.OpenRequests(r.Context(), page.After, page.Size)
	if err != nil {
		return err
	}
	docs := make([]*api.QpsRequest, len(found.Requests))
	g, ctx := errgroup.WithContext(r.Context())
	g.SetLimit(atOnce)
	for i, request := range found.Requests {
		g.Go(func() (err error) {
			docs[i], err = h.queued(ctx, request)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	doc := api.QpsRequestList{Requests: []api.QpsRequest{}, NextPageToken: page.Next(found.Next), Unreadable: c.LeftOut(r.Context())}
	for _, one := range docs {
		if one != nil {
			doc.Requests = append(doc.Requests, *one)
		}
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

// queued is nil for a request that nobody can approve any more: the job closes it.
func (h *handler) queued(ctx context.Context, request qps.Request) (*api.QpsRequest, error) {
	if request.Over(h.service.Products, h.service.Source.Time()) {
		return nil, nil
	}
	doc := web.QpsRequestDoc(request, true)
	acct, err := h.store.Account(ctx, request.Account)
	switch {
	case err == nil && acct.Closed():
		return nil, nil
	case err == nil:
		doc.AccountName = web.StringPtr(text.Shown(acct.Name))
	case !absent(err):
		return nil, err
	}
	k, err := h.store.Key(ctx, request.Account, request.KeyID)
	switch {
	case errors.Is(err, dynamo.ErrNotFound):
		return nil, nil
	case absent(err):
		return &doc, nil
	case err != nil:
		return nil, err
	case request.Ends(k):
		return nil, nil
	}
	doc.KeyName = web.StringPtr(text.Shown(k.Name))
	doc.Evidence, err = h.evidenceOrNone(ctx, k, request)
	return &doc, err
}

// evidenceOrNone is the evidence, nil where it can't be read: the answer goes on, and says that something of it is missing.
func (h *handler) evidenceOrNone(ctx context.Context, k apikey.Key, request qps.Request) (*api.Evidence, error) {
	evidence, err := h.evidence(ctx, k, request)
	if err == nil || ctx.Err() != nil {
		return evidence, err
	}
	gateway.LeaveOut(ctx)
	return nil, nil
}

// absent reports an object that is gone or can't be read: the request about it is shown without it, and the queue goes on.
func absent(err error) bool {
	return errors.Is(err, dynamo.ErrNotFound) || errors.Is(err, dynamo.ErrUnreadable)
}

// evidenceSpan is the time before now that evidence covers.
const evidenceSpan = 30 * 24 * time.Hour

// evidence collects the facts for a decision: the limits, and the key's usage of the product in the last 30 days.
// Usage is counted by product, so the peak of one limit class is that of its whole product.
func (h *handler) evidence(ctx context.Context, k apikey.Key, request qps.Request) (*api.Evidence, error) {
	class, _, _ := h.service.Products.Class(request.Class)
	now := h.service.Source.Time()
	standard := class.QPS[k.AccountType]
	doc := &api.Evidence{
		CurrentQps: qps.Effective(k.Limits, request.Class, standard, now), DefaultQps: standard,
		FreeQps: apikey.OwnLimit(k.Limits, request.Class).Free(standard, now), MaxQps: class.MaxQPS,
	}
	span := counters.Range{From: now.Add(-evidenceSpan).Truncate(time.Hour), To: now.Add(time.Hour)}
	all, err := h.counters.KeyRows(ctx, k.Account, k.ID, span)
	if err != nil {
		return nil, err
	}
	mine := slices.DeleteFunc(all, func(r usage.Row) bool { return r.Product != request.Product })
	s := usage.Summarise(usage.Query{From: span.From, To: span.To, Step: time.Hour}, mine)
	doc.Breaches = s.Totals.Breaches
	if s.Busiest != nil {
		peak := float32(math.Round(float64(s.Busiest.Requests)/60*100) / 100)
		doc.PeakQps = &peak
	}
	return doc, nil
}
