package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
)

func (b *harness) status(t testing.TB, secret string) int {
	t.Helper()
	status, _ := b.call(t, tileEvent(secret))
	return status
}

func (b *harness) down() {
	b.store.fail = func(apikey.Hash) error { return errDown }
	b.store.failAccount = func() error { return errDown }
}

func (b *harness) up() { b.store.fail, b.store.failAccount = nil, nil }

func TestOneReadPerKeyAndFiveSecondsHoweverManyCalls(t *testing.T) {
	b := newHarness(t)
	good, unknown := b.add(t, 1, nil), secret(t, 2).Reveal()
	for range 1000 { // 20 s, 50 calls a second of each
		b.status(t, good)
		b.status(t, unknown)
		b.clock.advance(20 * time.Millisecond)
	}
	if b.store.reads != 8 {
		t.Errorf("%d reads in 20 s for two keys, want 8", b.store.reads)
	}
}

func TestMalformedKeysReadNothing(t *testing.T) {
	b := newHarness(t)
	good := b.add(t, 1, nil)
	for _, text := range []string{"x", good + "0", "ak_" + good[4:] + "0", "pk" + good[2:], good[:35] + "~"} {
		if status := b.status(t, text); status != 401 {
			t.Errorf("status %d", status)
		}
	}
	if b.store.reads != 0 {
		t.Errorf("%d reads", b.store.reads)
	}
}

func TestAgeCountsFromBeforeTheRead(t *testing.T) {
	b := newHarness(t)
	good := b.add(t, 1, nil)
	b.store.delay = 3 * time.Second
	b.status(t, good)
	b.store.delay = 0
	b.clock.advance(1900 * time.Millisecond)
	b.status(t, good)
	if b.store.reads != 1 {
		t.Fatalf("%d reads at 4.9 s", b.store.reads)
	}
	b.clock.advance(200 * time.Millisecond)
	b.status(t, good)
	if b.store.reads != 2 {
		t.Errorf("%d reads at 5.1 s after the first began", b.store.reads)
	}
}

func TestAgeIsRightAcrossFreezing(t *testing.T) {
	for name, pass := range map[string]func(*moment){
		"the monotonic clock stops":  func(m *moment) { m.wall = m.wall.Add(time.Hour) },
		"the wall clock stops":       func(m *moment) { m.mono += time.Hour },
		"the wall clock is set back": func(m *moment) { m.wall = m.wall.Add(-time.Hour); m.mono += 6 * time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			b := newHarness(t)
			good := b.add(t, 1, nil)
			b.status(t, good)
			delete(b.store.policies, secret(t, 1).Hash())
			pass(&b.clock.at)
			if status := b.status(t, good); status != 401 {
				t.Errorf("after the thaw the old record still answers: %d", status)
			}
		})
	}
}

// environments runs many environments over one store on one clock, with calls at random moments.
func environments(t *testing.T, seed uint64, envs, revokes int, broken func(*rand.Rand) bool) (slowest time.Duration) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 2))
	first := newHarness(t)
	all := []*harness{first}
	for len(all) < envs {
		b := newHarness(t)
		b.store, b.clock = first.store, first.clock
		b.gate.records.store, b.gate.records.clock, b.gate.clock = first.store, first.clock, first.clock
		all = append(all, b)
	}
	first.store.fail = func(apikey.Hash) error {
		if broken(random) {
			return errDown
		}
		return nil
	}
	for n := range uint64(revokes) {
		text := first.add(t, n, nil)
		hash := secret(t, n).Hash()
		var revokedAt time.Duration
		moment := time.Duration(random.Int64N(int64(12 * time.Second)))
		start := first.clock.at.mono
		for first.clock.at.mono-start < moment+16*time.Second {
			first.clock.advance(time.Duration(random.Int64N(int64(400 * time.Millisecond))))
			if revokedAt == 0 && first.clock.at.mono-start >= moment {
				p := first.store.policies[hash]
				p.RevokedAt = first.clock.at.wall
				first.store.policies[hash] = p
				revokedAt = first.clock.at.mono
			}
			env := all[random.IntN(envs)]
			if env.status(t, text) == 200 && revokedAt != 0 {
				slowest = max(slowest, first.clock.at.mono-revokedAt)
			}
		}
		if revokedAt == 0 {
			t.Fatal("never revoked")
		}
	}
	return slowest
}

