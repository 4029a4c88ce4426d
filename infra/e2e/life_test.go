package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const lifeKey = `{"name":"life","usage":"backend","products":["map-display"]}`

// TestEveryChangeOfAKeyIsObeyedByTheGateInTime leads one key each through the changes of its life, with several of the
// gate's environments knowing it before.
func TestEveryChangeOfAKeyIsObeyedByTheGateInTime(t *testing.T) {
	s := shared
	for name, life := range map[string]func(*testing.T, key){
		"disable and enable": disableAndEnable, "block and unblock": blockAndUnblock, "revoke": revoke, "delete and restore": deleteAndRestore,
		"edit products": editProducts, "edit domains": editDomains, "expire": expire, "close the account": closeAccount,
		"suspend and resume the account": suspendAndResume, "accept paths": acceptPaths,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := s.newKey(t, s.newAccount(t, "owner"), lifeKey)
			s.warm(t, k)
			life(t, k)
		})
	}
}

func (s *stack) status(t testing.TB, k key) string {
	t.Helper()
	return s.must(t, 200, "owner", "GET", k.path, "").json(t)["status"].(string)
}

func disableAndEnable(t *testing.T, k key) {
	a := shared.must(t, 200, "owner", "POST", k.path+"/disable", `{}`)
	if v := a.json(t); v["status"] != "disabled" || v["disabled"] != true {
		t.Errorf("%s", a.body)
	}
	shared.obeyed(t, "disable", tile+k.secret, nil, 401, "unauthorized")
	if again := shared.must(t, 200, "owner", "POST", k.path+"/disable", ``); again.header.Get("ETag") != a.header.Get("ETag") {
		t.Errorf("disabled again: version %s after %s", again.header.Get("ETag"), a.header.Get("ETag"))
	}
	shared.must(t, 200, "owner", "POST", k.path+"/enable", `{}`)
	shared.obeyed(t, "enable", tile+k.secret, nil, 200, "")
}

func blockAndUnblock(t *testing.T, k key) {
	const block = "/block"
	op := "/v1/operator/keys/" + k.id
	refused(t, "a customer blocks", shared.manage(t, "owner", "POST", op+block, `{"reason":"x"}`), 403, "forbidden")
	refused(t, "without a reason", shared.manage(t, "operator", "POST", op+block, `{"reason":" "}`), 422, "invalid")
	shared.must(t, 200, "operator", "POST", op+block, `{"reason":"Leaked on a forum"}`)
	shared.obeyed(t, "block", tile+k.secret, nil, 401, "unauthorized")
	a := shared.must(t, 200, "owner", "GET", k.path, "")
	blocked, _ := a.json(t)["blocked"].(map[string]any)
	if a.json(t)["status"] != "blocked" || blocked["reason"] != "Leaked on a forum" || blocked["by"] != nil {
		t.Errorf("what the customer sees: %s", a.body)
	}
	// Whatever a customer does, the block stays.
	shared.must(t, 200, "owner", "POST", k.path+"/disable", `{}`)
	shared.must(t, 200, "owner", "POST", k.path+"/enable", `{}`)
	shared.must(t, 200, "owner", "PATCH", k.path, `{"name":"renamed"}`, "If-Match", "*")
	shared.must(t, 200, "owner", "DELETE", k.path, "")
	shared.must(t, 200, "owner", "POST", k.path+"/restore", `{}`)
	if status := shared.status(t, k); status != "blocked" {
		t.Errorf("after all that a customer can do: %s", status)
	}
	refused(t, "a customer unblocks", shared.manage(t, "owner", "POST", op+"/unblock", `{}`), 403, "forbidden")
	if a := shared.product(t, tile+k.secret, nil); a.status != 401 {
		t.Errorf("blocked: %d", a.status)
	}
	shared.must(t, 200, "operator", "POST", op+"/unblock", `{"reason":"Sorted out"}`)
	shared.obeyed(t, "unblock", tile+k.secret, nil, 200, "")
	refused(t, "unblocked twice", shared.manage(t, "operator", "POST", op+"/unblock", `{}`), 409, "key_not_blocked")
}

