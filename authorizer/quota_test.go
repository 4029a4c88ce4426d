package main

import (
	"context"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter/quota"
	"latchkey/shared/product"
)

// quotaHarness is a gate whose catalogue has quotas, and their table.
func quotaHarness(t testing.TB, text string) (*harness, *countingTable, func() *quotaLeases) {
	t.Helper()
	q, err := product.ParseQuotas([]byte(`{"groups":[{"id":"tiles","name":"Tiles","classes":["map-display.tiles"]}],"quotas":{` + text + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	b := newHarness(t)
	catalogue, err := product.Default().WithQuotas(q)
	if err != nil {
		t.Fatal(err)
	}
	memory, names := keytest.NewMemory()
	table := &countingTable{Memory: memory}
	another := func() *quotaLeases { return newQuotaLeases(quotas.New(table, names.Quotas), b.clock, catalogue) }
	b.gate.quotas = another()
	return b, table, another
}

func billed(as apikey.BillingType, its account.ID) func(*authz.Policy) {
	return func(p *authz.Policy) { p.BillingType, p.Account = as, its }
}

// times makes calls and says how many were let through.
func (b *harness) times(t testing.TB, n int, payload []byte) (served int) {
	t.Helper()
	for range n {
		if status, _ := b.call(t, payload); status == 200 {
			served++
		}
	}
	return served
}

// refusal returns the answer to a call beyond a quota.
type refusal struct {
	name   string // of the quota's policy
	policy string // all policies
	wait   time.Duration
}

// refusedBy holds that calls are refused so, and that nothing is asked of the quotas' table for them.
func (b *harness) refusedBy(t testing.TB, table *countingTable, what string, want refusal, payloads ...[]byte) {
	t.Helper()
	calls, wait := table.calls, secondsIn(want.wait)
	for _, payload := range payloads {
		status, context := b.call(t, payload)
		if status != 429 || context["code"] != "quota_exceeded" || context["rateLimitPolicy"] != want.policy ||
			context["retryAfter"] != wait || context["rateLimit"] != `"`+want.name+`";r=0;t=`+wait {
			t.Errorf("%s: %d %v", what, status, context)
		}
	}
	if table.calls != calls {
		t.Errorf("%s: a call beyond it asked the table", what)
	}
}

// untilTheEnd goes to the end of a quota's period, and holds that no call is served a second before it.
func (b *harness) untilTheEnd(t testing.TB, what string, wait time.Duration, payload []byte) {
	t.Helper()
	b.clock.advance(wait - time.Second)
	if n := b.times(t, 1, payload); n != 0 {
		t.Errorf("%s: served a second before the period ends", what)
	}
	b.clock.advance(time.Second)
}

// changedQuota is a number before and after a change, 0 for none, and how many of 40 calls are served before it and of 100 after it.
type changedQuota struct {
	before, after int64
	served, later int
}

// actsWithinTenSeconds holds that a quota follows its number: begin makes a gate and a call under it, and set changes the number.
func actsWithinTenSeconds(t *testing.T, changes map[string]changedQuota, begin func() (*harness, []byte), set func(*harness, int64)) {
	t.Helper()
	for name, tt := range changes {
		for _, wait := range []time.Duration{10 * time.Second, time.Hour} {
			b, payload := begin()
			set(b, tt.before)
			if n := b.times(t, 40, payload); n != tt.served {
				t.Errorf("%s: %d of 40 served before", name, n)
			}
			set(b, tt.after)
			b.clock.advance(wait)
			first := b.times(t, 1, payload)
			if n := first + b.times(t, 99, payload); n != tt.later || tt.later > 0 && first == 0 {
				t.Errorf("%s: %d served %s after it, want %d, and the first call of them", name, n, wait, tt.later)
			}
		}
	}
}

// copyrightsEvent is a call of a class that is in no group but the rest.
func copyrightsEvent(key string) []byte {
	return event("/map/1/copyrights", nil, map[string]string{"key": key})
}

func TestAnAccountBeyondItsQuotaIsRefusedUntilThePeriodEnds(t *testing.T) {
	for text, want := range map[string]refusal{
		`"freemium":{"tiles":{"day":30,"month":500}}`:  {"tiles.day", `"map-display.tiles";q=1000;w=1, "tiles.day";q=30;w=86400`, 12 * time.Hour},
		`"freemium":{"tiles":{"day":500,"month":500}}`: {"tiles.month", `"map-display.tiles";q=1000;w=1, "tiles.month";q=500;w=2592000`, 9*24*time.Hour + 12*time.Hour},
	} {
		b, table, _ := quotaHarness(t, text)
		one, two := tileEvent(b.add(t, 1, billed(apikey.Freemium, "acc_1"))), tileEvent(b.add(t, 2, billed(apikey.Freemium, "acc_1")))
		quota := 30
		if strings.HasSuffix(want.name, "month") {
			quota = 500
		}
		if n := b.times(t, 20, one) + b.times(t, quota, two); n != quota {
			t.Errorf("%s: %d served with two keys of the account", text, n)
		}
		b.refusedBy(t, table, text, want, one, two)
		b.untilTheEnd(t, text, want.wait, one)
		if n := b.times(t, 10, one); n != 10 {
			t.Errorf("%s: %d of 10 served in the next period", text, n)
		}
	}
}

// TestASuspendedAccountsCallsTakeNothingOfItsQuota: where the account's record has to be read, the quota is asked behind that.
func TestASuspendedAccountsCallsTakeNothingOfItsQuota(t *testing.T) {
	b, table, _ := quotaHarness(t, `"freemium":{"tiles":{"day":30}}`)
	payload := tileEvent(b.add(t, 1, billed(apikey.Freemium, "acc_1")))
	b.suspend(time.Time{})
	if n := b.times(t, 3, payload); n != 0 || table.calls != 0 {
		t.Errorf("%d served, the table was asked %d times", n, table.calls)
	}
}

func secondsIn(d time.Duration) string {
	return strconv.Itoa(int(d / time.Second))
}

// TestAQuotaIsOfAnAccountABillingTypeAndAGroup: what one of them uses up, another has.
func TestAQuotaIsOfAnAccountABillingTypeAndAGroup(t *testing.T) {
	b, _, _ := quotaHarness(t, `"freemium":{"tiles":{"day":5},"other":{"day":3}},"pay_as_you_grow":{"tiles":{"day":8}}`)
	key := func(n uint64, as apikey.BillingType, its account.ID) string { return b.add(t, n, billed(as, its)) }
	first := key(1, apikey.Freemium, "acc_1")
	for _, tt := range []struct {
		name    string
		payload []byte
		want    int
	}{
		{"freemium, tiles", tileEvent(first), 5},
		{"the others", copyrightsEvent(first), 3},
		{"another key of the same", tileEvent(key(2, apikey.Freemium, "acc_1")), 0},
		{"another billing type", tileEvent(key(3, apikey.PayAsYouGrow, "acc_1")), 8},
		{"its others, without a quota", copyrightsEvent(key(4, apikey.PayAsYouGrow, "acc_1")), 20},
		{"another account", tileEvent(key(5, apikey.Freemium, "acc_2")), 5},
		{"a type without a quota", tileEvent(key(6, apikey.Paying, "acc_1")), 20},
		{"a record of a release before", tileEvent(key(7, "", "acc_1")), 20},
	} {
		if n := b.times(t, 20, tt.payload); n != tt.want {
			t.Errorf("%s: %d of 20 served, want %d", tt.name, n, tt.want)
		}
	}
}

// TestWhatTheLimitASecondRefusesCostsNoQuota.
func TestWhatTheLimitASecondRefusesCostsNoQuota(t *testing.T) {
	b, _, _ := quotaHarness(t, `"freemium":{"tiles":{"day":5}}`)
	payload := tileEvent(b.add(t, 1, billed(apikey.Freemium, "acc_1")))
	b.gate.limiter = &scripted{answer: admission{RetryAfter: 1}}
	if status, context := b.call(t, payload); status != 429 || context["code"] != "qps_exceeded" {
		t.Errorf("%d %v", status, context)
	}
	b.times(t, 20, payload)
	b.gate.limiter = unlimited{}
	if n := b.times(t, 20, payload); n != 5 {
		t.Errorf("%d served", n)
	}
	asked := 0
	b.gate.limiter = countedLimiter{&asked}
	if b.times(t, 5, payload); asked != 0 {
		t.Error("a call that a quota refuses asked for the limit a second")
	}
	b.gate.denyOver = true
	if status, context := b.call(t, payload); status != 403 || context["code"] != "quota_exceeded" {
		t.Errorf("%d %v", status, context)
	}
}

// TestATableOfQuotasThatFailsLetsCallsPass, says so, and lets none of an exhausted quota pass.
func TestATableOfQuotasThatFailsLetsCallsPass(t *testing.T) {
	b, table, _ := quotaHarness(t, `"freemium":{"tiles":{"day":5}}`)
	gone, fresh := tileEvent(b.add(t, 1, billed(apikey.Freemium, "acc_1"))), tileEvent(b.add(t, 2, billed(apikey.Freemium, "acc_2")))
	b.times(t, 10, gone)
	table.err = errDown
	if n := b.times(t, 8, gone); n != 0 {
		t.Errorf("%d calls of an exhausted quota pass", n)
	}
	calls := table.calls
	if n := b.times(t, 8, fresh); n != 8 || table.calls != calls+1 {
		t.Errorf("%d of 8 served, %d writes in the second", n, table.calls-calls)
	}
	table.err = nil
	b.clock.advance(2 * time.Second)
	if n := b.times(t, 8, fresh); n != 0 {
		t.Errorf("%d served: what passed without the table isn't counted", n)
	}
	b.gate.Close()
	if text := b.out.String(); !strings.Contains(text, `"QuotasSuspended":8`) || !strings.Contains(text, `"LimiterDegraded":8`) {
		t.Error("no metric says that the quota was suspended")
	}
}

// TestWhatAQuotaIsNotCorrectedByIsMeasured: calls that were admitted without the table, and nobody counts any more, since the environment ends before it is back.
func TestWhatAQuotaIsNotCorrectedByIsMeasured(t *testing.T) {
	b, table, _ := quotaHarness(t, `"freemium":{"tiles":{"day":10000}}`)
	payload := tileEvent(b.add(t, 1, billed(apikey.Freemium, "acc_1")))
	table.err = errDown
	served := b.times(t, 5, payload)
	b.gate.Close()
	if text := b.out.String(); served != 5 || !strings.Contains(text, `"QuotaCallsUncounted":5`) || !strings.Contains(text, `"QuotaTokensLost":0`) {
		t.Errorf("%d served: %s", served, text)
	}
}

// ahead is a table whose slots all hold the stamp of an environment whose clock is ahead.
type ahead struct{}

func (ahead) Write(_ context.Context, ask quota.Ask) (quota.Seen, error) {
	return quota.Seen{Stamp: ask.Stamp + 1}, nil
}

// TestWhatIsRefusedAtTheEndIsMeasured: the write was made, and another's larger stamp refused it.
func TestWhatIsRefusedAtTheEndIsMeasured(t *testing.T) {
	b, table, _ := quotaHarness(t, `"freemium":{"tiles":{"day":10000}}`)
	payload := tileEvent(b.add(t, 1, billed(apikey.Freemium, "acc_1")))
	table.err = errDown
	served := b.times(t, 5, payload)
	b.gate.quotas.table.store = ahead{}
	b.gate.Close()
	if text := b.out.String(); served != 5 || !strings.Contains(text, `"QuotaCallsUncounted":5`) {
		t.Errorf("%d served: %s", served, text)
	}
}

// TestAnEnvironmentThatEndsGivesBackWhatItHolds, and another one serves it.
func TestAnEnvironmentThatEndsGivesBackWhatItHolds(t *testing.T) {
	b, _, another := quotaHarness(t, `"freemium":{"tiles":{"day":10000}}`)
	payload := tileEvent(b.add(t, 1, billed(apikey.Freemium, "acc_1")))
	served := b.times(t, 200, payload)
	held := b.gate.quotas.limits.InHand(quota.Name{Scope: "acc_1", Type: "freemium", Group: "tiles"}, b.gate.quotas.now())
	b.gate.Close()
	b.gate.quotas = another()
	for range 12_000 {
		served += b.times(t, 1, payload)
		b.clock.advance(time.Millisecond)
	}
	if held == 0 || served != 10_000 {
		t.Errorf("%d served of 10,000, %d in hand at the end of an environment", served, held)
	}
}

// TestTokensGoBackAfterAReply once nobody calls for them.
func TestTokensGoBackAfterAReply(t *testing.T) {
	b, _, _ := quotaHarness(t, `"freemium":{"tiles":{"day":100000}}`)
	b.times(t, 200, tileEvent(b.add(t, 1, billed(apikey.Freemium, "acc_1"))))
	name := quota.Name{Scope: "acc_1", Type: "freemium", Group: "tiles"}
	if b.gate.quotas.limits.InHand(name, b.gate.quotas.now()) == 0 {
		t.Fatal("no lease")
	}
	b.clock.advance(6 * time.Minute)
	b.times(t, 1, tileEvent(b.add(t, 2, billed(apikey.Freemium, "acc_2"))))
	if n := b.gate.quotas.limits.InHand(name, b.gate.quotas.now()); n != 0 {
		t.Errorf("%d are still in hand", n)
	}
}

// TestACallUnderAQuotaAllocatesNothing, with its lease in hand.
func TestACallUnderAQuotaAllocatesNothing(t *testing.T) {
	b, _, _ := quotaHarness(t, `"freemium":{"tiles":{"day":100000000,"month":1000000000}}`)
	b.gate.out, b.gate.log.out = io.Discard, io.Discard
	payload := tileEvent(b.add(t, 1, billed(apikey.Freemium, "acc_1")))
	call := func() {
		if answer, err := b.gate.Invoke(time.Time{}, payload); err != nil || answer == nil {
			t.Fatal(err)
		}
		b.gate.AfterReply()
	}
	for range 5000 {
		call()
		b.clock.advance(100 * time.Microsecond)
	}
	if n := testing.AllocsPerRun(200, call); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
