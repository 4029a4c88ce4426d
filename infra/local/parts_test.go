package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"latchkey/infra/local/engine"
	"latchkey/infra/local/environments"
	"latchkey/infra/local/issuer"
	"latchkey/infra/local/restapi"
	"latchkey/infra/local/runfile"
	"latchkey/infra/local/seed"
	"latchkey/infra/local/template"
	"latchkey/infra/local/wire"
)

// TestEachSettingIsItsOwn: set alone, it changes its own field and no other.
func TestEachSettingIsItsOwn(t *testing.T) {
	plain, err := settings(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if plain.maxEnvironments != 64 || plain.accessLife != time.Hour || !plain.seed || plain.noBuild || plain.noRedaction || plain.noThrottle || plain.refreshOnce || plain.logLevel != slog.LevelWarn ||
		plain.region != "us-east-1" || plain.credentials != [3]string{"local", "local", "local"} || plain.dynamoEndpoint != "" || plain.issuerName != "127.0.0.1" {
		t.Errorf("by default: %+v", plain)
	}
	for name, c := range map[string]struct {
		set  map[string]string
		edit func(*config)
	}{
		"idle":           {map[string]string{"LATCHKEY_IDLE_SECONDS": "2.5"}, func(c *config) { c.idle = 2500 * time.Millisecond }},
		"shutdown":       {map[string]string{"LATCHKEY_SHUTDOWN_MS": "2000"}, func(c *config) { c.grace = 2 * time.Second }},
		"environments":   {map[string]string{"LATCHKEY_MAX_ENVIRONMENTS": "1000"}, func(c *config) { c.maxEnvironments = 1000 }},
		"access tokens":  {map[string]string{"LATCHKEY_ISSUER_ACCESS_SECONDS": "86400"}, func(c *config) { c.accessLife = 24 * time.Hour }},
		"refresh once":   {map[string]string{"LATCHKEY_ISSUER_REFRESH": "once"}, func(c *config) { c.refreshOnce = true }},
		"refresh kept":   {map[string]string{"LATCHKEY_ISSUER_REFRESH": "kept"}, func(*config) {}},
		"no seed":        {map[string]string{"LATCHKEY_SEED": "off"}, func(c *config) { c.seed = false }},
		"no build":       {map[string]string{"LATCHKEY_BUILD": "off"}, func(c *config) { c.noBuild = true }},
		"no redaction":   {map[string]string{"LATCHKEY_REDACT": "off"}, func(c *config) { c.noRedaction = true }},
		"no throttle":    {map[string]string{"LATCHKEY_THROTTLE": "off"}, func(c *config) { c.noThrottle = true }},
		"permissions":    {map[string]string{"LATCHKEY_PERMISSIONS_FILE": "/p"}, func(c *config) { c.permissions = "/p" }},
		"level":          {map[string]string{"LATCHKEY_LOG_LEVEL": "info"}, func(c *config) { c.logLevel = slog.LevelInfo }},
		"engine":         {map[string]string{"LATCHKEY_ENGINE_SHA256": "ab"}, func(c *config) { c.trustedEngine = "ab" }},
		"products port":  {map[string]string{"LATCHKEY_PRODUCTS_PORT": "0"}, func(c *config) { c.ports["ProductsApi"] = 0 }},
		"API's port":     {map[string]string{"LATCHKEY_MANAGEMENT_PORT": "65535"}, func(c *config) { c.ports["ManagementApi"] = 65535 }},
		"console's port": {map[string]string{"LATCHKEY_CONSOLE_PORT": "9"}, func(c *config) { c.ports["ConsoleApi"] = 9 }},
		"store's port":   {map[string]string{"LATCHKEY_DYNAMODB_PORT": "9"}, func(c *config) { c.doors["DynamoDBEndpoint"] = 9 }},
		"issuer's port":  {map[string]string{"LATCHKEY_ISSUER_PORT": "9"}, func(c *config) { c.doors["OidcIssuer"] = 9 }},
		"events' port":   {map[string]string{"LATCHKEY_EVENTS_PORT": "9"}, func(c *config) { c.doors["EventsEndpoint"] = 9 }},
		"secrets' port":  {map[string]string{"LATCHKEY_SECRETS_PORT": "9"}, func(c *config) { c.doors["SecretsManagerEndpoint"] = 9 }},
		"another store":  {map[string]string{"DYNAMODB_ENDPOINT": "http://d"}, func(c *config) { c.dynamoEndpoint = "http://d" }},
		"credentials alone, which are the person's own": {map[string]string{"AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-west-1"}, func(*config) {}},
		"another store with credentials": {
			map[string]string{"DYNAMODB_ENDPOINT": "http://d", "AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t", "AWS_REGION": "eu-west-1"},
			func(c *config) {
				c.dynamoEndpoint, c.credentials, c.region = "http://d", [3]string{"i", "s", "t"}, "eu-west-1"
			},
		},
		"a parameter": {map[string]string{"LATCHKEY_PARAM_A": "b=c"}, func(c *config) { c.parameters["A"] = "b=c" }},
	} {
		want := plain
		want.ports, want.doors, want.parameters = maps.Clone(plain.ports), maps.Clone(plain.doors), maps.Clone(plain.parameters)
		c.edit(&want)
		if got, err := settings(t, c.set); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %+v, want %+v", name, err, got, want)
		}
	}
	for name, bad := range map[string][]string{
		"LATCHKEY_SHUTDOWN_MS": {"0", "2001"}, "LATCHKEY_MAX_ENVIRONMENTS": {"0", "1001"}, "LATCHKEY_IDLE_SECONDS": {"86401", "NaN", "x"}, "LATCHKEY_MANAGEMENT_PORT": {"-1", "65536", "1.5"},
		"LATCHKEY_DYNAMODB_PORT": {"65536"}, "LATCHKEY_SECRETS_PORT": {"-1"},
	} {
		for _, value := range bad {
			if _, err := settings(t, map[string]string{name: value}); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s=%s: %v", name, value, err)
			}
		}
	}
}

