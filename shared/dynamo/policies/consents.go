package policies

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/consent"
	"latchkey/shared/dynamo"
)

// putConsents writes consents: a list of products, each with its coverages as texts.
func putConsents(item dynamo.Item, name string, list consent.List) {
	if len(list) == 0 {
		return
	}
	values := make([]types.AttributeValue, len(list))
	for i, g := range list {
		paths := make([]string, len(g.Paths))
		for j, p := range g.Paths {
			paths[j] = p.Text()
		}
		m := dynamo.Item{"p": dynamo.S(g.Product), "c": putList(paths)}
		putFlag(m, "n", g.Narrow)
		values[i] = &types.AttributeValueMemberM{Value: m}
	}
	item[name] = &types.AttributeValueMemberL{Value: values}
}

// consents reads consents; a record without them has none. One that can't be read opens nothing: without it the product
// would be open as it stood at first.
func (r *reader) consents(name string) consent.List {
	if r.item[name] == nil {
		return nil
	}
	l, ok := r.item[name].(*types.AttributeValueMemberL)
	if !ok || l == nil {
		r.fail(name)
		return nil
	}
	out := make(consent.List, len(l.Value))
	for i, v := range l.Value {
		m, ok := v.(*types.AttributeValueMemberM)
		if !ok || m == nil || m.Value["c"] == nil {
			r.fail(name)
			return nil
		}
		in := reader{item: m.Value}
		out[i] = consent.Given{Product: in.text("p"), Narrow: in.flag("n")}
		for _, text := range list[string](&in, "c") {
			path, ok := consent.ParsePath(text)
			if !ok {
				in.fail("c")
			}
			out[i].Paths = append(out[i].Paths, path)
		}
		if out[i].Product == "" {
			in.fail("p")
		}
		if in.bad != "" {
			r.fail(name + "." + in.bad)
		}
	}
	return out
}
