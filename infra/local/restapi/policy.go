package restapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// verdict of an authorizer's policy on one method ARN.
type verdict int

const (
	implicitDeny verdict = iota // nothing allows it
	explicitDeny
	allow
)

// output is the checked result of an authorizer.
type output struct {
	principal string
	usageKey  string
	context   []pair // all values as strings
	policy    []statement
}

type pair struct{ name, value string }

func (o *output) contextValue(name string) (string, bool) {
	if name == "principalId" {
		return o.principal, true
	}
	for _, p := range o.context {
		if p.name == name {
			return p.value, true
		}
	}
	return "", false
}

type statement struct {
	Effect    string          `json:"Effect"`
	Action    oneOrMore       `json:"Action"`
	Resource  oneOrMore       `json:"Resource"`
	Condition json.RawMessage `json:"Condition"`
	NotAction json.RawMessage `json:"NotAction"`
	NotRes    json.RawMessage `json:"NotResource"`
}

type oneOrMore []string

func (l *oneOrMore) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		err := json.Unmarshal(b, &s)
		*l = oneOrMore{s}
		return err
	}
	return json.Unmarshal(b, (*[]string)(l))
}

type statements []statement

func (l *statements) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var s statement
		err := json.Unmarshal(b, &s)
		*l = statements{s}
		return err
	}
	return json.Unmarshal(b, (*[]statement)(l))
}

const maxResource = 512

// parseOutput reads an authorizer's answer, whose members are spelled exactly; an error makes API Gateway answer
// AUTHORIZER_CONFIGURATION_ERROR.
func parseOutput(payload []byte) (*output, error) {
	var principal *string
	var usageKey string
	var context map[string]json.RawMessage
	var policy *struct {
		Statement statements `json:"Statement"`
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(payload, &members); err != nil {
		return nil, fmt.Errorf("not an authorizer's answer: %w", err)
	}
	for name, to := range map[string]any{"principalId": &principal, "usageIdentifierKey": &usageKey, "context": &context, "policyDocument": &policy} {
		if raw, ok := members[name]; ok {
			if err := json.Unmarshal(raw, to); err != nil {
				return nil, fmt.Errorf("not an authorizer's answer: %s: %w", name, err)
			}
		}
	}
	if principal == nil || policy == nil {
		return nil, errors.New("principalId and policyDocument are required")
	}
	o := &output{principal: *principal, usageKey: usageKey, policy: policy.Statement}
	for _, s := range o.policy {
		if err := s.check(); err != nil {
			return nil, err
		}
	}
	for name, v := range context {
		text, err := contextText(v)
		if err != nil {
			return nil, fmt.Errorf("context.%s: %w", name, err)
		}
		o.context = append(o.context, pair{name, text})
	}
	return o, nil
}

func (s *statement) check() error {
	if s.Effect != "Allow" && s.Effect != "Deny" {
		return fmt.Errorf("effect %q", s.Effect)
	}
	if s.Condition != nil || s.NotAction != nil || s.NotRes != nil {
		return errors.New("conditions, NotAction and NotResource are not documented for authorizers")
	}
	if len(s.Action) == 0 || len(s.Resource) == 0 {
		return errors.New("a statement needs an action and a resource")
	}
	for _, r := range s.Resource {
		if len(r) > maxResource {
			return fmt.Errorf("a resource has %d characters, at most %d are allowed", len(r), maxResource)
		}
	}
	return nil
}

// contextText makes the string that all context values become. Lists, objects and null are refused.
func contextText(v json.RawMessage) (string, error) {
	v = bytes.TrimSpace(v)
	switch v[0] {
	case '"':
		var s string
		err := json.Unmarshal(v, &s)
		return s, err
	case '{', '[', 'n':
		return "", errors.New("only strings, numbers and booleans are allowed")
	}
	return string(v), nil
}

// evaluate decides one method ARN. An explicit Deny wins over every Allow.
func (o *output) evaluate(arn string) verdict {
	v := implicitDeny
	for _, s := range o.policy {
		if !matchesAny(s.Action, "execute-api:Invoke", true) || !matchesAny(s.Resource, arn, false) {
			continue
		}
		if s.Effect == "Deny" {
			return explicitDeny
		}
		v = allow
	}
	return v
}

func matchesAny(patterns []string, s string, fold bool) bool {
	for _, p := range patterns {
		if fold {
			p, s = strings.ToLower(p), strings.ToLower(s)
		}
		if glob(p, s) {
			return true
		}
	}
	return false
}

// glob matches * (any run, slashes and colons included) and ? (one character).
func glob(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
