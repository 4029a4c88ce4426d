package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestALeakedSecretIsRefusedUntilItsOwnerSaysOtherwise: an operator's report stops it everywhere, its owner reads where it was found
// and lets it work again; anybody's report stops nothing, and one that GitHub hasn't signed isn't read.
func TestALeakedSecretIsRefusedUntilItsOwnerSaysOtherwise(t *testing.T) {
	t.Parallel()
	k := shared.newKey(t, "/v1/accounts/"+shared.DemoAccount, `{"name":"To be leaked","usage":"backend","products":["map-display"]}`)
	if a := shared.product(t, tile+k.secret, nil); a.status != http.StatusOK {
		t.Fatalf("before: %s", a.brief())
	}
	if a := shared.manage(t, "", "POST", "/v1/leaks", fmt.Sprintf(`{"secret":%q,"url":"https://forum.example/?key=%s"}`, k.secret, k.secret)); a.status != http.StatusAccepted {
		t.Errorf("anybody's: %s", a.brief())
	}
	noted := shared.must(t, 200, "owner", "GET", k.path, "").json(t)["exposures"].([]any)[0].(map[string]any)
	if noted["refused"] != false || noted["source"] != "anybody" || noted["place"] != "https://forum.example/?key=[secret]" {
		t.Errorf("anybody's: %v", noted)
	}
	refused(t, "unsigned", shared.manage(t, "", "POST", "/v1/leaks/github", fmt.Sprintf(`[{"token":%q,"type":"t","url":"","source":"content"}]`, k.secret)), 403, "signature_invalid")
	if a := shared.product(t, tile+k.secret, nil); a.status != http.StatusOK {
		t.Errorf("after anybody's report: %s", a.brief())
	}
	operated := "/v1/operator/keys/" + k.id
	shared.must(t, 200, "operator", "POST", operated+"/block", `{"reason":"Leaked"}`) // a blocked key is reported as any other
	found := shared.must(t, 200, "operator", "POST", "/v1/operator/leaks", fmt.Sprintf(`{"secret":%q,"url":"https://github.com/octocat/x"}`, k.secret)).json(t)
	if found["changed"] != true || found["matched"] != "current" || found["key_id"] != k.id {
		t.Errorf("an operator's: %v", found)
	}
	if waits := shared.waits(t, "last_exposed", "key_id", k.id); waits["refused"] != true || waits["place"] != "https://github.com/octocat/x" {
		t.Errorf("waits for operators: %v", waits)
	}
	shared.must(t, 200, "operator", "POST", operated+"/unblock", `{}`)
	shared.obeyed(t, "a reported leak", tile+k.secret, nil, http.StatusUnauthorized, "unauthorized")
	doc := shared.must(t, 200, "owner", "GET", k.path, "").json(t)
	if e := doc["exposures"].([]any)[0].(map[string]any); e["refused"] != true || e["source"] != "operator" || doc["exposed_at"] != noted["exposed_at"] {
		t.Errorf("the key says %v", doc)
	}
	if code := shared.must(t, 200, "owner", "POST", k.path+"/test", `{}`).json(t)["code"]; code != "key_exposed" {
		t.Errorf("the tester says %v", code)
	}
	shared.must(t, 403, "developer", "POST", k.path+"/lift-exposure", `{"reason":"Mine."}`)
	shared.must(t, 200, "owner", "POST", k.path+"/lift-exposure", `{"reason":"A sample."}`)
	if waits := shared.waits(t, "last_exposed", "key_id", k.id); waits != nil {
		t.Errorf("lifted, and still waits: %v", waits)
	}
	shared.obeyed(t, "a lifted refusal", tile+k.secret, nil, http.StatusOK, "")
	again := shared.must(t, 200, "operator", "POST", "/v1/operator/leaks", fmt.Sprintf(`{"secret":%q}`, k.secret)).json(t)
	if again["changed"] != false {
		t.Errorf("reported again: %v", again)
	}
	w := newTwice(t)
	page := browse(t, "GET", shared.ConsoleURL+strings.TrimPrefix(k.path, "/v1"), "", w.cookies["owner"])
	for _, text := range []string{"Exposed", "https://github.com/octocat/x", "A sample."} {
		if !strings.Contains(string(page.body), text) {
			t.Errorf("the key's page lacks %q", text)
		}
	}
}

// waits returns what the operators' overview has in a list with this ID, nil for nothing.
func (s *stack) waits(t *testing.T, list, member, id string) map[string]any {
	t.Helper()
	for _, one := range s.must(t, 200, "support", "GET", "/v1/operator/overview", "").json(t)[list].([]any) {
		if one := one.(map[string]any); one[member] == id {
			return one
		}
	}
	return nil
}
