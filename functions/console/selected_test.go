package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// many are keys that the fake API holds and changes one at a time, as the management API does.
type many struct {
	*walker
	mu      sync.Mutex
	keys    []api.Key
	refuse  map[string]func(http.ResponseWriter)
	rotated map[string]string // by key: the idempotency key
	writes  []string          // METHOD below the key, key by key
	trail   []api.AuditRow    // the oldest first
}

const keysPath = "/accounts/" + account + "/keys"

func newMany(t *testing.T, n int) *many {
	m := &many{walker: newWalker(t, "owner"), refuse: map[string]func(http.ResponseWriter){}, rotated: map[string]string{}}
	for i := range n {
		k := m.api.key.Key
		k.Id, k.Name, k.Version = idOf(i), fmt.Sprintf("Key %d", i), 7
		m.keys = append(m.keys, k)
		for _, route := range []string{"GET ", "DELETE ", "PATCH "} {
			m.api.on(route+"/v1"+keysPath+"/"+k.Id, m.serve(i, ""))
		}
		for _, below := range []string{"/disable", "/enable", "/restore", "/rotate"} {
			m.api.on("POST /v1"+keysPath+"/"+k.Id+below, m.serve(i, below))
		}
	}
	m.api.on("GET /v1"+keysPath, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		reply(out, 200, api.KeyList{Keys: m.keys})
		return true
	})
	m.api.on("GET /v1/accounts/"+account+"/audit", func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		from, _ := time.Parse(time.RFC3339, r.URL.Query().Get("from"))
		rows := slices.DeleteFunc(slices.Clone(m.trail), func(row api.AuditRow) bool { return row.At.Before(from) })
		slices.Reverse(rows)
		reply(out, 200, api.AuditList{Rows: rows})
		return true
	})
	return m
}

// record notes a change of a key by somebody in the audit trail. It was at a time.
func (m *many) record(who string, at time.Time, was api.Key, k *api.Key, action string) {
	k.UpdatedAt = moment.Of(at)
	row := api.AuditRow{Action: action, At: k.UpdatedAt, KeyId: &k.Id, Actor: api.Actor{Subject: who, Role: "owner"}}
	for field, lists := range map[string][2][]string{"labels": {was.Labels, k.Labels}, "domains": {was.Domains, k.Domains}} {
		if !slices.Equal(lists[0], lists[1]) {
			row.Changes = append(row.Changes, api.Change{Field: field, Before: lists[0], After: lists[1]})
		}
	}
	m.trail = append(m.trail, row)
}

func idOf(i int) string { return fmt.Sprintf("key_%026d", i) }

func (m *many) serve(i int, below string) func(http.ResponseWriter, *http.Request, []byte) bool {
	return func(out http.ResponseWriter, r *http.Request, body []byte) bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		k := &m.keys[i]
		if r.Method == http.MethodGet {
			reply(out, 200, k)
			return true
		}
		if refuse := m.refuse[k.Id]; refuse != nil {
			refuse(out)
			return true
		}
		if match := r.Header.Get("If-Match"); match != "" && match != strconv.Quote(strconv.FormatInt(k.Version, 10)) {
			problem(out, 412, "version_stale")
			return true
		}
		m.writes = append(m.writes, strings.TrimSpace(r.Method+" "+k.Name+below+" "+r.Header.Get("If-Match")))
		k.Version++
		action := "key." + strings.TrimPrefix(below, "/")
		defer func(was api.Key) { m.record("owner", time.Now(), was, k, action) }(*k)
		switch below {
		case "/disable", "/enable":
			k.Disabled = below == "/disable"
		case "/restore":
			k.Status = api.Active
		case "/rotate":
			made := api.KeyWithSecret{Key: *k}
			if once := r.Header.Get("Idempotency-Key"); once != m.rotated[k.Id] {
				made.Secret, m.rotated[k.Id] = ptr(fmt.Sprintf("ak_%033d", len(m.rotated))), once
			}
			reply(out, 200, made)
			return true
		case "":
			if action = "key.edit"; r.Method == http.MethodDelete {
				k.Status, action = api.Deleted, "key.delete"
				break
			}
			k.Labels, k.Domains = slices.Clone(k.Labels), slices.Clone(k.Domains)
			_ = json.Unmarshal(body, k)
		}
		reply(out, 200, k)
		return true
	}
}

