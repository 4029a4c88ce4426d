package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// harness is the function on a store of its own, with one account, its people and a key.
type harness struct {
	*apitest.API
	account account.Account
	key     apikey.Key
}

func newHarness(t testing.TB) *harness { return newHarnessOn(t, keytest.Open(t), nil) }

// newHarnessOn serves the handlers over a connection in which choose lets calls go wrong.
func newHarnessOn(t testing.TB, stores keytest.Stores, choose func(string, int) keytest.Fault) *harness {
	t.Helper()
	r := newHarnessWithout(t, stores, choose)
	r.Member(t, r.account.ID, "developer", account.Developer)
	return r
}

func newHarnessWithout(t testing.TB, stores keytest.Stores, choose func(string, int) keytest.Fault) *harness {
	t.Helper()
	a := apitest.New(t, stores)
	r := &harness{API: a, account: stores.NewAccount(t)}
	r.key = stores.NewKey(t, r.account)
	served := a.Stores
	if choose != nil {
		served = a.With(choose)
	}
	h := &handler{service: &web.KeyService{
		Store: served.Control, Source: a.Source, Prefix: apikey.DefaultPrefix, Texts: apitest.Texts, Products: product.Default(), Used: apitest.NoUse{}, Sealer: apitest.Sealer{},
	}}
	h.routes(a.Mux)
	return r
}

func (r *harness) path(action string) string {
	return "/v1/accounts/" + string(r.account.ID) + "/keys/" + string(r.key.ID) + "/" + action
}

func (r *harness) do(t testing.TB, action string, body any, headers ...string) apitest.Answer {
	t.Helper()
	c := apitest.Call{As: "developer", Method: "POST", Path: r.path(action), Body: body, Headers: map[string]string{}}
	for i := 0; i+1 < len(headers); i += 2 {
		c.Headers[headers[i]] = headers[i+1]
	}
	return r.Do(t, c)
}

func (r *harness) want(t testing.TB, status int, action string, body any, headers ...string) map[string]any {
	t.Helper()
	a := r.do(t, action, body, headers...)
	if a.Status != status {
		t.Fatalf("%s %v: %d %s", action, body, a.Status, a.Body)
	}
	return a.JSON(t)
}

func (r *harness) stored(t testing.TB) apikey.Key {
	t.Helper()
	k, err := r.Control.Key(t.Context(), r.account.ID, r.key.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.CheckGate(t, k)
	return k
}

type object = map[string]any

func TestRotateShowsTheNewSecretOnceAndKeepsEverythingElse(t *testing.T) {
	r := newHarness(t)
	answer := r.do(t, "rotate", nil)
	doc := answer.JSON(t)
	secret, err := apikey.DefaultPrefix.Parse(fmt.Sprint(doc["secret"]))
	if err != nil || answer.Status != 200 || answer.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", answer.Status, err, answer.Body)
	}
	k := r.stored(t)
	if k.Current.Hash != secret.Hash() || k.Outgoing.Hash != r.key.Current.Hash || !k.Outgoing.EndsAt.Equal(keytest.Now.Add(24*time.Hour)) {
		t.Errorf("%+v", k)
	}
	for member, want := range map[string]any{
		"id": r.key.ID, "name": r.key.Name, "previous_preview": r.key.Current.Preview, "preview": secret.Preview(),
		"rotated_at": "2026-11-21T12:00:00.000Z", "previous_secret_expires_at": "2026-11-22T12:00:00.000Z", "rotation_cancelled": false,
	} {
		if fmt.Sprint(doc[member]) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", member, doc[member], want)
		}
	}
	if n := strings.Count(r.All.String(), secret.Reveal()); n != 1 || strings.Contains(r.Logs.String(), secret.Reveal()) ||
		strings.Contains(fmt.Sprintf("%+v", r.AllAudit(t, r.account.ID)), secret.Reveal()) {
		t.Errorf("the secret is in %d answers, or in a log or the audit trail", n)
	}
}

