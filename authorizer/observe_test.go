package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/product"
	"latchkey/shared/telemetry"
)

// lines reads what the gate wrote: JSON objects, one a line.
func lines(t *testing.T, out *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, line := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, m)
	}
	return all
}

// TestTheLogHasAFewOfMany: of each code of calls without a known key, and of the allowed ones, the first of a hundred; of a known
// key's refusals up to 50 an hour. The metric has the rest.
func TestTheLogHasAFewOfMany(t *testing.T) {
	b := newHarness(t)
	good, other := b.add(t, 1, nil), b.add(t, 2, func(p *authz.Policy) { p.Disabled = true })
	refuse := func(key string) { b.call(t, event("/search/../x", nil, map[string]string{"key": key})) }
	for n := range 2 * sampleEvery {
		b.status(t, good)
		b.status(t, secret(t, 100+uint64(n)).Reveal())
		b.call(t, event(tile, nil, nil))
		refuse(good)
	}
	b.status(t, "ak_malformed")
	refuse(other)
	b.clock.advance(time.Hour)
	refuse(good)
	b.gate.Close()
	codes, samples, unlogged := map[any]int{}, 0, 0.0
	for _, line := range lines(t, b.out) {
		if line["_aws"] != nil {
			if n, ok := line["RefusalsUnlogged"].(float64); ok {
				unlogged += n
			}
			continue
		}
		codes[line["code"]]++
		if line["sample"] == float64(sampleEvery) {
			samples++
		}
	}
	want := map[any]int{"allowed": 2, "key_unknown": 2, "key_missing": 2, "key_malformed": 1, "path_not_canonical": 51, "key_disabled": 1}
	if !maps.Equal(codes, want) || samples != 7 {
		t.Errorf("lines by code: %v, %d samples", codes, samples)
	}
	if refusals := 3*2*sampleEvery + 3; unlogged != float64(refusals-57) {
		t.Errorf("%v of %d refusals are counted as not logged", unlogged, refusals)
	}
}

// TestAKnownKeyHasFiftyLinesInEachHour of the clock, however its refusals lie in the hour, and whatever other keys have.
func TestAKnownKeyHasFiftyLinesInEachHour(t *testing.T) {
	for _, every := range []time.Duration{time.Second, time.Minute, 70 * time.Second} {
		var l requestLog
		hour := newManualClock().at
		hour.wall = hour.wall.Truncate(time.Hour)
		for n := range 3 {
			logged := map[apikey.ID]int{}
			for at := time.Duration(0); at < time.Hour; at += every {
				now := moment{wall: hour.wall.Add(at), mono: hour.mono + at}
				for _, key := range []apikey.ID{"key_1", "key_2"} {
					if l.takesRefusal(now, key) {
						logged[key]++
					}
				}
			}
			if want := min(50, int((time.Hour+every-1)/every)); logged["key_1"] != want || logged["key_2"] != want {
				t.Errorf("hour %d, one every %v: %v lines, want %d of each", n, every, logged, want)
			}
			hour = moment{wall: hour.wall.Add(time.Hour), mono: hour.mono + time.Hour}
		}
	}
}

// TestKeysWithLinesOfTheirOwnAreBounded: those that come after have none, but are counted.
func TestKeysWithLinesOfTheirOwnAreBounded(t *testing.T) {
	var l requestLog
	logged := 0
	for n := range maxLoggedKeys + 10 {
		if l.takesRefusal(moment{}, apikey.ID(fmt.Sprint(n))) {
			logged++
		}
	}
	if logged != maxLoggedKeys || !l.takesRefusal(moment{}, "7") || len(l.refusals) != maxLoggedKeys {
		t.Errorf("%d keys have lines", logged)
	}
}