// act sends an act on keys as the list does, and follows where it leads.
func (m *many) act(name string, more url.Values, keys ...int) answered {
	m.t.Helper()
	form := url.Values{}
	for _, i := range keys {
		form.Add("key", idOf(i))
	}
	for name, values := range more {
		form[name] = values
	}
	return m.land(m.ask(http.MethodPost, keysPath+"/selected/"+name, form))
}

// land is the page that an answer leads to.
func (m *many) land(answer answered) answered {
	m.t.Helper()
	to := answer.Header.Get("Location")
	if answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, keysPath) {
		m.t.Fatalf("answered %d to %q: %s", answer.StatusCode, to, text(answer.doc))
	}
	return m.ask(http.MethodGet, to, nil, "Cookie", m.with(m.noteOf(answer).cookie))
}

// press sends the form of a page that leads to an act.
func (m *many) press(page answered, act string) answered {
	m.t.Helper()
	for _, one := range forms(page.doc) {
		if strings.HasSuffix(one.action, "/selected/"+act) {
			values := url.Values{}
			for _, f := range one.fields {
				if f.name != "" {
					values.Add(f.name, f.value)
				}
			}
			return m.land(m.ask(http.MethodPost, one.action, values))
		}
	}
	m.t.Fatalf("no form for %s: %s", act, text(page.doc))
	return answered{}
}

func (m *many) changed() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := slices.Sorted(slices.Values(m.writes))
	m.writes = nil
	return list
}

// TestAnActChangesTheSelectedKeysAlone, each against the version that was read, and Undo exactly those that it has changed.
func TestAnActChangesTheSelectedKeysAlone(t *testing.T) {
	m := newMany(t, 5)
	m.keys[2].Disabled = true // by somebody else, before
	page := m.act("disable", nil, 0, 2, 3)
	if got := m.changed(); !slices.Equal(got, []string{`POST Key 0/disable "7"`, `POST Key 3/disable "7"`}) {
		t.Errorf("the API was asked for %q", got)
	}
	if whole := text(page.doc); !strings.Contains(whole, "Disabled 2 keys.") || !strings.Contains(whole, "No change needed for 1 key.") {
		t.Errorf("the page says %s", whole)
	}
	page = m.press(page, "enable")
	if got := m.changed(); !slices.Equal(got, []string{`POST Key 0/enable "8"`, `POST Key 3/enable "8"`}) {
		t.Errorf("Undo asks for %q", got)
	}
	if m.press(page, "disable"); !m.keys[0].Disabled || m.keys[1].Disabled || !m.keys[2].Disabled {
		t.Error("Undo can't be undone")
	}
}

func TestDeletingAsksFirstAndCanBeUndone(t *testing.T) {
	m := newMany(t, 3)
	ask := m.ask(http.MethodGet, keysPath+"/selected/delete?q=shop&page=next&key="+idOf(0)+"&key="+idOf(2), nil)
	whole := text(ask.doc)
	for _, want := range []string{"Delete 2 keys?", "Key 0", "Key 2"} {
		if !strings.Contains(whole, want) {
			t.Errorf("%s is missing: %s", want, whole)
		}
	}
	if len(m.changed()) > 0 || strings.Contains(whole, "Key 1") {
		t.Error("it asks about other keys, or has asked too late")
	}
	page := m.press(ask, "delete")
	if got := m.changed(); !slices.Equal(got, []string{`DELETE Key 0 "7"`, `DELETE Key 2 "7"`}) || page.Request.URL.RawQuery != "page=next&q=shop" {
		t.Errorf("%q, and leads to %s", got, page.Request.URL)
	}
	m.press(page, "restore")
	if got := m.changed(); len(got) != 2 || m.keys[0].Status != api.Active || m.keys[1].Version != 7 {
		t.Errorf("Undo asks for %q", got)
	}
}

