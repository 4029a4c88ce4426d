package lock_test

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/product/lock"
)

// update adds a catalogue to a file, whatever it widens.
func update(t *testing.T, text string, now lock.Coverages) string {
	t.Helper()
	_, report, err := lock.Update(text, now, lock.Named{})
	named := lock.Named{Widened: slices.Collect(maps.Keys(report.Gained)), Closed: slices.Collect(maps.Keys(report.Closed))}
	if len(named.Widened)+len(named.Closed) > 0 && !errors.Is(err, lock.ErrLock) {
		t.Fatalf("%v was widened or %v closed silently: %v", report.Gained, report.Closed, err)
	}
	updated, _, err := lock.Update(text, now, named)
	if err != nil {
		t.Fatal(err)
	}
	return updated
}

// parts renders what a file says: "map /map/ @1" for a coverage since number 1, "*" behind one that stood from the beginning.
func parts(t *testing.T, text string) (list []string) {
	t.Helper()
	h, err := lock.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range h.Covered {
		one := c.Product + " " + c.Prefix
		if c.EncodedSlash {
			one += "*%2F*"
		}
		for _, v := range c.Since {
			number, _, _ := strings.Cut(string(v), "-")
			one += " @" + number
		}
		if c.Standing {
			one += " *"
		}
		list = append(list, one)
	}
	return list
}

