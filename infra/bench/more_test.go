package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/shared/keytest"
)

// TestTheStoreAwayIsLateByItsRoundTrips: one for the connection, one for the handshake of TLS, and one for each answer.
func TestTheStoreAwayIsLateByItsRoundTrips(t *testing.T) {
	now := time.Now() // of the certificate; the bubbles' clocks are at the year 2000
	config, file, err := certify(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(read(t, file)) {
		t.Fatal("no certificate")
	}
	for _, trip := range []time.Duration{0, time.Millisecond, 3 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			here, there := net.Pipe()
			s := &store{known: callers{plain: caller{record: []byte(strings.Repeat("x", 60_000))}}} // of several TLS records
			var served sync.WaitGroup
			served.Go(func() { s.serve(away(there, config, trip)) })
			began := time.Now()
			c := tls.Client(here, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", Time: func() time.Time { return now }, MinVersion: tls.VersionTLS13})
			in := bufio.NewReader(c)
			for n, want := range []time.Duration{3 * trip, 4 * trip, 5 * trip} {
				ask(t, c, in, len(s.known.plain.record))
				if took := time.Since(began); took != want {
					t.Errorf("%v away, answer %d is there after %v, want %v", trip, n, took, want)
				}
			}
			_ = c.Close()
			served.Wait()
		})
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// ask reads a record.
func ask(t *testing.T, c io.Writer, in *bufio.Reader, length int) {
	t.Helper()
	body := `{"TableName":"gate"}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://127.0.0.1/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.GetItem")
	if err := r.Write(c); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadResponse(in, r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(got.Body)
	if err != nil || len(text) != length {
		t.Fatalf("%d bytes, %v", len(text), err)
	}
}

// TestEveryVariantFitsTheAuthorizer: they are built by the bench alone, inside a package that changes.
func TestEveryVariantFitsTheAuthorizer(t *testing.T) {
	keytest.OneAtATime(t)
	o := options{authorizer: "latchkey/authorizer"}
	for _, v := range variants(o) {
		overlay, err := v.overlay(o, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "go", "build", "-tags="+tags(overlay), "-overlay="+overlay, "-o", os.DevNull, v.pkg).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", v.name, err, out)
		}
	}
}

func TestTheHarnessIsMeasuredByItself(t *testing.T) {
	known, err := fixture(10_000)
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	took, err := harnessTakes(known.plain.event, 20)
	if err != nil || took <= 0 || took > time.Since(before) {
		t.Errorf("%v, %v", took, err)
	}
}

func TestRoundTripsAreDurationsWithCommas(t *testing.T) {
	got, err := parseTrips("0s, 1ms,3ms")
	if err != nil || len(got) != 3 || got[0] != 0 || got[1] != time.Millisecond || got[2] != 3*time.Millisecond {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{"", "1", "1ms,", "-1ms"} {
		if _, err := parseTrips(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// TestWhatStandsBehindTheTable: with two runs, of all their samples.
func TestWhatStandsBehindTheTable(t *testing.T) {
	ms := time.Millisecond
	run := func(harness time.Duration) measurement {
		of := func(name string, warm, cpu time.Duration, away ...time.Duration) *result {
			r := &result{contestant: contestant{name: name}, hits: []time.Duration{warm}, cpu: cpu, cold: []time.Duration{10 * warm}}
			if away != nil {
				r.away = map[time.Duration][]time.Duration{0: away[:1], ms: away[1:]}
			}
			return r
		}
		return measurement{harness: harness, results: []*result{
			of(nameEmpty, 120*time.Microsecond, 100, 5*ms, 4*ms), of(nameLatchkey, 80*time.Microsecond, 60, 10*ms, 14*ms), of(nameFloor, 64*time.Microsecond, 50),
			of(nameFloorRead, 40*time.Microsecond, 30),
		}}
	}
	var out bytes.Buffer
	reportMore(&out, options{trips: []time.Duration{0, ms}}, []measurement{run(20 * time.Microsecond), run(20 * time.Microsecond)})
	want := `
to the floor: the gate's warm p50 is 1.25 of it, its CPU 1.20, its cold p50 1.25
to the floor with one bare store read: the gate's warm p50 is 2.00 of it, its CPU 2.00, its cold p50 2.00
the harness itself: 20µs of a warm call, 0.17 of the empty handler's; less that, the gate's warm p50 is 0.60

cold p50 with the store over TLS, by the round trip to it: milliseconds, and the ratio to the empty handler

                  0s          1ms
empty Go handler  5.0  1.00   4.0  1.00
Latchkey          10.0  2.00  14.0  3.50
`
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", out.String(), want)
	}
}
