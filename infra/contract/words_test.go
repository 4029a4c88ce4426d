package contract

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unwanted are words and phrases that a reader in this field wouldn't expect, with what to write in their place. The
// project's own words are in docs/glossary.md. Names are read word by word: newDesk is "new desk".
var unwanted = map[string]string{
	"lest": "so that … not", "anew": "again", "thrice": "three times", "shall": "should, or will", "whom": "another sentence",
	"whoever": "everyone who, or the one that", "owed": "due", "owes": "has to", "one's own": "its, or another",
	"mend": "fix", "mends": "fixes", "mended": "fixed", "mending": "the fix",
	"tidy": "clean up", "tidies": "cleans up", "tidied": "removed", "tidying": "clean-up",
	"hurried": "with a timeout", "patience": "timeout", "meddled": "changed", "meddling": "changing",
	"plugs": "ports, or dependencies", "desk": "service", "rim": "source", "rig": "harness",
	"staff": "operator", "handover": "delivery", "the trail": "the audit trail", "by hand": "manually, or by its own code",
	"stands in the": "is in the", "stands once": "is stated once",
}

// excused are the places where such a word has its usual sense or is a stored name.
var excused = map[string]string{
	"shared/dynamo/control/audit.go: staff":             "stored: the partition of operators' own changes",
	"shared/dynamo/control/keyrecord.go: handover":      "stored: the attribute of the delivery",
	"docs/decisions/delivery-before-force.md: handover": "names the stored attribute",
	"docs/glossary.md: staff":                           "names the stored partition",
	"docs/glossary.md: handover":                        "names the stored attribute",
	"docs/reference/events.md: staff":                   "names the stored partition",
}

// vocabulary are the files whose words are checked: sources, documents, and what people read on pages.
func vocabulary(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(root), ".", func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := e.Name()
		if e.IsDir() {
			if file != "." && strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		switch path.Ext(name) {
		case ".go", ".md", ".html", ".css", ".js", ".mjs", ".yaml":
		case ".json":
			if !strings.HasPrefix(file, "functions/console/messages/en/") {
				return nil
			}
		default:
			if name != "Makefile" {
				return nil
			}
		}
		raw, err := os.ReadFile(path.Join(root, file))
		out[file] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(out, "infra/contract/words_test.go")
	if len(out) < 500 {
		t.Fatalf("only %d files found", len(out))
	}
	return out
}

// wordsOf splits a text at everything but letters, and names in camel case before each capitalised word.
func wordsOf(text string) (words []string) {
	isLetter := func(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '\'' || c >= 0x80 }
	isUpper := func(c byte) bool { return c >= 'A' && c <= 'Z' }
	isLower := func(c byte) bool { return c >= 'a' && c <= 'z' }
	for i := 0; i < len(text); {
		if !isLetter(text[i]) {
			i++
			continue
		}
		end := i + 1
		for end < len(text) && isLetter(text[end]) {
			begins := isUpper(text[end]) && (isLower(text[end-1]) || end+1 < len(text) && isLower(text[end+1]))
			if begins {
				break
			}
			end++
		}
		words = append(words, strings.ToLower(text[i:end]))
		i = end
	}
	return words
}

func TestWordsAreThoseOfTheField(t *testing.T) {
	first := map[string][]string{} // words and phrases by their first word
	for phrase := range unwanted {
		begin, _, _ := strings.Cut(phrase, " ")
		first[begin] = append(first[begin], phrase)
	}
	used := map[string]bool{}
	for file, text := range vocabulary(t) {
		for i, line := range strings.Split(text, "\n") {
			words := wordsOf(line)
			for at, word := range words {
				for _, phrase := range first[word] {
					n := strings.Count(phrase, " ") + 1
					if at+n > len(words) || strings.Join(words[at:at+n], " ") != phrase {
						continue
					}
					if excused[file+": "+phrase] == "" {
						t.Errorf("%s:%d: %q; write %s", file, i+1, phrase, unwanted[phrase])
					}
					used[file+": "+phrase] = true
				}
			}
		}
	}
	for place := range excused {
		if !used[place] {
			t.Errorf("nothing needs the excuse for %s any more", place)
		}
	}
}

var clause = regexp.MustCompile(`(?m)^\s*// \w+ (?:is|are|says) (?:what|where|who|whom)\b.*$`)

// A doc comment names the thing: "deps are the gate's dependencies" and not "deps is what the gate works with".
func TestDocCommentsNameWhatTheyDescribe(t *testing.T) {
	for file, text := range vocabulary(t) {
		if path.Ext(file) != ".go" {
			continue
		}
		for _, line := range clause.FindAllString(text, -1) {
			t.Errorf("%s: %s", file, strings.TrimSpace(line))
		}
	}
}

func TestNamesAreReadWordByWord(t *testing.T) {
	got := wordsOf("newDesk(HTTPRim.ANew, \"one's own\") // by_hand")
	if want := []string{"new", "desk", "http", "rim", "a", "new", "one's", "own", "by", "hand"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
