package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
)

func TestEveryFunctionIsBuiltAndLoggedAlike(t *testing.T) {
	d := render(t, "template.yaml")
	groups := map[any]string{}
	folders := map[any]bool{}
	for id, p := range d.ofType("AWS::Serverless::Function") {
		for name, want := range map[string]any{
			"Runtime": "provided.al2023", "Handler": "bootstrap", "Tracing": "Active", "PackageType": nil,
		} {
			if p[name] != want {
				t.Errorf("%s: %s is %v, want %v", id, name, p[name], want)
			}
		}
		// By one rule, which has the flags; infra/build tests what it makes.
		how := map[string]any{"BuildMethod": "makefile", "ContextPath": "infra/build/arm64", "WorkingDirectory": "."}
		if at(p, "Architectures", "0") != "arm64" || !reflect.DeepEqual(at(d.Resources[id], "Metadata"), how) {
			t.Errorf("%s: built for %v by %v", id, p["Architectures"], at(d.Resources[id], "Metadata"))
		}
		folder := "functions/" + strings.ToLower(strings.TrimSuffix(id, "Function")) + "/"
		if id == "Authorizer" {
			folder = "authorizer/"
		}
		if p["CodeUri"] != folder || folders[folder] {
			t.Errorf("%s: code in %v, want %s", id, p["CodeUri"], folder)
		}
		folders[folder] = true

		group := strings.Trim(fmt.Sprint(at(p, "LoggingConfig", "LogGroup")), "${}")
		if at(p, "LoggingConfig", "LogFormat") != "JSON" || groups[group] != "" {
			t.Errorf("%s logs to %s (of %q) as %v", id, group, groups[group], at(p, "LoggingConfig", "LogFormat"))
		}
		groups[group] = id
		if days := at(d.Resources[group], "Properties", "RetentionInDays"); days == nil || days == "" {
			t.Errorf("%s: the logs in %s are kept for ever", id, group)
		}
	}
	if len(folders) != 14 {
		t.Errorf("%d functions, want 14", len(folders))
	}
	for id, p := range render(t, "template.yaml", "AccessLogs", "on").ofType("AWS::Logs::LogGroup") {
		if p["RetentionInDays"] == nil {
			t.Errorf("%s is kept for ever", id)
		}
	}
}

