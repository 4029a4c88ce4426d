package apitest

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

var (
	anyTime   = regexp.MustCompile(`\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)`)
	wholeTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)
)

// checkTimes wants every time of an answer in one width: texts that are compared or sorted as such are then in the order of time.
func checkTimes(t testing.TB, c Call, answer Answer) {
	t.Helper()
	if kind := answer.Header.Get("Content-Type"); answer.Status >= http.StatusBadRequest || !strings.HasPrefix(kind, "application/json") && !strings.HasPrefix(kind, "text/csv") ||
		strings.HasPrefix(c.Path, "/v1/openapi") {
		return
	}
	for _, at := range anyTime.FindAllString(string(answer.Body)+"\n"+answer.Header.Get("X-Fresh-At"), -1) {
		if !wholeTime.MatchString(at) {
			t.Errorf("%s %s: the time %s isn't of the width of 2006-01-02T15:04:05.000Z", c.Method, c.Path, at)
		}
	}
}
