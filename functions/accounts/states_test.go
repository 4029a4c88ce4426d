package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/product"
)

func TestAStaleIfMatchIsRefusedByEveryOperation(t *testing.T) {
	apitest.Preconditions(t, fixture, ofEveryCaller)
}

// populated is the fixture with a new name for the account and a member to remove.
func populated(t testing.TB) apitest.Fixture {
	f := fixture(t)
	f.Bodies["editAccount"] = object{"name": "New name"}
	f.Instead["deleteMember"] = map[string]string{"sub": "viewer"}
	return f
}

// accountStates: the key of unblockKey is blocked before it is brought into the state.
const accountStates = `
                  active  disabled  blocked      expired  revoked  deleted  rotating  cancelled  closing         closed          retyping  suspended
createAccount     201     201       201          201      201      201      201       201        201             201             201       201
editAccount       200     200       200          200      200      200      200       200        200             account_closed  200       200
closeAccount      200     200       200          200      200      200      200       200        200             200             200       account_suspended
acceptProduct     200     200       200          200      200      200      200       200        account_closed  account_closed  200       200
putAccountPolicy  200     200       200          200      200      200      200       200        account_closed  account_closed  200       200
putMember         200     200       200          200      200      200      200       200        account_closed  account_closed  200       200
deleteMember      200     200       200          200      200      200      200       200        200             200             200       200
createInvitation  201     201       201          201      201      201      201       201        account_closed  account_closed  201       201
deleteInvitation  204     204       204          204      204      204      204       204        204             204             204       204
putOperator       201     201       201          201      201      201      201       201        201             201             201       201
deleteOperator    204     204       204          204      204      204      204       204        204             204             204       204
blockKey          200     200       200          200      200      200      200       200        200             200             200       200
revokeAnyKey      200     200       200          200      200      200      200       200        200             200             200       200
erasePerson       200     200       200          200      200      200      200       200        200             200             200       200
endSessions       204     204       204          204      204      204      204       204        204             204             204       204
closeStatement    204     204       204          204      204      204      204       204        204             204             204       204
unblockKey        200     200       200          200      200      200      200       200        200             200             200       200
suspendAccount    200     200       200          200      200      200      200       200        account_closed  account_closed  200       200
resumeAccount     200     200       200          200      200      200      200       200        account_closed  account_closed  200       200
setAccountLimit   200     200       200          200      200      200      200       200        account_closed  account_closed  200       200
setAccountQuota   200     200       200          200      200      200      200       200        account_closed  account_closed  200       200
`

func TestEveryOperationInEveryStateOfTheKey(t *testing.T) {
	apitest.StateTable(t, populated, ofEveryCaller, accountStates)
}

