package main

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/infra/local/restapi"
)

func settings(t *testing.T, v map[string]string) (config, error) {
	t.Helper()
	var all []string
	for k, s := range v {
		all = append(all, k+"="+s)
	}
	return readConfig(nil, func(k string) string { return v[k] }, all)
}

func TestSettingsHaveTheirDefaultsAndAreChecked(t *testing.T) {
	c, err := settings(t, map[string]string{"LATCHKEY_PARAM_UpstreamUrl": "http://u"})
	if err != nil {
		t.Fatal(err)
	}
	if c.ports["ProductsApi"] != 8080 || c.ports["ManagementApi"] != 8081 || c.ports["ConsoleApi"] != 8082 || c.idle != 10*time.Second ||
		c.grace != 500*time.Millisecond || c.parameters["UpstreamUrl"] != "http://u" || filepath.Base(c.dataDir) != ".latchkey" {
		t.Errorf("%+v", c)
	}
	for name, bad := range map[string]string{
		"LATCHKEY_PRODUCTS_PORT": "x", "LATCHKEY_CONSOLE_PORT": "70000", "LATCHKEY_IDLE_SECONDS": "0", "LATCHKEY_SHUTDOWN_MS": "2001",
		"LATCHKEY_LOG_LEVEL": "loud", "LATCHKEY_ISSUER_REFRESH": "twice", "LATCHKEY_ISSUER_ACCESS_SECONDS": "-1",
	} {
		if _, err := settings(t, map[string]string{name: bad}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, bad, err)
		}
	}
}

func TestADataDirectoryHasOneRunner(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	log := &logger{out: &bytes.Buffer{}}
	unlock, err := lockDir(t.Context(), dir, log)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() {
		again, err := lockDir(t.Context(), dir, log)
		if err == nil {
			again()
		}
		got <- err
	}()
	select {
	case <-got:
		t.Fatal("locked twice")
	case <-time.After(50 * time.Millisecond):
	}
	unlock()
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("%v %v", info, err)
	}
}

func TestTheIssuersPortIsKeptWhileItIsFree(t *testing.T) {
	file := filepath.Join(t.TempDir(), "port")
	listen := func() net.Listener {
		lis, err := keptPort(file)
		if err != nil {
			t.Fatal(err)
		}
		return lis
	}
	first := listen()
	second := listen() // the noted port is taken
	if first.Addr().String() == second.Addr().String() {
		t.Fatal("two listeners on one port")
	}
	_, _ = first.Close(), second.Close()
	third := listen()
	defer func() { _ = third.Close() }()
	if third.Addr().String() != second.Addr().String() {
		t.Fatalf("%s, want %s as noted last", third.Addr(), second.Addr())
	}
}

// The port is the issuer's name. What asks for any port between two runs must not get it, or its people are strangers.
func TestTheIssuersPortIsNoneThatOthersAreGiven(t *testing.T) {
	for i := range 20 {
		lis, err := keptPort(filepath.Join(t.TempDir(), strconv.Itoa(i)))
		if err != nil {
			t.Fatal(err)
		}
		if port := lis.Addr().(*net.TCPAddr).Port; port < 20000 || port >= 32768 {
			t.Errorf("%d", port)
		}
		_ = lis.Close()
	}
}

func TestLinesOfFunctionsAreShownByTheirLevel(t *testing.T) {
	for line, shown := range map[string]bool{
		`{"timestamp":"t","level":"INFO","message":"request"}`: false,
		`{"time":"t","level":"WARN","msg":"refused"}`:          true,
		`{"timestamp":"t","level":"ERROR","message":"x"}`:      true,
		`{"_aws":{"CloudWatchMetrics":[]},"Decisions":1}`:      false,
		`panic: runtime error`:                                 true,
		`{"message":"without a level"}`:                        true,
		`{broken`:                                              true,
	} {
		var out bytes.Buffer
		l := &logger{out: &out, level: slog.LevelWarn}
		l.output("F", 1, "stderr", line)
		if (out.Len() > 0) != shown {
			t.Errorf("%s: shown %t", line, !shown)
		}
		out.Reset()
		l.level = slog.LevelDebug
		if l.output("F", 1, "stdout", line); out.Len() == 0 {
			t.Errorf("%s isn't shown at level debug", line)
		}
	}
}

func TestNoSecretAndNoQueryIsInALine(t *testing.T) {
	var out bytes.Buffer
	l := &logger{out: &out}
	secret := "ak_" + strings.Repeat("aB3", 11)
	l.output("F", 1, "stderr", `{"url":"http://h/p?key=`+secret+`","again":"`+secret+`"}`)
	l.call(restapi.Line{API: "A", Method: "GET", Path: "/map/" + secret, Status: 503, Detail: "Bearer abcdefghijkl"})
	l.warn("%s", secret)
	for _, bad := range []string{secret, "key=", "abcdefghijkl"} {
		if strings.Contains(out.String(), bad) {
			t.Errorf("%q is in %s", bad, out.String())
		}
	}
	if n := strings.Count(out.String(), "\n"); n != 3 {
		t.Errorf("%d lines, want 3", n)
	}
}
