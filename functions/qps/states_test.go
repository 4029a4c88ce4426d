package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
)

func TestAStaleIfMatchIsRefusedByEveryOperation(t *testing.T) {
	apitest.Preconditions(t, fixture, served)
}

// requestStates: a request ends with its key, so the key's end comes before any decision.
const requestStates = `
                    active  disabled  blocked  expired  revoked          deleted          rotating  cancelled  closing         closed           retyping  suspended
createQpsRequest    201     201       201      201      key_revoked      key_deleted      201       201        account_closed  key_revoked      201       account_suspended
withdrawQpsRequest  200     200       200      200      request_decided  request_decided  200       200        200             request_decided  200       200
approveQpsRequest   200     200       200      200      request_decided  request_decided  200       200        200             request_decided  200       200
rejectQpsRequest    200     200       200      200      request_decided  request_decided  200       200        200             request_decided  200       200
lowerLimit          200     200       200      200      key_revoked      key_deleted      200       200        200             key_revoked      200       200
setLimit            200     200       200      200      key_revoked      key_deleted      200       200        200             key_revoked      200       200
setKeyQuota         200     200       200      200      key_revoked      key_deleted      200       200        200             key_revoked      200       200
`

func TestEveryOperationInEveryStateOfTheKey(t *testing.T) {
	apitest.StateTable(t, fixture, served, requestStates)
}

// raisedStates: what a customer may still lower they may not raise while the account is suspended.
const raisedStates = `
             active  disabled  blocked  expired  revoked      deleted      rotating  cancelled  closing  closed       retyping  suspended
lowerLimit   200     200       200      200      key_revoked  key_deleted  200       200        200      key_revoked  200       account_suspended
`

func TestALimitIsRaisedInEveryStateOfTheKey(t *testing.T) {
	raised := func(t testing.TB) apitest.Fixture {
		f := fixture(t)
		f.Want(t, 200, apitest.Call{As: "owner", Method: "PUT", Path: "/v1/accounts/" + f.Params["account"] + "/keys/" + f.Params["key"] + "/limits/search", Body: map[string]any{"qps": 1}})
		return f
	}
	apitest.StateTable(t, raised, func(op apitest.Operation) bool { return op.ID == "lowerLimit" }, raisedStates)
}

// raisedCaps: what a customer may still set and lower they may neither raise nor lift while the account is suspended.
const raisedCaps = `
             active  disabled  blocked  expired  revoked      deleted      rotating  cancelled  closing  closed       retyping  suspended
setKeyQuota  200     200       200      200      key_revoked  key_deleted  200       200        200      key_revoked  200       account_suspended
`

func TestACapIsRaisedAndLiftedInEveryStateOfTheKey(t *testing.T) {
	for _, day := range []any{51, nil} {
		raised := func(t testing.TB) apitest.Fixture {
			f := fixture(t)
			f.Want(t, 200, apitest.Call{As: "owner", Method: "PUT", Path: "/v1/accounts/" + f.Params["account"] + "/keys/" + f.Params["key"] + "/quotas/other", Body: map[string]any{"day": 50}})
			f.Bodies["setKeyQuota"] = map[string]any{"day": day}
			return f
		}
		apitest.StateTable(t, raised, func(op apitest.Operation) bool { return op.ID == "setKeyQuota" }, raisedCaps)
	}
}

// asking is a request with another member; the fixture has one open for search.
func asking(member string, value any) func(apitest.Fixture) any {
	return func(f apitest.Fixture) any {
		body := map[string]any{"key_id": f.Params["key"], "product": "map-display", "requested_qps": 50, "justification": "We launch in May."}
		if member == "class" {
			body["requested_qps"] = 2000 // more than the class has by default
		}
		if member != "key_id" {
			body[member] = value
		}
		return body
	}
}

const submitted = `qps.submit requested_qps=50 qps_request=* limit_class="map-display"`

var requestBodies = map[string]apitest.Member{
	"createQpsRequest.key_id":        {Body: asking("key_id", nil), Rows: []string{submitted}},
	"createQpsRequest.product":       {Body: asking("product", "map-display"), Shows: map[string]string{"product": `"map-display"`, "class": `"map-display"`}, Rows: []string{submitted}},
	"createQpsRequest.class":         {Body: asking("class", "map-display.tiles"), Shows: map[string]string{"class": `"map-display.tiles"`}, Rows: []string{`qps.submit requested_qps=2000 qps_request=* limit_class="map-display.tiles"`}},
	"createQpsRequest.requested_qps": {Body: asking("requested_qps", 60), Shows: map[string]string{"requested_qps": "60", "qps_when_filed": "10"}, Rows: []string{`qps.submit requested_qps=60 qps_request=* limit_class="map-display"`}},
	"createQpsRequest.justification": {Body: asking("justification", " More. "), Shows: map[string]string{"justification": `"More."`}, Rows: []string{submitted}},
	"createQpsRequest.ends_at":       {Body: asking("ends_at", "2027-01-01T00:00:00.000Z"), Shows: map[string]string{"ends_at": `"2027-01-01T00:00:00.000Z"`}, Rows: []string{submitted}},
	"approveQpsRequest.qps": {
		Body: map[string]any{"qps": 20}, Gate: true, Shows: map[string]string{"approved_qps": "20", "status": `"approved"`},
		Rows: []string{`qps.approve limits=[{"class":"search","ends_at":null,"granted_qps":20,"lent_qps":0,"qps":20,"then_qps":0}] qps_request=* limit_class="search"`},
	},
	"approveQpsRequest.comment": {
		Body: map[string]any{"comment": " Fine. "}, Gate: true, Shows: map[string]string{"approved_qps": "50", "comment": `"Fine."`},
		Rows: []string{`qps.approve limits=[{"class":"search","ends_at":null,"granted_qps":50,"lent_qps":0,"qps":50,"then_qps":0}] qps_request=* limit_class="search" comment="Fine."`},
	},
	"rejectQpsRequest.comment": {
		Body: map[string]any{"comment": " No. "}, Shows: map[string]string{"status": `"rejected"`, "comment": `"No."`},
		Rows: []string{`qps.reject request_status="rejected" qps_request=* limit_class="search" comment="No."`},
	},
	"setLimit.qps": {
		Body: map[string]any{"qps": 20}, Gate: true, Rows: []string{`key.set_limit limits=[{"class":"search","ends_at":null,"granted_qps":20,"lent_qps":0,"qps":20,"then_qps":0}]`},
	},
	"setKeyQuota.day": {
		Body: map[string]any{"day": 7}, Gate: true, Shows: map[string]string{"quotas": `[{"day":7,"group":"other"}]`}, Rows: []string{`key.set_quota quotas=[{"day":7,"group":"other"}]`},
	},
	"lowerLimit.qps": {
		Body: map[string]any{"qps": 2}, Gate: true, Rows: []string{`key.lower_limit limits=[{"class":"search","ends_at":null,"granted_qps":0,"lent_qps":0,"qps":2,"then_qps":0}]`},
	},
}

func TestEachMemberOfEachBodyAlone(t *testing.T) {
	apitest.Members(t, fixture, served, requestBodies)
}

func TestWhoLosesTheRightBeforeTheWriteChangesNothing(t *testing.T) {
	apitest.Rights(t, fixture, served, nil)
}

func TestAnAdminDecidesNothingInTheirOwnAccount(t *testing.T) {
	apitest.OwnAccount(t, fixture, served)
}