// TestALabelAndADomainAreAddedToTheListThatAKeyHas, and Undo takes them from those keys alone to which they were added.
func TestALabelAndADomainAreAddedToTheListThatAKeyHas(t *testing.T) {
	for name, c := range map[string]struct {
		act, typed, stored, has, says string
		list                          func(*api.Key) *[]string
	}{
		"a label":               {"label", " production ", "production", "production", "Added the label “production” to 2 keys.", func(k *api.Key) *[]string { return &k.Labels }},
		"one in another case":   {"label", "Production", "Production", "production", "Added the label “Production” to 2 keys.", func(k *api.Key) *[]string { return &k.Labels }},
		"a domain":              {"domain", "shop.example", "shop.example", "shop.example", "Added the domain shop.example to 2 keys.", func(k *api.Key) *[]string { return &k.Domains }},
		"one in other spelling": {"domain", "SHOP.example ", "shop.example", "shop.example", "Added the domain shop.example to 2 keys.", func(k *api.Key) *[]string { return &k.Domains }},
	} {
		m := newMany(t, 3)
		*c.list(&m.keys[0]), *c.list(&m.keys[1]), *c.list(&m.keys[2]) = []string{"first"}, []string{"first", c.has}, []string{}
		page := m.act(c.act, url.Values{c.act + "s": {c.typed}, "sort": {"name"}}, 0, 1, 2)
		if got := page.Request.URL.RawQuery; got != "sort=name" {
			t.Errorf("%s leads to the list with %q", name, got)
		}
		want := [][]string{{"first", c.stored}, {"first", c.has}, {c.stored}}
		for i, list := range want {
			if got := *c.list(&m.keys[i]); !slices.Equal(got, list) {
				t.Errorf("%s: key %d has %q, want %q", name, i, got, list)
			}
		}
		if got := m.changed(); !slices.Equal(got, []string{`PATCH Key 0 "7"`, `PATCH Key 2 "7"`}) || !strings.Contains(text(page.doc), c.says) || !strings.Contains(text(page.doc), "No change needed for 1 key.") {
			t.Errorf("%s: %q, and says %s", name, got, text(page.doc))
		}
		undone := m.press(page, c.act)
		if got := m.changed(); !slices.Equal(got, []string{`PATCH Key 0 "8"`, `PATCH Key 2 "8"`}) || !strings.Contains(text(undone.doc), "Removed the "+c.act) {
			t.Errorf("%s: Undo asks for %q and says %s", name, got, text(undone.doc))
		}
		for i, list := range [][]string{{"first"}, {"first", c.has}, {}} {
			if got := *c.list(&m.keys[i]); !slices.Equal(got, list) {
				t.Errorf("%s, undone: key %d has %q, want %q", name, i, got, list)
			}
		}
	}
}

// TestWhatCantBeALabelOrADomainIsShownInTheForm, and no key is changed.
func TestWhatCantBeALabelOrADomainIsShownInTheForm(t *testing.T) {
	m := newMany(t, 2)
	for _, i := range []int{0, 1} {
		m.refuse[idOf(i)] = func(out http.ResponseWriter) {
			problem(out, 422, "invalid", api.FieldError{Pointer: "/labels", Code: "too_many"})
		}
	}
	for typed, want := range map[[2]string]string{
		{"label", ""}: "Enter one label.", {"label", "a, b"}: "Enter one label.", {"label", strings.Repeat("x", 33)}: "Use 1 to 32 characters in each label.", {"label", "sixth"}: "Use up to 5 labels.",
		{"domain", ""}: "Enter one domain.", {"domain", "a.example b.example"}: "Enter one domain.", {"domain", "https://shop.example/path"}: "https://shop.example",
	} {
		page := m.ask(http.MethodPost, keysPath+"/selected/"+typed[0], url.Values{"key": {idOf(0), idOf(1)}, typed[0] + "s": {typed[1]}, "q": {"Key"}})
		again := forms(page.doc)
		i := slices.IndexFunc(again, func(f formOf) bool { return strings.HasSuffix(f.action, "/selected/"+typed[0]) })
		if page.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(text(page.doc), want) || i < 0 {
			t.Errorf("%q: %d: %s", typed, page.StatusCode, text(page.doc))
			continue
		}
		if got := again[i].values(); got.Get(typed[0]+"s") != typed[1] || len(strings.Fields(got.Get("keys"))) != 2 || got.Get("q") != "Key" {
			t.Errorf("%q: the form has %v", typed, got)
		}
	}
	if got := m.changed(); len(got) > 0 {
		t.Errorf("changed: %q", got)
	}
}

