package main

import (
	"io"
	"strconv"
	"time"

	"latchkey/shared/authz"
)

// metricsEvery is how much time the counts of one metrics line cover at least.
const metricsEvery = time.Minute

// metrics counts in memory and writes CloudWatch's embedded metric format now and then: a line a call would cost more
// than the call.
type metrics struct {
	since     moment
	decisions map[authz.Code]int

	cacheHits, cacheMisses, staleServes, unreadable int
	storeReads, storeErrors                         int
	limiterDegraded, shadowRefused                  int
	usageReports, usageReportErrors, usageDropped   int

	latencies []time.Duration // of store reads; embedded metrics take 100 values
	buf       []byte
}

const maxLatencies = 100

func (m *metrics) init(now moment) {
	m.since, m.decisions = now, map[authz.Code]int{}
}

func (m *metrics) decided(o *outcome) {
	m.decisions[o.Decision.Code]++
	if o.Decision.Allowed() && o.Decision.Shadow != "" && o.Decision.Shadow != authz.Allowed {
		m.shadowRefused++
	}
}

func (m *metrics) reported(r reported) {
	if r.Begun {
		m.usageReports++
	}
	if r.Failed {
		m.usageReportErrors++
	}
}

func (m *metrics) read(took time.Duration, ok bool) {
	m.storeReads++
	if !ok {
		m.storeErrors++
	}
	if len(m.latencies) < maxLatencies {
		m.latencies = append(m.latencies, took)
		return
	}
	m.latencies[m.storeReads%maxLatencies] = took
}

func (m *metrics) flushIfDue(now moment, out io.Writer) {
	if now.since(m.since) >= metricsEvery {
		m.flush(now, out)
	}
}

// flush writes one line for each code and one for the rest, and starts again at zero.
func (m *metrics) flush(now moment, out io.Writer) {
	b := m.buf[:0]
	for code, n := range m.decisions {
		if n == 0 {
			continue
		}
		b = appendHead(b, now)
		b = append(b, `[["Code"]],"Metrics":[{"Name":"Decisions","Unit":"Count"}]}]},"Code":"`...)
		b = append(b, code...)
		b = append(b, `","Decisions":`...)
		b = strconv.AppendInt(b, int64(n), 10)
		b = append(b, "}\n"...)
	}
	b = m.appendStore(b, now)
	_, _ = out.Write(b)
	decisions := m.decisions
	clear(decisions)
	*m = metrics{since: now, decisions: decisions, latencies: m.latencies[:0], buf: b}
}

func (m *metrics) appendStore(b []byte, now moment) []byte {
	counts := [...]struct {
		name string
		n    int
	}{
		{"CacheHits", m.cacheHits},
		{"CacheMisses", m.cacheMisses},
		{"StaleServes", m.staleServes},
		{"UnreadableRecords", m.unreadable},
		{"StoreReads", m.storeReads},
		{"StoreErrors", m.storeErrors},
		{"LimiterDegraded", m.limiterDegraded},
		{"ShadowRefusals", m.shadowRefused},
		{"UsageReports", m.usageReports},
		{"UsageReportErrors", m.usageReportErrors},
		{"UsageDropped", m.usageDropped},
	}
	b = appendHead(b, now)
	b = append(b, `[[]],"Metrics":[`...)
	for i, c := range counts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"Name":"`...)
		b = append(b, c.name...)
		b = append(b, `","Unit":"Count"}`...)
	}
	if len(m.latencies) > 0 {
		b = append(b, `,{"Name":"StoreLatency","Unit":"Milliseconds"}`...)
	}
	b = append(b, `]}]}`...)
	for _, c := range counts {
		b = append(b, `,"`...)
		b = append(b, c.name...)
		b = append(b, `":`...)
		b = strconv.AppendInt(b, int64(c.n), 10)
	}
	for i, took := range m.latencies {
		if i == 0 {
			b = append(b, `,"StoreLatency":[`...)
		} else {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(took)/float64(time.Millisecond), 'f', 3, 64)
	}
	if len(m.latencies) > 0 {
		b = append(b, ']')
	}
	return append(b, "}\n"...)
}

// appendHead writes a line up to the dimensions.
func appendHead(b []byte, now moment) []byte {
	b = append(b, `{"_aws":{"Timestamp":`...)
	b = strconv.AppendInt(b, now.wall.UnixMilli(), 10)
	return append(b, `,"CloudWatchMetrics":[{"Namespace":"Latchkey","Dimensions":`...)
}
