package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/authorizer/internal/apigw"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/product"
)

// manualClock moves only when told; its two clocks can be moved apart.
type manualClock struct{ at moment }

func (c *manualClock) now() moment { return c.at }

func (c *manualClock) advance(d time.Duration) {
	c.at.wall = c.at.wall.Add(d)
	c.at.mono += d
}

func newManualClock() *manualClock {
	return &manualClock{moment{wall: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), mono: time.Hour}}
}

// fakeStore is a store in memory that counts reads and fails on demand. It answers however late it is by the real clock: a read that a
// busy machine had cut short would be made again, and counted twice.
type fakeStore struct {
	policies map[apikey.Hash]authz.Policy
	accounts map[account.ID]authz.Account
	// accountReads counts the reads of accounts' records, and failAccount fails them: they are made beside the others.
	accountReads atomic.Int32
	failAccount  func() error
	reads        int
	fail         func(hash apikey.Hash) error
	delay        time.Duration // passed on the manual clock
	clock        *manualClock
}

func (s *fakeStore) Policy(_ context.Context, hash apikey.Hash) (authz.Policy, bool, error) {
	s.reads++
	if s.clock != nil {
		s.clock.advance(s.delay)
	}
	if s.fail != nil {
		if err := s.fail(hash); err != nil {
			return authz.Policy{}, false, err
		}
	}
	p, found := s.policies[hash]
	return p, found, nil
}

func (s *fakeStore) Account(_ context.Context, id account.ID) (authz.Account, bool, error) {
	s.accountReads.Add(1)
	if s.failAccount != nil {
		if err := s.failAccount(); err != nil {
			return authz.Account{}, false, err
		}
	}
	a, found := s.accounts[id]
	return a, found, nil
}

var errDown = errors.New("store is down")

// harness is a gate with fakes around it.
type harness struct {
	gate       *Gate
	store      *fakeStore
	clock      *manualClock
	out        *bytes.Buffer
	reconnects int
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	b := &harness{clock: newManualClock(), out: &bytes.Buffer{}}
	b.store = &fakeStore{policies: map[apikey.Hash]authz.Policy{}, accounts: map[account.ID]authz.Account{}, clock: b.clock}
	b.gate = newGate(config{prefix: apikey.DefaultPrefix, usagePlanKey: "plan-key", metrics: "Latchkey/tests", outageBound: defaultOutageBound}, deps{
		store: b.store, reconnect: func() { b.reconnects++ }, clock: b.clock, catalogue: product.Default(),
		limiter: unlimited{}, recorder: unrecorded{}, out: b.out,
	})
	return b
}

type source struct{ *rand.Rand }

func (s source) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(s.Uint32())
	}
	return len(p), nil
}

func seeded(n uint64) io.Reader { return source{rand.New(rand.NewPCG(n, 1))} }

