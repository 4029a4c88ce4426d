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
)

// permission is one line of the file in which the runners of these tests write down what roles grant, and what functions do.
type permission struct {
	Did                    string `json:"did"` // granted, used, denied
	Role, Action, Resource string
}

func (p permission) String() string {
	return p.Role + " " + p.Action + " " + strings.TrimPrefix(p.Resource[strings.LastIndexByte(p.Resource, ':')+1:], "table/")
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
	if !strings.Contains(s.out.String(), lacks) {
		t.Error("the log doesn't say what is missing")
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
