package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// job calls the rotator as its schedule does.
func (s *stack) job(t *testing.T, event string) map[string]any {
	t.Helper()
	return s.jobOf(t, "RotatorFunction", event)
}

// jobOf calls a function that schedules call.
func (s *stack) jobOf(t *testing.T, function, event string) map[string]any {
	t.Helper()
	res, err := http.Post(s.ControlURL+"/2015-03-31/functions/"+function+"/invocations", "application/json", strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var v map[string]any
	if err := decode(res.Body, &v); err != nil || res.StatusCode != http.StatusOK || res.Header.Get("X-Amz-Function-Error") != "" {
		t.Fatalf("%s: %d %v %v", event, res.StatusCode, v, err)
	}
	return v
}

func TestRecoverableSecretsSurviveANewDataKey(t *testing.T) {
	id, secret := shared.createKey(t, `{"name":"kept","usage":"backend","products":["map-display"],"recoverable":true}`)
	reveal := func() string {
		a := shared.manage(t, "owner", "POST", shared.keyPath(id)+"/reveal", "")
		if a.status != http.StatusOK {
			t.Fatalf("reveal: %d %s", a.status, a.body)
		}
		return a.json(t)["secret"].(string)
	}
	if reveal() != secret {
		t.Fatal("another secret")
	}
	grown := shared.job(t, `{"job":"keyring","grow":true}`)
	if grown["grown"] != true || grown["resealed"].(float64) < 1 || grown["failed"].(float64) != 0 {
		t.Errorf("%v", grown)
	}
	if reveal() != secret {
		t.Error("another secret after the ring has grown")
	}
	again := shared.job(t, `{"job":"keyring"}`)
	if again["resealed"].(float64) != 0 || len(again["dropped"].([]any)) != 0 {
		t.Errorf("the second run: %v", again)
	}
	for _, job := range []string{"drift", "purge"} {
		t.Log(shared.job(t, `{"job":"`+job+`"}`))
	}
}

func TestTheJobsThatReportRunOnTheStack(t *testing.T) {
	shared.createKey(t, `{"name":"own pages","usage":"frontend","products":["map-display"],"domains":["*.example.com","capacitor://localhost"]}`)
	answer := shared.jobOf(t, "JobsFunction", `{"job":"suffixes"}`)
	if answer["keys"].(float64) < 1 || answer["wide"].(float64) != 0 || answer["failed"].(float64) != 0 || answer["more"] != false {
		t.Errorf("%v", answer)
	}
	first := shared.jobOf(t, "JobsFunction", `{"job":"catalogue"}`)
	again := shared.jobOf(t, "JobsFunction", `{"job":"catalogue"}`)
	if first["products"].(float64) < 1 || again["products"].(float64) != 0 || first["version"] != again["version"] {
		t.Errorf("the first run says %v, the second %v", first, again)
	}
	for range 2 {
		written := shared.jobOf(t, "JobsFunction", `{"job":"statements"}`)
		compared := shared.jobOf(t, "JobsFunction", `{"job":"compare"}`)
		if written["more"] != false || compared["adjusted"] != nil || compared["unequal"] != nil {
			t.Errorf("%v, %v", written, compared)
		}
	}
	month := time.Now().UTC().Format("2006-01")
	if body := string(shared.must(t, 200, "owner", "GET", "/v1/accounts/"+shared.DemoAccount+"/statements/"+month, "").body); !strings.Contains(body, `"status":"open"`) {
		t.Error(body)
	}
	last := time.Now().UTC().AddDate(0, 0, -time.Now().UTC().Day()).Format("2006-01")
	shared.must(t, 200, "operator", "GET", "/v1/operator/statements/"+last, "")
}

// TestTheJobShowsItsProgressAndAfterAKillFinishesTheRest runs `make job-rotation`'s command: 10,000 keys in the long form.
func TestTheJobShowsItsProgressAndAfterAKillFinishesTheRest(t *testing.T) {
	n := 200
	if deep() {
		n = 10_000
	}
	if a := shared.manage(t, "operator", "PATCH", "/v1/accounts/"+shared.DemoAccount, `{"key_limit":100000}`, "If-Match", "*"); a.status != http.StatusOK {
		t.Fatalf("raising the key limit: %d %s", a.status, a.body)
	}
	var wg sync.WaitGroup
	for hand := range 8 {
		wg.Go(func() {
			for i := hand; i < n; i += 8 {
				id, _ := shared.createKey(t, mapKey)
				if a := shared.manage(t, "owner", "PUT", shared.keyPath(id)+"/rotation-policy", `{"every_days":1,"principal":"`+role+`"}`); a.status != http.StatusOK {
					t.Errorf("policy: %d %s", a.status, a.body)
				}
			}
		})
	}
	wg.Wait()
	due := time.Now().Add(24 * time.Hour).Format(time.RFC3339Nano)
	count := func() int {
		return int(shared.job(t, fmt.Sprintf(`{"job":"rotation","count":true,"due_by":%q}`, due))["due"].(float64))
	}
	before := count()
	others := before - n // graces of other tests' rotations, which end by then and not before
	if others < 0 {
		t.Fatalf("%d due, want %d", before, n)
	}
	command := func() *exec.Cmd {
		cmd := exec.Command(runner, "-job", "rotation", "-due-by", due)
		cmd.Dir, cmd.Env = root, append(os.Environ(), "LATCHKEY_DATA_DIR="+shared.dir)
		return cmd
	}
	killed := command()
	pipe, err := killed.StdoutPipe()
	if err == nil {
		err = killed.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 200)
	if _, err := pipe.Read(first); err != nil {
		t.Fatal(err)
	}
	_ = killed.Process.Kill()
	_ = killed.Wait()
	var left int
	waitUntil(t, func() bool { // the slice that was under way is finished
		was := count()
		<-time.After(500 * time.Millisecond)
		left = count()
		return left == was
	})
	if left <= others || left >= before {
		t.Fatalf("%d of %d keys are left after the kill", left, before)
	}
	out, err := command().CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	done := regexp.MustCompile(`rotation done: ([0-9,]+) keys`).FindSubmatch(out)
	if done == nil || strings.ReplaceAll(string(done[1]), ",", "") != strconv.Itoa(left) {
		t.Errorf("%d keys were left:\n%s", left, out)
	}
	if !bytes.Contains(out, []byte("keys/s  ETA")) || !bytes.Contains(out, []byte("store calls")) {
		t.Errorf("no progress: %s", out)
	}
	if n := count(); n != others {
		t.Errorf("%d keys are still due, want %d", n, others)
	}
}
