package contract

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"latchkey/infra/local/parameters"
	"latchkey/infra/local/template"
)

// given are the values of variables, for all functions that have them: a function that is given another table or
// another issuer than its neighbour works on other data.
func given(own bool) map[string]string {
	issuer, client := "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${UserPool}", "${UserPoolClient}"
	if own {
		issuer, client = "https://issuer.example", "console"
	}
	return map[string]string{
		"CONTROL_TABLE": "${ControlTable}", "GATE_TABLE": "${GateTable}", "LEASES_TABLE": "${LeasesTable}", "QUOTAS_TABLE": "${QuotasTable}", "SLICES_TABLE": "${SlicesTable}",
		"COUNTERS_TABLE": "${CountersTable}", "STATEMENTS_TABLE": "${StatementsTable}", "SESSIONS_TABLE": "${SessionsTable}", "KEYRING_SECRET": "${KeyringSecret}", "EVENT_BUS": "${EventBus}",
		"DELIVERY_KEY": "${DeliveryKey.Arn}", "DELIVERY_NAMES": "latchkey/${AWS::StackName}", "OIDC_ISSUER": issuer, "OIDC_CLIENT_ID": client, "OIDC_ALGORITHM": "ES256", "KEY_PREFIX": "zz", "FORMER_KEY_PREFIXES": "old,ak",
		"BOOTSTRAP_OPERATOR": "first", "ACCOUNTS_PER_PERSON": "5", "CHANGES_PER_SECOND": "10", "CHANGES_PER_HOUR": "1000", "OVER_LIMIT": "403", "CALLER_ADDRESSES": "hidden", "OUTAGE_BOUND_MINUTES": "180", "LOG_LEVEL": "info", "METRICS_NAMESPACE": ourMetrics, "GOMAXPROCS": "1", "SSL_CERT_DIR": "/none",
		"USAGE_PLAN_KEY":          "Select(2, Split(/, ${AWS::StackId}))",
		"PAGE_TOKEN_KEY":          "Select(2, Split(/, ${AWS::StackId}))",
		"PROBLEM_DOCS":            "https://docs.example/problems/",
		"DYNAMODB_ENDPOINT":       "https://dynamodb.${AWS::Region}.${AWS::URLSuffix}",
		"SECRETSMANAGER_ENDPOINT": "", "EVENTS_ENDPOINT": "",
		"GITHUB_KEYS_URL": "https://api.github.com/meta/public_keys/secret_scanning",
		"MANAGEMENT_URL":  "https://${ManagementApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/prod",
		"PRODUCTS_URL":    "https://${ProductsApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/prod",
		"BRAND_NAME":      "TMaps", "BRAND_LOGO": "PHN2Zy8+", "BRAND_COLOR": "#123456", "BRAND_COLOR_DARK": "#abcdef", "BRAND_LANGUAGE": "fr", "BRAND_DOCS": "https://d.example",
		"BRAND_SUPPORT": "mailto:s@d.example", "BRAND_STATUS": "https://s.example", "BRAND_TERMS": "https://t.example", "BRAND_PRIVACY": "https://p.example",
	}
}

