package contract

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// nested renders a stack that template.yaml makes with the parameters that template.yaml gives it.
func nested(t *testing.T, id string, parameters ...string) document {
	t.Helper()
	p := render(t, "template.yaml", parameters...).properties(t, id)
	given, _ := p["Parameters"].(object)
	var list []string
	for name, v := range given {
		list = append(list, name, fmt.Sprint(v))
	}
	return render(t, fmt.Sprint(p["Location"]), list...)
}

const topic = "arn:aws:sns:us-east-1:123456789012:alarms"

func alarms(t *testing.T) map[string]object {
	t.Helper()
	return nested(t, "Alarms", "AlarmTopicArn", topic).ofType("AWS::CloudWatch::Alarm")
}

// kept are the files of metric lines that the tests of the functions keep: what the code writes in a trouble, by alarm,
// and in healthy hours.
func kept(t *testing.T) (troubles map[string][]string, healthy []string) {
	t.Helper()
	troubles = map[string][]string{}
	for _, pattern := range []string{"authorizer", "functions/*"} {
		files, err := filepath.Glob(filepath.Join(root, pattern, "testdata/metrics/*.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if name := strings.TrimSuffix(filepath.Base(file), ".jsonl"); name == "healthy" {
				healthy = append(healthy, file)
			} else {
				troubles[name] = append(troubles[name], file)
			}
		}
	}
	if len(healthy) < 3 {
		t.Errorf("only %d functions keep the metrics of a healthy hour", len(healthy))
	}
	return troubles, healthy
}

// span is the time that data covers, with a day before and after it.
func (d metricData) span() (from, to int64) {
	for _, points := range d {
		for _, p := range points {
			if from == 0 || p.at < from {
				from = p.at
			}
			to = max(to, p.at)
		}
	}
	return from - 86400, to + 2*86400
}

func TestEveryAlarmOnOurMetricsFiresInItsTroubleAndNotInAHealthyHour(t *testing.T) {
	troubles, healthy := kept(t)
	well := metricData{}
	for _, file := range healthy {
		well.readMetrics(t, file)
	}
	for id, alarm := range alarms(t) {
		ours := 0
		all := queries(t, alarm)
		for _, q := range all {
			if q.namespace == ourMetrics {
				ours++
			}
		}
		if ours == 0 {
			continue
		}
		files := troubles[id]
		delete(troubles, id)
		if len(files) == 0 {
			t.Errorf("%s: no function keeps the metrics of its trouble", id)
		}
		for _, file := range files {
			trouble := metricData{}
			trouble.readMetrics(t, file)
			if from, to := trouble.span(); !fires(t, alarm, trouble, from, to) {
				t.Errorf("%s doesn't fire on what the code writes in its trouble, %s", id, file)
			}
		}
		if from, to := well.span(); fires(t, alarm, well, from, to) {
			t.Errorf("%s fires in a healthy hour", id)
		}
	}
	for name, files := range troubles {
		t.Errorf("%v: there is no alarm %s on a metric of ours", files, name)
	}
}

// onAWS are the alarms on metrics that AWS itself publishes: the one metric or the several that each looks at, and a list of
// values for each minute: the least of the trouble that it is there for, and a healthy time that comes as near as it may.
var onAWS = map[string]struct {
	metrics       []string
	trouble, well []minute // without any trouble, nothing at all is published in it
}{
	"GateThrottled":     {[]string{lambda("Authorizer", "Throttles")}, minutes(1, 0, 1, 1, 0, 0), minutes(0, 9, 9, 0, 0, 0, 0, 0, 1, 0)},
	"GateSlow":          {[]string{lambda("Authorizer", "Duration")}, slow(1, 1, 1), slow(0, 50, 50, 0, 50, 0)},
	"ProductsFailing":   {[]string{api("products", "5XXError")}, failing(10, 0, 10, 10, 0), failing(5, 900, 5, 5, 900, 5, 5, 5)},
	"ManagementFailing": {[]string{api("management", "5XXError")}, failing(10, 0, 10, 10, 0), failing(5, 900, 5, 5, 900, 5, 5, 5)},
	"ConsoleFailing":    {[]string{api("console", "5XXError")}, failing(10, 0, 10, 10, 0), failing(5, 900, 5, 5, 900, 5, 5, 5)},
	// People sign in now and then: three who can't in a quarter of an hour are many. One who had to try twice is none.
	"SignInFailing": {[]string{lambda("TokensFunction", "Errors")}, minutes(1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1), minutes(0, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9)},
	"CounterBehind": {[]string{lambda("CounterFunction", "IteratorAge")}, behind, caughtUp},
	"EventsBehind":  {[]string{lambda("EventsFunction", "IteratorAge")}, behind, caughtUp},
	"RecordsSetAside": {
		[]string{named("AWS/S3", "NumberOfObjects", map[string]string{"BucketName": "${FailedRecords}", "StorageType": "AllStorageTypes"})},
		daily(0, 1, 1), daily(0, 0, 0),
	},
	// The job that runs once an hour fails twice, with all its tries in one period each.
	"RotatorFailing": {[]string{lambda("RotatorFunction", "Errors")}, fives(0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0), fives(0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0)},
	"RotatorSilent":  {[]string{lambda("RotatorFunction", "Invocations")}, nil, fives(1, 0, 0, 1, 0, 0, 1)},
	"JobsFailing":    {[]string{lambda("JobsFunction", "Errors")}, daily(0, 3, 0), daily(0, 2, 0)}, // the first try and both others
	"StoreThrottled": {throttled(), minutes(1, 0, 1, 1, 0, 0), minutes(0, 9, 9, 0, 0, 0, 0, 1, 0, 0)},
}

