package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"latchkey/shared/authz"
	"latchkey/shared/authz/authztest"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

const (
	hostileRuns = 4
	hostileEach = 25_000
	hostileKeys = 60
)

// hostileGate is a gate with keys of every state, and what is needed to make calls to it.
type hostileGate struct {
	*harness
	r        *rand.Rand
	reports  *written
	secrets  []string
	policies []authz.Policy
	paths    []string // of the catalogue
}

func newHostileGate(t *testing.T, seed uint64) *hostileGate {
	h := &hostileGate{harness: newHarness(t), r: rand.New(rand.NewPCG(seed, 15)), reports: &written{}}
	h.gate.recorder = newCounter(h.reports, h.clock)
	domains := []string{"", "example.com", "*.example.com", "example.com,https://b.example:8443", "localhost", "[::1]:8080"}
	products := []string{"map-display", "search", "map-display,search", "map-display,search,routing,traffic", ""}
	for n := range hostileKeys {
		bits := uint32(authztest.Live) | authztest.HasDomains*uint32(n%2)
		if n%3 == 0 { // a third of them in any state at all
			bits |= h.r.Uint32() &^ authztest.OddMissing
		}
		facts := authztest.Facts{
			Bits: bits, Expires: int64(h.r.IntN(2)*2-1) * int64(time.Hour), Ends: int64(time.Hour), Domains: pick(h.r, domains), Products: pick(h.r, products),
			ProposedDomain: pick(h.r, domains[1:]), ProposedProds: pick(h.r, products), Limit: 5, Then: 5,
		}
		var policy authz.Policy
		h.secrets = append(h.secrets, h.add(t, uint64(n)+1, func(p *authz.Policy) {
			policy = facts.Policy(h.clock.at.wall)
			policy.Hash = p.Hash
			*p = policy
		}))
		h.policies = append(h.policies, policy)
	}
	for _, p := range product.Default().Products() {
		for _, c := range p.Classes {
			for _, prefix := range c.Prefixes {
				h.paths = append(h.paths, prefix+"x", prefix+"2/search/berlin.json", p.SamplePath)
			}
		}
	}
	return h
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// rarely is true in one of n tries.
func rarely(r *rand.Rand, n int) bool { return r.IntN(n) == 0 }

// texts lists hostile values for any place. The canary, a secret that opens the gate, is among them in several spellings.
func (h *hostileGate) texts(canary string) []string {
	return []string{
		canary, canary, "%61" + canary[1:], strings.ReplaceAll(canary, "_", "%5f"), strings.ToUpper(canary), "x=" + canary, canary[:30],
		"", " ", "\x00", "\n", "\r\nX-Api-Key: x", `"}`, `\`, "%", "%00", "%zz", "%2e%2e", "%2F", "%252F", "..", ".", ";x", "%3Bx", "?", "#", "%23", "é", "\u202e", "\ufffd", "😀",
		"{{7*7}}", "${x}", "<script>", "' OR 1=1", "../../etc/passwd", "%c0%ae", "－", "．", "null", "true", "-1", "1e999", strings.Repeat("a", 300), strings.Repeat("%25", 40),
		"$context.authorizer.code", "*", "arn:aws:execute-api:*", "__proto__",
	}
}

// event makes one request as API Gateway would tell the gate of it, and says whose secret it meant to send.
func (h *hostileGate) event() (payload []byte, key int) {
	r := h.r
	key = r.IntN(hostileKeys)
	secret := h.secrets[key]
	texts := h.texts(h.secrets[r.IntN(hostileKeys)])
	path := pick(r, h.paths)
	for rarely(r, 2) {
		at := 1 + r.IntN(len(path))
		path = path[:at] + pick(r, texts) + path[at:]
	}
	headers, query := map[string][]string{}, map[string][]string{}
	switch r.IntN(12) {
	case 0, 1, 2, 3:
		query[pick(r, []string{"key", "api_key"})] = []string{secret}
	case 4, 5, 6, 7, 8:
		headers[pick(r, []string{"X-Api-Key", "x-api-key", "X-API-KEY"})] = []string{secret}
	case 9:
		headers["x-api-key"], query["key"] = []string{secret}, []string{secret}
	case 10:
		query["key"] = []string{pick(r, texts) + secret}
	default:
		query["key"] = []string{secret, pick(r, texts)}
	}
	origins := []string{
		"https://example.com", "https://a.example.com", "https://b.example:8443", "http://localhost", "http://[::1]:8080", "null", "https://evil.test",
		"https://example.com.evil.test", "https://" + pick(r, texts), "https://" + pick(r, texts) + ".example.com", pick(r, texts), "https://a.example.com/" + pick(r, texts),
	}
	if !rarely(r, 3) {
		headers[pick(r, []string{"Origin", "origin"})] = []string{pick(r, origins)}
	}
	if rarely(r, 2) {
		headers["Referer"] = []string{pick(r, origins) + "/" + pick(r, texts)}
	}
	if rarely(r, 4) {
		name := pick(r, []string{"X_Latchkey_Account_Id", "x-latchkey-key-id", "X-Latchkey-Product", "XApiKey", "User-Agent", "Cookie", "Authorization", "X-Forwarded-For", pick(r, texts)})
		headers[name] = []string{pick(r, texts), pick(r, texts)}[:1+r.IntN(2)]
	}
	if rarely(r, 4) {
		query[pick(r, texts)] = []string{pick(r, texts)}
	}
	resource := "/" + strings.SplitN(path, "/", 3)[1] + "/{proxy+}"
	if rarely(r, 10) {
		resource = pick(r, []string{"/search/{proxy+}", "/map/{proxy+}", "/{proxy+}", ""})
	}
	sent := path
	if rarely(r, 10) {
		sent = pick(r, []string{"/base" + path, path + pick(r, texts), "", pick(r, h.paths)})
	}
	text, err := json.Marshal(map[string]any{
		"type": "REQUEST", "methodArn": stageARN + "/" + pick(r, []string{"GET", "POST", "DELETE"}) + path, "path": sent, "resource": resource,
		"headers": singles(headers), "multiValueHeaders": headers, "queryStringParameters": singles(query), "multiValueQueryStringParameters": query,
		"requestContext": map[string]any{"requestId": pick(r, append(texts, "req-1")), "extendedRequestId": "ext-1", "stage": "prod"},
	})
	if err != nil {
		panic(err)
	}
	if rarely(r, 20) { // what no gateway sends
		for range 1 + r.IntN(3) {
			at := r.IntN(len(text))
			text[at] = byte(r.Uint32())
		}
	}
	return text, key
}

func singles(multi map[string][]string) map[string]string {
	out := map[string]string{}
	for name, values := range multi {
		out[name] = values[len(values)-1]
	}
	return out
}

// TestAHundredThousandHostileCallsOpenNothing: none crashes the gate, none passes that the reference refuses, none is answered as
// an outage, each line of the log is JSON, and no secret that was put where it doesn't belong is in the log, the metrics or a report.
func TestAHundredThousandHostileCallsOpenNothing(t *testing.T) {
	runs := hostileRuns
	if keytest.Race { // a gate answers one call at a time: one run shows all that happens beside it
		runs = 1
	}
	for run := range runs {
		t.Run(fmt.Sprint(run), func(t *testing.T) {
			t.Parallel()
			h := newHostileGate(t, uint64(run))
			answers := map[string]int{}
			for range hostileEach {
				payload, key := h.event()
				answers[h.try(t, payload, key)]++
				h.clock.advance(time.Millisecond)
			}
			h.gate.Close()
			for _, answer := range []string{"allowed", "401", "403", "no event"} {
				if answers[answer] < 200 {
					t.Errorf("%s: %d of %d calls: the test is empty", answer, answers[answer], hostileEach)
				}
			}
			logged := lines(t, h.out) // JSON, all of it
			h.holdsNoSecret(t, "the log and the metrics", h.out.String())
			h.holdsNoSecret(t, "the reports", fmt.Sprint(h.reports.sums))
			if len(logged) < 1000 || h.reports.writes == 0 {
				t.Errorf("%d lines, %d reports", len(logged), h.reports.writes)
			}
		})
	}
}

// try makes one call and says how it was answered.
func (h *hostileGate) try(t *testing.T, payload []byte, key int) string {
	t.Helper()
	sent := bytes.Clone(payload)
	answer, err := h.gate.Invoke(time.Time{}, payload)
	h.gate.AfterReply()
	allowed := bytes.Contains(answer, []byte(`"plan-key"`))
	read, plain := readEvent(sent)
	call, ok := authztest.Call{}, false
	if plain {
		call, ok = read.call(h.secrets[key])
	}
	want := ok && authztest.Allows(h.clock.at.wall, call, h.policies[key])
	switch {
	case allowed && plain && !want:
		t.Fatalf("allowed against the reference: %q under %+v", sent, h.policies[key])
	case allowed && !read.holds(h.secrets[key]):
		t.Fatalf("allowed without the secret: %q", sent)
	case allowed:
		return "allowed"
	case err != nil && err.Error() == "Unauthorized":
		return "401"
	case err == nil && json.Valid(answer) && bytes.Contains(answer, []byte(`"Effect":"Deny"`)):
		return "403"
	case err != nil && bytes.HasSuffix(bytes.TrimSpace(h.out.Bytes()), []byte(`}`)) && strings.Contains(lastLine(h.out), `"what":"event"`):
		if plain && wellFormed(read) {
			t.Fatalf("an event is answered as an outage: %q", sent)
		}
		return "no event"
	default:
		t.Fatalf("%q is answered with %q, %v: %s", sent, answer, err, lastLine(h.out))
		return ""
	}
	return ""
}

// wellFormed reports whether an event names a stage and a path as API Gateway does.
func wellFormed(r read) bool {
	return strings.HasPrefix(r.text("methodArn"), stageARN+"/") && len(r.members) == 8
}

func lastLine(out *bytes.Buffer) string {
	text := bytes.TrimSpace(out.Bytes())
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}

// holdsNoSecret searches a text for all secrets, in any case of letters, and with their first characters escaped.
func (h *hostileGate) holdsNoSecret(t *testing.T, where, text string) {
	t.Helper()
	text = strings.ToLower(text)
	for _, secret := range h.secrets {
		if at := strings.Index(text, strings.ToLower(secret[3:30])); at >= 0 {
			t.Fatalf("%s hold a secret: …%s", where, text[max(0, at-200):min(len(text), at+100)])
		}
	}
}
