package contract

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	ms   = time.Millisecond
	sec  = time.Second
	mins = time.Minute
	hour = time.Hour
	day  = 24 * hour
)

// times are all periods of the code, once more and as they are meant. A test that takes a promise from the constant that
// it looks at can't fail when that changes.
var times = map[string]time.Duration{
	// The gate: how old a record may be, and what a call may take.
	"authorizer.freshFor":                     5 * sec,
	"authorizer.unprovenFor":                  10 * sec,
	"authorizer.shortestOutageBound":          1 * mins,
	"authorizer.defaultOutageBound":           15 * mins,
	"authorizer.longestOutageBound":           3 * hour,
	"authorizer.readBudget":                   1 * sec,
	"authorizer.firstAttempt":                 400 * ms,
	"authorizer.probeBudget":                  500 * ms,
	"authorizer.answerMargin":                 50 * ms,
	"authorizer.leaseCall":                    300 * ms,
	"authorizer.leaseKept":                    100 * ms,
	"authorizer.correctionBudget":             300 * ms,
	"authorizer.reportBudget":                 300 * ms,
	"authorizer.reportEarly":                  500 * ms,
	"authorizer.flushBudget":                  2 * sec,
	"authorizer.firstPause":                   250 * ms,
	"authorizer.oldRecord":                    10 * mins,
	"authorizer.longestPause":                 2 * sec,
	"authorizer.longestOwnPause":              4 * sec,
	"authorizer.failingFor":                   10 * sec,
	"authorizer.metricsEvery":                 1 * mins,
	"authorizer.connectTimeout":               400 * ms,
	"authorizer.handshakeTimeout":             600 * ms,
	"authorizer.idleTimeout":                  20 * sec,
	"authorizer.keepAlive":                    15 * sec,
	"authorizer{Timeout}":                     400 * ms,
	"authorizer{TLSHandshakeTimeout}":         600 * ms,
	"authorizer{IdleConnTimeout}":             20 * sec,
	"shared/limiter.window":                   1 * sec,
	"shared/limiter.lifeSmall":                100 * ms,
	"shared/limiter.lifeLarge":                1 * sec,
	"shared/limiter.forgive":                  1 * sec,
	"shared/limiter/internal/breaker.Pause":   1 * sec,
	"shared/limiter/internal/breaker.longest": 4 * sec,
	"shared/limiter.longIdle":                 20 * sec,
	"shared/limiter/quota.horizon":            1 * mins,
	"shared/limiter/quota.idleFor":            5 * mins,
	"shared/dynamo/quotas.kept":               40 * day,
	"shared/limiter.expiry":                   1 * day,
	// A failed write of a limit is forgotten.
	"shared/limiter/internal/breaker.failingFor": 10 * sec,
	// Usage: reported every 5 s, kept for 35 days by the hour and 400 by the day.
	"shared/usage.ReportEvery":       5 * sec,
	"shared/usage.MaxReportAge":      3 * day,
	"shared/dynamo/reports.Keep":     4 * day,
	"shared/usage.KeepContributions": 6 * day,
	"shared/usage.KeepHours":         35 * day,
	"shared/usage.KeepDays":          400 * day,
	"functions/counter.margin":       5 * sec,
	"functions/counter.tellFor":      3 * sec,
	"functions/usage.day":            1 * day,
	"functions/qps.evidenceSpan":     30 * day,
	// Keys and rotations.
	"shared/apikey.RestoreWindow":         30 * day,
	"shared/apikey.MaxBlock":              366 * day, // from a block to its end
	"shared/rotation.DefaultGrace":        1 * day,
	"shared/rotation.MaxGrace":            30 * day,
	"shared/finding.UnusedAfter":          90 * day,
	"shared/rotation.AfterCancel":         15 * mins,
	"shared/rotation.RetryAfter":          1 * day,
	"functions/rotator.margin":            20 * sec,
	"functions/jobs.margin":               10 * sec,
	"functions/jobs.compareFor":           62 * day,
	"functions/jobs.lookBack":             4 * day,
	"functions/jobs.givenUp":              day,
	"functions/jobs.mostCompared":         day,
	"functions/jobs.mayExpire":            3 * day,
	"functions/usage.kept":                15 * sec,
	"shared/dynamo/statements.keepMarks":  400 * day,
	"shared/usage/statement.Settles":      4 * day,
	"functions/rotator.settled":           15 * mins,
	"functions/rotator.slowPass":          3 * day,
	"functions/rotator.saveTimeout":       5 * sec,
	"functions/internal/sealing.MaxAge":   5 * mins,
	"functions/internal/sealing{Timeout}": 3 * sec,
	// The management API.
	"shared/dynamo/control.IdempotencyWindow": 1 * day,
	"shared/dynamo/control.keepThresholds":    75 * day,
	"shared/dynamo/control.resolveTimeout":    1 * sec,
	"shared/dynamo.DefaultTimeout":            2 * sec,
	"shared/dynamo.DefaultMaxBackoff":         400 * ms,
	"shared/dynamo/gateclient.skewThreshold":  4 * mins, // AWS takes signatures of 5 minutes before and after
	"shared/dynamo.firstPause":                15 * ms,
	"shared/dynamo.longestPause":              400 * ms,
	"functions/internal/gateway.racePause":    10 * ms,
	"functions/internal/gateway.longestPause": 250 * ms,
	"functions/accounts.invitationLife":       7 * day,
	"functions/internal/web.changesCall":      500 * ms,
	"shared/dynamo/leases.hourKept":           2 * hour,
	"shared/audit.SourceKept":                 400 * day,
	"functions/internal/openid{Timeout}":      3 * sec,
	"functions/internal/openid.retry":         5 * sec,
	"functions/internal/openid.maxAge":        1 * hour,
	"functions/leaks.askAgain":                1 * mins, // for an unknown signer of GitHub's
	"functions/leaks.maxAge":                  1 * hour,
	"functions/leaks.fetchTimeout":            5 * sec,
	"functions/leaks{Timeout}":                5 * sec,
	// The console.
	"functions/console/internal/session.Idle":        2 * hour,
	"functions/console/internal/session.Longest":     12 * hour,
	"functions/console/internal/session.touchAfter":  10 * mins,
	"functions/console.signInLife":                   10 * mins,
	"functions/console.invitationLife":               10 * mins, // of the cookie that waits for the sign-in
	"functions/console.refreshBefore":                1 * mins,
	"functions/console.holdLife":                     20 * sec,
	"functions/console.refreshPause":                 5 * sec,
	"functions/console.longestPause":                 10 * mins,
	"functions/console.eraseTime":                    2 * sec,
	"functions/console.frameTime":                    2 * sec,  // of what stands around a secret
	"functions/console.sweepTime":                    7 * sec,  // in which a change of a selected key may begin
	"functions/console.sentTwice":                    10 * sec, // between two requests of one form
	"functions/console.sweepEnd":                     11 * sec, // of 15 s that the function has
	"functions/console.waitEvery":                    200 * ms,
	"functions/console.lately":                       10 * mins, // in which a change of type is the form's own
	"functions/console.preferenceLife":               365 * day,
	"functions/console.behindLife":                   5 * mins, // of one that a reload shows again
	"functions/console.noteLife":                     2 * mins, // of the cookie between a form and the page that follows
	"functions/console.catalogueLife":                5 * mins,
	"functions/console.countedLife":                  2 * mins, // of the counts of another page
	"functions/console.soonExpired":                  7 * day,
	"functions/console.oneDay":                       1 * day,
	"functions/console.keepHours":                    35 * day,
	"functions/console.keepDays":                     395 * day,
	"functions/console.oneWeek":                      7 * day,
	"functions/console/internal/chart.day":           1 * day,
	"functions/console/internal/management{Timeout}": 12 * sec,
	"functions/console/internal/signin{Timeout}":     8 * sec,
}

