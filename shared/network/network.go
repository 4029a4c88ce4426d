// Package network reads the networks of a key, and decides whether a caller's address is in one of them.
package network

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// ErrBlock is wrapped by the errors of [ParseBlock] and [Compile].
var ErrBlock = errors.New("network: not a canonical block")

// Address is a caller's address. An IPv4 address that is written as an IPv6 one is the IPv4 address. The zero value is in no
// network.
type Address struct{ ip netip.Addr }

// ParseAddress reads the address that the gateway saw; the zero Address for anything else. An address with a zone is none: a zone
// means something on one machine alone.
func ParseAddress(text string) Address {
	if text == "" {
		return Address{} // an error would cost memory
	}
	ip, err := netip.ParseAddr(text)
	if err != nil || ip.Zone() != "" {
		return Address{}
	}
	return Address{ip.Unmap()}
}

// IsZero reports whether a is no address.
func (a Address) IsZero() bool { return !a.ip.IsValid() }

// String returns the canonical form, "" for the zero value.
func (a Address) String() string {
	if a.IsZero() {
		return ""
	}
	return a.ip.String()
}

// Block is a CIDR block: all addresses that begin with the same bits. The zero value has no addresses.
type Block struct {
	first netip.Addr
	bits  int // at least 1
}

// ParseBlock reads a block in its canonical form, as keys store it: the shortest spelling of the first address, in lower case, a slash
// and the number of bits. It refuses every other spelling, so that a list has one meaning and one text. Without netip.Prefix, since the
// gate links this.
func ParseBlock(canonical string) (Block, error) {
	first, size, _ := strings.Cut(canonical, "/")
	ip, err := netip.ParseAddr(first)
	bits, bad := strconv.Atoi(size)
	b := Block{ip, bits}
	if err != nil || bad != nil || bits < 1 || bits > ip.BitLen() || ip.Is4In6() || ip.Zone() != "" || b.String() != canonical || !b.isFirst() {
		return Block{}, fmt.Errorf("%w: %q", ErrBlock, canonical)
	}
	return b, nil
}

// isFirst reports whether all bits behind the block's are zero.
func (b Block) isFirst() bool {
	bytes := b.first.As16()
	from := len(bytes) - b.first.BitLen()/8
	for i := from; i < len(bytes); i++ {
		if left := max(b.bits-8*(i-from), 0); left < 8 && bytes[i]<<left != 0 {
			return false
		}
	}
	return true
}

// String returns the canonical form, "" for the zero value.
func (b Block) String() string {
	if b.bits == 0 {
		return ""
	}
	return b.first.String() + "/" + strconv.Itoa(b.bits)
}

// Has reports whether the address is in the block. IPv4 addresses are in IPv4 blocks alone, and IPv6 addresses in IPv6 blocks.
func (b Block) Has(a Address) bool {
	if b.bits == 0 || a.ip.BitLen() != b.first.BitLen() {
		return false
	}
	first, other := b.first.As16(), a.ip.As16() // an IPv4 address is the last 4 bytes
	from := len(first) - a.ip.BitLen()/8
	for i := from; i < len(first); i++ {
		switch left := b.bits - 8*(i-from); {
		case left <= 0:
			return true
		case left < 8:
			return (first[i]^other[i])>>(8-left) == 0
		case first[i] != other[i]:
			return false
		}
	}
	return true
}

// List holds a key's networks. The zero value has none; that a key without networks takes calls from everywhere is the caller's rule.
type List struct{ blocks []Block }

// Compile reads canonical blocks, as they are stored with a key. The error wraps [ErrBlock].
func Compile(canonical []string) (List, error) {
	if len(canonical) == 0 {
		return List{}, nil
	}
	blocks := make([]Block, len(canonical))
	for i, text := range canonical {
		b, err := ParseBlock(text)
		if err != nil {
			return List{}, fmt.Errorf("entry %d: %w", i, err)
		}
		blocks[i] = b
	}
	return List{blocks}, nil
}

// Has returns the first block that has the address. It allocates nothing. Without one, index is -1.
func (l List) Has(a Address) (index int, ok bool) {
	for i := range l.blocks {
		if l.blocks[i].Has(a) {
			return i, true
		}
	}
	return -1, false
}
