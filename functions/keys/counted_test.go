package main

import (
	"context"
	"slices"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
)

// withoutWhole fails the test where an account's keys are read whole.
type withoutWhole struct {
	store
	t *testing.T
}

func (s withoutWhole) Keys(context.Context, account.ID, control.KeyQuery) (control.KeyPage, error) {
	s.t.Error("an account's keys were read whole")
	return control.KeyPage{}, nil
}

// TestCountingReadsNoKeyWhole but those of the page: of 1,000 keys, that takes several times as long.
func TestCountingReadsNoKeyWhole(t *testing.T) {
	r := newHarness(t)
	for range 5 {
		r.NewKey(t, r.account)
	}
	r.handler.store = withoutWhole{r.handler.store, t}
	for _, query := range []string{"page_size=2&with=counts", "page_size=2&with=counts&sort=created_at", "page_size=100&figures=day"} {
		pages := r.forth(t, query)
		if last := pages[len(pages)-1]; last.doc["total"] != 5.0 {
			t.Errorf("%s: %v keys", query, last.doc["total"])
		}
		if first := r.list(t, query, ""); !slices.Equal(first.ids, pages[0].ids) {
			t.Errorf("%s: %q, and again %q", query, pages[0].ids, first.ids)
		}
	}
}

// TestAKeyThatCantBeReadIsCountedWhereItStands: its page leaves it out, and the list goes on behind it, both ways.
func TestAKeyThatCantBeReadIsCountedWhereItStands(t *testing.T) {
	r := newHarness(t)
	var ids []string
	for range 7 {
		ids = append(ids, string(r.NewKey(t, r.account).ID))
	}
	for _, item := range r.Items(t, r.Tables.Control) {
		if sk, _ := dynamo.GetS(item, "sk"); sk == "KEY#"+ids[3] || sk == "KEY#"+ids[5] {
			item["created_at"] = dynamo.S("damaged")
			r.Put(t, r.Tables.Control, item)
		}
	}
	const query = "sort=created_at&page_size=2&with=counts"
	pages := r.forth(t, query)
	want := [][]string{ids[:2], ids[2:3], ids[4:5], ids[6:]}
	for i, p := range pages {
		if i >= len(want) || !slices.Equal(p.ids, want[i]) || p.doc["total"] != 7.0 || p.doc["matching"] != 7.0 || p.doc["position"] != float64(2*i+1) {
			t.Errorf("page %d: %q, %v of %v, total %v", i+1, p.ids, p.doc["position"], p.doc["matching"], p.doc["total"])
		}
	}
	if back := r.back(t, query, pages[len(pages)-1]); len(back) != 3 || !slices.Equal(back[1].ids, want[1]) {
		t.Errorf("back: %d pages, %+v", len(back), back)
	}
	if n := len(r.list(t, "", "").ids); n != 5 {
		t.Errorf("%d keys on one page", n)
	}
}
