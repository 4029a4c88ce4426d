package main

import (
	"crypto/rand"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/functions/console/internal/brand"
	"latchkey/functions/console/internal/management"
	"latchkey/functions/console/internal/session"
	"latchkey/functions/console/internal/signin"
	"latchkey/infra/local/issuer"
	"latchkey/shared/api"
	"latchkey/shared/dynamo/sessions"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
)

const (
	account = "acc_01"
	keyID   = "key_01M805HA7KFVZYHMQR8J2PEF42"
	secret  = "ak_7Kf2aaaaaaaaaaaaaaaaaaaaaaaaax9Qd"
)

// fakeAPI answers as the management API would, and remembers what it was asked.
type fakeAPI struct {
	mu       sync.Mutex
	me       api.Me
	key      api.KeyWithSecret
	products []api.Product
	calls    []call
	answers  map[string]func(http.ResponseWriter, *http.Request, []byte) bool // by "METHOD /path"
	write    func(http.ResponseWriter, *http.Request)                         // answers all that isn't GET, if it is set
	fault    func(http.ResponseWriter, *http.Request) bool                    // is asked first, if it is set
}

type call struct {
	route, token, idempotency, match, body, uri string
}

func newFakeAPI() *fakeAPI {
	created := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	name, email := "Olive Owner", "owner@example.com"
	f := &fakeAPI{
		me: api.Me{Subject: "owner", Email: &email, Name: &name, Accounts: []api.MyAccount{{Id: account, Name: "Demo", Type: api.SelfServe, Role: api.Owner}}},
		key: api.KeyWithSecret{Key: api.Key{
			Id: keyID, AccountId: account, Name: "Site", Usage: api.Frontend, BillingType: api.Freemium, Products: []string{"map-display"},
			Labels: []string{"Müller"}, Domains: []string{}, MissingOrigin: api.Deny, Preview: "ak_7Kf2…x9Qd", Status: api.Active, CreatedAt: moment.Of(created), UpdatedAt: moment.Of(created),
			Limits: []api.Limit{{Class: "map-display", Product: "map-display", Name: "Map display", Qps: 10, DefaultQps: 10, MaxQps: 1000}}, Quotas: []api.KeyQuota{{Group: "tiles", Day: 300}}, Version: 3,
		}},
		products: []api.Product{
			{Id: "map-display", Name: "Map Display API", Kind: api.Api, SamplePath: ptr("/map/1/tile/basic/main/0/0/0.png")},
			{Id: "search", Name: "Search API", Kind: api.Api, SamplePath: ptr("/search/2/search/berlin.json")},
		},
		answers: map[string]func(http.ResponseWriter, *http.Request, []byte) bool{},
	}
	return f
}

func (f *fakeAPI) on(route string, answer func(http.ResponseWriter, *http.Request, []byte) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[route] = answer
}

func (f *fakeAPI) seen(route string) (found []call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if c.route == route {
			found = append(found, c)
		}
	}
	return found
}

func (f *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	route := r.Method + " " + r.URL.Path
	f.mu.Lock()
	f.calls = append(f.calls, call{
		route, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), r.Header.Get("Idempotency-Key"), r.Header.Get("If-Match"), string(body),
		r.RequestURI,
	})
	answer, write, fault, me, key, products := f.answers[route], f.write, f.fault, f.me, f.key, f.products
	f.mu.Unlock()
	w.Header().Set("X-Request-Id", "api-request-1")
	if fault != nil && fault(w, r) {
		return
	}
	if write != nil && r.Method != http.MethodGet {
		write(w, r)
		return
	}
	if answer != nil && answer(w, r, body) {
		return
	}
	root := "/v1/accounts/" + account
	switch route {
	case "GET /v1/me":
		reply(w, 200, me)
	case "GET /v1/products":
		reply(w, 200, api.ProductList{Products: products})
	case "GET " + root + "/keys":
		reply(w, 200, map[string]any{"keys": []any{key}})
	case "POST " + root + "/keys":
		text := secret
		key.Secret = &text
		reply(w, 201, key)
	case "GET " + root + "/keys/" + keyID:
		reply(w, 200, key)
	case "GET " + root + "/keys/" + keyID + "/usage":
		reply(w, 200, api.Usage{Totals: api.UsageCounts{Requests: 12, ByReason: map[string]int64{"domain_not_allowed": 7}}, Quotas: ptr(capsOf())})
	case "GET " + root + "/keys/" + keyID + "/quotas":
		reply(w, 200, api.KeyQuotas{Quotas: capsOf()})
	case "GET " + root + "/keys/" + keyID + "/audit":
		reply(w, 200, api.AuditList{Rows: []api.AuditRow{{
			Id: "1", At: key.CreatedAt, Action: "key.edit", Actor: api.Actor{Subject: "owner", Role: "owner"}, Changes: []api.Change{{Field: "name", After: key.Name}},
		}}})
	case "GET " + root + "/policy":
		reply(w, 200, api.AccountPolicy{Leaks: api.LeakPolicy{Frontend: "notify", Backend: "refuse", Mobile: "notify"}, Version: 2})
	case "GET " + root + "/findings":
		reply(w, 200, api.FindingList{Findings: findingsOf(key.Key)})
	default:
		problem(w, 404, "not_found")
	}
}

