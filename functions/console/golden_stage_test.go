package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/functions/console/internal/brand"
	"latchkey/functions/console/internal/management"
	"latchkey/functions/console/internal/session"
	"latchkey/functions/console/internal/signin"
	"latchkey/shared/api"
	"latchkey/shared/dynamo/sessions"
	"latchkey/shared/keytest"
)

// The golden pages stand on this file: a console whose clock stands still, whose API answers from documents, and which needs no
// network, so that each of its answers is the same in every run.

// goldenNow is the only moment that there is.
var goldenNow = time.Date(2026, 8, 3, 16, 30, 10, 0, time.UTC)

// stage is such a console with one session for each person.
type stage struct {
	*walker
	api      *documents
	plain    *app
	branded  *app
	sessions map[string]string // cookies, by viewer
}

// documents is a management API that answers from documents by route. A document may be a function. What has none is not
// found, and a change without one is carried out.
type documents struct {
	mu    sync.Mutex
	docs  map[string]any
	write func(http.ResponseWriter, *http.Request) // instead of carrying changes out
	calls []call
}

type answerFunc = func(http.ResponseWriter, *http.Request)

// RoundTrip answers without a network.
func (d *documents) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	d.mu.Lock()
	d.calls = append(d.calls, call{
		r.Method + " " + r.URL.Path, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), r.Header.Get("Idempotency-Key"),
		r.Header.Get("If-Match"), string(body), r.URL.RequestURI(),
	})
	doc, known := d.docs[r.Method+" "+r.URL.Path]
	write := d.write
	d.mu.Unlock()
	out := httptest.NewRecorder()
	out.Header().Set("X-Request-Id", "api-request-1")
	answer, isFunc := doc.(answerFunc)
	switch {
	case known && r.Header.Get("Accept") == "text/csv":
		out.Header().Set("Content-Disposition", `attachment; filename="usage-`+r.URL.Query().Get("from")[:min(10, len(r.URL.Query().Get("from")))]+`.csv"`)
		_, _ = io.WriteString(out, "start,requests\n2026-08-03T13:00:00Z,12\n")
	case isFunc:
		answer(out, r)
	case known:
		reply(out, 200, doc)
	case r.Method == http.MethodGet:
		problem(out, 404, "not_found")
	case write != nil:
		write(out, r)
	default:
		reply(out, 200, map[string]any{"id": "new_1", "account_id": account, "status": "running", "preview": "ak_7Kf2…x9Qd", "secret": secret, "token": invitation, "domains": []string{}, "products": []string{"map-display"}})
	}
	res := out.Result()
	res.Request = r
	return res, nil
}

// begin forgets the calls so far.
func (d *documents) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = nil
}

// asked are the calls, but for who is signed in: that read is answered whenever it comes.
func (d *documents) asked() (reads []string, writes []call) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.calls {
		switch {
		case c.route == "GET /v1/me":
		case strings.HasPrefix(c.route, "GET "):
			reads = append(reads, "GET "+c.uri)
		default:
			writes = append(writes, c)
		}
	}
	slices.Sort(reads)
	slices.SortStableFunc(writes, func(a, b call) int { return strings.Compare(a.uri, b.uri) })
	return reads, writes
}

func (d *documents) set(route string, doc any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.docs[route] = doc
}

