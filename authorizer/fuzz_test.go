package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"latchkey/shared/authz"
	"latchkey/shared/authz/authztest"
	"latchkey/shared/product"
)

// FuzzInvoke sends the gate any event under any policy. What it allows, the reference allows for the event as
// encoding/json reads it.
func FuzzInvoke(f *testing.F) {
	good := secret(f, 1).Reveal()
	const restricted = authztest.Live | authztest.HasDomains
	header := func(name, value string) map[string]string { return map[string]string{name: value, "X-Api-Key": good} }
	f.Add(tileEvent(good), uint32(authztest.Live), int64(0), int64(0), "", "map-display")
	f.Add(event("/map/%2e%2e/search", map[string]string{"X-Api-Key": good}, nil), uint32(authztest.Live), int64(0), int64(0), "", "map-display,search")
	f.Add(event(tile, header("Origin", "https://a.example.com"), nil), uint32(restricted|authztest.HeaderOnly), int64(0), int64(0), "*.example.com", "map-display")
	f.Add(event(tile, header("Referer", "https://b.example:8443/"), nil), uint32(restricted|authztest.Expires|authztest.SecretEnds), int64(1), int64(1),
		"example.com,https://b.example:8443", "map-display")
	f.Add(event(tile, header("Origin", "null"), nil), uint32(restricted|authztest.AllowMissing), int64(0), int64(0), "example.com", "map-display")
	f.Add([]byte(`{"methodArn":"arn:a/b/GET/map/1","headers":{"x-api-key":"ak_"}}`), uint32(authztest.Live), int64(0), int64(0), "", "")
	f.Add([]byte(`{"methodArn":"arn:a/b/GET/map/1","headers":{"x-api-key":"`+good+`","X-Api-Key":"`+good+`"},"x":{"a":1,"a":2}}`),
		uint32(authztest.Live), int64(0), int64(0), "", "map-display")
	// Near misses: a change that breaks a rule breaks one of these without a minute of fuzzing.
	for _, members := range []string{
		`"multiValueHeaders":{"x-api-key":["KEY"],"origin":["https://example.com","https://evil.example"]}`,
		`"headers":{"x-api-key":"KEY","origin":"https://evil.example"}`,
		`"headers":{"x-api-key":"KEY","referer":"https://example.com@evil.example/"}`,
		`"headers":{"x-api-key":"KEY","Origin":"https://example.com","origin":"https://evil.example"}`,
		`"headers":{"x-api-key":"KEY","origin":"https://example.com"},"multiValueHeaders":{"origin":["https://evil.example"]}`,
		`"headers":{"x-api-key":"KEY","origin":"https://example.com"},"path":"/map/%2e%2e/search/x"`,
		`"headers":{"x-api-key":"KEY","origin":"https://example.com"},"resource":"/search/{proxy+}"`,
		`"headers":{"x-api-key":"KEY","origin":"https://example.com"},"queryStringParameters":{"key":"KEY"}`,
		`"multiValueHeaders":{"x-api-key":["KEY","KEY"],"origin":["https://example.com"]}`,
		`"headers":{"origin":"https://example.com"},"queryStringParameters":{"key":"KEY"}`,
		`"headers":{"x-api-key":"KEY","origin":"https://example.com","X_Latchkey_Account_Id":"acc_2"}`,
		`"headers":{"x-api-key":"KEY","origin":"https://example.com"},"multiValueHeaders":{"xapi_key":[]}`,
	} {
		payload := `{"methodArn":"arn:aws:execute-api:eu-west-1:1:api/prod/GET/map/1",` + strings.ReplaceAll(members, "KEY", good) + `}`
		f.Add([]byte(payload), uint32(restricted), int64(0), int64(0), "example.com", "map-display")
		f.Add([]byte(payload), uint32(restricted|authztest.HeaderOnly|authztest.AllowMissing), int64(0), int64(0), "example.com", "map-display")
	}
	f.Fuzz(func(t *testing.T, payload []byte, bits uint32, expires, ends int64, domains, products string) {
		b := newHarness(t)
		var policy authz.Policy
		b.add(t, 1, func(p *authz.Policy) {
			policy = authztest.Facts{Bits: bits, Expires: expires, Ends: ends, Domains: domains, Products: products}.Policy(b.clock.at.wall)
			policy.Hash = p.Hash
			*p = policy
		})
		sent := bytes.Clone(payload)
		answer, err := b.gate.Invoke(time.Time{}, payload)
		if strings.Contains(b.out.String(), `"what":"panic"`) {
			t.Fatal("panicked")
		}
		if err != nil {
			return
		}
		if !json.Valid(answer) {
			t.Fatalf("answer is no JSON: %s", answer)
		}
		if !bytes.Contains(answer, []byte(`"plan-key"`)) {
			return
		}
		read, plain := readEvent(sent)
		if !read.holds(good) {
			t.Fatalf("allowed without the secret: %q", sent)
		}
		if !plain {
			return // a member is repeated: which one counts is Decode's own test
		}
		call, ok := read.call(good)
		if !ok || !authztest.Allows(b.clock.at.wall, call, policy) {
			t.Fatalf("allowed against the reference: %q as %+v, %t, under %+v", sent, call, ok, policy)
		}
		match, _ := authztest.Target(call.Path)
		checkAllow(t, answer, read.text("methodArn"), match.Product)
	})
}

