package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/thresholds"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/keytest"
	"latchkey/shared/origin/entry"
	"latchkey/shared/origin/suffix"
	"latchkey/shared/product"
	"latchkey/shared/telemetry"
)

// harness is the jobs on a store.
type harness struct {
	keytest.Stores
	*jobs
	out *keytest.Buffer
	at  time.Time // now
}

func newHarness(t testing.TB) *harness { return newHarnessOn(t, keytest.Open(t)) }

func newHarnessOn(t testing.TB, stores keytest.Stores) *harness {
	r := &harness{Stores: stores, at: keytest.Now, jobs: &jobs{store: stores.Control, products: product.Default()}}
	r.source = env.Source{Now: func() time.Time { return r.at }, Rand: keytest.RandomOf(t)}
	r.forget()
	r.billing, r.filler = billingOn(stores), quotas.NewFiller(stores.DB, stores.Tables.Quotas)
	r.thresholds = &thresholds.Teller{Store: stores.Control, Rows: r.billing.counters, Quotas: quotas.NewReader(stores.DB.(quotas.BatchClient), stores.Tables.Quotas), Products: r.products, Source: r.source}
	return r
}

// forget begins an empty log.
func (r *harness) forget() {
	r.out = &keytest.Buffer{}
	r.log, r.metrics = newLog(r.out), telemetry.Metrics{Namespace: "Latchkey/tests", Out: r.out}
}

func (r *harness) run(t *testing.T) found {
	t.Helper()
	answer, err := r.handle(t.Context(), json.RawMessage(`{"job":"suffixes"}`))
	if err != nil {
		t.Fatal(err)
	}
	return answer.(found)
}

