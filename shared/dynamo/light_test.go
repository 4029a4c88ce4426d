package dynamo_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatTheAuthorizerLinksStaysLight keeps reflection over records and expression building out of the gate's binary.
func TestWhatTheAuthorizerLinksStaysLight(t *testing.T) {
	for _, name := range []string{"latchkey/shared/dynamo", "latchkey/shared/dynamo/policies", "latchkey/shared/dynamo/leases", "latchkey/shared/dynamo/quotas", "latchkey/shared/dynamo/reports", "latchkey/shared/dynamo/gateclient"} {
		out, err := exec.Command("go", "list", "-deps", name).CombinedOutput() //nolint:gosec // constants
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for dependency := range strings.Lines(string(out)) {
			for _, heavy := range []string{
				"feature/dynamodb/", "aws-sdk-go-v2/config", "latchkey/shared/dynamo/control", "x/net/publicsuffix", "oklog/ulid",
			} {
				if strings.Contains(dependency, heavy) {
					t.Errorf("%s links %s", name, strings.TrimSpace(dependency))
				}
			}
		}
	}
}

// TestTheAuthorizerLinksNoClientOfTheSDK: it links the SDK's types, and nothing of the client behind them.
func TestTheAuthorizerLinksNoClientOfTheSDK(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "authorizer")
	if out, err := exec.Command("go", "build", "-o", binary, "latchkey/authorizer").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command("go", "tool", "nm", binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	symbols := string(out)
	if !strings.Contains(symbols, "gateclient.(*Client).GetItem") {
		t.Error("the gate's own client isn't linked, or the symbols have other names")
	}
	for _, heavy := range []string{"service/dynamodb.New", "service/dynamodb.(*Client)", "signer/v4.(*Signer)", "encoding/json.Unmarshal"} {
		if strings.Contains(symbols, heavy) {
			t.Errorf("the authorizer links %s", heavy)
		}
	}
}
