package seed

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// api plays the management API and the gate: enough of them that a seed is made, and found again.
type api struct {
	t        *testing.T
	names    []string          // of accounts, whose IDs are their numbers
	owners   []string          // of those
	closed   map[string]bool   // by account
	types    map[string]string // the same
	members  []string          // of the first account of "owner"
	keys     []string          // "<account> <secret>", whose IDs are their numbers
	dead     map[string]bool   // by secret
	did      []string          // what changed something
	bodies   map[string]string // of those, the last one
	busy     int               // so many answers of 429 first
	versions bool              // a change of an operator needs its version
}

func (a *api) id(i int) string { return fmt.Sprint("acc", i+1) }

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.busy > 0 {
		a.busy--
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	if key := r.URL.Query().Get("key"); r.URL.Path == "/sample" {
		if a.dead[key] || !slices.ContainsFunc(a.keys, func(k string) bool { return strings.HasSuffix(k, " "+key) }) {
			w.WriteHeader(http.StatusUnauthorized)
		}
		return
	}
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body)
	person := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer of ")
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/"), "/")
	doc, _ := json.Marshal(body)
	if r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/reveal") {
		if a.versions && parts[0] == "operators" && r.Header.Get("If-Match") != `"7"` {
			w.WriteHeader(http.StatusPreconditionRequired)
			return
		}
		a.did = append(a.did, person+" "+r.Method+" "+r.URL.Path)
		a.bodies[r.Method+" "+r.URL.Path] = string(doc)
		if r.URL.Path != "/v1/invitations/accept" {
			w.WriteHeader(map[string]int{http.MethodPatch: 202, http.MethodPut: 200, http.MethodPost: 201}[r.Method])
		}
	}
	answer := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	switch {
	case parts[0] == "operators":
		w.Header().Set("ETag", `"7"`)
		answer(map[string]any{})
	case parts[0] == "me":
		list := []any{}
		for i, name := range a.names {
			if a.owners[i] == person {
				list = append(list, map[string]string{"id": a.id(i), "name": name, "role": "owner"})
			}
		}
		answer(map[string]any{"accounts": list})
	case parts[0] == "products":
		answer(map[string]any{"products": []any{map[string]string{"id": "sdk", "kind": "sdk"}, map[string]string{"id": "map", "kind": "api", "sample_path": "/sample"}, map[string]string{"id": "search", "kind": "api", "sample_path": "/other"}}})
	case r.URL.Path == "/v1/accounts":
		a.names, a.owners = append(a.names, body["name"].(string)), append(a.owners, person)
		a.types[a.id(len(a.names)-1)] = "self_serve"
		answer(map[string]string{"id": a.id(len(a.names) - 1)})
	case len(parts) == 2 && parts[0] == "accounts" && r.Method == http.MethodPatch:
		a.types[parts[1]] = body["type"].(string)
		answer(map[string]any{})
	case len(parts) == 2 && parts[0] == "accounts":
		doc := map[string]any{"type": a.types[parts[1]], "closing": false, "closed_at": nil}
		if a.closed[parts[1]] {
			doc["closed_at"] = "2026-11-30T00:00:00.000Z"
		}
		answer(doc)
	case strings.HasSuffix(r.URL.Path, "/members"):
		list := []any{}
		for _, m := range a.members {
			list = append(list, map[string]string{"subject": m})
		}
		answer(map[string]any{"members": list})
	case r.URL.Path == "/v1/invitations/accept":
		if body["token"] != "for "+person {
			a.t.Errorf("%s accepts %v", person, body["token"])
		}
		a.members = append(a.members, person)
	case strings.HasSuffix(r.URL.Path, "/invitations"):
		answer(map[string]any{"token": "for " + body["role"].(string)})
	case strings.HasSuffix(r.URL.Path, "/reveal"):
		var n int
		_, _ = fmt.Sscanf(parts[3], "key%d", &n)
		answer(map[string]string{"id": parts[3], "secret": strings.Fields(a.keys[n-1])[1]})
	case strings.HasSuffix(r.URL.Path, "/keys"):
		a.keys = append(a.keys, fmt.Sprintf("%s ak_%d", parts[1], len(a.keys)+1))
		answer(map[string]string{"id": fmt.Sprint("key", len(a.keys)), "secret": strings.Fields(a.keys[len(a.keys)-1])[1]})
	default:
		a.t.Errorf("%s %s", r.Method, r.URL.Path)
	}
}