// bounds are all numbers of the gate and the limiter, all exported ones, and those unexported ones that a customer or AWS meets.
var bounds = map[string]float64{
	"shared/account.DefaultKeyLimit":                 100,
	"shared/account.MaxInvitations":                  100,
	"shared/account.MaxReason":                       500,
	"shared/account.MaxEmail":                        254,
	"functions/internal/web.MaxSecret":               200,
	"shared/account.MaxQuota":                        1_000_000_000_000,
	"shared/apikey.MaxCap":                           1_000_000_000_000,
	"shared/account.MaxNameRunes":                    64,
	"shared/account.MaxSubject":                      255,
	"shared/account.MaxLifetime":                     3650,
	"shared/usage/statement.MostMonths":              12, // can be closed, and are begun
	"shared/apikey.MaxRetired":                       20,
	"shared/apikey.MaxNameRunes":                     64,
	"shared/apikey.MaxDomains":                       100,
	"shared/apikey.MaxNetworks":                      50,
	"shared/apikey.MaxApps":                          50,
	"shared/appid.MaxName":                           155,
	"shared/authz.MaxRecord":                         16384,
	"shared/apikey.MaxProducts":                      50,
	"shared/apikey.MaxLabels":                        5,
	"shared/apikey.MaxLabelRunes":                    32,
	"shared/apikey.MaxPrefix":                        8,
	"shared/apikey.randomLen":                        27,
	"shared/apikey.checksumLen":                      6,
	"shared/apikey.previewEnds":                      4,
	"shared/qps.MaxJustification":                    2000,
	"shared/qps.MaxComment":                          2000,
	"shared/rotation.MaxEveryDays":                   3650,
	"shared/rotation.MaxNotifyDays":                  90,
	"shared/limiter.smallLimit":                      100,
	"shared/limiter.MaxBounds":                       2,
	"shared/product.MaxAccountQPS":                   20000,
	"shared/limiter.maxTries":                        3,
	"shared/limiter/quota.Slots":                     8,
	"shared/limiter/quota.shares":                    64,
	"shared/limiter/quota.boldest":                   4,
	"shared/limiter.leastShare":                      8,
	"shared/limiter.leasesPerSecond":                 20,
	"shared/limiter.leaseCalls":                      34,
	"shared/limiter.leaseCallsFull":                  64,
	"shared/limiter.ample":                           2,
	"shared/limiter.ampleShare":                      32,
	"shared/limiter.aheadShare":                      4,
	"shared/limiter.idle":                            0.1,
	"shared/limiter.mostProjected":                   4,
	"shared/usage.MaxHosts":                          50,
	"shared/usage.MaxRefusedHosts":                   10,
	"shared/usage.MaxEnvironmentName":                64,
	"shared/usage.SpikeWeeks":                        4,
	"shared/usage.Exhausted":                         100,
	"shared/usage.ShownGroups":                       8,
	"shared/usage.maxCells":                          4096,
	"shared/usage.maxPartBytes":                      48 << 10,
	"shared/dynamo.DefaultAttempts":                  3,
	"shared/dynamo.conflictAttempts":                 8,
	"shared/dynamo.errorAttempts":                    3,
	"shared/dynamo/gateclient.maxAnswer":             4 << 20,
	"shared/dynamo/gateclient.maxDepth":              80,
	"shared/dynamo/counters.MaxItems":                100,
	"shared/dynamo/quotas.maxBatch":                  100,
	"authorizer.sampleEvery":                         100,
	"authorizer.maxLatencies":                        100,
	"authorizer.maxFailing":                          64,
	"authorizer.maxLimits":                           8192,
	"authorizer.knownBytes":                          64 << 20,
	"authorizer.unknownBytes":                        4 << 20,
	"authorizer.entryCost":                           320,
	"authorizer.accountCost":                         320,
	"authorizer.protectedShare":                      80,
	"authorizer.idleConnections":                     4,
	"authorizer.maxField":                            253,
	"authorizer.refusalsPerKey":                      50,
	"authorizer.maxLoggedKeys":                       4096,
	"authorizer.maskedRun":                           24,
	"authorizer.maxUnescapes":                        4,
	"functions/internal/gateway.MaxBody":             64 << 10,
	"shared/strictjson.maxDepth":                     16,
	"functions/internal/gateway.defaultPageSize":     50,
	"functions/internal/gateway.maxPageToken":        2048,
	"functions/internal/gateway.maxPageSize":         100,
	"functions/accounts.maxKeyLimit":                 100000,
	"functions/rotation.defaultNotifyDays":           7,
	"functions/rotator.recoveryDays":                 7,
	"functions/rotator.maxSteps":                     12,
	"shared/apikey.MaxPlace":                         500,
	"functions/leaks.maxReport":                      1 << 20,
	"functions/leaks.maxItems":                       1000,
	"functions/jobs.maxNamed":                        10,
	"shared/dynamo/statements.MostParts":             90,
	"shared/dynamo/statements.MostAdjusted":          1000,
	"functions/counter.maxQuarantined":               350 << 10,
	"functions/events.maxEntries":                    10,
	"functions/events.maxBytes":                      240 << 10,
	"functions/usage.mostKeys":                       500,
	"functions/usage.mostLines":                      15000,
	"functions/usage.mostOfMonth":                    5000, // keys of an open month; more are together
	"functions/console.mostKeys":                     500,
	"functions/console.restoreDays":                  30,
	"functions/console.evidenceDays":                 30, // of a QPS request, as functions/qps shows them
	"functions/console.mostLabels":                   50, // those of functions/keys
	"functions/keys.mostLabels":                      50,
	"functions/console.maxForm":                      256 << 10,
	"functions/console.eraseParts":                   8,
	"functions/console.exportPages":                  20,
	"functions/console.exportBytes":                  3 << 20,
	"functions/console/internal/session.secretBytes": 32,
	"shared/dynamo/control.MostOfOverview":           100,
	"shared/dynamo/control.MostLooked":               1000,
	"shared/dynamo/control.MostSearched":             250,
	"shared/dynamo/control.perAccount":               50,
	"shared/dynamo/control.sideBySide":               10,
	"shared/apikey/search.Most":                      64,
	"functions/console.mostSorted":                   1000,
	"functions/accounts.legacyPages":                 10,
	"functions/accounts.fewWaiting":                  10,
	"functions/accounts.mostLooked":                  1000,
	"functions/console/internal/brand.MostName":      40,
	"functions/console/internal/brand.LeastContrast": 4.5,
	// Sign-ins and sessions.
	"functions/console/internal/session.MostOfOnePerson": 20,
	"functions/console.mostSignIns":                      5,
	"functions/console.longestBack":                      600,
	"functions/console.longestCookie":                    4096, // of all browsers
	"functions/console.longestID":                        40,
	"functions/console/internal/signin.LongestPending":   1100,
	"functions/console.keepTries":                        3,
	"functions/console.mostUnkept":                       100,
	"functions/console/internal/session.mostNewer":       5,
	"functions/console.waits":                            15,
}

