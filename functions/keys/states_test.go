package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
)

func TestAStaleIfMatchIsRefusedByEveryOperation(t *testing.T) {
	apitest.Preconditions(t, fixture, served)
}

// keyStates has the result of each operation in each state of the key and its account. The key of restoreKey is deleted
// before it is brought into the state.
const keyStates = `
                     active  disabled  blocked  expired  revoked      deleted      rotating             cancelled  closing         closed          retyping               suspended
createKey            201     201       201      201      201          201          201                  201        account_closed  account_closed  account_type_changing  201
editKey              200     200       200      200      key_revoked  key_deleted  200                  200        200             key_revoked     200                    200
disableKey           200     200       200      200      key_revoked  key_deleted  200                  200        200             key_revoked     200                    200
enableKey            200     200       200      200      key_revoked  key_deleted  200                  200        200             key_revoked     200                    200
proposeRestrictions  200     200       200      200      key_revoked  key_deleted  200                  200        200             key_revoked     200                    200
proposeFromUsage     200     200       200      200      key_revoked  key_deleted  200                  200        200             key_revoked     200                    200
dropProposal         200     200       200      200      key_revoked  key_deleted  200                  200        200             key_revoked     200                    200
promoteProposal      200     200       200      200      key_revoked  key_deleted  200                  200        200             key_revoked     200                    200
revealKey            200     200       200      200      key_revoked  key_deleted  key_not_recoverable  200        200             key_revoked     200                    200
linkDomain           200     200       200      200      200          200          200                  200        200             200             200                    200
unlinkDomain         200     200       200      200      200          200          200                  200        200             200             200                    200
replaceDomain        200     200       200      200      200          200          200                  200        200             200             200                    200
liftExposure         200     200       200      200      key_revoked  key_deleted  200                  200        200             key_revoked     200                    200
revokeKey            200     200       200      200      200          key_deleted  200                  200        200             200             200                    200
deleteKey            200     200       200      200      200          200          200                  200        200             200             200                    200
setBillingType       200     200       200      200      200          200          200                  200        account_closed  account_closed  account_type_changing  200
restoreKey           200     200       200      200      200          200          200                  200        account_closed  account_closed  account_type_changing  200
`

func TestEveryOperationInEveryStateOfTheKey(t *testing.T) {
	apitest.StateTable(t, fixture, served, keyStates)
}

func TestWhoLosesTheRightBeforeTheWriteChangesNothing(t *testing.T) {
	apitest.Rights(t, fixture, served, map[string]string{"enableKey": "disabled"})
}

func TestAnAdminDecidesNothingInTheirOwnAccount(t *testing.T) {
	apitest.OwnAccount(t, fixture, served)
}
