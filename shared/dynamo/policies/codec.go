// Package policies reads and writes policy records: one for each secret's hash, all that a decision needs.
// It is linked into the authorizer, so its codec is manually written.
package policies

import (
	"fmt"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/product"
)

// The versions of the record. A restriction that an old reader would overlook needs a new one, which only the keys that use it
// have: a reader refuses what it doesn't know.
const (
	format       = 1
	formatNarrow = 2 // consents for less than a product once covered: a gate that knew none would open the rest
	// formatClosed is of networks, of apps, of caps, and of a secret that is refused because it is exposed: a gate that knew nothing of them would let
	// callers in.
	formatClosed = 3
)

// BillingType is the attribute of a policy record that releases before didn't write.
const BillingType = "bt"

func formatOf(p authz.Policy) int64 {
	switch {
	case closesMore(p):
		return formatClosed
	case p.Consents.Narrow():
		return formatNarrow
	default:
		return format
	}
}

// closesMore reports whether a record says something that gates of before formatClosed don't know, and would open without.
func closesMore(p authz.Policy) bool {
	return len(p.Networks) > 0 || len(p.Apps) > 0 || len(p.Caps) > 0 || p.Exposed
}

// isFormat reports whether a record of a format can say this. A record of formatClosed that closes nothing more would be open.
func isFormat(v int64, p authz.Policy) bool {
	return v >= format && v <= formatClosed && (v == formatClosed) == closesMore(p)
}

// Key is the primary key of a secret's record.
func Key(h apikey.Hash) dynamo.Item { return dynamo.Item{"pk": dynamo.S(h.String())} }

// Encode writes a policy as an item. Equal policies make equal items.
func Encode(p authz.Policy) dynamo.Item {
	item := dynamo.Item{
		"pk":   dynamo.S(p.Hash.String()),
		"v":    dynamo.N(formatOf(p)),
		"kid":  dynamo.S(string(p.KeyID)),
		"acct": dynamo.S(string(p.Account)),
		"at":   dynamo.S(string(p.AccountType)),
		"ver":  dynamo.N(p.Version),
		"live": dynamo.Bool(p.Live),
		"mo":   dynamo.S(string(p.MissingOrigin)),
	}
	if p.BillingType != "" {
		item[BillingType] = dynamo.S(string(p.BillingType))
	}
	putFlag(item, "out", p.Outgoing)
	putFlag(item, "blk", p.Blocked)
	putFlag(item, "dis", p.Disabled)
	putFlag(item, "hdr", p.HeaderOnly)
	putFlag(item, "xpo", p.Exposed)
	putTime(item, "ends", p.SecretEnds)
	putTime(item, "exp", p.ExpiresAt)
	putTime(item, "del", p.DeletedAt)
	putTime(item, "rev", p.RevokedAt)
	if len(p.Products) > 0 {
		item["prods"] = putList(p.Products)
	}
	putConsents(item, "con", p.Consents)
	if len(p.Domains) > 0 {
		item["doms"] = putList(p.Domains)
	}
	if len(p.Networks) > 0 {
		item["nets"] = putList(p.Networks)
	}
	if len(p.Apps) > 0 {
		item["apps"] = putList(p.Apps)
	}
	if len(p.Limits) > 0 {
		item["lims"] = putLimits(p.Limits)
	}
	if len(p.Caps) > 0 {
		item["caps"] = putCaps(p.Caps)
	}
	if p.Proposed != nil {
		item["prop"] = putProposal(*p.Proposed)
	}
	return item
}

// Decode reads a policy record. Whatever isn't exactly a record of this format is dynamo.ErrUnreadable: guessing
// could open a door.
func Decode(item dynamo.Item) (authz.Policy, error) {
	r := reader{item: item}
	hash, err := apikey.ParseHash(r.text("pk"))
	if err != nil {
		r.fail("pk")
	}
	p := authz.Policy{
		Hash:          hash,
		KeyID:         apikey.ID(r.text("kid")),
		Account:       account.ID(r.text("acct")),
		AccountType:   account.Type(r.text("at")),
		BillingType:   r.billing(),
		Version:       r.number("ver"),
		Live:          r.flag("live"),
		Outgoing:      r.flag("out"),
		SecretEnds:    r.time("ends"),
		ExpiresAt:     r.time("exp"),
		DeletedAt:     r.time("del"),
		RevokedAt:     r.time("rev"),
		Blocked:       r.flag("blk"),
		Disabled:      r.flag("dis"),
		HeaderOnly:    r.flag("hdr"),
		Exposed:       r.flag("xpo"),
		MissingOrigin: apikey.MissingOrigin(r.text("mo")),
		Products:      list[product.ID](&r, "prods"),
		Consents:      r.consents("con"),
		Domains:       list[string](&r, "doms"),
		Networks:      list[string](&r, "nets"),
		Apps:          list[string](&r, "apps"),
		Limits:        r.limits(),
		Caps:          r.caps(),
		Proposed:      r.proposal(),
	}
	if !isFormat(r.number("v"), p) {
		r.fail("v")
	}
	if p.KeyID == "" {
		r.fail("kid")
	}
	if p.Account == "" {
		r.fail("acct")
	}
	// The type decides the default limits: for one that is not known they would be 0, and every call over them.
	if _, err := account.ParseType(string(p.AccountType)); err != nil {
		r.fail("at")
	}
	if r.bad != "" {
		return authz.Policy{}, fmt.Errorf("%w: gate attribute %q", dynamo.ErrUnreadable, r.bad)
	}
	return p, nil
}

