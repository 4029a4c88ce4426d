package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestGatewayResponsesOfTheProducts(t *testing.T) {
	responses, _ := render(t, "template.yaml").properties(t, "ProductsApi")["GatewayResponses"].(object)
	for kind, want := range map[string]struct {
		status     any
		code       string
		retryAfter any
	}{
		"UNAUTHORIZED":                   {401, "unauthorized", nil},
		"ACCESS_DENIED":                  {403, "$context.authorizer.code", nil},
		"INVALID_API_KEY":                {429, "$context.authorizer.code", "context.authorizer.retryAfter"},
		"THROTTLED":                      {429, "throttled", "'1'"},
		"QUOTA_EXCEEDED":                 {429, "throttled", "'1'"},
		"WAF_FILTERED":                   {429, "throttled", "'60'"},
		"AUTHORIZER_FAILURE":             {503, "unavailable", "'1'"},
		"AUTHORIZER_CONFIGURATION_ERROR": {503, "unavailable", "'1'"},
		"MISSING_AUTHENTICATION_TOKEN":   {403, "unknown_path", nil},
		"UNSUPPORTED_MEDIA_TYPE":         {415, "content_type_unsupported", nil},
		"DEFAULT_4XX":                    {nil, "bad_request", nil},
		"DEFAULT_5XX":                    {nil, "server_error", nil},
	} {
		r := responses[kind]
		if r == nil {
			t.Errorf("no response %s", kind)
			continue
		}
		// A status on a DEFAULT type would be the status of everything that has no type of its own.
		if got := at(r, "StatusCode"); got != want.status {
			t.Errorf("%s: status %v, want %v", kind, got, want.status)
		}
		if got := at(r, "ResponseParameters", "Headers", "Retry-After"); got != want.retryAfter {
			t.Errorf("%s: Retry-After %v, want %v", kind, got, want.retryAfter)
		}
		if code := body(t, kind, r)["code"]; code != want.code {
			t.Errorf("%s: code %v, want %s", kind, code, want.code)
		}
		delete(responses, kind)
	}
	for kind := range responses {
		t.Errorf("response %s is not in this test", kind)
	}
}

// A customised type inherits nothing: each repeats its headers.
func TestEveryGatewayResponseHasItsHeaders(t *testing.T) {
	for api, p := range render(t, "template.yaml").ofType("AWS::Serverless::Api") {
		responses, _ := p["GatewayResponses"].(object)
		for kind, r := range responses {
			want := map[string]any{
				"Content-Type": "'application/problem+json'", "Cache-Control": "'no-store'", "X-Request-Id": "context.extendedRequestId", // the one that a caller can't choose
			}
			if api == "ManagementApi" { // as the functions' own
				want["X-Content-Type-Options"] = "'nosniff'"
			}
			if api == "ProductsApi" { // the only one that pages of other sites call
				want["Access-Control-Allow-Origin"] = "'*'"
				want["Access-Control-Expose-Headers"] = "'Retry-After,X-Request-Id,RateLimit,RateLimit-Policy'"
			}
			for name, value := range want {
				if got := at(r, "ResponseParameters", "Headers", name); got != value {
					t.Errorf("%s %s: %s is %v, want %v", api, kind, name, got, value)
				}
			}
			document := body(t, api+" "+kind, r)
			if status := at(r, "StatusCode"); status == nil != (document["status"] == nil) || status != nil && fmt.Sprint(status) != fmt.Sprint(document["status"]) {
				t.Errorf("%s %s: status %v in the line, %v in the body", api, kind, status, document["status"])
			}
		}
	}
}

// TestTheReferenceListsEveryAnswerOfTheProducts: its table is what the template says; the end-to-end tests hold the wire to it.
func TestTheReferenceListsEveryAnswerOfTheProducts(t *testing.T) {
	responses, _ := render(t, "template.yaml").properties(t, "ProductsApi")["GatewayResponses"].(object)
	var rows []string
	for kind, r := range responses {
		status, code := "the kind's own", fmt.Sprint("`", body(t, kind, r)["code"], "`")
		if s := at(r, "StatusCode"); s != nil {
			status = fmt.Sprint(s)
		}
		if strings.Contains(code, "$") {
			code = "the gate's"
		}
		headers := slices.Sorted(maps.Keys(at(r, "ResponseParameters", "Headers").(object)))
		rows = append(rows, fmt.Sprintf("| %s | %s | `%s` | `%s` |\n", status, code, kind, strings.Join(headers, "`, `")))
	}
	slices.Sort(rows)
	const file = "docs/reference/gate.md"
	before, table, after := between(t, file, "<!-- answers: this table is written by go test ./infra/contract -update -->\n\n", "\n<!-- end of answers -->")
	replace(t, file, before, table, "| status | code | response | headers |\n|---|---|---|---|\n"+strings.Join(rows, ""), after)
}

