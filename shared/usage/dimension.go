package usage

import (
	"strconv"
	"strings"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
)

// Dimension names one number of a subject and hour. All of them only grow. They are written "kind:…":
//
//	c:<c|p>:<code>     calls by the current or the previous secret, by outcome
//	m:<00…59>          calls in a minute of the hour
//	o:<host>:<code>    calls from an origin's host by outcome; "-" is none, "*" and "*refused" are what has no name of
//	                   its own: see MaxHosts and MaxRefusedHosts
//	x:<since>:<code>   what a proposal of that time (Unix milliseconds) would have said to the calls that were allowed
//	b:<class>:<type>:<code>  calls by the limit class within the product (empty: its own) and the billing type that the key's record
//	                   named, by outcome; "*" is what is not told apart. Calls by a record without a billing type have none
//	l:<hash>           the minute (since 1970) in which a secret last made an allowed call; HashTag shortens its hash
//	l:~refused..       the minute in which a call with any secret of the key was last refused
//
// The last merges by the larger value, all others add up over environments.
type Dimension string

// The kinds of dimensions, as the letter that each begins with.
const (
	outcomes  = 'c'
	minutes   = 'm'
	hosts     = 'o'
	proposals = 'x'
	lastUses  = 'l'

	billedCalls = 'b'
)

// Bounds of what is told apart for a key and product in an hour, and in a day. They are what keeps an item small: see
// TestItemsStaySmallWhateverIsCounted.
const (
	MaxHosts        = 50       // hosts that got through, or were over a limit; light ones give way: see hostCounts
	MaxRefusedHosts = 10       // hosts of which every call was refused, so that made-up origins hide nobody
	maxHostBytes    = 16 << 10 // of the first with their outcomes: the longest hosts come fewer
	maxRefusedBytes = 4 << 10  // of the second
	maxHost         = 253      // bytes of one host, as DNS has it
	maxProposals    = 8        // the newest ones
	maxSecrets      = 24       // whose last use is known, the most recently used ones
	maxCount        = 1 << 50
)

// The hosts that mean no origin, and all other hosts: those beside the MaxHosts, and those after the first
// MaxRefusedHosts. Counters of before have both under OtherHost.
const (
	NoHost       = "-"
	OtherHost    = "*"
	OtherRefused = "*refused"
)

// HashTag is the part of a hash that tells one key's secrets apart.
func HashTag(h apikey.Hash) string { return h.String()[:tagLength] }

const tagLength = 10

// RefusedTag marks the last call of a key that was refused, with any secret, in place of a HashTag. It has a HashTag's length, so a
// counter that doesn't know it keeps it as another secret's, and a character that no HashTag has.
const RefusedTag = "~refused.."

func calls(which string, code authz.Code) Dimension {
	return Dimension("c:" + which + ":" + string(code))
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
	host, code, ok = cutLast(rest)
	if kind != hosts || host == "" {
		return "", "", false
	}
	return host, code, ok
}

// cutLast cuts a text at its last colon.
func cutLast(text string) (before, after string, ok bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return "", "", false
	}
	return text[:i], text[i+1:], true
}

// valid reports whether an environment can have counted n of a dimension by now.
func (d Dimension) valid(n int64, now time.Time) bool {
	kind, rest := d.parts()
	if n < 1 || n > maxCount {
		return false
	}
	switch kind {
	case outcomes:
		which, code, ok := strings.Cut(rest, ":")
		return ok && (which == "c" || which == "p") && isCode(code)
	case minutes:
		return len(rest) == 2 && '0' <= rest[0] && rest[0] <= '5' && '0' <= rest[1] && rest[1] <= '9'
	case hosts:
		host, code, ok := d.host()
		return ok && isCode(code) && len(host) <= maxHost
	case proposals:
		_, code, ok := strings.Cut(rest, ":")
		return ok && d.since() > 0 && isCode(code)
	case billedCalls:
		k, ok := d.billed()
		return ok && k.valid()
	case lastUses:
		return len(rest) == tagLength && n <= now.Unix()/60+60
	default:
		return false
	}
}

// since is the time of an "x:" dimension, 0 for any other.
func (d Dimension) since() int64 {
	kind, rest := d.parts()
	text, _, _ := strings.Cut(rest, ":")
	since, err := strconv.ParseInt(text, 10, 64)
	if kind != proposals || err != nil {
		return 0
	}
	return since
}

// isCode reports whether a text can be the code of a decision, of this version or of a newer one.
func isCode(text string) bool {
	for _, c := range []byte(text) {
		if (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return text != "" && len(text) <= 40
}

// Billed reports whether a dimension counts calls by billing type.
func (d Dimension) Billed() bool {
	kind, _ := d.parts()
	return kind == billedCalls
}
