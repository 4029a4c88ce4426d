// Package iam decides by the roles of a template what its functions may do, as AWS would: an explicit Deny wins, what nothing
// allows is denied. It knows policies that stand in a role itself, the condition key dynamodb:LeadingKeys, and the text operators
// StringEquals and StringLike. What it doesn't know of a policy is an error when the template is read, never a permission.
//
// It has no permissions boundaries, session policies and policies of organisations. A resource's own policy can forbid more, but
// here it opens nothing to a function of the stack: only its role does.
package iam

import (
	"slices"
	"strings"
)

// Call is one action on one resource. A request can be several.
type Call struct {
	Action   string          // such as dynamodb:GetItem
	Resource string          // its ARN, or * of an action that has none
	Keys     func() []string // partition keys that it names, which conditions call dynamodb:LeadingKeys; nil: it names none
}

// Grant is one action in one role's statement, on one of its resources; both as they are written there.
type Grant struct{ Role, Action, Resource string }

// Role has the statements of a role's policies.
type Role struct {
	Name       string // of the template's resource
	statements []statement
}

type statement struct {
	deny               bool
	actions, resources []string
	lower              []string // the actions in lower case: actions have none
	conditions         []condition
}

// condition is met by values that are each like one of its own, or of which one is. A call without a value meets all, which is
// how AWS means ForAllValues, and never any.
type condition struct {
	all, like bool
	values    []string
}

// leadingKeys is the one condition key that is played.
const leadingKeys = "dynamodb:LeadingKeys"

// Like reports whether a text has the form of a pattern: * is any number of characters, ? is one.
func Like(pattern, text string) bool {
	star, after := -1, 0 // where the last * was, and the text behind what it has taken so far
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, after = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			after++
			p, t = star+1, after
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// likeAny is Like of several patterns.
func likeAny(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return Like(p, text) })
}

func (c condition) met(call Call) bool {
	var keys []string
	if call.Keys != nil {
		keys = call.Keys()
	}
	one := func(key string) bool {
		return c.like && likeAny(c.values, key) || !c.like && slices.Contains(c.values, key)
	}
	if c.all {
		return !slices.ContainsFunc(keys, func(k string) bool { return !one(k) })
	}
	return slices.ContainsFunc(keys, one)
}

// about reports whether a statement speaks of a call, whose action is given in lower case too.
func (s statement) about(call Call, action string) bool {
	return likeAny(s.lower, action) && likeAny(s.resources, call.Resource) &&
		!slices.ContainsFunc(s.conditions, func(c condition) bool { return !c.met(call) })
}

// decide returns the grants that allow a call: none, if nothing does. forbidden says that a Deny speaks of it.
func (r *Role) decide(call Call) (by []Grant, forbidden bool) {
	action := strings.ToLower(call.Action)
	for _, s := range r.statements {
		if !s.about(call, action) {
			continue
		}
		if s.deny {
			return nil, true
		}
		for i, a := range s.lower {
			for _, resource := range s.resources {
				if Like(a, action) && Like(resource, call.Resource) {
					by = append(by, Grant{r.Name, s.actions[i], resource})
				}
			}
		}
	}
	return by, false
}

// grants lists all that a role allows on the services that are played.
func (r *Role) grants() (list []Grant) {
	for _, s := range r.statements {
		for _, a := range s.actions {
			if s.deny || !played(a) {
				continue
			}
			for _, resource := range s.resources {
				list = append(list, Grant{r.Name, a, resource})
			}
		}
	}
	return list
}

// played reports whether the runner asks for an action at all. Streams are read by the runner in Lambda's place, in no role's name.
func played(action string) bool {
	service, name, _ := strings.Cut(strings.ToLower(action), ":")
	switch service {
	case "*", "secretsmanager", "events":
		return true
	case "dynamodb":
		return !slices.Contains([]string{"describestream", "getrecords", "getsharditerator", "liststreams"}, name)
	}
	return false
}
