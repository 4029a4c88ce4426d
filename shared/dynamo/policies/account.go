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
	if len(a.Quotas) > 0 {
		item["quos"] = putQuotas(a.Quotas)
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
		Accepted: r.consents("con"), Limits: r.accountLimits(), Quotas: r.quotas(),
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

func putQuotas(quotas account.Quotas) types.AttributeValue {
	values := make([]types.AttributeValue, len(quotas))
	for i, q := range quotas {
		m := dynamo.Item{"b": dynamo.S(q.Billing), "g": dynamo.S(q.Group)}
		putNumber(m, "d", q.Day)
		putNumber(m, "m", q.Month)
		values[i] = &types.AttributeValueMemberM{Value: m}
	}
	return &types.AttributeValueMemberL{Value: values}
}

func putNumber(item dynamo.Item, name string, n int64) {
	if n != 0 {
		item[name] = dynamo.N(n)
	}
}

// accountLimits reads the limits of an account. One below 1 is damage: it would refuse every call.
func (r *reader) accountLimits() (limits account.Limits) {
	r.each("lims", func(in *reader) {
		l := account.Limit{Class: in.text("c"), QPS: in.count("q")}
		if limits = append(limits, l); l.QPS < 1 {
			in.fail("q")
		}
	})
	return limits
}

// quotas reads the quotas of an account. One below 0 is damage, and one without a number.
func (r *reader) quotas() (quotas account.Quotas) {
	r.each("quos", func(in *reader) {
		q := account.Quota{Billing: in.text("b"), Group: in.text("g"), Day: in.calls("d"), Month: in.calls("m")}
		if quotas = append(quotas, q); q.Day == 0 && q.Month == 0 {
			in.fail("d")
		}
	})
	return quotas
}

// calls is a number of calls: none at all is 0.
func (r *reader) calls(name string) int64 {
	if r.item[name] == nil {
		return 0
	}
	n := r.number(name)
	if n < 1 {
		r.fail(name)
	}
	return n
}
