package contract

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// point is one value of a metric, at a second since 1970.
type point struct {
	at    int64
	value float64
	unit  string
}

// metricData holds points under the name of their metric, as named makes it.
type metricData map[string][]point

// named joins what tells CloudWatch's metrics apart: two sets of dimensions are two metrics.
func named(namespace, metric string, dimensions map[string]string) string {
	parts := []string{namespace, metric}
	for _, name := range sorted(dimensions) {
		parts = append(parts, name+"="+dimensions[name])
	}
	return strings.Join(parts, " | ")
}

// ourMetrics is the namespace of a stack's own metrics, as its functions' variable METRICS_NAMESPACE has it, and ofTests the one
// that the functions' tests give them in its place.
const (
	ourMetrics = "Latchkey/${AWS::StackName}"
	ofTests    = "Latchkey/tests"
)

// readMetrics reads lines of the embedded metric format as CloudWatch does, within its limits.
func (d metricData) readMetrics(t *testing.T, file string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		var head struct {
			AWS struct {
				Timestamp         int64
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name, Unit string }
				}
			} `json:"_aws"`
		}
		var members map[string]any
		if json.Unmarshal([]byte(line), &head) != nil || json.Unmarshal([]byte(line), &members) != nil {
			t.Fatalf("%s: %s", file, line)
		}
		for _, c := range head.AWS.CloudWatchMetrics {
			if len(c.Metrics) > 100 || len(c.Dimensions) == 0 {
				t.Errorf("%s: %d metrics in %d sets of dimensions", file, len(c.Metrics), len(c.Dimensions))
			}
			if c.Namespace != ofTests {
				t.Errorf("%s: the namespace %q isn't the one that the function was given", file, c.Namespace)
			}
			for _, set := range c.Dimensions {
				dimensions := map[string]string{}
				for _, name := range set {
					text, ok := members[name].(string)
					if !ok || text == "" || len(set) > 30 {
						t.Errorf("%s: dimension %s is %v", file, name, members[name])
					}
					dimensions[name] = text
				}
				for _, m := range c.Metrics {
					id := named(ourMetrics, m.Name, dimensions)
					for _, v := range values(t, file, m.Name, members[m.Name]) {
						d[id] = append(d[id], point{head.AWS.Timestamp / 1000, v, m.Unit})
					}
				}
			}
		}
	}
}

func values(t *testing.T, file, name string, v any) []float64 {
	t.Helper()
	items, ok := v.([]any)
	if !ok {
		items = []any{v}
	}
	if len(items) > 100 {
		t.Errorf("%s: %d values of %s in one line, and CloudWatch takes 100", file, len(items), name)
	}
	var out []float64
	for _, item := range items {
		n, ok := item.(float64)
		if !ok {
			t.Errorf("%s: %s is announced and is %v", file, name, v)
			continue
		}
		out = append(out, n)
	}
	return out
}

// query is one metric, or an expression over others, of an alarm.
type query struct {
	id, expression string
	metric         string // as named makes it
	namespace      string
	name           string
	dimensions     map[string]string
	statistic      string
	unit           any
	period         int64
}

func queryOf(metric any, statistic, period, unit any) query {
	q := query{
		namespace: fmt.Sprint(at(metric, "Namespace")), name: fmt.Sprint(at(metric, "MetricName")),
		dimensions: map[string]string{}, statistic: fmt.Sprint(statistic), unit: unit,
	}
	n, _ := period.(int)
	q.period = int64(n)
	list, _ := at(metric, "Dimensions").(list)
	for _, d := range list {
		q.dimensions[fmt.Sprint(at(d, "Name"))] = fmt.Sprint(at(d, "Value"))
	}
	q.metric = named(q.namespace, q.name, q.dimensions)
	return q
}

// queries lists what an alarm looks at, the one that it compares first.
func queries(t *testing.T, alarm object) []query {
	t.Helper()
	metrics, ok := alarm["Metrics"].(list)
	if !ok {
		statistic := alarm["Statistic"]
		if statistic == nil {
			statistic = alarm["ExtendedStatistic"]
		}
		return []query{queryOf(alarm, statistic, alarm["Period"], alarm["Unit"])}
	}
	if len(metrics) > 10 {
		t.Errorf("%d metrics in one alarm, and CloudWatch takes 10", len(metrics))
	}
	var compared, rest []query
	for _, m := range metrics {
		var q query
		if at(m, "MetricStat") != nil {
			q = queryOf(at(m, "MetricStat", "Metric"), at(m, "MetricStat", "Stat"), at(m, "MetricStat", "Period"), at(m, "MetricStat", "Unit"))
		}
		q.id = fmt.Sprint(at(m, "Id"))
		q.expression, _ = at(m, "Expression").(string)
		if at(m, "ReturnData") == false {
			rest = append(rest, q)
		} else {
			compared = append(compared, q)
		}
	}
	if len(compared) != 1 {
		t.Fatalf("%d metrics with ReturnData", len(compared))
	}
	return append(compared, rest...)
}

