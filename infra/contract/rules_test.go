package contract

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"latchkey/infra/local/template"
)

// rule is one of a template's Rules: what CloudFormation refuses before it makes anything.
type rule struct {
	When       yaml.Node `yaml:"RuleCondition"`
	Assertions []struct {
		Assert      yaml.Node `yaml:"Assert"`
		Description string    `yaml:"AssertDescription"`
	} `yaml:"Assertions"`
}

// broken lists what the rules say against the parameters.
func (r *renderer) broken(rules map[string]rule) (all []string) {
	for _, name := range sorted(rules) {
		one := rules[name]
		if !one.When.IsZero() && !r.decide(&one.When) {
			continue
		}
		for _, a := range one.Assertions {
			if !r.decide(&a.Assert) {
				all = append(all, a.Description)
			}
		}
	}
	return all
}

func brokenBy(t *testing.T, parameters ...string) []string {
	t.Helper()
	source, r := open(t, "template.yaml", parameters...)
	return r.broken(source.Rules)
}

// leastValue is the least whole number that a parameter of the template takes.
func leastValue(t *testing.T, parameter string) float64 {
	t.Helper()
	declared, err := template.Load(root+"template.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 10000 {
		if declared.Takes(parameter, strconv.Itoa(n)) {
			return float64(n)
		}
	}
	t.Fatalf("%s takes no number", parameter)
	return 0
}

const certificate = "arn:aws:acm:eu-west-1:123456789012:certificate/0b1c"

var threeDomains = slices.Clip([]string{
	"CertificateArn", certificate, "ProductsDomain", "api.example.com", "ManagementDomain", "keys.example.com", "ConsoleDomain", "console.example.com",
})

// A deployment that could only fail later, or would be green and answer nothing, isn't begun.
func TestParametersThatCantGoTogetherAreRefused(t *testing.T) {
	const (
		client   = "OidcIssuer needs OidcClientId"
		issuer   = "OidcClientId is of no use without OidcIssuer"
		upstream = "UpstreamUrl and PlainUpstreamUrl exclude each other"
		cert     = "ProductsDomain, ManagementDomain and ConsoleDomain need CertificateArn"
		three    = "ProductsDomain, ManagementDomain and ConsoleDomain are three names"
		all      = "DynamoDBEndpoint, SecretsManagerEndpoint and EventsEndpoint are set together, or a run would reach half of AWS"
		instant  = "RestoredControlTable, RestoredControlStream and RestoredGateTable are set together, for the tables are of one instant"
		two      = "RestoredControlTable and RestoredGateTable are two tables"
		label    = "2026-11-29T00:48:05.899"
	)
	for _, c := range []struct {
		parameters []string
		want       string
	}{
		{nil, ""},
		{[]string{"OidcIssuer", "https://i.example"}, client},
		{[]string{"OidcClientId", "console"}, issuer},
		{[]string{"OidcIssuer", "https://i.example", "OidcClientId", "console"}, ""},
		{[]string{"UpstreamUrl", "https://u.example"}, ""},
		{[]string{"PlainUpstreamUrl", "http://u.example"}, ""},
		{[]string{"UpstreamUrl", "https://u.example", "PlainUpstreamUrl", "http://u.example"}, upstream},
		{[]string{"ProductsDomain", "a.example"}, cert},
		{[]string{"ManagementDomain", "a.example"}, cert},
		{[]string{"ConsoleDomain", "a.example"}, cert},
		{[]string{"CertificateArn", certificate}, ""},
		{[]string{"CertificateArn", certificate, "ProductsDomain", "a.example"}, ""},
		{[]string{"CertificateArn", certificate, "ProductsDomain", "a.example", "ManagementDomain", "b.example", "ConsoleDomain", "c.example"}, ""},
		{[]string{"CertificateArn", certificate, "ProductsDomain", "a.example", "ManagementDomain", "a.example"}, three},
		{[]string{"CertificateArn", certificate, "ProductsDomain", "a.example", "ConsoleDomain", "a.example"}, three},
		{[]string{"CertificateArn", certificate, "ManagementDomain", "a.example", "ConsoleDomain", "a.example"}, three},
		{[]string{"DynamoDBEndpoint", "http://127.0.0.1:1"}, all},
		{[]string{"SecretsManagerEndpoint", "http://127.0.0.1:1"}, all},
		{[]string{"EventsEndpoint", "http://127.0.0.1:1"}, all},
		{[]string{"DynamoDBEndpoint", "http://127.0.0.1:1", "SecretsManagerEndpoint", "http://127.0.0.1:1"}, all},
		{[]string{"DynamoDBEndpoint", "http://127.0.0.1:1", "EventsEndpoint", "http://127.0.0.1:1"}, all},
		{[]string{"SecretsManagerEndpoint", "http://127.0.0.1:1", "EventsEndpoint", "http://127.0.0.1:1"}, all},
		{[]string{"DynamoDBEndpoint", "http://127.0.0.1:1", "SecretsManagerEndpoint", "http://127.0.0.1:1", "EventsEndpoint", "http://127.0.0.1:1"}, ""},
		{[]string{"RestoredControlTable", "control", "RestoredControlStream", label}, instant},
		{[]string{"RestoredControlTable", "control", "RestoredGateTable", "gate"}, instant},
		{[]string{"RestoredControlStream", label, "RestoredGateTable", "gate"}, instant},
		{[]string{"RestoredGateTable", "gate"}, instant},
		{[]string{"RestoredControlTable", "control", "RestoredControlStream", label, "RestoredGateTable", "control"}, two},
		{[]string{"RestoredControlTable", "control", "RestoredControlStream", label, "RestoredGateTable", "gate"}, ""},
	} {
		var want []string
		if c.want != "" {
			want = []string{c.want}
		}
		if got := brokenBy(t, c.parameters...); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", c.parameters, got, want)
		}
	}
}

