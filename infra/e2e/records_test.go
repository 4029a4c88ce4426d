package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The records tests hold that data which stands stays: what one release wrote, the next one reads, and the release before
// bears what this one writes. Both make the same records, one of each kind, by the APIs alone. A new kind of record is one
// more line in makeEnded or makeStanding, with what the gate answers to it.

// lastRelease is the commit of the last release, whose records are in testdata/release. Move both right after each release:
// write the records again from its code (see testdata/release/README.md), and put its commit here.
const lastRelease = "78db9db"

// records describes the records that were made, as far as tests use them.
type records struct {
	Commit     string `json:"commit"` // whose code wrote them; empty for the code that runs
	SelfServe  string `json:"self_serve_account"`
	Enterprise string `json:"enterprise_account"`
	Closed     string `json:"closed_account"`
	// Keys by a name that says what is special about them.
	Keys map[string]*recordedKey `json:"keys"`
	// Requests are QPS requests by their status.
	Requests map[string]string `json:"qps_requests"`
	// Invitation is the token of one that is open.
	Invitation string `json:"invitation"`
	Keyring    string `json:"keyring"` // the document that opens recoverable secrets
	Session    string `json:"session"` // the Cookie header of somebody who is signed in
	// Usage holds the counts of the month before the standing records were written.
	Usage recordedUsage `json:"usage"`
}

type recordedKey struct {
	Account string         `json:"account"` // its path
	ID      string         `json:"id"`
	Status  string         `json:"status"` // as the management API says it
	Calls   []recordedCall `json:"calls"`
}

func (k *recordedKey) path() string { return k.Account + "/keys/" + k.ID }

// recordedCall is a call of the products API and what the gate must answer to it.
type recordedCall struct {
	What   string `json:"what"`
	Secret string `json:"secret"`
	Path   string `json:"path,omitempty"` // in place of a map tile; the secret is appended
	Header bool   `json:"header,omitempty"`
	Origin string `json:"origin,omitempty"`
	Status int    `json:"status"`
	Code   string `json:"code,omitempty"`
	// Limit is the limit in force in calls a second, where the answer to a call above it tells.
	Limit int `json:"limit,omitempty"`
	// Last is the correct answer of the last release's gate where it differs: 503 to a record in a format that it can't know.
	Last int `json:"-"`
}

type recordedUsage struct {
	Key     string    `json:"key"` // its name
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Allowed int       `json:"allowed"`
	Refused int       `json:"refused"`
}

const byHeader = "X-Api-Key"

// send makes the call.
func (c recordedCall) send(t testing.TB, s *stack) answer {
	t.Helper()
	h := http.Header{}
	if c.Origin != "" {
		h.Set("Origin", c.Origin)
	}
	path := c.Path
	if path == "" {
		path = tile
	}
	if !c.Header {
		return s.product(t, path+url.QueryEscape(c.Secret), h)
	}
	h.Set(byHeader, c.Secret)
	return s.product(t, strings.TrimSuffix(path, "&key="), h)
}

// brief is an answer for a message: a tile's bytes say nothing.
func (a answer) brief() string {
	if a.status == http.StatusOK {
		return "200"
	}
	return fmt.Sprintf("%d %.160s", a.status, a.body)
}

// admitted makes the call again, if it has a limit, until it is within it: other environments may hold what is left of the
// second; and if a busy machine left the gate no time. Each answer is told.
func (c recordedCall) admitted(t testing.TB, s *stack, want int, told func(answer)) answer {
	t.Helper()
	busy := 0
	for begin := time.Now(); ; <-time.After(100 * time.Millisecond) {
		a := c.send(t, s)
		told(a)
		if a.status == http.StatusServiceUnavailable && want != a.status && busy < busyTries {
			busy++
			<-time.After(time.Second)
			continue
		}
		if c.Limit == 0 || a.status != http.StatusTooManyRequests || time.Since(begin) > 5*time.Second {
			return a
		}
	}
}