// TestAFirstDomainIsWarnedOf: it restricts a key that worked everywhere.
func TestAFirstDomainIsWarnedOf(t *testing.T) {
	m := newMany(t, 3)
	m.keys[0].Domains, m.keys[2].Domains = nil, nil
	for n, ids := range map[string]string{"2 keys. With": "key=" + idOf(0) + "&key=" + idOf(1) + "&key=" + idOf(2), "1 key. With": "key=" + idOf(2), "": "key=" + idOf(1)} {
		whole := text(m.ask(http.MethodGet, keysPath+"/selected/domain?"+ids, nil).doc)
		if warned := strings.Contains(whole, "Not restricted to any domain today:"); warned != (n != "") || !strings.Contains(whole, n) {
			t.Errorf("%s: %s", ids, whole)
		}
	}
}

// TestEachKeyThatFailsSaysWhy, in the language of the page, and the others are changed.
func TestEachKeyThatFailsSaysWhy(t *testing.T) {
	m := newMany(t, 6)
	refuse := func(status int, code string) func(http.ResponseWriter) {
		return func(out http.ResponseWriter) { problem(out, status, code) }
	}
	m.refuse[idOf(0)], m.refuse[idOf(1)], m.refuse[idOf(2)], m.refuse[idOf(4)] = refuse(409, "key_revoked"), refuse(409, "key_revoked"), refuse(403, "forbidden"), refuse(500, "no_such_code")
	for language, want := range map[string][]string{
		"en": {"No change made to 4 keys", "This key is permanently revoked.", "Your role doesn’t allow this.", "The request was refused."},
		"fr": {"4\u00a0clés", "définitivement", "rôle"},
		"ar": {"4 مفاتيح"},
	} {
		m.cookies = append(slices.DeleteFunc(m.cookies, func(c *http.Cookie) bool { return c.Name == languageCookie }), &http.Cookie{Name: languageCookie, Value: language})
		m.keys[3].Disabled, m.keys[5].Disabled = false, false
		whole := text(m.act("disable", nil, 0, 1, 2, 3, 4, 5).doc)
		for _, one := range append(want, "Key 0", "Key 1", "Key 2", "Key 4") {
			if !strings.Contains(strings.ReplaceAll(whole, "\u202f", "\u00a0"), one) && !strings.Contains(whole, strings.ReplaceAll(one, "\u00a0", " ")) {
				t.Errorf("%s: %q is missing: %s", language, one, whole)
			}
		}
		if !m.keys[3].Disabled || !m.keys[5].Disabled || strings.Contains(whole, "request-1") {
			t.Errorf("%s: a refusal stops others, or shows a request ID", language)
		}
	}
}

// TestWhatsChangedMeanwhileIsReadAgain: an act is against the key as it is, once more.
func TestWhatsChangedMeanwhileIsReadAgain(t *testing.T) {
	m := newMany(t, 2)
	tries := 0
	m.refuse[idOf(0)] = func(out http.ResponseWriter) {
		problem(out, 412, "version_stale")
		m.keys[0].Version++
		if tries++; tries == 1 {
			delete(m.refuse, idOf(0))
		}
	}
	if m.act("disable", nil, 0); !m.keys[0].Disabled || tries != 1 {
		t.Error("a key that was edited meanwhile isn't disabled")
	}
	m.refuse[idOf(1)] = func(out http.ResponseWriter) { problem(out, 412, "version_stale"); tries++ }
	if page := m.act("disable", nil, 1); tries != 3 || !strings.Contains(text(page.doc), "Someone else changed this in the meantime.") {
		t.Errorf("%d tries: %s", tries, text(page.doc))
	}
}

