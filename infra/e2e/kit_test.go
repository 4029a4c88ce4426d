package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// newAccount opens an account of a test's own; the person becomes its owner.
func (s *stack) newAccount(t testing.TB, person string) (path string) {
	t.Helper()
	a := s.manage(t, person, "POST", "/v1/accounts", fmt.Sprintf(`{"name":%q}`, t.Name()[max(0, len(t.Name())-60):]))
	if a.status != http.StatusCreated {
		t.Fatalf("a new account: %d %s", a.status, a.body)
	}
	return "/v1/accounts/" + a.json(t)["id"].(string)
}

// join makes a person a member of the owner's account, as people become members: by accepting an invitation.
func (s *stack) join(t testing.TB, account, person, role string) {
	t.Helper()
	invited := s.must(t, http.StatusCreated, "owner", "POST", account+"/invitations", fmt.Sprintf(`{"role":%q,"email":"%s@example.com"}`, role, person))
	s.must(t, http.StatusOK, person, "POST", "/v1/invitations/accept", fmt.Sprintf(`{"token":%q}`, invited.json(t)["token"]))
}

// key is a key that a test made.
type key struct {
	id, secret, path, etag string
}

// newKey makes a key in an account of the owner's.
func (s *stack) newKey(t testing.TB, account, body string) key {
	t.Helper()
	a := s.manage(t, "owner", "POST", account+"/keys", body)
	if a.status != http.StatusCreated {
		t.Fatalf("create: %d %s", a.status, a.body)
	}
	v := a.json(t)
	k := key{id: v["id"].(string), secret: v["secret"].(string), etag: a.header.Get("ETag")}
	k.path = account + "/keys/" + k.id
	return k
}

// must calls the management API and ends the test if the answer has another status.
func (s *stack) must(t testing.TB, status int, person, method, path, body string, header ...string) answer {
	t.Helper()
	a := s.manage(t, person, method, path, body, header...)
	if a.status != status {
		t.Fatalf("%s %s as %s: got %d, want %d: %s", method, path, person, a.status, status, a.body)
	}
	return a
}

// refused checks a problem's status, code and form.
func refused(t testing.TB, what string, a answer, status int, code string) {
	t.Helper()
	if a.status != status || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: got %d %s %s, want %d", what, a.status, a.header.Get("Content-Type"), a.body, status)
		return
	}
	v := a.json(t)
	if v["code"] != code || v["status"] != float64(status) || v["title"] != http.StatusText(status) || v["error"] == "" || v["type"] != "about:blank" {
		t.Errorf("%s: got %s, want code %s", what, a.body, code)
	}
	if id := a.header.Get("X-Request-Id"); id == "" || v["request_id"] != id {
		t.Errorf("%s: request_id %v, header %q", what, v["request_id"], id)
	}
}

// pointers are the pointers of a problem's errors with their codes.
func pointers(t testing.TB, a answer) string {
	t.Helper()
	var v struct {
		Errors []struct{ Pointer, Code string }
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range v.Errors {
		list = append(list, e.Pointer+" "+e.Code)
	}
	return strings.Join(list, ", ")
}

// deep says whether the long forms run. It repeats keytest.Deep: what looks from outside imports nothing of the product.
func deep() bool { return os.Getenv("LATCHKEY_DEEP") == "1" }

// promise bounds the time until a change is obeyed everywhere.
const promise = 10 * time.Second

var slowest struct {
	sync.Mutex
	took time.Duration
	what string
}

// obeyed calls the gate from several sides at once until all of its environments answer as wanted, and fails when one
// answers otherwise later than promised after the change was acknowledged, which was just now.
func (s *stack) obeyed(t *testing.T, what, path string, header http.Header, status int, code string) {
	t.Helper()
	begin, last := time.Now(), time.Duration(0)
	// Which environment answers is the pool's choice: one may come late that has known the key for as long as it may.
	const sides, quiet, fresh = 4, 700 * time.Millisecond, 5500 * time.Millisecond
	for time.Since(begin) < max(last+quiet, fresh) && time.Since(begin) < promise+2*time.Second {
		var wg sync.WaitGroup
		var mu sync.Mutex
		for range sides {
			wg.Go(func() {
				sent := time.Since(begin)
				a := s.product(t, path, header)
				if a.status == status && (code == "" || strings.Contains(string(a.body), `"code":"`+code+`"`)) {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if sent > promise && last <= promise {
					t.Errorf("%s: %s after the acknowledgement the gate still answers %d %.80q", what, sent, a.status, a.body)
				}
				last = max(last, sent)
			})
		}
		wg.Wait()
		time.Sleep(50 * time.Millisecond)
	}
	slowest.Lock()
	defer slowest.Unlock()
	if last > slowest.took {
		slowest.took, slowest.what = last, what
	}
	t.Logf("%s: the old state was last obeyed %.1fs after the acknowledgement", what, last.Seconds())
}

// warm makes several of the gate's environments know a key.
func (s *stack) warm(t *testing.T, k key) {
	t.Helper()
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if a := s.product(t, tile+k.secret, nil); a.status != http.StatusOK {
				t.Errorf("a new key: %d %s", a.status, a.body)
			}
		})
	}
	wg.Wait()
}
