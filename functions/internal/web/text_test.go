package web

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/apikey"
	"latchkey/shared/text"
)

func TestFormerPrefixes(t *testing.T) {
	for list, want := range map[string]text.Secrets{"": nil, "old": {"old"}, "old,older1": {"old", "older1"}} {
		if got, err := formerPrefixes(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", list, got, err)
		}
	}
	for _, list := range []string{"old,X", "1x", "a_b"} {
		if got, err := formerPrefixes(list); err == nil {
			t.Errorf("%q: %v", list, got)
		}
	}
}

func TestEveryReasonForWhichATextIsRefusedHasItsWords(t *testing.T) {
	seen := map[string]bool{}
	for _, why := range []error{text.ErrLength, text.ErrCharacter, text.ErrInvisible, text.ErrSecret, errors.New("another")} {
		f := TextField("comment", 0, 10, why)
		if f.Pointer != "/comment" || seen[f.Code] || seen[f.Detail] {
			t.Errorf("%v: %+v", why, f)
		}
		seen[f.Code], seen[f.Detail] = true, true
	}
}

func TestBaseKnowsThePrefixesThatTheStackHasHad(t *testing.T) {
	env := map[string]string{
		"CONTROL_TABLE": "c", "GATE_TABLE": "g", "LEASES_TABLE": "leases", "OIDC_ISSUER": "https://issuer.example", "OIDC_CLIENT_ID": "x", "PAGE_TOKEN_KEY": "k", "METRICS_NAMESPACE": "Latchkey/tests", "KEY_PREFIX": "now", "FORMER_KEY_PREFIXES": "old,older1",
	}
	b, err := Start(func(name string) string { return env[name] }, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if want := (text.Secrets{"now", "old", "older1"}); b.Prefix != apikey.Prefix("now") || !slices.Equal(b.Texts, want) || !slices.Equal(b.KeyService().Texts, want) {
		t.Errorf("%v, %v", b.Prefix, b.Texts)
	}
}

// A function that writes keys without the gate's table would answer 500 to each change; one that only reads has no right to it.
func TestOnlyReadersStartWithoutTheGatesTable(t *testing.T) {
	env := map[string]string{"CONTROL_TABLE": "c", "OIDC_ISSUER": "https://issuer.example", "OIDC_CLIENT_ID": "x", "PAGE_TOKEN_KEY": "k", "METRICS_NAMESPACE": "Latchkey/tests"}
	get := func(name string) string { return env[name] }
	if _, err := Start(get, t.Output()); err == nil || !strings.Contains(err.Error(), "GATE_TABLE") {
		t.Errorf("a writer starts without it: %v", err)
	}
	if _, err := StartReader(get, t.Output()); err != nil {
		t.Error(err)
	}
}
