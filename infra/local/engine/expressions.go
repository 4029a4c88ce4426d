package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// expressions are those of one operation.
type expressions struct {
	ConditionExpression, FilterExpression, KeyConditionExpression, ProjectionExpression, UpdateExpression string
}

// refuseExpressions says why DynamoDB would refuse the expressions of an operation, or the operations of a transaction, that
// the engine takes.
func refuseExpressions(body []byte) string {
	if !bytes.Contains(body, []byte(`Expression"`)) && !bytes.Contains(body, []byte(`"TransactItems"`)) {
		return ""
	}
	var in struct {
		expressions
		TransactItems []map[string]expressions
	}
	if json.Unmarshal(body, &in) != nil {
		return ""
	}
	if why := in.refused(); why != "" {
		return why
	}
	for _, item := range in.TransactItems {
		if len(item) > 1 {
			return "TransactItems can only contain one of Check, Put, Update or Delete"
		}
		for _, e := range item {
			if why := e.refused(); why != "" {
				return why
			}
		}
	}
	return ""
}

var (
	operands   = regexp.MustCompile(`(?i)\bIN\s*\(([^()]*)\)`)
	pair       = regexp.MustCompile(`(?:^|[^:#\w.\[\]])([#\w.\[\]]+)\s*(<=|>=|<>|=|<|>)\s*([#\w.\[\]]+)`)
	underscore = regexp.MustCompile(`(?:^|[^:#\w])_`)
)

const maxOperands = 100 // of IN

func (e *expressions) refused() string {
	for kind, text := range map[string]string{"Condition": e.ConditionExpression, "Filter": e.FilterExpression} {
		for _, list := range operands.FindAllStringSubmatch(text, -1) {
			if n := strings.Count(list[1], ",") + 1; n > maxOperands {
				return fmt.Sprintf("Invalid %sExpression: The IN operator is provided with too many operands; number of operands: %d", kind, n)
			}
		}
		for _, p := range pair.FindAllStringSubmatch(text, -1) {
			if p[1] == p[3] {
				return fmt.Sprintf("Invalid %sExpression: The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: [%s]", kind, p[2], p[1])
			}
		}
	}
	for kind, text := range map[string]string{
		"Condition": e.ConditionExpression, "Filter": e.FilterExpression, "KeyCondition": e.KeyConditionExpression,
		"Projection": e.ProjectionExpression, "Update": e.UpdateExpression,
	} {
		if at := underscore.FindStringIndex(text); at != nil {
			return fmt.Sprintf("Invalid %sExpression: Syntax error; token: \"_\", near: %q", kind, text[max(0, at[1]-5):min(len(text), at[1]+3)])
		}
	}
	return ""
}

// refuseKeys says why DynamoDB would refuse the key conditions of a query that the engine takes, and finds nothing by.
func (f *front) refuseKeys(r *http.Request, body []byte) string {
	var in pagedRead
	if json.Unmarshal(body, &in) != nil || in.KeyConditionExpression == "" {
		return ""
	}
	of, _, ok := f.keysOf(r, in.TableName, in.IndexName)
	if !ok {
		return ""
	}
	for _, c := range []struct {
		form   *regexp.Regexp
		values []int // the groups that name a value
	}{{comparison, []int{3}}, {between, []int{2, 3}}, {beginsWith, []int{2}}} {
		for _, m := range c.form.FindAllStringSubmatch(in.KeyConditionExpression, -1) {
			name := in.named(m[1])
			for _, group := range c.values {
				v, ok := in.ExpressionAttributeValues[m[group]]
				if !ok || name != of.Hash && name != of.Range {
					continue
				}
				if want := of.Types[name]; v.kind() != want {
					return "One or more parameter values were invalid: Condition parameter type does not match schema type"
				}
				if len(v.text()) == 0 {
					return "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: " + name
				}
			}
		}
	}
	return ""
}

func (v keyValue) kind() string {
	switch {
	case v.S != nil:
		return "S"
	case v.N != nil:
		return "N"
	case v.B != nil:
		return "B"
	}
	return ""
}