// behind is a stream that is ten minutes behind for five minutes, caughtUp one that is for four, and far.
var (
	behind   = minutes(2e3, 6e5, 6e5, 6e5, 6e5, 6e5)
	caughtUp = minutes(2e3, 9e5, 9e5, 9e5, 9e5, 2e3, 2e3, 59e4, 59e4, 59e4, 59e4, 59e4)
)

type minute []float64

func minutes(values ...float64) []minute {
	var out []minute
	for _, v := range values {
		out = append(out, minute{v})
	}
	return out
}

// spread publishes each value once in so many minutes.
func spread(by int, values ...float64) []minute {
	out := make([]minute, by*len(values))
	for i, v := range values {
		out[i*by] = minute{v}
	}
	return out
}

func fives(values ...float64) []minute { return spread(5, values...) }
func daily(values ...float64) []minute { return spread(1440, values...) }

// failing are minutes with a thousand calls each, of which so many failed.
func failing(failed ...int) []minute {
	var out []minute
	for _, n := range failed {
		one := make(minute, 1000)
		for i := range n {
			one[i] = 1
		}
		out = append(out, one)
	}
	return out
}

// slow are times of five minutes with a hundred calls a minute, of which so many took a second, and now and then one
// took three.
func slow(hundredths ...int) []minute {
	var out []minute
	for _, n := range hundredths {
		for i := range 5 {
			one := make(minute, 100)
			for j := range one {
				one[j] = 12
				if j < n {
					one[j] = 1000
				}
			}
			if i == 0 {
				one[99] = 3000
			}
			out = append(out, one)
		}
	}
	return out
}

func lambda(function, metric string) string {
	return named("AWS/Lambda", metric, map[string]string{"FunctionName": "${" + function + "}"})
}

func api(name, metric string) string {
	return named("AWS/ApiGateway", metric, map[string]string{"ApiName": "${AWS::StackName} " + name, "Stage": "prod"})
}

func onTable(id, metric string) string {
	return named("AWS/DynamoDB", metric, map[string]string{"TableName": "${" + id + "}"})
}

// throttled are the tables and directions that the code uses.
func throttled() (out []string) {
	for _, id := range []string{"GateTable", "ControlTable", "CountersTable"} {
		out = append(out, onTable(id, "ReadThrottleEvents"), onTable(id, "WriteThrottleEvents"))
	}
	return append(out, onTable("LeasesTable", "WriteThrottleEvents"), onTable("SlicesTable", "WriteThrottleEvents"), onTable("QuotasTable", "WriteThrottleEvents"))
}

const someMidnight = 1795219200 // a multiple of 86400

func published(metric string, list []minute) metricData {
	d := metricData{}
	for i, values := range list {
		for _, v := range values {
			d[metric] = append(d[metric], point{at: someMidnight + int64(i)*60, value: v})
		}
	}
	return d
}

