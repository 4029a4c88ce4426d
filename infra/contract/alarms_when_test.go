package contract

import (
	"slices"
	"testing"
)

// rings is the condition on which an alarm calls somebody: so many of so many periods, in seconds, at or beyond a threshold. Sooner would
// wake people for what heals itself, later would tell of a trouble when its customers have. The playbooks and the
// descriptions of the alarms say the same in words.
type rings struct {
	datapoints, periods, seconds int
	statistic                    string
	threshold                    any
}

var whenAlarmsRing = map[string]rings{
	"GateUnavailable":   {3, 5, 60, "Sum", 10},       // a few unknown keys in a short outage are no news
	"GateThrottled":     {3, 5, 60, "Sum", 1},        // a burst may be throttled while Lambda grows
	"GateSlow":          {3, 3, 300, "p99", 1000},    // a deployment starts many environments at once
	"LimitsSuspended":   {3, 5, 60, "Sum", 1},        // a single lease may fail
	"RecordsUnreadable": {1, 1, 300, "Sum", 1},       // none may be unreadable
	"RecordsOld":        {1, 1, 60, "Sum", 1},        // each minute of it is one in which a revoked key may work
	"UsageSetAside":     {1, 1, 300, "Sum", 1},       // none may be set aside
	"UsageUnreported":   {2, 3, 300, "Sum", 0.5},     // what fails is in the next report
	"UsageDropped":      {1, 1, 300, "Sum", 1},       // it is lost
	"GateDrift":         {1, 1, 86400, "Maximum", 1}, // the job runs once a day: a shorter period would be over at once
	"ProductsFailing":   {3, 5, 60, "Average", 0.01},
	"ManagementFailing": {3, 5, 60, "Average", 0.01},
	"ConsoleFailing":    {3, 5, 60, "Average", 0.01},
	"SignInFailing":     {3, 15, 60, "Sum", 1},         // few people sign in at a time
	"CounterBehind":     {5, 5, 60, "Maximum", 600000}, // ten minutes, of six hours until records are set aside
	"EventsBehind":      {5, 5, 60, "Maximum", 600000},
	"RecordsSetAside":   {1, 1, 86400, "Maximum", 1}, // S3 counts its objects once a day
	"RotatorFailing":    {2, 15, 300, "Sum", 1},      // the next run does what one left; the keyring's is an hour later
	"RotatorSilent":     {3, 3, 300, "Sum", 1},       // a quarter of an hour: three runs
	"JobsFailing":       {1, 1, 86400, "Sum", 3},     // once a day, and Lambda tries twice more
	"LeaksFailing":      {1, 1, 300, "Sum", 1},       // GitHub may not repeat a report
	"WidePatterns":      {1, 1, 86400, "Maximum", 1}, // as GateDrift
	"CatalogueConflict": {1, 1, 3600, "Maximum", 1},  // the job runs once an hour
	"StatementsWaiting": {1, 1, 3600, "Maximum", 1},  // the job runs once an hour
	"StatementsDiffer":  {1, 1, 86400, "Maximum", 1}, // as GateDrift
	"StoreThrottled":    {3, 5, 60, "Sum", 1},        // a table on demand may be throttled while it grows
}

func TestAlarmsRingWhenTheyShould(t *testing.T) {
	all := alarms(t)
	for id, alarm := range all {
		want, ok := whenAlarmsRing[id]
		if !ok {
			t.Errorf("%s is not in this test", id)
			continue
		}
		for _, q := range queries(t, alarm) {
			if q.expression == "" && (q.statistic != want.statistic || q.period != int64(want.seconds)) {
				t.Errorf("%s looks at the %s of %d s, want the %s of %d s", id, q.statistic, q.period, want.statistic, want.seconds)
			}
		}
		if alarm["DatapointsToAlarm"] != want.datapoints || alarm["EvaluationPeriods"] != want.periods || alarm["Threshold"] != want.threshold {
			t.Errorf("%s rings after %v of %v periods at %v, want %+v", id, alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"], alarm["Threshold"], want)
		}
		if comparison := alarm["ComparisonOperator"]; comparison != "GreaterThanOrEqualToThreshold" && (id != "RotatorSilent" || comparison != "LessThanThreshold") {
			t.Errorf("%s compares by %v", id, comparison)
		}
		if alarm["Unit"] != nil || alarm["EvaluateLowSampleCountPercentile"] != nil {
			t.Errorf("%s: units and low counts would hide values", id)
		}
	}
	for id := range whenAlarmsRing {
		if all[id] == nil {
			t.Errorf("there is no alarm %s any more", id)
		}
	}
}

// A new stack, a night without calls: what isn't called has no metrics. Only the rotator runs always.
func TestSilenceIsATroubleOfTheRotatorAlone(t *testing.T) {
	for id, alarm := range alarms(t) {
		if rang := fires(t, alarm, metricData{}, someMidnight, someMidnight+2*86400); rang != (id == "RotatorSilent") {
			t.Errorf("%s rings without any data: %v", id, rang)
		}
	}
}

// The same trouble spread over a fleet: each environment meets it once, beside as many that don't meet it.
func TestATroubleOfAFleetRingsAsThatOfOneEnvironment(t *testing.T) {
	troubles, _ := kept(t)
	for id, alarm := range alarms(t) {
		for _, file := range troubles[id] {
			one, fleet := metricData{}, metricData{}
			one.readMetrics(t, file)
			for metric, points := range one {
				for _, p := range points {
					if p.unit != "Count" { // an age is met as it is, not in parts
						fleet[metric] = append(fleet[metric], p)
						continue
					}
					alone := p
					alone.value = 1
					none := p
					none.value = 0
					fleet[metric] = append(fleet[metric], slices.Repeat([]point{alone}, int(p.value))...)
					fleet[metric] = append(fleet[metric], none, none)
				}
			}
			if from, to := fleet.span(); !fires(t, alarm, fleet, from, to) {
				t.Errorf("%s doesn't fire where many environments meet its trouble once each", id)
			}
		}
	}
}