func TestVariablesHaveTheirValues(t *testing.T) {
	parameters := []string{
		"OidcAlgorithm", "ES256", "KeyPrefix", "zz", "FormerKeyPrefixes", "old,ak", "BootstrapOperator", "first", "OverLimitStatus", "403", "CallerAddresses", "hidden", "OutageBoundMinutes", "180", "ProblemDocsUrl", "https://docs.example/problems/",
		"BrandName", "TMaps", "BrandLogo", "PHN2Zy8+", "BrandColor", "#123456", "BrandColorDark", "#abcdef", "BrandLanguage", "fr", "BrandDocs", "https://d.example",
		"BrandSupport", "mailto:s@d.example", "BrandStatus", "https://s.example", "BrandTerms", "https://t.example", "BrandPrivacy", "https://p.example",
	}
	for _, own := range []bool{false, true} {
		if own {
			parameters = append(parameters, "OidcIssuer", "https://issuer.example", "OidcClientId", "console")
		}
		want := given(own)
		for id, p := range render(t, "template.yaml", parameters...).ofType("AWS::Serverless::Function") {
			variables, _ := at(p, "Environment", "Variables").(object)
			for name, v := range variables {
				if expected, ok := want[name]; !ok || fmt.Sprint(v) != expected {
					t.Errorf("%s: %s is %v, want %s", id, name, v, expected)
				}
			}
		}
	}
	endpoints := []string{
		"DynamoDBEndpoint", "http://127.0.0.1:1", "SecretsManagerEndpoint", "http://127.0.0.1:2", "EventsEndpoint", "http://127.0.0.1:3",
		"ManagementUrl", "https://m.example", "ProductsUrl", "https://p.example",
	}
	d := render(t, "template.yaml", endpoints...)
	for name, expected := range map[string]string{
		"DYNAMODB_ENDPOINT": "http://127.0.0.1:1", "SECRETSMANAGER_ENDPOINT": "http://127.0.0.1:2", "EVENTS_ENDPOINT": "http://127.0.0.1:3",
		"MANAGEMENT_URL": "https://m.example", "PRODUCTS_URL": "https://p.example",
	} {
		if got := at(d.properties(t, "ConsoleFunction"), "Environment", "Variables", name); got != expected {
			t.Errorf("%s is %v with its parameter, want %s", name, got, expected)
		}
	}
}

// What the pool sends browsers back to is what the console answers.
func TestSignInComesBackToTheConsole(t *testing.T) {
	callback, home := returns(t, "Start"), returns(t, "EndSession")
	if again := returns(t, "Finish"); again != callback {
		t.Errorf("sign-in begins with %s and ends with %s", callback, again)
	}
	stage := "https://${ConsoleApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/prod"
	for own, addresses := range map[string][]string{"": {stage}, "https://console.example": {stage, "https://console.example"}} {
		client := render(t, "template.yaml", "ConsoleUrl", own).properties(t, "UserPoolClient")
		for property, path := range map[string]string{"CallbackURLs": callback, "LogoutURLs": home} {
			var want []string
			for _, a := range addresses {
				want = append(want, a+path)
			}
			if got := texts(client[property]); !slices.Equal(got, want) {
				t.Errorf("%s %v, want %v", property, got, want)
			}
		}
	}
}

// returns finds the path that the console gives to a method of its issuer: an argument v.absolute(path).
func returns(t *testing.T, method string) string {
	t.Helper()
	files, err := filepath.Glob(root + "functions/console/*.go")
	if err != nil {
		t.Fatal(err)
	}
	constants, found := map[string]string{}, []ast.Expr{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.ValueSpec:
				for i, name := range x.Names {
					if i < len(x.Values) {
						if lit, ok := x.Values[i].(*ast.BasicLit); ok {
							constants[name.Name] = lit.Value
						}
					}
				}
			case *ast.CallExpr:
				if called(x.Fun) != method {
					return true
				}
				for _, a := range x.Args {
					if inner, ok := a.(*ast.CallExpr); ok && called(inner.Fun) == "absolute" {
						found = append(found, inner.Args[0])
					}
				}
			}
			return true
		})
	}
	if len(found) != 1 {
		t.Fatalf("%d calls of %s with an address of the console", len(found), method)
	}
	text := ""
	switch x := found[0].(type) {
	case *ast.BasicLit:
		text = x.Value
	case *ast.Ident:
		text = constants[x.Name]
	}
	path, err := strconv.Unquote(text)
	if err != nil {
		t.Fatalf("the address given to %s is %v", method, found[0])
	}
	return path
}

