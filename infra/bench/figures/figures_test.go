package figures

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
)

func near(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if math.Abs(got-want) > share*want {
		t.Errorf("%s: %.4g, want %.4g and at most %.0f %% from it", what, got, want, 100*share)
	}
}

func TestAMillionCallsCostWhatLambdaBills(t *testing.T) {
	for _, c := range []struct {
		memory, cpu, wait float64
		billed, dollars   float64
	}{
		{1769, 1e-3, 0, 1, 0.20 + 1769.0/1024*1000*0.0000133},
		{3538, 1e-3, 0, 1, 0.20 + 3538.0/1024*1000*0.0000133}, // one thread has no use for a second processor
		{1769, 1.01e-3, 0, 2, 0.20 + 1769.0/1024*2000*0.0000133},
		{512, 0, 0, 0, 0.20},
		{512, 100e-6, 0, 1, 0.20 + 0.5*1000*0.0000133},
		{128, 100e-6, 0, 2, 0.20 + 0.125*2000*0.0000133},
		{128, 0, 4e-3, 4, 0.20 + 0.125*4000*0.0000133}, // waiting needs no processor
	} {
		got := CostOf(c.memory, c.cpu, c.wait)
		if got.Billed != c.billed || math.Abs(got.Sum-c.dollars) > 1e-9 {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

// The first of the loads is what the promise is about. The parts add up to what is shown, and traffic of more keys costs more.
func TestDenseTrafficCostsWhatIsPromised(t *testing.T) {
	keytest.OneAtATime(t)
	s, err := Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	last := 0.0
	for i, l := range Traffic() {
		d := l.Bill(l.Ask(s))
		all := d.OneLimitOneQuota()
		if i == 0 && (l.Keys != 1 || all > MostDense) {
			t.Errorf("%s: %.3f dollars a million calls, of at most %.2f", l.Name, all, MostDense)
		}
		if parts := d.Gate + d.Reads + d.Leases + d.Usage + d.Quotas; math.Abs(all-parts) > 1e-9 || min(d.Gate, d.Reads, d.Leases, d.Usage, d.Quotas) <= 0 {
			t.Errorf("%s: %+v add up to %.3f", l.Name, d, all)
		}
		if all <= last {
			t.Errorf("%s: %.3f dollars, and %.3f before it", l.Name, all, last)
		}
		last = all
	}
}

// An item as DynamoDB's own documents size it: names, values, and three bytes and one for each member of what nests.
func TestItemsAreSizedAsDynamoDBBillsThem(t *testing.T) {
	for want, item := range map[int]dynamo.Item{
		10: {"id": dynamo.S("id_value")},
		2:  {"b": dynamo.Bool(true)},
		3:  {"n": dynamo.N(42)},
		12: {"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{dynamo.S("abc"), dynamo.S("abc")}}},
		9:  {"m": &types.AttributeValueMemberM{Value: dynamo.Item{"k": dynamo.S("abc")}}},
	} {
		if got := ItemSize(item); got != want {
			t.Errorf("%v: %d bytes, want %d", item, got, want)
		}
	}
	if WriteUnits(1024) != 1 || WriteUnits(1025) != 2 || WriteUnits(0) != 1 || ReadUnits(4096) != 1 || ReadUnits(4097) != 2 {
		t.Error("a unit is 1 KB to write and 4 KB to read, each begun one whole")
	}
}

// The formula for reads, against environments that are called at random and keep what they read.
func TestReadsAreThoseOfEnvironmentsThatKeepWhatTheyRead(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, l := range []Load{
		{Calls: 100, Environments: 10, Keys: 1}, {Calls: 100, Environments: 10, Keys: 50}, {Calls: 100, Environments: 40, Keys: 50, Skew: 1},
	} {
		rates, until := l.rates(), map[[2]int]float64{}
		upTo := make([]float64, len(rates))
		sum := 0.0
		for i, r := range rates {
			sum += r
			upTo[i] = sum
		}
		reads, seconds := 0, 2000.0
		for now := 0.0; now < seconds; now += rnd.ExpFloat64() / l.Calls {
			at, key := rnd.Float64()*sum, 0
			for upTo[key] < at {
				key++
			}
			if place := [2]int{rnd.IntN(l.Environments), key}; now >= until[place] {
				reads++
				until[place] = now + freshFor
			}
		}
		all, _ := l.sum(rates, freshFor)
		near(t, "reads a second", all, float64(reads)/seconds, 0.02)
	}
}

// docs/measurements/usage.md has what infra/bench/usage counted, a million calls each: the formula comes to about the same.
func TestCountingCostsAboutWhatTheUsageBenchCounts(t *testing.T) {
	for _, c := range []struct {
		load         Load
		lanes, items float64
	}{
		{Load{Calls: 1000, Environments: 10, Keys: 10_000, Accounts: 10}, 4, 3_116_014},
		{Load{Calls: 1000, Environments: 10, Keys: 100, Accounts: 1}, 4, 381_393},
		{Load{Calls: 1000, Environments: 100, Keys: 20_000, Accounts: 20}, 8, 3_296_925},
		{Load{Calls: 100_000, Environments: 10_000, Keys: 1, Accounts: 1}, 80, 21_313},
	} {
		d := Demand{Lanes: c.lanes}
		d.usage(c.load, c.load.rates(), c.load.byAccount(c.load.rates()))
		near(t, "items a million calls", d.CounterItems*1e6/c.load.Calls, c.items, 0.25)
	}
}

func TestABoundIsMetBetweenTheLoads(t *testing.T) {
	loads := []Load{{Calls: 10}, {Calls: 100}, {Calls: 1000}}
	for _, c := range []struct {
		asked []float64
		want  string
	}{
		{[]float64{1, 10, 100}, "500"}, {[]float64{60, 70, 80}, "below 10"}, {[]float64{1, 2, 3}, "not met"}, {[]float64{1, 50, 100}, "100"},
	} {
		if got := metAt(loads, c.asked, 50); got != c.want {
			t.Errorf("%v: %q, want %q", c.asked, got, c.want)
		}
	}
}

func TestSizesAreOfRealRecords(t *testing.T) {
	s, err := Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !(s.Account < s.Policy && s.Policy < s.PolicyMany && s.PolicyMany < s.PolicyMost && s.PolicyMost < 400<<10) {
		t.Errorf("not in order: %+v", s)
	}
	// A transaction's items take two units each, and creating a key writes the key, its locator, its secret, the audit row and
	// the policy record, and looks at the account, its number of keys and the person's right.
	if s.CreateUnits < 2*7 || s.AccountUnits < 2*4 || s.AccountUnits >= s.CreateUnits || s.ChangeUnits < 2*4 {
		t.Errorf("%+v", s)
	}
	if s.KeyControl < 500 || s.KeyGate < s.Policy {
		t.Errorf("%+v", s)
	}
	for _, table := range []string{KeysTable(s), SizesTable(s), BoundsTable(), CostTable()} {
		if strings.Contains(table, "NaN") || strings.Contains(table, "Inf") || strings.Contains(table, "%!") {
			t.Error(table)
		}
	}
}