func revokes() int {
	if keytest.Deep() {
		return 1000
	}
	return 60
}

func TestEveryEnvironmentObeysARevokeWithinTenSeconds(t *testing.T) {
	slowest := environments(t, 1, 16, revokes(), func(*rand.Rand) bool { return false })
	t.Logf("slowest: %v", slowest)
	if slowest > 10*time.Second {
		t.Errorf("one obeyed after %v", slowest)
	}
	if slowest < 3*time.Second {
		t.Errorf("the slowest was %v: nothing is cached, the test is empty", slowest)
	}
}

func TestARevokeIsObeyedThoughEveryConnectionIsDeadAtItsNextUse(t *testing.T) {
	attempts := 0
	slowest := environments(t, 2, 16, revokes(), func(*rand.Rand) bool { attempts++; return attempts%2 == 1 })
	t.Logf("slowest: %v", slowest)
	if slowest > 10*time.Second {
		t.Errorf("one obeyed after %v", slowest)
	}
}

// TestTheOutageBoundEndsWhatIsServedWithoutTheStore: at the bound that the stack has, to the second, and the metric says how old
// what was served had become.
func TestTheOutageBoundEndsWhatIsServedWithoutTheStore(t *testing.T) {
	for _, bound := range []time.Duration{shortestOutageBound, defaultOutageBound, longestOutageBound} {
		b := newHarness(t)
		b.gate.records.usableFor = bound
		good := b.add(t, 1, nil)
		if status := b.status(t, good); status != 200 {
			t.Fatalf("%d before the outage", status)
		}
		b.down()
		b.clock.advance(bound - 2*time.Second)
		if status := b.status(t, good); status != 200 {
			t.Errorf("%v: %d shortly before it", bound, status)
		}
		b.clock.advance(4 * time.Second)
		if status := b.status(t, good); status != 503 {
			t.Errorf("%v: %d after it", bound, status)
		}
		b.gate.Close()
		var oldest []float64
		for _, line := range lines(t, b.out) {
			if seconds, ok := line["OldestRecordServed"].(float64); ok {
				oldest = append(oldest, seconds)
			}
		}
		if want := (bound - 2*time.Second).Seconds(); len(oldest) != 1 || oldest[0] != want {
			t.Errorf("%v: the metric of the oldest record served says %v, want %v once", bound, oldest, want)
		}
	}
}

// TestTheAlarmOfOldRecordsRingsBeforeTheBoundOfEachStack: records are old at ten minutes, and where the bound is less than
// fifteen at two thirds of it. An alarm at an age that no record reaches could never ring.
func TestTheAlarmOfOldRecordsRingsBeforeTheBoundOfEachStack(t *testing.T) {
	for bound, from := range map[time.Duration]time.Duration{
		shortestOutageBound: 40 * time.Second, 6 * time.Minute: 4 * time.Minute, 15 * time.Minute: 10 * time.Minute, longestOutageBound: 10 * time.Minute,
	} {
		for age, want := range map[time.Duration]bool{from - 2*time.Second: false, from: true} {
			b := newHarness(t)
			b.gate.records.usableFor = bound
			good := b.add(t, 1, nil)
			b.status(t, good)
			b.down()
			b.clock.advance(age)
			if status := b.status(t, good); status != 200 {
				t.Fatalf("%v: %d", bound, status)
			}
			b.gate.Close()
			old := 0.0
			for _, line := range lines(t, b.out) {
				n, _ := line["OldRecordsServed"].(float64)
				old += n
			}
			if (old > 0) != want {
				t.Errorf("bound %v: %v old records were served at an age of %v", bound, old, age)
			}
		}
	}
}

