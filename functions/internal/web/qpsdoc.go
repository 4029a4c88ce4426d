package web

import (
	"latchkey/shared/api"
	"latchkey/shared/moment"
	"latchkey/shared/qps"
	"latchkey/shared/text"
)

// QpsRequestDoc renders a request. Who decided it is for operators alone.
func QpsRequestDoc(r qps.Request, operator bool) api.QpsRequest {
	doc := api.QpsRequest{
		Id: string(r.ID), AccountId: string(r.Account), KeyId: string(r.KeyID), Product: string(r.Product), Class: string(r.Class),
		RequestedQps: r.Requested, QpsWhenFiled: r.Current, Justification: text.Shown(r.Justification), EndsAt: TimePtr(r.EndsAt),
		Status: api.QpsRequestStatus(r.Status), CreatedAt: moment.Of(r.CreatedAt), CreatedBy: name(r.CreatedBy),
		DecidedAt: TimePtr(r.ClosedAt), Version: r.Version,
	}
	if d := r.Decision; d != nil {
		doc.Comment = ShownPtr(d.Comment)
		if d.QPS > 0 {
			doc.ApprovedQps = &d.QPS
		}
		if operator {
			by := name(d.By)
			doc.DecidedBy = &by
		}
	}
	return doc
}

// name returns a person's display name: the e-mail if the issuer vouches for it.
func name(p qps.Party) string {
	if p.Email != "" {
		return text.Shown(p.Email)
	}
	return text.Shown(p.Subject.ID)
}