func expect(t *testing.T, text string, want ...string) {
	t.Helper()
	if got := parts(t, text); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// kept joins two files as somebody does who keeps both sides of a conflict.
func kept(a, b string) string {
	blocks := strings.Split(strings.TrimRight(a, "\n"), "\n\n")
	for _, block := range strings.Split(strings.TrimRight(b, "\n"), "\n\n") {
		if !slices.Contains(blocks, block) {
			blocks = append(blocks, block)
		}
	}
	return strings.Join(blocks, "\n\n") + "\n"
}

func TestACoverageGoesOnUntilItsProductLosesThePath(t *testing.T) {
	text := update(t, "", lock.Coverages{"map": {"/map/", "/map/1/tile/"}, "sdk": {}})
	expect(t, text, "map /map/ @1 *")
	if again := update(t, text, lock.Coverages{"map": {"/map/", "/map/2/new-class/"}, "sdk": {}}); again != text {
		t.Error("a class within the product's paths changed the lock")
	}
	inner := update(t, text, lock.Coverages{"map": {"/map/1/tile/"}, "sdk": {}})
	expect(t, inner, "map /map/1/tile/ @1 *")
	outer := update(t, inner, lock.Coverages{"map": {"/MAP/"}, "sdk": {"/sdk/"}})
	expect(t, outer, "map /MAP/ @3", "map /map/1/tile/ @1 *", "sdk /sdk/ @3")
	moved := update(t, outer, lock.Coverages{"map": {"/map/"}, "other": {"/sdk/"}})
	expect(t, moved, "map /map/ @3", "map /map/1/tile/ @1 *", "other /sdk/ @4 *")
	h, _ := lock.Read(moved)
	if !slices.Equal(h.Changed, []string{"map", "other", "sdk"}) || !slices.Equal(h.Narrowed, []string{"sdk"}) {
		t.Errorf("changed %v, narrowed %v", h.Changed, h.Narrowed)
	}
}

func TestACoverageSurvivesAMergeUnlessABranchEndedIt(t *testing.T) {
	base := update(t, "", lock.Coverages{"a": {"/a/", "/b/"}})
	adds := update(t, base, lock.Coverages{"a": {"/a/", "/b/", "/c/"}})
	ends := update(t, base, lock.Coverages{"a": {"/a/"}})
	returns := update(t, ends, lock.Coverages{"a": {"/a/", "/b/"}})
	for _, m := range []struct {
		name, text string
		now        []string
		want       []string
	}{
		{"what one branch adds", kept(adds, returns), []string{"/a/", "/b/", "/c/"}, []string{"a /a/ @1 *", "a /b/ @3", "a /c/ @2"}},
		{"what one ends and the merge keeps", kept(adds, ends), []string{"/a/", "/b/", "/c/"}, []string{"a /a/ @1 *", "a /b/ @3", "a /c/ @2"}},
		{"what the merge ends", kept(adds, ends), []string{"/a/", "/c/"}, []string{"a /a/ @1 *", "a /c/ @2"}},
		{
			"what both add", kept(adds, update(t, base, lock.Coverages{"a": {"/a/", "/b/", "/c/", "/d/"}})),
			[]string{"/a/", "/b/", "/c/", "/d/"},
			[]string{"a /a/ @1 *", "a /b/ @1 *", "a /c/ @2 @2", "a /d/ @2"},
		},
	} {
		if _, err := lock.Read(m.text); !errors.Is(err, lock.ErrLock) {
			t.Errorf("%s: a merge that nobody finished is read", m.name)
		}
		merged := update(t, m.text, lock.Coverages{"a": m.now})
		if got := parts(t, merged); !slices.Equal(got, m.want) {
			t.Errorf("%s: got %q, want %q", m.name, got, m.want)
		}
		if again := update(t, merged, lock.Coverages{"a": m.now}); again != merged {
			t.Errorf("%s: the second run adds a block", m.name)
		}
	}
}

func TestAWideningMustBeNamed(t *testing.T) {
	text := update(t, "", lock.Coverages{"a": {"/a/1/"}, "b": {"/b/"}})
	wider := lock.Coverages{"a": {"/a/"}, "b": {"/b/"}, "new": {"/n/"}}
	if updated, _, err := lock.Update(text, wider, lock.Named{}); !errors.Is(err, lock.ErrLock) || updated != "" || !strings.Contains(err.Error(), "WIDEN=a") {
		t.Errorf("silent: %v", err)
	}
	if _, _, err := lock.Update(text, wider, lock.Named{Widened: []string{"a", "b"}}); !errors.Is(err, lock.ErrLock) {
		t.Error("a product that covers no more was named")
	}
	both := lock.Coverages{"a": {"/a/"}, "b": {"/b/", "/c/"}}
	if _, _, err := lock.Update(text, both, lock.Named{Widened: []string{"a"}}); !errors.Is(err, lock.ErrLock) || !strings.Contains(err.Error(), "WIDEN=b") {
		t.Errorf("one of two: %v", err)
	}
	if _, report, err := lock.Update(text, wider, lock.Named{Widened: []string{"a"}}); err != nil || len(report.Lost) != 0 || !slices.Equal(report.Gained["a"], []string{"/a/"}) {
		t.Errorf("%+v, %v", report, err)
	}
	if _, report, err := lock.Update(text, lock.Coverages{"a": {"/a/1/x/"}}, lock.Named{}); err != nil || !slices.Equal(report.Lost["a"], []string{"/a/1/"}) || !slices.Equal(report.Lost["b"], []string{"/b/"}) {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestWhatStandsInALockCannotBeChanged(t *testing.T) {
	text := update(t, update(t, "", lock.Coverages{"a": {"/a/"}}), lock.Coverages{"a": {"/a/", "/b/"}})
	first, second, _ := strings.Cut(text, "\n\nversion 2")
	second = "\n\nversion 2" + second
	for name, bad := range map[string]string{
		"another prefix":       strings.Replace(text, "/b/", "/c/", 1),
		"a line less":          strings.Replace(text, "+ a /a/\n", "", 1),
		"another number":       strings.Replace(text, "version 2-", "version 3-", 1),
		"another predecessor":  strings.Replace(text, " after 1-", " after 1-0", 1),
		"no predecessor":       text[:strings.Index(text, " after")] + "\n+ a /b/\n",
		"a block twice":        text + second,
		"the wrong way around": strings.TrimLeft(second, "\n") + "\n" + first,
		"something else":       text + "<<<<<<< ours\n",
		"nothing":              "",
	} {
		if bad == text {
			t.Fatalf("%s: nothing changed", name)
		}
		if _, err := lock.Read(bad); !errors.Is(err, lock.ErrLock) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAVersionNamesAllThatLedToIt: one that is moved behind another branch's is another version, though it covers the same.
func TestAVersionNamesAllThatLedToIt(t *testing.T) {
	last := func(text string) string { return strings.Fields(text[strings.LastIndex(text, "version "):])[1] }
	base := update(t, "", lock.Coverages{"a": {"/a/"}})
	one, other := update(t, base, lock.Coverages{"a": {"/a/", "/b/"}}), update(t, base, lock.Coverages{"a": {"/a/", "/c/"}})
	later := update(t, one, lock.Coverages{"a": {"/a/", "/b/", "/d/"}})
	block := later[strings.LastIndex(later, "version "):]
	moved := strings.TrimRight(kept(one, other), "\n") + "\n\n" + strings.Replace(block, " after "+last(one), " after "+last(other), 1)
	if _, _, err := lock.Update(moved, lock.Coverages{"a": {"/a/", "/b/", "/c/", "/d/"}}, lock.Named{}); err == nil || !strings.Contains(err.Error(), last(later)+" was changed") {
		t.Errorf("moved: %v", err)
	}
}

// TestTheFileExplainsItsSigns to somebody who resolves a conflict in it; the one in the repository does as a new one does.
func TestTheFileExplainsItsSigns(t *testing.T) {
	shipped, err := os.ReadFile("../catalogue.lock")
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(update(t, "", lock.Coverages{"a": {"/a/"}}), "\nversion ")
	if !strings.HasPrefix(string(shipped), head) {
		t.Errorf("the file of the repository doesn't begin with %q", head)
	}
	for _, sign := range []string{`"+"`, `"-"`, `"="`, `"= encoded_slash"`, " encoded_slash ", " no_encoded_slash "} {
		if !strings.Contains(head, sign) {
			t.Errorf("%s isn't explained", sign)
		}
	}
}