// secret makes the n-th secret of the tests.
func secret(t testing.TB, n uint64) apikey.Secret {
	t.Helper()
	s, err := apikey.DefaultPrefix.Generate(seeded(n))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// add stores a live policy for the n-th secret and returns the secret's text.
func (b *harness) add(t testing.TB, n uint64, edit func(*authz.Policy)) string {
	t.Helper()
	s := secret(t, n)
	p := authz.Policy{
		Hash: s.Hash(), KeyID: apikey.ID(fmt.Sprintf("key_%d", n)), Account: "acc_1", AccountType: account.SelfServe,
		Version: 1, Live: true, Products: []product.ID{"map-display", "search"},
	}
	if edit != nil {
		edit(&p)
	}
	b.store.policies[s.Hash()] = p
	return s.Reveal()
}

const stageARN = "arn:aws:execute-api:us-east-1:123456789012:abc123/prod"

// event makes a REQUEST event of a GET.
func event(path string, headers, query map[string]string) []byte {
	multi := func(in map[string]string) map[string][]string {
		out := map[string][]string{}
		for k, v := range in {
			out[k] = []string{v}
		}
		return out
	}
	text, err := json.Marshal(map[string]any{
		"type": "REQUEST", "methodArn": stageARN + "/GET" + path, "path": path, "resource": "/map/{proxy+}", "httpMethod": "GET",
		"headers": headers, "multiValueHeaders": multi(headers),
		"queryStringParameters": query, "multiValueQueryStringParameters": multi(query),
		"requestContext": map[string]any{"requestId": "req-1", "stage": "prod"},
	})
	if err != nil {
		panic(err)
	}
	return text
}

const tile = "/map/1/tile/basic/main/0/0/0.png"

func tileEvent(secret string) []byte { return event(tile, nil, map[string]string{"key": secret}) }

// call invokes the gate and tells the status that API Gateway would send, with the answer's context.
func (b *harness) call(t testing.TB, payload []byte) (int, map[string]any) {
	t.Helper()
	answer, err := b.gate.Invoke(time.Time{}, payload)
	defer b.gate.AfterReply() // as the runtime client does
	if err != nil {
		if answer != nil {
			t.Fatal("an error came with an answer")
		}
		if err.Error() == "Unauthorized" {
			return 401, nil
		}
		return 503, nil
	}
	var out struct {
		PrincipalID        string
		UsageIdentifierKey string
		PolicyDocument     struct {
			Version   string
			Statement []struct{ Action, Effect, Resource string }
		}
		Context map[string]any
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		t.Fatalf("answer is no JSON: %v\n%s", err, answer)
	}
	st := out.PolicyDocument.Statement
	if len(st) != 1 || st[0].Action != "execute-api:Invoke" || st[0].Resource != stageARN+"/*" || out.PrincipalID == "" {
		t.Fatalf("bad answer: %s", answer)
	}
	switch {
	case st[0].Effect == "Deny":
		return 403, out.Context
	case out.UsageIdentifierKey == "plan-key":
		return 200, out.Context
	default:
		return 429, out.Context
	}
}

func TestGateAnswersEachStepWithItsStatus(t *testing.T) {
	b := newHarness(t)
	good := b.add(t, 1, nil)
	revoked := b.add(t, 2, func(p *authz.Policy) { p.RevokedAt = b.clock.at.wall })
	locked := b.add(t, 3, func(p *authz.Policy) { p.Domains = []string{"example.com"}; p.MissingOrigin = apikey.MissingOriginDeny })
	headerOnly := b.add(t, 4, func(p *authz.Policy) { p.HeaderOnly = true })
	damaged := b.add(t, 5, func(p *authz.Policy) { p.Domains = []string{"not a pattern"} })
	unknown := secret(t, 6).Reveal()
	q := func(k, v string) map[string]string { return map[string]string{k: v} }
	tests := []struct {
		name    string
		payload []byte
		status  int
		code    string
	}{
		{"allowed by key", tileEvent(good), 200, ""},
		{"allowed by api_key", event(tile, nil, q("api_key", good)), 200, ""},
		{"allowed by header in any case", event(tile, q("x-aPi-KEY", good), nil), 200, ""},
		{"missing", event(tile, nil, nil), 401, ""},
		{"empty", event(tile, nil, q("key", "")), 401, ""},
		{"ambiguous though equal", event(tile, q("X-Api-Key", good), q("key", good)), 401, ""},
		{"imitating the gate's header", event(tile, map[string]string{"X_Latchkey_Account_Id": "acc_2", "X-Api-Key": good}, nil), 401, ""},
		{"sending the gate's header", event(tile, map[string]string{"x-latchkey-account-id": "acc_2", "X-Api-Key": good}, nil), 200, ""},
		{"malformed", event(tile, nil, q("key", good[:len(good)-1]+"!")), 401, ""},
		{"unknown", tileEvent(unknown), 401, ""},
		{"revoked", tileEvent(revoked), 401, ""},
		{"header-only key in the query", tileEvent(headerOnly), 403, "key_not_in_header"},
		{"header-only key in the header", event(tile, q("X-Api-Key", headerOnly), nil), 200, ""},
		{"dot segments", event("/map/%2e%2e/search/x", nil, q("key", good)), 403, "path_not_canonical"},
		{"route of another product", event("/search/2/x", nil, q("key", good)), 403, "path_not_canonical"},
		{"no origin", tileEvent(locked), 403, "origin_missing"},
		{"wrong origin", event(tile, q("Origin", "https://evil.example"), q("key", locked)), 403, "domain_not_allowed"},
		{"wrong referer alone", event(tile, q("referer", "https://evil.example/page"), q("key", locked)), 403, "domain_not_allowed"},
		{"right origin", event(tile, q("ORIGIN", "https://example.com"), q("key", locked)), 200, ""},
		{"damaged record", tileEvent(damaged), 503, ""},
		{"no event", []byte(`{"methodArn":`), 503, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, context := b.call(t, tt.payload)
			if code, _ := context["code"].(string); status != tt.status || code != tt.code {
				t.Errorf("status %d code %q, want %d %q", status, code, tt.status, tt.code)
			}
			if status == 200 && (context["keyId"] == "" || context["accountId"] != "acc_1" || context["product"] != "map-display") {
				t.Errorf("context %v", context)
			}
		})
	}
	if strings.Contains(b.out.String(), "ak_") {
		t.Error("a secret is in the log")
	}
	if apigw.ErrUnauthorized.Error() != "Unauthorized" {
		t.Error("API Gateway answers 401 for exactly this word")
	}
}