// TestALineSaysWhichCallItWas: by the path, masked, and by both of the gateway's IDs.
func TestALineSaysWhichCallItWas(t *testing.T) {
	b := newHarness(t)
	good := b.add(t, 1, nil)
	b.status(t, good)
	payload := bytes.Replace(event("/map/x//"+good+"/y", nil, map[string]string{"key": good}), []byte(`"requestId":"req-1"`), []byte(`"requestId":"req-1","extendedRequestId":"Ext="`), 1)
	b.call(t, payload)
	all := lines(t, b.out)
	if all[0]["path"] != tile || all[0]["extended_request_id"] != nil {
		t.Errorf("%v", all[0])
	}
	b.call(t, bytes.Replace(event(tile, nil, nil), []byte(`"req-1"`), []byte(`"x`+good+`"`), 1))
	b.store.fail = func(apikey.Hash) error { panic("boom") }
	b.call(t, bytes.Replace(tileEvent(secret(t, 3).Reveal()), []byte(`"req-1"`), []byte(`"`+strings.ToUpper(good)+`"`), 1))
	for _, chosen := range lines(t, b.out)[2:] {
		if chosen["request_id"] != "[masked]" {
			t.Errorf("%v", chosen)
		}
	}
	if all[1]["path"] != "/map/x//[masked]/y" || all[1]["request_id"] != "req-1" || all[1]["extended_request_id"] != "Ext=" {
		t.Errorf("%v", all[1])
	}
}

func TestALineHasTheKeysOfTheCall(t *testing.T) {
	b := newHarness(t)
	good := b.add(t, 1, nil)
	b.status(t, good)
	b.status(t, secret(t, 2).Reveal())
	b.call(t, event("/search/../x", nil, map[string]string{"key": good}))
	codes := map[any]int{}
	for _, line := range lines(t, b.out) {
		codes[line["code"]]++
		if line["request_id"] != "req-1" || line["timestamp"] != "2026-11-21T12:00:00.000Z" {
			t.Errorf("line %v", line)
		}
	}
	if codes["allowed"] != 1 || codes["key_unknown"] != 1 || codes["path_not_canonical"] != 1 {
		t.Errorf("lines by code: %v", codes)
	}
}

// TestTheGatesLinesHaveTheKeysOfEveryOtherFunctions: so one query finds the lines of all of them, and those of a call.
func TestTheGatesLinesHaveTheKeysOfEveryOtherFunctions(t *testing.T) {
	var other bytes.Buffer
	telemetry.Logger(&other, "info").Info("request", telemetry.RequestKey, "req-1")
	want := slices.Sorted(maps.Keys(lines(t, &other)[0]))

	b := newHarness(t)
	good := b.add(t, 1, nil)
	b.status(t, good)             // a sample
	b.status(t, "ak_malformed")   // a refusal
	b.call(t, []byte(`{"broken`)) // no event
	b.store.fail = func(apikey.Hash) error { panic("boom") }
	b.status(t, secret(t, 2).Reveal())
	found := map[string]bool{}
	for _, line := range lines(t, b.out) {
		found[fmt.Sprint(line["level"], " ", line["message"], " ", line["request_id"])] = true
		if line["timestamp"] != "2026-11-21T12:00:00.000Z" {
			t.Errorf("the time isn't the gate's own: %v", line)
		}
		for _, key := range want {
			if _, ok := line[key].(string); !ok {
				t.Errorf("%v has no %s", line, key)
			}
		}
	}
	for _, line := range []string{"INFO allowed req-1", "WARN refused req-1", "ERROR authorizer error ", "ERROR authorizer error req-1"} {
		if !found[line] {
			t.Errorf("no line %q among %v", line, found)
		}
	}
}

func TestLogsHoldNothingOfTheCallersButAHostAndAPath(t *testing.T) {
	b := newHarness(t)
	good := b.add(t, 1, func(p *authz.Policy) { p.Domains = []string{"example.com"} })
	hostile := []string{good, "?key=" + good, `"}` + "\n" + `{"forged":true`, "https://evil.example/" + good, "https://" + good + "@evil.example"}
	for _, text := range hostile {
		b.call(t, event("/map/"+good+"/"+text, map[string]string{"Origin": text, "Referer": text, "User-Agent": text}, map[string]string{"key": good, "x": text}))
		b.call(t, event(tile, map[string]string{"X-Api-Key": text}, map[string]string{"q": text}))
	}
	b.gate.Close()
	lines(t, b.out) // every line is one object
	if strings.Contains(b.out.String(), good) || strings.Contains(b.out.String(), good[3:]) || strings.Contains(b.out.String(), `"forged"`) {
		t.Errorf("the log holds what the caller sent:\n%s", b.out)
	}
}

