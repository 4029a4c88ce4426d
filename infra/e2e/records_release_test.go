package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// standingKinds are the kinds of items that the files must hold at least, by what kindOf calls them.
var standingKinds = []string{
	"control account", "control member", "control membership", "control operator", "control key", "control locator",
	"control invitation", "control audit", "control idempotency", "control qps_request",
	"control guard of keys", "control guard of owners", "control guard of operators", "control guard QPSOPEN",
	"gate", "leases", "slices", "sessions",
	"counters K H", "counters K D", "counters K LAST", "counters A H", "counters A D", "counters A FRESH", "counters P", "counters ASIDE",
}

// TestRecordsOfTheLastReleaseWorkInThisOne starts the stack on what the last release wrote, and uses it.
func TestRecordsOfTheLastReleaseWorkInThisOne(t *testing.T) {
	t.Parallel()
	s, r := standing(t)
	t.Run("the gate", func(t *testing.T) {
		for _, c := range r.calls() {
			c.check(t, s)
		}
	})
	t.Run("lists", func(t *testing.T) { listsRead(t, s, r) })
	t.Run("last month's usage", func(t *testing.T) { usageStands(t, s, r) })
	t.Run("a session", func(t *testing.T) { sessionIsClean(t, s, r) })
	t.Run("an edit", func(t *testing.T) { everyKeyIsEdited(t, s, r) })
	t.Run("a rotation", func(t *testing.T) { rotationsGoOn(t, s, r) })
	t.Run("people", func(t *testing.T) { peopleGoOn(t, s, r) })
	t.Run("requests", func(t *testing.T) { requestsGoOn(t, s, r) })
	t.Run("names", func(t *testing.T) { namesAreIndexed(t, s, r) })
	t.Run("the comparison", func(t *testing.T) {
		if found, _ := s.job(t, `{"job":"drift"}`)["found"].(map[string]any); len(found) > 0 {
			t.Errorf("the gate doesn't say what the keys say: %v", found)
		}
	})
}

