package contract

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"latchkey/shared/authz"
)

// statuses are the HTTP statuses of refusals, as README's table has them; the authorizer's own tests hold it to them.
var statuses = map[authz.Class]string{
	authz.ClassCredential: "401", authz.ClassPermission: "403", authz.ClassLimit: "429", authz.ClassOutage: "503",
}

// The table is between these two; the codes in its rows are written from authz.Codes, the checks in words by people.
const (
	codesBegin = "<!-- codes: their column is written by go test ./infra/contract -update -->\n\n"
	codesEnd   = "\n<!-- end of codes -->"
)

// codesColumn writes the codes into the rows of README's table: those of the row's check, or of the last numbered one above it,
// that have the row's status. left are the codes that no row has.
func codesColumn(table string) (written string, left map[authz.Code]bool) {
	left = map[authz.Code]bool{}
	for _, c := range authz.Codes {
		left[c.Code] = true
	}
	check := 0
	var out strings.Builder
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || strings.Trim(cells[4], "0123456789 ") != "" {
			out.WriteString(line)
			continue
		}
		if n, err := strconv.Atoi(strings.TrimSpace(cells[1])); err == nil {
			check = n
		}
		var codes []string
		for _, c := range authz.Codes {
			if left[c.Code] && (c.Check == check || c.Check == 0) && statuses[c.Class] == strings.TrimSpace(cells[4]) {
				codes = append(codes, "`"+string(c.Code)+"`")
				delete(left, c.Code)
			}
		}
		cells[3] = " " + strings.Join(codes, ", ") + " "
		out.WriteString(strings.Join(cells, "|"))
	}
	return out.String(), left
}

func TestTheReadmesTableHasEveryCode(t *testing.T) {
	before, table, after := between(t, "README.md", codesBegin, codesEnd)
	want, left := codesColumn(table)
	for code := range left {
		t.Errorf("README's table has no row for %s: add one, with its check and its status", code)
	}
	replace(t, "README.md", before, table, want, after)
}

// The reference page and the Go types follow by go generate ./shared/api.
func TestTheContractListsEveryCode(t *testing.T) {
	const file = "shared/api/openapi.yaml"
	entries := func(codes ...authz.Code) (list string) {
		for _, c := range codes {
			list += "        - " + string(c) + "\n"
		}
		return list
	}
	listCodes(t, file, "UsageOutcome", "      enum:\n", func() string {
		list := entries("allowed", "refused")
		for _, c := range authz.Codes {
			if c.OfKey() {
				list += entries(c.Code)
			}
		}
		return list
	}())
	want := entries(authz.Allowed)
	for _, c := range authz.Codes {
		want += entries(c.Code)
	}
	listCodes(t, file, "DecisionCode", "      x-extensible-enum:\n", want)
}

// listCodes holds one schema's list in the contract.
func listCodes(t *testing.T, file, schema, begin, want string) {
	t.Helper()
	before, rest, _ := between(t, file, "\n    "+schema+":\n", "")
	description, rest, ok := strings.Cut(rest, begin)
	if !ok || regexp.MustCompile(`(?m)^    \w`).MatchString(description) {
		t.Fatal(schema + " has no list")
	}
	got := regexp.MustCompile(`^(?:        - .*\n)*`).FindString(rest)
	replace(t, file, before+description+begin, got, want, rest[len(got):])
}

// between reads a file in three parts; the marks belong to the first and the last. Without an end, the last is empty.
func between(t *testing.T, file, begin, end string) (before, part, after string) {
	t.Helper()
	raw, err := os.ReadFile(root + file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), begin)
	part, after, closed := strings.Cut(rest, end)
	if end == "" {
		part, after = rest, ""
	}
	if !ok || !closed {
		t.Fatalf("%s: the marks %q are gone", file, begin)
	}
	return before + begin, part, end + after
}

// replace compares a part of a file with what it should be; -update writes it.
func replace(t *testing.T, file, before, got, want, after string) {
	t.Helper()
	switch {
	case got == want:
	case *update:
		if err := os.WriteFile(root+file, []byte(before+want+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s isn't what authz.Codes says: go test ./infra/contract -update\n got %s\nwant %s", file, got, want)
	}
}
