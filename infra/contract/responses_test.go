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
		"INVALID_SIGNATURE":              {403, "unknown_path", nil},
		"EXPIRED_TOKEN":                  {403, "unknown_path", nil},
		"RESOURCE_NOT_FOUND":             {403, "unknown_path", nil},
		"BAD_REQUEST_PARAMETERS":         {400, "bad_request", nil},
		"BAD_REQUEST_BODY":               {400, "bad_request", nil},
		"API_CONFIGURATION_ERROR":        {500, "server_error", nil},
		"INTEGRATION_FAILURE":            {504, "server_error", nil},
		"INTEGRATION_TIMEOUT":            {504, "server_error", nil},
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
			if api != "ProductsApi" { // as the functions' own
				want["X-Content-Type-Options"] = "'nosniff'"
			}
			if api == "ConsoleApi" { // pages for people
				want["Content-Type"], want["Content-Security-Policy"], want["Referrer-Policy"] = "'text/html; charset=utf-8'", "'sandbox'", "'no-referrer'"
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
			if api == "ConsoleApi" {
				continue
			}
			document := body(t, api+" "+kind, r)
			if status := at(r, "StatusCode"); status == nil != (document["status"] == nil) || status != nil && fmt.Sprint(status) != fmt.Sprint(document["status"]) {
				t.Errorf("%s %s: status %v in the line, %v in the body", api, kind, status, document["status"])
			}
		}
	}
}

// TestEveryTypeOfResponseHasWordsAndAStatusOfItsOwn: of every API, for each type that AWS documents and the API can give. A default
// knows no status, so it is left with what has no type: 414, and answers of functions that can't be read.
func TestEveryTypeOfResponseHasWordsAndAStatusOfItsOwn(t *testing.T) {
	const documented = "ACCESS_DENIED API_CONFIGURATION_ERROR AUTHORIZER_CONFIGURATION_ERROR AUTHORIZER_FAILURE BAD_REQUEST_BODY " +
		"BAD_REQUEST_PARAMETERS DEFAULT_4XX DEFAULT_5XX EXPIRED_TOKEN INTEGRATION_FAILURE INTEGRATION_TIMEOUT INVALID_API_KEY INVALID_SIGNATURE " +
		"MISSING_AUTHENTICATION_TOKEN QUOTA_EXCEEDED REQUEST_TOO_LARGE RESOURCE_NOT_FOUND THROTTLED UNAUTHORIZED UNSUPPORTED_MEDIA_TYPE WAF_FILTERED"
	apis := render(t, "template.yaml").ofType("AWS::Serverless::Api")
	for api, p := range apis {
		responses, _ := p["GatewayResponses"].(object)
		for _, kind := range strings.Fields(documented) {
			status := at(responses[kind], "StatusCode")
			switch kind {
			case "REQUEST_TOO_LARGE": // API Gateway answers it in its own words, whatever a template says
				continue
			case "ACCESS_DENIED", "UNAUTHORIZED", "AUTHORIZER_FAILURE", "AUTHORIZER_CONFIGURATION_ERROR", "INVALID_API_KEY", "QUOTA_EXCEEDED":
				if p["Auth"] == nil { // no authorizer, no keys and no usage plan
					continue
				}
			case "DEFAULT_4XX", "DEFAULT_5XX":
				if status != nil {
					t.Errorf("%s %s: status %v would be that of everything without a type", api, kind, status)
				}
				status = 0
			}
			if status == nil {
				t.Errorf("%s: %s has no response with a status", api, kind)
			}
		}
		for kind := range responses {
			if !slices.Contains(strings.Fields(documented), kind) {
				t.Errorf("%s: API Gateway knows no %s", api, kind)
			}
		}
	}
	if len(apis) != 3 {
		t.Errorf("%d APIs", len(apis))
	}
}

// TestThePagesOfTheGatewayHoldNothingOfTheRequest: the console's, which a browser shows. A message of API Gateway can quote a header.
func TestThePagesOfTheGatewayHoldNothingOfTheRequest(t *testing.T) {
	responses, _ := render(t, "template.yaml").properties(t, "ConsoleApi")["GatewayResponses"].(object)
	for kind, r := range responses {
		page := strings.Replace(fmt.Sprint(at(r, "ResponseTemplates", "application/json")), "$context.extendedRequestId", "x", 1)
		if strings.Contains(page, "$") || !htmlPage.MatchString(page) {
			t.Errorf("%s: %s", kind, page)
		}
	}
	if len(responses) == 0 {
		t.Error("no pages")
	}
}

var htmlPage = regexp.MustCompile(`^<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>([^<>]+)</title><h1>[^<>]+</h1><p>[^<>]+</p><p>Request: x</p></html>$`)

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
			case code == "bad_request", code == "server_error", strings.Contains(code, "$"), kind == "UNAUTHORIZED":
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