// Each API has its domain where one is given, browsers and programs are led there, and its default URL closes when that is asked for.
func TestDomainsAreWhatEverybodyIsLedTo(t *testing.T) {
	d := render(t, "template.yaml", append(threeDomains, "DefaultUrls", "off")...)
	for _, name := range []string{"Products", "Management", "Console"} {
		domain := d.properties(t, name+"DomainName")
		if fmt.Sprint(at(domain, "EndpointConfiguration", "Types")) != "[REGIONAL]" || domain["SecurityPolicy"] != "TLS_1_2" || domain["RegionalCertificateArn"] != certificate {
			t.Errorf("%v", domain)
		}
		mapping := d.properties(t, name+"Mapping")
		if mapping["DomainName"] != "${"+name+"DomainName}" || mapping["RestApiId"] != "${"+name+"Api}" || mapping["Stage"] != "${"+name+"Api.Stage}" || mapping["BasePath"] != nil {
			t.Errorf("%v", mapping)
		}
		if d.properties(t, name+"Api")["DisableExecuteApiEndpoint"] != true {
			t.Errorf("the default URL of %sApi stays open", name)
		}
		if got := at(d.Outputs, name+"DomainTarget", "Value"); got != "${"+name+"DomainName.RegionalDomainName}" {
			t.Errorf("DNS is led to %v", got)
		}
	}
	for name, want := range map[string]string{"ProductsUrl": "https://api.example.com", "ManagementUrl": "https://keys.example.com", "ConsoleUrl": "https://console.example.com/"} {
		if got := at(d.Outputs, name, "Value"); got != want {
			t.Errorf("%s is %v, want %s", name, got, want)
		}
	}
	variables := at(d.properties(t, "ConsoleFunction"), "Environment", "Variables")
	if at(variables, "MANAGEMENT_URL") != "https://keys.example.com" || at(variables, "PRODUCTS_URL") != "https://api.example.com" {
		t.Errorf("the console calls %v and shows %v", at(variables, "MANAGEMENT_URL"), at(variables, "PRODUCTS_URL"))
	}
	for property, page := range map[string]string{"CallbackURLs": "https://console.example.com/callback", "LogoutURLs": "https://console.example.com/"} {
		if got := texts(d.properties(t, "UserPoolClient")[property]); !slices.Contains(got, page) {
			t.Errorf("%s %q", property, got)
		}
	}
	// A URL that is given, such as that of a CDN before the domain, goes before.
	own := at(render(t, "template.yaml", append(threeDomains, "ManagementUrl", "https://m.example", "ProductsUrl", "https://p.example")...).properties(t, "ConsoleFunction"), "Environment", "Variables")
	if at(own, "MANAGEMENT_URL") != "https://m.example" || at(own, "PRODUCTS_URL") != "https://p.example" {
		t.Errorf("%v", own)
	}
	// A domain alone closes nothing, and "off" closes no API that has no other address.
	for _, parameters := range [][]string{threeDomains, {"DefaultUrls", "off"}} {
		for id, p := range render(t, "template.yaml", parameters...).ofType("AWS::Serverless::Api") {
			if p["DisableExecuteApiEndpoint"] != false {
				t.Errorf("%q closes %s", parameters, id)
			}
		}
	}
	// Nor one that another API's domain would close.
	for _, name := range []string{"Products", "Management", "Console"} {
		one := []string{"CertificateArn", certificate, name + "Domain", "a.example", "DefaultUrls", "off"}
		for id, p := range render(t, "template.yaml", one...).ofType("AWS::Serverless::Api") {
			if got := p["DisableExecuteApiEndpoint"]; got != (id == name+"Api") {
				t.Errorf("with %sDomain alone, whether the default URL of %s is closed: %v", name, id, got)
			}
		}
	}
	// Nothing of all that is there without a domain.
	plain := render(t, "template.yaml")
	if n := len(plain.ofType("AWS::ApiGateway::DomainName")) + len(plain.ofType("AWS::ApiGateway::BasePathMapping")); n > 0 {
		t.Errorf("%d resources of domains without a domain", n)
	}
}

