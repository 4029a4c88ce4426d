package contract

import (
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// wordList is testdata/words.json. It is no Go file, so that a search of the sources for these words finds none.
type wordList struct {
	// Unwanted are words and phrases that a reader in this field wouldn't expect, with what to write in their place. The
	// project's own words are in docs/glossary.md. Names are read word by word: newShop is "new shop".
	Unwanted map[string]string `json:"unwanted"`
	// Excused are the places where such a word has its usual sense or is a stored name, as "file: word", with the reason.
	Excused map[string]string `json:"excused"`
}

func readWordList(t *testing.T) (list wordList) {
	t.Helper()
	raw, err := os.ReadFile("testdata/words.json")
	if err == nil {
		err = json.Unmarshal(raw, &list)
	}
	if err != nil || len(list.Unwanted) == 0 {
		t.Fatalf("%d words, %v", len(list.Unwanted), err)
	}
	return list
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
	list := readWordList(t)
	first := map[string][]string{} // words and phrases by their first word
	for phrase := range list.Unwanted {
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
					if list.Excused[file+": "+phrase] == "" {
						t.Errorf("%s:%d: %q; write %s", file, i+1, phrase, list.Unwanted[phrase])
					}
					used[file+": "+phrase] = true
				}
			}
		}
	}
	for place := range list.Excused {
		if !used[place] {
			t.Errorf("nothing needs the excuse for %s any more", place)
		}
	}
}

var clause = regexp.MustCompile(`(?m)^\s*// \w+ (?:is|are|says) (?:wh(?:at|ere|om?|ich|en)|how|all that)\b.*$`)

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
	got := wordsOf("newShop(HTTPDoor.AGood, \"it's open\") // at_once")
	if want := []string{"new", "shop", "http", "door", "a", "good", "it's", "open", "at", "once"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