func TestTables(t *testing.T) {
	d := render(t, "template.yaml")
	tables := d.ofType("AWS::DynamoDB::Table")
	for id, want := range map[string]struct {
		keys   string
		ttl    any
		stream any
		pitr   any
		policy string
	}{
		"ControlTable":    {"pk S, sk S", "ttl", "NEW_AND_OLD_IMAGES", true, "Retain"},
		"GateTable":       {"pk S", nil, nil, true, "Retain"},
		"LeasesTable":     {"pk S, sk N", "ttl", nil, nil, "Delete"},
		"QuotasTable":     {"pk S, sk S", "ttl", nil, true, "Retain"},
		"StatementsTable": {"pk S, sk S", "ttl", nil, true, "Retain"},
		"SlicesTable":     {"pk S, sk S", "ttl", "NEW_IMAGE", nil, "Retain"},
		"CountersTable":   {"pk S, sk S", "ttl", nil, true, "Retain"},
		"SessionsTable":   {"pk S", "ttl", nil, nil, "Delete"},
	} {
		p := tables[id]
		delete(tables, id)
		types := map[any]any{}
		attributes, _ := p["AttributeDefinitions"].(list)
		for _, a := range attributes {
			types[at(a, "AttributeName")] = at(a, "AttributeType")
		}
		var keys []string
		schema, _ := p["KeySchema"].(list)
		for _, k := range schema {
			keys = append(keys, fmt.Sprint(at(k, "AttributeName"), " ", types[at(k, "AttributeName")]))
		}
		for what, pair := range map[string][2]any{
			"keys":             {strings.Join(keys, ", "), want.keys},
			"TTL":              {at(p, "TimeToLiveSpecification", "AttributeName"), want.ttl},
			"stream":           {at(p, "StreamSpecification", "StreamViewType"), want.stream},
			"PITR":             {at(p, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"), want.pitr},
			"billing":          {p["BillingMode"], "PAY_PER_REQUEST"},
			"encryption":       {at(p, "SSESpecification", "SSEEnabled"), true},
			"deletion":         {strings.TrimSuffix(fmt.Sprint(at(d.Resources[id], "DeletionPolicy")), "ExceptOnCreate"), want.policy},
			"replacement":      {at(d.Resources[id], "UpdateReplacePolicy"), want.policy},
			"deletion is held": {p["DeletionProtectionEnabled"], want.pitr},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s: %s is %v, want %v", id, what, pair[0], pair[1])
			}
		}
		if p["TableName"] != nil {
			t.Errorf("%s: an explicit name prevents a second stack", id)
		}
	}
	for id := range tables {
		t.Errorf("%s is not in this test", id)
	}
	for i, want := range []string{"lookup ALL gpk gsk", "names KEYS_ONLY npk nsk"} {
		index := at(d.properties(t, "ControlTable"), "GlobalSecondaryIndexes", fmt.Sprint(i))
		if got := fmt.Sprint(at(index, "IndexName"), " ", at(index, "Projection", "ProjectionType"), " ", at(index, "KeySchema", "0", "AttributeName"), " ", at(index, "KeySchema", "1", "AttributeName")); got != want {
			t.Errorf("index %s, want %s", got, want)
		}
	}
}

// A poison record may hold up its shard for some tries, never for a day, and is not lost after them. An outage of an hour costs none: the alarms
// about what is behind ring within it.
func TestStreamsCannotBeBlocked(t *testing.T) {
	d := render(t, "template.yaml")
	streams := 0
	for id, p := range d.ofType("AWS::Serverless::Function") {
		events, _ := p["Events"].(object)
		for name, e := range events {
			if at(e, "Type") != "DynamoDB" {
				continue
			}
			streams++
			s := at(e, "Properties")
			for property, want := range map[string]any{
				"BisectBatchOnFunctionError": true, "StartingPosition": "TRIM_HORIZON", "MaximumRetryAttempts": 10,
			} {
				if at(s, property) != want {
					t.Errorf("%s.%s: %s is %v, want %v", id, name, property, at(s, property), want)
				}
			}
			if at(s, "FunctionResponseTypes", "0") != "ReportBatchItemFailures" {
				t.Errorf("%s.%s reports no single failures", id, name)
			}
			if age, _ := at(s, "MaximumRecordAgeInSeconds").(int); age < 3600 || age >= 86400 {
				t.Errorf("%s.%s holds records for %d s", id, name, age)
			}
			if at(s, "DestinationConfig", "OnFailure", "Type") != "S3" {
				t.Errorf("%s.%s: only S3 is given the record itself", id, name)
			}
			filter, _ := at(s, "FilterCriteria", "Filters", "0", "Pattern").(string)
			if !json.Valid([]byte(filter)) {
				t.Errorf("%s.%s: filter %q", id, name, filter)
			}
		}
	}
	if streams != 2 {
		t.Errorf("%d streams, want those of slices and control", streams)
	}
}

// scheduled are the events of the functions that schedules call, by name.
func scheduled(t *testing.T) object {
	t.Helper()
	all := object{}
	for _, id := range []string{"RotatorFunction", "JobsFunction"} {
		events, _ := render(t, "template.yaml").properties(t, id)["Events"].(object)
		maps.Copy(all, events)
	}
	return all
}

func TestSchedules(t *testing.T) {
	jobs := map[string]string{}
	for name, e := range scheduled(t) {
		s := at(e, "Properties")
		if at(e, "Type") != "ScheduleV2" || at(s, "OmitName") != true || at(s, "RoleArn") != "${SchedulerRole.Arn}" {
			t.Errorf("%s: %v", name, e)
		}
		var input struct{ Job string }
		if err := json.Unmarshal([]byte(fmt.Sprint(at(s, "Input"))), &input); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		jobs[input.Job] = fmt.Sprint(at(s, "ScheduleExpression"))
	}
	if len(jobs) != 10 || jobs["quotas"] == "" || jobs["statements"] == "" || jobs["compare"] == "" || jobs["suffixes"] == "" || jobs["catalogue"] == "" || jobs["resume"] == "" || jobs["rotation"] != "rate(5 minutes)" || jobs["purge"] == "" || jobs["drift"] == "" || jobs["keyring"] == "" {
		t.Errorf("schedules %v", jobs)
	}
}

// The client's callback needs the console's API, and functions need the client's ID: the console's own function is
// named rather than referred to, or the stack can't be made.
func TestNoResourceNeedsItself(t *testing.T) {
	for _, d := range []document{
		render(t, "template.yaml"), render(t, "template.yaml", "UpstreamUrl", "https://example.com", "OidcIssuer", "https://issuer.example", "OidcClientId", "console", "AccessLogs", "on"), render(t, "template.yaml", threeDomains...),
	} {
		state := map[string]int{}
		var visit func(id string, path []string)
		visit = func(id string, path []string) {
			if state[id] == 1 {
				t.Errorf("a circle: %s", strings.Join(append(path, id), " -> "))
			}
			if state[id] != 0 {
				return
			}
			state[id] = 1
			for _, next := range references(d, d.Resources[id]) {
				visit(next, append(path, id))
			}
			state[id] = 2
		}
		for _, id := range sorted(d.Resources) {
			visit(id, nil)
		}
	}
}

// references lists the resources that a value names. SAM makes the event sources and schedules of a function
// resources of their own, so those don't count.
func references(d document, v any) []string {
	var out []string
	switch x := v.(type) {
	case object:
		for k, e := range x {
			if k != "Events" {
				out = append(out, references(d, e)...)
			}
		}
	case list:
		for _, e := range x {
			out = append(out, references(d, e)...)
		}
	case string:
		for rest := x; ; {
			_, after, ok := strings.Cut(rest, "${")
			if !ok {
				break
			}
			name, tail, _ := strings.Cut(after, "}")
			id, _, _ := strings.Cut(name, ".")
			if d.Resources[id] != nil {
				out = append(out, id)
			}
			rest = tail
		}
	}
	return out
}

// Everything that is named exists: a typing error in a !Ref inside a string is found at deployment only.
func TestEveryReferenceHasItsResource(t *testing.T) {
	for _, d := range []document{render(t, "template.yaml"), render(t, "template.yaml", "OidcIssuer", "https://issuer.example", "OidcClientId", "console"), render(t, "template.yaml", threeDomains...)} {
		text, err := json.Marshal([]any{d.Resources, d.Outputs})
		if err != nil {
			t.Fatal(err)
		}
		for rest := string(text); ; {
			_, after, ok := strings.Cut(rest, "${")
			if !ok {
				break
			}
			name, tail, _ := strings.Cut(after, "}")
			id, _, _ := strings.Cut(name, ".")
			if d.Resources[id] == nil && !strings.HasPrefix(id, "AWS::") {
				t.Errorf("nothing is called %s", id)
			}
			rest = tail
		}
	}
}