func TestParametersTakeWhatTheyMayAndNothingElse(t *testing.T) {
	declared, err := template.Load(root+"template.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	source, _ := open(t, "template.yaml")
	for _, name := range declared.Parameters() {
		want, ok := parameters.Samples[name]
		if !ok {
			t.Errorf("%s is not in this test", name)
			continue
		}
		if standard := source.Parameters[name].Default; standard == nil || *standard != want.Standard {
			t.Errorf("%s is %v by default, want %q", name, standard, want.Standard)
		}
		for _, v := range want.Takes {
			if !declared.Takes(name, v) {
				t.Errorf("%s refuses %q", name, v)
			}
		}
		for _, v := range want.Leaves {
			if declared.Takes(name, v) {
				t.Errorf("%s takes %q", name, v)
			}
		}
	}
	for name := range parameters.Samples {
		if _, ok := source.Parameters[name]; !ok {
			t.Errorf("there is no parameter %s any more", name)
		}
	}
}

// What the stack tells everyone who made it.
func TestOutputsNameTheRightParts(t *testing.T) {
	api := func(id string) string {
		return "https://${" + id + "}.execute-api.${AWS::Region}.${AWS::URLSuffix}/prod"
	}
	want := map[string]string{
		"ProductsUrl": api("ProductsApi"), "ManagementUrl": api("ManagementApi"), "ConsoleUrl": api("ConsoleApi") + "/",
		"EventBusName": "${EventBus}", "FailedRecordsBucket": "${FailedRecords}", "GatewaySecretArn": "${GatewaySecret}", "UserPoolId": "${UserPool}",
	}
	got := render(t, "template.yaml", "UpstreamUrl", "https://up.example").Outputs
	for name, value := range want {
		if at(got, name, "Value") != value {
			t.Errorf("%s is %v, want %s", name, at(got, name, "Value"), value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("outputs %v", sorted(got))
	}
}

// Nothing but the gate stands before the products, and nothing stands before the other two that their functions don't
// know of.
func TestAuthorizersAreTheGateAlone(t *testing.T) {
	for id, p := range render(t, "template.yaml").ofType("AWS::Serverless::Api") {
		auth, _ := p["Auth"].(object)
		if id != "ProductsApi" {
			if auth != nil {
				t.Errorf("%s has %v", id, auth)
			}
			continue
		}
		if got := sorted(auth); !slices.Equal(got, []string{
			"AddApiKeyRequiredToCorsPreflight", "AddDefaultAuthorizerToCorsPreflight", "ApiKeyRequired", "Authorizers", "DefaultAuthorizer",
		}) {
			t.Errorf("%s: Auth has %v", id, got)
		}
		authorizers, _ := auth["Authorizers"].(object)
		if !slices.Equal(sorted(authorizers), []string{"Gate"}) {
			t.Errorf("%s has the authorizers %v", id, sorted(authorizers))
		}
	}
}

// The secret by which the upstream knows the gateway is nobody's to guess, and stands between quotes in a mapping.
func TestTheGatewaySecretIsLongAndPlain(t *testing.T) {
	made := render(t, "template.yaml", "UpstreamUrl", "https://up.example").properties(t, "GatewaySecret")["GenerateSecretString"]
	if n, _ := at(made, "PasswordLength").(int); n < 32 || at(made, "ExcludePunctuation") != true {
		t.Errorf("%v", made)
	}
}

// EventBridge begins a schedule with a rate and without a date when it is made; one at times of a day would leave a new stack for hours
// without its data key, and each recoverable key would be refused until then.
func TestTheFirstDataKeyIsMadeWithTheStack(t *testing.T) {
	var rates []string
	for id, event := range at(render(t, "template.yaml").properties(t, "RotatorFunction"), "Events").(object) {
		if p, _ := at(event, "Properties").(object); p["Input"] == `{"job":"keyring"}` {
			rate, _ := p["ScheduleExpression"].(string)
			rates = append(rates, rate)
			if at(event, "Type") != "ScheduleV2" || p["StartDate"] != nil || p["State"] != nil || p["FlexibleTimeWindow"] != nil {
				t.Errorf("%s begins later: %v", id, event)
			}
		}
	}
	if len(rates) != 1 || !strings.HasPrefix(rates[0], "rate(") {
		t.Errorf("the keyring's schedules are %q, want one with a rate", rates)
	}
}