var accountBodies = map[string]apitest.Member{
	"createAccount.name":        {Body: object{"name": " Mine "}, Shows: map[string]string{"name": `"Mine"`, "type": `"self_serve"`, "key_limit": "100", "role": `"owner"`}},
	"editAccount.name":          {Body: object{"name": " New "}, Shows: map[string]string{"name": `"New"`, "version": "4"}, Rows: []string{`account.edit name="New"`}},
	"editAccount.key_limit":     {Body: object{"key_limit": 7}, As: "operator", Shows: map[string]string{"key_limit": "7", "version": "4"}, Rows: []string{`account.edit key_limit=7`}},
	"editAccount.type":          {Elsewhere: "TestOwnersRenameAndOperatorsDoTheRest"},
	"editAccount.billing_types": {Elsewhere: "TestAMappingHoldsNoSecret"},
	"putMember.role":            {Body: object{"role": "viewer"}, Shows: map[string]string{"role": `"viewer"`}, Rows: []string{`member.change role="viewer" subject="colleague"`}},
	"putMember.email":           {Elsewhere: "TestATypedAddressIsALabelThatNoSearchFinds"},
	"createInvitation.role":     {Body: object{"role": "owner"}, Shows: map[string]string{"role": `"owner"`, "email": "null"}, Rows: []string{`invitation.create invitation=* role="owner" email=`}},
	"createInvitation.email": {
		Body: object{"role": "viewer", "email": "a@b.example"}, Shows: map[string]string{"email": `"a@b.example"`, "expires_at": `"2026-11-28T12:00:00.000Z"`},
		Rows: []string{`invitation.create invitation=* role="viewer" email="a@b.example"`},
	},
	"putOperator.email":     {Body: object{"email": "a@b.example"}, Shows: map[string]string{"email": `"a@b.example"`, "subject": `"colleague"`}},
	"blockKey.reason":       {Body: object{"reason": " Abuse. "}, Gate: true, Rows: []string{`key.block blocked={"at":"2026-11-21T12:00:00.000Z","reason":"Abuse."}`}},
	"blockKey.until":        {Body: object{"reason": "Abuse.", "until": "2026-12-01T00:00:00Z"}, Gate: true, Rows: []string{`key.block blocked={"at":"2026-11-21T12:00:00.000Z","reason":"Abuse.","until":"2026-12-01T00:00:00.000Z"}`}},
	"suspendAccount.reason": {Body: object{"reason": " Invoices are open. "}, Shows: map[string]string{"suspended": `{"at":"2026-11-21T12:00:00.000Z","by":"operator@example.com","reason":"Invoices are open.","until":null}`}, Rows: []string{`account.suspend suspended={"at":"2026-11-21T12:00:00.000Z","reason":"Invoices_are_open.","until":null}`}},
	"suspendAccount.until":  {Body: object{"reason": "Abuse.", "until": "2026-12-01T00:00:00Z"}, Shows: map[string]string{"suspended": `{"at":"2026-11-21T12:00:00.000Z","by":"operator@example.com","reason":"Abuse.","until":"2026-12-01T00:00:00.000Z"}`}, Rows: []string{`account.suspend suspended={"at":"2026-11-21T12:00:00.000Z","reason":"Abuse.","until":"2026-12-01T00:00:00.000Z"}`}},
	"setAccountLimit.qps": {
		Body:  object{"qps": 50},
		Shows: map[string]string{"limits": `[{"class":"search","default_qps":null,"enforced":true,"name":"Search","product":"search","qps":50,"set_by":"operator"}]`, "version": "4"},
		Rows:  []string{`account.set_limit limits=[{"class":"search","qps":50}]`},
	},
	"setAccountQuota.billing_type": {Elsewhere: "TestAnOperatorSetsAnAccountsQuotas"},
	"setAccountQuota.day": {
		Body:  object{"billing_type": "evaluation", "day": 50, "month": nil},
		Shows: map[string]string{"quotas": `[{"billing_type":"evaluation","day":50,"group":"tiles","month":null}]`, "version": "4"},
		Rows:  []string{`account.set_quota quotas=[{"billing_type":"evaluation","day":50,"group":"tiles","month":null}]`},
	},
	"setAccountQuota.month": {
		Body:  object{"billing_type": "evaluation", "day": nil, "month": 50},
		Shows: map[string]string{"quotas": `[{"billing_type":"evaluation","day":null,"group":"tiles","month":50}]`, "version": "4"},
		Rows:  []string{`account.set_quota quotas=[{"billing_type":"evaluation","day":null,"group":"tiles","month":50}]`},
	},
	"acceptProduct.version": {Body: object{"version": string(product.Default().Version())}, Shows: map[string]string{"version": "4"}, Rows: []string{`account.accept accepted_paths=[{"paths":[{"path":"/search/","since":"` + string(product.Default().Shown("search").Paths[0].Since) + `"}],"product":"search"}]`}},
	"putAccountPolicy.leaks": {
		Body:  object{"leaks": object{"frontend": "refuse", "backend": "rotate", "mobile": "notify"}},
		Shows: map[string]string{"leaks": `{"backend":"rotate","frontend":"refuse","mobile":"notify"}`, "version": "4"},
		Rows:  []string{`account.policy leaks={"backend":"rotate","frontend":"refuse","mobile":"notify"}`},
	},
	"putAccountPolicy.frontend_restricted": {
		Body:  object{"frontend_restricted": true},
		Shows: map[string]string{"frontend_restricted": "true", "version": "4"},
		Rows:  []string{`account.policy frontend_restricted=true`},
	},
	"putAccountPolicy.max_lifetime_days": {
		Body:  object{"max_lifetime_days": 90},
		Shows: map[string]string{"max_lifetime_days": "90", "version": "4"},
		Rows:  []string{`account.policy max_lifetime_days=90`},
	},
	"closeAccount.confirm_name": {Elsewhere: "TestOwnersCloseTheirAccountByItsName"},
	"erasePerson.subject":       {Elsewhere: "TestAPersonIsErasedFromMembersAndAuditRows"},
	"erasePerson.issuer":        {Elsewhere: "TestAPersonOfAnIssuerBeforeIsErased"},
	"endSessions.subject":       {Elsewhere: "TestAnAdminEndsAllSessionsOfAPerson"},
	"closeStatement.reason":     {Elsewhere: "TestAMonthIsClosedWithAReasonOnce"},
	"putOperator.rank":          {Elsewhere: "TestSupportNamesNobodyAndAdminsChangeRanks"},
	"revokeAnyKey.reason":       {Elsewhere: "TestAnOperatorRevokesAKeyForGood"},
	"unblockKey.reason":         {Body: object{"reason": " Sorry. "}, Gate: true, Rows: []string{`key.unblock blocked= reason="Sorry."`}},
}

func TestEachMemberOfEachBodyAlone(t *testing.T) {
	apitest.Members(t, fixture, ofEveryCaller, accountBodies)
}

// ofEveryCaller leaves out what needs a token of its own for each caller.
func ofEveryCaller(op apitest.Operation) bool {
	return served(op) && op.ID != "acceptInvitation" && op.ID != "showInvitation"
}

func TestWhoLosesTheRightBeforeTheWriteChangesNothing(t *testing.T) {
	apitest.Rights(t, populated, served, map[string]string{"resumeAccount": "suspended"})
}

func TestAnAdminDecidesNothingInTheirOwnAccount(t *testing.T) {
	apitest.OwnAccount(t, fixture, served)
}