// check makes the call and holds the answer against what it must be.
func (c recordedCall) check(t testing.TB, s *stack) {
	t.Helper()
	a := c.admitted(t, s, c.Status, func(answer) {})
	if a.status != c.Status || c.Code != "" && !strings.Contains(string(a.body), `"code":"`+c.Code+`"`) {
		t.Errorf("%s: %s, want %d %s", c.What, a.brief(), c.Status, c.Code)
	}
	if c.Limit > 0 {
		over, _ := s.untilRefused(t, c.Path+c.Secret)
		if want := fmt.Sprintf(";q=%d;w=1", c.Limit); !strings.HasSuffix(over.header.Get("RateLimit-Policy"), want) {
			t.Errorf("%s: the gate keeps to %q, want …%s", c.What, over.header.Get("RateLimit-Policy"), want)
		}
	}
}

// calls are the recorded calls, by the key's name.
func (r *records) calls() (list []recordedCall) {
	for name, k := range r.Keys {
		for _, c := range k.Calls {
			c.What = strings.TrimSpace(name + " " + c.What)
			list = append(list, c)
		}
	}
	return list
}

// maker makes records on a stack. Its clock is the stack's, which may stand elsewhere than this process's.
type maker struct {
	*records
	t     *testing.T
	s     *stack
	shift time.Duration
}

func (m *maker) now() time.Time { return time.Now().Add(m.shift).UTC() }

func (m *maker) in(d time.Duration) string { return m.now().Add(d).Format(time.RFC3339Nano) }

// accounts opens those that the records belong to, with a member of each role.
func (m *maker) accounts() {
	if got := m.s.manage(m.t, "operator", "PUT", "/v1/operators/operator", `{}`).status; got/100 != 2 {
		m.t.Fatalf("the first operator: %d", got)
	}
	open := func(person, name string) string {
		return "/v1/accounts/" + m.s.must(m.t, 201, person, "POST", "/v1/accounts", fmt.Sprintf(`{"name":%q}`, name)).json(m.t)["id"].(string)
	}
	m.SelfServe, m.Closed = open("owner", "Standing"), open("owner", "Closed")
	for _, role := range []string{"developer", "viewer"} {
		m.s.join(m.t, m.SelfServe, role, role)
	}
	m.Enterprise = open("enterprise_owner", "Standing enterprise")
	// The release before answered 200, when all keys had followed.
	if a := m.s.manage(m.t, "operator", "PATCH", m.Enterprise, `{"type":"enterprise","key_limit":50}`); a.status != 202 && a.status != 200 {
		m.t.Fatalf("to enterprise: %d %s", a.status, a.body)
	}
	m.Keys, m.Requests = map[string]*recordedKey{}, map[string]string{}
}

// key makes a key of the self-serve account that answers 200; more are members of the document, for what is special.
func (m *maker) key(name, more string, header ...string) (*recordedKey, string) {
	return m.keyOf("owner", m.SelfServe, name, more, header...)
}

func (m *maker) keyOf(person, account, name, more string, header ...string) (*recordedKey, string) {
	doc := map[string]any{"name": name, "usage": "backend", "products": []string{"map-display", "search"}}
	if more != "" {
		if err := json.Unmarshal([]byte(more), &doc); err != nil {
			m.t.Fatal(err)
		}
	}
	body, err := json.Marshal(doc)
	if err != nil {
		m.t.Fatal(err)
	}
	v := m.s.must(m.t, 201, person, "POST", account+"/keys", string(body), header...).json(m.t)
	k := &recordedKey{Account: account, ID: v["id"].(string), Status: "active"}
	if m.Keys[name] != nil {
		m.t.Fatalf("two keys are named %q", name)
	}
	m.Keys[name] = k
	return k, v["secret"].(string)
}

func (k *recordedKey) answers(status int, code string, calls ...recordedCall) {
	for _, c := range calls {
		c.Status, c.Code = status, code
		k.Calls = append(k.Calls, c)
	}
}

func (k *recordedKey) opens(secret string) { k.answers(200, "", recordedCall{Secret: secret}) }

func (k *recordedKey) shut(status, secret string) {
	k.Status = status
	k.answers(401, "unauthorized", recordedCall{Secret: secret})
}

func (m *maker) do(person, method, path, body string, header ...string) map[string]any {
	a := m.s.manage(m.t, person, method, path, body, header...)
	if a.status/100 != 2 {
		m.t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	if len(a.body) == 0 {
		return nil
	}
	return a.json(m.t)
}

func (m *maker) rotate(k *recordedKey, body string) string {
	return m.do("owner", "POST", k.path()+"/rotate", body)["secret"].(string)
}
