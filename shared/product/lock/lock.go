// Package lock keeps the history of what each product of the catalogue covers: the file catalogue.lock. It is pure;
// the generator of the catalogue and tests use it, the gate doesn't.
//
// A file is a list of blocks, each a catalogue that covers other paths than the ones that it follows:
//
//	version 2-8c1d22ef01 after 1-5f2c9a8e77
//	+ traffic /traffic/tiles/
//	- search /search/old/
//	+ search /search/ encoded_slash
//
// The last line says that paths within may hold encoded slashes. Classes that took some before the file recorded them have lines with
// "=", in the block that has the line "= encoded_slash"; such paths are open as the paths around them are.
//
// "+ tiles group" and "- tiles group" are a group of quotas that comes and one that goes.
//
// A version is a number, one more than those before, and a hash of the block and of the versions that it comes after. So
// blocks can only be added, and two branches never give the same version to two catalogues. Where branches are merged,
// the file has the blocks of both, and the next block comes after both.
package lock

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"latchkey/shared/consent"
)

// ErrLock is a file that can't be what Update wrote, or a catalogue that it refuses.
var ErrLock = errors.New("catalogue.lock")

// Coverages are the paths of each product, by its ID: prefixes as they are written. A product without paths is there,
// with none. The prefixes of classes that take encoded slashes are there once more, under [EncodedSlash] of the ID.
type Coverages map[string][]string

// Add adds a class of a product.
func (c Coverages) Add(product string, prefixes []string, encodedSlash bool) {
	c[product] = append(c[product], prefixes...)
	if encodedSlash {
		c[EncodedSlash(product)] = append(c[EncodedSlash(product)], prefixes...)
	}
}

// A product's paths with encoded slashes are kept as those of another product, whose ID has this behind it; so are the
// exceptions: prefixes of classes that take none, within those of classes that do.
const (
	encodedSlash = " encoded_slash"
	noneWithin   = " no_encoded_slash"
)

// ofGroup is behind the ID of a group of quotas, which has no paths.
const ofGroup = " group"

// AddGroup adds a group of quotas.
func (c Coverages) AddGroup(id string) { c[id+ofGroup] = nil }

// EncodedSlash names the paths of a product that hold encoded slashes.
func EncodedSlash(product string) string { return product + encodedSlash }

// base is the product itself.
func base(id string) string {
	id, _, _ = strings.Cut(id, " ")
	return id
}

// The signs of a line.
const (
	comes = "+"
	goes  = "-"
	stood = "=" // before the file said so
)

// line is one change: a product or a group that comes or goes (prefix ""), or one of a product's prefixes. Without a product it says that the
// file has encoded slashes from here on.
type line struct {
	sign            string
	product, prefix string
}

func (l line) String() string {
	_, kind, _ := strings.Cut(l.product, " ")
	return strings.Join(slices.DeleteFunc([]string{l.sign, base(l.product), l.prefix, kind}, func(part string) bool { return part == "" }), " ")
}

// parseLine reads what String wrote.
func parseLine(fields []string) (l line, ok bool) {
	l = line{sign: fields[0]}
	switch last := " " + fields[len(fields)-1]; {
	case l.sign == stood && len(fields) == 2 && last == encodedSlash:
		l.product = encodedSlash
	case len(fields) == 4 && (last == encodedSlash || last == noneWithin) && (l.sign == comes || l.sign == goes || l.sign == stood):
		l.product, l.prefix = fields[1]+last, fields[2]
	case len(fields) == 3 && last == ofGroup && (l.sign == comes || l.sign == goes): // a prefix has slashes
		l.product = fields[1] + last
	case len(fields) == 3 && (l.sign == comes || l.sign == goes):
		l.product, l.prefix = fields[1], fields[2]
	case len(fields) == 2 && (l.sign == comes || l.sign == goes):
		l.product = fields[1]
	default:
		return line{}, false
	}
	return l, true
}

type block struct {
	version consent.Version
	after   []consent.Version // none for the first block alone
	lines   []line
}

