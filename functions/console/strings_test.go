package main

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"latchkey/functions/console/internal/locale"
	"latchkey/shared/api"
)

var listing = flag.String("strings", "", "write all strings of the console with the screens that show them into this file")

// screens are the pages that said a message, by message, in all tests of this package. They are kept for `make strings` alone.
var screens = struct {
	sync.Mutex
	by   map[string]map[string]int
	apps map[*app]*saying
}{by: map[string]map[string]int{}, apps: map[*app]*saying{}}

// saying holds the messages of the page that an app is about to answer with.
type saying struct {
	one, texts sync.Mutex // one page at a time; the texts of this page
	keys       map[string]bool
}

// watch has an app's messages counted.
func watch(a *app) {
	if *listing == "" {
		return
	}
	now := &saying{keys: map[string]bool{}}
	screens.Lock()
	screens.apps[a] = now
	screens.Unlock()
	for _, one := range a.langs.Offered() {
		one.Said = func(key string) {
			now.texts.Lock()
			now.keys[key] = true
			now.texts.Unlock()
		}
	}
}

// watched is an app whose messages are put down to the page that says them: its pattern, and its status if it isn't 200.
type watched struct{ *app }

func (a watched) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	screens.Lock()
	now := screens.apps[a.app]
	screens.Unlock()
	if now == nil {
		a.app.ServeHTTP(w, r)
		return
	}
	now.one.Lock()
	defer now.one.Unlock()
	clear(now.keys)
	_, pattern := a.mux.Handler(r)
	status := &statusOf{ResponseWriter: w, status: http.StatusOK}
	a.app.ServeHTTP(status, r)
	where := cmp.Or(strings.TrimPrefix(pattern, "GET "), "no such page")
	if status.status != http.StatusOK {
		where += " " + fmt.Sprint(status.status)
	}
	screens.Lock()
	defer screens.Unlock()
	for key := range now.keys {
		if screens.by[key] == nil {
			screens.by[key] = map[string]int{}
		}
		screens.by[key][where]++
	}
}

type statusOf struct {
	http.ResponseWriter
	status int
}

func (s *statusOf) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// TestEveryRefusalAndEveryActionHasAScreen shows what needs an API that refuses, repeats or counts for each reason there is; the other
// tests bring about the rest. It fails if a page says nothing for one of them.
func TestEveryRefusalAndEveryActionHasAScreen(t *testing.T) {
	s := &walking{newWalker(t, "owner")}
	said := map[string]bool{}
	english := s.app.langs.Offered()[0]
	was := english.Said
	english.Said = func(key string) {
		said[key] = true
		if was != nil {
			was(key)
		}
	}
	all, err := catalogueOf("en")
	if err != nil {
		t.Fatal(err)
	}
	s.pages()
	s.trails(all)
	s.usage(all)
	s.forms(all)
	for key := range all {
		family, _, _ := strings.Cut(key, ".")
		if (family == "action" || family == "problem" || family == "fact") && !said[key] {
			t.Errorf("no page said %s", key)
		}
	}
	if len(said) < 700 {
		t.Errorf("only %d messages were said", len(said))
	}
}

// walking is a walk through all pages.
type walking struct{ *walker }

