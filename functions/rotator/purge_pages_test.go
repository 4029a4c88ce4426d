package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// purging is a list of deleted keys, two a page: each name says what becomes of it.
type purging struct {
	store
	names []string
	fails int // the page that can't be listed, from 1
	pages int
	asked []string
	done  []string
}

func (p *purging) Purgeable(_ context.Context, _ time.Time, after string, _ int) (page control.JobPage, err error) {
	if p.pages++; p.pages == p.fails {
		return page, keytest.ErrInjected
	}
	start := 0
	if after != "" {
		if _, err := fmt.Sscan(after, &start); err != nil {
			return page, err
		}
	}
	for _, name := range p.names[start:min(start+2, len(p.names))] {
		if strings.HasSuffix(name, "damaged") {
			page.Bad = append(page.Bad, control.Unreadable{Account: "acc_1", Item: name, Err: dynamo.ErrUnreadable})
			continue
		}
		page.Keys = append(page.Keys, apikey.Key{ID: apikey.ID(name)})
	}
	if start+2 < len(p.names) {
		page.Next = fmt.Sprint(start + 2)
	}
	return page, nil
}

func (p *purging) Key(_ context.Context, _ account.ID, id apikey.ID) (apikey.Key, error) {
	p.asked = append(p.asked, string(id))
	k := apikey.Key{ID: id, DeletedAt: keytest.Now}
	switch {
	case strings.HasSuffix(string(id), "gone"):
		return k, dynamo.ErrNotFound
	case strings.HasSuffix(string(id), "unread"):
		return k, keytest.ErrInjected
	case strings.HasSuffix(string(id), "restored"):
		k.DeletedAt = time.Time{}
	}
	return k, nil
}

func (p *purging) Purge(_ context.Context, k apikey.Key, row audit.Row) error {
	if strings.HasSuffix(string(k.ID), "stays") {
		return dynamo.ErrStale
	}
	if row.Action != "key.purge" || row.KeyID != string(k.ID) {
		return errors.New("another row")
	}
	p.done = append(p.done, string(k.ID))
	return nil
}

// TestAPurgeGoesThroughAllPagesAndFailsForAnyKey: what can't be purged stops no other, is named in the log, counted, measured, and an error of
// the run. A key that is gone or was restored is no failure, and nothing of it is removed.
func TestAPurgeGoesThroughAllPagesAndFailsForAnyKey(t *testing.T) {
	for _, tt := range []struct {
		names  []string
		fails  int
		purged int
		failed int
		done   string
	}{
		{[]string{"1", "2", "3", "4", "5"}, 0, 5, 0, "[1 2 3 4 5]"},
		{[]string{"1 gone", "2 restored", "3"}, 0, 3, 0, "[3]"},
		{[]string{"1 unread", "2", "3", "4"}, 0, 3, 1, "[2 3 4]"},
		{[]string{"1", "2", "3", "4 stays", "5"}, 0, 4, 1, "[1 2 3 5]"},
		{[]string{"1 damaged", "2", "3 damaged", "4 damaged", "5"}, 0, 2, 3, "[2 5]"},
		{[]string{"1", "2", "3", "4", "5"}, 1, 0, 0, "[]"},
		{[]string{"1", "2", "3", "4", "5"}, 2, 2, 0, "[1 2]"},
		{nil, 0, 0, 0, "[]"},
	} {
		r := newHarness(t)
		job := r.well()
		p := &purging{store: job.store, names: tt.names, fails: tt.fails}
		job.store = p
		got, err := job.purge(t.Context())
		if got.Purged != tt.purged || got.Failed != tt.failed || got.More || fmt.Sprint(p.done) != tt.done {
			t.Errorf("%q: %+v, %v were purged", tt.names, got, p.done)
		}
		if (err != nil) != (tt.failed > 0 || tt.fails > 0) || tt.fails > 0 && !errors.Is(err, keytest.ErrInjected) {
			t.Errorf("%q, page %d fails: %v", tt.names, tt.fails, err)
		}
		said := r.out.String()
		for _, name := range tt.names {
			bad := strings.HasSuffix(name, "unread") || strings.HasSuffix(name, "stays") || strings.HasSuffix(name, "damaged")
			if bad != strings.Contains(said, `"key_id":"`+name+`"`) {
				t.Errorf("%q: the log says %s", name, said)
			}
		}
		measured := strings.Contains(said, fmt.Sprintf(`"KeysPurged":%d,"KeysFailed":%d`, tt.purged, tt.failed))
		if measured != (tt.fails == 0) {
			t.Errorf("%q: measured as %s", tt.names, said)
		}
	}
}

// TestAPurgeEndsBeforeItsTime: it begins nothing in the last seconds of the function's time, and says that there is more.
func TestAPurgeEndsBeforeItsTime(t *testing.T) {
	job := newHarness(t).well()
	p := &purging{store: job.store, names: []string{"1", "2", "3"}}
	job.store = p
	ctx, cancel := context.WithTimeout(t.Context(), margin-time.Second)
	defer cancel()
	if got, err := job.purge(ctx); err != nil || !got.More || got.Purged != 0 || len(p.asked) != 0 || p.pages != 1 {
		t.Errorf("%+v, %v after %d pages", got, err, p.pages)
	}
}
