package dynamo_test

import (
	"os/exec"
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
