package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
)

// TestTheSDKRepeatsNoCallOfABound: of a second one lease, of an hour one count. A repeated call would take tokens again, and the request
// would wait for it.
func TestTheSDKRepeatsNoCallOfABound(t *testing.T) {
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer server.Close()
	set := map[string]string{"LEASES_TABLE": "leases"}
	b := &Base{
		Env: env.New(func(name string) string { return set[name] }), Log: slog.New(slog.DiscardHandler),
		DB: dynamo.Config{Region: "eu-west-1", Endpoint: server.URL, AccessKey: "id", SecretKey: "s", MaxBackoff: time.Millisecond},
	}
	bound, err := b.changes()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := bound.Admit(t.Context(), keytest.Subject("person")); !ok || calls.Load() != 2 {
		t.Errorf("admitted %v after %d calls", ok, calls.Load())
	}
}
