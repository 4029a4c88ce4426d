package telemetry

import (
	"io"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// Unit is a CloudWatch unit.
type Unit string

// The units in use.
const (
	Count        Unit = "Count"
	Milliseconds Unit = "Milliseconds"
	Seconds      Unit = "Seconds"
)

// Metric is one value of a record, or several.
type Metric struct {
	Name  string
	Unit  Unit
	Value float64
	// Values, if there are any, are written in place of Value; CloudWatch takes 100 of one metric.
	Values []float64
}

// Field is a name with a text: a dimension.
type Field struct {
	Name  string
	Value string
}

// Record is one line of CloudWatch's embedded metric format. All metrics share the one set of dimensions.
type Record struct {
	At         time.Time
	Dimensions []Field // at most 30; each combination of values is a metric of its own, so never a key's ID
	Metrics    []Metric
}

// NamespaceVariable is the environment variable with the stack's namespace. Each stack has its own: of two in one account and
// region, neither may ring the other's alarms.
const NamespaceVariable = "METRICS_NAMESPACE"

// Metrics writes records of one stack.
type Metrics struct {
	Namespace string
	Out       io.Writer // a function's standard output, where CloudWatch reads metrics
}

// Write writes a record. What can't be written is lost: no work may fail by its metrics.
func (m Metrics) Write(r Record) { _, _ = m.Out.Write(r.Append(nil, m.Namespace)) }

// Sum is a count without dimensions, as alarms look at it.
func Sum(at time.Time, name string, n int) Record {
	return Record{At: at, Metrics: []Metric{{Name: name, Unit: Count, Value: float64(n)}}}
}

// Append writes the record as one JSON line to b and returns it. It uses no reflection, and allocates only if b is
// too small. Metrics that aren't finite numbers are left out: they are no JSON.
func (r Record) Append(b []byte, namespace string) []byte {
	b = append(b, `{"_aws":{"Timestamp":`...)
	b = strconv.AppendInt(b, r.At.UnixMilli(), 10)
	b = append(b, `,"CloudWatchMetrics":[{"Namespace":`...)
	b = AppendString(b, namespace)
	b = append(b, `,"Dimensions":[[`...)
	for i, d := range r.Dimensions {
		b = comma(b, i)
		b = AppendString(b, d.Name)
	}
	b = append(b, `]],"Metrics":[`...)
	written := 0
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if !m.finite() {
			continue
		}
		b = comma(b, written)
		written++
		b = append(b, `{"Name":`...)
		b = AppendString(b, m.Name)
		b = append(b, `,"Unit":`...)
		b = AppendString(b, string(m.Unit))
		b = append(b, '}')
	}
	b = append(b, `]}]}`...)
	for _, d := range r.Dimensions {
		b = appendField(b, d)
	}
	for i := range r.Metrics {
		if m := &r.Metrics[i]; m.finite() {
			b = append(b, ',')
			b = AppendString(b, m.Name)
			b = append(b, ':')
			b = m.appendValue(b)
		}
	}
	return append(b, '}', '\n')
}

func (m *Metric) finite() bool {
	for _, v := range m.Values {
		if !finite(v) {
			return false
		}
	}
	return finite(m.Value)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func (m *Metric) appendValue(b []byte) []byte {
	if len(m.Values) == 0 {
		return strconv.AppendFloat(b, m.Value, 'f', -1, 64)
	}
	b = append(b, '[')
	for i, v := range m.Values {
		b = comma(b, i)
		b = strconv.AppendFloat(b, v, 'f', -1, 64)
	}
	return append(b, ']')
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

func appendField(b []byte, f Field) []byte {
	b = append(b, ',')
	b = AppendString(b, f.Name)
	b = append(b, ':')
	return AppendString(b, f.Value)
}

const hex = "0123456789abcdef"

// AppendString appends a text as a JSON string. Bytes that aren't UTF-8 become U+FFFD.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
			i++
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			i++
		case c < utf8.RuneSelf:
			b = append(b, c)
			i++
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == '\u2028' || r == '\u2029' || (r == utf8.RuneError && size == 1) {
				r = utf8.RuneError
			}
			b = utf8.AppendRune(b, r)
			i += size
		}
	}
	return append(b, '"')
}
