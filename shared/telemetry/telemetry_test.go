package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func record() Record {
	return Record{
		At:         time.UnixMilli(1700000000123),
		Dimensions: []Field{{"Function", "gate"}},
		Metrics: []Metric{
			{Name: "Decisions", Unit: Count, Value: 3},
			{Name: "Latency", Unit: Milliseconds, Value: 1.25},
			{Name: "Broken", Unit: Count, Value: math.NaN()},
			{Name: "Waits", Unit: Milliseconds, Values: []float64{0.5, 4, 0.25}},
			{Name: "Torn", Unit: Count, Values: []float64{1, math.Inf(1)}},
		},
	}
}

func TestRecordIsOneLineOfEmbeddedMetricFormat(t *testing.T) {
	line := record().Append(nil, "Latchkey/maps")
	var got struct {
		AWS struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		} `json:"_aws"`
		Function           string
		Decisions, Latency float64
		Waits              []float64
		Broken             *float64
		Torn               []float64
	}
	if err := json.Unmarshal(line, &got); err != nil || bytes.Count(line, []byte("\n")) != 1 || line[len(line)-1] != '\n' {
		t.Fatalf("%v: %s", err, line)
	}
	m := got.AWS.CloudWatchMetrics[0]
	if got.AWS.Timestamp != 1700000000123 || m.Namespace != "Latchkey/maps" || m.Dimensions[0][0] != "Function" || len(m.Metrics) != 3 || m.Metrics[1].Unit != "Milliseconds" {
		t.Errorf("%s", line)
	}
	if got.Function != "gate" || got.Decisions != 3 || got.Latency != 1.25 || got.Broken != nil ||
		!slices.Equal(got.Waits, []float64{0.5, 4, 0.25}) || got.Torn != nil {
		t.Errorf("%s", line)
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	r, buf := record(), make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { buf = r.Append(buf[:0], "Latchkey/maps") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLoggerNamesMembersAsLambdaDoes(t *testing.T) {
	var out strings.Builder
	log := Logger(&out, "warn")
	log.Info("hidden")
	log.Warn("shown", "message_of", "mine")
	var line map[string]any
	if err := json.Unmarshal([]byte(out.String()), &line); err != nil {
		t.Fatal(err)
	}
	if line["message"] != "shown" || line["timestamp"] == nil || line["level"] != "WARN" || line["message_of"] != "mine" {
		t.Errorf("%v", line)
	}
	out.Reset()
	Logger(&out, "nonsense").Info("shown")
	if !strings.Contains(out.String(), "shown") {
		t.Error("an unknown level isn't info")
	}
}

func TestTheLastLineIsLikeAnyOther(t *testing.T) {
	var line map[string]string
	if err := json.Unmarshal(lastLine(time.UnixMilli(1700000000123), "the function can't start", errors.New(`KEYS_TABLE is "missing"`)), &line); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		TimestampKey: "2023-11-14T22:13:20.123Z", LevelKey: "ERROR", MessageKey: "the function can't start", "error": `KEYS_TABLE is "missing"`,
	}
	if !maps.Equal(line, want) {
		t.Errorf("%v", line)
	}
}

func FuzzAppendString(f *testing.F) {
	for _, seed := range []string{"", "a\"b\\c", "\x00\x1f\x7f", "é\u2028", "\xff", "\xe2\x80"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		line := AppendString(nil, text)
		var got string
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if utf8.ValidString(text) && !strings.ContainsAny(text, "\u2028\u2029") && got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}
