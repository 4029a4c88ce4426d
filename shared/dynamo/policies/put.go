package policies

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
)

func putFlag(item dynamo.Item, name string, b bool) {
	if b {
		item[name] = dynamo.Bool(true)
	}
}

func putTime(item dynamo.Item, name string, t time.Time) {
	if !t.IsZero() {
		item[name] = dynamo.N(t.UnixMilli())
	}
}

func putList[T ~string](texts []T) types.AttributeValue {
	values := make([]types.AttributeValue, len(texts))
	for i, text := range texts {
		values[i] = dynamo.S(string(text))
	}
	return &types.AttributeValueMemberL{Value: values}
}

func putLimits(limits []apikey.Limit) types.AttributeValue {
	values := make([]types.AttributeValue, len(limits))
	for i, l := range limits {
		m := dynamo.Item{"c": dynamo.S(string(l.Class)), "q": dynamo.N(int64(l.QPS))}
		putTime(m, "e", l.EndsAt)
		if l.Then != 0 {
			m["t"] = dynamo.N(int64(l.Then))
		}
		values[i] = &types.AttributeValueMemberM{Value: m}
	}
	return &types.AttributeValueMemberL{Value: values}
}

func putCaps(caps apikey.Caps) types.AttributeValue {
	values := make([]types.AttributeValue, len(caps))
	for i, c := range caps {
		values[i] = &types.AttributeValueMemberM{Value: dynamo.Item{"g": dynamo.S(string(c.Group)), "d": dynamo.N(c.Day)}}
	}
	return &types.AttributeValueMemberL{Value: values}
}

func putProposal(p apikey.Proposal) types.AttributeValue {
	m := dynamo.Item{}
	putTime(m, "s", p.Since)
	if p.Domains != nil {
		m["d"] = putList(*p.Domains)
	}
	if p.Networks != nil {
		m["n"] = putList(*p.Networks)
	}
	if p.Apps != nil {
		m["a"] = putList(*p.Apps)
	}
	if p.Products != nil {
		m["p"] = putList(*p.Products)
	}
	putConsents(m, "c", p.Consents)
	return &types.AttributeValueMemberM{Value: m}
}
