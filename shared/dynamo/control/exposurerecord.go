package control

import (
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/moment"
)

type exposureRecord struct {
	At         string `dynamodbav:"exposed_at"`
	By         string `dynamodbav:"reported_by"`
	Place      string `dynamodbav:"place,omitempty"`
	RefusedAt  string `dynamodbav:"refused_at,omitempty"`
	Replace    bool   `dynamodbav:"replace,omitempty"`
	LiftedAt   string `dynamodbav:"lifted_at,omitempty"`
	LiftReason string `dynamodbav:"lift_reason,omitempty"`
}

func recordOfExposure(e apikey.Exposure) *exposureRecord {
	if e == (apikey.Exposure{}) {
		return nil
	}
	return &exposureRecord{
		At: moment.Format(e.At), By: string(e.By), Place: e.Place, RefusedAt: moment.Format(e.RefusedAt), Replace: e.Replace,
		LiftedAt: moment.Format(e.LiftedAt), LiftReason: e.LiftReason,
	}
}

func (d *keyDecoder) exposure(r *exposureRecord) apikey.Exposure {
	if r == nil {
		return apikey.Exposure{}
	}
	return apikey.Exposure{
		At: d.read(r.At), By: apikey.Reporter(r.By), Place: r.Place, RefusedAt: d.read(r.RefusedAt), Replace: r.Replace,
		LiftedAt: d.read(r.LiftedAt), LiftReason: r.LiftReason,
	}
}

// leakRecord holds what an account chose; an empty member is the default. A release that doesn't know it drops it when it writes
// the account.
type leakRecord struct {
	Frontend string `dynamodbav:"frontend,omitempty"`
	Backend  string `dynamodbav:"backend,omitempty"`
	Mobile   string `dynamodbav:"mobile,omitempty"`
}

func recordOfLeaks(p account.LeakPolicy) *leakRecord {
	if p == (account.LeakPolicy{}) {
		return nil
	}
	return &leakRecord{Frontend: string(p.Frontend), Backend: string(p.Backend), Mobile: string(p.Mobile)}
}

func (r *leakRecord) policy() account.LeakPolicy {
	if r == nil {
		return account.LeakPolicy{}
	}
	return account.LeakPolicy{
		Frontend: account.LeakReaction(r.Frontend), Backend: account.LeakReaction(r.Backend), Mobile: account.LeakReaction(r.Mobile),
	}
}
