package contract

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

// notOurForm are the places that write a time in another form than shared/moment, with the reason.
var notOurForm = map[string]string{
	"shared/telemetry/start.go":                     "a log line has the form of the others, which the standard library writes",
	"shared/usage/report.go":                        "an error for the log",
	"functions/rotator/delivery.go":                 "a digest, which must stay as it is for deliveries on their way",
	"functions/rotator/handler.go":                  "what a job is sent",
	"functions/console/templates.go":                "a page",
	"functions/console/usage.go":                    "a request",
	"functions/console/qps_form.go":                 "a request",
	"functions/console/proposal.go":                 "a request",
	"functions/console/internal/session/session.go": "sealed, and read by itself alone",
}

var ownForm = regexp.MustCompile("Format\\(time\\.RFC3339|\\btime\\.Time\\s+`json:")

// What is answered, stored or sent has its times by shared/moment, so that each has the same width.
func TestTimesAreWrittenByOnePackage(t *testing.T) {
	found := map[string]bool{}
	for file, text := range vocabulary(t) {
		product := strings.HasPrefix(file, "functions/") || strings.HasPrefix(file, "shared/") || strings.HasPrefix(file, "authorizer/")
		if !product || path.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "shared/keytest/") || !ownForm.MatchString(text) {
			continue
		}
		found[file] = true
		if notOurForm[file] == "" {
			t.Errorf("%s writes a time in a form of its own", file)
		}
	}
	for file := range notOurForm {
		if !found[file] {
			t.Errorf("nothing needs the excuse for %s any more", file)
		}
	}
}