func TestKnownKeysLiveThroughAnOutageOfFifteenMinutes(t *testing.T) {
	b := newHarness(t)
	good, fresh, unknown := b.add(t, 1, nil), b.add(t, 2, nil), secret(t, 3).Reveal()
	if b.status(t, good) != 200 || b.status(t, unknown) != 401 {
		t.Fatal("not up")
	}
	b.down()
	read := b.clock.at.mono
	for b.clock.at.mono-read < defaultOutageBound-time.Second {
		b.clock.advance(500 * time.Millisecond)
		if status := b.status(t, good); status != 200 {
			t.Fatalf("known key: %d after %v", status, b.clock.at.mono-read)
		}
		if b.clock.at.mono-read < freshFor {
			continue
		}
		if status := b.status(t, unknown); status != 503 {
			t.Fatalf("a key that was unknown: %d after %v", status, b.clock.at.mono-read)
		}
		if status := b.status(t, fresh); status != 503 {
			t.Fatalf("a key not in memory: %d", status)
		}
	}
	if b.store.reads > 1800 {
		t.Errorf("%d reads in 15 min of outage", b.store.reads)
	}
	b.clock.advance(2 * time.Second)
	if status := b.status(t, good); status != 503 {
		t.Errorf("after 15 minutes: %d", status)
	}
	if strings.Contains(b.out.String(), "panic") {
		t.Error("a breakdown was answered by a panic")
	}
	b.up()
	b.clock.advance(longestOwnPause)
	for _, tt := range []struct {
		secret string
		status int
	}{{good, 200}, {fresh, 200}, {unknown, 401}} {
		if status := b.status(t, tt.secret); status != tt.status {
			t.Errorf("after recovery: %d, want %d", status, tt.status)
		}
	}
}

func TestAnOldRecordServesOnlyAfterARetryOnAFreshConnection(t *testing.T) {
	b := newHarness(t)
	good := b.add(t, 1, nil)
	b.status(t, good)
	b.clock.advance(11 * time.Second)
	attempts := 0
	b.store.fail = func(apikey.Hash) error {
		if attempts++; attempts == 1 {
			return errDown // the connection died in the freeze
		}
		return nil
	}
	p := b.store.policies[secret(t, 1).Hash()]
	p.Disabled = true
	b.store.policies[p.Hash] = p
	if status := b.status(t, good); status != 401 || b.reconnects != 1 {
		t.Errorf("status %d after %d reconnects: the old record served though a fresh connection works", status, b.reconnects)
	}
}

func TestRecoveryIsSeenWithinSecondsOfALongOutage(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 3))
		b := newHarness(t)
		var keys []string
		count := 1 + int(seed%5)
		for n := range uint64(count) { //nolint:gosec // small
			keys = append(keys, b.add(t, n, nil))
			b.status(t, keys[n])
		}
		b.down()
		outage := time.Duration(random.Int64N(int64(10 * time.Minute)))
		for end := b.clock.at.mono + outage; b.clock.at.mono < end; {
			b.clock.advance(time.Duration(random.Int64N(int64(time.Second))))
			b.status(t, keys[random.IntN(count)])
		}
		b.up()
		for hash, p := range b.store.policies {
			p.Disabled = true
			b.store.policies[hash] = p
		}
		up := b.clock.at.mono
		for b.clock.at.mono-up < 20*time.Second {
			b.clock.advance(time.Duration(random.Int64N(int64(200 * time.Millisecond))))
			if b.status(t, keys[random.IntN(count)]) == 200 && b.clock.at.mono-up > 8*time.Second {
				t.Fatalf("seed %d: the old state acted %v after the store came back", seed, b.clock.at.mono-up)
			}
		}
	}
}