// suspendAndResume: all keys stop, one that is made meanwhile is no exception, and a customer can't lift it.
func suspendAndResume(t *testing.T, k key) {
	account, _, _ := strings.Cut(k.path, "/keys/")
	op := "/v1/operator" + strings.TrimPrefix(account, "/v1")
	refused(t, "a customer suspends", shared.manage(t, "owner", "POST", op+"/suspend", `{"reason":"x"}`), 403, "forbidden")
	shared.must(t, 200, "operator", "POST", op+"/suspend", `{"reason":"Two invoices are open"}`)
	shared.obeyed(t, "suspend", tile+k.secret, nil, 401, "unauthorized")
	if status := shared.status(t, k); status != "suspended" {
		t.Errorf("the key's status: %s", status)
	}
	id := strings.TrimPrefix(account, "/v1/accounts/")
	if waits := shared.waits(t, "last_suspended", "account_id", id); waits == nil {
		t.Error("no operator sees that it is suspended")
	}
	made := shared.newKey(t, account, lifeKey)
	if a := shared.product(t, tile+made.secret, nil); a.status != 401 {
		t.Errorf("a key that was made meanwhile: %d", a.status)
	}
	refused(t, "a customer resumes", shared.manage(t, "owner", "POST", op+"/resume", `{}`), 403, "forbidden")
	shared.must(t, 200, "operator", "POST", op+"/resume", `{}`)
	if waits := shared.waits(t, "last_suspended", "account_id", id); waits != nil {
		t.Errorf("resumed, and still waits: %v", waits)
	}
	shared.obeyed(t, "resume", tile+k.secret, nil, 200, "")
	shared.obeyed(t, "resume", tile+made.secret, nil, 200, "")
}

func revoke(t *testing.T, k key) {
	a := shared.manage(t, "owner", "POST", k.path+"/revoke", `{"confirm_name":"Life"}`)
	refused(t, "another name", a, 422, "invalid")
	if got := pointers(t, a); got != "/confirm_name name_mismatch" {
		t.Errorf("pointers %s", got)
	}
	shared.must(t, 200, "owner", "POST", k.path+"/revoke", `{"confirm_name":"life"}`)
	shared.obeyed(t, "revoke", tile+k.secret, nil, 401, "unauthorized")
	for what, call := range map[string][3]string{
		"enable":  {"POST", "/enable", `{}`},
		"disable": {"POST", "/disable", `{}`},
		"edit":    {"PATCH", "", `{"name":"x"}`},
		"rotate":  {"POST", "/rotate", `{}`},
	} {
		refused(t, what, shared.manage(t, "owner", call[0], k.path+call[1], call[2], "If-Match", "*"), 409, "key_revoked")
	}
	shared.must(t, 200, "owner", "DELETE", k.path, "")
	shared.must(t, 200, "owner", "POST", k.path+"/restore", `{}`)
	if status := shared.status(t, k); status != "revoked" {
		t.Errorf("restored: %s", status)
	}
	if a := shared.product(t, tile+k.secret, nil); a.status != 401 {
		t.Errorf("a revoked key after its restore: %d", a.status)
	}
}

func deleteAndRestore(t *testing.T, k key) {
	account, _, _ := strings.Cut(k.path, "/keys/")
	shared.must(t, 200, "owner", "DELETE", k.path, "")
	shared.obeyed(t, "delete", tile+k.secret, nil, 401, "unauthorized")
	shared.must(t, 200, "owner", "DELETE", k.path, "") // again: as good as the first
	if a := shared.must(t, 200, "owner", "GET", account+"/keys", ""); strings.Contains(string(a.body), k.id) {
		t.Errorf("a deleted key is in the list: %s", a.body)
	}
	if a := shared.must(t, 200, "owner", "GET", account+"/keys?status=deleted", ""); !strings.Contains(string(a.body), k.id) {
		t.Errorf("it isn't among the deleted ones: %s", a.body)
	}
	refused(t, "edited", shared.manage(t, "owner", "PATCH", k.path, `{"name":"x"}`, "If-Match", "*"), 409, "key_deleted")
	refused(t, "disabled", shared.manage(t, "owner", "POST", k.path+"/disable", `{}`), 409, "key_deleted")
	shared.must(t, 200, "owner", "POST", k.path+"/restore", `{}`)
	shared.obeyed(t, "restore", tile+k.secret, nil, 200, "")
	refused(t, "restored twice", shared.manage(t, "owner", "POST", k.path+"/restore", `{}`), 409, "key_not_deleted")
}