func TestEveryAlarmOnAWSMetricsWatchesTheRightPartAndFiresInItsTrouble(t *testing.T) {
	left := maps.Clone(onAWS)
	for id, alarm := range alarms(t) {
		var metrics []string
		for _, q := range queries(t, alarm) {
			if q.expression == "" && q.namespace != ourMetrics {
				metrics = append(metrics, q.metric)
				if !publishedByAWS(q.namespace, q.name, q.dimensions) {
					t.Errorf("%s: AWS publishes no %s", id, q.metric)
				}
			}
		}
		if len(metrics) == 0 {
			continue
		}
		want, ok := onAWS[id]
		delete(left, id)
		if !ok {
			t.Errorf("%s is not in this test", id)
			continue
		}
		slices.Sort(metrics)
		if expected := slices.Sorted(slices.Values(want.metrics)); !slices.Equal(metrics, expected) {
			t.Errorf("%s looks at\n%s, want\n%s", id, strings.Join(metrics, "\n"), strings.Join(expected, "\n"))
		}
		for _, metric := range want.metrics {
			end := int64(someMidnight + 60*len(want.trouble))
			if want.trouble == nil {
				end += 15 * 60
			}
			if !fires(t, alarm, published(metric, want.trouble), someMidnight, end) {
				t.Errorf("%s doesn't fire in its trouble with %s", id, metric)
			}
			if fires(t, alarm, published(metric, want.well), someMidnight, int64(someMidnight+60*len(want.well))) {
				t.Errorf("%s fires in a healthy time with %s", id, metric)
			}
		}
	}
	for id := range left {
		t.Errorf("there is no alarm %s any more", id)
	}
}

// publishes are AWS's metrics with the sets of dimensions that each is published under.
var publishes = map[string]struct{ metrics, dimensions []string }{
	"AWS/Lambda":     {[]string{"Invocations", "Errors", "Throttles", "Duration", "IteratorAge", "ConcurrentExecutions"}, []string{"FunctionName", "FunctionName Resource"}},
	"AWS/ApiGateway": {[]string{"Count", "4XXError", "5XXError", "Latency", "IntegrationLatency"}, []string{"ApiName", "ApiName Stage", "ApiName Method Resource Stage"}},
	"AWS/DynamoDB":   {[]string{"ReadThrottleEvents", "WriteThrottleEvents"}, []string{"TableName", "GlobalSecondaryIndexName TableName"}},
	"AWS/S3":         {[]string{"NumberOfObjects"}, []string{"BucketName StorageType"}},
}

func publishedByAWS(namespace, metric string, dimensions map[string]string) bool {
	p := publishes[namespace]
	return slices.Contains(p.metrics, metric) && slices.Contains(p.dimensions, strings.Join(sorted(dimensions), " "))
}

// The APIs are named in metrics by the title of their definition, and the stage is the API's own.
func TestAPIsAreWatchedUnderTheirNames(t *testing.T) {
	d := render(t, "template.yaml")
	for id, name := range map[string]string{"ProductsApi": "products", "ManagementApi": "management", "ConsoleApi": "console"} {
		p := d.properties(t, id)
		if title := at(p, "DefinitionBody", "info", "title"); title != "${AWS::StackName} "+name || p["StageName"] != "prod" || p["Name"] != nil {
			t.Errorf("%s is called %v, with the name %v and the stage %v", id, title, p["Name"], p["StageName"])
		}
	}
}

func TestEveryAlarmTellsTheTopic(t *testing.T) {
	silent := nested(t, "Alarms").ofType("AWS::CloudWatch::Alarm")
	for id, alarm := range alarms(t) {
		if !slices.Equal(texts(alarm["AlarmActions"]), []string{topic}) || alarm["ActionsEnabled"] != nil {
			t.Errorf("%s tells %v, enabled %v", id, alarm["AlarmActions"], alarm["ActionsEnabled"])
		}
		if silent[id]["AlarmActions"] != nil {
			t.Errorf("%s tells %v, and no topic is given", id, silent[id]["AlarmActions"])
		}
	}
}

// An alarm is looked up by its name: its playbook has the same.
func TestAPlaybookHasTheNameOfItsAlarm(t *testing.T) {
	for id, alarm := range alarms(t) {
		var name strings.Builder
		for i, c := range id {
			if i > 0 && c >= 'A' && c <= 'Z' {
				name.WriteByte('-')
			}
			name.WriteRune(c)
		}
		if want := "docs/playbooks/" + strings.ToLower(name.String()) + ".md"; !strings.HasSuffix(fmt.Sprint(alarm["AlarmDescription"]), " See "+want) {
			t.Errorf("%s: %v, want %s", id, alarm["AlarmDescription"], want)
		}
	}
}

// TestAStackWithAnotherIssuerHasNoAlarmForItsOwnUserPool: it has no such function, and so nothing to look at.
func TestAStackWithAnotherIssuerHasNoAlarmForItsOwnUserPool(t *testing.T) {
	other := nested(t, "Alarms", "OidcIssuer", "https://issuer.example", "OidcClientId", "console").ofType("AWS::CloudWatch::Alarm")
	if other["SignInFailing"] != nil || len(other) != len(alarms(t))-1 {
		t.Errorf("%d alarms, SignInFailing %v", len(other), other["SignInFailing"])
	}
}
