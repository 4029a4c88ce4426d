package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"latchkey/infra/chaos"
)

// behindProxy starts a stack whose DynamoDB is reached through a proxy that can misbehave.
func behindProxy(t *testing.T) (*stack, *chaos.Proxy) {
	t.Helper()
	binary, _ := filepath.Glob(filepath.Join(root, "infra/local/node_modules/@dynoxide/*/dynoxide"))
	if len(binary) != 1 {
		t.Fatal("no DynamoDB server: run `npm ci --prefix infra/local`")
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(lis.Addr().String())
	_ = lis.Close()
	store := exec.Command(binary[0], "--host", "127.0.0.1", "--port", port, "--db-path", filepath.Join(t.TempDir(), "store.db"))
	store.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := store.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Process.Kill(); _ = store.Wait() })
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			_ = c.Close()
			break
		}
		if time.Since(begin) > 10*time.Second {
			t.Fatal("the DynamoDB server doesn't answer")
		}
	}
	p, err := chaos.New("127.0.0.1:" + port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	s, err := start(filepath.Join(t.TempDir(), "data"), "DYNAMODB_ENDPOINT=http://"+p.Addr(), "LATCHKEY_IDLE_SECONDS=300", "AWS_ACCESS_KEY_ID=")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Set(chaos.Pass); s.stop() })
	return s, p
}

var unavailableBody = `{"type":"about:blank","title":"Service Unavailable","status":503,"code":"unavailable","error":"The API key could not be checked. Try again.","detail":"` + details["unavailable"] + `"}`

func TestFaultsOfTheStore(t *testing.T) {
	t.Parallel()
	s, p := behindProxy(t)
	k := beforeTheThaw(t, s)
	t.Run("a lost answer is neither lost nor done twice", func(t *testing.T) { lostAnswers(t, s, p) })
	t.Run("on dead connections a known and a revoked key are answered rightly within a second", func(t *testing.T) { afterTheThaw(t, s, p, k) })
	t.Run("while it is down known keys go on and others get 503", func(t *testing.T) { storeDown(t, s, p) })
}

// thawed are keys that an environment knows since then.
type thawed struct {
	known, revoked, disabled key
	since                    time.Time
}

func beforeTheThaw(t *testing.T, s *stack) (k thawed) {
	account := s.newAccount(t, "owner")
	for _, one := range []*key{&k.known, &k.revoked, &k.disabled} {
		*one = s.newKey(t, account, lifeKey)
		s.quietGate(t)
		if a := s.product(t, tile+one.secret, nil); a.status != 200 {
			t.Fatalf("a new key: %d %s", a.status, a.body)
		}
	}
	k.since = time.Now()
	return k
}

// afterTheThaw calls an environment that was frozen for a while: its records are too old to serve, and its
// connections look open but lead nowhere. New ones work, so neither an old answer nor 503 is excused.
func afterTheThaw(t *testing.T, s *stack, p *chaos.Proxy, k thawed) {
	time.Sleep(time.Until(k.since.Add(promise + 500*time.Millisecond)))
	s.must(t, 200, "owner", "POST", k.revoked.path+"/revoke", `{"confirm_name":"life"}`)
	s.must(t, 200, "owner", "POST", k.disabled.path+"/disable", `{}`)
	defer p.Set(chaos.Pass)
	for _, c := range []struct {
		what   string
		key    key
		status int
	}{{"a revoked key", k.revoked, 401}, {"a known key", k.known, 200}, {"a disabled key", k.disabled, 401}} {
		s.quietGate(t)
		p.Set(chaos.Strand) // again for each: the call before has left connections that work
		begin := time.Now()
		a := s.product(t, tile+c.key.secret, nil)
		took := time.Since(begin)
		if a.status != c.status {
			t.Errorf("%s on dead connections: %d %.100s", c.what, a.status, a.body)
		} else if a.status == 401 {
			exactly(t, c.what, a, 401, unauthorizedBody, gatewayHeaders("UnauthorizedException", nil))
		}
		t.Logf("%s on dead connections: %d after %s", c.what, a.status, took.Round(time.Millisecond))
		if took > time.Second {
			t.Errorf("%s: answered after %s, want a second at most", c.what, took)
		}
	}
	if n := s.quietGate(t); n != 1 { // a new one would have had neither old connections nor old records
		t.Errorf("%d environments of the gate have answered, want the one that knows the keys", n)
	}
}