func editProducts(t *testing.T, k key) {
	shared.must(t, 200, "owner", "PATCH", k.path, `{"products":["search"]}`, "If-Match", k.etag)
	shared.obeyed(t, "edit of products", tile+k.secret, nil, 403, "product_not_allowed")
	if a := shared.product(t, "/search/2/search/berlin.json?key="+k.secret, nil); a.status != 200 {
		t.Errorf("the new product: %d %s", a.status, a.body)
	}
}

func editDomains(t *testing.T, k key) {
	shared.must(t, 200, "owner", "PATCH", k.path, `{"domains":["example.com"]}`, "If-Match", k.etag)
	shared.obeyed(t, "edit of domains", tile+k.secret, http.Header{"Referer": {"https://evil.test/"}}, 403, "domain_not_allowed")
	shared.must(t, 200, "owner", "PATCH", k.path, `{"missing_origin":"deny"}`, "If-Match", "*")
	shared.obeyed(t, "edit of missing_origin", tile+k.secret, nil, 403, "origin_missing")
}

// expire needs no word of the store: the record in memory holds the end.
func expire(t *testing.T, k key) {
	end := time.Now().Add(8 * time.Second).Truncate(time.Second).Add(time.Second)
	shared.must(t, 200, "owner", "PATCH", k.path, `{"expires_at":"`+end.UTC().Format(time.RFC3339)+`"}`, "If-Match", k.etag)
	time.Sleep(time.Until(end.Add(-time.Second)))
	if a := shared.product(t, tile+k.secret, nil); a.status != 200 {
		t.Errorf("a second before its end: %d", a.status)
	}
	time.Sleep(time.Until(end.Add(20 * time.Millisecond)))
	if a := shared.product(t, tile+k.secret, nil); a.status != 401 {
		t.Errorf("at its end: %d", a.status)
	}
	if status := shared.status(t, k); status != "expired" {
		t.Errorf("status %s", status)
	}
	shared.must(t, 200, "owner", "PATCH", k.path, `{"expires_at":null}`, "If-Match", "*")
	shared.obeyed(t, "removal of the expiry", tile+k.secret, nil, 200, "")
}

func closeAccount(t *testing.T, k key) {
	account, _, _ := strings.Cut(k.path, "/keys/")
	second := shared.newKey(t, account, lifeKey)
	shared.warm(t, second)
	refused(t, "an owner closes without its name", shared.manage(t, "owner", "POST", account+"/close", `{}`), 422, "invalid")
	if a := shared.must(t, 200, "operator", "POST", account+"/close", `{}`); a.json(t)["closed_at"] == nil {
		t.Errorf("%s", a.body)
	}
	shared.obeyed(t, "closing of an account", tile+k.secret, nil, 401, "unauthorized")
	shared.obeyed(t, "closing of an account, its second key", tile+second.secret, nil, 401, "unauthorized")
	refused(t, "a key in a closed account", shared.manage(t, "owner", "POST", account+"/keys", lifeKey), 409, "account_closed")
	rows := shared.auditRows(t, "owner", account+"/audit")
	if n := count(rows, "key.revoke"); n != 2 {
		t.Errorf("%d keys revoked in the audit trail, want 2: %v", n, rows)
	}
	shared.must(t, 200, "owner", "GET", account+"/usage", "")
	shared.must(t, 200, "operator", "POST", account+"/close", `{}`) // again: as good as the first
	if got := shared.auditRows(t, "owner", account+"/audit"); len(got) != len(rows) {
		t.Errorf("closing twice left %d rows more", len(got)-len(rows))
	}
}

// row is one of the audit trail.
type row struct {
	action, actor, role, key string
}

// auditRows reads a whole audit trail, page by page.
func (s *stack) auditRows(t testing.TB, person, path string) (rows []row) {
	t.Helper()
	token := ""
	for {
		v := s.must(t, 200, person, "GET", path+"?page_size=3"+token, "").json(t)
		for _, one := range v["rows"].([]any) {
			r := one.(map[string]any)
			actor := r["actor"].(map[string]any)
			key, _ := r["key_id"].(string)
			rows = append(rows, row{r["action"].(string), actor["subject"].(string), actor["role"].(string), key})
			if r["request_id"] == "" || r["at"] == "" {
				t.Errorf("row %v", r)
			}
		}
		next, ok := v["next_page_token"]
		if !ok {
			t.Fatal("no next_page_token")
		}
		if next == nil {
			return rows
		}
		token = "&page_token=" + next.(string)
	}
}