func catalogueOf(tag string) (locale.Catalogue, error) {
	all := locale.Catalogue{}
	files, err := fs.Glob(messageFiles(), tag+"/*.json")
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		raw, err := fs.ReadFile(messageFiles(), name)
		if err == nil {
			err = json.Unmarshal(raw, &all)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return all, nil
}

func (s *walking) look(target string) { s.ask(http.MethodGet, target, nil) }

// pages asks for every page: in each state of the key, as each kind of person, and signed out.
func (s *walking) pages() {
	as := func(change func(*api.Me)) {
		var was api.Me
		s.state(func(me *api.Me, _ *api.KeyWithSecret) {
			was = *me
			me.Accounts = slices.Clone(me.Accounts)
			change(me)
		})
		s.inEachState(func(state string) {
			for _, pattern := range append(s.routes(http.MethodGet), "/nothing") {
				if strings.Contains(pattern, "{file}") || !strings.Contains(pattern, "{key}") && state != "active" {
					continue
				}
				s.look(s.page(pattern))
			}
		})
		s.state(func(me *api.Me, _ *api.KeyWithSecret) { *me = was })
	}
	as(func(me *api.Me) { me.Operator = true })
	as(func(me *api.Me) { me.Accounts[0].Role, me.Operator = api.Viewer, false })
	as(func(me *api.Me) { me.Operator, me.Rank = true, ptr(api.Support); me.Accounts = nil })
	as(func(me *api.Me) { me.Accounts[0].Type, me.Operator = api.SelfServe, false })
	as(func(me *api.Me) { me.Accounts, me.Operator = nil, false })
	s.without().ask(http.MethodGet, "/", nil)
	s.without().ask(http.MethodPost, "/accounts/"+account+"/keys/new", url.Values{"name": {"x"}})
	for _, query := range []string{"?range=24h", "?range=13mo", "?from=2026-07-02&to=2026-07-01", "?from=x", "?from=1999-01-01", "?from=2099-01-01", "?by=week", "?find=Demo", "?find=nothing", "?by=hour&from=2026-01-01&to=2026-02-01"} {
		s.look("/accounts/" + account + "/usage" + query)
	}
	for _, query := range []string{"?q=x", "?status=deleted"} {
		s.look("/accounts/" + account + "/keys" + query)
	}
	for _, origin := range []string{"https://demo.example", "https://evil.example", "x"} {
		s.look(keyPath + "/try?origin=" + url.QueryEscape(origin))
	}
}

// trails are audit rows of every action and every fact.
func (s *walking) trails(english locale.Catalogue) {
	var rows, changes []any
	for key := range english {
		if name, ok := strings.CutPrefix(key, "fact."); ok {
			changes = append(changes, map[string]any{"field": name, "before": true, "after": map[string]any{"qps": 5, "class": "map-display"}})
		}
		if name, ok := strings.CutPrefix(key, "action."); ok {
			rows = append(rows, map[string]any{"id": name, "at": "2026-08-03T14:00:00Z", "action": name, "actor": map[string]any{"subject": "u", "role": "system"}, "request_id": "r"})
		}
	}
	for name, values := range map[string][]string{"role": {"owner", "developer", "viewer"}, "rank": {"support", "admin"}, "type": {"self_serve", "enterprise"}, "usage": {"mobile", "backend"}, "missing_origin": {"deny", "allow", "default"}, "billing_type": {"free", "freemium", "paying", "evaluation", "pay_as_you_grow", "default"}} {
		for _, value := range values {
			changes = append(changes, map[string]any{"field": name, "after": value})
		}
	}
	rows = append(rows, map[string]any{"id": "x", "at": "2026-08-03T14:00:00Z", "action": "key.edit", "actor": map[string]any{"subject": "u", "role": "operator"}, "request_id": "r", "changes": changes})
	s.api.on("GET /v1/accounts/"+account+"/audit", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, map[string]any{"rows": rows, "next_page_token": "next"})
		return true
	})
	s.look("/accounts/" + account + "/account/audit")
	s.look("/accounts/" + account + "/account/audit?at=2026-08-03T14:00:00Z") // where the last row is whole
}

// usage is refusals for every reason, a few at a time: a page shows no more.
func (s *walking) usage(english locale.Catalogue) {
	var reasons []string
	for _, key := range slices.Sorted(maps.Keys(english)) {
		if name, ok := strings.CutPrefix(key, "code."); ok {
			reasons = append(reasons, name)
		}
	}
	for some := range slices.Chunk(reasons, 4) {
		counts := map[string]int64{}
		for _, one := range some {
			counts[one] = 5
		}
		s.api.on("GET /v1"+keyPath+"/usage", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 200, api.Usage{Interval: api.UsageIntervalHour, Totals: api.UsageCounts{Requests: 99, Refused: 60, ByReason: counts}, ByProduct: &[]api.UsageShare{{Name: "map-display", ByReason: counts}}})
			return true
		})
		s.look(keyPath)
	}
	s.api.on("GET /v1"+keyPath+"/usage", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		problem(out, 503, "unavailable")
		return true
	})
	s.look(keyPath)
}

