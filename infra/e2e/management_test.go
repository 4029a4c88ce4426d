package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestCreateListAndGetNeverShowTheSecretAgain(t *testing.T) {
	keys := "/v1/accounts/" + shared.DemoAccount + "/keys"
	created := shared.manage(t, "developer", "POST", keys, `{"name":"once","usage":"backend","products":["map-display","search"]}`)
	if created.status != http.StatusCreated {
		t.Fatalf("%d %s", created.status, created.body)
	}
	v := created.json(t)
	for _, field := range []string{"id", "secret", "preview", "status", "name", "products", "domains", "created_at"} {
		if _, ok := v[field]; !ok {
			t.Errorf("the answer has no %s", field)
		}
	}
	if created.header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control %q", created.header.Get("Cache-Control"))
	}
	secret := v["secret"].(string)
	if a := shared.product(t, tile+secret, nil); a.status != http.StatusOK {
		t.Errorf("the secret doesn't open the gate at once: %d", a.status)
	}
	got := shared.manage(t, "viewer", "GET", keys+"/"+v["id"].(string), "")
	list := shared.manage(t, "viewer", "GET", keys+"?page_size=100", "")
	if got.status != 200 || list.status != 200 {
		t.Fatalf("get %d, list %d", got.status, list.status)
	}
	l := list.json(t)
	if _, ok := l["keys"].([]any); !ok {
		t.Errorf("list: %s", list.body)
	}
	if _, ok := l["next_page_token"]; !ok {
		t.Errorf("list has no next_page_token: %s", list.body)
	}
	if bytes.Contains(got.body, []byte(secret)) || bytes.Contains(list.body, []byte(secret)) {
		t.Error("the secret is shown a second time")
	}
	if strings.Contains(shared.out.String(), secret) {
		t.Error("the secret is in the log")
	}
}

func TestARefusedCallerLearnsNothingElse(t *testing.T) {
	keys := "/v1/accounts/" + shared.DemoAccount + "/keys"
	const body = `{"name":"n","usage":"backend","products":["map-display"]}`
	for _, c := range []struct {
		name, person string
		status       int
	}{
		{"token of another account", "enterprise_owner", 404},
		{"viewer creating", "viewer", 403},
		{"no token", "", 401},
		{"bad token", "Bearer abc", 401},
		{"token with a changed signature", "Bearer " + shared.Tokens["owner"][:len(shared.Tokens["owner"])-4] + "AAAA", 401},
	} {
		a := shared.manage(t, c.person, "POST", keys, body)
		if a.status != c.status || a.header.Get("Content-Type") != "application/problem+json" || a.json(t)["code"] == nil {
			t.Errorf("%s: got %d %s %s", c.name, a.status, a.header.Get("Content-Type"), a.body)
		}
	}
	foreign := shared.manage(t, "enterprise_owner", "GET", keys, "")
	unknown := shared.manage(t, "enterprise_owner", "GET", "/v1/accounts/acc_01HZY3M7Q8R9S0T1V2W3X4Y5Z6/keys", "")
	if f, u := withoutRequestID(t, foreign), withoutRequestID(t, unknown); f != u {
		t.Errorf("foreign %s\nunknown %s", f, u)
	}
}

func withoutRequestID(t testing.TB, a answer) string {
	v := a.json(t)
	delete(v, "request_id")
	return fmt.Sprint(a.status, v)
}

func TestAcknowledgedKeysSurviveKillingEverything(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	var mu sync.Mutex
	var secrets []string
	for round := range 5 {
		s, err := start(dir)
		if err != nil {
			t.Fatal(err)
		}
		if a := s.manage(t, "operator", "PATCH", "/v1/accounts/"+s.DemoAccount, `{"key_limit":100000}`, "If-Match", "*"); a.status != http.StatusOK {
			t.Fatalf("raising the key limit: %d %s", a.status, a.body)
		}
		stop := make(chan struct{})
		var wg sync.WaitGroup
		enough := make(chan struct{}, 100)
		for worker := range 3 {
			wg.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					body := fmt.Sprintf(`{"name":"r%d w%d %d","usage":"backend","products":["map-display"]}`, round, worker, i)
					secret, ok := s.tryCreate(body)
					if !ok {
						return
					}
					mu.Lock()
					secrets = append(secrets, secret)
					mu.Unlock()
					select {
					case enough <- struct{}{}:
					default:
					}
				}
			})
		}
		for range 5 {
			<-enough
		}
		s.kill()
		close(stop)
		wg.Wait()
	}
	s, err := start(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	for _, secret := range secrets {
		if a := s.product(t, tile+secret, nil); a.status != http.StatusOK {
			t.Errorf("an acknowledged key is refused after the restart: %d %s", a.status, a.body)
		}
	}
	t.Logf("%d keys acknowledged over five kills", len(secrets))
}

// tryCreate creates a key on a stack that may die under it; ok is false when no answer came.
func (s *stack) tryCreate(body string) (secret string, ok bool) {
	req, err := http.NewRequest("POST", s.ManagementURL+"/v1/accounts/"+s.DemoAccount+"/keys", strings.NewReader(body))
	if err != nil {
		return "", false
	}
	req.Header.Set("Authorization", "Bearer "+s.Tokens["owner"])
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", false
	}
	defer res.Body.Close()
	var v struct{ Secret string }
	if res.StatusCode != http.StatusCreated || decode(res.Body, &v) != nil {
		return "", false
	}
	return v.Secret, true
}