func count(rows []row, action string) (n int) {
	for _, r := range rows {
		if r.action == action {
			n++
		}
	}
	return n
}

func TestEachMutationLeavesOneRowAndNothingElseDoes(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	k := s.newKey(t, account, lifeKey)
	etag := s.must(t, 200, "owner", "PATCH", k.path, `{"name":"new"}`, "If-Match", k.etag).header.Get("ETag")
	s.must(t, 412, "owner", "PATCH", k.path, `{"name":"stale"}`, "If-Match", k.etag)
	s.must(t, 200, "owner", "PATCH", k.path, `{"name":"new"}`, "If-Match", etag) // changes nothing
	s.must(t, 200, "owner", "POST", k.path+"/disable", `{}`)
	s.must(t, 200, "owner", "POST", k.path+"/disable", `{}`) // changes nothing
	s.must(t, 200, "operator", "POST", "/v1/operator/keys/"+k.id+"/block", `{"reason":"r"}`)
	s.must(t, 200, "operator", "POST", "/v1/operator/keys/"+k.id+"/unblock", `{}`)
	s.must(t, 422, "owner", "POST", k.path+"/revoke", `{"confirm_name":"wrong"}`)
	s.must(t, 200, "owner", "POST", k.path+"/revoke", `{"confirm_name":"new"}`)
	want := []row{ // the newest first
		{"key.revoke", "owner", "owner", k.id},
		{"key.unblock", "Operator", "operator", k.id}, // customers aren't told who
		{"key.block", "Operator", "operator", k.id},
		{"key.disable", "owner", "owner", k.id},
		{"key.edit", "owner", "owner", k.id},
		{"key.create", "owner", "owner", k.id},
	}
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) { // the audit trail of a key is an index, which may lag
		got := s.auditRows(t, "owner", k.path+"/audit")
		if fmt.Sprint(got) == fmt.Sprint(want) {
			break
		}
		if time.Since(begin) > 5*time.Second {
			t.Fatalf("the key's audit trail\n%v\nwant\n%v", got, want)
		}
	}
	want = slices.Insert(want, 3, row{"operator.look", "Operator", "operator", ""}) // at the account, before it acts
	want = append(want, row{"account.create", "owner", "owner", ""})
	if got := s.auditRows(t, "owner", account+"/audit"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the account's audit trail\n%v\nwant\n%v", got, want)
	}
}

func TestEditsAreMergePatchesThatNameTheirVersion(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	k := s.newKey(t, account, `{"name":"e","usage":"frontend","products":["map-display"],"domains":["example.com"],"expires_at":"2099-01-01T00:00:00Z"}`)
	refused(t, "without If-Match", s.manage(t, "owner", "PATCH", k.path, `{"name":"x"}`), 428, "if_match_required")
	refused(t, "a stale If-Match", s.manage(t, "owner", "PATCH", k.path, `{"name":"x"}`, "If-Match", `"999"`), 412, "version_stale")
	refused(t, "a weak tag", s.manage(t, "owner", "PATCH", k.path, `{"name":"x"}`, "If-Match", "W/"+k.etag), 412, "version_stale")
	a := s.must(t, 200, "owner", "PATCH", k.path, `{"name":"x","expires_at":null}`, "If-Match", k.etag)
	v := a.json(t)
	if v["name"] != "x" || v["expires_at"] != nil || fmt.Sprint(v["domains"]) != "[example.com]" || v["usage"] != "frontend" || v["missing_origin"] != "deny" {
		t.Errorf("%s", a.body)
	}
	if a.header.Get("ETag") == k.etag || a.header.Get("ETag") != fmt.Sprintf(`"%v"`, v["version"]) {
		t.Errorf("ETag %s after %s, version %v", a.header.Get("ETag"), k.etag, v["version"])
	}
	refused(t, "the first tag again", s.manage(t, "owner", "PATCH", k.path, `{"name":"y"}`, "If-Match", k.etag), 412, "version_stale")
	refused(t, "a disable that builds on it", s.manage(t, "owner", "POST", k.path+"/disable", `{}`, "If-Match", k.etag), 412, "version_stale")
	// Of edits at once that build on one version, one wins.
	etag, won := a.header.Get("ETag"), 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			a := s.manage(t, "owner", "PATCH", k.path, fmt.Sprintf(`{"name":"racer %d"}`, i), "If-Match", etag)
			mu.Lock()
			defer mu.Unlock()
			if a.status == 200 {
				won++
			} else {
				refused(t, "a loser", a, 412, "version_stale")
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d of 8 edits won", won)
	}
}

