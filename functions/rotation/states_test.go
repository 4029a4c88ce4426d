package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

func TestAStaleIfMatchIsRefusedByEveryOperation(t *testing.T) {
	apitest.Preconditions(t, fixture, served)
}

// idle is an account with a key that has a policy, and no rotation of it runs.
func idle(t testing.TB) apitest.Fixture {
	r := newHarnessWithout(t, keytest.Open(t), nil)
	apitest.People(t, r.API, r.account.ID)
	k := r.NewKey(t, r.account, func(k *apikey.Key) { k.Rotation = &apikey.RotationPolicy{EveryDays: 30, NotifyDaysBefore: 7} })
	return apitest.Fixture{
		API: r.API, Account: r.account.ID, Params: map[string]string{"account": string(r.account.ID), "key": string(k.ID)},
		Bodies: map[string]any{
			"extendRotation": object{"grace_seconds": 172800}, "putRotationPolicy": object{"every_days": 60},
		},
	}
}

const rotationStates = `
                      active       disabled     blocked      expired      revoked      deleted      rotating              cancelled           closing      closed       retyping     suspended
rotateKey             200          200          200          key_expired  key_revoked  key_deleted  rotation_in_progress  200                 200          key_revoked  200          200
endRotation           no_rotation  no_rotation  no_rotation  no_rotation  key_revoked  key_deleted  200                   200                 no_rotation  key_revoked  no_rotation  no_rotation
extendRotation        no_rotation  no_rotation  no_rotation  no_rotation  key_revoked  key_deleted  200                   rotation_cancelled  no_rotation  key_revoked  no_rotation  no_rotation
cancelRotation        no_rotation  no_rotation  no_rotation  no_rotation  key_revoked  key_deleted  200                   rotation_cancelled  no_rotation  key_revoked  no_rotation  no_rotation
putRotationPolicy     200          200          200          200          key_revoked  key_deleted  200                   200                 200          key_revoked  200          200
deleteRotationPolicy  200          200          200          200          200          200          200                   200                 200          200          200          200
`

func TestEveryOperationInEveryStateOfTheKey(t *testing.T) {
	apitest.StateTable(t, idle, served, rotationStates)
}

// rotationBodies has each member of each body alone. The key of extendRotation rotates until the next day.
var rotationBodies = map[string]apitest.Member{
	"rotateKey.grace_seconds": {
		Body: object{"grace_seconds": 60}, Gate: true, Shows: map[string]string{"previous_secret_expires_at": `"2026-11-21T12:01:00.000Z"`},
		Rows: []string{`key.rotate preview=* previous_preview=* previous_secret_expires_at="2026-11-21T12:01:00.000Z" rotated_at="2026-11-21T12:00:00.000Z" rotation_reason="other"`},
	},
	"rotateKey.reason": {
		Body: object{"reason": "scheduled"}, Gate: true, Shows: map[string]string{"previous_secret_expires_at": `"2026-11-22T12:00:00.000Z"`},
		Rows: []string{`key.rotate preview=* previous_preview=* previous_secret_expires_at="2026-11-22T12:00:00.000Z" rotated_at="2026-11-21T12:00:00.000Z" rotation_reason="scheduled"`},
	},
	"extendRotation.grace_seconds": {
		Body: object{"grace_seconds": 172800}, Gate: true, Shows: map[string]string{"previous_secret_expires_at": `"2026-11-23T12:00:00.000Z"`},
		Rows: []string{`key.rotation_extend previous_secret_expires_at="2026-11-23T12:00:00.000Z"`},
	},
	"putRotationPolicy.every_days": {
		Body: object{"every_days": 5},
		Rows: []string{`key.rotation_policy rotation_policy={"every_days":5,"notify_days_before":4,"principal":""}`},
	},
	"putRotationPolicy.notify_days_before": {
		Body: object{"every_days": 30, "notify_days_before": 0},
		Rows: []string{`key.rotation_policy rotation_policy={"every_days":30,"notify_days_before":0,"principal":""}`},
	},
	"putRotationPolicy.principal": {
		Body: object{"every_days": 30, "principal": "arn:aws:iam::111122223333:role/app"},
		Rows: []string{`key.rotation_policy rotation_policy={"every_days":30,"notify_days_before":7,"principal":"arn:aws:iam::111122223333:role/app"}`},
	},
}

func TestEachMemberOfEachBodyAlone(t *testing.T) {
	apitest.Members(t, fixture, served, rotationBodies)
}

func TestWhoLosesTheRightBeforeTheWriteChangesNothing(t *testing.T) {
	apitest.Rights(t, idle, served, map[string]string{"cancelRotation": "rotating", "endRotation": "rotating", "extendRotation": "rotating"})
}
