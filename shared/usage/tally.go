package usage

import (
	"strconv"
	"strings"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
)

// Call is one decided call of a known key.
type Call struct {
	At       time.Time
	Subject  Subject
	Code     authz.Code
	Secret   apikey.Hash
	Previous bool   // the secret is the outgoing one of a rotation
	Host     string // of the caller's origin; "" is none
	// Proposed is since when the key carries a proposal, and Shadow what that would have said; zero without one.
	Proposed time.Time
	Shadow   authz.Code
}

// Bounds of what an environment keeps and writes.
const (
	ReportEvery     = 5 * time.Second
	maxCells        = 4096      // subjects and hours
	maxPartBytes    = 48 << 10  // of one item; DynamoDB takes 400 KB
	reportAtBytes   = 256 << 10 // changed numbers are reported early from here on
	bytesPerNumber  = 40        // an estimate: name, number and overhead
	bytesPerEntry   = 120
	bytesPerHostRow = 80
)

// Tally counts the calls of one execution environment, which handles one call at a time. It isn't safe for
// concurrent use. Its memory is bounded; what no longer fits is counted in Dropped and nowhere else.
type Tally struct {
	id         string
	generation int
	sequence   int64
	cells      map[cellKey]*cell
	changed    []*cell
	bytes      int // of changed numbers, estimated
	reportedAt time.Time
	Dropped    int64
}

type cellKey struct {
	subject Subject
	hour    Hour
}

type cell struct {
	key     cellKey
	calls   map[callKey]int64
	minutes [60]int64
	hosts   map[hostKey]int64
	named   map[string]string // hosts to their own copies: a call's host may share the memory of a whole event
	shadow  map[shadowKey]int64
	last    map[apikey.Hash]int64
	changed bool
}

type callKey struct {
	previous bool
	code     authz.Code
}

type hostKey struct {
	host string
	code authz.Code
}

type shadowKey struct {
	since int64
	code  authz.Code
}

// NewTally starts counting. The ID must be random: no other environment may ever have it.
func NewTally(id string) *Tally {
	return &Tally{id: id, cells: map[cellKey]*cell{}}
}

// Count counts a call. Within a known subject, hour, outcome and host it doesn't allocate.
func (t *Tally) Count(c Call) {
	key := cellKey{c.Subject, HourOf(c.At)}
	in := t.cells[key]
	if in == nil {
		if len(t.cells) >= maxCells {
			t.Dropped++
			return
		}
		in = &cell{
			key: key, calls: map[callKey]int64{}, hosts: map[hostKey]int64{}, named: map[string]string{},
			shadow: map[shadowKey]int64{}, last: map[apikey.Hash]int64{},
		}
		t.cells[key] = in
	}
	if !in.changed {
		in.changed = true
		t.changed = append(t.changed, in)
		t.bytes += bytesPerEntry + bytesPerNumber*(len(in.calls)+len(in.shadow)+4) + bytesPerHostRow*len(in.hosts)
	}
	in.calls[callKey{c.Previous, c.Code}]++
	in.minutes[c.At.UTC().Minute()]++
	in.countHost(c.Host, c.Code)
	if !c.Proposed.IsZero() {
		in.shadow[shadowKey{c.Proposed.UnixMilli(), c.Shadow}]++
	}
	if m := c.At.Unix() / 60; m > in.last[c.Secret] {
		in.last[c.Secret] = m
	}
}

func (in *cell) countHost(host string, code authz.Code) {
	own, known := in.named[host]
	switch {
	case host == "":
		host = NoHost
	case known:
		host = own
	case len(in.named) < MaxHosts && len(host) <= 253:
		host = strings.Clone(host)
		in.named[host] = host
	default:
		host = OtherHost
	}
	in.hosts[hostKey{host, code}]++
}

// Due reports whether the call that asks has to report: the last report is ReportEvery old, by whichever clock says
// so, or much has changed. elapsed is the monotonic time since the last report.
func (t *Tally) Due(now time.Time, elapsed time.Duration) bool {
	if len(t.changed) == 0 {
		return false
	}
	return elapsed >= ReportEvery || now.Sub(t.reportedAt) >= ReportEvery || now.Before(t.reportedAt) || t.bytes >= reportAtBytes
}

// Report collects what changed since the last acknowledged report, in parts that fit into one item each. Each part
// is to be written and then acknowledged; what isn't acknowledged is in the next report again.
func (t *Tally) Report(now time.Time) []Report {
	t.reportedAt = now
	if len(t.changed) == 0 {
		return nil
	}
	t.sequence++
	var parts []Report
	size := 0
	for _, in := range t.changed {
		entry := Entry{Subject: in.key.subject, Hour: in.key.hour, Counts: in.counts()}
		bytes := bytesPerEntry + entry.Counts.size()
		if len(parts) == 0 || size+bytes > maxPartBytes {
			parts = append(parts, Report{Environment: t.environment(), Sequence: t.sequence, Part: len(parts), At: now})
			size = 0
		}
		last := &parts[len(parts)-1]
		last.Entries = append(last.Entries, entry)
		size += bytes
	}
	return parts
}

// Acknowledge says that every part of the last report was written. It forgets what can't change any more: once an
// hour is over, or many subjects are known, the environment goes on under a new name from zero, which is always sound.
func (t *Tally) Acknowledge(now time.Time) {
	for _, in := range t.changed {
		in.changed = false
	}
	t.changed, t.bytes = t.changed[:0], 0
	past := false
	for key := range t.cells {
		past = past || key.hour < HourOf(now)
	}
	if past || len(t.cells) >= maxCells/2 {
		t.generation++
		t.sequence = 0
		clear(t.cells)
	}
}

func (t *Tally) environment() string { return t.id + "." + strconv.Itoa(t.generation) }

func (in *cell) counts() Counts {
	out := make(Counts, len(in.calls)+len(in.hosts)+len(in.shadow)+len(in.last)+4)
	for k, n := range in.calls {
		slot := "c"
		if k.previous {
			slot = "p"
		}
		out[calls(slot, k.code)] = n
	}
	for m, n := range in.minutes {
		if n > 0 {
			out[minute(m)] = n
		}
	}
	for k, n := range in.hosts {
		out[fromHost(k.host, k.code)] = n
	}
	for k, n := range in.shadow {
		out[proposed(time.UnixMilli(k.since), k.code)] = n
	}
	for hash, m := range in.last {
		out[lastUsed(HashTag(hash))] = m
	}
	return out
}

func (c Counts) size() int {
	n := 0
	for d := range c {
		n += len(d) + 16
	}
	return n
}