// forms are accepted, with what the next page says of it, and refused for every reason.
func (s *walking) forms(english locale.Catalogue) {
	var problems []string
	fields := map[string][]string{}
	for key := range english {
		if code, ok := strings.CutPrefix(key, "problem."); ok {
			problems = append(problems, code)
		}
		if name, ok := strings.CutPrefix(key, "field."); ok {
			member, code, of := strings.Cut(name, ".")
			if !of {
				member, code = "", name
			}
			fields[member] = append(fields[member], code)
		}
	}
	slices.Sort(problems)
	general := true
	s.eachForm(func(_, _ string, one formOf) {
		s.accept()
		if answer := s.ask(http.MethodPost, one.action, filled(one, "")); answer.StatusCode == http.StatusSeeOther {
			s.followed(answer)
		}
		refused := func(member, code string) {
			s.refuse(422, "invalid", api.FieldError{Pointer: "/" + member, Code: code})
			s.ask(http.MethodPost, one.action, filled(one, ""))
		}
		for _, f := range one.fields {
			for _, code := range fields[f.name] {
				refused(f.name, code)
			}
			if general && f.name == "name" {
				for _, code := range fields[""] {
					refused(f.name, code)
				}
				for _, code := range problems {
					s.refuse(409, code)
					s.ask(http.MethodPost, one.action, filled(one, ""))
				}
				general = false
			}
		}
		for _, status := range []int{403, 404, 412, 500, 503} {
			s.refuse(status, "no_such_code")
			s.ask(http.MethodPost, one.action, filled(one, ""))
		}
	})
}

// followed asks for the page that an answer leads to, with the note that it left.
func (s *walking) followed(answer answered) {
	was := s.cookies
	s.cookies = append(slices.Clone(was), answer.Cookies()...)
	s.ask(http.MethodGet, answer.Header.Get("Location"), nil)
	s.cookies = was
}

// everywhere is the number of screens from which on a string belongs to the frame of all pages.
const everywhere = 60

// writeStrings writes all messages in all languages with the screens that said them.
func writeStrings(file string) {
	var catalogues []locale.Catalogue
	tags := []string{"en", "fr", "ar"}
	for _, tag := range tags {
		one, err := catalogueOf(tag)
		if err != nil {
			panic(err)
		}
		catalogues = append(catalogues, one)
	}
	english := catalogues[0]
	unseen := slices.DeleteFunc(slices.Sorted(maps.Keys(english)), func(key string) bool { return screens.by[key] != nil || key == "language.name" })
	var out strings.Builder
	fmt.Fprintf(&out, "# Strings of the console\n\nWritten by `make strings`: %d messages in %d languages, each with the screens on which the console's tests saw it. A screen is the pattern of a page, or POST and that of a form, with the status if it isn't 200.\n\n", len(english), len(tags))
	fmt.Fprintf(&out, "## Not seen (%d)\n\nThe sources name them, and no test shows them.\n\n%s\n\n## All\n\n", len(unseen), strings.Join(unseen, ", "))
	for _, key := range slices.Sorted(maps.Keys(english)) {
		fmt.Fprintf(&out, "### %s\n\n", key)
		for i, tag := range tags {
			fmt.Fprintf(&out, "- %s: %s\n", tag, said(catalogues[i][key]))
		}
		fmt.Fprintf(&out, "- on: %s\n\n", where(screens.by[key]))
	}
	if err := os.WriteFile(file, []byte(out.String()), 0o600); err != nil {
		panic(err)
	}
	fmt.Fprintf(os.Stderr, "%d strings in %s; not seen on any screen: %s\n", len(english), file, strings.Join(unseen, ", "))
}

// said writes a message with its plural forms.
func said(m locale.Message) string {
	var forms []string
	for _, form := range slices.Sorted(maps.Keys(m)) {
		if len(m) == 1 {
			return m[form]
		}
		forms = append(forms, form+": "+m[form])
	}
	return strings.Join(forms, " / ")
}

// where names the screens that say a message most often.
func where(counts map[string]int) string {
	list := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	switch {
	case len(list) >= everywhere:
		return fmt.Sprintf("%d screens", len(list))
	case len(list) > 6:
		return strings.Join(list[:6], "; ") + fmt.Sprintf("; %d more", len(list)-6)
	}
	return strings.Join(list, "; ")
}
