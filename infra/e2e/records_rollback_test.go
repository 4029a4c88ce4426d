package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/infra/local/build"
)

// TestTheLastReleaseBearsWhatThisOneWrites runs the last release's gate and counter on records of the present code: they
// meet during a deployment, and after a rollback. Nothing may open that mustn't, nothing shut but what must, and no call go
// uncounted.
func TestTheLastReleaseBearsWhatThisOneWrites(t *testing.T) {
	t.Parallel()
	old := lastReleaseFunctions(t, "Authorizer", "CounterFunction")
	t.Run("the gate and the counter", func(t *testing.T) {
		t.Parallel()
		p := sideBySide(t, map[string]string{"CounterFunction": ""}, old)
		m := &maker{records: &records{}, t: t, s: p.present}
		m.accounts()
		m.makeEnded()
		ended := time.Now().Add(soon)
		m.makeStanding()
		<-time.After(time.Until(ended))
		seen := callEach(t, p, m.records)
		shareALimit(t, p, m.Keys["limited"], seen["limited"])
		allCounted(t, p.present, m.records, seen)
		if n := len(typed(t, p.present, m.records)); n > 0 {
			t.Errorf("the last release's counter knows the billing types of %d keys", n)
		}
	})
	t.Run("the gate, with this counter, and both after a rollback", func(t *testing.T) {
		t.Parallel()
		p := sideBySide(t, nil, map[string]string{"Authorizer": old["Authorizer"], "CounterFunction": ""})
		m := &maker{records: &records{}, t: t, s: p.present}
		m.accounts()
		m.makeRestrictions()
		seen := callEach(t, p, m.records)
		allCounted(t, p.present, m.records, seen)
		before := typed(t, p.present, m.records)
		if len(before) == 0 {
			t.Error("no call is counted by its key's billing type")
		}
		back := p.rollBack(t, old)
		for name, k := range m.Keys {
			for _, c := range k.Calls {
				seen[name].add(c.send(t, back))
			}
		}
		allCounted(t, back, m.records, seen)
		if after := typed(t, back, m.records); !maps.Equal(after, before) {
			t.Errorf("calls by billing type were %v, and after a rollback are %v", before, after)
		}
	})
}

// typed counts the calls of each key by billing types that are known, and holds that these and the others are all of its calls.
func typed(t *testing.T, s *stack, r *records) map[string]string {
	t.Helper()
	found := map[string]string{}
	for name, k := range r.Keys {
		u := s.must(t, 200, "operator", "GET", k.path()+"/usage", "").json(t)
		sum := 0.0
		for _, share := range u["by_billing_type"].([]any) {
			share := share.(map[string]any)
			sum += share["requests"].(float64)
			if share["name"] != "" {
				found[name] += fmt.Sprint(share["name"], " ", share["requests"], " ")
			}
		}
		if all := u["totals"].(map[string]any)["requests"]; sum != all {
			t.Errorf("%s: %v calls by billing type of %v", name, sum, all)
		}
	}
	return found
}

// pair is the present code and the last release on one store.
type pair struct {
	present, last *stack
	begin         func(dir string, instead map[string]string) *stack
}

// sideBySide starts both. Either may have bootstraps in place of the present ones; "" leaves a function out.
func sideBySide(t *testing.T, ofPresent, ofLast map[string]string) pair {
	t.Helper()
	reader, of := unknownReader(t)
	env := []string{"LATCHKEY_SEED=off", "LATCHKEY_IDLE_SECONDS=2", "DYNAMODB_ENDPOINT=" + startEngine(t), reader}
	begin := func(dir string, instead map[string]string) *stack {
		s, err := startIn(withBootstraps(t, instead), dir, env...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.stop)
		return s
	}
	p := pair{present: begin(t.TempDir(), ofPresent), last: begin(t.TempDir(), ofLast), begin: begin}
	of(p.present)
	return p
}

// rollBack stops both and starts the present code with functions of the last release in their places, where it stood.
func (p pair) rollBack(t *testing.T, old map[string]string) *stack {
	t.Helper()
	p.last.stop()
	p.present.stop()
	return p.begin(p.present.dir, old)
}