// checkAllow holds an answer to the stage that was called and to the product of the path.
func checkAllow(t *testing.T, answer []byte, arn string, want product.ID) {
	t.Helper()
	var out struct {
		PolicyDocument struct {
			Statement []struct{ Effect, Resource string }
		}
		Context struct{ KeyID, AccountID, Product string }
	}
	if err := json.Unmarshal(answer, &out); err != nil || len(out.PolicyDocument.Statement) != 1 {
		t.Fatalf("bad answer: %s", answer)
	}
	statement := out.PolicyDocument.Statement[0]
	parts := strings.SplitN(arn, "/", 3)
	if statement.Effect != "Allow" || statement.Resource != parts[0]+"/"+parts[1]+"/*" {
		t.Fatalf("%s allows %s", arn, answer)
	}
	if out.Context.KeyID != "key_1" || out.Context.AccountID != "acc_1" || out.Context.Product != string(want) {
		t.Fatalf("not the caller, or not product %s: %s", want, answer)
	}
}

// read is an event as encoding/json reads it.
type read struct {
	members map[string]any
	strings []string // every string in it, at any depth
}

// readEvent reads an event. It is plain if no object in it has a member twice; then its maps hide nothing.
func readEvent(payload []byte) (r read, plain bool) {
	if !utf8.Valid(payload) || json.Unmarshal(payload, &r.members) != nil {
		return read{}, false
	}
	d := json.NewDecoder(bytes.NewReader(payload))
	plain = r.walk(d)
	return r, plain
}

// walk goes through one value and reports whether its objects have each member once.
func (r *read) walk(d *json.Decoder) bool {
	token, err := d.Token()
	if err != nil {
		return false
	}
	plain := true
	switch token := token.(type) {
	case string:
		r.strings = append(r.strings, token)
	case json.Delim:
		seen := map[any]bool{}
		for d.More() {
			if token == '{' {
				name, _ := d.Token()
				plain = plain && !seen[name]
				seen[name] = true
			}
			plain = r.walk(d) && plain
		}
		_, _ = d.Token()
	}
	return plain
}

func (r *read) holds(text string) bool {
	for _, s := range r.strings {
		if s == text {
			return true
		}
	}
	return false
}

func (r *read) text(member string) string {
	text, _ := r.members[member].(string)
	return text
}

// values lists all non-empty values that a map and its multi-value twin hold under a name.
func (r *read) values(single, multi string, is func(name string) bool) (one, many []string) {
	object, _ := r.members[single].(map[string]any)
	for name, value := range object {
		if text, _ := value.(string); text != "" && is(name) {
			one = append(one, text)
		}
	}
	object, _ = r.members[multi].(map[string]any)
	for name, value := range object {
		list, _ := value.([]any)
		for _, value := range list {
			if text, _ := value.(string); text != "" && is(name) {
				many = append(many, text)
			}
		}
	}
	return one, many
}

func (r *read) header(lower string) (one, many []string) {
	return r.values("headers", "multiValueHeaders", func(name string) bool {
		return len(name) == len(lower) && strings.EqualFold(name, lower) // of equal length, it folds ASCII only
	})
}

func (r *read) parameter(exact string) (one, many []string) {
	return r.values("queryStringParameters", "multiValueQueryStringParameters", func(name string) bool { return name == exact })
}

// imitates reports whether a header is there that a CGI-style upstream may take for one of the gate's.
func (r *read) imitates() bool {
	for _, member := range []string{"headers", "multiValueHeaders"} {
		object, _ := r.members[member].(map[string]any)
		for name := range object {
			folded := strings.Map(func(c rune) rune {
				switch {
				case 'A' <= c && c <= 'Z':
					return c + 'a' - 'A'
				case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
					return c
				default:
					return -1
				}
			}, name)
			own := []string{"X-Api-Key", "X-Latchkey-Key-Id", "X-Latchkey-Account-Id", "X-Latchkey-Product", "X-Latchkey-Gateway-Secret"}
			same := func(s string) bool { return len(s) == len(name) && strings.EqualFold(s, name) }
			if (strings.HasPrefix(folded, "xlatchkey") || folded == "xapikey") && !slices.ContainsFunc(own, same) {
				return true
			}
		}
	}
	return false
}

// call makes of the event what the reference decides about. It is not ok if the secret isn't the one credential, or
// if the places that tell the path disagree.
func (r *read) call(secret string) (call authztest.Call, ok bool) {
	for name, place := range map[string]authz.Place{"key": authz.InQuery, "api_key": authz.InQuery, "x-api-key": authz.InHeader} {
		one, many := r.parameter(name)
		if place == authz.InHeader {
			one, many = r.header(name)
		}
		if len(one)+len(many) == 0 {
			continue
		}
		if value, single := only(one, many); call.Place != authz.Nowhere || !single || value != secret {
			return call, false
		}
		call.Place = place
	}
	if parts := strings.SplitN(r.text("methodArn"), "/", 4); len(parts) == 4 {
		call.Path = "/" + parts[3]
	}
	if path := r.text("path"); path != "" && path != call.Path && !authztest.AsSent(path, call.Path) {
		return call, false
	}
	if route := authztest.Match(r.text("resource")).Product; route != "" && route != authztest.Match(call.Path).Product {
		return call, false
	}
	if r.imitates() {
		return call, false
	}
	for name, into := range map[string]*string{"origin": &call.Origin, "referer": &call.Referer} {
		value, single := only(r.header(name))
		if !single {
			value = "several" // names no origin
		}
		*into = value
	}
	return call, true
}

// only is the one value of a name, "" for none; it is not single if the maps disagree or hold more than one.
func only(one, many []string) (value string, single bool) {
	if len(one) > 1 || len(many) > 1 || len(one) == 1 && len(many) == 1 && one[0] != many[0] {
		return "", false
	}
	return strings.Join(append(one, many...)[:min(1, len(one)+len(many))], ""), true
}
