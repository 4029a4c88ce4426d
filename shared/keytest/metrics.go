package keytest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// UpdateMetrics is the environment variable under which [KeepMetrics] rewrites its files.
const UpdateMetrics = "UPDATE_METRICS"

// KeepMetrics compares the metric lines in what a function wrote with testdata/metrics/<trouble>.jsonl, where
// infra/contract finds them: it evaluates the alarms on what the code writes. trouble is the name of the alarm that has
// to fire, or healthy. Lines are kept sorted and with sorted members, so that only a change of what they say is a change.
func KeepMetrics(t testing.TB, trouble, written string) {
	t.Helper()
	var kept []string
	for line := range strings.Lines(written) {
		var members map[string]any
		if err := json.Unmarshal([]byte(line), &members); err != nil {
			t.Fatalf("not a line of JSON: %s", line)
		}
		if members["_aws"] == nil {
			continue
		}
		text, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, string(text)+"\n")
	}
	slices.Sort(kept)
	got, file := strings.Join(kept, ""), filepath.Join("testdata", "metrics", trouble+".jsonl")
	if os.Getenv(UpdateMetrics) != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs from what is written now:\n%s\nif that is meant: %s=1 go test, and then go test ./infra/contract", file, got, UpdateMetrics)
	}
}
