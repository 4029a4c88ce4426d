package contract

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"go.yaml.in/yaml/v3"
)

// given are the values of variables, for all functions that have them: a function that is given another table or
// another issuer than its neighbour works on other data.
func given(own bool) map[string]string {
	issuer, client := "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${UserPool}", "${UserPoolClient}"
	if own {
		issuer, client = "https://issuer.example", "console"
	}
	return map[string]string{
		"CONTROL_TABLE": "${ControlTable}", "GATE_TABLE": "${GateTable}", "LEASES_TABLE": "${LeasesTable}", "SLICES_TABLE": "${SlicesTable}",
		"COUNTERS_TABLE": "${CountersTable}", "SESSIONS_TABLE": "${SessionsTable}", "KEYRING_SECRET": "${KeyringSecret}", "EVENT_BUS": "${EventBus}",
		"DELIVERY_KEY": "${DeliveryKey.Arn}", "DELIVERY_NAMES": "latchkey/${AWS::StackName}", "OIDC_ISSUER": issuer, "OIDC_CLIENT_ID": client, "OIDC_ALGORITHM": "ES256", "KEY_PREFIX": "zz", "FORMER_KEY_PREFIXES": "old,ak",
		"BOOTSTRAP_OPERATOR": "first", "ACCOUNTS_PER_PERSON": "5", "CHANGES_PER_SECOND": "10", "CHANGES_PER_HOUR": "1000", "OVER_LIMIT": "403", "OUTAGE_BOUND_MINUTES": "180", "LOG_LEVEL": "info", "METRICS_NAMESPACE": ourMetrics, "GOMAXPROCS": "1",
		"USAGE_PLAN_KEY":          "Select(2, Split(/, ${AWS::StackId}))",
		"PAGE_TOKEN_KEY":          "Select(2, Split(/, ${AWS::StackId}))",
		"PROBLEM_DOCS":            "https://docs.example/problems/",
		"DYNAMODB_ENDPOINT":       "https://dynamodb.${AWS::Region}.${AWS::URLSuffix}",
		"SECRETSMANAGER_ENDPOINT": "", "EVENTS_ENDPOINT": "",
		"MANAGEMENT_URL": "https://${ManagementApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/prod",
		"PRODUCTS_URL":   "https://${ProductsApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/prod",
		"BRAND_NAME":     "TMaps", "BRAND_LOGO": "PHN2Zy8+", "BRAND_COLOR": "#123456", "BRAND_COLOR_DARK": "#abcdef", "BRAND_LANGUAGE": "fr", "BRAND_DOCS": "https://d.example",
		"BRAND_SUPPORT": "mailto:s@d.example", "BRAND_STATUS": "https://s.example", "BRAND_TERMS": "https://t.example", "BRAND_PRIVACY": "https://p.example",
	}
}

