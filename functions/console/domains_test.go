package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/api"
)

// TestAllIsTheKeysThatHaveTheDomain where it is taken away, and every key that can be edited where it is added.
func TestAllIsTheKeysThatHaveTheDomain(t *testing.T) {
	w := newWalker(t, "owner")
	key := func(id string, status api.Status, domains ...string) api.Key {
		return api.Key{Id: "key_" + id, Status: status, Domains: domains}
	}
	w.listOf(key("has", api.Active, "demo.example"), key("hasnt", api.Disabled, "other.example"), key("revoked", api.Revoked, "demo.example"))
	var sent api.LinkDomain
	for _, what := range []string{"link", "unlink"} {
		w.api.on("POST /v1/accounts/"+account+"/domains/"+what, func(out http.ResponseWriter, _ *http.Request, body []byte) bool {
			_ = json.Unmarshal(body, &sent)
			reply(out, 200, api.DomainChanges{Domain: sent.Domain, Results: []api.DomainChange{}})
			return true
		})
		w.post("/accounts/"+account+"/domains/"+what, url.Values{"domain": {"demo.example"}, "all": {"yes"}})
		want := map[string][]string{"link": {"key_has", "key_hasnt"}, "unlink": {"key_has"}}[what]
		if !slices.Equal(sent.Keys, want) || sent.Domain != "demo.example" {
			t.Errorf("%s sent %+v, want %q", what, sent, want)
		}
	}
}

// TestARefusalKeepsWhichKeysWereChosen, all or some, and by which search they were found, in the form that was sent and in no other.
func TestARefusalKeepsWhichKeysWereChosen(t *testing.T) {
	s := newStage(t)
	var keys []api.Key
	for i := range 60 {
		k := bareKey()
		k.Id, k.Name, k.Status, k.DeletedAt = fmt.Sprintf("key_%02d", i), fmt.Sprintf("Many %02d", i), api.Active, nil
		if i > 0 {
			k.Domains = []string{"one.example"}
		}
		keys = append(keys, k)
	}
	for name, c := range map[string]struct {
		what string
		form url.Values
	}{
		"found by a search": {"unlink", url.Values{"domain": {"one.example"}, "keys": {"key_59"}, "find": {"many"}}},
		"all":               {"unlink", url.Values{"domain": {"one.example"}, "all": {"yes"}, "find": {"many"}}},
		"of the others":     {"link", url.Values{"domain": {"one.example"}, "keys": {"key_00"}, "find": {"00"}}},
	} {
		got := s.take(shot{name: name, as: "owner", target: "/accounts/" + account + "/domains/" + c.what, form: c.form, set: all(ofDomain("one.example", keys...),
			refused(http.StatusUnprocessableEntity, "invalid", api.FieldError{Pointer: "/keys", Code: "invalid"}))})
		found := 0
		for _, f := range forms(got.doc) {
			if !strings.HasSuffix(f.action, "link") {
				continue
			}
			want := url.Values{"domain": {"one.example"}, "find": c.form["find"]}
			if strings.HasSuffix(f.action, "/"+c.what) {
				found, want = found+1, c.form
			}
			if sent := f.values(); sent.Encode() != want.Encode() {
				t.Errorf("%s, %s sends %v, want %v", name, f.action, sent, want)
			}
		}
		if found != 1 {
			t.Errorf("%s: %d, %d forms", name, got.StatusCode, found)
		}
	}
}

// TestTheOutcomeOfManyKeysFitsIntoANote, and says how many they were.
func TestTheOutcomeOfManyKeysFitsIntoANote(t *testing.T) {
	var done api.DomainChanges
	why := "key_revoked"
	for i := range 500 {
		one := api.DomainChange{KeyId: fmt.Sprintf("key_%026d", i), Name: "A key with a name of sixty-four characters, which is the longest one", Result: api.DomainChangeResultChanged}
		if i%2 == 1 {
			one.Result, one.Code = api.DomainChangeResultRefused, &why
		}
		done.Results = append(done.Results, one)
	}
	o := outcomeIn(done, "domain", "a.example")
	raw, err := json.Marshal(o)
	if err != nil || len(raw) > mostNoted {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
	view := doneView{outcome: *o}
	if o.N != 250 || len(o.Done) != 0 || view.Unchanged() != 250 {
		t.Errorf("%d done, %d of them named, %d unchanged", o.N, len(o.Done), view.Unchanged())
	}
}

// TestNoTemplateIsDefinedTwice: of two with one name, the file that comes last would take the place of the other.
func TestNoTemplateIsDefinedTwice(t *testing.T) {
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	in, define := map[string]string{}, regexp.MustCompile(`{{-? *define "([^"]+)"`)
	for _, file := range files {
		text, err := fs.ReadFile(templateFiles, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range define.FindAllStringSubmatch(string(text), -1) {
			if other, twice := in[found[1]]; twice {
				t.Errorf("%s is defined in %s and in %s", found[1], other, file)
			}
			in[found[1]] = file
		}
	}
}

// TestAnInternationalDomainIsShownInItsLetters beside the form that the gate compares, wherever there is room.
func TestAnInternationalDomainIsShownInItsLetters(t *testing.T) {
	w := newWalker(t, "owner")
	const ascii, letters = "xn--4gbrim.xn--pgbs0dh", `<bdi dir="ltr">موقع.تونس</bdi>`
	w.api.key.Domains = []string{ascii, "example.com"}
	root := "/accounts/" + account
	w.api.on("GET /v1"+root+"/keys", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.KeyList{Keys: []api.Key{w.api.key.Key}})
		return true
	})
	w.api.on("GET /v1"+root+"/domains", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.DomainList{Domains: []api.AccountDomain{{Domain: ascii, Keys: []api.DomainKey{}}, {Domain: "example.com", Keys: []api.DomainKey{}}}})
		return true
	})
	for _, path := range []string{keyPath, root + "/keys", root + "/domains", root + "/domains/one?domain=" + ascii} {
		page := w.get(path).text
		if !strings.Contains(page, ascii) || strings.Count(page, letters) != 1 {
			t.Errorf("%s has the domain in letters %d times, and as the gate compares it: %v", path, strings.Count(page, letters), strings.Contains(page, ascii))
		}
	}
}
