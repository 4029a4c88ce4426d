package main

import (
	"io"
	"time"

	"latchkey/shared/authz"
	"latchkey/shared/limiter/quota"
	"latchkey/shared/telemetry"
)

// metricsEvery is the shortest time that one metrics line covers.
const metricsEvery = time.Minute

// metrics counts in memory and writes records now and then: a line a call would cost more than the call.
type metrics struct {
	namespace string
	since     moment
	decisions codeCounts

	cacheHits, cacheMisses, staleServes, unreadable int
	oldServes                                       int // of records, not calls: a call has two
	storeReads, storeErrors                         int
	limiterDegraded, shadowRefused                  int
	quotasSuspended                                 int // of limiterDegraded, those by quotas
	usageReports, usageReportErrors, usageDropped   int
	unlogged                                        int // refusals without a line in the log

	quotaDropped quota.Dropped

	oldest time.Duration // the age of the oldest record that was served without the store; 0: none was

	latencies []float64 // of store reads, in milliseconds; embedded metrics take 100 values
	buf       []byte
}

const maxLatencies = 100

// codeCounts counts by code. There are few codes, and most calls have the first one.
type codeCounts []codeCount

type codeCount struct {
	code authz.Code
	n    int
}

// add counts one more of a code, and returns how many there are now.
func (c *codeCounts) add(code authz.Code) int {
	for i := range *c {
		if one := &(*c)[i]; one.code == code {
			one.n++
			return one.n
		}
	}
	*c = append(*c, codeCount{code, 1})
	return 1
}

func (m *metrics) init(now moment, namespace string) {
	m.since, m.namespace = now, namespace
}

func (m *metrics) decided(o *outcome) {
	m.decisions.add(o.Decision.Code)
	if o.Decision.Allowed() && o.Decision.Shadow != "" && o.Decision.Shadow != authz.Allowed {
		m.shadowRefused++
	}
}

// dropped counts what quotas aren't corrected by.
func (m *metrics) dropped(d quota.Dropped) {
	m.quotaDropped.Calls += d.Calls
	m.quotaDropped.Tokens += d.Tokens
}

func (m *metrics) reported(r reported) {
	if r.Begun {
		m.usageReports++
	}
	if r.Failed {
		m.usageReportErrors++
	}
}

// asked counts a read of the store.
func (m *metrics) asked(ok bool) {
	m.storeReads++
	if !ok {
		m.storeErrors++
	}
}

// read counts one that the call has waited for, took so long.
func (m *metrics) read(took time.Duration, ok bool) {
	m.asked(ok)
	ms := float64(took.Microseconds()) / 1000
	if len(m.latencies) < maxLatencies {
		m.latencies = append(m.latencies, ms)
		return
	}
	m.latencies[m.storeReads%maxLatencies] = ms
}

func (m *metrics) flushIfDue(now moment, out io.Writer) {
	if now.since(m.since) >= metricsEvery {
		m.flush(now, out)
	}
}

// flush writes one line for each code and one for the rest, and starts again at zero.
func (m *metrics) flush(now moment, out io.Writer) {
	b := m.buf[:0]
	for _, one := range m.decisions {
		record := telemetry.Sum(now.wall, "Decisions", one.n)
		record.Dimensions = []telemetry.Field{{Name: "Code", Value: string(one.code)}}
		b = record.Append(b, m.namespace)
	}
	b = m.rest(now).Append(b, m.namespace)
	_, _ = out.Write(b)
	*m = metrics{namespace: m.namespace, since: now, decisions: m.decisions[:0], latencies: m.latencies[:0], buf: b}
}

// rest is the record of all that has no dimensions.
func (m *metrics) rest(now moment) telemetry.Record {
	count := func(name string, n int) telemetry.Metric {
		return telemetry.Metric{Name: name, Unit: telemetry.Count, Value: float64(n)}
	}
	list := []telemetry.Metric{
		count("CacheHits", m.cacheHits),
		count("CacheMisses", m.cacheMisses),
		count("StaleServes", m.staleServes),
		count("UnreadableRecords", m.unreadable),
		count("StoreReads", m.storeReads),
		count("StoreErrors", m.storeErrors),
		count("LimiterDegraded", m.limiterDegraded),
		count("QuotasSuspended", m.quotasSuspended),
		count("ShadowRefusals", m.shadowRefused),
		count("UsageReports", m.usageReports),
		count("UsageReportErrors", m.usageReportErrors),
		count("UsageDropped", m.usageDropped),
		count("RefusalsUnlogged", m.unlogged),
	}
	if d := m.quotaDropped; d != (quota.Dropped{}) {
		list = append(list, count("QuotaCallsUncounted", int(d.Calls)), count("QuotaTokensLost", int(d.Tokens)))
	}
	if m.oldest > 0 {
		list = append(list, count("OldRecordsServed", m.oldServes), telemetry.Metric{Name: "OldestRecordServed", Unit: telemetry.Seconds, Value: m.oldest.Seconds()})
	}
	if len(m.latencies) > 0 {
		list = append(list, telemetry.Metric{Name: "StoreLatency", Unit: telemetry.Milliseconds, Values: m.latencies})
	}
	return telemetry.Record{At: now.wall, Metrics: list}
}
