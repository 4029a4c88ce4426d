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

// TestAllIsTheKeysThatThePageCounts: where a page says of how many keys a change is, it is of those, whatever the list of keys has, and whatever has
// changed since.
func TestAllIsTheKeysThatThePageCounts(t *testing.T) {
	w := newWalker(t, "owner")
	root := "/accounts/" + account + "/domains"
	ids := func(name string, n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("key_%s%04d", name, i))
		}
		return list
	}
	has, others := ids("has", 3), ids("other", mostKeys)
	entry := api.AccountDomain{Domain: "old.example", KeyCount: len(has)}
	for _, id := range has {
		entry.Keys = append(entry.Keys, api.DomainKey{Id: id, Name: id, Status: api.Active})
	}
	list := api.DomainList{Domains: []api.AccountDomain{entry}, Version: 7, More: true, KeyCount: len(has) + len(others), KeyIds: slices.Concat(has, others)}
	w.api.on("GET /v1"+root, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, list)
		return true
	})
	newer := api.Key{Id: "key_newer", Status: api.Active, Domains: []string{"old.example"}}
	w.listOf(newer)
	page := w.ask(http.MethodGet, root+"/one?domain=old.example", nil).text
	before := list
	list.Domains, list.KeyIds, list.KeyCount = nil, append(slices.Clone(list.KeyIds), newer.Id), list.KeyCount+1
	var sent api.LinkDomain
	for what, want := range map[string][]string{"unlink": has, "link": others} {
		w.api.on("POST /v1"+root+"/"+what, func(out http.ResponseWriter, _ *http.Request, body []byte) bool {
			_ = json.Unmarshal(body, &sent)
			reply(out, 200, api.DomainChanges{Domain: sent.Domain, Results: []api.DomainChange{}})
			return true
		})
		_, form, _ := strings.Cut(page, `action="`+root+"/"+what+`"`)
		all := regexp.MustCompile(`name="all" value="([^"]*)"><span><strong>All (\d+) keys`).FindStringSubmatch(form)
		if all == nil || all[2] != fmt.Sprint(len(want)) {
			t.Fatalf("%s: %q in %s", what, all, page)
		}
		w.post(root+"/"+what, url.Values{"domain": {"old.example"}, "all": {all[1]}})
		if !slices.Equal(sent.Keys, want) || sent.Domain != "old.example" {
			t.Errorf("%s of %s keys sent %d, %+v", what, all[2], len(sent.Keys), sent)
		}
		w.ask(http.MethodPost, root+"/"+what, url.Values{"domain": {"old.example"}, "all": {inOneField(want)}}) // of the release before
		if !slices.Equal(sent.Keys, want) {
			t.Errorf("%s of IDs sent %d", what, len(sent.Keys))
		}
		later := list
		for name, ids := range map[string][]string{"one has gone": before.KeyIds[1:], "another in its place": append([]string{newer.Id}, before.KeyIds[1:]...), "none is there": nil} {
			list.KeyIds, sent = ids, api.LinkDomain{}
			if refused := w.ask(http.MethodPost, root+"/"+what, url.Values{"domain": {"old.example"}, "all": {all[1]}}); sent.Keys != nil || !strings.Contains(text(refused.doc), "This account’s keys have changed in the meantime.") {
				t.Errorf("%s, %s: sent %d: %s", what, name, len(sent.Keys), text(refused.doc))
			}
		}
		list = later
	}
}

// TestNobodyIsOfferedMoreKeysThanAFormNames, nor all where the API doesn't say which they are.
func TestNobodyIsOfferedMoreKeysThanAFormNames(t *testing.T) {
	for n, want := range map[int]bool{1: false, 2: true, mostKeys: true, mostKeys + 1: false} {
		c := keyChoice{N: n}
		for i := range n {
			c.all = append(c.all, idOf(i))
		}
		c.of = c.all
		if got := c.All() != ""; got != want {
			t.Errorf("%d keys: %v", n, got)
		}
		if c.all = c.all[1:]; c.All() != "" {
			t.Errorf("%d of %d keys are all", n-1, n)
		}
	}
}

// TestAReplacementIsGoneOnWith where the API says that there is more, of the same domain, with the version that the person has seen, until the API says
// that there is none.
func TestAReplacementIsGoneOnWith(t *testing.T) {
	w := newWalker(t, "owner")
	root := "/accounts/" + account + "/domains"
	var asked []string
	w.api.on("POST /v1"+root+"/replace", func(out http.ResponseWriter, r *http.Request, body []byte) bool {
		asked = append(asked, strings.Join([]string{r.URL.RawQuery, r.Header.Get("If-Match"), string(body)}, " "))
		doc := api.DomainReplacement{Domain: "old.example", Results: []api.DomainChange{}}
		if len(asked) < 3 {
			doc.More, doc.NextPageToken = true, ptr(fmt.Sprint("part", len(asked)))
		}
		reply(out, 200, doc)
		return true
	})
	page := w.post(root+"/replace", url.Values{"domain": {"old.example"}, "with": {"new.example"}, "version": {"77"}})
	rest := regexp.MustCompile(`(?s)<form method="post" action="[^"]*/domains/replace" data-nodraft[^>]*>(.*?)</form>`)
	for range 2 {
		form := rest.FindStringSubmatch(page.text)
		if form == nil || !strings.Contains(page.text, "Not replaced everywhere yet") || strings.Contains(page.text, "any more") {
			t.Fatalf("nothing goes on in %s", page.text)
		}
		values := url.Values{}
		for _, field := range regexp.MustCompile(`name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(form[1], -1) {
			values.Set(field[1], field[2])
		}
		page = w.post(root+"/replace", values)
	}
	if rest.MatchString(page.text) || !strings.Contains(page.text, "The remaining keys don’t have the old domain.") {
		t.Errorf("at the end: %s", page.text)
	}
	const body = ` "77" {"domain":"old.example","with":"new.example"}`
	if want := []string{body, "page_token=part1" + body, "page_token=part2" + body}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}

// TestARefusalKeepsWhichKeysWereChosen, all or some, and by which search they were found, in the form that was sent and in no other.
func TestARefusalKeepsWhichKeysWereChosen(t *testing.T) {
	s := newStage(t)
	var keys []api.Key
	var having, every []string
	for i := range 60 {
		k := bareKey()
		k.Id, k.Name, k.Status, k.DeletedAt = fmt.Sprintf("key_%02d", i), fmt.Sprintf("Many %02d", i), api.Active, nil
		if i > 0 {
			k.Domains = []string{"one.example"}
			having = append(having, k.Id)
		}
		keys, every = append(keys, k), append(every, k.Id)
	}
	for name, c := range map[string]struct {
		what string
		form url.Values
	}{
		"found by a search": {"unlink", url.Values{"domain": {"one.example"}, "keys": {"key_59"}, "find": {"many"}}},
		"all":               {"unlink", url.Values{"domain": {"one.example"}, "all": {placesOf(having, every)}, "find": {"many"}}},
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
	var results []api.DomainChange
	why := "key_revoked"
	for i := range 500 {
		one := api.DomainChange{KeyId: fmt.Sprintf("key_%026d", i), Name: "A key with a name of sixty-four characters, which is the longest one", Result: api.DomainChangeResultChanged}
		if i%2 == 1 {
			one.Result, one.Code = api.DomainChangeResultRefused, &why
		}
		results = append(results, one)
	}
	o := outcomeIn(results, "domain", "a.example", nil)
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
