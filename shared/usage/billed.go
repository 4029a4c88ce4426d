package usage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/product"
)

// Bounds of the calls that are told apart by class and billing type: what has no room there is told apart by billing type alone,
// and what has none there either by its outcome. Calls that the key's rules refuse have half of each room, so that they can't take
// that of the calls that are billed.
const (
	maxClassBytes   = 4 << 10
	maxBillingBytes = 2 << 10
	maxClass        = 64 // bytes of a class's name within its product
)

// anyOther stands for the classes and billing types that are not told apart.
const anyOther = "*"

// billedKey names a kind of billed calls. Where there are more kinds than fit, two sums over environments may tell apart different
// ones; all kinds of an outcome together are the same in both.
type billedKey struct {
	class   string // within the product: "" is the product's own
	billing string
	code    authz.Code
}

func billedBy(k billedKey) Dimension {
	return Dimension("b:" + k.class + ":" + k.billing + ":" + string(k.code))
}

// billed is the key of a "b:" dimension. Classes may hold colons, as far as the catalogue is concerned.
func (d Dimension) billed() (k billedKey, ok bool) {
	kind, rest := d.parts()
	rest, code, coded := cutLast(rest)
	class, billing, typed := cutLast(rest)
	if kind != billedCalls || !coded || !typed {
		return billedKey{}, false
	}
	return billedKey{class, billing, authz.Code(code)}, true
}

// ParseBilled reads a dimension of billed calls, and whether an environment can have counted n of it.
func ParseBilled(name string, n int64) (Dimension, bool) {
	d := Dimension(name)
	return d, d.Billed() && d.valid(n, time.Time{})
}

func (k billedKey) valid() bool {
	return isCode(string(k.code)) && (k.billing == anyOther || isBilling(k.billing)) && isClass(k.class)
}

// isBilling reports whether a word can be a billing type, of this release or of another one.
func isBilling(text string) bool { return isCode(text) }

func isClass(text string) bool {
	for _, c := range []byte(text) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(text) <= maxClass
}

// within is a class without its product's name. The catalogue has no other classes of a product.
func within(p product.ID, c product.Class) string {
	if len(c) <= len(p)+1 {
		return ""
	}
	return string(c[len(p)+1:])
}

func (k billedKey) size() int {
	return len("b:::") + len(k.class) + len(k.billing) + len(k.code) + bytesPerNumber
}

// coarser returns the kind under which a call counts where k has no room.
func (k billedKey) coarser() billedKey {
	if k.class != anyOther {
		k.class = anyOther
	} else {
		k.billing = anyOther
	}
	return k
}

// billedRoom is the room that is taken in an item or in an environment's hour.
type billedRoom struct{ classes, billing int }

func (r *billedRoom) fits(k billedKey) bool {
	taken, most := r.of(k)
	if !passes(k.code) {
		most /= 2
	}
	return k.billing == anyOther || *taken+k.size() <= most
}

func (r *billedRoom) take(k billedKey) {
	taken, _ := r.of(k)
	*taken += k.size()
}

func (r *billedRoom) of(k billedKey) (taken *int, most int) {
	if k.class == anyOther {
		return &r.billing, maxBillingBytes
	}
	return &r.classes, maxClassBytes
}

// billedCounts are the calls of an environment's hour by keys that had a billing type: few kinds of them, so a list.
type billedCounts struct {
	list []billedCount
	room billedRoom
}

type billedCount struct {
	billedKey
	n int64
}

// add counts a call. Of a kind that is known it doesn't allocate.
func (b *billedCounts) add(k billedKey) {
	for ; !b.again(k); k = k.coarser() {
		if b.room.fits(k) {
			b.room.take(k)
			k.class, k.billing = strings.Clone(k.class), strings.Clone(k.billing)
			b.list = append(b.list, billedCount{k, 1})
			return
		}
	}
}

func (b *billedCounts) again(k billedKey) bool {
	for i := range b.list {
		if b.list[i].billedKey == k {
			b.list[i].n++
			return true
		}
	}
	return false
}

func (b *billedCounts) into(c Counts) {
	for _, one := range b.list {
		c[billedBy(one.billedKey)] = one.n
	}
}

// bytes is about how many an entry takes of them.
func (b *billedCounts) bytes() int { return b.room.classes + b.room.billing }

// countBilled counts the billing type and class of a call. A key's record of a release before names no billing type, and one that
// somebody has spoilt names no word: such calls count under none.
func (in *cell) countBilled(c *Call) {
	k := billedKey{within(c.Subject.Product, c.Class), string(c.Billing), c.Code}
	if k.billing == "" || !isBilling(k.billing) {
		return
	}
	if !isClass(k.class) {
		k.class = anyOther
	}
	in.billed.add(k)
}

// addBilled puts billed calls of kinds that c hasn't yet on top of it, as far as there is room for them.
func (c Counts) addBilled(kinds []Dimension, growth Counts) {
	var room billedRoom
	for d := range c {
		if k, ok := d.billed(); ok {
			room.take(k)
		}
	}
	slices.SortFunc(kinds, func(a, b Dimension) int {
		return cmp.Or(cmp.Compare(refusedLast(a), refusedLast(b)), cmp.Compare(growth[b], growth[a]), cmp.Compare(a, b))
	})
	for _, d := range kinds {
		k, _ := d.billed()
		for c[billedBy(k)] == 0 && !room.fits(k) {
			k = k.coarser()
		}
		if c[billedBy(k)] == 0 {
			room.take(k)
		}
		c[billedBy(k)] += growth[d]
	}
}

func refusedLast(d Dimension) int {
	if k, _ := d.billed(); passes(k.code) {
		return 0
	}
	return 1
}

func (k billedKey) billingType() apikey.BillingType {
	if k.billing == anyOther {
		return ""
	}
	return apikey.BillingType(k.billing)
}
