package parameters

import (
	"slices"
	"strings"
	"testing"

	"latchkey/infra/local/template"
)

// What is tried is allowed, and nothing that two groups of parameters may be together is left out.
func TestCombinationsAreAllowedAndLeaveNoPairOut(t *testing.T) {
	read, err := template.Load("../../../template.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	deciding := read.Deciding("ConsoleFunction")
	for _, name := range []string{"OidcIssuer", "OidcClientId", "ManagementDomain", "KeyPrefix", "BrandTerms", "EventsEndpoint"} {
		if !slices.Contains(deciding, name) {
			t.Errorf("%s decides nothing of the console", name)
		}
	}
	if slices.Contains(deciding, "OutageBoundMinutes") {
		t.Error("the gate's bound decides something of the console")
	}
	all, err := factors(read, deciding)
	if err != nil {
		t.Fatal(err)
	}
	rows := covering(all)
	for i, f := range all {
		for j, g := range all[:i] {
			for a := range f.levels {
				for b := range g.levels {
					if !slices.ContainsFunc(rows, func(row []int) bool { return row[i] == a && row[j] == b }) {
						t.Errorf("%q never stands beside %q", f.levels[a], g.levels[b])
					}
				}
			}
		}
	}
	sets, err := Combinations(read, deciding)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range sets {
		if refused, err := refusals(read, set); err != nil || len(refused) > 0 {
			t.Errorf("%q: %q, %v", set, refused, err)
		}
	}
}

// A group has every combination that the Rules take, and none that they refuse.
func TestParametersThatARuleLooksAtAreTriedInEveryWay(t *testing.T) {
	read, err := template.Load("../../../template.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := factors(read, []string{"OidcIssuer"})
	if err != nil || len(all) != 1 || !slices.Equal(all[0].names, []string{"OidcClientId", "OidcIssuer"}) {
		t.Fatalf("%v, %v", all, err)
	}
	issuers, clients := len(Samples["OidcIssuer"].values())-1, len(Samples["OidcClientId"].values())-1
	if got, want := len(all[0].levels), 1+issuers*clients; got != want {
		t.Errorf("%d of %d ways to have an issuer and a client", got, want)
	}
}

// A reader that refuses what the template takes is told of, by the parameter.
func TestWhatAReaderRefusesIsTold(t *testing.T) {
	err := Try("../../..", "Authorizer", func(getenv func(string) string) error {
		if getenv("OUTAGE_BOUND_MINUTES") == "180" && getenv("KEY_PREFIX") == "a1" {
			return refusal("a bound of 180 with a prefix of two")
		}
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "a bound of 180 with a prefix of two") {
		t.Errorf("%v", err)
	}
}

type refusal string

func (e refusal) Error() string { return string(e) }