func TestMetricsAddUpAndComeOnceAMinute(t *testing.T) {
	b := newHarness(t)
	good := b.add(t, 1, func(p *authz.Policy) {
		p.Proposed = &apikey.Proposal{Domains: &[]string{"example.com"}}
	})
	b.store.delay = 4 * time.Millisecond
	for range 500 { // 75 s
		b.status(t, good)
		b.status(t, "ak_malformed")
		b.clock.advance(150 * time.Millisecond)
	}
	b.down()
	b.clock.advance(6 * time.Second)
	b.status(t, good)
	b.gate.Close()
	sums, flushes, latencies := map[string]float64{}, 0, 0
	for _, line := range lines(t, b.out) {
		if line["_aws"] == nil {
			continue
		}
		if code, ok := line["Code"].(string); ok {
			sums[code] += line["Decisions"].(float64)
			continue
		}
		flushes++
		for name, value := range line {
			if n, ok := value.(float64); ok {
				sums[name] += n
			}
		}
		if list, ok := line["StoreLatency"].([]any); ok {
			for _, took := range list {
				latencies++
				if took != 4.0 && latencies != 2 { // the first read of the account's record, which this store answers at once
					t.Errorf("a read took %v ms", took)
				}
			}
			head, _ := json.Marshal(line["_aws"])
			if !strings.Contains(string(head), `{"Name":"StoreLatency","Unit":"Milliseconds"}`) {
				t.Errorf("the latencies aren't announced: %s", head)
			}
		}
	}
	want := map[string]float64{
		"allowed": 501, "key_malformed": 500, "CacheHits": 485, "CacheMisses": 16, "StoreReads": 17 + 16, "StoreErrors": 2 + 1, "StaleServes": 1,
		"ShadowRefusals": 501, "LimiterDegraded": 0, "UnreadableRecords": 0,
	}
	if latencies != 17+1 {
		t.Errorf("%d latencies of the 17 reads of the key's record and the first one of the account's; the others are beside it", latencies)
	}
	for name, n := range want {
		if sums[name] != n {
			t.Errorf("%s: %v, want %v", name, sums[name], n)
		}
	}
	if flushes != 2 {
		t.Errorf("%d reports in 75 s and at the end, want 2", flushes)
	}
}

// scripted limits and records as the test sets it.
type scripted struct {
	answer  admission
	asked   []int
	classes []product.Class
	seen    []outcome
	flushed int
}

func (s *scripted) Admit(_ context.Context, of *limits) admission {
	s.asked, s.classes = append(s.asked, of.qps), append(s.classes, of.class)
	return s.answer
}

func (*scripted) GiveBack(*limits, admission) {}

func (s *scripted) Count(_ moment, o *outcome) int {
	s.seen = append(s.seen, *o)
	return 0
}

func (s *scripted) Report(moment, time.Time, bool) reported { return reported{} }

func (s *scripted) Flush(context.Context) { s.flushed++ }

func TestTheLimiterIsAskedLastAndWithTheLimitInForce(t *testing.T) {
	b := newHarness(t)
	s := &scripted{answer: admission{Admitted: true, Degraded: true}}
	b.gate.limiter, b.gate.recorder = s, s
	normal := b.add(t, 1, nil)
	own := b.add(t, 2, func(p *authz.Policy) { p.Limits = []apikey.Limit{{Class: "map-display.tiles", QPS: 3}} })
	locked := b.add(t, 3, func(p *authz.Policy) { p.Domains = []string{"example.com"} })
	for _, key := range []string{normal, own, locked, "ak_x"} {
		b.status(t, key)
	}
	if len(s.asked) != 2 || s.asked[0] != 1000 || s.asked[1] != 3 || s.classes[0] != "map-display.tiles" {
		t.Errorf("asked for %v of %v", s.asked, s.classes)
	}
	if b.gate.metrics.limiterDegraded != 2 {
		t.Errorf("degraded: %d", b.gate.metrics.limiterDegraded)
	}
	var codes []authz.Code
	for _, o := range s.seen {
		codes = append(codes, o.Decision.Code)
		if o.Decision.Product != "map-display" {
			t.Errorf("%s is not counted under the path's product", o.Decision.Code)
		}
	}
	if len(codes) != 4 || codes[1] != authz.Allowed || codes[2] != authz.OriginMissing || codes[3] != authz.KeyMalformed {
		t.Errorf("recorded %v", codes)
	}
	b.gate.Close()
	if s.flushed != 1 {
		t.Error("closing doesn't flush")
	}
}

