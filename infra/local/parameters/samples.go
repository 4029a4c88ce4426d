// Package parameters knows what the template's parameters may be, and gives a function's own reader what comes of all that may be
// deployed together: a stack that CloudFormation begins to make has functions that start.
package parameters

import "strings"

// What the links of a brand may be.
var (
	webOrMail = []string{"", "https://tmaps.example", "https://tmaps.example/help?form=keys#top", "mailto:help@tmaps.example"}
	neither   = []string{"https://", "https:///help", "https://tmaps.example:port", "https://tmaps.example/%zz", "mailto:/a@b", "mailto:a#b@c", "http://tmaps.example", "tmaps.example", "javascript:alert(1)", "mailto:help", "https://a b", "https://me@tmaps.example"}
)

// wholeFromOne has no whole number of 1 or more in it. CloudFormation's type Number takes decimals, which the functions don't.
var wholeFromOne = []string{"", "0", "-1", "+1", "01", "1.5", "1.0", "1e1", "99999999999999999999"}

const topic = "arn:aws:sns:us-east-1:123456789012:alarms"

// Sample describes a parameter: its default, values that it takes and values that it refuses.
type Sample struct {
	Standard      string
	Takes, Leaves []string
}

// Samples are those of the template's parameters.
var Samples = map[string]Sample{
	"KeyPrefix":         {"ak", []string{"ak", "a1", "abcdefgh"}, []string{"", "a", "abcdefghi", "1a", "AK", "a_b", "ak "}},
	"FormerKeyPrefixes": {"", []string{"", "old", "old,ak1"}, []string{"old,", ",old", "old ak", "old, ak", "OLD", "a"}},
	"GitHubKeysUrl":     {"https://api.github.com/meta/public_keys/secret_scanning", []string{"", "https://keys.example"}, []string{"http://keys.example", "keys.example", "https://keys.example?x", "https://a b", "https://u@keys.example"}},
	"UpstreamUrl":       {"", []string{"", "https://up.example", "https://10.0.0.1:8080/base"}, []string{"https://", "https://:::", "https://[::1]", "https://up.example:", "http://127.0.0.1:8080/base", "http://[::1]:80", "http://10.0.0.1:8080/base", "http://127.0.0.1.example", "http://localhost:80@x", "up.example", "https://up.example/", "https://up.example?x", "ftp://up", "https://a b"}},
	"PlainUpstreamUrl":  {"", []string{"", "http://10.0.0.1:8080/base"}, []string{"https://up.example", "http://", "http://up.example/", "http://up.example?x", "http://a b"}},
	"ProductsDomain":    {"", []string{"", "api.example.com", "xn--e1a.example"}, []string{"example", "API.example.com", "api.example.com.", "https://api.example.com", "api.example.com/x", "-a.example", "a_b.example"}},
	"ManagementDomain":  {"", []string{"", "keys.example.com"}, []string{"example", "keys.example.com/v1"}},
	"ConsoleDomain":     {"", []string{"", "console.example.com"}, []string{"example", "console.example.com/x"}},
	"CertificateArn":    {"", []string{"", "arn:aws:acm:eu-west-1:123456789012:certificate/0b1c-2d"}, []string{"0b1c-2d", "arn:aws:iam::123456789012:server-certificate/x"}},
	"SesIdentityArn":    {"", []string{"", "arn:aws:ses:eu-west-1:123456789012:identity/example.com", "arn:aws:ses:eu-west-1:123456789012:identity/keys@example.com"}, []string{"keys@example.com", "arn:aws:ses:eu-west-1:123456789012:configuration-set/x"}},
	"OidcIssuer":        {"", []string{"", "https://issuer.example", "https://issuer.example:8443/realms/My%20Realm/", "https://login.example/1b-2c/v2.0"}, []string{"http://issuer.example", "http://127.0.0.1:8085", "http://localhost:8085/x", "http://host.docker.internal:8085", "https://a@issuer.example", "issuer.example", "https://issuer.example?x", "https://a b"}},
	"OidcClientId":      {"", []string{"", "console"}, []string{"a b", "a\nb"}},
	"ConsoleUrl":        {"", []string{"", "https://console.example"}, []string{"http://console.example", "https://console.example/", "https://console.example?x"}},
	"ManagementUrl":     {"", []string{"", "https://m.example"}, []string{"https://m.example/", "http://m.example", "m.example", "https://m.example#x"}},
	"ProductsUrl":       {"", []string{"", "https://p.example"}, []string{"https://p.example/", "http://p.example", "p.example", "https://p.example?key=x"}},
	"ProblemDocsUrl":    {"", []string{"", "https://docs.example/problems/", "https://docs.example/errors#", "https://docs.example/?code="}, []string{"https://docs.example/problems", "docs.example/", `https://a"b/`, "https://a b/"}},
	"AlarmTopicArn":     {"", []string{"", topic, "arn:aws-cn:sns:cn-north-1:123456789012:x"}, []string{"alarms", "arn:aws:sqs:us-east-1:123456789012:x", topic + " "}},
	"BrandName":         {"Latchkey", []string{"TMaps", "T Maps & Co", "خرائط"}, []string{"", " x", "x ", "{n}", "a\nb", "12345678901234567890123456789012345678901"}},
	"BrandLogo":         {"", []string{"", "PHN2Zy8+", "eA==", strings.Repeat("A", 2400)}, []string{"<svg/>", "a b", "a===", strings.Repeat("A", 2401)}},
	"BrandColor":        {"", []string{"", "#0b6a66", "#ABCDEF"}, []string{"red", "#123", "123456", "#1234567"}},
	"BrandColorDark":    {"", []string{"", "#5cc6bd"}, []string{"red", "#123", "123456"}},
	"BrandLanguage":     {"en", []string{"en", "fr", "ar"}, []string{"", "de", "EN"}},
	"BrandDocs":         {"", webOrMail, neither},
	"BrandSupport":      {"", webOrMail, neither},
	"BrandStatus":       {"", webOrMail, neither},
	"BrandTerms":        {"", webOrMail, neither},
	"BrandPrivacy":      {"", webOrMail, neither},
	"BootstrapOperator": {"", []string{"", "sub-1", "https://issuer.example/realm#sub-1"}, []string{"a b"}},

	"RestoredControlTable":  {"", []string{"", "latchkey-control-restored", "a.b_c"}, []string{"ab", "a b", "table/x", "arn:aws:dynamodb:us-east-1:123456789012:table/x"}},
	"RestoredControlStream": {"", []string{"", "2026-11-29T00:48:05.899"}, []string{"latest", "arn:aws:dynamodb:us-east-1:123456789012:table/x/stream/2026-11-29T00:48:05.899"}},
	"RestoredGateTable":     {"", []string{"", "latchkey-gate-restored"}, []string{"ab", "a b", "table/x"}},

	"DynamoDBEndpoint":       {"", []string{"", "http://127.0.0.1:8000", "https://dynamodb.example"}, []string{"127.0.0.1:8000", "http://", "http://x:y", "http://x?y"}},
	"SecretsManagerEndpoint": {"", []string{"", "http://127.0.0.1:8000", "https://dynamodb.example"}, []string{"127.0.0.1:8000", "http://", "http://x:y", "http://x?y"}},
	"EventsEndpoint":         {"", []string{"", "http://127.0.0.1:8000", "https://dynamodb.example"}, []string{"127.0.0.1:8000", "http://", "http://x:y", "http://x?y"}},

	"OverLimitStatus":    {"429", []string{"429", "403"}, []string{"401", "200", ""}},
	"CallerAddresses":    {"seen", []string{"seen", "hidden"}, []string{"", "Hidden"}},
	"OutageBoundMinutes": {"15", []string{"1", "15", "180"}, []string{"", "0", "181", "-1", "+1", "01", "1.5", "1.0", "1e1", "15 "}},
	"OidcAlgorithm":      {"RS256", []string{"RS256", "ES256", "EdDSA"}, []string{"none", "HS256", ""}},
	"SharedSecretNames":  {"off", []string{"off", "on"}, []string{"", "ON"}},
	"Architecture":       {"arm64", []string{"arm64", "x86_64"}, []string{"", "arm", "amd64"}},
	"AccessLogs":         {"off", []string{"off", "on"}, []string{"", "ON"}},
	"CallsPerAddress":    {"0", []string{"0", "10", "2000", "999999999"}, []string{"", "1", "9", "-1", "01", "1e3", "1000000000"}},
	"LogRetentionDays":   {"30", []string{"1", "30", "731"}, []string{"0", "31", ""}},
	"AccountsPerPerson":  {"5", []string{"1", "1000000"}, wholeFromOne},
	"ChangesPerSecond":   {"10", []string{"1", "1000000"}, wholeFromOne},
	"ChangesPerHour":     {"1000", []string{"1", "1000000000"}, wholeFromOne},
	"GateMemory":         {"512", []string{"256", "512", "3008"}, []string{"", "255", "128", "3009", "0", "512.0", "0512", "1e3"}},
	"GateConcurrency":    {"0", []string{"0", "1", "1000"}, []string{"", "-1", "100001", "00", "0.0", "1.5"}},
	"SignUp":             {"open", []string{"open", "invited"}, []string{"", "closed"}},
	"Mfa":                {"OPTIONAL", []string{"OFF", "OPTIONAL", "ON"}, []string{"", "on"}},
	"DefaultUrls":        {"on", []string{"on", "off"}, []string{"", "OFF"}},
	"ProductsRateLimit":  {"5000", []string{"1", "10000"}, wholeFromOne},
	"ProductsBurstLimit": {"5000", []string{"1", "10000"}, wholeFromOne},
}
