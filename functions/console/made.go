package main

import (
	"errors"
	"slices"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// A form may come twice: by a double click, by a reload, or sent again since no answer came. The second ends as the first did, wherever
// what it asks for is so already: nobody is told that somebody else was faster than they, who were that themselves.

// refusedAs reports whether the API has refused a change by one of these codes.
func refusedAs(err error, codes ...string) bool {
	var p *management.Problem
	return errors.As(err, &p) && slices.Contains(codes, p.Code)
}

// made reports whether a step's change is there already, as the API's refusal says, or the key.
func (s step) made(v *visit, f *form, err error) bool {
	if s.seen && (stale(err) || refusedAs(err, "no_proposal")) {
		return v.promoted(f)
	}
	return s.done != "" && refusedAs(err, s.done)
}

// promoted reports whether the key has become what the form began with as proposed.
func (v *visit) promoted(f *form) bool {
	was := f.began()
	k, err := v.key()
	if err != nil || was == nil || k.Proposed != nil {
		return false
	}
	return was.same(proposalOf(k).edited())
}

// sameAs reports whether two forms have the same values.
func (f *form) sameAs(other *form) bool { return f.edited().same(other.edited()) }

// same reports whether each field has the same values in both.
func (yours edited) same(theirs edited) bool {
	for name := range union(yours, theirs) {
		if !slices.Equal(yours[name], theirs[name]) {
			return false
		}
	}
	return true
}

// decidedSo reports whether a request was decided as the form would decide it.
func (f *form) decidedSo(r api.QpsRequest, approve bool, qps int) bool {
	if orNone(r.Comment) != f.Values["comment"] {
		return false
	}
	if approve {
		return r.Status == api.Approved && r.ApprovedQps != nil && *r.ApprovedQps == qps
	}
	return r.Status == api.Rejected
}

// lately is for how long a change of the same person's is taken for the form's own.
const lately = 10 * time.Minute

// begunByMe reports whether this person has begun the newest change of the account's type, and that a short while ago.
func (v *visit) begunByMe() bool {
	me, err := v.person()
	if err != nil {
		return false
	}
	found, err := v.auditRows(v.ctx(), operatorAccountPath(v, "/audit"), auditFilter{Action: "account.type.begin"}, "", 1, 1)
	if err != nil || len(found.Rows) == 0 {
		return false
	}
	newest := found.Rows[0]
	return newest.Actor.Subject == me.Subject && v.app.now().Sub(newest.At.Time) < lately
}

// joined reports whether the person is a member of the account that an invitation's form was for, though the invitation can't be
// accepted: it was, by the same form.
func (v *visit) joined(account string, err error) bool {
	if !refusedAs(err, "invitation_not_found", "already_member") {
		return false
	}
	me, err := v.person()
	return err == nil && slices.ContainsFunc(me.Accounts, func(a api.MyAccount) bool { return a.Id == account && !a.Closed })
}

// qpsNotices say what has become of a QPS request that can't be withdrawn any more: by this form too, if it is sent twice.
var qpsNotices = map[api.QpsRequestStatus]string{api.Withdrawn: "qps_withdrawn", api.Approved: "qps_approved_before", api.Rejected: "qps_rejected_before"}

// decidedBefore returns the notice of what the QPS request of the path is, if a withdrawal was refused for that, and "" otherwise.
func (v *visit) decidedBefore(err error) string {
	path, bad := v.requestPath("")
	if bad != nil || !refusedAs(err, "request_decided") {
		return ""
	}
	r, err := management.Get[api.QpsRequest](v.ctx(), v.api, path, nil)
	if err != nil {
		return ""
	}
	return qpsNotices[r.Status]
}
