package lock_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/product/lock"
)

// class is one class of the product "a", with its prefix.
type class struct {
	prefix       string
	encodedSlash bool
}

func classes(list ...class) lock.Coverages {
	now := lock.Coverages{}
	for _, c := range list {
		now.Add("a", []string{c.prefix}, c.encodedSlash)
	}
	return now
}

// TestEncodedSlashesAreACoverageOfTheirOwn: a class that comes to take them covers more, though no path of it is new.
func TestEncodedSlashesAreACoverageOfTheirOwn(t *testing.T) {
	text := update(t, "", classes(class{"/a/", false}, class{"/a/Old/", true}))
	expect(t, text, "a /a/ @1 *", "a /a/Old/*%2F* @1 *")
	if h, err := lock.Read(text); err != nil || h.Covered[0].Since[0] == h.Covered[1].Since[0] {
		t.Errorf("one name for both: %+v, %v", h.Covered, err)
	}
	wider := classes(class{"/A/", true}, class{"/a/old/", true}, class{"/a/new/", true})
	if updated, report, err := lock.Update(text, wider, lock.Named{}); !errors.Is(err, lock.ErrLock) || updated != "" || !strings.Contains(err.Error(), "/A/*%2F*") || len(report.Gained["a"]) != 1 {
		t.Errorf("silent: %v", err)
	}
	taken := update(t, text, wider)
	expect(t, taken, "a /A/ @1 *", "a /A/*%2F* @2", "a /a/Old/*%2F* @1 *")
	if _, report, _ := lock.Update(taken, classes(class{"/a/", true}, class{"/n/", true}), lock.Named{}); !slices.Equal(report.Gained["a"], []string{"/n/"}) {
		t.Errorf("told twice: %v", report.Gained)
	}
	ended := update(t, taken, classes(class{"/a/", false}, class{"/a/old/", true}))
	if _, report, err := lock.Update(taken, classes(class{"/a/", false}, class{"/a/old/", true}), lock.Named{}); err != nil || !slices.Equal(report.Lost["a"], []string{"/A/*%2F*"}) {
		t.Errorf("%+v, %v", report, err)
	}
	expect(t, ended, "a /a/ @1 *", "a /a/old/*%2F* @1 *")
	if h, err := lock.Read(ended); err != nil || !slices.Equal(h.Changed, []string{"a"}) || !slices.Equal(h.Narrowed, []string{"a"}) {
		t.Errorf("%+v, %v", h, err)
	}
	expect(t, update(t, ended, wider), "a /A/ @1 *", "a /A/*%2F* @4", "a /a/old/*%2F* @1 *")
	expect(t, update(t, ended, lock.Coverages{}))
}