// body writes all lines of the block but the first, which has the hash.
func (b block) body() string {
	var out strings.Builder
	for _, l := range b.lines {
		out.WriteString(l.String() + "\n")
	}
	return out.String()
}

const hashLength = 10

// name is the version of a block: its number and the hash of all that it is made of.
func (b block) name(number int) consent.Version {
	sum := sha256.Sum256([]byte(strconv.Itoa(number) + "\n" + joined(b.after) + "\n" + b.body()))
	return consent.Version(strconv.Itoa(number) + "-" + hex.EncodeToString(sum[:])[:hashLength])
}

func joined(versions []consent.Version) string {
	texts := make([]string, len(versions))
	for i, v := range versions {
		texts[i] = string(v)
	}
	return strings.Join(texts, " ")
}

func number(v consent.Version) int {
	text, _, _ := strings.Cut(string(v), "-")
	n, _ := strconv.Atoi(text)
	return n
}

func (b block) String() string {
	first := "version " + string(b.version)
	if len(b.after) > 0 {
		first += " after " + joined(b.after)
	}
	return first + "\n" + b.body()
}

const preface = "# What each product has covered, version by version of the catalogue: \"+\" for paths that came, \"-\" for paths that went.\n" +
	"# Lines with encoded_slash are about the paths within that hold encoded slashes (%2F), lines with no_encoded_slash about the\n" +
	"# parts of those that take none. \"=\" is for what took encoded slashes before this file recorded them, which it does from the\n" +
	"# version with \"= encoded_slash\" on. Lines with group are about groups of quotas.\n" +
	"#\n" +
	"# Written by `make catalogue`, which only ever adds versions. Where a merge conflicts here, keep the versions of both sides, then run\n" +
	"# `make catalogue`.\n"

// parse reads the blocks of a file and checks each against its version.
func parse(text string) ([]block, error) {
	var blocks []block
	for n, row := range strings.Split(text, "\n") {
		fields := strings.Fields(row)
		bad := fmt.Errorf("%w: line %d: %q", ErrLock, n+1, row)
		switch {
		case len(fields) == 0 || strings.HasPrefix(row, "#"):
		case fields[0] == "version" && (len(fields) == 2 || len(fields) > 3 && fields[2] == "after"):
			b := block{version: consent.Version(fields[1])}
			for _, v := range fields[min(3, len(fields)):] {
				b.after = append(b.after, consent.Version(v))
			}
			blocks = append(blocks, b)
		case len(blocks) > 0:
			l, ok := parseLine(fields)
			if !ok {
				return nil, bad
			}
			last := &blocks[len(blocks)-1]
			last.lines = append(last.lines, l)
		default:
			return nil, bad
		}
	}
	return blocks, verify(blocks)
}

// verify holds that nothing that stood was changed, and that there is one beginning.
func verify(blocks []block) error {
	known := map[consent.Version]bool{}
	for i, b := range blocks {
		next := 1
		for _, v := range b.after {
			if !known[v] {
				return fmt.Errorf("%w: %s comes after %s, which doesn't stand before it", ErrLock, b.version, v)
			}
			next = max(next, number(v)+1)
		}
		switch {
		case (i == 0) != (len(b.after) == 0):
			return fmt.Errorf("%w: %s is another beginning", ErrLock, b.version)
		case known[b.version]:
			return fmt.Errorf("%w: %s is there twice", ErrLock, b.version)
		case b.version != b.name(next):
			return fmt.Errorf("%w: the block of %s was changed", ErrLock, b.version)
		}
		known[b.version] = true
	}
	return nil
}

// heads are the versions that no other comes after.
func heads(blocks []block) (list []consent.Version) {
	followed := map[consent.Version]bool{}
	for _, b := range blocks {
		for _, v := range b.after {
			followed[v] = true
		}
	}
	for _, b := range blocks {
		if !followed[b.version] {
			list = append(list, b.version)
		}
	}
	slices.Sort(list)
	return list
}
