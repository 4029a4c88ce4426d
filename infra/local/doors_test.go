package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"latchkey/infra/local/engine"
)

// Other addresses than loopback are an open store: only a private one, only where it is asked for, and only with ports to say.
func TestServicesLeaveLoopbackOnlyForAPrivateAddressThatIsAskedFor(t *testing.T) {
	all := map[string]string{
		"LATCHKEY_DYNAMODB_PORT": "8000", "LATCHKEY_ISSUER_PORT": "8085", "LATCHKEY_EVENTS_PORT": "8086", "LATCHKEY_SECRETS_PORT": "8087",
	}
	c, err := settings(t, all)
	if err != nil || c.bridge.IsValid() || c.doors["SecretsManagerEndpoint"] != 8087 || c.issuerName != "127.0.0.1" {
		t.Fatalf("%+v, %v", c, err)
	}
	if lines := (&stack{config: c}).doorLines(); strings.Contains(lines, "bridge") || !strings.Contains(lines, "127.0.0.1:8000") {
		t.Errorf("it says %q", lines)
	}
	for address, good := range map[string]bool{
		"172.17.0.1": true, "10.1.2.3": true, "0.0.0.0": false, "::": false, "8.8.8.8": false, "docker0": false, "127.0.0.1": false,
	} {
		all["LATCHKEY_BRIDGE_ADDRESS"] = address
		c, err := settings(t, all)
		if (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
		if lines := (&stack{config: c}).doorLines(); good && (!strings.Contains(lines, address) || !strings.Contains(lines, "without a password")) {
			t.Errorf("%s isn't said aloud: %q", address, lines)
		}
	}
	all["LATCHKEY_BRIDGE_ADDRESS"], all["LATCHKEY_EVENTS_PORT"] = "172.17.0.1", ""
	if _, err := settings(t, all); err == nil || !strings.Contains(err.Error(), "LATCHKEY_EVENTS_PORT") {
		t.Errorf("without a port: %v", err)
	}
	for name, bad := range map[string]string{"LATCHKEY_ISSUER_NAME": "issuer.example", "LATCHKEY_DYNAMODB_PORT": "70000"} {
		if _, err := settings(t, map[string]string{name: bad}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, bad, err)
		}
	}
}

// The store has its own free port, so a fixed one is led to it.
func TestTheStoreAnswersOnItsFixedPort(t *testing.T) {
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, "store "+string(raw))
	}))
	t.Cleanup(store.Close)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := free.Addr().(*net.TCPAddr)
	_ = free.Close()
	s := &stack{config: config{doors: map[string]int{"DynamoDBEndpoint": at.Port}}, engine: &engine.Engine{Endpoint: store.URL}}
	if err := s.openDoors(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, c := range s.closers {
			c()
		}
	})
	r, err := http.Post("http://"+at.String(), "text/plain", strings.NewReader("call")) //nolint:noctx,gosec // a test
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	if raw, _ := io.ReadAll(r.Body); string(raw) != "store call" {
		t.Errorf("%s", raw)
	}
	if err := s.openDoors(t.Context()); err == nil || !strings.Contains(err.Error(), "LATCHKEY_DYNAMODB_PORT") {
		t.Errorf("the port is taken: %v", err)
	}
}
