package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
	"latchkey/shared/telemetry"
)

type object = map[string]any

// gitHub is GitHub as this function meets it: a key, and a list of keys.
type gitHub struct {
	id   string
	key  *ecdsa.PrivateKey
	list atomic.Value // []listed
	asks atomic.Int64
	fail atomic.Bool
	*httptest.Server
}

type listed struct {
	ID      string `json:"key_identifier"`
	Key     string `json:"key"`
	Current bool   `json:"is_current"`
}

func newGitHub(t testing.TB) *gitHub {
	t.Helper()
	g := &gitHub{id: "current", key: keytest.SigningKey(t, elliptic.P256())}
	g.list.Store([]listed{{g.id, keytest.PEM(t, &g.key.PublicKey), true}})
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		g.asks.Add(1)
		if g.fail.Load() {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_ = json.NewEncoder(w).Encode(object{"public_keys": g.list.Load()})
	}))
	t.Cleanup(g.Close)
	return g
}

// headers are those with which GitHub sends a body.
func (g *gitHub) headers(t testing.TB, body []byte) map[string]string {
	t.Helper()
	return keytest.ReportHeaders(t, g.id, g.key, body)
}

// harness is the function on a store of its own, with one account and its people.
type harness struct {
	*apitest.API
	account account.Account
	handler *handler
	gitHub  *gitHub
	out     *keytest.Buffer
	made    uint64
}

func newHarness(t testing.TB) *harness { return newHarnessOn(t, keytest.MemoryStores(t)) }

func newHarnessOn(t testing.TB, stores keytest.Stores) *harness {
	t.Helper()
	a := apitest.New(t, stores)
	r := &harness{API: a, account: a.NewAccount(t), gitHub: newGitHub(t), out: &keytest.Buffer{}}
	apitest.People(t, a, r.account.ID)
	signers, err := newSigners(r.gitHub.URL, a.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	r.handler = &handler{
		store: a.Control, commit: a.Control.Commit, looks: web.Looks{Store: a.Control, Source: a.Source}, source: a.Source, prefix: apikey.DefaultPrefix, texts: apitest.Texts,
		signers: signers, log: slog.New(slog.NewJSONHandler(a.Logs, nil)), metrics: telemetry.Metrics{Namespace: "Latchkey/tests", Out: r.out},
	}
	r.handler.routes(a.Mux)
	return r
}

// secret makes a secret that no key has.
func (r *harness) secret(t testing.TB) apikey.Secret {
	t.Helper()
	r.made++
	s, err := apikey.DefaultPrefix.Generate(keytest.Random(1000 + r.made))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// key makes a key of the account, with its secret.
func (r *harness) key(t testing.TB, options ...func(*apikey.Key)) (apikey.Key, apikey.Secret) {
	t.Helper()
	s := r.secret(t)
	with := append([]func(*apikey.Key){func(k *apikey.Key) {
		k.Usage, k.Current = apikey.Backend, apikey.StoredSecret{Hash: s.Hash(), Preview: s.Preview(), CreatedAt: keytest.Now}
	}}, options...)
	return r.NewKey(t, r.account, with...), s
}

// now reads a key again.
func (r *harness) now(t testing.TB, k apikey.Key) apikey.Key {
	t.Helper()
	stored, err := r.Control.Key(t.Context(), k.Account, k.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.CheckGate(t, stored)
	return stored
}

// sent makes GitHub send a body.
func (r *harness) sent(t testing.TB, body []byte) apitest.Answer {
	t.Helper()
	return r.Do(t, apitest.Call{Method: "POST", Path: "/v1/leaks/github", Body: body, Headers: r.gitHub.headers(t, body)})
}

// alerts makes GitHub report secrets, and returns the labels by token.
func (r *harness) alerts(t testing.TB, secrets ...string) map[string]string {
	t.Helper()
	var items []any
	for _, s := range secrets {
		items = append(items, object{"token": s, "type": "maps_api_key", "url": "https://github.com/octocat/Hello-World/blob/1/foo.txt", "source": "content"})
	}
	body, err := json.Marshal(items)
	if err != nil {
		t.Fatal(err)
	}
	return labelsOf(t, r.sent(t, body))
}

func labelsOf(t testing.TB, answer apitest.Answer) map[string]string {
	t.Helper()
	if answer.Status != http.StatusOK {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	var verdicts []struct {
		Hash  string `json:"token_hash"`
		Label string `json:"label"`
	}
	if err := json.Unmarshal(answer.Body, &verdicts); err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{}
	for _, v := range verdicts {
		labels[v.Hash] = v.Label
	}
	return labels
}

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// policy sets the account's reaction for all kinds.
func (r *harness) policy(t testing.TB, reaction account.LeakReaction) {
	t.Helper()
	before, err := r.Control.Account(t.Context(), r.account.ID)
	if err != nil {
		t.Fatal(err)
	}
	after, err := before.SetLeaks(account.LeakPolicy{Frontend: reaction, Backend: reaction, Mobile: reaction})
	if err == nil {
		_, err = r.Control.UpdateAccount(context.Background(), before, after, keytest.Row(r.account.ID, "account.policy", ""))
	}
	if err != nil {
		t.Fatal(err)
	}
}
