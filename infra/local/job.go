package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"latchkey/infra/local/runfile"
)

// runJob runs the rotation job on the stack that runs on the data directory, or on one of its own that ends with it.
func runJob(ctx context.Context, c config, out io.Writer) error {
	if up, err := runfile.Read(c.dataDir); err == nil && answers(ctx, up.ControlURL) {
		return rotate(ctx, up.ControlURL, c, out)
	}
	c.seed = false
	for id := range c.ports {
		c.ports[id] = 0
	}
	return run(ctx, c, out)
}

func answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/environments", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// slice is the input of one call of the function.
type slice struct {
	Job   string `json:"job"`
	Count bool   `json:"count,omitempty"`
	Limit int    `json:"limit,omitempty"`
	After string `json:"after,omitempty"`
	DueBy string `json:"due_by,omitempty"`
}

// sliceDone is the function's answer to a slice.
type sliceDone struct {
	Keys, Rotated, Delivered, Announced, Ended, Skipped, Refused, Failed, Due int

	More        bool
	Next        string
	Calls       float64 `json:"store_calls_per_key"`
	SecretCalls float64 `json:"secrets_manager_calls_per_key"`
}

// add sums up slices; the calls become totals.
func (d *sliceDone) add(s sliceDone) {
	d.Keys += s.Keys
	d.Rotated += s.Rotated
	d.Delivered += s.Delivered
	d.Announced += s.Announced
	d.Ended += s.Ended
	d.Skipped += s.Skipped
	d.Refused += s.Refused
	d.Failed += s.Failed
	d.Calls += s.Calls * float64(s.Keys)
	d.SecretCalls += s.SecretCalls * float64(s.Keys)
}

// The keys in a slice: as many as take about a second.
const (
	firstSlice  = 25
	largeSlice  = 1000
	sliceLength = time.Second
)

// rotate asks the rotator for slices of the job until the list is done, and shows how far it is after each.
func rotate(ctx context.Context, controlURL string, c config, out io.Writer) error {
	ask := func(s slice) (done sliceDone, err error) {
		s.Job, s.DueBy = "rotation", c.dueBy
		event, err := json.Marshal(s)
		if err != nil {
			return done, err
		}
		answer, err := call(ctx, controlURL, "RotatorFunction", event)
		if err != nil {
			return done, err
		}
		return done, json.Unmarshal(answer, &done)
	}
	counted, err := ask(slice{Count: true})
	if err != nil {
		return err
	}
	begin, total := time.Now(), sliceDone{Due: counted.Due}
	next := slice{Limit: firstSlice}
	for more := counted.Due > 0; more; {
		began := time.Now()
		done, err := ask(next)
		if err != nil {
			return fmt.Errorf("after %s keys: %w; what is done stays done, run the job again for the rest", thousands(total.Keys), err)
		}
		total.add(done)
		fmt.Fprint(out, c.line(progress(total, time.Since(begin))))
		next.After, more = done.Next, done.More
		if took := time.Since(began); done.Keys > 0 {
			next.Limit = min(max(int(float64(done.Keys)*float64(sliceLength)/float64(took)), firstSlice), largeSlice)
		}
	}
	fmt.Fprintln(out, finished(total, time.Since(begin)))
	if total.Failed > 0 {
		return fmt.Errorf("%s keys failed and remain due; the function's log names them", thousands(total.Failed))
	}
	return nil
}

// line overwrites the line before on a terminal.
func (c config) line(s string) string {
	if c.color {
		return "\r\x1b[K" + s
	}
	return s + "\n"
}

func progress(t sliceDone, took time.Duration) string {
	t.Due = max(t.Due, t.Keys) // more may have come due since
	rate := float64(t.Keys) / took.Seconds()
	eta := "-"
	if rate > 0 {
		eta = time.Duration(float64(t.Due-t.Keys) / rate * float64(time.Second)).Round(time.Second).String()
	}
	return fmt.Sprintf("rotation  %s/%s keys  %d%%  %.0f keys/s  ETA %s", thousands(t.Keys), thousands(t.Due), t.Keys*100/max(t.Due, 1), rate, eta)
}

func finished(t sliceDone, took time.Duration) string {
	if t.Keys == 0 {
		return "rotation: nothing is due"
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{
		{t.Rotated, "rotated"},
		{t.Delivered, "delivered"},
		{t.Announced, "announced"},
		{t.Ended, "graces and limits ended"},
		{t.Skipped, "had nothing to do"},
		{t.Refused, "wait for their customer"},
		{t.Failed, "failed"},
	} {
		if p.n > 0 {
			parts = append(parts, thousands(p.n)+" "+p.what)
		}
	}
	n := float64(t.Keys)
	return fmt.Sprintf("\nrotation done: %s keys in %s, %.0f keys/s: %s\n%.1f store calls and %.1f Secrets Manager calls a key",
		thousands(t.Keys), took.Round(100*time.Millisecond), n/took.Seconds(), strings.Join(parts, ", "), t.Calls/n, t.SecretCalls/n)
}

// thousands writes a number with commas.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
