package lock_test

import (
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/product/lock"
)

// grouped are the coverages of one product, and groups of quotas.
func grouped(groups ...string) lock.Coverages {
	c := lock.Coverages{"tiles": {"/tiles/"}} // a product may have a group's ID
	for _, id := range groups {
		c.AddGroup(id)
	}
	return c
}

// TestAGroupThatGoesMustBeNamed, by whatever branch, and one that comes needn't be.
func TestAGroupThatGoesMustBeNamed(t *testing.T) {
	first := update(t, "", grouped("tiles", "other_ones"))
	for _, named := range []lock.Named{{}, {Ended: []string{"other_ones"}}, {Widened: []string{"tiles"}}, {Closed: []string{"tiles"}}} {
		if updated, _, err := lock.Update(first, grouped("map_tiles", "other_ones"), named); !errors.Is(err, lock.ErrLock) || updated != "" {
			t.Errorf("a group is renamed with %+v: %v", named, err)
		}
	}
	_, _, err := lock.Update(first, grouped("map_tiles", "other_ones"), lock.Named{})
	if err == nil || !strings.Contains(err.Error(), "END=tiles") {
		t.Errorf("nothing says how: %v", err)
	}
	renamed, report, err := lock.Update(first, grouped("map_tiles", "other_ones"), lock.Named{Ended: []string{"tiles"}})
	if err != nil || !reflect.DeepEqual(report.Ended, []string{"tiles"}) || !strings.Contains(renamed, "\n- tiles group\n+ map_tiles group\n") {
		t.Fatalf("%v, %+v\n%s", err, report, renamed)
	}
	if again, _, err := lock.Update(renamed, grouped("map_tiles", "other_ones"), lock.Named{}); err != nil || again != renamed {
		t.Errorf("what was named has to be named again: %v", err)
	}
	if _, _, err := lock.Update(renamed, grouped("map_tiles", "other_ones"), lock.Named{Ended: []string{"tiles"}}); err == nil {
		t.Error("a group that is gone is taken to go")
	}
	_, report, err = lock.Update(renamed, grouped("map_tiles", "other_ones", "tiles"), lock.Named{})
	if err != nil || !reflect.DeepEqual(report.Returned, []string{"tiles"}) {
		t.Errorf("nobody hears that a group is back: %+v, %v", report, err)
	}
	merged := kept(renamed, update(t, first, grouped("tiles", "other_ones", "third")))
	if _, _, err := lock.Update(merged, grouped("map_tiles", "other_ones", "third"), lock.Named{}); err == nil {
		t.Error("a merge ends a group that one of its branches has")
	}
}

// TestGroupsChangeNoCoverage: what keys may call is decided by paths alone.
func TestGroupsChangeNoCoverage(t *testing.T) {
	text := update(t, "", grouped())
	before, err := lock.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	text = update(t, text, grouped("tiles"))
	text, _, err = lock.Update(text, grouped("x"), lock.Named{Ended: []string{"tiles"}})
	if err != nil {
		t.Fatal(err)
	}
	after, err := lock.Read(text)
	if err != nil || after.Version == before.Version {
		t.Fatalf("%s, %v", after.Version, err)
	}
	if after.Version = before.Version; !reflect.DeepEqual(after, before) {
		t.Errorf("%+v\nwant\n%+v", after, before)
	}
}

// TestALockWithoutGroupsGoesOn: it has those of its next catalogue from then on, and none of them has to be named.
func TestALockWithoutGroupsGoesOn(t *testing.T) {
	old, err := os.ReadFile("testdata/before-encoded-slashes.lock")
	if err != nil {
		t.Fatal(err)
	}
	paths := lock.Coverages{}
	h, err := lock.Read(string(old))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range h.Covered {
		paths[c.Product] = append(paths[c.Product], c.Prefix)
	}
	paths.AddGroup("tiles")
	updated, report, err := lock.Update(string(old), paths, lock.Named{})
	if err != nil || len(report.Ended)+len(report.Returned) > 0 || !strings.HasPrefix(updated, strings.TrimRight(string(old), "\n")) || strings.Count(updated, "+ tiles group") != 1 {
		t.Fatalf("%v, %+v\n%s", err, report, updated)
	}
	if now, err := lock.Read(updated); err != nil || !slices.EqualFunc(now.Covered, h.Covered, func(a, b lock.Covered) bool { return a.Product == b.Product && a.Prefix == b.Prefix }) {
		t.Errorf("%+v, %v", now, err)
	}
}