// reported are the patterns that the log names, by key, and the value of the metric; -1 is none.
func (r *harness) reported(t *testing.T) (named map[apikey.ID]string, metric int) {
	t.Helper()
	named, metric = map[apikey.ID]string{}, -1
	for line := range strings.Lines(r.out.String()) {
		var l struct {
			Msg    string    `json:"msg"`
			Key    apikey.ID `json:"key_id"`
			Named  string    `json:"named"`
			Metric *float64  `json:"WidePatterns"`
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if l.Msg == "patterns of many owners" {
			named[l.Key] = l.Named
		}
		if l.Metric != nil {
			metric = int(*l.Metric)
		}
	}
	return named, metric
}

func withDomains(domains ...string) func(*apikey.Key) {
	return func(k *apikey.Key) { k.Domains = apikey.Set(domains) }
}

func TestStoredPatternsThatCoverPagesOfManyOwnersAreReported(t *testing.T) {
	r := newHarness(t)
	a, b := r.NewAccount(t), r.NewAccount(t)
	want := map[apikey.ID]string{}
	for _, domains := range [][]string{
		{"*.chatgpt.site"}, {"*.amazonaws.com", "example.com"}, {"https://*.github.io:8443"}, {"*.co.uk", "*.eu-west-1.amazonaws.com"}, {"*.anything.ck"},
	} {
		want[r.NewKey(t, a, withDomains(domains...)).ID] = strings.Join(slices.DeleteFunc(apikey.Set(domains), func(s string) bool { return s == "example.com" }), " ")
	}
	proposed := r.NewKey(t, b, func(k *apikey.Key) {
		k.Proposed = &apikey.Proposal{Domains: &[]string{"*.windows.net"}, Since: keytest.Now}
	})
	want[proposed.ID] = "*.windows.net"
	for _, domains := range [][]string{
		nil, {"example.com"}, {"*.example.com"}, {"amazonaws.com"}, {"github.io"}, {"*.bucket.s3.amazonaws.com"}, {"*.www.ck"}, {"localhost", "[::1]", "192.0.2.1"}, {"capacitor://localhost"},
	} {
		r.NewKey(t, b, withDomains(domains...))
	}
	s := r.run(t)
	named, metric := r.reported(t)
	if len(named) != len(want) || metric != len(want) || s.Wide != len(want) || s.Patterns != len(want)+1 || s.Keys != 15 || s.Failed != 0 || s.More || s.List != suffix.Date() {
		t.Errorf("%+v, metric %d, named %v", s, metric, named)
	}
	for id, patterns := range want {
		if named[id] != patterns {
			t.Errorf("%s: %q, want %q", id, named[id], patterns)
		}
	}
}

// TestTheJobFindsWhatSavingRefuses: the two ask the same table, so no pattern is refused for new keys and unseen on old ones.
func TestTheJobFindsWhatSavingRefuses(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	refused := 0
	for _, name := range []string{"amazonaws.com", "s3.amazonaws.com", "bucket.s3.amazonaws.com", "example.com", "co.uk", "www.ck", "x.ck", "on.aws", "city.kobe.jp", "kobe.jp", "a.b.example"} {
		id := r.NewKey(t, a, withDomains("*."+name)).ID
		_, err := entry.Parse("*." + name)
		if err != nil {
			refused++
		}
		r.forget()
		r.run(t)
		if named, _ := r.reported(t); (named[id] != "") != (err != nil) {
			t.Errorf("*.%s is saved with %v, and reported as %q", name, err, named[id])
		}
	}
	if refused != 6 {
		t.Errorf("%d are refused", refused)
	}
}

// TestKeysThatOpenNothingAreNotReported: a revoked key stays as it is for ever, and would hold the alarm.
func TestKeysThatOpenNothingAreNotReported(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	wide := withDomains("*.amazonaws.com")
	r.NewKey(t, a, wide, func(k *apikey.Key) { k.RevokedAt = keytest.Now })
	r.NewKey(t, a, wide, func(k *apikey.Key) { k.DeletedAt = keytest.Now })
	if s := r.run(t); s.Wide != 0 || s.Keys != 2 {
		t.Errorf("%+v", s)
	}
	// These can be used again by a change of their owner.
	r.NewKey(t, a, wide, func(k *apikey.Key) { k.Disabled = true })
	r.NewKey(t, a, wide, func(k *apikey.Key) { k.ExpiresAt = keytest.Now.Add(-time.Hour) })
	if s := r.run(t); s.Wide != 2 {
		t.Errorf("%+v", s)
	}
}

func TestABadRecordStopsNoReport(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	keys := []apikey.Key{r.NewKey(t, a, withDomains("*.amazonaws.com")), r.NewKey(t, a), r.NewKey(t, a, withDomains("*.github.io"))}
	if err := keytest.PutRaw(t.Context(), r.DB, r.Tables.Control, dynamo.Item{
		"pk": dynamo.S("A#" + string(a.ID)), "sk": dynamo.S("KEY#" + string(keys[1].ID)), "kind": dynamo.S("key"), "v": dynamo.N(99),
		"id": dynamo.S(string(keys[1].ID)), "account": dynamo.S(string(a.ID)),
	}); err != nil {
		t.Fatal(err)
	}
	if s := r.run(t); s.Wide != 2 || s.Failed != 1 || s.Keys != 3 {
		t.Errorf("%+v", s)
	}
}

// listed is a store with these keys, one after the other; it waits before each.
type listed struct {
	store
	keys []apikey.Key
	wait func(i int)
}

func (l listed) EachKey(_ context.Context, yield func(apikey.Key, error) error) error {
	for i, k := range l.keys {
		if l.wait != nil {
			l.wait(i)
		}
		if err := yield(k, nil); err != nil {
			return err
		}
	}
	return nil
}

func TestAPatternThatCannotBeReadStopsNoReport(t *testing.T) {
	r := newHarness(t)
	a := keytest.AccountID()
	r.store = listed{keys: []apikey.Key{keytest.Key(a, withDomains("", "*", "*.", "*.EXAMPLE.com", "*.github.io")), keytest.Key(a, withDomains("*.co.uk"))}}
	if s := r.run(t); s.Wide != 2 || s.Failed != 4 {
		t.Errorf("%+v", s)
	}
}

// TestAKeyIsOneLine: however many patterns it has.
func TestAKeyIsOneLine(t *testing.T) {
	r := newHarness(t)
	var many []string
	for i := range apikey.MaxDomains {
		many = append(many, fmt.Sprintf("https://*.amazonaws.com:%d", i+1))
	}
	k := keytest.Key(keytest.AccountID(), withDomains(many...))
	r.store = listed{keys: []apikey.Key{k}}
	s := r.run(t)
	named, _ := r.reported(t)
	if s.Patterns != apikey.MaxDomains || len(strings.Fields(named[k.ID])) != maxNamed || strings.Count(r.out.String(), "\n") != 3 {
		t.Errorf("%+v %q", s, r.out)
	}
}

// TestARunThatEndsEarlySaysSo: it fails, so that the alarm hears of it, and measures nothing, so that nobody takes a part
// for the whole. The next run does it all.
func TestARunThatEndsEarlySaysSo(t *testing.T) {
	r := newHarness(t)
	a := keytest.AccountID()
	keys := []apikey.Key{keytest.Key(a, withDomains("*.co.uk")), keytest.Key(a, withDomains("*.co.uk")), keytest.Key(a, withDomains("*.co.uk"))}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r.store = listed{keys: keys, wait: func(i int) {
		if i == 2 {
			cancel()
		}
	}}
	answer, err := r.handle(ctx, json.RawMessage(`{"job":"suffixes"}`))
	if s, _ := answer.(found); !errors.Is(err, errTimeUp) || !s.More || s.Keys != 2 {
		t.Errorf("%+v, %v", answer, err)
	}
	if _, metric := r.reported(t); metric != -1 {
		t.Errorf("a part is measured as %d", metric)
	}
	r.store = listed{keys: keys}
	r.forget()
	if s := r.run(t); s.Wide != 3 || s.More {
		t.Errorf("%+v", s)
	}
	late, cancel := context.WithTimeout(t.Context(), margin/2)
	defer cancel()
	if _, err := r.handle(late, json.RawMessage(`{"job":"suffixes"}`)); !errors.Is(err, errTimeUp) {
		t.Errorf("with less than its margin left: %v", err)
	}
}

// TestAStoreThatFailsFailsTheRun: nothing is measured, and the next run finds what this one would have.
func TestAStoreThatFailsFailsTheRun(t *testing.T) {
	db, tables := keytest.NewMemory()
	db.PageSize = 3
	for fail := 1; fail <= 3; fail++ {
		stores := keytest.NewStores(db, tables)
		well := newHarnessOn(t, stores)
		a := well.NewAccount(t)
		for range 7 {
			well.NewKey(t, a, withDomains("*.amazonaws.com"))
		}
		faults := keytest.NewFaults(db, func(_ string, n int) keytest.Fault {
			if n == fail {
				return keytest.Before
			}
			return keytest.NoFault
		})
		broken := newHarnessOn(t, keytest.NewStores(faults, tables))
		if answer, err := broken.handle(t.Context(), json.RawMessage(`{"job":"suffixes"}`)); err == nil {
			t.Errorf("call %d failed: %+v", fail, answer)
		}
		if _, metric := broken.reported(t); metric != -1 {
			t.Errorf("a run that failed measures %d", metric)
		}
		if s := well.run(t); s.Wide != 7*fail {
			t.Errorf("%+v", s)
		}
	}
}

// TestTheJobWritesNothing: it may only query, by its role.
func TestTheJobWritesNothing(t *testing.T) {
	db, tables := keytest.NewMemory()
	stores := keytest.NewStores(db, tables)
	r := newHarnessOn(t, stores)
	r.NewKey(t, r.NewAccount(t), withDomains("*.amazonaws.com"))
	watched := newHarnessOn(t, keytest.NewStores(keytest.NewFaults(db, func(call string, _ int) keytest.Fault {
		if call != "Query" {
			t.Errorf("the job calls %s", call)
		}
		return keytest.NoFault
	}), tables))
	if s := watched.run(t); s.Wide != 1 {
		t.Errorf("%+v", s)
	}
}

func TestOnlyAJobThatIsNamedRuns(t *testing.T) {
	r := newHarness(t)
	for _, raw := range []string{
		``, `{}`, `null`, `{"job":""}`, `{"job":"suffix"}`, `{"job":"rotation"}`, `{"job":"suffixes","repair":true}`,
		`{"Job":"suffixes"}`, `{"JOB":"suffixes"}`, `{"job":"drift","job":"suffixes"}`, `{"job":"suffixes"} {}`, `{"job":"suffixes","Job":"suffixes"}`, `[]`, `"suffixes"`,
	} {
		if answer, err := r.handle(t.Context(), json.RawMessage(raw)); !errors.Is(err, errJob) || answer != nil {
			t.Errorf("%s: %v, %v", raw, answer, err)
		}
	}
	if r.out.String() != "" {
		t.Errorf("%s", r.out)
	}
}

// The alarm is evaluated in infra/contract, on what is kept here.
func TestTheJobMeasuresTheTroubleThatItsAlarmIsFor(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	r.NewKey(t, a, withDomains("*.example.com"))
	r.run(t)
	keytest.KeepMetrics(t, "healthy", r.out.String())
	r.forget()
	r.NewKey(t, a, withDomains("*.amazonaws.com"))
	r.run(t)
	keytest.KeepMetrics(t, "WidePatterns", r.out.String())
}

func TestTheFunctionStartsWithItsTablesAlone(t *testing.T) {
	vars := map[string]string{
		"CONTROL_TABLE": "control", "COUNTERS_TABLE": "counters", "SLICES_TABLE": "slices", "STATEMENTS_TABLE": "statements", "QUOTAS_TABLE": "quotas",
		"METRICS_NAMESPACE": "Latchkey/tests", "AWS_REGION": "eu-central-1", "DYNAMODB_ENDPOINT": "http://127.0.0.1:1",
	}
	if _, err := newJobs(func(name string) string { return vars[name] }, os.Stderr); err != nil {
		t.Error(err)
	}
	delete(vars, "CONTROL_TABLE")
	if _, err := newJobs(func(name string) string { return vars[name] }, os.Stderr); err == nil || !strings.Contains(err.Error(), "CONTROL_TABLE") {
		t.Errorf("without its table: %v", err)
	}
}
