package used

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

// tables have three keys on two pages, of which the record of one can't be read.
type tables struct {
	lock  sync.Mutex
	read  []string
	calls int64 // of the account, more than those of its keys
	bad   apikey.ID
}

func (f *tables) Keys(_ context.Context, id account.ID, want control.KeyQuery) (control.KeyPage, error) {
	if id != "acc_1" || !want.Deleted {
		return control.KeyPage{}, fmt.Errorf("asked for %s, %+v", id, want)
	}
	if want.After == "" {
		return control.KeyPage{Keys: []apikey.Key{{ID: "key_1"}}, Bad: []control.Unreadable{{Item: "key_2"}}, Next: "key_2"}, nil
	}
	return control.KeyPage{Keys: []apikey.Key{{ID: "key_3"}}}, nil
}

func row(key apikey.ID, n int64) []usage.Row {
	return []usage.Row{{Key: key, Start: time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC), Product: "search", Counts: usage.Counts{"c:c:allowed": n, "b::paying:allowed": n}}}
}

func (f *tables) KeyRows(_ context.Context, id account.ID, key apikey.ID, in counters.Range) ([]usage.Row, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.read = append(f.read, fmt.Sprint(id, " ", key, " ", in.From.Format(time.DateOnly), " ", in.To.Format(time.DateOnly), " ", in.Days))
	if key == f.bad {
		return nil, dynamo.ErrUnreadable
	}
	return row(key, 10), nil
}

func (f *tables) AccountRows(_ context.Context, _ account.ID, in counters.Range) ([]usage.Row, error) {
	if f.calls == 0 || !in.Days {
		return nil, nil
	}
	return row("", f.calls), nil
}

// TestAnAccountsMonthHasAllItsKeys: of all pages, and those whose records can't be read; what the account has more is nobody's key.
func TestAnAccountsMonthHasAllItsKeys(t *testing.T) {
	month, err := statement.ParseMonth("2026-02")
	if err != nil {
		t.Fatal(err)
	}
	f := &tables{calls: 33}
	rows, ids, err := Reader{Keys: f, Rows: f, AtOnce: 2}.AccountKeys(t.Context(), month, "acc_1")
	if err != nil || fmt.Sprint(ids) != "[key_1 key_2 key_3]" {
		t.Fatalf("%v, %v", ids, err)
	}
	var said []string
	for _, r := range rows {
		said = append(said, fmt.Sprint(r.Account, " ", r.Key, " ", r.Product, " ", r.Allowed()))
	}
	if want := []string{"acc_1 key_1 search 10", "acc_1 key_2 search 10", "acc_1 key_3 search 10", "acc_1  search 3"}; !slices.Equal(said, want) {
		t.Errorf("%q\nwant %q", said, want)
	}
	slices.Sort(f.read)
	want := []string{"acc_1 key_1 2026-02-01 2026-03-01 true", "acc_1 key_2 2026-02-01 2026-03-01 true", "acc_1 key_3 2026-02-01 2026-03-01 true"}
	if !slices.Equal(f.read, want) {
		t.Errorf("read %q", f.read)
	}
	f = &tables{calls: 33, bad: "key_3"}
	if rows, err := (Reader{Keys: f, Rows: f, AtOnce: 2}).Account(t.Context(), month, "acc_1"); !errors.Is(err, dynamo.ErrUnreadable) || rows != nil {
		t.Errorf("a key that can't be read: %v, %v", rows, err)
	}
	for most, want := range map[int]string{3: "[key_1 key_2 key_3] true", 2: "[] false", 1: "[] false"} {
		f = &tables{calls: 33}
		rows, ids, split, err := Reader{Keys: f, Rows: f, AtOnce: 2, Most: most}.Split(t.Context(), month, "acc_1")
		if got := fmt.Sprint(ids, " ", split); err != nil || got != want {
			t.Errorf("of at most %d keys: %s, %v", most, got, err)
		}
		var sum int64
		for _, r := range rows {
			sum += r.Allowed()
			if !split && (r.Key != "" || r.Billing != "paying") {
				t.Errorf("of at most %d keys: %+v", most, r)
			}
		}
		if sum != 33 || !split && len(f.read) > 0 {
			t.Errorf("of at most %d keys: %d calls, read %q", most, sum, f.read)
		}
	}
	f = &tables{}
	if rows, ids, err := (Reader{Keys: f, Rows: f, AtOnce: 2}).AccountKeys(t.Context(), month, "acc_1"); err != nil || len(rows)+len(ids)+len(f.read) > 0 {
		t.Errorf("without calls: %v, %v, %v, read %q", rows, ids, err, f.read)
	}
}
