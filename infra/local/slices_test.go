package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// rotator plays the control URL of a run whose rotator gives these answers, one after the other.
func rotator(t *testing.T, answers ...string) (url string, asked func() []slice) {
	t.Helper()
	var list []slice
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var s slice
		if err := json.Unmarshal(raw, &s); err != nil || r.Method != http.MethodPost || r.URL.Path != "/2015-03-31/functions/RotatorFunction/invocations" || len(list) >= len(answers) {
			t.Errorf("%s %s: %s, after %d answers", r.Method, r.URL.Path, raw, len(list))
			w.WriteHeader(http.StatusNotFound)
			return
		}
		list = append(list, s)
		answer, failed := strings.CutPrefix(answers[len(list)-1], "failed ")
		if failed {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []slice { return list }
}

// TestAJobGoesOnWhereItsLastSliceEnded until there is no more: what is due is counted first, every slice takes the same moment along, and
// slices grow up to their bound as long as they are quick.
func TestAJobGoesOnWhereItsLastSliceEnded(t *testing.T) {
	url, asked := rotator(t, `{"Due":60}`, `{"Keys":25,"Rotated":25,"More":true,"Next":"n1"}`, `{"Keys":0,"More":true,"Next":"n2"}`, `{"Keys":35,"Ended":35,"More":false,"Next":"n3"}`)
	var out bytes.Buffer
	if err := rotate(t.Context(), url, config{dueBy: "2026-12-01T00:00:00Z"}, &out); err != nil {
		t.Fatal(err)
	}
	const due = "2026-12-01T00:00:00Z"
	want := []slice{
		{Job: "rotation", Count: true, DueBy: due}, {Job: "rotation", Limit: 25, DueBy: due}, {Job: "rotation", Limit: 1000, After: "n1", DueBy: due}, {Job: "rotation", Limit: 1000, After: "n2", DueBy: due},
	}
	if got := asked(); !slices.Equal(got, want) {
		t.Errorf("asked %+v, want %+v", got, want)
	}
	if text := out.String(); !strings.Contains(text, "rotation  25/60 keys  41%  ") || !strings.Contains(text, "rotation  60/60 keys  100%  ") || !strings.Contains(text, "60 keys in ") ||
		!strings.Contains(text, ": 25 rotated, 35 graces and limits ended\n") {
		t.Error(text)
	}
}

// TestAJobWithNothingDueAsksForNoSlice.
func TestAJobWithNothingDueAsksForNoSlice(t *testing.T) {
	url, asked := rotator(t, `{"Due":0}`)
	var out bytes.Buffer
	if err := rotate(t.Context(), url, config{}, &out); err != nil || out.String() != "rotation: nothing is due\n" || len(asked()) != 1 {
		t.Errorf("%v, %q, asked %+v", err, out.String(), asked())
	}
}

// TestAJobThatFailsSaysSo: a slice that fails ends it with what was done till then, a key that fails lets the others be done first.
func TestAJobThatFailsSaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		answers []string
		says    string
	}{
		"the count":    {[]string{`failed {"errorMessage":"no"}`}, `RotatorFunction: 200 {"errorMessage":"no"}`},
		"no answer":    {[]string{`{"Due":1}`, `<html>`}, "after 0 keys: "},
		"a slice":      {[]string{`{"Due":3000}`, `{"Keys":1500,"More":true}`, `failed {}`}, "after 1,500 keys: RotatorFunction: 200 {}; what is done stays done"},
		"several keys": {[]string{`{"Due":3000}`, `{"Keys":1500,"Failed":1100,"More":true}`, `{"Keys":1,"Failed":1}`}, "1,101 keys failed and remain due"},
	} {
		url, asked := rotator(t, c.answers...)
		if err := rotate(t.Context(), url, config{}, io.Discard); err == nil || !strings.Contains(err.Error(), c.says) || len(asked()) != len(c.answers) {
			t.Errorf("%s: %v, after %d", name, err, len(asked()))
		}
	}
}

// TestTheProgressOfAJobAddsUp: more than was due, none yet, and all kinds of ends.
func TestTheProgressOfAJobAddsUp(t *testing.T) {
	for want, c := range map[string]struct {
		t    sliceDone
		took time.Duration
	}{
		"rotation  1,000/4,000 keys  25%  500 keys/s  ETA 6s": {sliceDone{Keys: 1000, Due: 4000}, 2 * time.Second},
		"rotation  50/50 keys  100%  25 keys/s  ETA 0s":       {sliceDone{Keys: 50, Due: 40}, 2 * time.Second},
		"rotation  0/40 keys  0%  0 keys/s  ETA -":            {sliceDone{Due: 40}, 2 * time.Second},
		"rotation  0/0 keys  0%  0 keys/s  ETA -":             {sliceDone{}, 2 * time.Second},
	} {
		if got := progress(c.t, c.took); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	want := "\nrotation done: 28 keys in 2s, 14 keys/s: 1 rotated, 2 delivered, 3 announced, 4 graces and limits ended, 5 had nothing to do, 6 wait for their customer, 7 failed\n2.0 store calls and 0.5 Secrets Manager calls a key"
	if got := finished(sliceDone{Keys: 28, Rotated: 1, Delivered: 2, Announced: 3, Ended: 4, Skipped: 5, Refused: 6, Failed: 7, Calls: 56, SecretCalls: 14}, 2*time.Second+20*time.Millisecond-20*time.Millisecond); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 99999: "99,999", 123456: "123,456", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is written %q", n, got)
		}
	}
}
