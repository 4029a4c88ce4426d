package e2e

import (
	"strings"
	"testing"
)

// TestARunStartsOnAStoreThatAnEarlierRunSeeded gives each run a data directory of its own: the second takes over what the
// first has made, and a third beside the second, whose people are others, makes accounts of its own.
func TestARunStartsOnAStoreThatAnEarlierRunSeeded(t *testing.T) {
	t.Parallel()
	store := startEngine(t)
	next := func() *stack {
		t.Helper()
		s, err := start(t.TempDir(), "DYNAMODB_ENDPOINT="+store, "AWS_ACCESS_KEY_ID=")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.stop)
		if a := s.product(t, tile+s.DemoSecret, nil); a.status != 200 {
			t.Errorf("the demo key: %d %s", a.status, a.body)
		}
		return s
	}
	first := next()
	first.stop()

	second := next()
	if second.DemoAccount != first.DemoAccount || second.Enterprise != first.Enterprise {
		t.Errorf("accounts %s and %s were there, now it is %s and %s", first.DemoAccount, first.Enterprise, second.DemoAccount, second.Enterprise)
	}
	second.must(t, 200, "operator", "GET", "/v1/operators", "")
	second.must(t, 200, "developer", "GET", "/v1/accounts/"+first.DemoAccount, "")

	third := next()
	if third.IssuerURL == second.IssuerURL || third.DemoAccount == second.DemoAccount {
		t.Errorf("a run beside another has its sign-in %s and account %s", third.IssuerURL, third.DemoAccount)
	}
	third.must(t, 403, "operator", "GET", "/v1/operators", "")
	if !strings.Contains(third.out.String(), "the store has operators of another sign-in") {
		t.Errorf("the run doesn't say that it has no operator:\n%s", third.out)
	}
}