// TestAClassWithoutEncodedSlashesIsAnException to the one around it: where it goes, or comes to take them, paths are new.
func TestAClassWithoutEncodedSlashesIsAnException(t *testing.T) {
	text := update(t, "", classes(class{"/a/", true}, class{"/a/b/", false}, class{"/a/b/c/", true}))
	expect(t, text, "a /a/ @1 *", "a /a/*%2F* @1 *", "a /a/b/c/*%2F* @1 *")
	if h, _ := lock.Read(text); len(h.Narrowed) > 0 {
		t.Error("narrowed, and it was never open")
	}
	returned := update(t, update(t, update(t, "", classes(class{"/a/", true})), classes(class{"/a/", false})), classes(class{"/a/", true}, class{"/a/b/", false}))
	if h, _ := lock.Read(returned); len(h.Narrowed) != 1 {
		t.Error("not narrowed, and it was once open")
	}
	for name, now := range map[string]lock.Coverages{
		"it goes": classes(class{"/a/", true}), "it takes them": classes(class{"/a/", true}, class{"/a/b/", true}),
	} {
		if _, report, err := lock.Update(text, now, lock.Named{}); err == nil || !slices.Equal(report.Gained["a"], []string{"/a/b/*%2F*"}) {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
		expect(t, update(t, text, now), "a /a/ @1 *", "a /a/*%2F* @1 *", "a /a/b/*%2F* @2", "a /a/b/c/*%2F* @1 *")
	}
}

// TestAnExceptionDoesNotComeLater: what keys agree to is a prefix, and holds for the exception where a deployment is rolled back.
func TestAnExceptionDoesNotComeLater(t *testing.T) {
	text := update(t, "", classes(class{"/a/", true}))
	if _, _, err := lock.Update(text, classes(class{"/a/", true}, class{"/a/b/", false}), lock.Named{}); !errors.Is(err, lock.ErrLock) || !strings.Contains(err.Error(), "around /a/b/") {
		t.Errorf("%v", err)
	}
	update(t, text, classes(class{"/a/", false}, class{"/a/b/", false}))
	update(t, text, classes(class{"/a/", true}, class{"/a/b/", true}))
	several := classes(class{"/a/", true}, class{"/a/1/", false}, class{"/a/2/", false}, class{"/a/3/", false}, class{"/a/4/", false})
	for range 20 { // the same one in each run
		if _, _, err := lock.Update(text, several, lock.Named{}); err == nil || !strings.Contains(err.Error(), "around /a/1/") {
			t.Fatalf("not the first: %v", err)
		}
	}
}

// TestALockWithoutEncodedSlashesGoesOn: what takes them when the file begins to say so is open to all keys, as it was, and what comes
// TestWhatLiesInAnExceptionDoesNotEndBeforeTheOutermostClass: a consent for that one names all of it, and would open the rest again where
// a deployment is rolled back.
func TestWhatLiesInAnExceptionDoesNotEndBeforeTheOutermostClass(t *testing.T) {
	text := update(t, "", classes(class{"/a/", true}, class{"/a/b/", false}, class{"/a/b/c/", true}))
	for what, now := range map[string]lock.Coverages{
		"it takes none":    classes(class{"/a/", true}, class{"/a/b/", false}, class{"/a/b/c/", false}),
		"it isn't there":   classes(class{"/a/", true}, class{"/a/b/", false}),
		"there are others": classes(class{"/a/", true}, class{"/a/b/", false}, class{"/a/b/d/", true}),
	} {
		if updated, _, err := lock.Update(text, now, lock.Named{Widened: []string{"a"}}); !errors.Is(err, lock.ErrLock) || updated != "" || !strings.Contains(err.Error(), "/a/b/c/") {
			t.Errorf("%s: %v", what, err)
		}
	}
	all := classes(class{"/a/", false}, class{"/a/b/", false}, class{"/a/b/c/", false})
	expect(t, update(t, text, all), "a /a/ @1 *")
}

// after is not. Branches of before and after are merged.
func TestALockWithoutEncodedSlashesGoesOn(t *testing.T) {
	old, err := os.ReadFile("testdata/before-encoded-slashes.lock") // of the generator that knew none
	if err != nil {
		t.Fatal(err)
	}
	expect(t, string(old), "a /a/ @1 *", "a /n/ @2")
	stood := classes(class{"/a/", true}, class{"/a/x/", false}, class{"/n/", false})
	updated, report, err := lock.Update(string(old), stood, lock.Named{})
	if err != nil || !slices.Equal(report.Stood["a"], []string{"/a/*%2F*"}) || !strings.HasPrefix(updated, strings.TrimRight(string(old), "\n")) {
		t.Fatalf("%+v, %v", report, err)
	}
	expect(t, updated, "a /a/ @1 *", "a /n/ @2", "a /a/*%2F*")
	if h, _ := lock.Read(updated); !slices.Equal(h.Changed, []string{"a"}) {
		t.Errorf("changed: %v", h.Changed)
	}
	if again := update(t, updated, stood); again != updated {
		t.Error("the second run adds a block")
	}
	wider := classes(class{"/a/", true}, class{"/a/x/", false}, class{"/n/", true})
	if _, _, err := lock.Update(updated, wider, lock.Named{}); err == nil || !strings.Contains(err.Error(), "WIDEN=a") {
		t.Errorf("%v", err)
	}
	expect(t, update(t, updated, wider), "a /a/ @1 *", "a /n/ @2", "a /a/*%2F*", "a /n/*%2F* @4")

	branch := kept(updated, oldBranch(t, string(old)))
	expect(t, update(t, branch, wider), "a /a/ @1 *", "a /n/ @2", "a /a/*%2F*", "a /n/*%2F*")
}

// oldBranch is a block that the generator of before made on a branch.
func oldBranch(t *testing.T, old string) string {
	t.Helper()
	block, err := os.ReadFile("testdata/before-encoded-slashes-branch.lock")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(old, "\n") + "\n\n" + string(block)
}

// TestAMergeThatClosesPathsMustBeNamed: one branch took the path away, the other's keys may call it, and the merge keeps it.
func TestAMergeThatClosesPathsMustBeNamed(t *testing.T) {
	for name, as := range map[string]func(...string) lock.Coverages{
		"paths": func(prefixes ...string) lock.Coverages { return lock.Coverages{"a": prefixes} },
		"encoded slashes": func(prefixes ...string) lock.Coverages {
			return lock.Coverages{"a": {"/a/", "/b/", "/c/"}, lock.EncodedSlash("a"): prefixes}
		},
	} {
		base := update(t, "", as("/a/", "/b/"))
		drops, adds := update(t, base, as("/a/")), update(t, base, as("/a/", "/b/", "/c/"))
		for _, text := range []string{kept(drops, adds), kept(adds, drops)} {
			_, report, err := lock.Update(text, as("/a/", "/b/", "/c/"), lock.Named{})
			if !errors.Is(err, lock.ErrLock) || !strings.Contains(err.Error(), "CLOSE=a") || len(report.Closed["a"]) != 1 || !strings.HasPrefix(report.Closed["a"][0], "/b/") {
				t.Errorf("%s: %+v, %v", name, report, err)
			}
			if _, _, err := lock.Update(text, as("/a/", "/c/"), lock.Named{}); err != nil {
				t.Errorf("%s: it is gone, and nothing is closed that goes on: %v", name, err)
			}
			if _, _, err := lock.Update(text, as("/a/", "/b/", "/c/"), lock.Named{Widened: []string{"a"}, Closed: []string{"a"}}); err == nil {
				t.Errorf("%s: named as wider without need", name)
			}
		}
		if _, _, err := lock.Update(adds, as("/a/", "/b/", "/c/"), lock.Named{Closed: []string{"a"}}); err == nil {
			t.Errorf("%s: named without need", name)
		}
	}
}