// quietGate waits until the gate's environments are frozen, and says how many they are. A call that comes while one still
// reports what it has counted starts another, which knows no key.
func (s *stack) quietGate(t *testing.T) (gates int) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		var all []struct{ Function, State string }
		if a := raw(t, "GET", s.ControlURL, "/environments", nil, ""); a.status != 200 || json.Unmarshal(a.body, &all) != nil {
			t.Fatalf("environments: %d %s", a.status, a.body)
		}
		busy := false
		gates = 0
		for _, e := range all {
			if e.Function == "Authorizer" {
				gates, busy = gates+1, busy || e.State != "frozen"
			}
		}
		if !busy {
			return gates
		}
		if time.Since(begin) > 5*time.Second {
			t.Fatal("the gate is busy without a call")
		}
	}
}

func storeDown(t *testing.T, s *stack, p *chaos.Proxy) {
	account := s.newAccount(t, "owner")
	known := s.newKey(t, account, `{"name":"known","usage":"frontend","products":["map-display"],"domains":["example.com"]}`)
	fresh := s.newKey(t, account, lifeKey)
	ours := http.Header{"Referer": {"https://example.com/"}}
	// One after the other: each environment has a memory of its own, and this keeps it to one.
	if a := s.product(t, tile+known.secret, ours); a.status != 200 {
		t.Fatalf("before: %d %s", a.status, a.body)
	}
	modes := map[string]chaos.Mode{"every connection is reset": chaos.Refuse, "nothing answers": chaos.Hang}
	length := 7 * time.Second
	if deep() {
		length = 2 * time.Minute
	}
	for name, mode := range modes {
		s.quietGate(t)
		p.Set(mode)
		down, worst, calls := time.Now(), time.Duration(0), 0
		call := func(path string, h http.Header) answer {
			begin := time.Now()
			a := s.product(t, path, h)
			worst = max(worst, time.Since(begin))
			calls++
			return a
		}
		for time.Since(down) < length { // beyond the 5 s in which a record needs no store
			if a := call(tile+known.secret, ours); a.status != 200 {
				t.Fatalf("%s: the known key after %s: %d %s", name, time.Since(down), a.status, a.body)
			}
			if a := call(tile+known.secret, http.Header{"Referer": {"https://evil.test/"}}); a.status != 403 || string(a.body) != forbiddenBody("domain_not_allowed") {
				t.Fatalf("%s: the known key from elsewhere: %d %s", name, a.status, a.body)
			}
			time.Sleep(50 * time.Millisecond)
		}
		for what, secret := range map[string]string{"a key that wasn't used yet": fresh.secret, "a key that there isn't": unknownSecret} {
			a := call(tile+secret, nil)
			exactly(t, name+": "+what, a, 503, unavailableBody, gatewayHeaders("AuthorizerConfigurationException", map[string]string{"Retry-After": "1"}))
		}
		exactly(t, name+": a malformed key", call(tile+oneCharacterOff(known.secret), nil), 401, unauthorizedBody, gatewayHeaders("UnauthorizedException", nil))
		exactly(t, name+": no key", call(strings.TrimSuffix(tile, "&key="), nil), 401, unauthorizedBody, gatewayHeaders("UnauthorizedException", nil))
		begin := time.Now()
		a := s.manage(t, "owner", "GET", known.path, "")
		took := time.Since(begin)
		refused(t, name+": the management API", a, 503, "unavailable")
		if a.header.Get("Retry-After") == "" {
			t.Errorf("%s: the management API without Retry-After", name)
		}
		p.Set(chaos.Pass)
		back := time.Now()
		for s.product(t, tile+fresh.secret, nil).status != 200 {
			if time.Since(back) > promise {
				t.Fatalf("%s: a key that wasn't used yet is refused %s after the store is back", name, time.Since(back))
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Logf("%s for %s: %d calls, the slowest took %s; the management API took %s; all was well again %s after the end",
			name, length, calls, worst.Round(time.Millisecond), took.Round(time.Millisecond), time.Since(back).Round(time.Millisecond))
		// One call may spend a second on the record and 0.3 s each on the lease and on the report of what was counted.
		if worst > 2200*time.Millisecond {
			t.Errorf("%s: a call took %s, want at most 1.6 s and what a busy machine adds", name, worst)
		}
		if a := s.product(t, tile+unknownSecret, nil); a.status != 401 {
			t.Errorf("%s: a key that there isn't, after the outage: %d", name, a.status)
		}
		fresh = s.newKey(t, account, lifeKey)
	}
}

func lostAnswers(t *testing.T, s *stack, p *chaos.Proxy) {
	account := s.newAccount(t, "owner")
	p.Only("TransactWriteItems")
	// repeat sends a request again, as a client does that got no answer, until it gets a final one.
	repeat := func(method, path, body, id string) answer {
		t.Helper()
		for try := range 6 {
			if try == 1 {
				p.Set(chaos.Pass)
			}
			begin := time.Now()
			a := s.manage(t, "owner", method, path, body, "Idempotency-Key", id)
			t.Logf("%s: %d after %s", id, a.status, time.Since(begin).Round(time.Millisecond))
			if a.status != http.StatusServiceUnavailable {
				return a
			}
		}
		t.Fatalf("%s %s is never answered", method, path)
		return answer{}
	}
	rounds := 1
	if deep() {
		rounds = 20
	}
	for i := range rounds {
		p.Set(chaos.LoseAnswers)
		a := repeat("POST", account+"/keys", fmt.Sprintf(`{"name":"lost %d","usage":"backend","products":["map-display"]}`, i), fmt.Sprint("create-", i))
		v := a.json(t)
		if a.status != 201 || (v["secret"] == nil) != (v["secret_unavailable"] == true) {
			t.Fatalf("create: %d %v", a.status, v["secret_unavailable"])
		}
		secret, _ := v["secret"].(string)
		if secret != "" && s.product(t, tile+secret, nil).status != 200 {
			t.Error("the secret that was shown doesn't open the gate")
		}
		path := account + "/keys/" + v["id"].(string)
		p.Set(chaos.LoseAnswers)
		if a := repeat("POST", path+"/disable", `{}`, "d"); a.status != 200 || a.json(t)["status"] != "disabled" {
			t.Errorf("disable: %d %s", a.status, a.body)
		}
		p.Set(chaos.LoseAnswers)
		if a := repeat("POST", path+"/revoke", fmt.Sprintf(`{"confirm_name":"lost %d"}`, i), "r"); a.status != 200 || a.json(t)["status"] != "revoked" {
			t.Errorf("revoke: %d %s", a.status, a.body)
		}
		p.Set(chaos.Pass)
	}
	if p.Lost() == 0 {
		t.Error("no answer was lost")
	}
	if l := s.must(t, 200, "owner", "GET", account+"/keys", "").json(t)["keys"].([]any); len(l) != rounds {
		t.Errorf("%d keys of %d", len(l), rounds)
	}
	rows := s.auditRows(t, "owner", account+"/audit")
	for _, action := range []string{"key.create", "key.disable", "key.revoke"} {
		if n := count(rows, action); n != rounds {
			t.Errorf("%d rows of %s, want %d", n, action, rounds)
		}
	}
	t.Logf("%d answers of the store were lost", p.Lost())
}
