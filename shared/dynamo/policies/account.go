package policies

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
)

// accountPrefix begins the primary key of account records. No hash begins so.
const accountPrefix = "account#"

// AccountKey is the primary key of an account's record.
func AccountKey(id account.ID) dynamo.Item {
	return dynamo.Item{"pk": dynamo.S(accountPrefix + string(id))}
}

// IsAccount tells account records from policy records.
func IsAccount(item dynamo.Item) bool {
	pk, _ := dynamo.GetS(item, "pk")
	return len(pk) > len(accountPrefix) && pk[:len(accountPrefix)] == accountPrefix
}

// EncodeAccount writes an account record as an item. Equal records make equal items.
func EncodeAccount(a authz.Account) dynamo.Item {
	item := AccountKey(a.ID)
	item["v"] = dynamo.N(format)
	item["acct"], item["at"], item["ver"] = dynamo.S(string(a.ID)), dynamo.S(string(a.Type)), dynamo.N(a.Version)
	putFlag(item, "sus", a.Suspended)
	putFlag(item, "closed", a.Closed)
	putTime(item, "until", a.SuspendedUntil)
	putConsents(item, "con", a.Accepted)
	if len(a.Limits) > 0 {
		item["lims"] = putAccountLimits(a.Limits)
	}
	return item
}

// DecodeAccount reads an account record. Whatever isn't exactly one of this format is dynamo.ErrUnreadable.
func DecodeAccount(item dynamo.Item) (authz.Account, error) {
	r := reader{item: item}
	if v := r.number("v"); r.bad == "" && v != format {
		r.fail("v")
	}
	a := authz.Account{
		ID: account.ID(r.text("acct")), Type: account.Type(r.text("at")), Version: r.number("ver"),
		Suspended: r.flag("sus"), SuspendedUntil: r.time("until"), Closed: r.flag("closed"),
		Accepted: r.consents("con"), Limits: r.accountLimits(),
	}
	if a.ID == "" || r.text("pk") != accountPrefix+string(a.ID) {
		r.fail("pk")
	}
	if _, err := account.ParseType(string(a.Type)); err != nil {
		r.fail("at")
	}
	if r.bad != "" {
		return authz.Account{}, fmt.Errorf("%w: account record's attribute %q", dynamo.ErrUnreadable, r.bad)
	}
	return a, nil
}

func putAccountLimits(limits account.Limits) types.AttributeValue {
	values := make([]types.AttributeValue, len(limits))
	for i, l := range limits {
		values[i] = &types.AttributeValueMemberM{Value: dynamo.Item{"c": dynamo.S(l.Class), "q": dynamo.N(int64(l.QPS))}}
	}
	return &types.AttributeValueMemberL{Value: values}
}

// accountLimits reads the limits of an account. One below 1 is damage: it would refuse every call.
func (r *reader) accountLimits() account.Limits {
	if r.item["lims"] == nil {
		return nil
	}
	l, ok := r.item["lims"].(*types.AttributeValueMemberL)
	if !ok || l == nil {
		r.fail("lims")
		return nil
	}
	limits := make(account.Limits, len(l.Value))
	for i, v := range l.Value {
		m, ok := v.(*types.AttributeValueMemberM)
		if !ok || m == nil {
			r.fail("lims")
			return nil
		}
		in := reader{item: m.Value}
		limits[i] = account.Limit{Class: in.text("c"), QPS: in.count("q")}
		if in.bad != "" || limits[i].QPS < 1 {
			r.fail("lims")
		}
	}
	return limits
}
