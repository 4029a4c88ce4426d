package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"latchkey/infra/local/environments"
	"latchkey/infra/local/issuer"
	"latchkey/infra/local/template"
)

// trigger is the function that a stack's own user pool asks before it makes tokens. A local run has an issuer in the pool's
// place, which asks it the same way, so that its access tokens are like those of a stack.
type trigger struct {
	version  string // of the event
	function environments.Function
}

// triggerTimeout is the time that a user pool waits.
const triggerTimeout = 5 * time.Second

// readTrigger finds it in the template as it is without an issuer of its own. built has what was
// built, by the functions' IDs: without it there is no trigger.
func (s *stack) readTrigger(built map[string]string) (*trigger, error) {
	t, err := s.evaluate(nil)
	if err != nil {
		return nil, err
	}
	pools, err := t.Of("AWS::Cognito::UserPool")
	if err != nil {
		return nil, err
	}
	for _, pool := range pools {
		p, err := t.Properties(pool)
		if err != nil {
			return nil, err
		}
		config := p.Map("LambdaConfig").Map("PreTokenGenerationConfig")
		id := t.FunctionID(config.Text("LambdaArn"))
		if built[id] == "" {
			continue
		}
		return &trigger{version: config.Text("LambdaVersion"), function: environments.Function{
			Name: id, ARN: template.FunctionARN(id), Handler: "bootstrap", Bootstrap: built[id], MemoryMB: 256, Timeout: triggerTimeout, JSONLogs: true, Env: map[string]string{},
		}}, nil
	}
	return nil, nil
}

// accessClaims asks the trigger what to add to somebody's access token. As with a user pool, nobody signs in while it fails.
func (s *stack) accessClaims(ctx context.Context, p issuer.Person) (map[string]any, error) {
	if s.trigger == nil || s.pool == nil {
		return nil, nil
	}
	payload, err := json.Marshal(preTokenEvent(s.trigger.version, p))
	if err != nil {
		return nil, err
	}
	answer, err := (invoker{s}).Invoke(ctx, s.trigger.function.Name, payload)
	if err != nil {
		return nil, fmt.Errorf("the pre token generation trigger: %w", err)
	}
	return claimsIn(s.trigger.version, answer)
}

type object = map[string]any

// preTokenEvent is the event of a sign-in, of version 1 or 2.
func preTokenEvent(version string, p issuer.Person) object {
	attributes := object{"sub": p.Subject, "cognito:user_status": "CONFIRMED"}
	if p.Email != "" {
		attributes["email"], attributes["email_verified"] = p.Email, "true"
	}
	if p.Name != "" {
		attributes["name"] = p.Name
	}
	request := object{"userAttributes": attributes, "groupConfiguration": object{"groupsToOverride": []string{}, "iamRolesToOverride": []string{}, "preferredRole": nil}}
	event := object{
		"version": "1", "triggerSource": "TokenGeneration_HostedAuth", "region": template.Region, "userPoolId": template.Region + "_Local", "userName": p.Subject,
		"callerContext": object{"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": clientID}, "request": request,
		"response": object{"claimsOverrideDetails": nil},
	}
	if version == versionTwo {
		request["scopes"] = []string{"openid", "email", "profile"}
		event["version"], event["response"] = "2", object{"claimsAndScopeOverrideDetails": nil}
	}
	return event
}

// versionTwo is the first version of the event that reaches access tokens.
const versionTwo = "V2_0"

// claimsIn reads what the trigger's answer adds to the access token. Under version 1 there is nothing to add to.
func claimsIn(version string, answer []byte) (map[string]any, error) {
	var got struct {
		Response struct {
			Details struct {
				Access struct {
					Add map[string]any `json:"claimsToAddOrOverride"`
				} `json:"accessTokenGeneration"`
			} `json:"claimsAndScopeOverrideDetails"`
		} `json:"response"`
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return nil, fmt.Errorf("the pre token generation trigger: %w", err)
	}
	if version != versionTwo {
		return nil, nil
	}
	return got.Response.Details.Access.Add, nil
}
