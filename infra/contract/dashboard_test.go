package contract

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// widget is one chart of a dashboard.
type widget struct {
	Type                string
	X, Y, Width, Height int
	Properties          struct {
		Title, Region, View, Stat string
		Period                    int
		Metrics                   [][]any
	}
}

// line is one line of a chart, with the statistic that it shows.
type line struct{ metric, statistic string }

// lines spells out what CloudWatch lets a chart shorten: "." is what stands in that place of the line before, "..." all
// of it but the values that follow.
func (w widget) lines(t *testing.T) []line {
	t.Helper()
	var out []line
	var before []string
	for _, entry := range w.Properties.Metrics {
		stat := w.Properties.Stat
		var texts []string
		search := ""
		for _, part := range entry {
			switch v := part.(type) {
			case string:
				texts = append(texts, v)
			case map[string]any:
				if s, ok := v["stat"].(string); ok {
					stat = s
				}
				search, _ = v["expression"].(string)
			}
		}
		if search != "" {
			out = append(out, line{metric: search})
			continue
		}
		if len(texts) > 0 && texts[0] == "..." {
			texts = append(slices.Clone(before[:len(before)-len(texts)+1]), texts[1:]...)
		}
		for i, text := range texts {
			if text == "." {
				texts[i] = before[i]
			}
		}
		if len(texts) < 2 || len(texts)%2 != 0 {
			t.Fatalf("%s: a line of %q", w.Properties.Title, texts)
		}
		dimensions := map[string]string{}
		for i := 2; i < len(texts); i += 2 {
			dimensions[texts[i]] = texts[i+1]
		}
		out = append(out, line{named(texts[0], texts[1], dimensions), stat})
		before = texts
	}
	return out
}

func widgets(t *testing.T) []widget {
	t.Helper()
	body, _ := nested(t, "Dashboard").properties(t, "Dashboard")["DashboardBody"].(string)
	var dashboard struct{ Widgets []widget }
	if err := json.Unmarshal([]byte(body), &dashboard); err != nil {
		t.Fatal(err)
	}
	return dashboard.Widgets
}

// questions lists the charts of the dashboard with their lines.
var questions = map[string][]line{
	"Decisions by code":       {{"SEARCH('{\"" + ourMetrics + "\",Code} MetricName=\"Decisions\"', 'Sum', 60)", ""}},
	"Answers of the products": answers("products"),
	"Management API":          answers("management"),
	"Time of the gate (ms)":   {{lambda("Authorizer", "Duration"), "p50"}, {lambda("Authorizer", "Duration"), "p99"}},
	"The gate and its store": ours("CacheHits", "CacheMisses", "StaleServes", "StoreErrors", "LimiterDegraded", "UnreadableRecords",
		"UsageReportErrors", "UsageDropped", "UsageSetAside"),
	"Age of the streams (ms)": {{lambda("CounterFunction", "IteratorAge"), "Maximum"}, {lambda("EventsFunction", "IteratorAge"), "Maximum"}},
	"Jobs":                    {{lambda("RotatorFunction", "Invocations"), "Sum"}, {lambda("RotatorFunction", "Errors"), "Sum"}, {lambda("JobsFunction", "Errors"), "Sum"}},
}

func answers(name string) []line {
	return []line{{api(name, "Count"), "Sum"}, {api(name, "4XXError"), "Sum"}, {api(name, "5XXError"), "Sum"}}
}

func ours(names ...string) (out []line) {
	for _, name := range names {
		out = append(out, line{named(ourMetrics, name, nil), "Sum"})
	}
	return out
}

func TestTheDashboardAnswersItsQuestions(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range widgets(t) {
		title := w.Properties.Title
		seen[title] = true
		if got := w.lines(t); !slices.Equal(got, questions[title]) {
			t.Errorf("%s shows\n%v, want\n%v", title, got, questions[title])
		}
		if w.Type != "metric" || w.Properties.Region != "${AWS::Region}" {
			t.Errorf("%s is a %s of the region %s", title, w.Type, w.Properties.Region)
		}
	}
	for title := range questions {
		if !seen[title] {
			t.Errorf("nothing answers %q", title)
		}
	}
}

// emitted is everything that the tests of the functions keep, in troubles and in healthy hours.
func emitted(t *testing.T) metricData {
	t.Helper()
	data := metricData{}
	troubles, healthy := kept(t)
	for _, files := range troubles {
		for _, file := range files {
			data.readMetrics(t, file)
		}
	}
	for _, file := range healthy {
		data.readMetrics(t, file)
	}
	return data
}

var search = regexp.MustCompile(`^SEARCH\('\{"([^"]+)",(\w+)\} MetricName="(\w+)"', '(\w+)', (\d+)\)$`)

// Whatever the dashboard is made to show: a line without data looks like a quiet night.
func TestEveryLineOfTheDashboardShowsSomethingThatIsWritten(t *testing.T) {
	data := emitted(t)
	parts := render(t, "template.yaml")
	for _, w := range widgets(t) {
		if len(w.Properties.Metrics) == 0 {
			t.Errorf("%s shows nothing", w.Properties.Title)
		}
		for _, l := range w.lines(t) {
			if m := search.FindStringSubmatch(l.metric); m != nil {
				found := false
				for id := range data {
					found = found || strings.HasPrefix(id, m[1]+" | "+m[3]+" | "+m[2]+"=") && strings.Count(id, " | ") == 2
				}
				if !found || m[4] != "Sum" {
					t.Errorf("%s: %s finds nothing that the code writes", w.Properties.Title, l.metric)
				}
				continue
			}
			id := strings.Split(l.metric, " | ")
			if id[0] == ourMetrics {
				if len(data[l.metric]) == 0 {
					t.Errorf("%s: no code writes %s", w.Properties.Title, l.metric)
				}
				continue
			}
			dimensions := map[string]string{}
			for _, d := range id[2:] {
				name, value, _ := strings.Cut(d, "=")
				dimensions[name] = value
				if name == "FunctionName" && at(parts.Resources, strings.Trim(value, "${}"), "Type") != "AWS::Serverless::Function" {
					t.Errorf("%s: no function is called %s", w.Properties.Title, value)
				}
			}
			if !publishedByAWS(id[0], id[1], dimensions) {
				t.Errorf("%s: AWS publishes no %s", w.Properties.Title, l.metric)
			}
		}
	}
}

func TestNoChartCoversAnother(t *testing.T) {
	taken := map[string]string{}
	for _, w := range widgets(t) {
		if w.X < 0 || w.Width < 1 || w.Height < 1 || w.X+w.Width > 24 {
			t.Errorf("%s is outside of the page", w.Properties.Title)
		}
		for x := w.X; x < w.X+w.Width; x++ {
			for y := w.Y; y < w.Y+w.Height; y++ {
				cell := fmt.Sprint(x, ",", y)
				if taken[cell] != "" {
					t.Fatalf("%s covers %s", w.Properties.Title, taken[cell])
				}
				taken[cell] = w.Properties.Title
			}
		}
	}
}

// Counts are of one unit, times of another and ages of a third, everywhere; a metric with two units is two series to CloudWatch.
func TestAMetricHasOneUnit(t *testing.T) {
	times := regexp.MustCompile(`(Latency|Time)$`)
	for id, points := range emitted(t) {
		want := "Count"
		if times.MatchString(strings.Split(id, " | ")[1]) {
			want = "Milliseconds"
		}
		if strings.HasSuffix(id, "OldestRecordServed") {
			want = "Seconds"
		}
		for _, p := range points {
			if p.unit != want {
				t.Errorf("%s is in %s, want %s", id, p.unit, want)
				break
			}
		}
	}
}