// reader remembers the first attribute that isn't what it should be.
type reader struct {
	item dynamo.Item
	bad  string
}

func (r *reader) fail(name string) {
	if r.bad == "" {
		r.bad = name
	}
}

func (r *reader) text(name string) string {
	text, ok := dynamo.GetS(r.item, name)
	if !ok {
		r.fail(name)
	}
	return text
}

// billing is "" in a record of a release before. A word that this release doesn't know is kept: it names what calls are counted
// under, and opens nothing.
func (r *reader) billing() apikey.BillingType {
	if r.item[BillingType] == nil {
		return ""
	}
	return apikey.BillingType(r.text(BillingType))
}

func (r *reader) number(name string) int64 {
	n, ok := dynamo.GetN(r.item, name)
	if !ok {
		r.fail(name)
	}
	return n
}

// count is a limit or the like: none at all is 0.
func (r *reader) count(name string) int {
	if r.item[name] == nil {
		return 0
	}
	n := r.number(name)
	if n < 0 || n > math.MaxInt32 {
		r.fail(name)
		return 0
	}
	return int(n)
}

func (r *reader) flag(name string) bool {
	switch v := r.item[name].(type) {
	case nil:
		return false
	case *types.AttributeValueMemberBOOL:
		if v != nil {
			return v.Value
		}
	}
	r.fail(name)
	return false
}

// maxMilli is the last millisecond of the year 9999: what lies beyond was never written by this program.
const maxMilli = 253402300799999

func (r *reader) time(name string) time.Time {
	if r.item[name] == nil {
		return time.Time{}
	}
	ms := r.number(name)
	if ms < -maxMilli || ms > maxMilli {
		r.fail(name)
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func list[T ~string](r *reader, name string) []T {
	if r.item[name] == nil {
		return nil
	}
	l, ok := r.item[name].(*types.AttributeValueMemberL)
	if !ok || l == nil {
		r.fail(name)
		return nil
	}
	texts := make([]T, len(l.Value))
	for i, v := range l.Value {
		s, ok := v.(*types.AttributeValueMemberS)
		if !ok || s == nil {
			r.fail(name)
			return nil
		}
		texts[i] = T(s.Value)
	}
	return texts
}

// each reads the maps of a list, which may be missing.
func (r *reader) each(name string, read func(*reader)) {
	if r.item[name] == nil {
		return
	}
	l, ok := r.item[name].(*types.AttributeValueMemberL)
	if !ok || l == nil {
		r.fail(name)
		return
	}
	for _, v := range l.Value {
		m, ok := v.(*types.AttributeValueMemberM)
		if !ok || m == nil {
			r.fail(name)
			return
		}
		in := reader{item: m.Value}
		if read(&in); in.bad != "" {
			r.fail(name + "." + in.bad)
		}
	}
}

// optional tells a list that isn't there from an empty one.
func (r *reader) optional(name string) *[]string {
	if r.item[name] == nil {
		return nil
	}
	texts := list[string](r, name)
	return &texts
}

// limits reads the limits of a key. One of 0 is written; where there is none at all, that is damage.
func (r *reader) limits() (limits []apikey.Limit) {
	r.each("lims", func(in *reader) {
		l := apikey.Limit{Class: product.Class(in.text("c")), QPS: in.count("q"), EndsAt: in.time("e"), Then: in.count("t")}
		if limits = append(limits, l); in.item["q"] == nil {
			in.fail("q")
		}
	})
	return limits
}

// caps reads the caps of a key. One below 1 is damage.
func (r *reader) caps() (caps apikey.Caps) {
	r.each("caps", func(in *reader) {
		c := apikey.Cap{Group: product.Group(in.text("g")), Day: in.number("d")}
		if caps = append(caps, c); c.Day < 1 {
			in.fail("d")
		}
	})
	return caps
}

func (r *reader) proposal() *apikey.Proposal {
	if r.item["prop"] == nil {
		return nil
	}
	m, ok := r.item["prop"].(*types.AttributeValueMemberM)
	if !ok || m == nil {
		r.fail("prop")
		return nil
	}
	in := reader{item: m.Value}
	p := &apikey.Proposal{Since: in.time("s"), Consents: in.consents("c")}
	p.Domains, p.Networks, p.Apps = in.optional("d"), in.optional("n"), in.optional("a")
	if m.Value["p"] != nil {
		products := list[product.ID](&in, "p")
		p.Products = &products
	}
	if in.bad != "" {
		r.fail("prop." + in.bad)
	}
	return p
}
