package suffix_test

import (
	"bufio"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/idna"
	"pgregory.net/rapid"

	"latchkey/shared/origin/suffix"
)

// maxAge bounds the age of the table: new suffixes come every week, and a pattern on one covers other people's pages.
const maxAge = 180 * 24 * time.Hour

func TestTheTableIsNoOlderThan180Days(t *testing.T) {
	made, err := time.Parse(time.DateOnly, suffix.Date())
	if err != nil {
		t.Fatal("the table has no date: ", err)
	}
	if age := time.Since(made); age > maxAge {
		t.Errorf("the public suffix list is of %s, %d days ago: take a newer one in infra/suffixes/requirements.txt and run `make suffixes`",
			suffix.Date(), int(age.Hours()/24))
	}
}

// rules are the table's, in the list's own spelling. The test doesn't search as the package does.
func rules(t *testing.T) (list []string) {
	text, err := os.ReadFile("suffixes.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, exception := strings.CutSuffix(line, "!")
		labels := strings.Split(name, ".")
		slices.Reverse(labels)
		rule := strings.Join(labels, ".")
		if exception {
			rule = "!" + rule
		}
		list = append(list, rule)
	}
	return list
}

func TestTheTableIsWhole(t *testing.T) {
	list := rules(t)
	if len(list) < 9000 || !slices.IsSorted(reversedAll(list)) {
		t.Fatalf("%d rules", len(list))
	}
	for _, rule := range []string{"com", "co.uk", "github.io", "s3.amazonaws.com", "*.ck", "!www.ck", "xn--p1ai", "codepen.app", "web.app"} {
		if !slices.Contains(list, rule) {
			t.Errorf("no rule %s", rule)
		}
	}
}

func reversedAll(list []string) []string {
	out := make([]string, len(list))
	for i, rule := range list {
		name, exception := strings.CutPrefix(rule, "!")
		labels := strings.Split(name, ".")
		slices.Reverse(labels)
		out[i] = strings.Join(labels, ".")
		if exception {
			out[i] += "!"
		}
	}
	return out
}

// reference is the list's own algorithm (publicsuffix.org, "Algorithm"), slowly.
type reference struct{ rules map[string]bool }

func (r reference) isSuffix(name string) bool {
	if r.rules["!"+name] {
		return false
	}
	parent := ""
	if _, after, ok := strings.Cut(name, "."); ok {
		parent = after
	}
	return parent == "" || r.rules[name] || r.rules["*."+parent]
}

func (r reference) of(name string) suffix.Kind {
	if r.isSuffix(name) || r.rules["*."+name] {
		return suffix.Suffix
	}
	for rule := range r.rules {
		if strings.HasSuffix(rule, "."+name) {
			return suffix.AboveSuffix
		}
	}
	return suffix.OneOwner
}

func newReference(t *testing.T) (reference, []string) {
	list, set := rules(t), map[string]bool{}
	for _, rule := range list {
		set[rule] = true
	}
	return reference{set}, list
}

// TestEachRuleAndEachNameAboveOneHasManyOwners walks the whole list: *. on none of its names is one owner's, nor on
// any name above one.
func TestEachRuleAndEachNameAboveOneHasManyOwners(t *testing.T) {
	ref, list := newReference(t)
	above := 0
	for _, rule := range list {
		if name, ok := strings.CutPrefix(rule, "!"); ok {
			if kind, _ := suffix.Of(name); kind != suffix.OneOwner {
				t.Errorf("%s is %d", rule, kind)
			}
			continue
		}
		name, wild := strings.CutPrefix(rule, "*.")
		if kind, _ := suffix.Of(name); kind != suffix.Suffix {
			t.Errorf("%s is %d", name, kind)
		}
		if wild {
			name = "any-name-at-all." + name
			if kind, _ := suffix.Of(name); kind != suffix.Suffix {
				t.Errorf("%s is %d", name, kind)
			}
		}
		for {
			_, parent, ok := strings.Cut(name, ".")
			if !ok {
				break
			}
			name = parent
			kind, below := suffix.Of(name)
			switch {
			case kind == suffix.OneOwner:
				t.Errorf("%s stands above %s", name, rule)
			case kind == suffix.AboveSuffix && !strings.HasSuffix(below, "."+name):
				t.Errorf("%s stands above %s, which isn't under it", name, below)
			case kind == suffix.AboveSuffix && !ref.isSuffix(below) && !ref.rules["*."+below]:
				t.Errorf("%s stands above %s, which is no suffix", name, below)
			}
			if kind == suffix.AboveSuffix {
				above++
			}
		}
	}
	if above < 300 {
		t.Errorf("only %d times a name above a suffix: the test says little", above)
	}
}