// fires reports whether the alarm is in ALARM at any moment between two seconds.
func fires(t *testing.T, alarm object, data metricData, from, to int64) bool {
	t.Helper()
	all := queries(t, alarm)
	period := all[len(all)-1].period
	for _, q := range all {
		if q.expression == "" && q.period != period || period < 60 || period%60 != 0 {
			t.Fatalf("a period of %d s beside %d s", q.period, period)
		}
	}
	whole, ok := alarm["EvaluationPeriods"].(int)
	if !ok || int64(whole)*period > 86400 {
		t.Fatalf("%v periods of %d s", alarm["EvaluationPeriods"], period)
	}
	need, ok := alarm["DatapointsToAlarm"].(int)
	if !ok {
		need = whole
	}
	if need < 1 || need > whole {
		t.Fatalf("%d of %d periods", need, whole)
	}
	first, last := ceil(from, period), to/period // whole periods
	for end := first + int64(whole); end <= last; end++ {
		breaching := 0
		for i := end - int64(whole); i < end; i++ {
			if breaches(t, alarm, datapoint(t, all, data, i, period)) {
				breaching++
			}
		}
		if breaching >= need {
			return true
		}
	}
	return false
}

func ceil(n, by int64) int64 { return (n + by - 1) / by }

// breaches compares one datapoint; nothing is NaN.
func breaches(t *testing.T, alarm object, v float64) bool {
	t.Helper()
	if math.IsNaN(v) {
		return alarm["TreatMissingData"] == "breaching"
	}
	var threshold float64
	switch n := alarm["Threshold"].(type) {
	case int:
		threshold = float64(n)
	case float64:
		threshold = n
	default:
		t.Fatalf("threshold %v", n)
	}
	switch alarm["ComparisonOperator"] {
	case "GreaterThanOrEqualToThreshold":
		return v >= threshold
	case "GreaterThanThreshold":
		return v > threshold
	case "LessThanThreshold":
		return v < threshold
	case "LessThanOrEqualToThreshold":
		return v <= threshold
	}
	t.Fatalf("comparison %v", alarm["ComparisonOperator"])
	return false
}

// datapoint is the value of the compared metric in the i-th period since 1970, NaN without one.
func datapoint(t *testing.T, all []query, data metricData, i, period int64) float64 {
	t.Helper()
	byID := map[string]float64{}
	sum, any := 0.0, false
	for _, q := range all {
		if q.expression != "" {
			continue
		}
		var values []float64
		for _, p := range data[q.metric] {
			if p.at/period == i && (q.unit == nil || q.unit == p.unit) {
				values = append(values, p.value)
			}
		}
		v := statistic(t, q.statistic, values)
		byID[q.id] = v
		if !math.IsNaN(v) {
			sum, any = sum+v, true
		}
	}
	expression := all[0].expression
	if expression == "" {
		return byID[all[0].id]
	}
	if expression == "SUM(METRICS())" {
		if !any {
			return math.NaN()
		}
		return sum
	}
	over, under, ok := strings.Cut(expression, " / ")
	a, hasA := byID[over]
	b, hasB := byID[under]
	if !ok || !hasA || !hasB {
		t.Fatalf("the evaluator doesn't know the expression %q", expression)
	}
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

func statistic(t *testing.T, name string, values []float64) float64 {
	t.Helper()
	if len(values) == 0 {
		return math.NaN()
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	switch name {
	case "Sum":
		return sum
	case "Average":
		return sum / float64(len(values))
	case "Maximum":
		return slices.Max(values)
	case "Minimum":
		return slices.Min(values)
	case "SampleCount":
		return float64(len(values))
	case "p99", "p50":
		slices.Sort(values)
		share := map[string]float64{"p99": 0.99, "p50": 0.5}[name]
		return values[min(int(share*float64(len(values))), len(values)-1)]
	}
	t.Fatalf("the evaluator doesn't know the statistic %q", name)
	return 0
}
