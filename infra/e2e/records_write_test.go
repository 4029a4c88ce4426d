package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"latchkey/infra/local/build"
)

// TestWriteRecords writes testdata/release again from this code. It runs at a release, if it is asked for:
//
//	LATCHKEY_WRITE_RECORDS=1 go test ./infra/e2e -run TestWriteRecords
//
// It runs the whole stack with clocks that stand elsewhere. What has ended is written in the past. What must still run when
// the files are read, years from now, is written in a future that is far enough: a grace of 30 days ends in 2096. A range of
// usage may be asked for as long as it isn't forgotten, so the last month's stands there too.
func TestWriteRecords(t *testing.T) {
	if os.Getenv("LATCHKEY_WRITE_RECORDS") == "" {
		t.Skip("writes files of the repository; set LATCHKEY_WRITE_RECORDS=1 to run it")
	}
	lab := newShifted(t)
	r := &records{Commit: lab.commit}
	past := time.Date(2026, 9, 7, 9, 0, 0, 0, time.UTC)
	month := time.Date(2096, 10, 10, 9, 5, 0, 0, time.UTC)
	standing := time.Date(2096, 11, 12, 9, 5, 0, 0, time.UTC)

	lab.at(past, r, func(m *maker) { m.accounts() })
	lab.at(month, r, func(m *maker) {
		k, secret := m.key("used last month", `{"products":["map-display"]}`)
		k.opens(secret)
		m.used(k, 5, 3)
		day := month.Truncate(24 * time.Hour)
		r.Usage = recordedUsage{Key: "used last month", From: day, To: day.Add(24 * time.Hour), Allowed: 5, Refused: 3}
	})
	lab.at(standing, r, func(m *maker) {
		m.makeStanding()
		for _, c := range m.calls() {
			c.send(t, m.s)
		}
		m.used(r.Keys["active"], 2, 0)
	})
	// Last, because no job may come after it and clean up. The counter quarantines reports from the future.
	lab.at(past.Add(time.Hour), r, func(m *maker) {
		m.makeEnded()
		<-time.After(soon)
		m.used(r.Keys["replaced at once"], 1, 0)
		r.Keyring = m.keyring()
		dir := filepath.Join(root, "infra/e2e/testdata/release")
		if err := writeTables(t.Context(), m.s, dir); err != nil {
			t.Fatal(err)
		}
		text, err := json.MarshalIndent(r, "", "  ")
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "records.json"), append(text, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}

// used makes calls of a key that are allowed, and that ask for a product that it hasn't, and counts them.
func (m *maker) used(k *recordedKey, allowed, refused int) {
	c := k.Calls[0]
	for range allowed {
		c.check(m.t, m.s)
	}
	for range refused {
		m.s.product(m.t, searchPath+c.Secret, nil)
	}
	since := time.Now()
	for {
		m.fold()
		u := m.do("owner", "GET", k.path()+"/usage?interval=hour", "")["totals"].(map[string]any)
		if u["allowed"].(float64) >= float64(allowed) && u["refused"].(float64) >= float64(refused) {
			return
		}
		if time.Since(since) > time.Minute {
			m.t.Fatalf("counted %v, not %d allowed and %d refused", u, allowed, refused)
		}
		<-time.After(500 * time.Millisecond)
	}
}

// fold hands all reports to the counter, as the stream would: the store's own stream has the real time, by which the
// runner throws its records away as too old.
func (m *maker) fold() {
	list, err := itemsOf(m.t.Context(), storeClient(m.s.DynamoDB), tableNames["slices"])
	if err != nil {
		m.t.Fatal(err)
	}
	var event struct{ Records []any }
	for n, i := range list {
		image := itemJSON(i)
		event.Records = append(event.Records, map[string]any{
			"eventID": fmt.Sprint(n), "eventName": "INSERT", "eventSource": "aws:dynamodb", "eventVersion": "1.1", "awsRegion": "us-east-1",
			"dynamodb": map[string]any{
				"Keys": map[string]any{"pk": image["pk"], "sk": image["sk"]}, "NewImage": image, "StreamViewType": "NEW_IMAGE",
				"SequenceNumber": fmt.Sprintf("%021d", n+1),
			},
		})
	}
	if len(list) == 0 {
		return
	}
	text, err := json.Marshal(event)
	if err != nil {
		m.t.Fatal(err)
	}
	if a := m.s.invoke(m.t, "CounterFunction", string(text)); a.status != http.StatusOK || a.header.Get("X-Amz-Function-Error") != "" {
		m.t.Fatalf("the counter: %d %s", a.status, a.body)
	}
}

// shifted is the repository as it is, built with a clock that can be moved.
type shifted struct {
	t                  *testing.T
	root, runner, data string
	clock              string // the file that says by how many seconds
	commit             string
}

func newShifted(t *testing.T) *shifted {
	t.Helper()
	dir := t.TempDir()
	l := &shifted{t: t, root: filepath.Join(dir, "root"), runner: filepath.Join(dir, "runner"), data: filepath.Join(dir, "data"), clock: filepath.Join(dir, "clock")}
	// These tests may have changed since, with no other code.
	head, err := exec.Command("git", "-C", root, "log", "-1", "--format=%h", "--", ".", ":(exclude)infra/e2e").Output()
	if err != nil {
		t.Fatal(err)
	}
	l.commit = strings.TrimSpace(string(head))
	overlay := movedClock(t, dir, l.clock)
	mirror(t, l.root)
	l.build(overlay, "./infra/local", l.runner)
	for id, code := range functionsOf(t, root) {
		l.build(overlay, "./"+code, filepath.Join(l.root, ".build", id, "bootstrap"))
	}
	return l
}

func (l *shifted) build(overlay, code, to string) {
	l.t.Helper()
	if out, err := build.Command(filepath.Join(root, code), to, runtime.GOOS, runtime.GOARCH, "-overlay", overlay).CombinedOutput(); err != nil {
		l.t.Fatalf("%s: %v\n%s", code, err, out)
	}
}

// movedClock makes an overlay for `go build` in which time.Now adds what a file says.
func movedClock(t *testing.T, dir, clock string) string {
	t.Helper()
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(strings.TrimSpace(string(goroot)), "src", "time")
	text, err := os.ReadFile(filepath.Join(folder, "time.go"))
	if err != nil {
		t.Fatal(err)
	}
	const read = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	if !bytes.Contains(text, []byte(read)) {
		t.Fatal("time.Now has changed: this test must find another place to move the clock")
	}
	moved := bytes.Replace(text, []byte(read), []byte(read+"\tsec += moved\n"), 1)
	more := fmt.Sprintf(`package time

var moved = readMoved()

func readMoved() (n int64) {
	fd, err := open(%q)
	if err != nil {
		return 0
	}
	defer closefd(fd)
	buf := make([]byte, 32)
	end, _ := read(fd, buf)
	sign := int64(1)
	for _, c := range buf[:max(end, 0)] {
		switch {
		case c == '-':
			sign = -1
		case c >= '0' && c <= '9':
			n = n*10 + int64(c-'0')
		}
	}
	return n * sign
}
`, clock)
	replace := map[string]string{}
	for name, text := range map[string][]byte{"time.go": moved, "moved.go": []byte(more)} {
		file := filepath.Join(dir, name+".txt")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(folder, name)] = file
	}
	doc, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}

// at runs the stack with its clock at a time.
func (l *shifted) at(now time.Time, r *records, do func(*maker)) {
	l.t.Helper()
	shift := time.Until(now).Truncate(time.Second)
	if err := os.WriteFile(l.clock, fmt.Appendf(nil, "%d\n", int64(shift/time.Second)), 0o600); err != nil {
		l.t.Fatal(err)
	}
	reader, of := unknownReader(l.t)
	s, err := startWith(l.runner, l.root, l.data, "LATCHKEY_SEED=off", "LATCHKEY_IDLE_SECONDS=1", reader)
	if err != nil {
		l.t.Fatal(err)
	}
	defer s.stop()
	of(s)
	do(&maker{records: r, t: l.t, s: s, shift: shift})
}

// mirror makes a folder that looks like the repository, with bootstraps of its own. The runner builds none.
func mirror(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, ".build"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"go.mod", "template.yaml", "infra", "shared"} {
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

var (
	functionLine = regexp.MustCompile(`^  (\w+):\s*$`)
	codeLine     = regexp.MustCompile(`^      CodeUri: (\S+?)/?\s*$`)
)

// functionsOf lists the template's functions with the folders of their code.
func functionsOf(t *testing.T, root string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	list, id := map[string]string{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if m := functionLine.FindStringSubmatch(line); m != nil {
			id = m[1]
		}
		if m := codeLine.FindStringSubmatch(line); m != nil {
			list[id] = m[1]
		}
	}
	if list["Authorizer"] == "" || list["CounterFunction"] == "" {
		t.Fatalf("the template's functions aren't found: %v", list)
	}
	return list
}

// keyring is the document that opens recoverable secrets.
func (m *maker) keyring() string {
	text, err := m.s.secretText(context.Background(), "KeyringSecret")
	if err != nil {
		m.t.Fatal(err)
	}
	return text
}
