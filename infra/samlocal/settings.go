package main

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
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

// aside moves a service whose port another program has to a free one, in samconfig's parameters and in the functions' environments
// alike: a check doesn't depend on what else runs on the machine.
func aside(set map[string]string, functions map[string]function) error {
	for parameter := range doors {
		u, err := url.Parse(set[parameter])
		if err != nil {
			return err
		}
		if lis, err := net.Listen("tcp", "127.0.0.1:"+u.Port()); err == nil {
			_ = lis.Close()
			continue
		}
		free, err := freePorts(1)
		if err != nil {
			return err
		}
		moved := net.JoinHostPort(u.Hostname(), strconv.Itoa(free[0]))
		fmt.Printf("%s is taken on this machine, %s stands in for it\n", u.Host, moved)
		set[parameter] = strings.Replace(set[parameter], u.Host, moved, 1)
		for _, f := range functions {
			for name, value := range f.Environment {
				f.Environment[name] = strings.Replace(value, "//"+u.Host, "//"+moved, 1)
			}
		}
	}
	return nil
}