// standing is a stack on the records of testdata/release.
func standing(t *testing.T) (*stack, *records) {
	t.Helper()
	from := filepath.Join(root, "infra/e2e/testdata/release")
	text, err := os.ReadFile(filepath.Join(from, "records.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r records
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if r.Commit != lastRelease {
		t.Errorf("the records are of %s, the last release is %s", r.Commit, lastRelease)
	}
	dir := filepath.Join(t.TempDir(), "data")
	engine := startEngine(t)
	// The first run makes the tables. The next one starts on a data directory of its own, so that it knows nothing of a
	// stream, with the first one's issuer: its address is in the records.
	first, err := start(dir, "LATCHKEY_SEED=off", "DYNAMODB_ENDPOINT="+engine)
	if err != nil {
		t.Fatal(err)
	}
	first.stop()
	kinds, err := loadTables(t.Context(), engine, first.IssuerURL, from)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range standingKinds {
		if kinds[kind] == 0 {
			t.Errorf("no %s among the records: %v", kind, kinds)
		}
		delete(kinds, kind)
	}
	if len(kinds) > 0 {
		t.Errorf("kinds of records that standingKinds doesn't name: %v", kinds)
	}
	s, err := start(dir, "LATCHKEY_SEED=off", "DYNAMODB_ENDPOINT="+engine)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	if s.IssuerURL != first.IssuerURL {
		t.Fatalf("the issuer has moved from %s to %s", first.IssuerURL, s.IssuerURL)
	}
	if _, err := s.secretsAs("local").PutSecretValue(t.Context(), &sm.PutSecretValueInput{
		SecretId: aws.String("KeyringSecret"), SecretString: &r.Keyring,
	}); err != nil {
		t.Fatal(err)
	}
	return s, &r
}

func listsRead(t *testing.T, s *stack, r *records) {
	listed := map[string]map[string]string{} // status by key ID, by account
	for account, person := range map[string]string{r.SelfServe: "owner", r.Enterprise: "enterprise_owner", r.Closed: "owner"} {
		listed[account] = map[string]string{}
		for _, query := range []string{"", "?status=deleted"} {
			for _, k := range s.must(t, 200, person, "GET", account+"/keys"+query, "").json(t)["keys"].([]any) {
				k := k.(map[string]any)
				listed[account][k["id"].(string)] = k["status"].(string)
			}
		}
		if rows := s.must(t, 200, person, "GET", account+"/audit?page_size=100", "").json(t)["rows"].([]any); len(rows) < 2 {
			t.Errorf("%s has an audit trail of %d rows", account, len(rows))
		}
	}
	for name, k := range r.Keys {
		if got := listed[k.Account][k.ID]; got != k.Status {
			t.Errorf("%s is listed as %q, want %s", name, got, k.Status)
		}
		if got := s.must(t, 200, "operator", "GET", k.path()+"/audit", "").json(t)["rows"].([]any); len(got) == 0 {
			t.Errorf("%s has no audit trail", name)
		}
	}
	members := string(s.must(t, 200, "owner", "GET", r.SelfServe+"/members", "").body)
	for _, who := range []string{"owner", "developer", "viewer", "enterprise_owner"} {
		if !strings.Contains(members, `"`+who+`"`) {
			t.Errorf("%s is no member any more: %s", who, members)
		}
	}
	s.must(t, 200, "viewer", "GET", r.SelfServe, "")
	if a := s.must(t, 200, "operator", "GET", "/v1/operators", ""); !strings.Contains(string(a.body), `"second"`) {
		t.Errorf("operators: %s", a.body)
	}
	if a := s.must(t, 200, "operator", "GET", "/v1/operator/accounts?q=Standing", ""); !strings.Contains(string(a.body), strings.TrimPrefix(r.Enterprise, "/v1/accounts/")) {
		t.Errorf("accounts by name: %s", a.body)
	}
	for status, id := range r.Requests {
		if v := s.must(t, 200, "enterprise_owner", "GET", r.Enterprise+"/qps-requests/"+id, "").json(t); v["status"] != status {
			t.Errorf("a request is %v, want %s", v["status"], status)
		}
	}
	s.inQueue(t, r.Requests["pending"])
	if a := s.must(t, 200, "enterprise_owner", "GET", r.Enterprise+"/qps-requests?status=approved", ""); len(a.json(t)["requests"].([]any)) != 3 {
		t.Errorf("approved requests: %s", a.body)
	}
}

func usageStands(t *testing.T, s *stack, r *records) {
	k := r.Keys[r.Usage.Key]
	span := url.Values{"from": {r.Usage.From.Format(time.RFC3339)}, "to": {r.Usage.To.Format(time.RFC3339)}}
	for _, of := range []string{k.path(), k.Account} {
		for _, interval := range []string{"hour", "day"} {
			span.Set("interval", interval)
			u := s.must(t, 200, "owner", "GET", of+"/usage?"+span.Encode(), "").json(t)["totals"].(map[string]any)
			if got := fmt.Sprint(u["allowed"], u["refused"]); got != fmt.Sprint(r.Usage.Allowed, r.Usage.Refused) {
				t.Errorf("%s by the %s: %v, want %d allowed and %d refused", of, interval, u, r.Usage.Allowed, r.Usage.Refused)
			}
		}
	}
	if v := s.must(t, 200, "owner", "GET", k.path(), "").json(t); v["last_used_at"] == nil {
		t.Errorf("it isn't known any more when the key was last used: %v", v)
	}
}

// sessionIsClean wants a page, or the way to sign in, and never an error: the local issuer's keys are of another run.
func sessionIsClean(t *testing.T, s *stack, r *records) {
	a := browse(t, "GET", s.ConsoleURL+"/", "", r.Session)
	if a.status == http.StatusOK {
		return
	}
	if to := a.header.Get("Location"); a.status != http.StatusSeeOther || !strings.Contains(to, "/sign-in") {
		t.Errorf("an old session: %d to %q: %.300s", a.status, to, a.body)
	}
	m := &maker{records: r, t: t, s: s}
	if cookie := m.signIn("owner"); browse(t, "GET", s.ConsoleURL+"/", "", cookie).status != http.StatusOK {
		t.Error("who signs in again gets no page")
	}
}

// mayChange are members of a key that an edit of its name changes, or the time.
var mayChange = map[string]bool{"name": true, "version": true, "updated_at": true, "last_used_age_seconds": true}

func everyKeyIsEdited(t *testing.T, s *stack, r *records) {
	for name, k := range r.Keys {
		person := "owner"
		if k.Account == r.Enterprise {
			person = "enterprise_owner"
		}
		before := s.must(t, 200, person, "GET", k.path(), "")
		a := s.manage(t, person, "PATCH", k.path(), `{"name":"`+name+` edited"}`, "If-Match", before.header.Get("ETag"))
		switch want := map[string]string{"revoked": "key_revoked", "deleted": "key_deleted"}[k.Status]; {
		case want != "":
			refused(t, "an edit of "+name, a, 409, want)
		case a.status != http.StatusOK:
			t.Errorf("an edit of %s: %d %s", name, a.status, a.body)
		default:
			was, is := before.json(t), a.json(t)
			for field := range was {
				if !mayChange[field] && fmt.Sprint(was[field]) != fmt.Sprint(is[field]) {
					t.Errorf("an edit of %s's name changed %s from %v to %v", name, field, was[field], is[field])
				}
			}
		}
	}
	for _, c := range r.calls() { // and the gate keeps to what it said
		c.Limit = 0
		if a := c.send(t, s); a.status != c.Status && a.status != http.StatusTooManyRequests {
			t.Errorf("after the edit, %s: %s", c.What, a.brief())
		}
	}
	deleted := r.Keys["deleted"]
	s.must(t, 200, "owner", "POST", deleted.path()+"/restore", `{}`)
	s.gateSays(t, deleted.Calls[0].Secret, 200)
	s.must(t, 200, "owner", "POST", r.Keys["disabled"].path()+"/enable", `{}`)
	s.gateSays(t, r.Keys["disabled"].Calls[0].Secret, 200)
	s.must(t, 200, "operator", "POST", "/v1/operator/keys/"+r.Keys["blocked"].ID+"/unblock", `{"reason":"Sorted out"}`)
	s.gateSays(t, r.Keys["blocked"].Calls[0].Secret, 200)
	s.must(t, 200, "owner", "POST", r.Keys["proposal"].path()+"/proposal/promote", "", "If-Match", "*")
	s.gateSays(t, r.Keys["proposal"].Calls[0].Secret, 403)
	if v := s.must(t, 200, "owner", "POST", r.Keys["recoverable"].path()+"/reveal", "").json(t); v["secret"] != r.Keys["recoverable"].Calls[0].Secret {
		t.Error("another secret is revealed")
	}
}

// gateSays waits until all that the gate answers to a secret is this.
func (s *stack) gateSays(t *testing.T, secret string, status int) {
	t.Helper()
	since, right := time.Now(), 0
	for right < 3 {
		a := s.product(t, tile+secret, nil)
		if right++; a.status != status {
			right = 0
		}
		if time.Since(since) > promise {
			t.Fatalf("%v after the change the gate answers %s, want %d", promise, a.brief(), status)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// rotationsGoOn ends, cancels and extends what was in progress, and lets the job do what it has to.
func rotationsGoOn(t *testing.T, s *stack, r *records) {
	rotating := r.Keys["rotating"]
	refused(t, "a second rotation", s.manage(t, "owner", "POST", rotating.path()+"/rotate", `{}`), 409, "rotation_in_progress")
	s.must(t, 200, "owner", "POST", rotating.path()+"/rotation/end", "")
	s.gateSays(t, rotating.Calls[0].Secret, 401)
	s.gateSays(t, rotating.Calls[1].Secret, 200)

	cancelled := r.Keys["cancelled rotation"]
	refused(t, "cancelled twice", s.manage(t, "owner", "POST", cancelled.path()+"/rotation/cancel", ""), 409, "rotation_cancelled")
	fresh := s.must(t, 200, "owner", "POST", cancelled.path()+"/rotate", `{"grace_seconds":3600}`).json(t)["secret"].(string)
	s.gateSays(t, fresh, 200)
	s.gateSays(t, cancelled.Calls[0].Secret, 200)
	s.gateSays(t, cancelled.Calls[1].Secret, 401) // that nobody was to use

	often := r.Keys["rotated often"]
	fresh = s.must(t, 200, "owner", "POST", often.path()+"/rotate", `{"grace_seconds":0}`).json(t)["secret"].(string)
	s.gateSays(t, fresh, 200)
	for _, c := range often.Calls {
		s.gateSays(t, c.Secret, 401)
	}

	// The job does what is due by a time after all of it, and says so in each key's audit trail.
	before := map[string]int{}
	want := map[string]string{
		"prepared": "key.deliver", "undelivered": "key.deliver", "to be delivered": "key.rotate", // "delivery refused" waits for its next attempt, whatever is due
		"grace over": "key.rotation_end", "limit ended": "key.limit_end",
	}
	rows := func(name string) (n int) {
		for _, row := range s.must(t, 200, "operator", "GET", r.Keys[name].path()+"/audit", "").json(t)["rows"].([]any) {
			if strings.HasPrefix(row.(map[string]any)["action"].(string), want[name]) { // or key.delivery_outdated: Secrets Manager starts empty
				n++
			}
		}
		return n
	}
	for name := range want {
		before[name] = rows(name)
	}
	if done := s.job(t, `{"job":"rotation","due_by":"2097-03-01T00:00:00Z"}`); done["failed"] != 0.0 {
		t.Errorf("the job did %v", done)
	}
	for name, action := range want {
		if rows(name) != before[name]+1 {
			t.Errorf("the job has written %d rows %s of the key %q, want one", rows(name)-before[name], action, name)
		}
	}
}

func peopleGoOn(t *testing.T, s *stack, r *records) {
	a := s.must(t, 200, "owner", "GET", r.SelfServe+"/invitations", "")
	if n := len(a.json(t)["invitations"].([]any)); n != 1 {
		t.Errorf("%d invitations are open: %s", n, a.body)
	}
	other := s.manage(t, "operator", "POST", "/v1/invitations/accept", `{"token":"`+r.Invitation+`"}`)
	refused(t, "an invitation to another address", other, 403, "invitation_other_address")
	s.must(t, 200, "owner", "DELETE", r.SelfServe+"/members/viewer", "")
	refused(t, "a reading by who was removed", s.manage(t, "viewer", "GET", r.SelfServe, ""), 404, "not_found")
	refused(t, "a key for a closed account", s.manage(t, "owner", "POST", r.Closed+"/keys", lifeKey), 409, "account_closed")
	s.newKey(t, r.SelfServe, lifeKey) // the count of keys goes on
}

func requestsGoOn(t *testing.T, s *stack, r *records) {
	k := r.Keys["request pending"]
	ask := fmt.Sprintf(`{"key_id":%q,"product":"search","requested_qps":9,"justification":"Again."}`, k.ID)
	refused(t, "a second request", s.manage(t, "enterprise_owner", "POST", r.Enterprise+"/qps-requests", ask), 409, "request_open")
	s.must(t, 200, "operator", "POST", r.Enterprise+"/qps-requests/"+r.Requests["pending"]+"/approve", `{"qps":3}`)
	s.inForce(t, k.Calls[0].Secret, 3, time.Now())
	refused(t, "a decision of what was withdrawn", s.manage(t, "operator", "POST", r.Enterprise+"/qps-requests/"+r.Requests["withdrawn"]+"/approve", `{}`), 409, "request_decided")
}
