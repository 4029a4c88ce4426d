package main

import (
	"encoding/json"
	"os"

	"latchkey/infra/local/environments"
	"latchkey/infra/local/iam"
)

// readRoles puts the guard in place, who knows the template's roles as they are without an issuer of its own: with its user pool,
// and so with the role of what adds to tokens.
func (s *stack) readRoles() error {
	roles, err := iam.Roles(s.template)
	if err != nil {
		return err
	}
	note := func(e iam.Event) {
		if e.Did == iam.Denied {
			s.log.warn("denied: the role %s lacks %s on %s", e.Role, e.Action, e.Resource)
		}
	}
	if s.permissions != "" {
		file, err := os.OpenFile(s.permissions, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		s.closers = append(s.closers, func() { _ = file.Close() })
		warn := note
		note = func(e iam.Event) {
			warn(e)
			line, _ := json.Marshal(e)
			_, _ = file.Write(append(line, '\n')) // whole lines: several runs may share the file
		}
	}
	s.guard = iam.NewGuard(roles, note)
	return nil
}

// nameCallers gives each function credentials that name it. With a DynamoDB of somebody else's all have that one's: it is asked
// directly, and nothing says then which function calls.
func (s *stack) nameCallers(list []environments.Function) {
	if s.dynamoEndpoint != "" {
		return
	}
	for _, f := range list {
		f.Env["AWS_ACCESS_KEY_ID"] = f.Name
	}
}
