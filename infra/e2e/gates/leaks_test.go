package gates

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

// TestProcessesObeyEveryLeakReportWithinTenSeconds: GitHub's signed reports are sent to the function that takes them, which writes
// to the engine that the gates read. From its answer on, every process refuses each reported secret within 10 s. The long form
// has 1,000 keys and 16 environments.
func TestProcessesObeyEveryLeakReportWithinTenSeconds(t *testing.T) {
	envs, reports, keys, apart := 4, 3, 12, 700*time.Millisecond
	if keytest.Deep() {
		envs, reports, keys, apart = environments, 20, 50, 6*time.Second
	}
	tab := newTable(t)
	g := tab.gitHub(t)
	stores := keytest.NewStores(tab.db, tab.names)
	its := stores.NewAccount(t, func(a *account.Account) { a.KeyLimit = reports*keys + 1 })
	ends := make([]ending, reports)
	random := keytest.Random(uint64(time.Now().UnixNano())) //nolint:gosec // any number
	for n := range ends {
		var secrets []string
		for range keys {
			s, err := apikey.DefaultPrefix.Generate(random)
			if err != nil {
				t.Fatal(err)
			}
			stores.NewKey(t, its, func(k *apikey.Key) {
				k.Current = apikey.StoredSecret{Hash: s.Hash(), Preview: s.Preview(), CreatedAt: keytest.Now}
				k.Limits = []apikey.Limit{{Class: "map-display.tiles", QPS: 1_000_000}}
			})
			secrets = append(secrets, s.Reveal())
			ends[n].keys = append(ends[n].keys, &doomed{event: callWith(t, s)})
		}
		ends[n].at, ends[n].end = time.Duration(n)*apart, func() { g.report(t, secrets) }
	}
	tab.obeyed(t, envs, ends)
}

// gitHub signs reports, and sends them to a process of the function that takes them.
type gitHub struct {
	key   *ecdsa.PrivateKey
	leaks *environment
}

func (tab *table) gitHub(t *testing.T) *gitHub {
	t.Helper()
	g := &gitHub{key: keytest.SigningKey(t, elliptic.P256())}
	keys := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"public_keys": []any{
			map[string]any{"key_identifier": "current", "key": keytest.PEM(t, &g.key.PublicKey), "is_current": true},
		}})
	}))
	g.leaks = tab.function(t, "Leaks", leaks, 29*time.Second, "CONTROL_TABLE="+tab.names.Control, "GITHUB_KEYS_URL="+keys,
		"OIDC_ISSUER="+keys, "OIDC_CLIENT_ID=gates", "PAGE_TOKEN_KEY=gates", "CHANGES_PER_SECOND=100", "CHANGES_PER_HOUR=1000")
	return g
}

// report reports secrets, and returns with the answer, which must call each of them a true one.
func (g *gitHub) report(t *testing.T, secrets []string) {
	t.Helper()
	items := make([]map[string]string, len(secrets))
	for i, s := range secrets {
		items[i] = map[string]string{"token": s, "type": "maps_api_key", "url": fmt.Sprintf("https://github.com/octocat/x/blob/1/%d.txt", i), "source": "content"}
	}
	body, err := json.Marshal(items)
	if err != nil {
		t.Error(err)
		return
	}
	headers := keytest.ReportHeaders(t, "current", g.key, body)
	headers["Content-Type"], headers["Host"] = "application/json", "management.example"
	event, err := json.Marshal(map[string]any{
		"resource": "/v1/leaks/github", "path": "/v1/leaks/github", "httpMethod": http.MethodPost, "headers": headers, "body": string(body),
		"requestContext": map[string]any{"requestId": "gates", "extendedRequestId": "gates", "stage": "prod", "path": "/v1/leaks/github"},
	})
	if err != nil {
		t.Error(err)
		return
	}
	raw, err := g.leaks.invoke(event)
	if err != nil {
		t.Errorf("a report: %v", err)
		return
	}
	var answer struct {
		StatusCode int    `json:"statusCode"`
		Body       string `json:"body"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || answer.StatusCode != http.StatusOK || strings.Count(answer.Body, `"true_positive"`) != len(secrets) {
		t.Errorf("a report is answered %s", raw)
	}
}