// TestTheListIsReadAsItsAlgorithmSays: rules, their neighbours, what is under them, and names of all kinds.
func TestTheListIsReadAsItsAlgorithmSays(t *testing.T) {
	ref, list := newReference(t)
	word := rapid.SampledFrom([]string{"example", "a", "www", "amazonaws", "s3", "com", "co", "uk", "city", "kawasaki", "jp", "ck", "compute", "zz", "0", "xn--p1ai"})
	rapid.Check(t, func(t *rapid.T) {
		name := strings.TrimPrefix(strings.TrimPrefix(rapid.SampledFrom(list).Draw(t, "rule"), "!"), "*.")
		switch rapid.IntRange(0, 5).Draw(t, "how") {
		case 0:
			name = word.Draw(t, "below") + "." + name
		case 1:
			name = word.Draw(t, "below") + "." + word.Draw(t, "below it") + "." + name
		case 2:
			name = strings.Join(rapid.SliceOfN(word, 1, 4).Draw(t, "labels"), ".")
		case 4: // a name whose letters begin those of the rule
			if label, rest, ok := strings.Cut(name, "."); ok && len(label) > 1 {
				name = label[:rapid.IntRange(1, len(label)-1).Draw(t, "letters")] + "." + rest
			}
		case 3:
			if _, parent, ok := strings.Cut(name, "."); ok {
				name = parent
			}
		}
		if got, _ := suffix.Of(name); got != ref.of(name) {
			t.Fatalf("%s is %d, by the algorithm %d", name, got, ref.of(name))
		}
	})
}

var check = regexp.MustCompile(`^checkPublicSuffix\('([^']+)', (?:null|'([^']+)')\);$`)

// TestTheListsOwnTests: what has a registrable domain stands below a suffix; that domain and what is under it have one
// owner; what has none is a suffix itself.
func TestTheListsOwnTests(t *testing.T) {
	f, err := os.Open("testdata/test_psl.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		m := check.FindStringSubmatch(lines.Text())
		if m == nil || strings.HasPrefix(m[1], ".") {
			continue
		}
		n++
		ascii := func(name string) string {
			out, err := idna.Lookup.ToASCII(name)
			if err != nil {
				t.Fatal(name, err)
			}
			return out
		}
		want := suffix.Suffix
		if m[2] != "" {
			want = suffix.OneOwner
			if kind, _ := suffix.Of(ascii(m[2])); kind == suffix.Suffix {
				t.Errorf("%s can be registered, and is a suffix", m[2])
			}
		}
		if kind, _ := suffix.Of(ascii(m[1])); kind != want && kind != suffix.AboveSuffix {
			t.Errorf("%s is %d, want %d", m[1], kind, want)
		}
	}
	if n < 60 {
		t.Errorf("%d tests", n)
	}
}

func TestASuffixThatIsNamedStandsUnderTheName(t *testing.T) {
	for name, want := range map[string]suffix.Kind{
		"amazonaws.com": suffix.AboveSuffix, "eu-west-1.amazonaws.com": suffix.AboveSuffix, "windows.net": suffix.AboveSuffix, "on.aws": suffix.AboveSuffix,
		"s3.amazonaws.com": suffix.Suffix, "chatgpt.site": suffix.Suffix, "claude.app": suffix.Suffix, "ai.id": suffix.Suffix, "seattle.wa.us": suffix.Suffix,
		"bucket.s3.amazonaws.com": suffix.OneOwner, "example.com": suffix.OneOwner, "amazon.com": suffix.OneOwner, "www.ck": suffix.OneOwner, "city.kawasaki.jp": suffix.OneOwner,
		"kawasaki.jp": suffix.Suffix, "anything.ck": suffix.Suffix, "unlisted-top": suffix.Suffix, "own.unlisted-top": suffix.OneOwner, "": suffix.Suffix,
	} {
		kind, below := suffix.Of(name)
		if kind != want || (kind == suffix.AboveSuffix) != strings.HasSuffix(below, "."+name) {
			t.Errorf("%q is %d, above %q; want %d", name, kind, below, want)
		}
	}
}

func FuzzSuffix(f *testing.F) {
	for _, name := range []string{"com", "co.uk", "amazonaws.com", "www.ck", "a.b.c.d", "", ".", "..", "\n", "# Public", "com.", "*.ck"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if kind, below := suffix.Of(name); kind == suffix.AboveSuffix && !strings.HasSuffix(below, "."+name) {
			t.Fatalf("%q stands above %q", name, below)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	for b.Loop() {
		suffix.Of("deep.under.some.example.co.uk")
	}
}
