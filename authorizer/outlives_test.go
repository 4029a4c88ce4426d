package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/shared/authz"
	"latchkey/shared/dynamo/leases"
	"latchkey/shared/keytest"
)

// TestNothingOfACallIsItsMemory: what is logged, counted, cached and leased after a call is the same though the memory of the event and of the
// answer is another call's by then. Each gate sees the same calls; between them, one's memory is written over.
func TestNothingOfACallIsItsMemory(t *testing.T) {
	kept := remembered(t, false)
	if over := remembered(t, true); over != kept {
		t.Errorf("what is kept was in the memory of a call:\n%s\nwant\n%s", over, kept)
	}
}

// remembered makes calls of every kind, and returns all that is left of them.
func remembered(t *testing.T, over bool) string {
	b := newHarness(t)
	var log strings.Builder
	b.gate.log.out, b.gate.out = io.MultiWriter(&log, b.gate.log.out), io.MultiWriter(&log, b.gate.out)
	memory, names := keytest.NewMemory()
	b.gate.limiter = newLeased(leases.New(memory, names.Leases), b.clock)
	w := &written{}
	counter := newCounter(w, b.clock)
	b.gate.recorder = counter
	open := b.add(t, 1, own(3))
	narrow := b.add(t, 2, func(p *authz.Policy) { p.Domains = []string{"*.example.com"} })
	paths := []string{tile, "/search/2/search/x.json", "/nowhere", "/map/1/../x", "/map/1/tile/%2F"}
	for i := range 240 {
		query, headers := map[string]string{"key": open}, map[string]string{"Origin": fmt.Sprintf("https://Shop-%d.example.com", i%7)}
		switch i % 6 {
		case 1:
			query["key"] = narrow
		case 2:
			query["key"] = narrow
			headers["Origin"] = fmt.Sprintf("https://copy-%d.example", i%5)
		case 3:
			query = nil
			headers["X-Api-Key"] = open
		case 4:
			query["key"] = "ak_" + fmt.Sprint(i)
		case 5:
			headers = map[string]string{"Referer": fmt.Sprintf("http://other-%d.example/page", i%3)}
		}
		payload := event(paths[i%len(paths)], headers, query)
		_, _ = b.gate.Invoke(time.Time{}, payload)
		if over {
			clear(payload) // as the loop does when the answer is posted
		}
		b.gate.logRuntime("late") // with the request ID
		b.gate.AfterReply()
		if over {
			wipe(b.gate)
		}
		b.clock.advance(50 * time.Millisecond)
	}
	b.gate.Close()
	lines := strings.Split(log.String(), "\n")
	for _, items := range w.sums { // of its one environment, which has a name of its own
		for item, counts := range items {
			for d, n := range counts {
				lines = append(lines, fmt.Sprint(item, d, n))
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// wipe writes over all that the next call would use again.
func wipe(g *Gate) {
	reply := g.reply[:cap(g.reply)]
	for i := range reply {
		reply[i] = 'x'
	}
	x := strings.Repeat("x", 400)
	_, _ = g.events.Decode(event("/"+x, map[string]string{"Origin": x, "Referer": x, "X-Api-Key": x}, map[string]string{"key": x}))
}