func TestOneSickKeyDoesNotHoldTheOthersBack(t *testing.T) {
	b := newHarness(t)
	sick, well := b.add(t, 1, nil), b.add(t, 2, nil)
	b.status(t, sick)
	b.status(t, well)
	sickHash := secret(t, 1).Hash()
	b.store.fail = func(hash apikey.Hash) error {
		if hash == sickHash {
			return errDown
		}
		return nil
	}
	p := b.store.policies[secret(t, 2).Hash()]
	p.Disabled = true
	b.store.policies[p.Hash] = p
	start := b.clock.at.mono
	for b.clock.at.mono-start < 10*time.Second {
		b.clock.advance(10 * time.Millisecond)
		b.status(t, sick) // every 10 ms
	}
	if status := b.status(t, well); status != 401 {
		t.Errorf("the well key's change isn't obeyed: %d", status)
	}
	if status := b.status(t, sick); status != 200 {
		t.Errorf("the sick key: %d", status)
	}
}

func TestAnUnreadableRecordRefusesThatKeyAlone(t *testing.T) {
	b := newHarness(t)
	sick, well := b.add(t, 1, nil), b.add(t, 2, nil)
	b.status(t, sick)
	sickHash := secret(t, 1).Hash()
	b.store.fail = func(hash apikey.Hash) error {
		if hash == sickHash {
			return fmt.Errorf("decoding: %w", dynamo.ErrUnreadable)
		}
		return nil
	}
	b.clock.advance(freshFor)
	for range 100 {
		if s, w := b.status(t, sick), b.status(t, well); s != 503 || w != 200 {
			t.Fatalf("sick %d, well %d", s, w)
		}
	}
	if b.store.reads != 3 || b.reconnects != 0 {
		t.Errorf("%d reads, %d reconnects", b.store.reads, b.reconnects)
	}
	b.down()
	b.clock.advance(freshFor)
	if s, w := b.status(t, sick), b.status(t, well); s != 503 || w != 200 {
		t.Errorf("in an outage: sick %d, well %d", s, w)
	}
}

// mixedUp is a table that answers every read of a secret with one secret's record, and knows no account.
type mixedUp struct{ item dynamo.Item }

func (m mixedUp) GetItem(_ context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if policies.IsAccount(in.Key) {
		return &dynamodb.GetItemOutput{}, nil
	}
	return &dynamodb.GetItemOutput{Item: m.item}, nil
}

func TestARecordUnderAnotherSecretsNameIsABreakdownAndNoAnswer(t *testing.T) {
	b := newHarness(t)
	own, other := b.add(t, 1, nil), b.add(t, 2, nil)
	b.gate.records.store = policies.New(mixedUp{policies.Encode(b.store.policies[secret(t, 1).Hash()])}, "gate")
	if a, c := b.status(t, own), b.status(t, other); a != 200 || c != 503 || b.gate.metrics.unreadable != 1 {
		t.Errorf("the secret itself: %d, the other one: %d, %d told as unreadable", a, c, b.gate.metrics.unreadable)
	}
}

// TestAListThatCantBeReadRefusesItsKeyAndIsTold: each list of a record, whether it is in force or proposed. It says that the store is
// there, and is told once for each time that it is read.
func TestAListThatCantBeReadRefusesItsKeyAndIsTold(t *testing.T) {
	bad := []string{"//"}
	for name, change := range map[string]func(*authz.Policy){
		"networks":          func(p *authz.Policy) { p.Networks = bad },
		"apps":              func(p *authz.Policy) { p.Apps = bad },
		"domains":           func(p *authz.Policy) { p.Domains = bad },
		"proposed networks": func(p *authz.Policy) { p.Proposed = &apikey.Proposal{Networks: &bad} },
		"proposed apps":     func(p *authz.Policy) { p.Proposed = &apikey.Proposal{Apps: &bad} },
		"proposed domains":  func(p *authz.Policy) { p.Proposed = &apikey.Proposal{Domains: &bad} },
	} {
		b := newHarness(t)
		key := b.add(t, 1, change)
		for reads := 1; reads <= 2; reads++ {
			first, again := b.status(t, key), b.status(t, key)
			if m := &b.gate.metrics; first != 503 || again != 503 || m.unreadable != reads || b.store.reads != reads || m.storeErrors != 0 {
				t.Errorf("%s: %d, then %d, %d told as unreadable after %d of %d reads, %d as errors", name, first, again, m.unreadable, b.store.reads, reads, m.storeErrors)
			}
			b.clock.advance(freshFor)
		}
	}
}
