package usage

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/product"
)

// Row is one counter item of an hour or a day as a query reads it.
type Row struct {
	Start   time.Time
	Key     apikey.ID // empty for an account's own row
	Product product.ID
	Counts  Counts
}

// Totals are numbers as customers know them.
type Totals struct {
	Requests int64
	Allowed  int64
	Refused  int64
	Breaches int64 // refusals for QPS
	ByReason map[authz.Code]int64
}

// Add counts n calls that were decided so.
func (t *Totals) Add(code authz.Code, n int64) {
	t.Requests += n
	if code == authz.Allowed {
		t.Allowed += n
		return
	}
	t.Refused += n
	if code == authz.QPSExceeded {
		t.Breaches += n
	}
	if t.ByReason == nil {
		t.ByReason = map[authz.Code]int64{}
	}
	t.ByReason[code] += n
}

// Less returns what is left of t without other totals, of each outcome; never less than nothing.
func (t Totals) Less(others ...Totals) Totals {
	left := maps.Clone(t.ByReason)
	if left == nil {
		left = map[authz.Code]int64{}
	}
	left[authz.Allowed] = t.Allowed
	for _, one := range others {
		left[authz.Allowed] -= one.Allowed
		for code, n := range one.ByReason {
			left[code] -= n
		}
	}
	var out Totals
	for code, n := range left {
		if n > 0 {
			out.Add(code, n)
		}
	}
	return out
}

// Outcome filters calls. The zero value lets all through.
type Outcome string

// Fits reports whether a call with this code is asked for: "allowed", "refused", or a code.
func (o Outcome) Fits(code authz.Code) bool {
	switch o {
	case "":
		return true
	case "refused":
		return code != authz.Allowed
	default:
		return string(o) == string(code)
	}
}

// Share is the part of one product, key, host or secret in the totals.
type Share struct {
	Name string
	Totals
}

// Point is one hour or day.
type Point struct {
	Start time.Time
	Totals
	Expected  float64 // what the weeks before suggest; NaN if they say nothing
	StandsOut bool
}

// Summary is the answer to a usage query.
type Summary struct {
	Totals    Totals
	Points    []Point
	ByProduct []Share
	ByKey     []Share
	ByHost    []Share // the 20 with the most requests; see shownHosts
	BySecret  []Share // "current" and "previous"
	ByBilling []Share // by the billing type that the key had; "" where it isn't known
	Busiest   *Minute // nil where no minutes are kept: days, filtered outcomes
	Evaluated int64   // allowed calls that the proposal was asked about
	Refusing  int64   // of those, how many it would have refused: what enforcing it changes
	Groups    []Group // nil where nothing was asked to be split
}

// Minute is a minute and its requests.
type Minute struct {
	Start    time.Time
	Requests int64
}

// Query selects and groups the counts of a summary.
type Query struct {
	From, To time.Time     // From included, To not
	Step     time.Duration // an hour or a day
	Outcome  Outcome
	Proposed time.Time // since when the key's present proposal is there; zero: none
	Group    Grouping  // of the points
}

// Summarise adds up rows. Every hour or day of the range has a point, empty ones too.
func Summarise(q Query, rows []Row) Summary {
	s := NewSumming(q)
	s.Add(rows)
	return s.Summary()
}

// Summing adds up rows that come in turns, so that not all of them have to be in memory.
type Summing struct {
	q       Query
	out     Summary
	points  []Point
	shares  map[byte]map[string]*Totals
	minutes map[time.Time]int64
	tracks  map[string]*track
}

// NewSumming starts at zero.
func NewSumming(q Query) *Summing {
	s := &Summing{q: q, shares: map[byte]map[string]*Totals{}, minutes: map[time.Time]int64{}}
	for at := q.From.Truncate(q.Step); at.Before(q.To); at = at.Add(q.Step) {
		s.points = append(s.points, Point{Start: at, Expected: math.NaN()})
	}
	return s
}

// Add adds rows. Those outside the range are left out.
func (s *Summing) Add(rows []Row) {
	for _, r := range rows {
		if len(s.points) == 0 || r.Start.Before(s.points[0].Start) {
			continue
		}
		if i := int(r.Start.Sub(s.points[0].Start) / s.q.Step); i < len(s.points) {
			s.row(i, r)
		}
	}
}

// Summary returns the sum of the rows added so far.
func (s *Summing) Summary() Summary {
	out := s.out
	out.Points = slices.Clone(s.points)
	out.ByProduct, out.ByKey = s.share('P'), s.share('K')
	out.ByHost, out.BySecret = s.share('H'), s.share('S')
	out.ByHost = shownHosts(out.ByHost)
	out.ByBilling = s.byBilling()
	out.Groups = s.Groups(out.Points)
	if s.q.Outcome == "" {
		out.Busiest = busiest(s.minutes)
	}
	return out
}

