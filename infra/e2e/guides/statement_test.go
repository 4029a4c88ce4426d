package guides

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheCommandForAStatementLeavesAWholeFileOrNone: who bills by it adds up its lines. It runs the guide's command against an API of two pages.
func TestTheCommandForAStatementLeavesAWholeFileOrNone(t *testing.T) {
	page, err := os.ReadFile("../../../docs/guides/statements.md")
	if err != nil {
		t.Fatal(err)
	}
	command := ""
	for _, m := range block.FindAllStringSubmatch(string(page), -1) {
		if strings.Contains(m[2], "/v1/operator/statements/") {
			command += m[2]
		}
	}
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("one\ntwo\n")))
	for name, c := range map[string]struct {
		status int
		sum    string
		whole  bool
	}{
		"final":                   {200, sum, true},
		"open":                    {200, "", true},
		"a page that fails":       {503, sum, false},
		"another hash":            {200, strings.Repeat("0", 64), false},
		"a token that is refused": {400, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.sum != "" {
					w.Header().Set("X-Statement-Sha256", c.sum)
				}
				w.Header().Set("X-Statement-Status", "final")
				switch {
				case r.URL.Query().Get("page_token") == "":
					w.Header().Set("X-Next-Page-Token", "a_b-2")
					_, _ = fmt.Fprint(w, "one\n")
				case c.status != 200 || r.URL.Query().Get("page_token") != "a_b-2":
					w.WriteHeader(c.status)
					_, _ = fmt.Fprint(w, `{"title":"It failed"}`)
				default:
					_, _ = fmt.Fprint(w, "two\n")
				}
			}))
			defer api.Close()
			dir := t.TempDir()
			for _, file := range []string{"statement.csv", "statement.csv.part"} { // of an earlier try
				if err := os.WriteFile(filepath.Join(dir, file), []byte("older\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			sh := exec.CommandContext(t.Context(), "sh", "-c", command)
			sh.Dir, sh.Env = dir, append(os.Environ(), "TOKEN=t", "MANAGEMENT_URL="+api.URL, "no_proxy=127.0.0.1")
			out, err := sh.CombinedOutput()
			file, errFile := os.ReadFile(filepath.Join(dir, "statement.csv"))
			said := strings.Contains(string(out), "whole: statement.csv")
			if (err == nil) != c.whole || said != c.whole || (errFile == nil) != c.whole || c.whole && string(file) != "one\ntwo\n" {
				t.Errorf("%v, whole: %t, %q (%v)\n%s", err, said, file, errFile, out)
			}
		})
	}
}
