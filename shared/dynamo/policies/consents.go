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
func (r *reader) consents(name string) (given consent.List) {
	r.each(name, func(in *reader) {
		g := consent.Given{Product: in.text("p"), Narrow: in.flag("n")}
		if g.Product == "" {
			in.fail("p")
		}
		if in.item["c"] == nil {
			in.fail("c")
		}
		for _, text := range list[string](in, "c") {
			path, ok := consent.ParsePath(text)
			if !ok {
				in.fail("c")
			}
			g.Paths = append(g.Paths, path)
		}
		given = append(given, g)
	})
	return given
}