// TestWhatWaitsTooLongIsLeft: the page says how many keys are left, and goes on with exactly those.
func TestWhatWaitsTooLongIsLeft(t *testing.T) {
	m := newMany(t, 12)
	for _, i := range []int{4, 9} {
		m.refuse[idOf(i)] = func(out http.ResponseWriter) {
			out.Header().Set("Retry-After", "60")
			problem(out, 429, "too_many_changes")
		}
	}
	page := m.act("disable", nil, 0, 1, 2, 3, 4, 5, 9)
	first := m.changed()
	m.refuse = map[string]func(http.ResponseWriter){}
	if whole := text(page.doc); !strings.Contains(whole, "Not done yet:") || len(first) == 7 {
		t.Fatalf("%q, and says %s", first, whole)
	}
	m.press(page, "disable")
	all := append(first, m.changed()...)
	slices.Sort(all)
	if want := []string{`POST Key 0/disable "7"`, `POST Key 1/disable "7"`, `POST Key 2/disable "7"`, `POST Key 3/disable "7"`, `POST Key 4/disable "7"`, `POST Key 5/disable "7"`, `POST Key 9/disable "7"`}; !slices.Equal(all, want) {
		t.Errorf("all in all %q", all)
	}
}

// TestAnActIsNotRepeatedByAReload, and no address says what has become of it.
func TestAnActIsNotRepeatedByAReload(t *testing.T) {
	m := newMany(t, 2)
	answer := m.ask(http.MethodPost, keysPath+"/selected/disable", url.Values{"key": {idOf(0)}, "status": {"active"}, "sort": {"name"}})
	if to := answer.Header.Get("Location"); to != keysPath+"?sort=name&status=active" {
		t.Errorf("it leads to %s", to)
	}
	if whole := text(m.ask(http.MethodGet, answer.Header.Get("Location"), nil).doc); strings.Contains(whole, "Disabled 1 key") {
		t.Error("a page without the note says it too")
	}
	if page := m.ask(http.MethodGet, keysPath+"/selected/disable", nil); page.StatusCode != http.StatusSeeOther || len(m.changed()) != 1 {
		t.Errorf("its address answers %d", page.StatusCode)
	}
}

func TestAnActNeedsKeysOfOnePage(t *testing.T) {
	m := newMany(t, 1)
	if page := m.act("disable", nil); !strings.Contains(text(page.doc), "Select at least one key first.") {
		t.Errorf("no key: %s", text(page.doc))
	}
	if page := m.land(m.ask(http.MethodGet, keysPath+"/selected/delete", nil)); !strings.Contains(text(page.doc), "Select at least one key first.") {
		t.Errorf("no key: %s", text(page.doc))
	}
	tooMany := url.Values{}
	for i := range mostSelected + 1 {
		tooMany.Add("key", idOf(i))
	}
	for name, form := range map[string]url.Values{"too many": tooMany, "a path": {"key": {"../members"}}, "an empty one": {"key": {""}}, "a long one": {"key": {strings.Repeat("k", 41)}}} {
		for _, act := range []string{"disable", "enable", "delete", "restore"} {
			if page := m.ask(http.MethodPost, keysPath+"/selected/"+act, form); page.StatusCode != http.StatusBadRequest {
				t.Errorf("%s, %s: %d", act, name, page.StatusCode)
			}
		}
	}
	if got := m.changed(); len(got) > 0 {
		t.Errorf("changed: %q", got)
	}
	twice := m.act("disable", url.Values{"key": {idOf(0), idOf(0)}})
	if got := m.changed(); len(got) != 1 || !strings.Contains(text(twice.doc), "Disabled 1 key.") {
		t.Errorf("a key that is named twice: %q", got)
	}
}

