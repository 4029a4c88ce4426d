package keytest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
)

// view is the items of a table, or of one of its indexes, by the attributes that these are read by. now is the items as they are;
// before is each as it was before its last write, for reads that needn't see it.
type view struct {
	pk, sk      string // sk is "" where there is none
	table       [2]string
	now, before map[string]*partition
}

// partition is the items of one partition key.
type partition struct {
	items  map[string]dynamo.Item // by the table's keys
	sorted []dynamo.Item          // the same in order; nil until a query wants it
}

func newView(pk, sk string, table [2]string) *view {
	return &view{pk: pk, sk: sk, table: table, now: map[string]*partition{}, before: map[string]*partition{}}
}

// seen is the view of a read.
func (v *view) seen(late bool) map[string]*partition {
	if late {
		return v.before
	}
	return v.now
}

// replace takes one form of an item out, and puts another one in; nil is none.
func (v *view) replace(in map[string]*partition, place string, out, into dynamo.Item) {
	if name, ok := v.partition(out); ok {
		p := in[name]
		delete(p.items, place)
		if i, found := p.search(out, v.order); found {
			p.sorted = slices.Delete(p.sorted, i, i+1)
		}
	}
	if name, ok := v.partition(into); ok {
		p := in[name]
		if p == nil {
			p = &partition{items: map[string]dynamo.Item{}}
			in[name] = p
		}
		p.items[place] = into
		if i, _ := p.search(into, v.order); p.sorted != nil {
			p.sorted = slices.Insert(p.sorted, i, into)
		}
	}
}

// partition returns an item's partition in the view. One without an index's attributes isn't in it.
func (v *view) partition(item dynamo.Item) (string, bool) {
	if item[v.pk] == nil || v.sk != "" && item[v.sk] == nil {
		return "", false
	}
	text, err := keyText(item[v.pk])
	return text, err == nil
}

// order is by the sort key, and of equal ones by the table's keys.
func (v *view) order(a, b dynamo.Item) int {
	for _, name := range []string{v.sk, v.table[0], v.table[1]} {
		if c := cmp.Compare(compareValues(a[name], b[name]), 0); name != "" && c != 0 {
			return c
		}
	}
	return 0
}

func (p *partition) search(item dynamo.Item, order func(a, b dynamo.Item) int) (int, bool) {
	return slices.BinarySearchFunc(p.sorted, item, order)
}

// query is the items whose sort keys begin with prefix, in order, or the other way round, beyond a place if there is one.
func (v *view) query(p *partition, prefix string, backward bool, beyond dynamo.Item) []dynamo.Item {
	if p == nil {
		return nil
	}
	if p.sorted == nil {
		p.sorted = make([]dynamo.Item, 0, len(p.items))
		for _, item := range p.items {
			p.sorted = append(p.sorted, item)
		}
		slices.SortFunc(p.sorted, v.order)
	}
	items := p.sorted
	if prefix != "" {
		begin, _ := slices.BinarySearchFunc(items, prefix, func(item dynamo.Item, prefix string) int { return strings.Compare(textOf(item[v.sk]), prefix) })
		end, _ := slices.BinarySearchFunc(items[begin:], prefix, func(item dynamo.Item, prefix string) int {
			if strings.HasPrefix(textOf(item[v.sk]), prefix) {
				return -1
			}
			return 1
		})
		items = items[begin : begin+end]
	}
	if beyond != nil {
		i, there := slices.BinarySearchFunc(items, beyond, v.order)
		switch {
		case backward:
			items = items[:i]
		case there:
			items = items[i+1:]
		default:
			items = items[i:]
		}
	}
	items = slices.Clone(items)
	if backward {
		slices.Reverse(items)
	}
	return items
}

func textOf(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}
