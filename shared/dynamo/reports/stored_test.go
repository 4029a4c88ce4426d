package reports_test

import (
	"testing"

	"latchkey/shared/dynamo/reports"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

// TestAReportIsStoredAsItAlwaysWas: environments of one release write what the counter of another one reads.
func TestAReportIsStoredAsItAlwaysWas(t *testing.T) {
	keytest.KeepStored(t, "slices", reports.Encode(usage.Report{
		Environment: "environment.3", Sequence: 17, Part: 2, At: keytest.Now,
		Entries: []usage.Entry{
			{
				Subject: usage.Subject{Account: acct, Key: key, Product: "search"}, Hour: usage.HourOf(keytest.Now),
				Counts: usage.Counts{"c:c:allowed": 5, "m:07": 2, "o:example.com:allowed": 5, "l:0123456789": 29_000_000, "b:tiles:freemium:allowed": 5},
			},
			{Subject: usage.Subject{Account: acct, Key: key}, Hour: usage.HourOf(keytest.Now) - 1, Counts: usage.Counts{"c:p:product_not_allowed": 1}},
		},
	}))
}