func TestThePoolIsAsItsParametersSay(t *testing.T) {
	const identity = "arn:aws:ses:eu-west-1:123456789012:identity/example.com"
	for _, c := range []struct {
		parameters []string
		want       string
	}{
		{nil, "OPTIONAL [SOFTWARE_TOKEN_MFA] false <nil> <nil>"},
		{[]string{"Mfa", "ON", "SignUp", "invited", "SesIdentityArn", identity}, "ON [SOFTWARE_TOKEN_MFA] true DEVELOPER " + identity},
		{[]string{"Mfa", "OFF"}, "OFF <nil> false <nil> <nil>"},
	} {
		p := render(t, "template.yaml", c.parameters...).properties(t, "UserPool")
		got := fmt.Sprint(p["MfaConfiguration"], " ", p["EnabledMfas"], " ", at(p, "AdminCreateUserConfig", "AllowAdminCreateUserOnly"), " ",
			at(p, "EmailConfiguration", "EmailSendingAccount"), " ", at(p, "EmailConfiguration", "SourceArn"))
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.parameters, got, c.want)
		}
	}
}

func TestTheGateHasTheMemoryAndEnvironmentsThatItIsGiven(t *testing.T) {
	gate := render(t, "template.yaml", "GateMemory", "1024", "GateConcurrency", "50").properties(t, "Authorizer")
	if gate["MemorySize"] != "1024" || gate["ReservedConcurrentExecutions"] != "50" {
		t.Errorf("%v, %v", gate["MemorySize"], gate["ReservedConcurrentExecutions"])
	}
	if got := render(t, "template.yaml").properties(t, "Authorizer")["ReservedConcurrentExecutions"]; got != nil {
		t.Errorf("%v environments are reserved by default", got)
	}
}

// An upstream without TLS has a parameter of its own name, so that nobody has one unknowingly. It is called as any other.
func TestAnUpstreamWithoutTLSIsCalledAsAnyOther(t *testing.T) {
	routes := func(parameter, url string) (uris []string) {
		d := render(t, "template.yaml", parameter, url)
		d.properties(t, "GatewaySecret")
		paths, _ := at(d.properties(t, "ProductsApi"), "DefinitionBody", "paths").(object)
		for _, path := range sorted(paths) {
			uri, _ := at(paths, path, "x-amazon-apigateway-any-method", "x-amazon-apigateway-integration", "uri").(string)
			uris = append(uris, strings.TrimPrefix(uri, url))
		}
		return uris
	}
	plain, with := routes("PlainUpstreamUrl", "http://up.example"), routes("UpstreamUrl", "https://up.example")
	if !slices.Equal(plain, with) || len(plain) < 4 || !strings.HasPrefix(plain[0], "/") {
		t.Errorf("%q, with TLS %q", plain, with)
	}
}