func TestEveryPeriodAndBoundIsAsPromised(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range constantsOf(t) {
		seen[c.name] = true
		want, ok := bounds[c.name]
		if c.duration {
			var d time.Duration
			d, ok = times[c.name]
			want = d.Seconds()
		}
		switch {
		case !ok && (c.duration || c.exported || strings.HasPrefix(c.name, "authorizer.") || strings.HasPrefix(c.name, "shared/limiter.")):
			t.Errorf("%s is not in this test", c.name)
		case ok && fmt.Sprint(c.value) != fmt.Sprint(want):
			t.Errorf("%s is %v, want %v", c.name, c.value, want)
		}
	}
	for name := range times {
		if !seen[name] {
			t.Errorf("%s is gone, or is not a constant any more", name)
		}
	}
	for name := range bounds {
		if !seen[name] {
			t.Errorf("%s is gone, or is not a constant any more", name)
		}
	}
}

// What must hold between the numbers of the code, those of the template and those of AWS. Everyone who changes one number in
// the tables above meets here what else has to change.
func TestPeriodsFitTogether(t *testing.T) {
	d := render(t, "template.yaml", "UpstreamUrl", "https://up.example")
	inSeconds := func(v any) time.Duration {
		n, _ := v.(int)
		return time.Duration(n) * sec
	}
	function := func(id string) time.Duration { return inSeconds(d.properties(t, id)["Timeout"]) }
	stream := func(function, event, property string) any {
		return at(d.properties(t, function), "Events", event, "Properties", property)
	}
	p := times
	gate := function("Authorizer")
	age := inSeconds(stream("CounterFunction", "Slices", "MaximumRecordAgeInSeconds"))
	window := inSeconds(stream("CounterFunction", "Slices", "MaximumBatchingWindowInSeconds"))
	schedule := 5 * mins // of the rotation; TestEverySourceOfEventsIsOn
	client := d.properties(t, "UserPoolClient")
	refreshDays, _ := client["RefreshTokenValidity"].(int)
	refresh := time.Duration(refreshDays) * day
	access, _ := client["AccessTokenValidity"].(int)
	read := time.Duration(bounds["shared/dynamo.DefaultAttempts"])*p["shared/dynamo.DefaultTimeout"] + 2*p["shared/dynamo.DefaultMaxBackoff"]

	type order struct {
		why  string
		list []time.Duration // each larger than the one before
	}
	for _, o := range []order{
		{"a record is fresh, then unproven, then no longer usable", []time.Duration{p["authorizer.freshFor"], p["authorizer.unprovenFor"], p["authorizer.shortestOutageBound"]}},
		{"a change is obeyed in 10 s: a fresh record, the breaker's longest pause and one call's reads", []time.Duration{
			p["authorizer.freshFor"] + p["authorizer.longestPause"] + p["authorizer.readBudget"], 10 * sec,
		}},
		{"the same with the pause of a secret that alone can't be read, at most", []time.Duration{
			p["authorizer.freshFor"] + p["authorizer.longestOwnPause"] + p["authorizer.readBudget"], 10*sec + 1,
		}},
		{"the rest of one limit that fails on is longer than that of all, and shorter than it is remembered", []time.Duration{p["shared/limiter/internal/breaker.Pause"], p["shared/limiter/internal/breaker.longest"], p["shared/limiter/internal/breaker.failingFor"]}},
		{"the pause of one secret is longer than the breaker's", []time.Duration{p["authorizer.firstPause"], p["authorizer.longestPause"], p["authorizer.longestOwnPause"], p["authorizer.failingFor"]}},
		{"a read has time for a second attempt", []time.Duration{2 * p["authorizer.firstAttempt"], p["authorizer.readBudget"]}},
		{"of what leases may take, more is the key's than is kept for the account's", []time.Duration{2 * p["authorizer.leaseKept"], p["authorizer.leaseCall"]}},
		{"a probe takes less than a read", []time.Duration{p["authorizer.probeBudget"], p["authorizer.readBudget"]}},
		{"connecting fits into a first attempt, at most", []time.Duration{p["authorizer{Timeout}"], p["authorizer.firstAttempt"] + 1}},
		{"a TLS handshake takes all of the second attempt, at most", []time.Duration{p["authorizer{TLSHandshakeTimeout}"], p["authorizer.readBudget"] - p["authorizer.firstAttempt"] + 1}},
		{"an unused connection is closed before it is forgotten on the way", []time.Duration{p["authorizer{IdleConnTimeout}"], mins}},
		{"what a call may wait for in an outage: read, lease and report", []time.Duration{
			p["authorizer.readBudget"] + p["authorizer.leaseCall"] + p["authorizer.reportBudget"], 2 * sec,
		}},
		{"the gate answers before Lambda ends it: read, lease, report and margin", []time.Duration{
			p["authorizer.readBudget"] + p["authorizer.leaseCall"] + p["authorizer.reportBudget"] + p["authorizer.answerMargin"], gate,
		}},
		{"API Gateway waits 29 s at most", []time.Duration{gate, 29 * sec}},
		{"a report is early by more than a read's first attempt, and by less than half of its period", []time.Duration{p["authorizer.firstAttempt"], p["authorizer.reportEarly"], p["shared/usage.ReportEvery"] / 2}},
		{"the call that reads a record in constant use is the one that reports", []time.Duration{
			p["shared/usage.ReportEvery"] - p["authorizer.reportEarly"] - 1, p["authorizer.freshFor"], p["shared/usage.ReportEvery"] + 1,
		}},
		{"metrics come at least once in an alarm's minute", []time.Duration{p["authorizer.metricsEvery"], mins + 1}},
		{"usage is seen a few seconds after its call", []time.Duration{p["shared/usage.ReportEvery"] + window, 10 * sec}},
		{"a report outlives its stream, and its parts outlive every replay of it", []time.Duration{
			age, day, p["shared/usage.MaxReportAge"], p["shared/dynamo/reports.Keep"], p["shared/usage.KeepContributions"], p["shared/usage.KeepHours"], p["shared/usage.KeepDays"],
		}},
		{"what an environment contributed outlives every replay, and two days of delay", []time.Duration{p["shared/usage.MaxReportAge"] + 2*day, p["shared/usage.KeepContributions"]}},
		{"the alarm on a stream's age rings long before a record is set aside", []time.Duration{10 * mins, age / 2}},
		{"a record that was set aside outlives its stream", []time.Duration{day, 90 * day}},
		{"hours are kept for the evidence of a QPS request", []time.Duration{p["functions/qps.evidenceSpan"], p["shared/usage.KeepHours"]}},
		{"the console asks for no hours that are gone", []time.Duration{p["functions/console.keepHours"], p["shared/usage.KeepHours"] + 1}},
		{"nor for days", []time.Duration{p["functions/console.keepDays"], p["shared/usage.KeepDays"]}},
		{"the counter has time to work and to answer", []time.Duration{2 * p["functions/counter.margin"], function("CounterFunction")}},
		{"a rotation run ends before the next begins", []time.Duration{p["functions/rotator.margin"], function("RotatorFunction"), schedule}},
		{"what was told of a quota is known while its month's calls are counted", []time.Duration{31*day + p["shared/usage.MaxReportAge"] + day, p["shared/dynamo/control.keepThresholds"]}},
		{"a statement is written when no report of its month is counted any more, and none is in the stream", []time.Duration{p["shared/usage.MaxReportAge"] + day - 1, p["shared/usage/statement.Settles"]}},
		{"what the stream gave up on is compared while it may be counted, and again while it is there", []time.Duration{
			age, p["functions/jobs.givenUp"], p["functions/jobs.givenUp"] + day, p["shared/usage.MaxReportAge"], p["shared/dynamo/reports.Keep"],
		}},
		{"what is set aside is looked at while contributions are kept", []time.Duration{p["shared/usage/statement.Settles"], p["shared/usage.KeepContributions"]}},
		{"a record that is left aside keeps its mark while it is there", []time.Duration{p["shared/usage.KeepHours"], p["shared/dynamo/statements.keepMarks"]}},
		{"a job that reports has time to work, and ends within Lambda's own bound", []time.Duration{2 * p["functions/jobs.margin"], function("JobsFunction"), 15 * mins}},
		{"Cognito waits 5 s for its trigger", []time.Duration{function("TokensFunction"), 5*sec + 1}},
		{"a grace is at most the longest one", []time.Duration{p["shared/rotation.DefaultGrace"], p["shared/rotation.MaxGrace"]}},
		{"by default a cancelled secret opens until the gate can't know it any more, at least", []time.Duration{p["authorizer.defaultOutageBound"] - 1, p["shared/rotation.AfterCancel"]}},
		{"no environment seals by a data key that is dropped", []time.Duration{2 * p["functions/internal/sealing.MaxAge"], p["functions/rotator.settled"], hour}},
		{"a lease's token lives no longer than its window", []time.Duration{p["shared/limiter.lifeSmall"], p["shared/limiter.lifeLarge"], p["shared/limiter.window"] + 1}},
		{"clocks may be wrong by 5 s and a request under way for 8 s, which leaves a window", []time.Duration{18*sec + p["shared/limiter.window"], p["shared/limiter.longIdle"]}},
		{"an item is kept until no clocks can disagree about its window", []time.Duration{1000 * p["shared/limiter.longIdle"], p["shared/limiter.expiry"]}},
		{"a repeated request is known for longer than DynamoDB knows its token", []time.Duration{10 * mins, p["shared/dynamo/control.IdempotencyWindow"]}},
		{"a function reads the store with all its attempts, and answers", []time.Duration{read, function("KeysFunction")}},
		{"and fetches the issuer's keys besides", []time.Duration{read + p["functions/internal/openid{Timeout}"], function("KeysFunction")}},
		{"GitHub's keys are fetched before API Gateway gives up", []time.Duration{p["functions/leaks.fetchTimeout"] + read, function("LeaksFunction"), 30 * sec}},
		{"a lost answer is looked up within the call", []time.Duration{read + p["shared/dynamo/control.resolveTimeout"], function("KeysFunction")}},
		{"the console waits for the API for less than it may take itself", []time.Duration{p["functions/console/internal/signin{Timeout}"], p["functions/console/internal/management{Timeout}"], function("ConsoleFunction")}},
		{"a session that is used is noted before it would end", []time.Duration{p["functions/console/internal/session.touchAfter"], p["functions/console/internal/session.Idle"], p["functions/console/internal/session.Longest"], refresh}},
		{"tokens are renewed before they end", []time.Duration{p["functions/console.refreshBefore"], time.Duration(access) * hour}},
		{"an invitation waits for as long as a sign-in takes, at least", []time.Duration{p["functions/console.signInLife"], p["functions/console.invitationLife"] + 1, p["functions/accounts.invitationLife"]}},
	} {
		for i := 1; i < len(o.list); i++ {
			if o.list[i-1] >= o.list[i] {
				t.Errorf("%s: %v is not less than %v", o.why, o.list[i-1], o.list[i])
			}
		}
	}
	for id := range d.ofType("AWS::Serverless::Function") {
		if behind := id != "CounterFunction" && id != "EventsFunction" && id != "RotatorFunction" && id != "JobsFunction"; behind && function(id) > 29*sec {
			t.Errorf("%s takes %v, and API Gateway waits 29 s", id, function(id))
		}
	}
	for _, r := range routes(d) {
		if wait := at(r.operation, "x-amazon-apigateway-integration", "timeoutInMillis"); wait != nil && wait != 29000 {
			t.Errorf("%s waits %v ms", r.path, wait)
		}
	}
}

