package usage

import (
	"maps"
	"strconv"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/product"
)

// Call is one decided call of a known key.
type Call struct {
	At       time.Time
	Subject  Subject
	Code     authz.Code
	Secret   apikey.Hash
	Previous bool   // the secret is the outgoing one of a rotation
	Host     string // of the caller's origin; "" is none
	Class    product.Class
	Billing  apikey.BillingType // the key's, by the record that decided; "" where that named none
	// Proposed is since when the key carries a proposal, and Shadow what that would have said; zero without one. They count
	// only where the call was allowed: see promotable.
	Proposed time.Time
	Shadow   authz.Code
}

// ReportEvery is the age of a report from which the next call writes one.
const ReportEvery = 5 * time.Second

// Bounds of what an environment keeps and writes.
const (
	maxCells       = 4096      // subjects and hours
	maxNameBytes   = 4 << 20   // of hosts, in all cells together
	maxShadows     = 64        // of proposals and their outcomes, in one cell
	maxPartBytes   = 48 << 10  // of one item; DynamoDB takes 400 KB
	reportAtBytes  = 256 << 10 // changed numbers are reported early from here on
	bytesPerEntry  = 120       // of its subject and hour
	bytesPerNumber = 16        // besides its name
)

// Tally counts the calls of one execution environment, which handles one call at a time. It isn't safe for
// concurrent use. Its memory is bounded; what no longer fits is counted in Dropped and nowhere else.
type Tally struct {
	id         string
	generation int
	sequence   int64
	cells      map[cellKey]*cell
	latest     *cell // the one that was counted in last, nearly always the next one's; nil: none
	changed    []*cell
	bytes      int // of changed cells, about, when they first changed
	nameBytes  int
	reportedAt time.Time
	Dropped    int64
}

type cellKey struct {
	subject Subject
	hour    Hour
}

type cell struct {
	key     cellKey
	calls   []callCount // few of them
	minutes [60]int64
	billed  billedCounts
	hosts   hostCounts // with copies of their own: a call's host may share the memory of a whole event
	shadow  map[shadowKey]int64
	last    map[apikey.Hash]int64
	latest  apikey.Hash // the secret that was used last,
	minute  int64       // and in which minute
	refused int64       // the minute of the last call that was refused; 0: none
	changed bool
}

type callKey struct {
	previous bool
	code     authz.Code
}

