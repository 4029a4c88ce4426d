package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/infra/local/engine"
	"latchkey/infra/local/template"
)

// TestTheSignInTakesThePortOfTheRunWhoseOperatorsTheStoreHas, where its own data directory knows none.
func TestTheSignInTakesThePortOfTheRunWhoseOperatorsTheStoreHas(t *testing.T) {
	free, err := keptPort(filepath.Join(t.TempDir(), "port"))
	if err != nil {
		t.Fatal(err)
	}
	_, earlier, _ := strings.Cut(free.Addr().String(), ":")
	_ = free.Close()
	for operators, want := range map[string]bool{
		"http://127.0.0.1:" + earlier + "|operator":                                 true,
		"https://idp.example.com|ann http://127.0.0.1:" + earlier + "|o":            true,
		"https://127.0.0.1:" + earlier + "|ann":                                     false,
		"http://host.docker.internal:" + earlier + "|ann http://127.0.0.1|operator": false,
		"": false,
	} {
		for known, kept := range map[string]bool{"": want, "1\n": false} {
			s := &stack{config: config{dataDir: t.TempDir(), dynamoEndpoint: withOperators(t, operators), issuerName: "127.0.0.1"}}
			s.credentials = [3]string{"local", "local", "local"}
			s.engine = &engine.Engine{Endpoint: s.dynamoEndpoint}
			if s.template, err = template.Load("../../template.yaml", nil); err != nil {
				t.Fatal(err)
			}
			if known != "" {
				if err := os.WriteFile(s.file("issuer.port"), []byte(known), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.startIssuer(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := s.issuerURL == "http://127.0.0.1:"+earlier; got != kept {
				t.Errorf("operators %q, own port %q: the sign-in is at %s, the earlier one was at port %s", operators, known, s.issuerURL, earlier)
			}
			s.stop()
		}
	}
}

// withOperators is a store that answers every query with these people; without any it has no table.
func withOperators(t *testing.T, people string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		if people == "" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}`))
			return
		}
		var items []string
		for _, p := range strings.Fields(people) {
			items = append(items, fmt.Sprintf(`{"gsk":{"S":%q}}`, p))
		}
		_, _ = fmt.Fprintf(w, `{"Items":[%s]}`, strings.Join(items, ","))
	}))
	t.Cleanup(s.Close)
	return s.URL
}