// Sizes within those of AWS, and the same number on both sides of a contract.
func TestBoundsFitTogether(t *testing.T) {
	n := bounds
	for _, o := range []struct {
		why         string
		small, most float64
	}{
		{"a DynamoDB item is 400 KB at most", n["functions/counter.maxQuarantined"], 400<<10 - 1024},
		{"the gate reads the largest item, of empty texts: 9 bytes of JSON for each byte", 9 * 400 << 10, n["shared/dynamo/gateclient.maxAnswer"]},
		{"and the deepest one: 32 levels, each of which is two in JSON", 3 + 2*32, n["shared/dynamo/gateclient.maxDepth"]},
		{"a report is an item, too", n["shared/usage.maxPartBytes"], 400 << 10},
		{"a transaction has 100 items at most", n["shared/dynamo/counters.MaxItems"], 100},
		{"PutEvents takes ten entries", n["functions/events.maxEntries"], 10},
		{"and 256 KB", n["functions/events.maxBytes"], 256 << 10},
		{"an embedded metric has 100 values at most", n["authorizer.maxLatencies"], 100},
		{"a page by default is a page", n["functions/internal/gateway.defaultPageSize"], n["functions/internal/gateway.maxPageSize"]},
		{"what the gate keeps fits into its memory, with room for the program", n["authorizer.knownBytes"] + n["authorizer.unknownBytes"], leastValue(t, "GateMemory") * (1 << 20) / 3},
		{"made-up secrets take a tenth of what the gate keeps, at most", n["authorizer.unknownBytes"] * 10, n["authorizer.knownBytes"]},
		{"the console shows as many keys as the API gives", n["functions/console.mostKeys"], n["functions/usage.mostKeys"]},
		{"one form to erase a person stays below the changes that a person may make in a second", n["functions/console.eraseParts"] + 1, 10},
		{"a file of the export fits into the answer of a function, with what its last page may add", n["functions/console.exportBytes"], 5 << 20},
		{"a notice comes before its rotation", n["functions/rotation.defaultNotifyDays"], n["shared/rotation.MaxNotifyDays"]},
		{"an account's first limit is one that an operator could set", n["shared/account.DefaultKeyLimit"], n["functions/accounts.maxKeyLimit"]},
	} {
		if o.small > o.most {
			t.Errorf("%s: %v is more than %v", o.why, o.small, o.most)
		}
	}
	if days := times["shared/apikey.RestoreWindow"] / day; float64(days) != n["functions/console.restoreDays"] {
		t.Errorf("keys can be restored for %d days, the console says %v", days, n["functions/console.restoreDays"])
	}
	if days := times["functions/qps.evidenceSpan"] / day; float64(days) != n["functions/console.evidenceDays"] {
		t.Errorf("operators see %d days of evidence, the console shows %v", days, n["functions/console.evidenceDays"])
	}
	if all, shown := n["functions/keys.mostLabels"], n["functions/console.mostLabels"]; all != shown {
		t.Errorf("%v labels are listed, the console takes %v for all", all, shown)
	}
}