// TestACommandLineIsTakenWholeOrRefused.
func TestACommandLineIsTakenWholeOrRefused(t *testing.T) {
	none := func(string) string { return "" }
	for _, args := range [][]string{{"-job", "counting"}, {"invoke"}, {"serve"}, {"-what"}} {
		if c, err := readConfig(args, none, nil); err == nil {
			t.Errorf("%q: %+v", args, c)
		}
	}
	c, err := readConfig([]string{"-template", "t.yaml", "-job", "rotation", "-due-by", "2026-12-01T00:00:00Z", "invoke", "F", "e.json"}, none, nil)
	if err != nil || c.template != "t.yaml" || c.job != "rotation" || c.dueBy != "2026-12-01T00:00:00Z" || c.invoke != "F" || c.event != "e.json" {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestTheControlURLIsLambdasInvokeAPI: what it refuses, and that no web page may ask it.
func TestTheControlURLIsLambdasInvokeAPI(t *testing.T) {
	s := &stack{pool: environments.New(nil, environments.Options{})}
	for name, c := range map[string]struct {
		r    wire.Request
		want int
		body string
	}{
		"no environments":        {wire.Request{Method: "GET", Path: "/environments"}, 200, "[]"},
		"by a page":              {wire.Request{Method: "GET", Path: "/environments", Headers: []wire.Field{{Name: "Origin", Value: "https://evil.example"}}}, 403, "not for web pages"},
		"no such function":       {wire.Request{Method: "POST", Path: "/2015-03-31/functions/F/invocations"}, 404, "F"},
		"at once, none of such":  {wire.Request{Method: "POST", Path: "/2015-03-31/functions/F/invocations", Headers: []wire.Field{{Name: "X-Amz-Invocation-Type", Value: "event"}}}, 202, ""},
		"a payload that is none": {wire.Request{Method: "POST", Path: "/2015-03-31/functions/F/invocations", Body: []byte("{")}, 400, "must be JSON"},
		"read":                   {wire.Request{Method: "GET", Path: "/2015-03-31/functions/F/invocations"}, 404, "no such operation"},
		"without its end":        {wire.Request{Method: "POST", Path: "/2015-03-31/functions/F"}, 404, "no such operation"},
		"without its beginning":  {wire.Request{Method: "POST", Path: "/F/invocations"}, 404, "no such operation"},
	} {
		if got := s.control(&c.r); got.Status != c.want || !strings.Contains(string(got.Body), c.body) {
			t.Errorf("%s: %d %s, want %d %s", name, got.Status, got.Body, c.want, c.body)
		}
	}
}

// TestTheEventOfASignInIsThatOfAUserPool, of the version that the template asks for; what isn't known of the person isn't there.
func TestTheEventOfASignInIsThatOfAUserPool(t *testing.T) {
	groups := `"groupConfiguration":{"groupsToOverride":[],"iamRolesToOverride":[],"preferredRole":null}`
	caller := `"callerContext":{"awsSdkVersion":"aws-sdk-unknown-unknown","clientId":"latchkey-local"}`
	for _, c := range []struct {
		version, want string
		p             issuer.Person
	}{
		{"V2_0", `{` + caller + `,"region":"us-east-1","request":{` + groups + `,"scopes":["openid","email","profile"],"userAttributes":{"cognito:user_status":"CONFIRMED","email":"a@b.example","email_verified":"true","name":"A","sub":"s"}},"response":{"claimsAndScopeOverrideDetails":null},"triggerSource":"TokenGeneration_HostedAuth","userName":"s","userPoolId":"us-east-1_Local","version":"2"}`, issuer.Person{Subject: "s", Email: "a@b.example", Name: "A"}},
		{"V1_0", `{` + caller + `,"region":"us-east-1","request":{` + groups + `,"userAttributes":{"cognito:user_status":"CONFIRMED","sub":"s"}},"response":{"claimsOverrideDetails":null},"triggerSource":"TokenGeneration_HostedAuth","userName":"s","userPoolId":"us-east-1_Local","version":"1"}`, issuer.Person{Subject: "s"}},
	} {
		if got, err := json.Marshal(preTokenEvent(c.version, c.p)); err != nil || string(got) != c.want {
			t.Errorf("%s: %s, want %s", c.version, got, c.want)
		}
	}
	answer := []byte(`{"response":{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"claimsToAddOrOverride":{"email":"a@b.example"}},"idTokenGeneration":{"claimsToAddOrOverride":{"x":1}}}}}`)
	if got, err := claimsIn("V2_0", answer); err != nil || !reflect.DeepEqual(got, map[string]any{"email": "a@b.example"}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := claimsIn("V1_0", answer); err != nil || len(got) > 0 {
		t.Errorf("version 1 reaches access tokens: %v, %v", got, err)
	}
	for _, version := range []string{"V1_0", "V2_0"} {
		if _, err := claimsIn(version, []byte("<html>")); err == nil {
			t.Errorf("%s: an answer that is none passes", version)
		}
	}
}

// TestALineOfACallSaysWhatHappened, in the colour of its status.
func TestALineOfACallSaysWhatHappened(t *testing.T) {
	for _, c := range []struct {
		line  restapi.Line
		color string
		want  string
	}{
		{restapi.Line{API: "ProductsApi", Method: "GET", Path: "/map", Status: 200, Took: 1500 * time.Microsecond, Function: "F", Environment: 3}, "32", "ProductsApi GET /map 200 1.5ms  F#3"},
		{restapi.Line{API: "A", Method: "POST", Path: "/x", Status: 201, Function: "F", Environment: 1, Cold: true}, "32", "A POST /x 201 0.0ms  F#1 cold"},
		{restapi.Line{API: "A", Method: "GET", Path: "/x", Status: 300}, "36", "A GET /x 300 0.0ms"},
		{restapi.Line{API: "A", Method: "GET", Path: "/x", Status: 399, Detail: "why"}, "36", "A GET /x 399 0.0ms  (why)"},
		{restapi.Line{API: "A", Method: "GET", Path: "/x", Status: 400, Code: "bad"}, "33", "A GET /x 400 bad 0.0ms"},
		{restapi.Line{API: "A", Method: "GET", Path: "/" + strings.Repeat("a/", 100), Status: 499}, "33", "A GET /" + strings.Repeat("a/", 99) + "a… 499 0.0ms"},
		{restapi.Line{API: "A", Method: "GET", Path: "/" + strings.Repeat("a/", 99) + "a", Status: 500}, "31", "A GET /" + strings.Repeat("a/", 99) + "a 500 0.0ms"},
	} {
		var out bytes.Buffer
		(&logger{out: &out, color: true}).call(c.line)
		if _, got, _ := strings.Cut(out.String(), " \x1b["); got != c.color+"m"+c.want+"\x1b[0m\n" {
			t.Errorf("%q, want %q in %s", got, c.want, c.color)
		}
		out.Reset()
		if (&logger{out: &out}).call(c.line); strings.Contains(out.String(), "\x1b") || !strings.HasSuffix(out.String(), " "+c.want+"\n") {
			t.Errorf("without colours: %q", out.String())
		}
	}
}

// TestTheRunsFileSaysWhereEachPartIs, to its owner alone.
func TestTheRunsFileSaysWhereEachPartIs(t *testing.T) {
	iss, err := issuer.New(issuer.Config{Issuer: "http://127.0.0.1:9", ClientID: clientID, KeyFile: filepath.Join(t.TempDir(), "k.pem")})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s := &stack{
		config: config{dataDir: t.TempDir()}, log: &logger{out: &out}, issuer: iss, issuerURL: "http://i", engine: &engine.Engine{Endpoint: "http://d"},
		urls:     map[string]string{"ProductsApi": "http://p", "ManagementApi": "http://m", "ConsoleApi": "http://c", "control": "http://x"},
		services: services{endpoints: map[string]string{"SecretsManagerEndpoint": "http://s", "EventsEndpoint": "http://e"}},
	}
	state := seed.State{DemoSecret: "ak_demo", DemoAccount: "acc_demo", EnterpriseAccount: "acc_enterprise", Sample: "/map/0.png"}
	if err := s.writeRun(state); err != nil {
		t.Fatal(err)
	}
	got, err := runfile.Read(s.dataDir)
	if err != nil {
		t.Fatal(err)
	}
	tokens := got.Tokens
	got.Tokens = nil
	if want := (runfile.File{
		ProductsURL: "http://p", ManagementURL: "http://m", ConsoleURL: "http://c", ControlURL: "http://x", IssuerURL: "http://i", DynamoDBEndpoint: "http://d", SecretsEndpoint: "http://s",
		DemoSecret: "ak_demo", DemoAccount: "acc_demo", EnterpriseAccount: "acc_enterprise",
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, p := range issuer.ReadyMade() {
		if tokens[p.Subject] == "" {
			t.Errorf("%s has no token", p.Subject)
		}
		delete(tokens, p.Subject)
	}
	if info, err := os.Stat(s.file("run.json")); err != nil || info.Mode().Perm() != 0o600 || len(tokens) > 0 {
		t.Errorf("%v, %v; tokens of %v besides", info, err, tokens)
	}
	s.announce(state, 5700*time.Millisecond)
	want := "ready after 5.7s\n  products    http://p\n  management  http://m\n  console     http://c\n  tokens      " + s.file("run.json") + "\n\n  curl -s 'http://p/map/0.png?key=ak_demo' -o answer.png\n\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// TestASecretOfTheTemplateHasItsFirstValue: a text as it is, one that is generated of its length, and none where none is asked for.
func TestASecretOfTheTemplateHasItsFirstValue(t *testing.T) {
	value := func(p template.Map) string {
		got, err := initialValue(p)
		if err != nil {
			t.Fatal(err)
		}
		if got == nil {
			return "(none)"
		}
		return *got
	}
	if got := value(template.Map{"SecretString": "text"}); got != "text" {
		t.Errorf("%q", got)
	}
	if got := value(template.Map{}); got != "(none)" {
		t.Errorf("%q", got)
	}
	for length, p := range map[int]template.Map{32: {"GenerateSecretString": map[string]any{}}, 64: {"GenerateSecretString": map[string]any{"PasswordLength": 64}}} {
		if one, other := value(p), value(p); len(one) != length || one == other || strings.Trim(one, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") != "" {
			t.Errorf("%q and %q, want %d letters and digits", one, other, length)
		}
	}
}