func (s *Summing) row(at int, r Row) {
	for d, n := range r.Counts {
		switch kind, rest := d.parts(); kind {
		case outcomes:
			which, code, _ := strings.Cut(rest, ":")
			s.call(at, r, which, authz.Code(code), n)
		case hosts:
			if host, code, ok := d.host(); ok && s.q.Outcome.Fits(authz.Code(code)) {
				s.in('H', host).Add(authz.Code(code), n)
				s.track(GroupHost, host, at, n)
			}
		case minutes:
			minute := r.Start.Add(time.Duration(int(rest[0]-'0')*10+int(rest[1]-'0')) * time.Minute)
			s.minutes[minute] += n
		case proposals:
			s.proposed(rest, n)
		case billedCalls:
			if k, ok := d.billed(); ok && k.billingType() != "" && s.q.Outcome.Fits(k.code) {
				s.in('B', k.billing).Add(k.code, n)
			}
		}
	}
}

func (s *Summing) call(at int, r Row, which string, code authz.Code, n int64) {
	if !s.q.Outcome.Fits(code) {
		return
	}
	s.out.Totals.Add(code, n)
	s.points[at].Add(code, n)
	s.trackCall(at, r, code, n)
	s.in('P', string(r.Product)).Add(code, n)
	if r.Key != "" {
		s.in('K', string(r.Key)).Add(code, n)
		name := "current"
		if which == "p" {
			name = "previous"
		}
		s.in('S', name).Add(code, n)
	}
}

func (s *Summing) proposed(rest string, n int64) {
	since, code, _ := strings.Cut(rest, ":")
	if s.q.Proposed.IsZero() || since != strconv.FormatInt(s.q.Proposed.UnixMilli(), 10) {
		return
	}
	s.out.Evaluated += n
	if authz.Code(code) != authz.Allowed {
		s.out.Refusing += n
	}
}

func (s *Summing) in(group byte, name string) *Totals {
	if s.shares[group] == nil {
		s.shares[group] = map[string]*Totals{}
	}
	t := s.shares[group][name]
	if t == nil {
		t = &Totals{}
		s.shares[group][name] = t
	}
	return t
}

// ByHost adds up the calls of rows by the host that they named. Those that named none, and those whose host has no name of its own,
// are under [NoHost], [OtherHost] and [OtherRefused].
func ByHost(rows []Row) map[string]Totals {
	sums := map[string]Totals{}
	for _, r := range rows {
		for d, n := range r.Counts {
			if host, code, ok := d.host(); ok {
				t := sums[host]
				t.Add(authz.Code(code), n)
				sums[host] = t
			}
		}
	}
	return sums
}

// share lists a group, the most requests first, names in order where they tie.
func (s *Summing) share(group byte) []Share {
	out := make([]Share, 0, len(s.shares[group]))
	for name, t := range s.shares[group] {
		out = append(out, Share{Name: name, Totals: *t})
	}
	return mostFirst(out)
}

func mostFirst(shares []Share) []Share {
	slices.SortFunc(shares, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Name, b.Name))
	})
	return shares
}

// byBilling is a share for each billing type, and one for the calls that have none.
func (s *Summing) byBilling() []Share {
	typed := s.share('B')
	var of []Totals
	for _, one := range typed {
		of = append(of, one.Totals)
	}
	if rest := s.out.Totals.Less(of...); rest.Requests > 0 {
		typed = append(typed, Share{Totals: rest})
	}
	return mostFirst(typed)
}

func busiest(minutes map[time.Time]int64) *Minute {
	var best *Minute
	for at, n := range minutes {
		if best == nil || n > best.Requests || n == best.Requests && at.Before(best.Start) {
			best = &Minute{Start: at, Requests: n}
		}
	}
	return best
}

// The rule for spikes: an hour stands out if it has at least spikeFloor requests and more than spikeFactor times
// the median of the same hour of the SpikeWeeks weeks before. Without at least two such weeks nothing stands out:
// a new key has no history that one could compare with.
const (
	SpikeWeeks  = 4
	spikeFloor  = 100
	spikeFactor = 3
)

// MarkSpikes compares hourly points with the hours of the weeks before. past holds requests by the hour's start and
// covers SpikeWeeks weeks before the first point; since is when counting began.
func MarkSpikes(points []Point, past map[time.Time]int64, since time.Time) {
	for i := range points {
		var same []float64
		for week := 1; week <= SpikeWeeks; week++ {
			if at := points[i].Start.AddDate(0, 0, -7*week); !at.Before(since) {
				same = append(same, float64(past[at]))
			}
		}
		if len(same) < 2 {
			continue
		}
		points[i].Expected = median(same)
		n := points[i].Requests
		points[i].StandsOut = n >= spikeFloor && float64(n) > spikeFactor*points[i].Expected
	}
}

func median(v []float64) float64 {
	slices.Sort(v)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}