// capsOf are the daily caps of the fake key.
func capsOf() []api.KeyQuotaUse {
	return []api.KeyQuotaUse{{Group: "tiles", Name: "Map display", Enforced: ptr(true), Day: ptr(int64(300)), Used: 12, Left: ptr(int64(280)), EndsAt: moment.Of(then)}, {Group: "other", Name: "Other", Enforced: ptr(true), EndsAt: moment.Of(then)}}
}

// findingsOf are a finding of each kind, of one key.
func findingsOf(k api.Key) (list []api.Finding) {
	of := api.DomainKey{Id: k.Id, Name: k.Name, Status: k.Status}
	for _, one := range [][2]string{
		{"unrestricted", "restrict"},
		{"invalid_now", "correct"},
		{"pending_paths", "accept_paths"},
		{"rotation_overdue", "rotate"},
		{"policy_lifetime", "set_expiry"},
		{"unused_90_days", "disable"},
		{"unused_90_days", "delete"},
		{"never_expires", "set_expiry"},
		{"of_a_later_release", "of_a_later_release"},
	} {
		list = append(list, api.Finding{Key: of, Code: one[0], Act: one[1]})
	}
	list[3].Since = ptr(moment.Of(then))
	return list
}

func reply(w http.ResponseWriter, status int, doc any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(doc)
}

func problem(w http.ResponseWriter, status int, code string, fields ...api.FieldError) {
	p := api.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Error: "The request was refused.", RequestId: "api-request-1"}
	if len(fields) > 0 {
		p.Errors = &fields
	}
	reply(w, status, p)
}

// brandOfTests is the environment of a console without a company's own brand.
var brandOfTests = map[string]string{"BRAND_NAME": "Latchkey"}

// harness is a console with a real issuer, a fake API, sessions of its own and a browser without JavaScript.
type harness struct {
	t       *testing.T
	api     *fakeAPI
	app     *app
	url     string
	issuer  string
	iss     *issuer.Issuer
	stores  keytest.Stores
	browser *http.Client
	logs    *keytest.Buffer
}

// keyFolder holds the issuers' one signing key: making it takes long.
var keyFolder = sync.OnceValue(func() string {
	folder, err := os.MkdirTemp("", "console-test-")
	if err != nil {
		panic(err)
	}
	return folder
})

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if *listing != "" && code == 0 {
		writeStrings(*listing)
	}
	os.RemoveAll(keyFolder())
	os.Exit(code)
}

func newHarness(t *testing.T, accessLife time.Duration, change ...func(*issuer.Config)) *harness {
	t.Helper()
	r := &harness{t: t, api: newFakeAPI(), logs: &keytest.Buffer{}}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.issuer = "http://" + lis.Addr().String()
	config := issuer.Config{Issuer: r.issuer, ClientID: "latchkey-local", KeyFile: filepath.Join(keyFolder(), "key.pem"), AccessTTL: accessLife}
	for _, one := range change {
		one(&config)
	}
	iss, err := issuer.New(config)
	r.iss = iss
	if err != nil {
		t.Fatal(err)
	}
	serve(t, iss, func(s *httptest.Server) { s.Listener.Close(); s.Listener = lis }, false)
	management_ := serve(t, r.api, nil, false)
	r.stores = keytest.Open(t)
	whose, wrong := brand.Read(func(name string) string { return brandOfTests[name] })
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	r.app, err = newApp(&app{
		keeper: session.Keeper{Store: sessions.New(r.stores.DB, r.stores.Tables.Sessions), Now: time.Now, Random: rand.Reader},
		issuer: signin.New(signin.Config{Issuer: r.issuer, ClientID: "latchkey-local", Algorithm: "RS256", Now: time.Now}),
		api:    management.New(management_.URL, nil), products: "https://products.example",
		log: slog.New(slog.NewJSONHandler(r.logs, nil)), now: time.Now, brand: whose,
	})
	if err != nil {
		t.Fatal(err)
	}
	watch(r.app)
	console := serve(t, watched{r.app}, nil, true)
	r.url, r.browser = console.URL, console.Client()
	r.browser.Jar, _ = cookiejar.New(nil)
	return r
}

func serve(t *testing.T, h http.Handler, change func(*httptest.Server), secure bool) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	if change != nil {
		change(s)
	}
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// answered is an answer, read.
type answered struct {
	*http.Response
	text string
	doc  *html.Node
}

func (r *harness) read(res *http.Response, err error) answered {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(string(raw)))
	if err != nil {
		r.t.Fatal(err)
	}
	return answered{res, string(raw), doc}
}

func (r *harness) get(path string) answered { r.t.Helper(); return r.read(r.browser.Get(r.url + path)) }

func (r *harness) post(path string, form url.Values, headers ...string) answered {
	r.t.Helper()
	req, err := http.NewRequest(http.MethodPost, r.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return r.read(r.browser.Do(req))
}

var loginID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// signIn goes the whole way as a ready-made person would.
func (r *harness) signIn(person string) answered {
	r.t.Helper()
	page := r.get("/sign-in")
	m := loginID.FindStringSubmatch(page.text)
	if m == nil {
		r.t.Fatalf("no sign-in page: %d %s", page.StatusCode, page.text)
	}
	return r.read(r.browser.PostForm(r.issuer+"/login", url.Values{"id": {m[1]}, "person": {person}}))
}

// text is everything that a page shows.
func text(n *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(n)
	return b.String()
}

func elements(n *html.Node, visit func(*html.Node)) {
	if n.Type == html.ElementNode {
		visit(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		elements(c, visit)
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