// TestASecondSeedMakesOnlyWhatIsMissing: nothing that is there is made again, whatever it is called by now; what was closed or opens nothing
// any more is made again.
func TestASecondSeedMakesOnlyWhatIsMissing(t *testing.T) {
	const key = "owner POST /v1/accounts/%s/keys"
	everything := []string{
		"operator PUT /v1/operators/operator", "operator PUT /v1/operators/support", "owner POST /v1/accounts", "owner POST /v1/accounts/acc1/invitations", "developer POST /v1/invitations/accept",
		"owner POST /v1/accounts/acc1/invitations", "viewer POST /v1/invitations/accept", "enterprise_owner POST /v1/accounts", "operator PATCH /v1/accounts/acc2", "owner POST /v1/accounts/acc1/keys",
	}
	for name, c := range map[string]struct {
		between func(a *api, state string)
		more    []string // but for the operators, who are put each time
		want    State
	}{
		"nothing has changed": {func(*api, string) {}, nil, State{DemoAccount: "acc1", EnterpriseAccount: "acc2", DemoKey: "key1", DemoSecret: "ak_1"}},
		"the state is gone":   {func(_ *api, state string) { _ = os.Remove(state) }, []string{fmt.Sprintf(key, "acc1")}, State{DemoAccount: "acc1", EnterpriseAccount: "acc2", DemoKey: "key2", DemoSecret: "ak_2"}},
		"the state is torn":   {func(_ *api, state string) { _ = os.WriteFile(state, []byte(`{"demo_acc`), 0o600) }, []string{fmt.Sprintf(key, "acc1")}, State{DemoAccount: "acc1", EnterpriseAccount: "acc2", DemoKey: "key2", DemoSecret: "ak_2"}},
		"it has another name": {func(a *api, _ string) { a.names[0] = "Renamed" }, nil, State{DemoAccount: "acc1", EnterpriseAccount: "acc2", DemoKey: "key1", DemoSecret: "ak_1"}},
		"the key is revoked":  {func(a *api, _ string) { a.dead["ak_1"] = true }, []string{fmt.Sprintf(key, "acc1")}, State{DemoAccount: "acc1", EnterpriseAccount: "acc2", DemoKey: "key2", DemoSecret: "ak_2"}},
		"a member has left": {
			func(a *api, _ string) { a.members = []string{"viewer"} },
			[]string{"owner POST /v1/accounts/acc1/invitations", "developer POST /v1/invitations/accept"},
			State{DemoAccount: "acc1", EnterpriseAccount: "acc2", DemoKey: "key1", DemoSecret: "ak_1"},
		},
		"the enterprise is none": {func(a *api, _ string) { a.types["acc2"] = "self_serve" }, []string{"operator PATCH /v1/accounts/acc2"}, State{DemoAccount: "acc1", EnterpriseAccount: "acc2", DemoKey: "key1", DemoSecret: "ak_1"}},
		"the enterprise is closed": {
			func(a *api, _ string) { a.closed["acc2"] = true },
			[]string{"enterprise_owner POST /v1/accounts", "operator PATCH /v1/accounts/acc3"},
			State{DemoAccount: "acc1", EnterpriseAccount: "acc3", DemoKey: "key1", DemoSecret: "ak_1"},
		},
		"the API is busy":         {func(a *api, _ string) { a.busy = 1 }, nil, State{DemoAccount: "acc1", EnterpriseAccount: "acc2", DemoKey: "key1", DemoSecret: "ak_1"}},
		"operators have versions": {func(a *api, _ string) { a.versions = true }, nil, State{DemoAccount: "acc1", EnterpriseAccount: "acc2", DemoKey: "key1", DemoSecret: "ak_1"}},
	} {
		a := &api{t: t, closed: map[string]bool{}, types: map[string]string{}, dead: map[string]bool{}, bodies: map[string]string{}}
		s := httptest.NewServer(a)
		tokens := map[string]string{}
		for _, person := range []string{"operator", "owner", "developer", "viewer", "enterprise_owner"} {
			tokens[person] = "of " + person
		}
		config := Config{ManagementURL: s.URL, ProductsURL: s.URL, Tokens: tokens, StateFile: filepath.Join(t.TempDir(), "seed.json"), Client: s.Client()}
		if _, err := Run(t.Context(), config); err != nil || !slices.Equal(a.did, everything) {
			t.Fatalf("%v, did %q, want %q", err, a.did, everything)
		}
		for what, want := range map[string]string{
			"PUT /v1/operators/support": `{"rank":"support"}`, "POST /v1/accounts/acc1/invitations": `{"email":"viewer@example.com","role":"viewer"}`, "PATCH /v1/accounts/acc2": `{"type":"enterprise"}`,
			"POST /v1/accounts/acc1/keys": `{"name":"Demo key","products":["map","search"],"recoverable":true,"usage":"backend"}`,
		} {
			if a.bodies[what] != want {
				t.Errorf("%s with %s, want %s", what, a.bodies[what], want)
			}
		}
		a.did = nil
		c.between(a, config.StateFile)
		got, err := Run(t.Context(), config)
		if c.want.Sample = "/sample"; err != nil || got != c.want || len(a.did) < 2 || !slices.Equal(a.did[2:], c.more) {
			t.Errorf("%s: %+v, %v, did %q, want %+v and %q", name, got, err, a.did, c.want, c.more)
		}
		raw, err := os.ReadFile(config.StateFile)
		if info, e := os.Stat(config.StateFile); err != nil || e != nil || info.Mode().Perm() != 0o600 || strings.Contains(string(raw), "ak_") || !strings.Contains(string(raw), c.want.DemoKey) {
			t.Errorf("%s: kept %s, %v", name, raw, e)
		}
		s.Close()
	}
}