// TestRefusalsOfTheGateSayWhatHelps: of a 401 in one literal, and with the challenge that RFC 9110 asks for.
func TestRefusalsOfTheGateSayWhatHelps(t *testing.T) {
	responses, _ := render(t, "template.yaml").properties(t, "ProductsApi")["GatewayResponses"].(object)
	for kind, want := range map[string]string{"ACCESS_DENIED": "$context.authorizer.detail", "INVALID_API_KEY": "$context.authorizer.detail"} {
		if got := body(t, kind, responses[kind])["detail"]; got != want {
			t.Errorf("%s: detail %v", kind, got)
		}
	}
	unauthorized := responses["UNAUTHORIZED"]
	if detail, _ := body(t, "UNAUTHORIZED", unauthorized)["detail"].(string); detail == "" {
		t.Error("401 doesn't say what helps")
	}
	challenge, _ := at(unauthorized, "ResponseParameters", "Headers", "WWW-Authenticate").(string)
	if !regexp.MustCompile(`^'[A-Za-z]+ realm="[a-z]+"'$`).MatchString(challenge) || strings.Contains(challenge, "Basic") {
		t.Errorf("challenge %s", challenge)
	}
}

// TestAnswersOfTheGatewayItselfSayWhatHelps: each code that the authorizer doesn't give has one sentence, the reference's, in
// both APIs. What has no type of its own has API Gateway's message.
func TestAnswersOfTheGatewayItselfSayWhatHelps(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/gate.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, api := range []string{"ProductsApi", "ManagementApi"} {
		responses, _ := render(t, "template.yaml").properties(t, api)["GatewayResponses"].(object)
		for kind, r := range responses {
			document := body(t, kind, r)
			code, _ := document["code"].(string)
			detail, _ := document["detail"].(string)
			documented := strings.Contains(string(page), fmt.Sprintf("| `%s` | %s |\n", code, detail))
			switch {
			case strings.HasPrefix(kind, "DEFAULT_"), strings.Contains(code, "$"), kind == "UNAUTHORIZED":
			case api == "ManagementApi" && code != "throttled": // docs/problems says what helps
			case !sentences.MatchString(detail) || !documented:
				t.Errorf("%s %s: %s has %q, which the reference lacks", api, kind, code, detail)
			}
		}
	}
}

var sentences = regexp.MustCompile(`^([A-Z][^".\\]+\. ?)+$`)

// Every 401 is one literal, so that no two causes can differ.
func TestTheBodyOf401IsALiteral(t *testing.T) {
	r := at(render(t, "template.yaml").properties(t, "ProductsApi"), "GatewayResponses", "UNAUTHORIZED")
	if text := fmt.Sprint(at(r, "ResponseTemplates")); strings.Contains(text, "$") {
		t.Errorf("a variable in %s", text)
	}
	for name, v := range at(r, "ResponseParameters", "Headers").(object) {
		if name != "X-Request-Id" && !regexp.MustCompile(`^'.*'$`).MatchString(v.(string)) {
			t.Errorf("header %s is %v", name, v)
		}
	}
}

// body reads the template as the gateway would fill it.
func body(t *testing.T, name string, response any) map[string]any {
	t.Helper()
	templates, _ := at(response, "ResponseTemplates").(object)
	text, _ := templates["application/json"].(string)
	// messageString comes with its quotes; other variables don't.
	text = strings.ReplaceAll(text, "$context.error.messageString", `"message"`)
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil || len(templates) != 1 {
		t.Errorf("%s: body %q: %v", name, text, err)
	}
	if status := at(response, "StatusCode"); status != nil && fmt.Sprint(out["status"]) != fmt.Sprint(status) {
		t.Errorf("%s: the body says %v, the status is %v", name, out["status"], status)
	}
	for _, member := range []string{"type", "title", "code", "error"} {
		if _, ok := out[member].(string); !ok {
			t.Errorf("%s: no %s in %s", name, member, text)
		}
	}
	return out
}
