package main

import (
	"net/http"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/product"
	"latchkey/shared/qps"
	"latchkey/shared/text"
)

// read finds the request of the path, in the path's account.
func (h *handler) read(r *http.Request, c gateway.Principal) (qps.Request, error) {
	id, err := gateway.ID(r.PathValue("request"), "qps_")
	if err != nil {
		return qps.Request{}, err
	}
	return h.store.Request(r.Context(), c.Account, qps.RequestID(id))
}

func (h *handler) withdraw(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	before, err := h.read(r, c)
	if err != nil {
		return err
	}
	after, err := before.Withdraw(h.service.Source.Time())
	if err != nil {
		return err
	}
	return h.close(w, r, c, "qps.withdraw", after)
}

func (h *handler) reject(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.RejectQpsRequest](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	comment, err := web.Block(h.service.Texts, "comment", body.Comment, 1, qps.MaxComment)
	if err != nil {
		return err
	}
	before, err := h.read(r, c)
	if err != nil {
		return err
	}
	after, err := before.Reject(party(c), comment, h.service.Source.Time())
	if err != nil {
		return err
	}
	return h.close(w, r, c, "qps.reject", after)
}

func (h *handler) close(w http.ResponseWriter, r *http.Request, c gateway.Principal, action string, after qps.Request) error {
	row := h.row(c, action, after, audit.Set("request_status", qps.Pending, after.Status))
	if err := h.store.CloseRequest(r.Context(), after, row); err != nil {
		return err
	}
	return h.show(w, r, c, http.StatusOK, after)
}

// approve changes the key's limit and closes the request together. Where the key has changed since it was read, the mux
// has the decision made again: the operator decides about the request, not about a version of the key.
func (h *handler) approve(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.ApproveQpsRequest](r, gateway.BodyOptions{Optional: true})
	if err != nil {
		return err
	}
	if body.Qps != nil && *body.Qps < 1 {
		return refusedNumber(qps.ErrBelowOne, "qps")
	}
	var comment text.Block
	if body.Comment != nil {
		if comment, err = web.Block(h.service.Texts, "comment", *body.Comment, 0, qps.MaxComment); err != nil {
			return err
		}
	}
	after, err := h.grant(r, c, body.Qps, comment)
	if err != nil {
		return refusedNumber(err, "qps")
	}
	return h.show(w, r, c, http.StatusOK, after)
}

// grant makes the decision and writes it.
func (h *handler) grant(r *http.Request, c gateway.Principal, wanted *int, comment text.Block) (qps.Request, error) {
	before, err := h.read(r, c)
	if err != nil {
		return before, err
	}
	granted := 0
	if wanted != nil {
		granted = *wanted
	}
	class, _, known := h.service.Products.Class(before.Class)
	if !known && before.Status == qps.Pending {
		return before, qps.ErrObsolete
	}
	now := h.service.Source.Time()
	after, err := before.Approve(party(c), comment, granted, class.MaxQPS, now)
	if err != nil {
		return before, err
	}
	k, err := h.store.Key(r.Context(), c.Account, before.KeyID)
	if err == nil {
		err = k.Editable()
	}
	if err == nil && before.Ends(k) {
		err = qps.ErrObsolete
	}
	if err == nil && before.Requested > before.Current && takesAway(k, before, after.Decision.QPS, class, now) {
		err = qps.ErrFree
	}
	if err != nil {
		if decided, again := h.read(r, c); again == nil && decided.Status != qps.Pending {
			err = qps.ErrNotPending // meanwhile, and the key is as that decision has left it
		}
		return before, err
	}
	raised := k.Touched(now)
	raised.Limits = qps.Grant(k.Limits, before.Class, after.Decision.QPS, before.EndsAt, now)
	row := h.row(c, "qps.approve", after, audit.KeyChanges(&k, raised)...)
	_, err = h.store.CommitDecision(r.Context(), control.Change{Before: &k, After: raised, Audit: row}, after)
	return after, err
}

// takesAway reports whether an approval would leave the customer with less than an operator has granted since the request was
// filed. Where nothing was granted, an operator may decide less than the default, up to which the customer may set it again.
func takesAway(k apikey.Key, r qps.Request, granted int, class product.LimitClass, now time.Time) bool {
	standard := class.QPS[k.AccountType]
	free := qps.Free(k.Limits, r.Class, standard, now)
	return free > standard && granted <= free
}
