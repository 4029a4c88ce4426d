package apigw

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"latchkey/shared/authz"
)

// needed are the members that an event may have once.
var needed = []string{
	"methodArn", "path", "resource", "headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters", "requestContext",
}

// referenceDecode reads an event slowly, with encoding/json's tokens, which show repeated members.
func referenceDecode(payload []byte) (Event, bool) {
	if !utf8.Valid(payload) || !json.Valid(payload) || depthOf(payload) > maxDepth {
		return Event{}, false
	}
	top, ok := membersOf(payload)
	if !ok {
		return Event{}, false
	}
	var e Event
	once := map[string]json.RawMessage{}
	for _, m := range top {
		if _, twice := once[m.name]; twice && slices.Contains(needed, m.name) {
			return Event{}, false
		}
		once[m.name] = m.value
	}
	arn, ok := textOf(once["methodArn"], false)
	if !ok {
		return Event{}, false
	}
	if e.Stage, e.RoutePath, ok = splitARN(arn, ""); !ok {
		return Event{}, false
	}
	var oks [7]bool
	e.Path, oks[0] = textOf(once["path"], true)
	e.Resource, oks[1] = textOf(once["resource"], true)
	oks[2] = referenceMap(once["headers"], once["multiValueHeaders"], func(name string) *authz.Source {
		e.Imitated = e.Imitated || imitates(name)
		for lower, s := range map[string]*authz.Source{
			"x-api-key": &e.APIKeyHeader, "origin": &e.Origin, "referer": &e.Referer,
			"x-android-package": &e.AndroidPackage, "x-android-cert": &e.AndroidCert, "x-ios-bundle-identifier": &e.IOSBundle,
		} {
			if asciiLower(name) == lower {
				return s
			}
		}
		return nil
	})
	oks[3] = referenceMap(once["queryStringParameters"], once["multiValueQueryStringParameters"], func(name string) *authz.Source {
		return map[string]*authz.Source{"key": &e.Key, "api_key": &e.APIKey}[name]
	})
	e.RequestID, oks[4] = referenceID(once["requestContext"], "requestId")
	e.ExtendedID, oks[5] = referenceID(once["requestContext"], "extendedRequestId")
	e.SourceIP, oks[6] = referenceAddress(once["requestContext"])
	for _, ok := range oks {
		if !ok {
			return Event{}, false
		}
	}
	return e, true
}

// imitates is authz.Imitates once more, by a list of what may be written.
func imitates(name string) bool {
	folded := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789", r) {
			return r
		}
		return -1
	}, asciiLower(name))
	switch asciiLower(name) {
	case "x-api-key", "x-latchkey-key-id", "x-latchkey-account-id", "x-latchkey-product", "x-latchkey-gateway-secret":
		return false
	default:
		return strings.HasPrefix(folded, "xlatchkey") || folded == "xapikey"
	}
}

func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

type namedValue struct {
	name  string
	value json.RawMessage
}

// membersOf lists an object's members in order, repeated ones too; ok is false for anything else.
func membersOf(raw json.RawMessage) (out []namedValue, ok bool) {
	d := json.NewDecoder(strings.NewReader(string(raw)))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil, false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, false
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, false
		}
		out = append(out, namedValue{name.(string), value})
	}
	return out, true
}

func textOf(raw json.RawMessage, optional bool) (string, bool) {
	if optional && (raw == nil || string(raw) == "null") {
		return "", true
	}
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

func absent(raw json.RawMessage) bool { return raw == nil || string(raw) == "null" }

func referenceMap(single, multi json.RawMessage, find func(string) *authz.Source) bool {
	if !absent(single) {
		members, ok := membersOf(single)
		if !ok {
			return false
		}
		for _, m := range members {
			s := find(m.name)
			if s == nil {
				continue
			}
			text, ok := textOf(m.value, true)
			if !ok {
				return false
			}
			if text != "" {
				if s.Singles++; s.Singles == 1 {
					s.Single = text
				}
			}
		}
	}
	if absent(multi) {
		return true
	}
	members, ok := membersOf(multi)
	if !ok {
		return false
	}
	for _, m := range members {
		s := find(m.name)
		if s == nil || absent(m.value) {
			continue
		}
		var list []json.RawMessage
		if json.Unmarshal(m.value, &list) != nil {
			return false
		}
		for _, raw := range list {
			text, ok := textOf(raw, true)
			if !ok {
				return false
			}
			if text != "" {
				if s.Values++; s.Values == 1 {
					s.Value = text
				}
			}
		}
	}
	return true
}

func referenceID(raw json.RawMessage, name string) (string, bool) {
	if absent(raw) {
		return "", true
	}
	members, ok := membersOf(raw)
	if !ok {
		return "", false
	}
	id, found := "", false
	for _, m := range members {
		if m.name != name {
			continue
		}
		if found {
			return "", false
		}
		if id, ok = textOf(m.value, true); !ok {
			return "", false
		}
		found = true
	}
	return id, true
}

func depthOf(payload []byte) int {
	d := json.NewDecoder(strings.NewReader(string(payload)))
	depth, most := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return most
		}
		if err != nil {
			return maxDepth + 1
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			most = max(most, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

// referenceAddress reads the caller's address.
func referenceAddress(context json.RawMessage) (string, bool) {
	if absent(context) {
		return "", true
	}
	members, ok := membersOf(context)
	if !ok {
		return "", false
	}
	var identity json.RawMessage
	found := false
	for _, m := range members {
		if m.name == "identity" {
			if found {
				return "", false
			}
			identity, found = m.value, true
		}
	}
	return referenceID(identity, "sourceIp")
}