func TestOverTheLimitIs429WithItsWaitOr403ByChoice(t *testing.T) {
	b := newHarness(t)
	b.gate.limiter = &scripted{answer: admission{RetryAfter: 3}}
	key := b.add(t, 1, nil)
	if status, context := b.call(t, tileEvent(key)); status != 429 || context["retryAfter"] != "3" || context["code"] != "qps_exceeded" {
		t.Errorf("%d %v", status, context)
	}
	b.gate.denyOver = true
	if status, context := b.call(t, tileEvent(key)); status != 403 || context["code"] != "qps_exceeded" {
		t.Errorf("%d %v", status, context)
	}
}

func TestConfigRefusesToGuess(t *testing.T) {
	good := map[string]string{"GATE_TABLE": "gate", "LEASES_TABLE": "leases", "QUOTAS_TABLE": "quotas", "SLICES_TABLE": "slices", "USAGE_PLAN_KEY": "key", "METRICS_NAMESPACE": "Latchkey/tests", "AWS_REGION": "eu-west-1", "DYNAMODB_ENDPOINT": "https://dynamodb.eu-west-1.amazonaws.com"}
	with := func(name, value string) func(string) string {
		return func(n string) string {
			if n == name {
				return value
			}
			return good[n]
		}
	}
	for name, value := range map[string]string{"GATE_TABLE": "", "LEASES_TABLE": "", "QUOTAS_TABLE": "", "SLICES_TABLE": "", "USAGE_PLAN_KEY": "", "METRICS_NAMESPACE": "", "OVER_LIMIT": "430", "KEY_PREFIX": "A B", "OUTAGE_BOUND_MINUTES": "0", "AWS_REGION": "", "DYNAMODB_ENDPOINT": "https://dynamodb.example/path"} {
		if _, err := configFrom(with(name, value)); !errors.Is(err, errConfig) {
			t.Errorf("%s=%q: %v", name, value, err)
		}
	}
	c, err := configFrom(with("OVER_LIMIT", "403"))
	if err != nil || !c.denyOver || c.prefix != "ak" {
		t.Errorf("%+v %v", c, err)
	}
}

// TestTheOutageBoundIsAMinuteToThreeHours, and a quarter of an hour where nothing is said.
func TestTheOutageBoundIsAMinuteToThreeHours(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 15 * time.Minute, "1": time.Minute, "15": 15 * time.Minute, "180": 3 * time.Hour} {
		if got, err := outageBound(text); err != nil || got != want {
			t.Errorf("%q: %v %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"0", "-1", "181", "1.5", "15m", " 15", "99999999999999999999", "32768"} {
		if got, err := outageBound(text); !errors.Is(err, errConfig) {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
}

func TestACallThatHitsTheCacheAllocatesNothing(t *testing.T) {
	b := newHarness(t)
	key := b.add(t, 1, func(p *authz.Policy) { p.Domains = []string{"*.example.com"} })
	payload := event(tile, map[string]string{"Origin": "https://a.example.com", "Referer": "https://a.example.com/"}, map[string]string{"key": key})
	n := testing.AllocsPerRun(1000, func() {
		if _, err := b.gate.Invoke(time.Time{}, payload); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTheGateLinksNoTablesOfNames(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range strings.Fields(string(out)) {
		for _, heavy := range []string{"golang.org/x/net/idna", "golang.org/x/net/publicsuffix", "feature/dynamodb/attributevalue", "feature/dynamodb/expression", "aws-sdk-go-v2/config", "log/slog/json"} {
			if strings.HasSuffix(pkg, heavy) && !strings.HasPrefix(pkg, "vendor/") { // net/http has an idna of its own
				t.Errorf("links %s", pkg)
			}
		}
	}
}

func BenchmarkInvokeHit(b *testing.B) {
	g := newHarness(b)
	payload := tileEvent(g.add(b, 1, nil))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.gate.Invoke(time.Time{}, payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInvokeUnknown(b *testing.B) {
	g := newHarness(b)
	ctx := b.Context()
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		g.gate.records.lookup(ctx, g.gate.clock.now(), hashOf(n))
	}
}

// of counts what a code has.
func (c codeCounts) of(code authz.Code) (n int) {
	for _, one := range c {
		if one.code == code {
			n += one.n
		}
	}
	return n
}
