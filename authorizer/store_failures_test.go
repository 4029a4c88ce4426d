package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/limiter/quota"
)

func TestAThrottledStoreIsAskedOnceWhereMemoryServesAndNeverOnANewConnection(t *testing.T) {
	for _, tt := range []struct {
		name          string
		age           time.Duration
		reads, status int
	}{
		{"a young record", 6 * time.Second, 1, 200},
		{"an old record", 11 * time.Second, 2, 200},
		{"a key that isn't known here", 0, 2, 503},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newHarness(t)
			key := b.add(t, 1, nil)
			if tt.age > 0 {
				b.status(t, key)
				b.clock.advance(tt.age)
			}
			b.store.fail = func(apikey.Hash) error {
				return errors.Join(errors.New("gate: reading a record"), &types.ProvisionedThroughputExceededException{})
			}
			b.store.reads = 0
			if status := b.status(t, key); status != tt.status || b.store.reads != tt.reads || b.reconnects != 0 {
				t.Errorf("status %d after %d reads and %d new connections", status, b.store.reads, b.reconnects)
			}
		})
	}
}

// TestAHotKeysEnvironmentsDoNotComeBackAsAHerd counts what the store is asked after an outage, by a hundred environments
// that all use one key.
func TestAHotKeysEnvironmentsDoNotComeBackAsAHerd(t *testing.T) {
	const step, envs = 50 * time.Millisecond, 100
	random := rand.New(rand.NewPCG(5, 5))
	var all []*harness
	var payload []byte // the environments have the same keys
	for range envs {
		b := newHarness(t)
		b.gate.records.breaker.shorten = func(d time.Duration) time.Duration { return d - time.Duration(random.Int64N(int64(d/4))) }
		payload = tileEvent(b.add(t, 1, nil))
		b.call(t, payload)
		b.down()
		all = append(all, b)
	}
	tick := func() (reads int) {
		for _, b := range all {
			b.clock.advance(step)
			before := b.store.reads
			if _, err := b.gate.Invoke(time.Time{}, payload); err != nil {
				t.Fatal(err)
			}
			reads += b.store.reads - before
		}
		return reads
	}
	for range 20 * int(time.Second/step) {
		tick()
	}
	for _, b := range all {
		b.up()
	}
	most, reads := 0, 0
	for range 5 * int(time.Second/step) {
		n := tick()
		most, reads = max(most, n), reads+n
	}
	t.Logf("at most %d of %d reads in %v", most, reads, step)
	if reads < envs || reads > 3*envs {
		t.Errorf("%d reads in the first 5 s", reads)
	}
	// Each waits up to 4 s, shortened by up to a quarter at random; what is read together then stays together.
	if most > envs/4 {
		t.Errorf("%d of %d environments came at once", most, envs)
	}
}

// thawed is a store whose connections of before a moment are dead: they take a request and never answer.
type thawed struct {
	dead   atomic.Int64 // connections up to this number are
	opened atomic.Int64
	until  chan struct{}
}

func (s *thawed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Context().Value(connection{}).(int64) <= s.dead.Load() {
		select {
		case <-s.until:
		case <-r.Context().Done():
		}
		return
	}
	_, _ = w.Write([]byte("{}"))
}

type connection struct{}

// gateOn is a gate with the parts that it has in a stack, and a store under another address.
func gateOn(t *testing.T, url string) *Gate {
	t.Helper()
	env := map[string]string{
		"GATE_TABLE": "gate", "LEASES_TABLE": "leases", "QUOTAS_TABLE": "quotas", "SLICES_TABLE": "slices", "USAGE_PLAN_KEY": "key", "METRICS_NAMESPACE": "Latchkey/tests", "AWS_REGION": "eu-west-1",
		"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "s", "DYNAMODB_ENDPOINT": url,
	}
	get := func(name string) string { return env[name] }
	c, err := configFrom(get)
	if err != nil {
		t.Fatal(err)
	}
	return newGate(c, awsDeps(c, &strings.Builder{}))
}