// TestANoteOfTheWorstOutcomeFitsIntoACookie: as many keys as an act takes, whose IDs have nothing in common, with the longest names, refused for
// the longest reason, or half of them. The page names the first, and counts the others.
func TestANoteOfTheWorstOutcomeFitsIntoACookie(t *testing.T) {
	w := newWalker(t, "owner")
	v := &visit{app: w.app, r: httptest.NewRequest(http.MethodPost, "/", nil), lang: w.app.langs.Offered()[0]}
	v.r.AddCookie(&http.Cookie{Name: sessionCookie, Value: w.sessionValue()})
	random := rand.New(rand.NewPCG(1, 2))
	for _, failed := range []int{0, 1, 5, mostNamed, mostNamed + 1, 50, mostSelected - 1, mostSelected} {
		o := &outcome{Act: "undomain", Value: strings.Repeat("d", 253)}
		for i := range mostSelected {
			var result swept
			if i < failed {
				var name strings.Builder
				for range 64 {
					name.WriteRune(rune(0x4e00 + random.IntN(20_000)))
				}
				result = swept{name: name.String(), err: errForm, why: "problem.recoverable_unavailable"}
			}
			o.add(scattered(i), result)
		}
		o.fit()
		out := httptest.NewRecorder()
		v.w = out
		if kept, err := v.putNote(note{Path: keysPath + "/" + keyID, Keys: o}); err != nil || !kept {
			t.Fatalf("%d failed: %v, %v", failed, kept, err)
		}
		if n := len(out.Result().Cookies()); n != 1 {
			t.Errorf("%d failed: %d cookies", failed, n)
		}
		if shown := v.outcomeOf(&page{Left: note{Keys: o}}); failed > mostNamed && (len(shown.Why[0].Keys) != mostNamed || shown.Why[0].More != failed-mostNamed || shown.Unchanged() != failed) {
			t.Errorf("%d failed: names %d, and %d more", failed, len(shown.Why[0].Keys), shown.Why[0].More)
		}
	}
}

// TestTheFileHasTheSettingsOfTheSelectedKeys, and no secret; spreadsheets take nothing in it for a formula.
func TestTheFileHasTheSettingsOfTheSelectedKeys(t *testing.T) {
	m := newMany(t, 4)
	m.keys[1].Name, m.keys[1].Labels, m.keys[1].Domains, m.keys[1].Products = "=1+1", []string{"=2+2", "web"}, []string{"*.example.com", "example.com"}, []string{"map-display", "search"}
	file := m.ask(http.MethodGet, keysPath+"/selected.csv?key="+idOf(3)+"&key="+idOf(1), nil)
	rows, err := csv.NewReader(strings.NewReader(file.text)).ReadAll()
	if err != nil || len(rows) != 3 || !slices.Equal(rows[0], settingNames) {
		t.Fatalf("%v, %q", err, rows)
	}
	row := map[string]string{}
	for i, name := range rows[0] {
		row[name] = rows[1][i]
	}
	for name, want := range map[string]string{
		"id": idOf(1), "name": "'=1+1", "preview": "ak_7Kf2…x9Qd", "labels": "'=2+2; web", "domains": "*.example.com example.com", "products": "map-display search", "limits": "map-display=10",
		"status": "active", "usage": "frontend", "billing_type": "freemium", "missing_origin": "deny", "header_only": "false", "created_at": "2026-08-01T12:00:00.000Z", "expires_at": "",
	} {
		if row[name] != want {
			t.Errorf("%s is %q, want %q", name, row[name], want)
		}
	}
	if rows[2][0] != idOf(3) {
		t.Errorf("the second is %s", rows[2][0])
	}
}