func TestVariablesHaveTheirValues(t *testing.T) {
	parameters := []string{
		"OidcAlgorithm", "ES256", "KeyPrefix", "zz", "FormerKeyPrefixes", "old,ak", "BootstrapOperator", "first", "OverLimitStatus", "403", "OutageBoundMinutes", "180", "ProblemDocsUrl", "https://docs.example/problems/",
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

// What the links of a brand may be.
var (
	webOrMail = []string{"", "https://tmaps.example", "https://tmaps.example/help?form=keys#top", "mailto:help@tmaps.example"}
	neither   = []string{"http://tmaps.example", "tmaps.example", "javascript:alert(1)", "mailto:help", "https://a b", "https://me@tmaps.example"}
)

// parameters lists for each its default, what it takes and what it refuses.
var parameters = map[string]struct {
	standard      string
	takes, leaves []string
}{
	"KeyPrefix":         {"ak", []string{"ak", "a1", "abcdefgh"}, []string{"", "a", "abcdefghi", "1a", "AK", "a_b", "ak "}},
	"FormerKeyPrefixes": {"", []string{"", "old", "old,ak1"}, []string{"old,", ",old", "old ak", "old, ak", "OLD", "a"}},
	"UpstreamUrl":       {"", []string{"", "https://up.example", "https://10.0.0.1:8080/base", "http://127.0.0.1:8080/base", "http://[::1]:80"}, []string{"http://10.0.0.1:8080/base", "http://127.0.0.1.example", "http://localhost:80@x", "up.example", "https://up.example/", "https://up.example?x", "ftp://up", "https://a b"}},
	"PlainUpstreamUrl":  {"", []string{"", "http://10.0.0.1:8080/base"}, []string{"https://up.example", "http://up.example/", "http://up.example?x", "http://a b"}},
	"ProductsDomain":    {"", []string{"", "api.example.com", "xn--e1a.example"}, []string{"example", "API.example.com", "api.example.com.", "https://api.example.com", "api.example.com/x", "-a.example", "a_b.example"}},
	"ManagementDomain":  {"", []string{"", "keys.example.com"}, []string{"example", "keys.example.com/v1"}},
	"ConsoleDomain":     {"", []string{"", "console.example.com"}, []string{"example", "console.example.com/x"}},
	"CertificateArn":    {"", []string{"", "arn:aws:acm:eu-west-1:123456789012:certificate/0b1c-2d"}, []string{"0b1c-2d", "arn:aws:iam::123456789012:server-certificate/x"}},
	"SesIdentityArn":    {"", []string{"", "arn:aws:ses:eu-west-1:123456789012:identity/example.com", "arn:aws:ses:eu-west-1:123456789012:identity/keys@example.com"}, []string{"keys@example.com", "arn:aws:ses:eu-west-1:123456789012:configuration-set/x"}},
	"OidcIssuer":        {"", []string{"", "https://issuer.example/realm", "http://127.0.0.1:8085", "http://localhost:8085/x", "http://host.docker.internal:8085"}, []string{"http://issuer.example", "http://127.0.0.1.example", "http://localhost@issuer.example", "issuer.example", "https://issuer.example?x", "https://a b"}},
	"OidcClientId":      {"", []string{"", "console"}, []string{"a b", "a\nb"}},
	"ConsoleUrl":        {"", []string{"", "https://console.example"}, []string{"http://console.example", "https://console.example/", "https://console.example?x"}},
	"ManagementUrl":     {"", []string{"", "https://m.example"}, []string{"https://m.example/", "m.example", "https://m.example#x"}},
	"ProductsUrl":       {"", []string{"", "https://p.example"}, []string{"https://p.example/", "p.example", "https://p.example?key=x"}},
	"ProblemDocsUrl":    {"", []string{"", "https://docs.example/problems/", "https://docs.example/errors#", "https://docs.example/?code="}, []string{"https://docs.example/problems", "docs.example/", `https://a"b/`, "https://a b/"}},
	"AlarmTopicArn":     {"", []string{"", topic, "arn:aws-cn:sns:cn-north-1:123456789012:x"}, []string{"alarms", "arn:aws:sqs:us-east-1:123456789012:x", topic + " "}},
	"BrandName":         {"Latchkey", []string{"TMaps", "T Maps & Co", "خرائط"}, []string{"", " x", "x ", "{n}", "a\nb", "12345678901234567890123456789012345678901"}},
	"BrandLogo":         {"", []string{"", "PHN2Zy8+", "eA=="}, []string{"<svg/>", "a b", "a==="}},
	"BrandColor":        {"", []string{"", "#0b6a66", "#ABCDEF"}, []string{"red", "#123", "123456", "#1234567"}},
	"BrandColorDark":    {"", []string{"", "#5cc6bd"}, []string{"red", "#123", "123456"}},
	"BrandLanguage":     {"en", []string{"en", "fr", "ar"}, []string{"", "de", "EN"}},
	"BrandDocs":         {"", webOrMail, neither},
	"BrandSupport":      {"", webOrMail, neither},
	"BrandStatus":       {"", webOrMail, neither},
	"BrandTerms":        {"", webOrMail, neither},
	"BrandPrivacy":      {"", webOrMail, neither},
	"BootstrapOperator": {"", []string{"", "sub-1"}, []string{"a b"}},

	"RestoredControlTable":  {"", []string{"", "latchkey-control-restored", "a.b_c"}, []string{"ab", "a b", "table/x", "arn:aws:dynamodb:us-east-1:123456789012:table/x"}},
	"RestoredControlStream": {"", []string{"", "2026-11-29T00:48:05.899"}, []string{"latest", "arn:aws:dynamodb:us-east-1:123456789012:table/x/stream/2026-11-29T00:48:05.899"}},
	"RestoredGateTable":     {"", []string{"", "latchkey-gate-restored"}, []string{"ab", "a b", "table/x"}},

	"DynamoDBEndpoint":       {"", []string{"", "http://127.0.0.1:8000"}, []string{"127.0.0.1:8000", "http://x?y"}},
	"SecretsManagerEndpoint": {"", []string{"", "http://127.0.0.1:8000"}, []string{"127.0.0.1:8000", "http://x?y"}},
	"EventsEndpoint":         {"", []string{"", "http://127.0.0.1:8000"}, []string{"127.0.0.1:8000", "http://x?y"}},

	"OverLimitStatus":    {"429", []string{"429", "403"}, []string{"401", "200", ""}},
	"OutageBoundMinutes": {"15", []string{"1", "15", "180"}, []string{"0", "181", "-1"}},
	"OidcAlgorithm":      {"RS256", []string{"RS256", "ES256", "EdDSA"}, []string{"none", "HS256", ""}},
	"SharedSecretNames":  {"off", []string{"off", "on"}, []string{"", "ON"}},
	"Architecture":       {"arm64", []string{"arm64", "x86_64"}, []string{"", "arm", "amd64"}},
	"AccessLogs":         {"off", []string{"off", "on"}, []string{"", "ON"}},
	"CallsPerAddress":    {"0", []string{"0", "10", "2000", "999999999"}, []string{"", "1", "9", "-1", "01", "1e3", "1000000000"}},
	"LogRetentionDays":   {"30", []string{"1", "30", "731"}, []string{"0", "31", ""}},
	"AccountsPerPerson":  {"5", []string{"1", "1000000"}, []string{"0", "-1"}},
	"ChangesPerSecond":   {"10", []string{"1", "1000000"}, []string{"0", "-1"}},
	"ChangesPerHour":     {"1000", []string{"1", "1000000000"}, []string{"0", "-1"}},
	"GateMemory":         {"512", []string{"256", "512", "3008"}, []string{"255", "128", "3009", "0"}},
	"GateConcurrency":    {"0", []string{"0", "1", "1000"}, []string{"-1", "100001"}},
	"SignUp":             {"open", []string{"open", "invited"}, []string{"", "closed"}},
	"Mfa":                {"OPTIONAL", []string{"OFF", "OPTIONAL", "ON"}, []string{"", "on"}},
	"DefaultUrls":        {"on", []string{"on", "off"}, []string{"", "OFF"}},
	"ProductsRateLimit":  {"5000", []string{"1", "10000"}, []string{"0", "-1"}},
	"ProductsBurstLimit": {"5000", []string{"1", "10000"}, []string{"0", "-1"}},
}

func TestParametersTakeWhatTheyMayAndNothingElse(t *testing.T) {
	raw, err := os.ReadFile(root + "template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var source struct {
		Parameters map[string]struct {
			Default        string   `yaml:"Default"`
			AllowedPattern string   `yaml:"AllowedPattern"`
			AllowedValues  []string `yaml:"AllowedValues"`
			MinValue       *int     `yaml:"MinValue"`
			MaxValue       *int     `yaml:"MaxValue"`
		} `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal(raw, &source); err != nil {
		t.Fatal(err)
	}
	for name, p := range source.Parameters {
		want, ok := parameters[name]
		if !ok {
			t.Errorf("%s is not in this test", name)
			continue
		}
		if p.Default != want.standard {
			t.Errorf("%s is %q by default, want %q", name, p.Default, want.standard)
		}
		accepts := func(v string) bool {
			n, err := strconv.Atoi(v)
			return (p.AllowedPattern == "" || regexp.MustCompile(p.AllowedPattern).MatchString(v)) &&
				(p.AllowedValues == nil || slices.Contains(p.AllowedValues, v)) && (p.MinValue == nil || err == nil && n >= *p.MinValue) &&
				(p.MaxValue == nil || err == nil && n <= *p.MaxValue)
		}
		for _, v := range want.takes {
			if !accepts(v) {
				t.Errorf("%s refuses %q", name, v)
			}
		}
		for _, v := range want.leaves {
			if accepts(v) {
				t.Errorf("%s takes %q", name, v)
			}
		}
	}
	for name := range parameters {
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
