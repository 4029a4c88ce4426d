package main

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"net"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"latchkey/infra/local/samconfig"
	"latchkey/infra/local/template"
)

const root = "../.."

func cases(t *testing.T) []testCase {
	t.Helper()
	all, err := readCases(filepath.Join(root, eventsDir))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func decoded(t *testing.T, raw []byte) any {
	t.Helper()
	filled := placeholder.ReplaceAll(raw, []byte("x"))
	var v any
	if err := json.Unmarshal(filled, &v); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return v
}

// A new function, schedule or stream comes with what is sent.
func TestEveryFunctionHasEventsWithTheirAnswers(t *testing.T) {
	tmpl, err := template.Load(filepath.Join(root, "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	list, err := tmpl.Of("AWS::Serverless::Function")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, r := range list {
		known[r.ID] = true
		p, err := tmpl.Properties(r)
		if err != nil {
			t.Fatal(err)
		}
		mine := slices.DeleteFunc(cases(t), func(c testCase) bool { return c.function != r.ID })
		if len(mine) == 0 {
			t.Errorf("%s has no event in %s", r.ID, eventsDir)
		}
		for name := range p.Map("Events") {
			event := p.Map("Events").Map(name)
			props := event.Map("Properties")
			sent := func(c testCase) bool { return false }
			switch event.Text("Type") {
			case "ScheduleV2":
				var input any
				if err := json.Unmarshal([]byte(props.Text("Input")), &input); err != nil {
					t.Fatal(err)
				}
				sent = func(c testCase) bool { return reflect.DeepEqual(decoded(t, c.event), input) }
			case "DynamoDB":
				_, table, _ := strings.Cut(props.Text("Stream"), ":table/")
				table, _, _ = strings.Cut(table, "/")
				sent = func(c testCase) bool { return strings.Contains(string(c.event), ":table/"+table+"/stream/") }
			case "Api":
				sent = func(c testCase) bool { return strings.Contains(string(c.event), `"httpMethod"`) }
			default:
				t.Errorf("%s: events of the type %s are not in this test", r.ID, event.Text("Type"))
			}
			if !slices.ContainsFunc(mine, sent) {
				t.Errorf("%s has no event such as %s sends", r.ID, name)
			}
		}
	}
	for _, c := range cases(t) {
		if !known[c.function] {
			t.Errorf("%s is for %s, which the template hasn't", c.name, c.function)
		}
		if decoded(t, c.answer) == "*" {
			t.Errorf("any answer to %s is taken", c.name)
		}
	}
}

// The gate allows one and refuses three; Secrets Manager has four steps.
func TestTheGateAndTheRotationHaveAllTheirCases(t *testing.T) {
	allowed, refused := 0, 0
	steps := map[any]bool{}
	for _, c := range cases(t) {
		switch answer := string(c.answer); {
		case c.function == "Authorizer" && strings.Contains(answer, `"Allow"`):
			allowed++
		case c.function == "Authorizer":
			refused++
		}
		if event, ok := decoded(t, c.event).(map[string]any); ok && event["Step"] != nil {
			steps[event["Step"]] = true
		}
	}
	if allowed < 1 || refused < 3 || len(steps) != 4 {
		t.Errorf("the gate allows %d and refuses %d; steps: %v", allowed, refused, steps)
	}
}

func TestEventsLieInOneFolder(t *testing.T) {
	err := filepath.WalkDir(filepath.Join(root, eventsDir), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && filepath.Base(path) != "events" {
			t.Errorf("%s is a folder", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// endpoints are the variables by which the clients of AWS's services are led elsewhere.
var endpoints = map[string]string{
	"dynamodb": "DYNAMODB_ENDPOINT", "secretsmanager": "SECRETSMANAGER_ENDPOINT", "eventbridge": "EVENTS_ENDPOINT",
}

// `sam local` hands the developer's own credentials to functions. So nothing that they could call is AWS's.
func TestNoSampleCanReachAnAccount(t *testing.T) {
	used := servicesInCode(t)
	for _, env := range samconfig.Environments {
		functions, err := samconfig.Functions(root, env)
		if err != nil {
			t.Fatal(err)
		}
		if len(functions) < 12 { // TokensFunction is there for the own user pool alone, and calls nobody
			t.Fatalf("%d functions", len(functions))
		}
		for id, variables := range functions {
			for _, service := range used {
				if variables[endpoints[service]] == "" {
					t.Errorf("%s, %s: the client of %s calls AWS", env, id, service)
				}
			}
			for name, value := range variables {
				u, err := url.Parse(value)
				if err != nil || !strings.Contains(value, "://") || name == "GITHUB_KEYS_URL" { // public keys, asked for without credentials
					continue
				}
				if host := u.Hostname(); host != "host.docker.internal" && host != "127.0.0.1" {
					t.Errorf("%s, %s: %s is %s", env, id, name, value)
				}
			}
		}
	}
}

// servicesInCode are the services of AWS whose clients the functions' code has.
func servicesInCode(t *testing.T) []string {
	t.Helper()
	found := map[string]bool{}
	for _, dir := range []string{"authorizer", "functions", "shared"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			for _, i := range file.Imports {
				name, _ := strconv.Unquote(i.Path.Value)
				if service, ok := strings.CutPrefix(name, "github.com/aws/aws-sdk-go-v2/service/"); ok {
					service, _, _ = strings.Cut(service, "/")
					found[service] = true
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var list []string
	for service := range found {
		switch {
		case service == "dynamodbstreams" || service == "internal": // the types of records
		case endpoints[service] == "":
			t.Errorf("functions call %s, and samconfig.toml can't lead that elsewhere", service)
		default:
			list = append(list, service)
		}
	}
	if len(list) < 3 {
		t.Fatalf("clients of %v alone", list)
	}
	return list
}

// The two environments differ in the processors alone, and the local run can stand where they say.
func TestBothEnvironmentsAreTheSameButForTheProcessors(t *testing.T) {
	var sets []map[string]string
	for _, env := range samconfig.Environments {
		set, err := samconfig.Overrides(root, env)
		if err != nil {
			t.Fatal(err)
		}
		settings, err := runnerSettings(set)
		if err != nil || len(settings) != 5 || !slices.Contains(settings, "LATCHKEY_ISSUER_NAME=host.docker.internal") {
			t.Errorf("%s: %v, %v", env, settings, err)
		}
		sets = append(sets, set)
	}
	if sets[0]["Architecture"] != "x86_64" || sets[1]["Architecture"] != "arm64" {
		t.Errorf("processors %s and %s", sets[0]["Architecture"], sets[1]["Architecture"])
	}
	sets[1]["Architecture"] = "x86_64"
	if !reflect.DeepEqual(sets[0], sets[1]) {
		t.Errorf("%v\n%v", sets[0], sets[1])
	}
}

func TestWhatAnAnswerMayDifferIn(t *testing.T) {
	for _, c := range []struct {
		want, got string
		same      bool
	}{
		{`"*"`, `1`, true},
		{`"*"`, `null`, false},
		{`"ak_*"`, `"ak_1"`, true},
		{`"ak_*"`, `"xak_1"`, false},
		{`"a.c"`, `"abc"`, false},
		{`"a*c"`, "\"a\\nc\"", true},
		{`{"a":1}`, `{"a":1}`, true},
		{`{"a":1}`, `{"a":1,"b":2}`, false},
		{`{"a":1,"...":""}`, `{"a":1,"b":2}`, true},
		{`{"a":1,"...":""}`, `{"b":2}`, false},
		{`{"a":null}`, `{}`, false},
		{`{"body":{"a":1}}`, `{"body":"{\"a\":1}\n"}`, true},
		{`{"body":{"a":1}}`, `{"body":"no"}`, false},
		{`[1,"*"]`, `[1,2]`, true},
		{`[1]`, `[1,2]`, false},
		{`{}`, `null`, false},
		{`true`, `false`, false},
	} {
		found := differences("answer", plain(t, c.want), plain(t, c.got))
		if (len(found) == 0) != c.same {
			t.Errorf("want %s, got %s: %v", c.want, c.got, found)
		}
	}
}

func plain(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAnEventNamesNoUnknownValue(t *testing.T) {
	if _, err := fill([]byte(`"${nothing}"`), nil); err == nil {
		t.Error("a value that nothing has is filled in")
	}
	if got, err := fill([]byte(`"${a}-${b_c}"`), map[string]string{"a": "1", "b_c": "2"}); err != nil || string(got) != `"1-2"` {
		t.Errorf("%s, %v", got, err)
	}
}

// A port that another program has fails no check: the service and the functions meet at another.
func TestATakenPortIsNoFailure(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lis.Close() })
	_, taken, _ := net.SplitHostPort(lis.Addr().String())
	free, err := freePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	there := fmt.Sprint("http://host.docker.internal:", free[0])
	set := map[string]string{"DynamoDBEndpoint": "http://host.docker.internal:" + taken, "OidcIssuer": there, "EventsEndpoint": there, "SecretsManagerEndpoint": there}
	functions := map[string]function{"Keys": {Environment: map[string]string{"DYNAMODB_ENDPOINT": set["DynamoDBEndpoint"], "OIDC_ISSUER": there, "TABLE": "t" + taken}}}
	if err := aside(set, functions); err != nil {
		t.Fatal(err)
	}
	env := functions["Keys"].Environment
	if at := set["DynamoDBEndpoint"]; strings.HasSuffix(at, ":"+taken) || env["DYNAMODB_ENDPOINT"] != at || set["OidcIssuer"] != there || env["OIDC_ISSUER"] != there || env["TABLE"] != "t"+taken {
		t.Errorf("%q, %q", set, env)
	}
}