// TestAViewerCanExportAndNothingElse.
func TestAViewerCanExportAndNothingElse(t *testing.T) {
	m := newMany(t, 1)
	m.become(member(api.Viewer))
	page := m.ask(http.MethodGet, keysPath, nil)
	if strings.Contains(page.text, "/selected/") || !strings.Contains(page.text, `name="key"`) || !strings.Contains(page.text, "/keys/selected.csv") {
		t.Error("a viewer's list has acts, or no export")
	}
	if page := m.ask(http.MethodGet, keysPath+"/selected/delete?key="+idOf(0), nil); page.StatusCode != http.StatusForbidden {
		t.Errorf("a viewer is asked whether to delete: %d", page.StatusCode)
	}
}

// TestRotatedKeysShowTheirSecretsOnce: in the answer itself, and the same form again makes no others.
func TestRotatedKeysShowTheirSecretsOnce(t *testing.T) {
	m := newMany(t, 4)
	m.refuse[idOf(1)] = func(out http.ResponseWriter) { problem(out, 409, "rotation_in_progress") }
	m.refuse[idOf(3)] = func(out http.ResponseWriter) {
		out.Header().Set("Retry-After", "60")
		problem(out, 429, "too_many_changes")
	}
	ask := m.ask(http.MethodGet, keysPath+"/selected/rotate?sort=name&key="+idOf(0)+"&key="+idOf(1)+"&key="+idOf(2)+"&key="+idOf(3), nil)
	form := forms(ask.doc)[slices.IndexFunc(forms(ask.doc), func(f formOf) bool { return strings.HasSuffix(f.action, "/selected/rotate") })]
	values := form.values()
	values.Del("keys")
	values["key"] = []string{idOf(0), idOf(1), idOf(2)}
	page := m.ask(http.MethodPost, form.action, values)
	secrets := map[string]bool{}
	elements(page.doc, func(n *html.Node) {
		if strings.HasPrefix(attr(n, "id"), "secret-") {
			secrets[attr(n, "id")+" "+text(n)] = true
		}
	})
	if page.StatusCode != http.StatusOK || len(secrets) != 2 || page.Header.Get("Cache-Control") != "no-store" || page.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Fatalf("%d with %v: %v", page.StatusCode, secrets, page.Header)
	}
	whole := text(page.doc)
	for _, want := range []string{"Key 0", "Key 2", "No change made to 1 key", "A rotation is in progress.", "Copy them now."} {
		if !strings.Contains(whole, want) {
			t.Errorf("%q is missing: %s", want, whole)
		}
	}
	if page := m.land(m.ask(http.MethodPost, form.action, url.Values{"key": {idOf(1)}, "idempotency": {"x"}})); !strings.Contains(text(page.doc), "A rotation is in progress.") {
		t.Errorf("where none is rotated the list says %s", text(page.doc))
	}
	again := m.ask(http.MethodPost, form.action, values)
	if whole := text(again.doc); strings.Contains(whole, "ak_0") || strings.Count(whole, "Already rotated.") != 2 || len(m.rotated) != 2 {
		t.Errorf("the same form again: %s", whole)
	}
	if m.rotated[idOf(0)] == m.rotated[idOf(2)] {
		t.Errorf("two keys are rotated under one idempotency key, %s", m.rotated[idOf(0)])
	}
	// What there was no time for is gone on with, under the same idempotency key.
	values["key"] = []string{idOf(3)}
	left := m.ask(http.MethodPost, form.action, values)
	delete(m.refuse, idOf(3))
	rest := forms(left.doc)[slices.IndexFunc(forms(left.doc), func(f formOf) bool { return strings.HasSuffix(f.action, "/selected/rotate") })].values()
	if rest.Get("idempotency") != values.Get("idempotency") || rest.Get("sort") != "name" || rest.Get("keys") != strings.TrimPrefix(idOf(3), keyPrefix) {
		t.Errorf("it goes on with %v", rest)
	}
	if page := m.ask(http.MethodPost, form.action, rest); m.rotated[idOf(3)] == "" || !strings.Contains(text(page.doc), "ak_0") {
		t.Error("the rest isn't rotated")
	}
	for _, one := range m.writes {
		if !strings.Contains(one, "/rotate") {
			t.Errorf("it asks for %s", one)
		}
	}
}

