package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// permission is one line of the file in which the runners of these tests write down what roles grant, and what functions do.
type permission struct {
	Did                    string `json:"did"` // granted, used, denied
	Role, Action, Resource string
}

func (p permission) String() string {
	parts := strings.SplitN(p.Resource, ":", 6) // of an ARN
	return p.Role + " " + p.Action + " " + strings.TrimPrefix(parts[len(parts)-1], "table/")
}

func noted(file string) (list []permission) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	for line := range bytes.Lines(text) {
		var p permission
		if json.Unmarshal(line, &p) == nil {
			list = append(list, p)
		}
	}
	return list
}

// denials are the calls of functions that their roles don't allow, in whatever test. They would fail on AWS.
func denials() (lines []string) {
	for _, p := range noted(permissions) {
		if p.Did == "denied" {
			lines = append(lines, "a role lacks what its function calls: "+p.String())
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// notPlayed are the permissions that no test here uses, with what needs them.
var notPlayed = map[string]string{
	"ConsoleRole dynamodb:UpdateItem SessionsTable":                       "tokens that are renewed, which live for an hour here too",
	"AccountsRole dynamodb:DeleteItem GateTable":                          droppedSecret,
	"KeysRole dynamodb:DeleteItem GateTable":                              droppedSecret,
	"QpsRole dynamodb:DeleteItem GateTable":                               droppedSecret,
	"RotationRole dynamodb:DeleteItem GateTable":                          droppedSecret,
	"RotationRole dynamodb:DeleteItem ControlTable":                       endedRequests,
	"RotationRole dynamodb:Query ControlTable":                            endedRequests,
	"QpsRole dynamodb:UpdateItem ControlTable":                            counts,
	"RotationRole dynamodb:UpdateItem ControlTable":                       counts,
	"RotatorRole dynamodb:DeleteItem ControlTable":                        purge,
	"RotatorRole dynamodb:UpdateItem ControlTable":                        counts + ", and keys of the last release get their places by name (" + elsewhere + ")",
	"KeysRole dynamodb:Query ControlTable/index/names":                    elsewhere,
	"RotatorRole dynamodb:DeleteItem GateTable":                           purge + ", or a stray record of the gate is removed",
	"RotatorRole secretsmanager:DeleteSecret secret:latchkey/latchkey/*":  "a key with a delivered secret is revoked, or delivered no more",
	"RotatorRole secretsmanager:RestoreSecret secret:latchkey/latchkey/*": "a delivered secret that was deleted is delivered again",
}

// sometimes are used or not, by the day of the month on which the tests run, or by which of two comes first.
var sometimes = map[string]string{
	"RotatorRole dynamodb:ConditionCheckItem ControlTable": purge + ", or the change of its account's type is taken up by the job",
	"JobsRole dynamodb:Scan SlicesTable":                   "reports are compared from the fourth day of a month on",
	"JobsRole dynamodb:BatchGetItem QuotasTable":           "a quota is used up of which the counter function couldn't tell",
	"JobsRole dynamodb:BatchGetItem CountersTable":         "a report about the last month, or a record that was set aside, is compared",
}

const (
	droppedSecret = "as part of every change of a key: the oldest of its ended secrets drops off its list"
	endedRequests = "as part of every change of a key: the requests that end with it"
	counts        = "as part of every change of a key: its account's count of keys"
	purge         = "a key is purged 30 days after it was deleted"
	elsewhere     = "TestRecordsOfTheLastReleaseWorkInThisOne, whose tables are on an engine of its own, where nothing is noted"
)

// unneeded lists the permissions that no test has used, though all have run, and those that are used against the list above.
func unneeded(all bool) (lines []string) {
	granted, used := map[string]bool{}, map[string]bool{}
	for _, p := range noted(permissions) {
		if strings.Contains(p.Resource, restoredControl) || strings.Contains(p.Resource, restoredGate) {
			continue // a contract test holds that a stack on restored tables allows the same
		}
		granted[p.String()] = true
		if p.Did == "used" {
			used[p.String()] = true
		}
	}
	if !all {
		return nil
	}
	for name := range granted {
		if !used[name] && notPlayed[name] == "" && sometimes[name] == "" {
			lines = append(lines, "a role allows what nothing here needs: "+name)
		}
	}
	for name := range notPlayed {
		if used[name] || !granted[name] {
			lines = append(lines, "this is used, or isn't granted: "+name)
		}
	}
	slices.Sort(lines)
	return lines
}

// TestAFunctionMayDoWhatItsRoleAllowsAndNothingElse takes a permission away, and what needs it fails as it would on AWS, and says
// so. Everything else goes on.
func TestAFunctionMayDoWhatItsRoleAllowsAndNothingElse(t *testing.T) {
	t.Parallel()
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "permissions.jsonl")
	mirror(t, dir)
	template := filepath.Join(dir, "template.yaml")
	text, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	before, role, _ := bytes.Cut(text, []byte("\n  AccountsRole:\n"))
	without := bytes.Replace(role, []byte("- dynamodb:PutItem\n"), []byte("- dynamodb:PutNothing\n"), 1)
	if err := os.Remove(template); err != nil { // it is a link
		t.Fatal(err)
	}
	if err := os.WriteFile(template, slices.Concat(before, []byte("\n  AccountsRole:\n"), without), 0o600); err != nil {
		t.Fatal(err)
	}
	for id := range functionsOf(t, root) {
		if err := os.Symlink(filepath.Join(root, ".build", id), filepath.Join(dir, ".build", id)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := startIn(dir, filepath.Join(t.TempDir(), "data"), "LATCHKEY_SEED=off", "LATCHKEY_PERMISSIONS_FILE="+file)
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	if a := s.manage(t, "owner", "POST", "/v1/accounts", `{"name":"x"}`); a.status < http.StatusInternalServerError {
		t.Errorf("an account is made without the permission to write: %d %s", a.status, a.body)
	}
	const lacks = "denied: the role AccountsRole lacks dynamodb:PutItem on arn:aws:dynamodb:us-east-1:000000000000:table/ControlTable"
	for end := time.Now().Add(10 * time.Second); !strings.Contains(s.out.String(), lacks); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) { // the runner's output comes through a pipe
			t.Fatalf("the log doesn't say what is missing:\n%s", s.out)
		}
	}
	s.must(t, http.StatusOK, "owner", "GET", "/v1/me", "")
	var denied []string
	for _, p := range noted(file) {
		if p.Did == "denied" {
			denied = append(denied, p.String())
		}
	}
	if got := fmt.Sprint(denied); got != "[AccountsRole dynamodb:PutItem ControlTable]" {
		t.Errorf("denied: %s", got)
	}
}

// TestWhatIsRarelyCalledIsAllowed does what nothing else here does, because its permissions would be missed last. An answer of 5xx is
// enough to fail; what each call does is tested beside its code.
func TestWhatIsRarelyCalledIsAllowed(t *testing.T) {
	t.Parallel()
	s := shared
	account := s.newAccount(t, "owner")
	const rotated = `{"grace_seconds":3600}`
	k := s.newKey(t, account, `{"name":"rare","usage":"backend","products":["map-display"],"recoverable":true}`)
	s.must(t, 200, "owner", "POST", account+"/keys/find", `{"secret":"`+k.secret+`"}`)
	s.must(t, 200, "owner", "POST", k.path+"/rotate", rotated)
	s.must(t, 200, "owner", "POST", k.path+"/rotation/cancel", `{}`)
	s.must(t, 200, "owner", "POST", k.path+"/rotate", rotated)
	s.must(t, 200, "owner", "POST", k.path+"/revoke", `{"confirm_name":"rare"}`)
	s.must(t, 200, "operator", "GET", account+"/usage", "")

	k = s.newKey(t, account, lifeKey)
	s.must(t, 200, "owner", "POST", k.path+"/rotate", rotated)
	s.must(t, 200, "operator", "POST", account+"/close", `{}`)

	cookie := (&maker{records: &records{}, t: t, s: s}).signIn("viewer")
	if a := browse(t, http.MethodPost, s.ConsoleURL+"/sign-out", "x=", cookie); a.status != http.StatusSeeOther {
		t.Errorf("signing out: %d %.200s", a.status, a.body)
	}
	if a := s.manage(t, "operator", "POST", "/v1/operator/people/erase", `{"subject":"nobody-of-these-tests"}`); a.status != http.StatusOK {
		t.Errorf("erasing: %d %s", a.status, a.body)
	}
}