func TestACreateIsReplayedWithoutItsSecret(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	const name = "Idempotency-Key"
	first := s.must(t, 201, "owner", "POST", account+"/keys", lifeKey, name, "once")
	again := s.must(t, 201, "owner", "POST", account+"/keys", lifeKey, name, "once")
	v, w := first.json(t), again.json(t)
	if again.header.Get("Idempotent-Replayed") != "true" || w["secret"] != nil || w["secret_unavailable"] != true || w["id"] != v["id"] {
		t.Errorf("replay: %v %s", again.header, again.body)
	}
	if first.header.Get("Idempotent-Replayed") != "" || v["secret"] == nil || first.header.Get("Cache-Control") != "no-store" {
		t.Errorf("first: %v", first.header)
	}
	// The same request, spelled otherwise.
	s.must(t, 201, "owner", "POST", account+"/keys", `{"products":["map-display"], "usage":"backend","name":"life"}`, name, "once")
	refused(t, "another body", s.manage(t, "owner", "POST", account+"/keys", strings.Replace(lifeKey, "life", "other", 1), name, "once"), 422, "idempotency_key_reused")
	for what, bad := range map[string]string{"empty": "", "too long": strings.Repeat("x", 256), "with a blank": "a b", "not ASCII": "é"} {
		refused(t, what, s.manage(t, "owner", "POST", account+"/keys", lifeKey, name, bad), 400, "parameter_invalid")
	}
	other := s.newAccount(t, "owner")
	if a := s.must(t, 201, "owner", "POST", other+"/keys", lifeKey, name, "once"); a.json(t)["id"] == v["id"] || a.json(t)["secret"] == nil {
		t.Errorf("another account's same value: %s", a.header)
	}
	if l := s.must(t, 200, "owner", "GET", account+"/keys", "").json(t)["keys"].([]any); len(l) != 1 {
		t.Errorf("%d keys, want 1", len(l))
	}
}

func TestDuplicatesAtOnceMakeOneKeyAndShowItsSecretOnce(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	ids, secrets := map[any]bool{}, 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			a := s.manage(t, "owner", "POST", account+"/keys", lifeKey, "Idempotency-Key", "duplicate")
			if a.status != 201 {
				t.Errorf("%d %s", a.status, a.body)
				return
			}
			v := a.json(t)
			mu.Lock()
			defer mu.Unlock()
			ids[v["id"]] = true
			if v["secret"] != nil {
				secrets++
			}
		})
	}
	wg.Wait()
	if l := s.must(t, 200, "owner", "GET", account+"/keys", "").json(t)["keys"].([]any); len(l) != 1 || len(ids) != 1 || secrets != 1 {
		t.Errorf("%d keys, %d IDs, %d secrets", len(l), len(ids), secrets)
	}
}

func TestTheLimitOfKeysIsExactUnderARace(t *testing.T) {
	t.Parallel()
	s, account := shared, shared.newAccount(t, "owner")
	made, over := s.race(t, account, 112)
	if len(made) != 100 || over != 12 {
		t.Fatalf("%d made, %d refused; the limit is 100", len(made), over)
	}
	for _, k := range made[:3] { // deleted keys don't count
		s.must(t, 200, "owner", "DELETE", account+"/keys/"+k, "")
	}
	if again, over := s.race(t, account, 6); len(again) != 3 || over != 3 {
		t.Errorf("after three deletions %d made, %d refused", len(again), over)
	}
	refused(t, "a restore over the limit", s.manage(t, "owner", "POST", account+"/keys/"+made[0]+"/restore", `{}`), 409, "key_limit_reached")
	s.must(t, 403, "owner", "PATCH", account, `{"key_limit":102}`)
	s.must(t, 200, "operator", "PATCH", account, `{"key_limit":102}`)
	if again, over := s.race(t, account, 4); len(again) != 2 || over != 2 {
		t.Errorf("after raising the limit by two %d made, %d refused", len(again), over)
	}
}