func newStage(t *testing.T) *stage {
	t.Helper()
	now := func() time.Time { return goldenNow }
	d := &documents{}
	logs := &keytest.Buffer{}
	stores := keytest.MemoryStores(t)
	brandedAs := func(variables map[string]string) *app {
		whose, wrong := brand.Read(func(name string) string { return variables[name] })
		if len(wrong) > 0 {
			t.Fatal(wrong)
		}
		random := &repeatable{ChaCha8: rand.NewChaCha8(sha256.Sum256([]byte(variables["BRAND_NAME"])))}
		a, err := newApp(&app{
			keeper: session.Keeper{Store: sessions.New(stores.DB, stores.Tables.Sessions), Now: now, Random: random},
			issuer: signin.New(signin.Config{Issuer: "http://127.0.0.1:1", ClientID: "latchkey-local", Algorithm: "RS256", Now: now}),
			api:    management.New("http://api.example", &http.Client{Transport: d}), products: "https://products.example",
			log: slog.New(slog.NewJSONHandler(logs, nil)), now: now, brand: whose,
		})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	english := map[string]string{}
	for name, value := range otherBrand {
		english[name] = value
	}
	delete(english, "BRAND_LANGUAGE")
	s := &stage{api: d, plain: brandedAs(brandOfTests), branded: brandedAs(english), sessions: map[string]string{}}
	s.walker = &walker{harness: &harness{t: t, app: s.plain, stores: stores, logs: logs}}
	s.open()
	return s
}

// open signs everybody in who isn't.
func (s *stage) open() {
	s.t.Helper()
	for i, who := range viewerNames() {
		if _, err := s.plain.keeper.Open(s.t.Context(), s.sessions[who]); err == nil {
			continue
		}
		began := s.plain.keeper
		began.Now = func() time.Time { return goldenNow.Add(-time.Duration(len(viewers)-i) * time.Minute) }
		cookie, err := began.New(s.t.Context(), session.Tokens{
			Access: "token of the " + who, Expires: goldenNow.Add(time.Hour), Subject: viewers[who].Subject, EndSession: "https://issuer.example/logout",
		}, session.Browser{})
		if err != nil {
			s.t.Fatal(err)
		}
		s.sessions[who] = cookie
	}
}

// repeatable is a source of bytes that are the same in every run.
type repeatable struct {
	mu sync.Mutex
	*rand.ChaCha8
}

func (r *repeatable) Read(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ChaCha8.Read(b)
}

// shot is a page in one state, as one person sees it.
type shot struct {
	name    string // of its file
	as      string // one of viewers, or "" for nobody
	target  string
	set     func(*stage) // makes the state
	form    url.Values   // is posted, if there is one
	headers []string
	cookies []*http.Cookie
	note    *note // waits for the page
	branded bool
}

// take asks for the page, from the beginning.
func (s *stage) take(one shot) answered {
	s.t.Helper()
	s.enter(one)
	method := http.MethodGet
	if one.form != nil {
		method = http.MethodPost
	}
	return s.ask(method, one.target, one.form, one.headers...)
}

// enter makes the state of a shot, and its person the one who asks.
func (s *stage) enter(one shot) {
	s.t.Helper()
	s.app = s.plain
	if one.branded {
		s.app = s.branded
	}
	s.app.catalog.products.mu.Lock()
	s.app.catalog.products.until = time.Time{}
	s.app.catalog.products.mu.Unlock()
	s.api.mu.Lock()
	s.api.docs, s.api.write = richWorld(), nil
	s.api.mu.Unlock()
	s.cookies = slices.Clone(one.cookies)
	if one.as != "" {
		s.api.set("GET /v1/me", viewers[one.as])
		s.cookies = append(s.cookies, &http.Cookie{Name: sessionCookie, Value: s.sessions[one.as]})
	}
	if one.note != nil {
		raw, err := json.Marshal(one.note)
		if err != nil {
			s.t.Fatal(err)
		}
		sealed, err := s.app.keeper.SealNote(s.sessions[one.as], raw)
		if err != nil {
			s.t.Fatal(err)
		}
		s.cookies = append(s.cookies, &http.Cookie{Name: noteCookie, Value: sealed})
	}
	if one.set != nil {
		one.set(s)
	}
	s.api.begin()
}

// ofKey changes the key that everything is about: by itself and in the lists that have it.
func ofKey(change func(*api.Key)) func(*stage) {
	return func(s *stage) {
		k := fullKey()
		change(&k)
		s.api.set("GET "+keyAPI, k)
		s.api.set("GET "+accountAPI+"/keys", api.KeyList{Keys: []api.Key{k, bareKey()}})
		s.api.set("GET /v1/operator/keys/"+keyID, api.OperatorKey{Key: k, Account: ptr(fullAccount())})
	}
}

// withDoc lets the API answer a route with another document.
func withDoc(route string, doc any) func(*stage) { return func(s *stage) { s.api.set(route, doc) } }

// all makes one state of several.
func all(steps ...func(*stage)) func(*stage) {
	return func(s *stage) {
		for _, step := range steps {
			step(s)
		}
	}
}

// refused lets the API refuse every change.
func refused(status int, code string, fields ...api.FieldError) func(*stage) {
	return func(s *stage) {
		s.api.mu.Lock()
		defer s.api.mu.Unlock()
		s.api.write = func(w http.ResponseWriter, _ *http.Request) { problem(w, status, code, fields...) }
	}
}

func failing(status int, code string) answerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { problem(w, status, code) }
}

// indented is JSON as diffs show it best.
func indented(raw []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, raw, "", " ") != nil {
		return string(raw)
	}
	return out.String()
}