type callCount struct {
	callKey
	n int64
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
func (t *Tally) Count(c *Call) {
	key, minute := cellKey{c.Subject, HourOf(c.At)}, floorDiv(c.At.Unix(), 60)
	in := t.latest
	if in == nil || in.key != key {
		in = t.cells[key]
	}
	if in == nil {
		if len(t.cells) >= maxCells {
			t.Dropped++
			return
		}
		in = &cell{
			key: key, hosts: newHostCounts(),
			shadow: map[shadowKey]int64{}, last: map[apikey.Hash]int64{},
		}
		t.cells[key] = in
	}
	t.latest = in
	if !in.changed {
		in.changed = true
		t.changed = append(t.changed, in)
		t.bytes += in.size()
	}
	in.count(callKey{c.Previous, c.Code})
	in.minutes[minute-60*int64(key.hour)]++
	t.countHost(in, c.Host, c.Code)
	in.countBilled(c)
	if c.promotable() {
		in.countShadow(shadowKey{c.Proposed.UnixMilli(), c.Shadow})
	}
	if c.Code == authz.Allowed {
		in.use(c.Secret, minute)
	} else {
		in.refused = max(in.refused, minute)
	}
}

func (in *cell) count(k callKey) {
	for i := range in.calls {
		if in.calls[i].callKey == k {
			in.calls[i].n++
			return
		}
	}
	in.calls = append(in.calls, callCount{k, 1})
}

// promotable reports whether enforcing the key's proposal could refuse a call that gets through today: those are what
// somebody who is about to enforce it has to know of. A call that the rules in force refuse stays refused, so it would
// only inflate both numbers. The same is chosen for one that the limit refused: it got a refusal before and gets one
// after, and a retry is counted when it is allowed.
func (c *Call) promotable() bool { return !c.Proposed.IsZero() && c.Code == authz.Allowed }

// countShadow counts what a proposal would have said. Only the newest proposal is ever shown, so older ones may go.
func (in *cell) countShadow(k shadowKey) {
	if _, counted := in.shadow[k]; !counted && len(in.shadow) >= maxShadows {
		maps.DeleteFunc(in.shadow, func(old shadowKey, _ int64) bool { return old.since < k.since })
		if len(in.shadow) >= maxShadows {
			return
		}
	}
	in.shadow[k]++
}

// use keeps the minute of last use of the secrets that were used last.
func (in *cell) use(secret apikey.Hash, minute int64) {
	if secret == in.latest && minute <= in.minute {
		return
	}
	in.latest, in.minute = secret, minute
	if _, known := in.last[secret]; !known && len(in.last) >= maxSecrets {
		oldest := secret
		for hash, m := range in.last {
			if oldest == secret || m < in.last[oldest] {
				oldest = hash
			}
		}
		delete(in.last, oldest)
	}
	in.last[secret] = max(in.last[secret], minute)
}

// Due reports whether the call that asks has to report: the last report is ReportEvery old, by whichever clock says
// so, or much has changed. elapsed is the monotonic time since the last report.
func (t *Tally) Due(now time.Time, elapsed time.Duration) bool {
	if len(t.changed) == 0 {
		return false
	}
	return elapsed >= ReportEvery || now.Sub(t.reportedAt) >= ReportEvery || now.Before(t.reportedAt) || t.bytes >= reportAtBytes
}

// Report collects what changed since it was last acknowledged, in parts that fit into one item each and hold one hour
// each, so that an hour which is too old to be counted spoils no other. The parts are to be written in order, each of
// them acknowledged when it is written; what isn't acknowledged is in the next report again.
func (t *Tally) Report(now time.Time) []Report {
	t.reportedAt = now
	if len(t.changed) == 0 {
		return nil
	}
	t.sequence++
	var parts []Report
	size := 0
	for _, in := range t.changed {
		in.hosts.reported()
		entry := Entry{Subject: in.key.subject, Hour: in.key.hour, Counts: in.counts()}
		bytes := bytesPerEntry + entry.Counts.size()
		if n := len(parts); n == 0 || size+bytes > maxPartBytes || parts[n-1].Entries[0].Hour != entry.Hour {
			parts = append(parts, Report{Environment: t.environment(), Sequence: t.sequence, Part: n, At: now})
			size = 0
		}
		last := &parts[len(parts)-1]
		last.Entries = append(last.Entries, entry)
		size += bytes
	}
	return parts
}

// AcknowledgePart says that a part of the last report was written, and all parts before it: a report that is broken
// off goes on there next time, and doesn't begin again. No call may have been counted since Report.
func (t *Tally) AcknowledgePart(part Report) {
	n := min(len(part.Entries), len(t.changed))
	for _, in := range t.changed[:n] {
		in.changed = false
		t.bytes -= min(t.bytes, in.size())
	}
	t.changed = t.changed[n:]
}

// Acknowledge says that every part of the last report was written. It forgets what can't change any more: once an
// hour is over, much is known, or the places for hosts fill, the environment goes on under a new name from zero, which is
// always sound.
func (t *Tally) Acknowledge(now time.Time) {
	for _, in := range t.changed {
		in.changed = false
	}
	t.changed, t.bytes = nil, 0
	over := false
	for key, in := range t.cells {
		over = over || key.hour < HourOf(now) || in.hosts.crowded()
	}
	if over || len(t.cells) >= maxCells/2 || t.nameBytes >= maxNameBytes/2 {
		t.generation++
		t.sequence, t.nameBytes = 0, 0
		clear(t.cells)
		t.latest = nil
	}
}

func (t *Tally) environment() string { return t.id + "." + strconv.Itoa(t.generation) }

func (in *cell) counts() Counts {
	out := make(Counts, len(in.calls)+len(in.hosts.named)+len(in.hosts.rest)+len(in.shadow)+len(in.last)+len(in.billed.list)+4)
	for _, one := range in.calls {
		which := "c"
		if one.previous {
			which = "p"
		}
		out[calls(which, one.code)] = one.n
	}
	for m, n := range in.minutes {
		if n > 0 {
			out[minute(m)] = n
		}
	}
	in.hosts.into(out)
	in.billed.into(out)
	for k, n := range in.shadow {
		out[proposed(time.UnixMilli(k.since), k.code)] = n
	}
	for hash, m := range in.last {
		out[lastUsed(HashTag(hash))] = m
	}
	if in.refused > 0 {
		out[lastUsed(RefusedTag)] = in.refused
	}
	return out
}

// size is about how many bytes the cell's entry takes.
func (in *cell) size() int {
	return bytesPerEntry + 2*bytesPerNumber*(len(in.calls)+len(in.shadow)+len(in.last)+4) + in.hosts.passing.bytes + in.hosts.refused.bytes + in.billed.bytes()
}
