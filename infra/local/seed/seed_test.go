package seed

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
)

// TestAStoreWithOtherOperatorsIsSeededWithoutAny: who is no operator names none, and makes no account an enterprise's.
func TestAStoreWithOtherOperatorsIsSeededWithoutAny(t *testing.T) {
	answers := map[string]string{
		"GET /v1/me":                 `{"accounts":[{"id":"1","name":"Demo","role":"owner"},{"id":"2","name":"Enterprise","role":"owner"}]}`,
		"GET /v1/accounts/1":         `{"type":"self_serve"}`,
		"GET /v1/accounts/2":         `{"type":"self_serve"}`,
		"GET /v1/accounts/1/members": `{"members":[{"subject":"developer"},{"subject":"viewer"}]}`,
		"GET /v1/products":           `{"products":[{"id":"search","kind":"api","sample_path":"/search"}]}`,
		"POST /v1/accounts/1/keys":   `{"id":"key_1","secret":"ak_1"}`,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := answers[r.Method+" "+r.URL.Path]
		switch {
		case answer == "":
			w.WriteHeader(http.StatusForbidden)
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusCreated)
		}
		_, _ = w.Write([]byte(answer))
	}))
	defer s.Close()
	state, err := Run(t.Context(), Config{ManagementURL: s.URL, ProductsURL: s.URL, StateFile: filepath.Join(t.TempDir(), "seed.json"), Client: s.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if !state.NoOperator || state.DemoAccount != "1" || state.EnterpriseAccount != "2" || state.DemoKey != "key_1" {
		t.Errorf("seeded: %+v", state)
	}
}
