// Package usage counts what keys did so that the numbers can be trusted: each execution environment reports what it
// has counted so far, in absolute values that only grow; folding the reports keeps the largest value of each
// environment and sums over the environments. Reports may be lost, repeated, late and out of order: the sum stays right.
// The package is pure.
package usage

import (
	"maps"
	"strconv"
	"strings"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/product"
)

// Hour is a clock hour in UTC, counted from 1970.
type Hour int64

// HourOf finds the hour of an instant.
func HourOf(t time.Time) Hour { return Hour(floorDiv(t.Unix(), 3600)) }

// Start is the hour's first instant.
func (h Hour) Start() time.Time { return time.Unix(int64(h)*3600, 0).UTC() }

// Day is the day of the hour.
func (h Hour) Day() Day { return Day(floorDiv(int64(h), 24)) }

// Day is a day in UTC, counted from 1970.
type Day int64

// DayOf finds the day of an instant.
func DayOf(t time.Time) Day { return HourOf(t).Day() }

// Start is the day's first instant.
func (d Day) Start() time.Time { return Hour(d * 24).Start() }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// How long counters are kept, and how old a report may be. Contributions outlive every replay: a stream keeps its
// records for a day, and what is older than MaxReportAge is set aside.
const (
	KeepHours    = 35 * 24 * time.Hour
	KeepDays     = 400 * 24 * time.Hour // 13 months
	MaxReportAge = 72 * time.Hour
	KeepParts    = 6 * 24 * time.Hour
)

// Subject is what is counted: one key's calls to one product. Product is empty for a path that belongs to none.
type Subject struct {
	Account account.ID
	Key     apikey.ID
	Product product.ID
}

// Dimension names one number of a subject and hour. All of them only grow. They are written "kind:…":
//
//	c:<c|p>:<code>     calls by the current or the previous secret, by outcome
//	m:<00…59>          calls in a minute of the hour
//	o:<host>:<code>    calls from an origin's host by outcome; "-" is none, "*" the hosts after the first MaxHosts
//	x:<since>:<code>   what a proposal of that time (Unix milliseconds) would have said
//	l:<hash>           the minute (since 1970) in which a secret was last used; HashTag shortens its hash
//
// The last merges by the larger value, all others add up over environments.
type Dimension string

// MaxHosts is how many hosts of origins are told apart for a key and hour.
const MaxHosts = 50

// The hosts that stand for no origin and for the rest of them.
const (
	NoHost    = "-"
	OtherHost = "*"
)

// HashTag is the part of a hash that tells one key's secrets apart.
func HashTag(h apikey.Hash) string { return h.String()[:10] }

func calls(slot string, code authz.Code) Dimension {
	return Dimension("c:" + slot + ":" + string(code))
}

func minute(m int) Dimension {
	return Dimension("m:" + string([]byte{'0' + byte(m/10), '0' + byte(m%10)})) //nolint:gosec // m is 0 to 59
}

func fromHost(host string, code authz.Code) Dimension {
	return Dimension("o:" + host + ":" + string(code))
}

func proposed(since time.Time, code authz.Code) Dimension {
	return Dimension("x:" + strconv.FormatInt(since.UnixMilli(), 10) + ":" + string(code))
}
func lastUsed(tag string) Dimension { return Dimension("l:" + tag) }

// parts splits a dimension into its kind and the rest.
func (d Dimension) parts() (kind byte, rest string) {
	if len(d) < 3 || d[1] != ':' {
		return 0, ""
	}
	return d[0], string(d[2:])
}

// host is the host and outcome of an "o:" dimension. Hosts may hold colons (IPv6), codes don't.
func (d Dimension) host() (host, code string, ok bool) {
	kind, rest := d.parts()
	i := strings.LastIndexByte(rest, ':')
	if kind != 'o' || i < 1 {
		return "", "", false
	}
	return rest[:i], rest[i+1:], true
}

// valid reports whether a dimension is one that this package writes.
func (d Dimension) valid() bool {
	kind, rest := d.parts()
	switch kind {
	case 'c':
		return (strings.HasPrefix(rest, "c:") || strings.HasPrefix(rest, "p:")) && len(rest) > 2 && len(rest) < 64
	case 'm':
		n, err := strconv.Atoi(rest)
		return err == nil && len(rest) == 2 && n >= 0 && n < 60
	case 'o':
		_, code, ok := d.host()
		return ok && code != "" && len(rest) < 400
	case 'x':
		since, code, ok := strings.Cut(rest, ":")
		_, err := strconv.ParseInt(since, 10, 64)
		return ok && err == nil && code != "" && len(rest) < 64
	case 'l':
		return len(rest) == 10
	default:
		return false
	}
}

// Counts are the numbers of one subject and hour. Nil is none.
type Counts map[Dimension]int64

// Merge keeps the larger value of each dimension: two reports of one environment, in any order.
func (c Counts) Merge(other Counts) Counts {
	if c == nil {
		c = Counts{}
	}
	for d, n := range other {
		if n > c[d] {
			c[d] = n
		}
	}
	return c
}

// Growth is what merging other into c adds to the sum over all environments.
func (c Counts) Growth(other Counts) Counts {
	var grown Counts
	for d, n := range other {
		kind, _ := d.parts()
		switch {
		case n <= c[d]:
			continue
		case kind != 'l':
			n -= c[d]
		}
		if grown == nil {
			grown = Counts{}
		}
		grown[d] = n
	}
	return grown
}

// Add puts growth on top of c, which is a sum over environments. It changes c.
func (c Counts) Add(growth Counts) Counts {
	if c == nil {
		c = Counts{}
	}
	for d, n := range growth {
		if kind, _ := d.parts(); kind == 'l' {
			c[d] = max(c[d], n)
			continue
		}
		c[d] += n
	}
	return c
}

// AddKey is Add for the counters of one key, which tell at most MaxHosts hosts apart: the hosts that come first
// keep their own count, what comes later goes together. It changes c.
func (c Counts) AddKey(growth Counts) Counts {
	known := map[string]bool{}
	for d := range c {
		if host, _, ok := d.host(); ok {
			known[host] = true
		}
	}
	bounded := maps.Clone(growth)
	for _, d := range sorted(growth) {
		host, code, ok := d.host()
		if !ok || known[host] || host == NoHost || host == OtherHost {
			continue
		}
		if len(known) < MaxHosts {
			known[host] = true
			continue
		}
		bounded[fromHost(OtherHost, authz.Code(code))] += growth[d]
		delete(bounded, d)
	}
	return c.Add(bounded)
}

// ForAccount is what of a growth is counted for the whole account: outcomes and minutes. Hosts, secrets and
// proposals are a key's own matter.
func (c Counts) ForAccount() Counts { return c.only("cm") }

// ForDay is what of a growth is counted for a key's day: all but the minutes and the minute of last use.
func (c Counts) ForDay() Counts { return c.only("cox") }

func (c Counts) only(kinds string) Counts {
	out := Counts{}
	for d, n := range c {
		if kind, _ := d.parts(); strings.IndexByte(kinds, kind) >= 0 {
			out[d] = n
		}
	}
	return out
}

// LastUsed finds the minute of last use of each secret, by HashTag.
func (c Counts) LastUsed() map[string]time.Time {
	out := map[string]time.Time{}
	for d, n := range c {
		if kind, tag := d.parts(); kind == 'l' {
			out[tag] = time.Unix(n*60, 0).UTC()
		}
	}
	return out
}

func sorted(c Counts) []Dimension {
	keys := make([]Dimension, 0, len(c))
	for d := range c {
		keys = append(keys, d)
	}
	sortDimensions(keys)
	return keys
}
