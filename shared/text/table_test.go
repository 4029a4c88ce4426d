package text_test

import (
	"encoding/csv"
	"errors"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/text"
)

// TestNoCellIsAFormula, wherever it is in its line, and where semicolons separate cells; numbers and all other texts stay as they are.
func TestNoCellIsAFormula(t *testing.T) {
	cells := []string{"=1+1", "+1+1", "-1+cmd", "@SUM(A1)", "\t=1", "\r=1", "=", "-", "Shop, \"web\"", "a=b", "", "-12", "12", "'=1", "a\nb", "–5", "x;=1", "x;y", "a\t+1;@b", "＝1", "a;＋1", "x; =1"}
	want := []string{"'=1+1", "'+1+1", "'-1+cmd", "'@SUM(A1)", "'\t=1", "'\r=1", "'=", "'-", "Shop, \"web\"", "a=b", "", "-12", "12", "'=1", "a\nb", "–5", "x;'=1", "x;y", "a\t'+1;'@b", "'＝1", "a;'＋1", "x; =1"}
	var file strings.Builder
	table := text.NewTable(&file)
	for i := range cells {
		table.Line(slices.Concat(cells[i:], cells[:i])...)
	}
	if err := table.End(); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(file.String())).ReadAll()
	if err != nil || len(lines) != len(cells) {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	for i, got := range lines {
		if line := slices.Concat(want[i:], want[:i]); !slices.Equal(got, line) {
			t.Errorf("%q, want %q", got, line)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestATableThatCannotBeWrittenIsAnError(t *testing.T) {
	table := text.NewTable(full{})
	table.Line("a")
	if table.End() == nil {
		t.Error("no error")
	}
}
