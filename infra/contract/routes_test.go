package contract

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// route is one method of one path of one API.
type route struct {
	api, method, path string
	operation         object
}

// function is the logical ID that an aws_proxy route calls.
func (r route) function() string {
	uri, _ := at(r.operation, "x-amazon-apigateway-integration", "uri").(string)
	if strings.Contains(uri, ":function:${AWS::StackName}-console/") {
		return "ConsoleFunction"
	}
	if m := regexp.MustCompile(`functions/\$\{(\w+)\.Arn\}/invocations$`).FindStringSubmatch(uri); m != nil {
		return m[1]
	}
	return ""
}

const anyMethod = "x-amazon-apigateway-any-method"

var methods = []string{"get", "head", "post", "put", "patch", "delete", "options", anyMethod}

func routes(d document) []route {
	var out []route
	for api, p := range d.ofType("AWS::Serverless::Api") {
		paths, _ := at(p, "DefinitionBody", "paths").(object)
		for path, item := range paths {
			for m, op := range item.(object) {
				if m != "parameters" {
					out = append(out, route{api, m, path, op.(object)})
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b route) int {
		return strings.Compare(a.api+a.path+a.method, b.api+b.path+b.method)
	})
	return out
}

func TestEveryRouteButPreflightIsGuarded(t *testing.T) {
	for _, d := range []document{render(t, "template.yaml"), render(t, "template.yaml", "UpstreamUrl", "https://example.com")} {
		for _, r := range routes(d) {
			name := r.api + " " + r.method + " " + r.path
			if !slices.Contains(methods, r.method) {
				t.Errorf("%s: no such method", name)
			}
			if _, ok := r.operation["security"]; ok {
				t.Errorf("%s: security in the body overrides the API's authorizer", name)
			}
			if _, ok := r.operation["x-amazon-apigateway-auth"]; ok {
				t.Errorf("%s: auth in the body overrides the API's authorizer", name)
			}
			switch kind := at(r.operation, "x-amazon-apigateway-integration", "type"); {
			case r.method == "options":
				if kind != "mock" || at(r.operation, "x-amazon-apigateway-integration", "contentHandling") != "CONVERT_TO_TEXT" {
					t.Errorf("%s: a pre-flight is a mock that stays text", name)
				}
			case r.api == "ProductsApi": // its authorizer, below
			case kind != "aws_proxy" || r.function() == "":
				t.Errorf("%s: not a function", name)
			case r.function() == "DemoFunction":
				t.Errorf("%s: the demo checks no token", name)
			}
		}
		auth := d.properties(t, "ProductsApi")["Auth"]
		for path, want := range map[string]any{
			"DefaultAuthorizer": "Gate", "ApiKeyRequired": true,
			"AddDefaultAuthorizerToCorsPreflight": false, "AddApiKeyRequiredToCorsPreflight": false,
		} {
			if got := at(auth, path); got != want {
				t.Errorf("ProductsApi.Auth.%s is %v, want %v", path, got, want)
			}
		}
	}
}

func TestAPolicyForTheWholeStageNeedsCacheTTLZero(t *testing.T) {
	d := render(t, "template.yaml")
	for api, p := range d.ofType("AWS::Serverless::Api") {
		authorizers, _ := at(p, "Auth", "Authorizers").(object)
		for name, a := range authorizers {
			if ttl := at(a, "Identity", "ReauthorizeEvery"); ttl != 0 {
				t.Errorf("%s.%s keeps its answers for %v s, and they cover the whole stage", api, name, ttl)
			}
			if identity, _ := at(a, "Identity").(object); len(identity) != 1 {
				t.Errorf("%s.%s has identity sources: %v; a call without one would get 401 unseen", api, name, identity)
			}
		}
	}
}

func TestTheGateIsCalledThroughItsAlias(t *testing.T) {
	d := render(t, "template.yaml")
	gate := at(d.properties(t, "ProductsApi"), "Auth", "Authorizers", "Gate")
	function := d.properties(t, "Authorizer")
	permission := d.properties(t, "AuthorizerPermission")
	for what, pair := range map[string][2]any{
		"the authorizer's function": {at(gate, "FunctionArn"), "${Authorizer.Arn}:live"},
		"its payload":               {at(gate, "FunctionPayloadType"), "REQUEST"},
		"SAM's own permission":      {at(gate, "DisableFunctionDefaultPermissions"), true},
		"the alias":                 {function["AutoPublishAlias"], "live"},
		"what publishes a version":  {function["AutoPublishAliasAllProperties"], true},
		"its time":                  {function["Timeout"], 3},
		"who may be called":         {permission["FunctionName"], "${Authorizer.Alias}"},
		"from where":                {permission["SourceArn"], "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${ProductsApi}/authorizers/*"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %v, want %v", what, pair[0], pair[1])
		}
	}
}

func TestTheUsagePlanKeyIsTheOneThatTheGateNames(t *testing.T) {
	d := render(t, "template.yaml")
	key := d.properties(t, "GateApiKey")["Value"]
	named := at(d.properties(t, "Authorizer"), "Environment", "Variables", "USAGE_PLAN_KEY")
	if key == nil || key != named {
		t.Errorf("the key is %v, the gate names %v", key, named)
	}
	if plan := d.properties(t, "GateUsagePlan"); plan["Throttle"] != nil || plan["Quota"] != nil {
		t.Error("all customers share the plan: it may have no throttle and no quota")
	}
	if source := d.properties(t, "ProductsApi")["ApiKeySourceType"]; source != "AUTHORIZER" {
		t.Errorf("ApiKeySourceType %v", source)
	}
}

func TestStagesLeakNothing(t *testing.T) {
	d := render(t, "template.yaml", "AccessLogs", "on")
	field := regexp.MustCompile(`\$context\.[A-Za-z.]+`)
	// Not the path: API Gateway writes it as it came, and people put secrets there.
	allowed := regexp.MustCompile(`^\$context\.(requestTimeEpoch|requestId|extendedRequestId|httpMethod|resourcePath|status|error\.responseType|responseLatency|` +
		`integrationLatency|authorizer\.(latency|keyId|accountId|product|code)|responseLength)$`)
	for api, p := range d.ofType("AWS::Serverless::Api") {
		if p["StageName"] != "prod" || p["OpenApiVersion"] != "3.0.1" || p["AlwaysDeploy"] != true {
			t.Errorf("%s: stage %v, OpenAPI %v, always deployed %v", api, p["StageName"], p["OpenApiVersion"], p["AlwaysDeploy"])
		}
		if p["TracingEnabled"] != false {
			t.Errorf("%s: a trace of its stage shows URLs, with the secrets and the searches in them: TracingEnabled is %v", api, p["TracingEnabled"])
		}
		settings := at(p, "MethodSettings", "0")
		if at(settings, "LoggingLevel") != "OFF" || at(settings, "DataTraceEnabled") != false {
			t.Errorf("%s: execution logs write requests down: %v", api, settings)
		}
		if at(settings, "ThrottlingRateLimit") == nil || at(settings, "ThrottlingBurstLimit") == nil {
			t.Errorf("%s: no stage throttle", api)
		}
		format, _ := at(p, "AccessLogSetting", "Format").(string)
		if !json.Valid([]byte(format)) {
			t.Errorf("%s: access log format is no JSON: %q", api, format)
		}
		if !strings.Contains(format, "$context.requestId") || !strings.Contains(format, "$context.extendedRequestId") {
			t.Errorf("%s: the access log needs both IDs, since a caller can choose the first: %s", api, format)
		}
		for _, f := range field.FindAllString(format, -1) {
			if !allowed.MatchString(f) {
				t.Errorf("%s: %s in the access log", api, f)
			}
		}
	}
}

func TestCatalogueAndProductRoutesAgree(t *testing.T) {
	raw, err := os.ReadFile(root + "shared/product/catalogue.json")
	if err != nil {
		t.Fatal(err)
	}
	var catalogue struct {
		Products []struct {
			ID      string
			Classes []struct{ Prefixes []string }
		}
	}
	if err := json.Unmarshal(raw, &catalogue); err != nil {
		t.Fatal(err)
	}
	routed := map[string]bool{}
	for _, r := range routes(render(t, "template.yaml")) {
		if prefix, ok := strings.CutSuffix(r.path, "{proxy+}"); r.api == "ProductsApi" && r.method == anyMethod {
			if !ok {
				t.Errorf("%s is no prefix", r.path)
			}
			routed[prefix] = false
		}
	}
	for _, p := range catalogue.Products {
		for _, c := range p.Classes {
			for _, prefix := range c.Prefixes {
				found := false
				for r := range routed {
					if strings.HasPrefix(prefix, r) {
						routed[r], found = true, true
					}
				}
				if !found {
					t.Errorf("product %s has %s, and the template no route for it", p.ID, prefix)
				}
			}
		}
	}
	for prefix, used := range routed {
		if !used {
			t.Errorf("the template routes %s, and no product has it", prefix)
		}
	}
}

func TestManagementRoutesAreThoseOfTheContract(t *testing.T) {
	raw, err := os.ReadFile(root + "shared/api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var contract struct {
		Paths map[string]map[string]yaml.Node
	}
	if err := yaml.Unmarshal(raw, &contract); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for path, item := range contract.Paths {
		for m := range item {
			if slices.Contains(methods, m) {
				want[m+" "+path] = true
			}
		}
	}
	for _, r := range routes(render(t, "template.yaml")) {
		if r.api != "ManagementApi" {
			continue
		}
		if name := r.method + " " + r.path; !want[name] {
			t.Errorf("the template has %s, the contract not", name)
		} else {
			delete(want, name)
		}
	}
	for _, name := range sorted(want) {
		t.Errorf("the contract has %s, the template not", name)
	}
}

// AWS refuses two variables beside each other, and {proxy+} beside one; no tool says so.
func TestNoTwoVariablesAreSiblings(t *testing.T) {
	seen := map[string]string{}
	for _, r := range routes(render(t, "template.yaml")) {
		parent := r.api
		for _, segment := range strings.Split(strings.Trim(r.path, "/"), "/") {
			if strings.HasPrefix(segment, "{") {
				if other, ok := seen[parent]; ok && other != segment {
					t.Errorf("%s: %s is beside %s", r.path, segment, other)
				}
				seen[parent] = segment
			}
			parent += "/" + segment
		}
	}
}

func TestEveryVariableOfAPathIsDeclared(t *testing.T) {
	d := render(t, "template.yaml")
	variable := regexp.MustCompile(`\{(\w+)\+?\}`)
	for _, r := range routes(d) {
		var declared []string
		for _, from := range []any{at(d.properties(t, r.api), "DefinitionBody", "paths", r.path, "parameters"), r.operation["parameters"]} {
			parameters, _ := from.(list)
			for _, p := range parameters {
				if at(p, "in") == "path" && at(p, "required") == true {
					declared = append(declared, at(p, "name").(string))
				}
			}
		}
		var want []string
		for _, m := range variable.FindAllStringSubmatch(r.path, -1) {
			want = append(want, m[1])
		}
		if !slices.Equal(declared, want) {
			t.Errorf("%s %s declares %v", r.method, r.path, declared)
		}
	}
}

func TestTheUpstreamLearnsTheCallerAndNotTheSecret(t *testing.T) {
	d := render(t, "template.yaml", "UpstreamUrl", "https://upstream.example/base")
	n := 0
	for _, r := range routes(d) {
		if r.api != "ProductsApi" || r.method == "options" {
			continue
		}
		n++
		integration := at(r.operation, "x-amazon-apigateway-integration")
		prefix := strings.TrimSuffix(r.path, "{proxy+}")
		if at(integration, "type") != "http_proxy" || at(integration, "uri") != "https://upstream.example/base"+prefix+"{proxy}" {
			t.Errorf("%s goes to %v by %v", r.path, at(integration, "uri"), at(integration, "type"))
		}
		for name, want := range map[string]string{
			"path.proxy":                       "method.request.path.proxy",
			"header.X-Latchkey-Key-Id":         "context.authorizer.keyId",
			"header.X-Latchkey-Account-Id":     "context.authorizer.accountId",
			"header.X-Latchkey-Product":        "context.authorizer.product",
			"header.X-Latchkey-Gateway-Secret": "'{{resolve:secretsmanager:${GatewaySecret}}}'",
			"header.X-Api-Key":                 "'removed'",
			"querystring.key":                  "'removed'",
			"querystring.api_key":              "'removed'",
		} {
			if got := at(integration, "requestParameters", "integration.request."+name); got != want {
				t.Errorf("%s: %s is %v, want %v", r.path, name, got, want)
			}
		}
	}
	if n == 0 {
		t.Error("no product routes")
	}
}
