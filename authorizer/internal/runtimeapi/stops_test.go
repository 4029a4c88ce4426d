package runtimeapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

func closing(answer string) string {
	return strings.Replace(answer, "\r\nContent-Length", "\r\nConnection: x, close\r\nContent-Length", 1)
}

func chunked(answer string) string {
	head, body, _ := strings.Cut(answer, "\r\n\r\n")
	before, _, _ := strings.Cut(head, "\r\nContent-Length")
	if body == "" {
		return answer
	}
	return before + fmt.Sprintf("\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n%s\r\n%x;x=y\r\n%s\r\n0\r\nX: y\r\n\r\n", body[:1], len(body)-1, body[1:])
}

// TestAStopChangesNothingButTime stops the process for 20 ms at every byte that it sends and receives, and for a minute at every boundary
// of the protocol: as long as no deadline passes, each call has its answer, once.
func TestAStopChangesNothingButTime(t *testing.T) {
	for name, form := range map[string]func(string) string{"sized": nil, "chunked": chunked, "a connection for each": closing} {
		for stop, length := range map[string]func(at string) time.Duration{
			"no stop": func(string) time.Duration { return 0 },
			"20 ms at every byte": func(at string) time.Duration {
				if at == "byte" {
					return 20 * time.Millisecond
				}
				return 0
			},
			"a minute at every boundary": func(at string) time.Duration {
				if at != "byte" {
					return time.Minute
				}
				return 0
			},
		} {
			t.Run(name+"/"+stop, func(t *testing.T) {
				l := &memory{t: t, form: form, calls: []invocation{{"r1", "i1", time.Hour}, {"r2", "i2", time.Hour}, {"r2", "i3", time.Hour}}}
				points := map[string]bool{}
				l.stop = func(at string) { l.clock = l.clock.Add(length(at)); points[at] = true }
				if err := l.run(); !errors.Is(err, errOver) {
					t.Fatal(err)
				}
				if want := map[string]string{"i1": "[event 1]", "i2": "[event 2]", "i3": "[event 3]"}; !maps.Equal(l.got, want) || len(l.posts) != 3 || len(l.logged) > 0 {
					t.Errorf("answers %v by %v, want %v; logged %q", l.got, l.posts, want, l.logged)
				}
				if len(points) != 8 {
					t.Errorf("stopped at %v only", points)
				}
			})
		}
	}
}

// TestALateAnswerReachesNobody: a call isn't answered in time, and the next one has the same request ID. Whatever the process was doing when
// it was stopped, the second call gets its own answer and nothing else. What is late and not on its way is not sent; where the process is
// stopped behind the last look at the clock, the answer names its own invocation, and Lambda refuses it.
func TestALateAnswerReachesNobody(t *testing.T) {
	for _, c := range []struct {
		at    string
		posts []string
		says  string
	}{
		{"deciding", []string{"i2"}, "isn't posted"},
		{"connecting", []string{"i2"}, "isn't posted"},
		{"sending POST", []string{"i1", "i2"}, "too late for its call"},
	} {
		t.Run(c.at, func(t *testing.T) {
			l := &memory{t: t, form: closing, calls: []invocation{{"r1", "i1", 3 * time.Second}, {"r1", "i2", 3 * time.Second}}}
			decided, stopped := false, false
			l.stop = func(at string) {
				if decided = decided || at == "deciding"; decided && !stopped && at == c.at {
					stopped = true
					l.clock = l.clock.Add(time.Minute)
				}
			}
			if err := l.run(); !errors.Is(err, errOver) {
				t.Fatal(err)
			}
			if want := map[string]string{"i2": "[event 2]"}; !maps.Equal(l.got, want) || !slices.Equal(l.posts, c.posts) {
				t.Errorf("answers %v by %v, want %v by %v", l.got, l.posts, want, c.posts)
			}
			if len(l.logged) != 1 || !strings.Contains(l.logged[0], c.says) {
				t.Errorf("logged %q", l.logged)
			}
		})
	}
}

// timeOut is the error of a connection that wasn't made in its time.
type timeOut struct{}

func (timeOut) Error() string   { return "i/o timeout" }
func (timeOut) Timeout() bool   { return true }
func (timeOut) Temporary() bool { return true }