// withBootstraps is the repository with other bootstraps in place of some of the present ones.
func withBootstraps(t *testing.T, instead map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	mirror(t, dir)
	for id := range functionsOf(t, root) {
		bootstrap, ok := instead[id]
		switch {
		case !ok:
			bootstrap = filepath.Join(root, ".build", id, "bootstrap")
		case bootstrap == "":
			continue
		}
		if err := os.MkdirAll(filepath.Join(dir, ".build", id), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(bootstrap, filepath.Join(dir, ".build", id, "bootstrap")); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// lastReleaseFunctions builds functions of the last release, or finds them where a run before has built them.
func lastReleaseFunctions(t *testing.T, ids ...string) map[string]string {
	t.Helper()
	folder := filepath.Join(root, ".build", "release-"+lastRelease)
	list, missing := map[string]string{}, false
	for _, id := range ids {
		list[id] = filepath.Join(folder, id, "bootstrap")
		if _, err := os.Stat(list[id]); err != nil {
			missing = true
		}
	}
	if !missing {
		return list
	}
	source := t.TempDir()
	archive := exec.Command("sh", "-c", `git -C "$1" archive "$2" | tar -x -C "$3"`, "sh", root, lastRelease, source)
	if out, err := archive.CombinedOutput(); err != nil || !exists(filepath.Join(source, "template.yaml")) {
		t.Skipf("DID NOT RUN: the history lacks the last release, %s, as that of a shallow clone does: %v %s", lastRelease, err, out)
	}
	code := functionsOf(t, source)
	for _, id := range ids {
		cmd := build.Command(filepath.Join(source, code[id]), list[id]+".new", runtime.GOOS, runtime.GOARCH)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s of %s doesn't build: %v\n%s", id, lastRelease, err, out)
		}
		if err := os.Rename(list[id]+".new", list[id]); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// tally counts the calls of a key by their answer.
type tally struct{ allowed, refused int }

func (n *tally) add(a answer) {
	switch a.status {
	case http.StatusOK:
		n.allowed++
	case http.StatusServiceUnavailable: // a gate that can't read the record can't know whose call it is
	default:
		n.refused++
	}
}

// callEach makes all recorded calls at both gates and holds the answers against what they must be.
func callEach(t *testing.T, p pair, r *records) map[string]*tally {
	t.Helper()
	seen := map[string]*tally{}
	var all sync.WaitGroup
	for name, k := range r.Keys {
		n := &tally{}
		seen[name] = n
		all.Go(func() {
			for _, c := range k.Calls {
				c.What = strings.TrimSpace(name + " " + c.What)
				callBoth(t, p, c, n)
			}
		})
	}
	all.Wait()
	return seen
}

func callBoth(t *testing.T, p pair, c recordedCall, n *tally) {
	for gate, s := range map[string]*stack{"the last release's": p.last, "the present": p.present} {
		status, code := c.Status, c.Code
		if s == p.last && c.Last != 0 {
			status, code = c.Last, ""
		}
		a := c.admitted(t, s, status, n.add)
		if a.status != status || code != "" && !strings.Contains(string(a.body), `"code":"`+code+`"`) {
			t.Errorf("%s gate, %s: %s, want %d %s", gate, c.What, a.brief(), status, code)
		}
	}
	if c.Limit == 0 || c.Last != 0 {
		return
	}
	over, admitted := p.last.untilRefused(t, c.Path+c.Secret)
	n.allowed, n.refused = n.allowed+admitted, n.refused+1
	if got, want := over.header.Get("RateLimit-Policy"), fmt.Sprintf(";q=%d;w=1", c.Limit); !strings.HasSuffix(got, want) {
		t.Errorf("the last release's gate, %s: it keeps to %q, want …%s", c.What, got, want)
	}
}

// shareALimit calls both gates for some seconds: together they admit what the limit says, not each of them.
func shareALimit(t *testing.T, p pair, k *recordedKey, n *tally) {
	t.Helper()
	c, begin, admitted := k.Calls[0], time.Now(), 0
	for time.Since(begin) < 4*time.Second {
		for _, s := range []*stack{p.last, p.present} {
			a := c.send(t, s)
			if n.add(a); a.status == http.StatusOK {
				admitted++
			}
		}
		<-time.After(20 * time.Millisecond)
	}
	windows := int(time.Since(begin)/time.Second) + 2
	if admitted > c.Limit*windows || admitted < c.Limit {
		t.Errorf("both gates together admitted %d calls in %d windows of %d", admitted, windows, c.Limit)
	}
}

// allCounted waits until the usage of each key is what its callers saw.
func allCounted(t *testing.T, s *stack, r *records, seen map[string]*tally) {
	t.Helper()
	since := time.Now()
	for name, n := range seen {
		k := r.Keys[name]
		for {
			u := s.must(t, 200, "operator", "GET", k.path()+"/usage", "").json(t)["totals"].(map[string]any)
			got := tally{int(u["allowed"].(float64)), int(u["refused"].(float64))}
			if got == *n {
				break
			}
			if time.Since(since) > 30*time.Second || got.allowed > n.allowed || got.refused > n.refused {
				t.Errorf("%s: %+v counted %v after the last call, want %+v (%v)", name, got, time.Since(since), *n, u["by_reason"])
				break
			}
			<-time.After(250 * time.Millisecond)
		}
	}
	t.Logf("counted %v after the last call", time.Since(since).Round(100*time.Millisecond))
}
