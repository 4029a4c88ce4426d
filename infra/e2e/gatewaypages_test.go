package e2e

import (
	"strings"
	"testing"
)

// TestTheConsoleAnswersInPagesWhereItsFunctionIsNotAsked: a browser shows them; API Gateway's own JSON is for programs.
func TestTheConsoleAnswersInPagesWhereItsFunctionIsNotAsked(t *testing.T) {
	a := wired(t, shared.ConsoleURL, "TRACE / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer abc.def\r\n\r\n")
	page := string(a.body)
	if a.status != 404 || a.header.Get("Content-Type") != "text/html; charset=utf-8" || a.header.Get("Content-Security-Policy") != "sandbox" ||
		!strings.Contains(page, "<h1>There is no such page</h1>") || !strings.Contains(page, "<p>Request: "+a.header.Get("X-Request-Id")+"</p>") || strings.Contains(page, "abc") {
		t.Errorf("%d %v %s", a.status, a.header, page)
	}
}
