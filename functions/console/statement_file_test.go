package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"latchkey/shared/api"
)

// TestADownloadSaysWhatTheAPISaysOfIt: the name, the status, what is left out and the hash, of whichever page of it.
func TestADownloadSaysWhatTheAPISaysOfIt(t *testing.T) {
	w := newWalker(t, "owner")
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("row 1\nrow 2\n")))
	for page, route := range map[string]string{
		"/accounts/" + account + "/statements.csv?month=2026-07": "GET /v1/accounts/" + account + "/statements/2026-07",
		"/operator/statements.csv?month=2026-07":                 "GET /v1/operator/statements/2026-07",
		"/accounts/" + account + "/usage.csv?range=7d":           "GET /v1/accounts/" + account + "/usage",
	} {
		for name, tt := range map[string]struct{ one, two, want map[string]string }{
			"whole": {
				map[string]string{"Content-Disposition": `attachment; filename="a.csv"`, "X-Statement-Status": "final", "X-Statement-Sha256": sum},
				map[string]string{"Content-Disposition": `attachment; filename="a.csv"`, "X-Statement-Status": "final", "X-Statement-Sha256": sum},
				map[string]string{"Content-Disposition": `attachment; filename="a.csv"`, "X-Statement-Status": "final", "X-Statement-Sha256": sum},
			},
			"open, and the first page lacks something": {
				map[string]string{"Content-Disposition": `attachment; filename="a_open_partial.csv"`, "X-Statement-Status": "open", "X-Unreadable": "2", "X-Statement-Left-Out": "acc_1"},
				map[string]string{"Content-Disposition": `attachment; filename="a_open.csv"`, "X-Statement-Status": "open", "X-Statement-Left-Out": "acc_1"},
				map[string]string{"Content-Disposition": `attachment; filename="a_open_partial.csv"`, "X-Statement-Status": "open", "X-Unreadable": "2", "X-Statement-Left-Out": "acc_1"},
			},
			"both pages lack something": {
				map[string]string{"Content-Disposition": `attachment; filename="a_partial.csv"`, "X-Unreadable": "2", "X-Fresh-At": "2026-07-01T00:00:00.000Z", "X-Not-Split": "key"},
				map[string]string{"Content-Disposition": `attachment; filename="a_partial.csv"`, "X-Unreadable": "3", "X-Fresh-At": "2026-07-01T00:00:00.000Z"},
				map[string]string{"Content-Disposition": `attachment; filename="a_partial.csv"`, "X-Unreadable": "5", "X-Fresh-At": "2026-07-01T00:00:00.000Z", "X-Not-Split": "key"},
			},
			"the last page lacks something": {
				map[string]string{"Content-Disposition": `attachment; filename="a.csv"`},
				map[string]string{"Content-Disposition": `attachment; filename="a_partial.csv"`, "X-Unreadable": "1"},
				map[string]string{"Content-Disposition": `attachment; filename="a_partial.csv"`, "X-Unreadable": "1"},
			},
		} {
			pages := !strings.Contains(page, "usage")
			w.api.on(route, func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
				said, rows := tt.one, "row 1\n"
				switch {
				case !pages:
					said, rows = tt.want, "row 1\nrow 2\n"
				case r.URL.Query().Get("page_token") == "":
					out.Header().Set("X-Next-Page-Token", "2")
				default:
					said, rows = tt.two, "row 2\n"
				}
				for header, value := range said {
					out.Header().Set(header, value)
				}
				_, _ = fmt.Fprint(out, rows)
				return true
			})
			answer := w.ask(http.MethodGet, page, nil)
			if answer.StatusCode != http.StatusOK || answer.text != "row 1\nrow 2\n" {
				t.Errorf("%s, %s: %d, %q", page, name, answer.StatusCode, answer.text)
			}
			for _, header := range []string{"Content-Disposition", "X-Fresh-At", "X-Not-Split", "X-Unreadable", "X-Statement-Status", "X-Statement-Left-Out", "X-Statement-Sha256"} {
				if got := answer.Header.Get(header); got != tt.want[header] {
					t.Errorf("%s, %s: %s is %q, want %q", page, name, header, got, tt.want[header])
				}
			}
		}
	}
}

// TestAStatementThatIsntTheOneThatWasWrittenIsNotHandedOver: who is billed by it has the statement's hash on the page.
func TestAStatementThatIsntTheOneThatWasWrittenIsNotHandedOver(t *testing.T) {
	w := newWalker(t, "owner")
	w.api.on("GET /v1/accounts/"+account+"/statements/2026-07", func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.Header.Get("Accept") != "text/csv" {
			reply(out, 200, api.Statement{Month: "2026-07", Status: api.Final, Rows: []api.StatementRow{}})
			return true
		}
		out.Header().Set("X-Statement-Sha256", strings.Repeat("0", 64))
		_, _ = fmt.Fprint(out, "row 1\n")
		return true
	})
	answer := w.ask(http.MethodGet, "/accounts/"+account+"/statements.csv?month=2026-07", nil)
	if answer.StatusCode < 500 || answer.Header.Get("Content-Disposition") != "" || strings.Contains(answer.text, "row 1") {
		t.Errorf("%d, %v: %.200s", answer.StatusCode, answer.Header, answer.text)
	}
}