// TestAListOfKeysIsSmall: 40 kB of HTML at most with the keys of a page, each with two labels, two domains, a rotation and an expiry that is
// near, and a kept secret. Figures add to it: TestTheLongestListOfKeysIsBounded. The IDs of accounts are longer on AWS than here, which makes
// 1.5 kB.
func TestAListOfKeysIsSmall(t *testing.T) {
	m := newMany(t, keysPerPage)
	m.state(func(me *api.Me, _ *api.KeyWithSecret) {
		me.Accounts = slices.Clone(me.Accounts)
		me.Accounts[0].Type = api.Enterprise
	})
	for i := range m.keys {
		k := &m.keys[i]
		k.Name, k.Labels, k.Domains = fmt.Sprintf("Web shop, store finder %d", i), []string{"production", "web"}, []string{"*.shop.example", "shop.example"}
		k.Recoverable, k.PreviousPreview, k.ExpiresAt = true, ptr("ak_old…"), ptr(moment.Of(m.app.now().Add(48*time.Hour)))
	}
	for _, language := range []string{"en", "fr", "ar"} {
		m.cookies = append(m.cookies, &http.Cookie{Name: languageCookie, Value: language})
		page := m.ask(http.MethodGet, keysPath, nil)
		if size := len(page.text); size > mostHTML-1_500 || strings.Count(page.text, `name="key"`) != keysPerPage {
			t.Errorf("%s: %d bytes", language, size)
		}
		m.cookies = m.cookies[:len(m.cookies)-1]
	}
}

// TestAListHasTheSymbolsThatItsRowsDraw, each once, and no others.
func TestAListHasTheSymbolsThatItsRowsDraw(t *testing.T) {
	for role, want := range map[api.Role]string{api.Owner: "active copy warning", api.Developer: "active warning"} {
		for exposed, without := range map[bool]string{true: "", false: " warning"} {
			w := newWalker(t, "owner")
			w.state(func(me *api.Me, _ *api.KeyWithSecret) {
				me.Accounts = slices.Clone(me.Accounts)
				me.Accounts[0].Role = role
			})
			w.listing(t, func(url.Values) api.KeyList {
				k := w.api.key.Key
				k.Recoverable, k.PendingPaths, k.ExposedAt, k.CreatedAt = true, nil, nil, moment.Of(w.app.now())
				if exposed {
					k.ExposedAt = ptr(moment.Of(w.app.now()))
				}
				return api.KeyList{Keys: []api.Key{k, k}}
			})
			var has, draws []string
			elements(w.ask(http.MethodGet, keysPath, nil).doc, func(n *html.Node) {
				switch name := strings.TrimPrefix(attr(n, "href"), "#i-"); n.Data {
				case "symbol":
					has = append(has, strings.TrimPrefix(attr(n, "id"), "i-"))
				case "use":
					draws = append(draws, name)
				}
			})
			slices.Sort(draws)
			draws = slices.Compact(draws)
			slices.Sort(has)
			if got := strings.Join(has, " "); got != strings.TrimSuffix(want, without) || !slices.Equal(has, draws) {
				t.Errorf("%s, exposed %t: has %q, draws %q", role, exposed, has, draws)
			}
		}
	}
}

// TestTheNoticeOfAnActCountsItsKeys: what agrees with their number agrees with it.
func TestTheNoticeOfAnActCountsItsKeys(t *testing.T) {
	r := newHarness(t, time.Hour)
	for _, lang := range r.app.langs.Offered() {
		v := &visit{app: r.app, lang: lang}
		for _, act := range []string{"disable", "enable", "restore", "delete"} {
			for n, ids := range map[int][]string{1: {"a"}, 2: {"a", "b"}, 7: make([]string, 7)} {
				if got, want := v.outcomeOf(&page{Left: note{Keys: &outcome{Act: act, Done: ids}}}).Title, lang.Text("selected."+act+".done", "n", n, "effect", lang.Text("selected.effect")); got != want {
					t.Errorf("%s: %d keys: %q, want %q", lang.Tag, n, got, want)
				}
			}
		}
	}
}