func TestRotateTakesNoGraceAMonthAndNothingBetweenTheTwoBounds(t *testing.T) {
	for seconds, status := range map[any]int{0: 200, 60: 200, 2592000: 200, 2592001: 422, -1: 422, "60": 422, 1.5: 422} {
		r := newHarness(t)
		if a := r.do(t, "rotate", object{"grace_seconds": seconds}); a.Status != status {
			t.Errorf("%v: %d %s", seconds, a.Status, a.Body)
		}
	}
	r := newHarness(t)
	r.want(t, 200, "rotate", object{"grace_seconds": 0})
	if k := r.stored(t); k.Outgoing != nil || len(k.Retired) != 1 {
		t.Errorf("with grace 0 the old secret lives on: %+v", k)
	}
	if a := r.do(t, "rotate", object{"reason": "boredom"}); a.Status != 422 || fmt.Sprint(a.Pointers()) != "[/reason]" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

func TestASecondRotateSaysWhatToDo(t *testing.T) {
	r := newHarness(t)
	r.want(t, 200, "rotate", nil)
	a := r.do(t, "rotate", nil)
	if a.Code() != "rotation_in_progress" || a.Status != 409 || !strings.Contains(string(a.Body), "cancel it") {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

func TestALeakedSecretStopsInOneRequest(t *testing.T) {
	for name, before := range map[string][]string{"alone": nil, "while a rotation runs": {"rotate"}, "after a cancel": {"rotate", "rotation/cancel"}} {
		r := newHarness(t)
		for _, action := range before {
			r.want(t, 200, action, nil)
		}
		doc := r.want(t, 200, "rotate", object{"reason": "leaked"})
		if k := r.stored(t); k.Outgoing != nil || doc["previous_preview"] != nil || doc["secret"] == nil {
			t.Errorf("%s: an old secret lives on: %+v", name, k)
		}
	}
	r := newHarness(t)
	r.want(t, 200, "rotate", nil)
	r.want(t, 200, "rotate", object{"reason": "leaked", "grace_seconds": 60})
	if k := r.stored(t); k.Outgoing == nil || !k.Outgoing.EndsAt.Equal(keytest.Now.Add(time.Minute)) || len(k.Retired) != 1 {
		t.Errorf("a grace that was chosen isn't kept, or three secrets live: %+v", k)
	}
}

func TestAnExpiredKeyIsNotGivenASecretThatOpensNothing(t *testing.T) {
	r := newHarness(t)
	if _, err := r.Edit(t.Context(), r.key, "key.edit", func(k *apikey.Key) { k.ExpiresAt = keytest.Now }); err != nil {
		t.Fatal(err)
	}
	if a := r.do(t, "rotate", object{"reason": "leaked"}); a.Status != 409 || a.Code() != "key_expired" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

func TestEndExtendAndCancel(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []string // actions
		action string
		body   any
		status int
		code   string
		check  func(apikey.Key) bool
	}{
		{"end", []string{"rotate"}, "rotation/end", nil, 200, "", func(k apikey.Key) bool { return k.Outgoing == nil && len(k.Retired) == 1 }},
		{"end without a rotation", nil, "rotation/end", nil, 409, "no_rotation", nil},
		{"end twice", []string{"rotate", "rotation/end"}, "rotation/end", nil, 409, "no_rotation", nil},
		{"extend", []string{"rotate"}, "rotation/extend", object{"grace_seconds": 172800}, 200, "", func(k apikey.Key) bool {
			return k.Outgoing.EndsAt.Equal(keytest.Now.Add(48 * time.Hour))
		}},
		{"extend to less", []string{"rotate"}, "rotation/extend", object{"grace_seconds": 60}, 422, "invalid", nil},
		{"extend without a rotation", nil, "rotation/extend", object{"grace_seconds": 60}, 409, "no_rotation", nil},
		{"extend without a length", []string{"rotate"}, "rotation/extend", object{}, 422, "invalid", nil},
		{"extend after a cancel", []string{"rotate", "rotation/cancel"}, "rotation/extend", object{"grace_seconds": 172800}, 409, "rotation_cancelled", nil},
		{"cancel", []string{"rotate"}, "rotation/cancel", nil, 200, "", func(k apikey.Key) bool {
			return k.Outgoing.Cancelled && k.Outgoing.EndsAt.Equal(keytest.Now.Add(15*time.Minute))
		}},
		{"cancel twice", []string{"rotate", "rotation/cancel"}, "rotation/cancel", nil, 409, "rotation_cancelled", nil},
		{"cancel without a rotation", nil, "rotation/cancel", nil, 409, "no_rotation", nil},
		{"rotate after a cancel", []string{"rotate", "rotation/cancel"}, "rotate", nil, 200, "", func(k apikey.Key) bool { return k.Outgoing != nil && !k.Outgoing.Cancelled }},
	} {
		r := newHarness(t)
		for _, action := range c.before {
			r.want(t, 200, action, nil)
		}
		a := r.do(t, c.action, c.body)
		if a.Status != c.status || c.code != "" && c.code != "invalid" && a.Code() != c.code {
			t.Errorf("%s: %d %s", c.name, a.Status, a.Body)
		}
		if c.check != nil && !c.check(r.stored(t)) {
			t.Errorf("%s: %+v", c.name, r.stored(t))
		}
	}
}

// TestARefusedSecretIsNotPutInForceAgain: a report of the old secret, in the middle of its grace period, doesn't leave the key without a secret.
func TestARefusedSecretIsNotPutInForceAgain(t *testing.T) {
	for refused, action := range map[string]string{"old": "rotation/cancel", "new": "rotation/end"} {
		r := newHarness(t)
		r.want(t, 200, "rotate", nil)
		before := r.stored(t)
		hash := before.Current.Hash
		if refused == "old" {
			hash = before.Outgoing.Hash
		}
		after, ok := before.Expose(hash, apikey.LeakReport{By: apikey.ReportedByGitHub}, account.LeakRefuse, keytest.Now)
		if _, err := r.Control.Commit(t.Context(), control.Change{Before: &before, After: after, Audit: r.Source.JobRow(t.Context(), r.account.ID, r.key.ID, "key.expose")}); err != nil || !ok {
			t.Fatal(ok, err)
		}
		if a := r.do(t, action, nil); a.Status != 409 || a.Code() != "secret_refused" {
			t.Errorf("the %s secret is refused: %s: %d %s", refused, action, a.Status, a.Body)
		}
		if r.want(t, 200, "rotate", object{"reason": "leaked"}); r.stored(t).Current.Exposed.Refused() {
			t.Errorf("the %s secret is refused: a rotation left it", refused)
		}
	}
}

func TestALostAnswerLeavesAWayOutAtOnce(t *testing.T) {
	r := newHarness(t)
	first := r.want(t, 200, "rotate", object{"reason": "leaked", "grace_seconds": 3600}, "Idempotency-Key", "k-1")
	again := r.want(t, 200, "rotate", object{"reason": "leaked", "grace_seconds": 3600}, "Idempotency-Key", "k-1")
	if again["secret_unavailable"] != true || again["secret"] != nil || fmt.Sprint(again["version"]) != fmt.Sprint(first["version"]) {
		t.Fatalf("the replay says %v", again)
	}
	if a := r.do(t, "rotate", nil, "Idempotency-Key", "k-1"); a.Status != 422 || a.Code() != "idempotency_key_reused" {
		t.Errorf("another body under the same key: %d %s", a.Status, a.Body)
	}
	r.want(t, 200, "rotation/cancel", nil)
	out := r.want(t, 200, "rotate", nil, "Idempotency-Key", "k-2")
	if out["secret"] == nil {
		t.Errorf("no secret after cancelling: %v", out)
	}
	k := r.stored(t)
	if k.Outgoing == nil || k.Outgoing.Hash != r.key.Current.Hash {
		t.Errorf("the secret that the customer has isn't live: %+v", k)
	}
}

func TestOfThreeConcurrentRotatesOneWins(t *testing.T) {
	for seed := range uint64(20) {
		r := newHarnessOn(t, keytest.Open(t), keytest.AtRandom(seed, .05, .2, .1))
		var wg sync.WaitGroup
		answers := make([]apitest.Answer, 3)
		for i := range answers {
			wg.Go(func() { answers[i] = r.do(t, "rotate", nil, "Idempotency-Key", fmt.Sprint("k-", i)) })
		}
		wg.Wait()
		known := map[apikey.Hash]bool{r.key.Current.Hash: true}
		won := 0
		for _, a := range answers {
			switch {
			case a.Status == 200:
				won++
				s, err := apikey.DefaultPrefix.Parse(fmt.Sprint(a.JSON(t)["secret"]))
				if err != nil {
					t.Fatal(err)
				}
				known[s.Hash()] = true
			case a.Status < 409: // 500 too: the faults injected here aren't the SDK's errors, which become 503
				t.Errorf("seed %d: %d %s", seed, a.Status, a.Body)
			}
		}
		k := r.stored(t)
		live := 0
		for _, p := range authz.PoliciesOf(k) {
			if p.SecretEnds.IsZero() || keytest.Now.Before(p.SecretEnds) {
				live++
			}
		}
		if won > 1 || live < 1 || live > 2 || won == 1 && !known[k.Current.Hash] {
			t.Fatalf("seed %d: %d won, %d live: %+v", seed, won, live, k)
		}
		if won == 0 && k.Version > 1 { // an answer was lost: the way out
			r = &harness{API: apitest.New(t, r.Stores), account: r.account, key: r.key}
			h := &handler{service: &web.KeyService{
				Store: r.Control, Source: r.Source, Prefix: apikey.DefaultPrefix, Texts: apitest.Texts, Products: product.Default(), Used: apitest.NoUse{}, Sealer: apitest.Sealer{},
			}}
			h.routes(r.Mux)
			r.want(t, 200, "rotation/cancel", nil)
			if r.want(t, 200, "rotate", nil)["secret"] == nil {
				t.Fatal("no way out")
			}
		}
	}
}

func TestRecoverableKeysKeepTheNewSecretSealed(t *testing.T) {
	r := newHarness(t)
	var err error
	if r.key, err = r.Edit(t.Context(), r.key, "key.edit", func(k *apikey.Key) { k.Recoverable = true }); err != nil {
		t.Fatal(err)
	}
	secret := r.want(t, 200, "rotate", nil)["secret"]
	text, err := apitest.Sealer{}.Open(t.Context(), r.stored(t).Current.Sealed, r.key.ID)
	if err != nil || text != secret {
		t.Errorf("%v", err)
	}
}

func TestPolicies(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/app"
	for _, c := range []struct {
		name     string
		body     any
		status   int
		pointers string
	}{
		{"announced", object{"every_days": 90}, 200, "[]"},
		{"delivered", object{"every_days": 90, "notify_days_before": 14, "principal": role}, 200, "[]"},
		{"null is no principal", object{"every_days": 1, "principal": nil}, 200, "[]"},
		{"never", object{"every_days": 0}, 422, "[/every_days]"},
		{"told too early", object{"every_days": 5, "notify_days_before": 5}, 422, "[/notify_days_before]"},
		{"everybody", object{"every_days": 5, "principal": "*"}, 422, "[/principal]"},
		{"a whole account", object{"every_days": 5, "principal": "arn:aws:iam::123456789012:root"}, 422, "[/principal]"},
	} {
		r := newHarness(t)
		a := r.Do(t, apitest.Call{As: "owner", Method: "PUT", Path: r.path("rotation-policy"), Body: c.body})
		if a.Status != c.status || fmt.Sprint(a.Pointers()) != c.pointers {
			t.Errorf("%s: %d %s", c.name, a.Status, a.Body)
		}
	}
	r := newHarness(t)
	put := apitest.Call{As: "owner", Method: "PUT", Path: r.path("rotation-policy"), Body: object{"every_days": 90, "principal": role}}
	r.Want(t, 200, put)
	if r.Want(t, 200, put); r.stored(t).Version != 2 {
		t.Error("the same policy twice is two changes")
	}
	for range 2 {
		r.Want(t, 200, apitest.Call{As: "developer", Method: "DELETE", Path: r.path("rotation-policy")})
	}
	if k := r.stored(t); k.Rotation != nil || k.Version != 3 {
		t.Errorf("%+v", k)
	}
}

// Who names a principal lets it read each later secret, which is more than to reveal one.
func TestOnlyOwnersNameWhoReadsDeliveredSecrets(t *testing.T) {
	const role, other = "arn:aws:iam::123456789012:role/app", "arn:aws:iam::999999999999:user/mallory"
	r := newHarness(t)
	put := func(as string, days int, principal any, status int) {
		t.Helper()
		call := apitest.Call{As: as, Method: "PUT", Path: r.path("rotation-policy"), Body: object{"every_days": days, "principal": principal}}
		r.Want(t, status, call)
	}
	put("developer", 30, nil, 200)
	put("developer", 30, role, 403)
	put("owner", 30, role, 200)
	if by := r.stored(t).Rotation.SetBy; by != keytest.Subject("owner") {
		t.Errorf("set by %v", by)
	}
	put("developer", 60, role, 200) // the schedule is a developer's, and the principal stays the owner's
	put("developer", 60, other, 403)
	if p := r.stored(t).Rotation; p.Principal != role || p.SetBy != keytest.Subject("owner") || p.EveryDays != 60 {
		t.Errorf("%+v", p)
	}
	put("developer", 60, nil, 200) // nobody reads more by it
	if p := r.stored(t).Rotation; p.Principal != "" || p.SetBy != (account.Subject{}) {
		t.Errorf("%+v", p)
	}
	put("developer", 60, role, 403)
}

func TestRevokedAndDeletedKeysAreNotRotated(t *testing.T) {
	for code, change := range map[string]func(*apikey.Key){
		"key_revoked": func(k *apikey.Key) { k.RevokedAt = keytest.Now },
		"key_deleted": func(k *apikey.Key) { k.DeletedAt = keytest.Now },
	} {
		r := newHarness(t)
		if _, err := r.Edit(t.Context(), r.key, "key.edit", change); err != nil {
			t.Fatal(err)
		}
		for _, action := range []string{"rotate", "rotation/end", "rotation/cancel"} {
			if a := r.do(t, action, nil); a.Status != 409 || a.Code() != code {
				t.Errorf("%s: %d %s", action, a.Status, a.Body)
			}
		}
	}
}

func TestEveryOperationIsOpenToItsRolesAlone(t *testing.T) {
	apitest.Matrix(t, fixture, served)
}

func TestAccountsAreWalls(t *testing.T) { apitest.Walls(t, fixture, served) }

func TestAFailureOfTheStoreIsNoAnswer(t *testing.T) { apitest.Failures(t, fixture, served, nil) }

func TestNoAccountMakesAnothersCallsSlower(t *testing.T) { apitest.Costs(t, fixture, served) }

func TestBoundsAreAsTheContractSays(t *testing.T) {
	apitest.Bounds(t, fixture, served, map[string]string{
		"putRotationPolicy.notify_days_before": "it has to be less than every_days", "extendRotation.grace_seconds": "it has to end later than now",
	})
}

func TestAFloodOfRequestsBreaksNothing(t *testing.T) { apitest.Flood(t, fixture, served, 15_000) }

func TestNoTextHoldsASecretOrWhatHides(t *testing.T) { apitest.RefusedTexts(t, fixture, served) }

func served(op apitest.Operation) bool { return op.ServedBy() == "rotation" }

// fixture is an account with a key whose rotation runs, and one whose doesn't.
func fixture(t testing.TB) apitest.Fixture {
	r := newHarnessWithout(t, keytest.Open(t), nil)
	apitest.People(t, r.API, r.account.ID)
	idle := r.NewKey(t, r.account)
	r.Want(t, 200, apitest.Call{As: "owner", Method: "POST", Path: r.path("rotate")})
	return apitest.Fixture{
		API: r.API, Account: r.account.ID, Params: map[string]string{"account": string(r.account.ID), "key": string(r.key.ID)},
		Bodies: map[string]any{
			"extendRotation": object{"grace_seconds": 172800}, "putRotationPolicy": object{"every_days": 30},
		},
		Instead: map[string]map[string]string{"rotateKey": {"key": string(idle.ID)}},
	}
}

// TestTwoChangesOfARotationAtOnceAreAsOneAfterTheOther: see package apitest.
func TestTwoChangesOfARotationAtOnceAreAsOneAfterTheOther(t *testing.T) {
	for state, prepare := range map[string]func(testing.TB, *harness){
		"no rotation":       func(testing.TB, *harness) {},
		"a rotation":        func(t testing.TB, r *harness) { r.want(t, 200, "rotate", nil) },
		"a cancelled one":   func(t testing.TB, r *harness) { r.want(t, 200, "rotate", nil); r.want(t, 200, "rotation/cancel", nil) },
		"a rotation policy": func(t testing.TB, r *harness) { r.putPolicy(t) },
	} {
		t.Run(state, func(t *testing.T) {
			apitest.Races(t, func(t testing.TB) apitest.Race {
				stores, interrupt := apitest.RaceStores(t)
				r := newHarnessOn(t, stores, nil)
				prepare(t, r)
				return apitest.Race{
					Interrupt: interrupt,
					Do: map[string]func(testing.TB) apitest.Answer{
						"rotate": func(t testing.TB) apitest.Answer { return r.do(t, "rotate", nil) },
						"end":    func(t testing.TB) apitest.Answer { return r.do(t, "rotation/end", nil) },
						"cancel": func(t testing.TB) apitest.Answer { return r.do(t, "rotation/cancel", nil) },
						"extend": func(t testing.TB) apitest.Answer {
							return r.do(t, "rotation/extend", map[string]any{"grace_seconds": 200000})
						},
						"put policy": func(t testing.TB) apitest.Answer { return r.putPolicy(t) },
						"delete policy": func(t testing.TB) apitest.Answer {
							return r.Do(t, apitest.Call{As: "developer", Method: "DELETE", Path: r.path("rotation-policy")})
						},
					},
					Others: map[string]func(testing.TB){"revoke": func(t testing.TB) {
						k := r.stored(t)
						after, err := k.Revoke(true, r.Source.Time())
						if err == nil && !after.Same(k) {
							_, err = r.Edit(t.Context(), k, "key.revoke", func(k *apikey.Key) { *k = after })
						}
						if err != nil {
							t.Fatal(err)
						}
					}},
					State: func(t testing.TB) string {
						k := r.stored(t)
						return apitest.Facts(map[string]any{
							"outgoing": k.Outgoing != nil, "cancelled": k.Outgoing != nil && k.Outgoing.Cancelled, "policy": k.Rotation != nil,
							"revoked": !k.RevokedAt.IsZero(), "retired": len(k.Retired),
						}, "outgoing", "cancelled", "policy", "revoked", "retired")
					},
				}
			})
		})
	}
}

func (r *harness) putPolicy(t testing.TB) apitest.Answer {
	return r.Do(t, apitest.Call{As: "developer", Method: "PUT", Path: r.path("rotation-policy"), Body: map[string]any{"every_days": 30, "notify_days_before": 7}})
}