// TestAConnectionForAnAnswerHasTheTimeThatIsLeft: one that isn't there by the deadline costs that answer, whatever the clock says when it is
// given up. One that fails before it, or for the next event, ends the process.
func TestAConnectionForAnAnswerHasTheTimeThatIsLeft(t *testing.T) {
	refused := errors.New("refused")
	for name, c := range map[string]struct {
		takes time.Duration
		fails error
		want  error
		posts []string
	}{
		"too slow": {3 * time.Second, refused, errOver, []string{"i2"}}, "refused": {0, refused, refused, nil},
		"refused at the deadline":                    {2 * time.Second, refused, errOver, []string{"i2"}},
		"timed out at the deadline":                  {2 * time.Second, &net.OpError{Op: "dial", Err: timeOut{}}, errOver, []string{"i2"}},
		"timed out, and the clock has been set back": {-time.Hour, &net.OpError{Op: "dial", Err: timeOut{}}, errOver, []string{"i2"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := &memory{t: t, form: closing, calls: []invocation{{"r1", "i1", 2 * time.Second}, {"r2", "i2", 2 * time.Second}}}
			l.down = func() error {
				if l.n != 1 || len(l.dials) != 4 { // the extension's two, the event's, and this one
					return nil
				}
				l.clock = l.clock.Add(c.takes)
				return c.fails
			}
			if err := l.run(); !errors.Is(err, c.want) {
				t.Fatalf("ended with %v, want %v", err, c.want)
			}
			if !slices.Equal(l.posts, c.posts) || l.dials[3] != 2*time.Second || l.dials[2] != 0 {
				t.Errorf("posted %v; the time of connections %v", l.posts, l.dials)
			}
		})
	}
}

// TestARegisteredExtensionIsReadyOverASecondConnection where the first was closed without a word, and over no third: one that is registered
// and never ready keeps Lambda from starting the environment.
func TestARegisteredExtensionIsReadyOverASecondConnection(t *testing.T) {
	for broken, says := range []string{"", "", "no SIGTERM: broken pipe"} {
		ready, failed := 0, 0
		l := &memory{t: t, calls: []invocation{{"r1", "i1", time.Minute}}}
		l.write = func(request string) error {
			switch {
			case !strings.HasPrefix(request, "GET /2020-01-01/extension/event/next "):
			case failed < broken:
				failed++
				return errors.New("broken pipe")
			case strings.HasSuffix(request, "\r\nLambda-Extension-Identifier: ext\r\n\r\n"):
				ready++
			}
			return nil
		}
		if err := l.run(); !errors.Is(err, errOver) || strings.Join(l.logged, ";") != says || (ready == 1) != (says == "") || l.got["i1"] != "[event 1]" {
			t.Errorf("%d connections are closed: ready %d times; answers %v, logged %q, ended with %v", broken, ready, l.got, l.logged, err)
		}
	}
}

// TestALoopThatEndsByItselfClosesItsHandler: what the gate has counted isn't lost with it, as with SIGTERM.
func TestALoopThatEndsByItselfClosesItsHandler(t *testing.T) {
	for name, c := range map[string]struct {
		change func(string) string
		closed int
	}{
		"a container error":     {func(s string) string { return strings.Replace(s, "202 Accepted", "500 Oops", 1) }, 1},
		"no event at the start": {func(s string) string { return strings.Replace(s, "200 OK\r\nLambda-Runtime", "403 Forbidden\r\nX", 1) }, 0},
		"no event after one call": {func(s string) string {
			return strings.ReplaceAll(s, "200 OK\r\nLambda-Runtime-Aws-Request-Id: r2", "403 Forbidden\r\nX: r2")
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			l := &memory{t: t, form: c.change, calls: []invocation{{"r1", "i1", time.Minute}, {"r2", "i2", time.Minute}}}
			if err := l.run(); err == nil || errors.Is(err, errOver) || l.closed != c.closed {
				t.Errorf("ended with %v, closed %d times, want %d", err, l.closed, c.closed)
			}
		})
	}
}

func FuzzAnErrorIsJSON(f *testing.F) {
	for _, s := range []string{"Unauthorized", "a\"b\\c", "\a\x7f\x00", "é😀\u2028", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, message string) {
		var got map[string]string
		if err := json.Unmarshal(errorDocument(message), &got); err != nil {
			t.Fatal(err)
		}
		if want := strings.NewReplacer("\u2028", "\ufffd", "\u2029", "\ufffd").Replace(strings.ToValidUTF8(message, "\ufffd")); strings.ReplaceAll(got["errorMessage"], "\ufffd", "") != strings.ReplaceAll(want, "\ufffd", "") || got["errorType"] != errorType {
			t.Errorf("%q became %q", message, got)
		}
	})
}
