package main

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// event is one of the trigger's version 2, as Cognito documents it.
const event = `{
	"version": "2", "triggerSource": "TokenGeneration_HostedAuth", "region": "eu-west-1", "userPoolId": "eu-west-1_Example", "userName": "0a1b",
	"callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "1example"},
	"request": {
		"userAttributes": {"sub": "0a1b", "cognito:user_status": "CONFIRMED", "email_verified": "true", "email": "jane.doe@example.com"},
		"groupConfiguration": {"groupsToOverride": [], "iamRolesToOverride": [], "preferredRole": null},
		"scopes": ["openid", "email", "profile"]
	},
	"response": {"claimsAndScopeOverrideDetails": null}
}`

// TestTheAnswerChangesTheAccessTokenAlone: Cognito wants the whole event back, with the changes in it.
func TestTheAnswerChangesTheAccessTokenAlone(t *testing.T) {
	var e events.CognitoEventUserPoolsPreTokenGenV2_0
	if err := json.Unmarshal([]byte(event), &e); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(answer(e))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Version, TriggerSource, UserName string
		Response                         struct {
			Details struct {
				Access struct {
					Add        map[string]any `json:"claimsToAddOrOverride"`
					Suppress   []string       `json:"claimsToSuppress"`
					ScopesAdd  []string       `json:"scopesToAdd"`
					ScopesLess []string       `json:"scopesToSuppress"`
				} `json:"accessTokenGeneration"`
			} `json:"claimsAndScopeOverrideDetails"`
		}
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	access := got.Response.Details.Access
	if want := map[string]any{"email": "jane.doe@example.com", "email_verified": "true"}; !maps.Equal(access.Add, want) {
		t.Errorf("it adds %v", access.Add)
	}
	if len(access.Suppress)+len(access.ScopesAdd)+len(access.ScopesLess) > 0 || got.Version != "2" || got.UserName != "0a1b" || got.TriggerSource == "" {
		t.Errorf("%s", raw)
	}
}
