package runtimeapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// sockets are the two ends of a connection over loopback, the first of them direct.
func sockets(t *testing.T) (d, other net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	n, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if other, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close(); other.Close() })
	d = newDirect(n)
	if _, ok := d.(*direct); !ok {
		t.Fatal("a socket isn't used directly")
	}
	return d, other
}

// What is larger than the buffers of both sockets is written in parts, with waits between them, and is read as it comes.
func TestADirectConnectionWritesAndReadsAllOfIt(t *testing.T) {
	d, other := sockets(t)
	want := make([]byte, 24<<20)
	for i := range want {
		want[i] = byte(i ^ i>>8 ^ i>>16)
	}
	back, end := make([]byte, len(want)), make(chan error, 1)
	go func() {
		_, err := io.ReadFull(other, back)
		if err == nil {
			_, err = other.Write(back)
		}
		end <- errors.Join(err, other.Close())
	}()
	if n, err := d.Write(want); err != nil || n != len(want) {
		t.Fatalf("wrote %d of %d: %v", n, len(want), err)
	}
	got, err := io.ReadAll(d) // to the end, which is io.EOF
	if err := errors.Join(err, <-end); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes came back, of %d, or others", len(got), len(want))
	}
}

func TestADirectConnectionTellsThatItBroke(t *testing.T) {
	d, other := sockets(t)
	if err := other.(*net.TCPConn).SetLinger(0); err != nil { // closed by a reset
		t.Fatal(err)
	}
	other.Close()
	if n, err := d.Read(make([]byte, 10)); n != 0 || err == nil || errors.Is(err, io.EOF) {
		t.Errorf("read %d after a reset: %v", n, err)
	}
	if n, err := d.Write([]byte("x")); n != 0 || err == nil {
		t.Errorf("wrote %d after a reset: %v", n, err)
	}
	d.Close()
	if _, err := d.Read(make([]byte, 10)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read of a closed one: %v", err)
	}
	if _, err := d.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write to a closed one: %v", err)
	}
}

func TestADirectConnectionAllocatesNothing(t *testing.T) {
	d, other := sockets(t)
	go func() { _, _ = io.Copy(struct{ io.Writer }{other}, struct{ io.Reader }{other}) }()
	b := []byte("as it came")
	if n := testing.AllocsPerRun(500, func() {
		_, err := d.Write(b)
		if _, err2 := io.ReadFull(d, b); err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
	}); n != 0 {
		t.Errorf("%v allocations to write and read", n)
	}
}

// TestAnEventTakesTwoWaits counts how often the threads of a process sleep for an event: once until it comes, and once until its answer is
// taken. The scheduler's monitor, if it is woken for each, would double that.
func TestAnEventTakesTwoWaits(t *testing.T) {
	const warm, calls = 100, 500
	var script []step
	for range warm + calls + 1 {
		script = append(script, step{next, event("r", "{}")}, step{"POST", status(202)})
	}
	s := newServer(t, script...)
	answers, before, after := 0, 0, 0
	s.set(func() {
		s.pace = func(c net.Conn, text string) {
			if strings.Contains(text, "Extension") {
				_, _ = io.WriteString(c, text)
				return
			}
			if s.process == 0 {
				s.process = <-s.pid
			}
			n, asleep := sleeps(t, s.process)
			for range 100_000 { // Gosched lets others run
				if asleep {
					break
				}
				runtime.Gosched()
				n, asleep = sleeps(t, s.process)
			}
			switch answers++; answers {
			case 2 * warm:
				before = n
			case 2 * (warm + calls):
				after = n
			}
			_, _ = io.WriteString(c, text)
		}
	})
	if code := s.run(ours, "GOMAXPROCS=1"); code != -1 {
		t.Fatalf("ended with %d", code)
	}
	if n := float64(after-before) / calls; before == 0 || n > 3 {
		t.Errorf("its threads sleep %.2f times for each event, want 2", n)
	}
}

// sleeps counts how often the threads of a process have waited for something, and reports whether all of them do.
func sleeps(t *testing.T, process int) (n int, asleep bool) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", process))
	if err != nil || len(files) == 0 {
		t.Error("no threads: ", err)
	}
	asleep = true
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			continue // the thread has ended
		}
		_, rest, _ := strings.Cut(string(raw), "\nvoluntary_ctxt_switches:")
		one := 0
		if _, err := fmt.Sscan(rest, &one); err != nil {
			t.Error(err)
		}
		n += one
		asleep = asleep && strings.Contains(string(raw), "\nState:\tS")
	}
	return n, asleep
}
