package main

import (
	"fmt"
	"net/url"
)

// doors are the runner's settings by the parameter whose address they put a service at.
var doors = map[string]string{
	"DynamoDBEndpoint": "LATCHKEY_DYNAMODB_PORT", "OidcIssuer": "LATCHKEY_ISSUER_PORT", "EventsEndpoint": "LATCHKEY_EVENTS_PORT",
	"SecretsManagerEndpoint": "LATCHKEY_SECRETS_PORT",
}

// runnerSettings are the local run's variables with which it stands where samconfig says.
func runnerSettings(set map[string]string) ([]string, error) {
	var env []string
	for parameter, variable := range doors {
		u, err := url.Parse(set[parameter])
		if err != nil || u.Port() == "" {
			return nil, fmt.Errorf("%s is %q, which has no port", parameter, set[parameter])
		}
		env = append(env, variable+"="+u.Port())
		if parameter == "OidcIssuer" {
			env = append(env, "LATCHKEY_ISSUER_NAME="+u.Hostname())
		}
	}
	return env, nil
}