// TestTheStoresClientRepeatsNoCallOfTheGate: each is made once where the gate makes it once. What may have been written would take tokens again,
// and a call would wait for what nobody counts.
func TestTheStoresClientRepeatsNoCallOfTheGate(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ TableName string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		mu.Lock()
		asked[body.TableName]++
		mu.Unlock()
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte(`{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}`))
	}))
	defer server.Close()
	g := gateOn(t, server.URL)
	if _, _, err := g.store.Policy(t.Context(), secret(t, 1).Hash()); err == nil {
		t.Error("a record that can't be read")
	}
	if _, _, err := g.store.Account(t.Context(), "acc_1"); err == nil {
		t.Error("an account that can't be read")
	}
	if a := g.limiter.Admit(t.Context(), &limits{key: "key_1", class: "search", qps: 10, left: time.Minute}); !a.Degraded {
		t.Errorf("a lease: %+v", a)
	}
	of := []quota.Limit{{Name: quota.Name{Scope: "key_1", Group: "tiles"}, Day: 10}}
	if r := g.quotas.admit(t.Context(), of, g.clock.now(), time.Minute); !r.Suspended {
		t.Errorf("a quota: %+v", r)
	}
	c := g.recorder.(*counter)
	c.Count(g.clock.now(), &outcome{Key: "key_1", Account: "acc_1", Decision: authz.Decision{Code: authz.Allowed}})
	if err := c.report(t.Context(), g.clock.now()); err == nil {
		t.Error("a report that wasn't written is none that failed")
	}
	if want := map[string]int{"gate": 2, "leases": 1, "quotas": 1, "slices": 1}; !maps.Equal(asked, want) {
		t.Errorf("asked %v, want %v", asked, want)
	}
}

func TestAConnectionThatDiedWhileFrozenCostsOneAttemptAndIsReplaced(t *testing.T) {
	s := &thawed{until: make(chan struct{})}
	server := httptest.NewUnstartedServer(s)
	server.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, connection{}, s.opened.Add(1))
	}
	server.Start()
	defer server.Close()
	defer close(s.until)
	g := gateOn(t, server.URL)
	ask := func(n uint64) (authz.Code, time.Duration) {
		began := time.Now()
		_, code := g.records.lookup(t.Context(), g.clock.now(), secret(t, n).Hash())
		return code, time.Since(began)
	}
	if code, _ := ask(1); code != authz.KeyUnknown {
		t.Fatal(code)
	}
	// A read may dial again though a connection is there, if that comes back too late from the read before.
	for n := range uint64(50) {
		opened := s.opened.Load()
		s.dead.Store(opened)
		code, took := ask(10 + n)
		if code != authz.KeyUnknown || took > readBudget {
			t.Fatalf("%s after %v", code, took)
		}
		if took < firstAttempt {
			continue
		}
		if s.opened.Load() != opened+1 {
			t.Errorf("%d new connections", s.opened.Load()-opened)
		}
		if code, took := ask(2); code != authz.KeyUnknown || took > firstAttempt {
			t.Errorf("the next read: %s after %v", code, took)
		}
		return
	}
	t.Error("no read used the connection of the one before")
}

func TestASecretWhereAHostBelongsIsNeitherLoggedNorCounted(t *testing.T) {
	b, w := countingHarness(t)
	key := b.add(t, 1, func(p *authz.Policy) { p.Domains = []string{"example.com"} })
	for _, origin := range []string{"https://" + strings.ToLower(key), "https://a." + strings.ToLower(key) + ".example"} {
		b.call(t, event(tile, map[string]string{"Origin": origin}, map[string]string{"key": key}))
	}
	b.call(t, event(tile, map[string]string{"Origin": "https://my_page.example"}, map[string]string{"key": key}))
	b.gate.Close()
	if strings.Contains(b.out.String(), "ak_") || !strings.Contains(b.out.String(), "my_page.example") {
		t.Errorf("logged\n%s", b.out)
	}
	for d := range w.total() {
		if strings.Contains(string(d), "ak_") {
			t.Errorf("counted %s", d)
		}
	}
}