// race creates keys from several sides at once.
func (s *stack) race(t *testing.T, account string, n int) (made []string, over int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	work := make(chan int, n)
	for i := range n {
		work <- i
	}
	close(work)
	for range 6 {
		wg.Go(func() {
			for range work {
				a := s.manage(t, "owner", "POST", account+"/keys", lifeKey)
				mu.Lock()
				if a.status == 201 {
					made = append(made, a.json(t)["id"].(string))
				} else {
					over++
					refused(t, "over the limit", a, 409, "key_limit_reached")
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return made, over
}

func TestARecoverableSecretIsRevealedToOwnersAndLeavesARow(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	s.join(t, account, "developer", "developer")
	k := s.newKey(t, account, `{"name":"r","usage":"backend","products":["map-display"],"recoverable":true}`)
	refused(t, "a developer", s.manage(t, "developer", "POST", k.path+"/reveal", `{}`), 403, "forbidden")
	refused(t, "an operator", s.manage(t, "operator", "POST", k.path+"/reveal", `{}`), 403, "forbidden")
	a := s.must(t, 200, "owner", "POST", k.path+"/reveal", `{}`)
	if a.json(t)["secret"] != k.secret || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("reveal: %v", a.header)
	}
	if rows := s.auditRows(t, "owner", account+"/audit"); count(rows, "key.reveal") != 1 {
		t.Errorf("audit trail %v", rows)
	}
	plain := s.newKey(t, account, lifeKey)
	refused(t, "a key that isn't recoverable", s.manage(t, "owner", "POST", plain.path+"/reveal", `{}`), 409, "key_not_recoverable")
}

func TestAProposalIsCountedNotEnforcedUntilItIsPromoted(t *testing.T) {
	t.Parallel()
	s := shared
	k := s.newKey(t, s.newAccount(t, "owner"), lifeKey)
	a := s.must(t, 200, "owner", "PUT", k.path+"/proposal", `{"domains":["example.com"]}`)
	proposed, _ := a.json(t)["proposed"].(map[string]any)
	if fmt.Sprint(proposed["domains"]) != "[example.com]" || proposed["products"] != nil {
		t.Fatalf("%s", a.body)
	}
	good, bad := http.Header{"Origin": {"https://example.com"}}, http.Header{"Origin": {"https://evil.test"}}
	if v := s.must(t, 200, "owner", "POST", k.path+"/test", testBody("https://evil.test", "")).json(t); v["allowed"] != true || v["proposed_code"] != "domain_not_allowed" {
		t.Errorf("the test of the key: %v", v)
	}
	const goods, bads = 5, 3
	for i := range goods + bads {
		h := good
		if i < bads {
			h = bad
		}
		if a := s.product(t, tile+k.secret, h); a.status != 200 {
			t.Errorf("a proposal is enforced: %d %s", a.status, a.body)
		}
	}
	// What an idle environment has counted it reports at the latest when it is shut down.
	var got string
	for begin := time.Now(); time.Since(begin) < 25*time.Second; time.Sleep(500 * time.Millisecond) {
		p, _ := s.must(t, 200, "owner", "GET", k.path+"/usage", "").json(t)["proposed"].(map[string]any)
		if got = fmt.Sprint(p["would_refuse"], " of ", p["evaluated"]); got == fmt.Sprint(bads, " of ", goods+bads) {
			break
		}
	}
	if got != fmt.Sprint(bads, " of ", goods+bads) {
		t.Errorf("would have refused %s, want %d of %d", got, bads, goods+bads)
	}
	a = s.must(t, 200, "owner", "POST", k.path+"/proposal/promote", `{}`, "If-Match", "*")
	if v := a.json(t); v["proposed"] != nil || fmt.Sprint(v["domains"]) != "[example.com]" {
		t.Errorf("promoted: %s", a.body)
	}
	s.obeyed(t, "promotion of a proposal", tile+k.secret, bad, 403, "domain_not_allowed")
	refused(t, "promoted twice", s.manage(t, "owner", "POST", k.path+"/proposal/promote", `{}`, "If-Match", "*"), 409, "no_proposal")
	s.must(t, 200, "owner", "PUT", k.path+"/proposal", `{"products":["search"]}`)
	if v := s.must(t, 200, "owner", "DELETE", k.path+"/proposal", "").json(t); v["proposed"] != nil {
		t.Errorf("dropped: %v", v)
	}
}
