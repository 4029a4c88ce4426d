package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"latchkey/functions/internal/apitest"
	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
)

// proxyEvent is an event of a REST API's proxy integration, of a client that claims to be somebody else.
const proxyEvent = `{
	"resource": "/v1/accounts/{account}/{proxy+}", "path": %[1]q, "httpMethod": %[2]q,
	"headers": {"Authorization": "Bearer token-%[3]s", "Content-Type": "application/json", "X-Forwarded-For": "198.51.100.66, %[4]s", "Forwarded": "for=198.51.100.66"},
	"multiValueHeaders": {"Authorization": ["Bearer token-%[3]s"], "Content-Type": ["application/json"],
		"X-Forwarded-For": ["198.51.100.66, %[4]s"], "Forwarded": ["for=198.51.100.66"]},
	"queryStringParameters": null, "multiValueQueryStringParameters": null, "stageVariables": null,
	"requestContext": {
		"resourcePath": "/v1/accounts/{account}/{proxy+}", "httpMethod": %[2]q, "path": "/prod%[1]s", "stage": "prod", "apiId": "a1b2c3",
		"requestId": "8a5d3f43-9c1b-4d9b-8f0e-2f7d2e1c0b9a", "domainName": "a1b2c3.execute-api.eu-west-1.amazonaws.com",
		"identity": {"sourceIp": %[4]q, "userAgent": "curl/8"}
	},
	"body": %[5]q, "isBase64Encoded": false
}`

// The address in an audit row is the peer that API Gateway saw, and nothing that a client sends. Owners see their
// members' own; nobody sees an operator's.
func TestAnAuditRowHasTheAddressThatTheGatewaySaw(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	call := gateway.Proxy(r.Mux)
	send := func(as, ip, method, path, body string) events.APIGatewayProxyResponse {
		t.Helper()
		var event events.APIGatewayProxyRequest
		if err := json.Unmarshal(fmt.Appendf(nil, proxyEvent, path, method, as, ip, body), &event); err != nil {
			t.Fatal(err)
		}
		answer, err := call(t.Context(), event)
		if err != nil || answer.StatusCode >= 300 {
			t.Fatalf("%s %s: %d %s, %v", method, path, answer.StatusCode, answer.Body, err)
		}
		return answer
	}
	send("owner", "192.0.2.7", "PATCH", r.path(""), `{"name":"Renamed"}`)
	send("owner", "2001:db8::7", "POST", r.path("/invitations"), `{"role":"viewer"}`)
	send("operator", "192.0.2.99", "PATCH", r.path(""), `{"key_limit":7}`)
	rows := map[string]string{}
	for _, row := range r.AllAudit(t, r.account.ID) {
		rows[row.Action+" "+row.Actor.Role] = row.Source + " " + row.RequestID
	}
	const id = " 8a5d3f43-9c1b-4d9b-8f0e-2f7d2e1c0b9a"
	for action, want := range map[string]string{
		"account.edit owner": "192.0.2.7" + id, "invitation.create owner": "2001:db8::7" + id, "account.edit operator": "192.0.2.99" + id,
	} {
		if rows[action] != want {
			t.Errorf("%s: %q, want %q", action, rows[action], want)
		}
	}
	seen := func(as string) (addresses map[any]bool) {
		t.Helper()
		var doc struct{ Rows []object }
		if err := json.Unmarshal([]byte(send(as, "192.0.2.1", "GET", r.path("/audit"), "").Body), &doc); err != nil {
			t.Fatal(err)
		}
		addresses = map[any]bool{}
		for _, row := range doc.Rows {
			addresses[row["source_ip"]] = true
		}
		return addresses
	}
	if got := seen("owner"); !got["192.0.2.7"] || !got["2001:db8::7"] || got["192.0.2.99"] {
		t.Errorf("an owner sees %v", got)
	}
	r.Member(t, r.account.ID, "another", account.Viewer)
	for _, as := range []string{"another", "operator"} {
		if got := seen(as); len(got) != 1 || !got[nil] {
			t.Errorf("%s sees %v", as, got)
		}
	}
}
