package text

import (
	"encoding/csv"
	"io"
	"regexp"
	"strconv"
)

// Table writes CSV for spreadsheets. None of its cells is a formula to them: what begins like one, and is no whole number, gets an
// apostrophe before it. So does what begins like one behind a semicolon or a tab, which separate cells where the comma is in numbers.
type Table struct{ out *csv.Writer }

// NewTable returns a table that is written to w.
func NewTable(w io.Writer) Table { return Table{csv.NewWriter(w)} }

// Line writes one line.
func (t Table) Line(cells ...string) {
	safe := make([]string, len(cells))
	for i, cell := range cells {
		safe[i] = inert(cell)
	}
	_ = t.out.Write(safe) // End returns the error
}

// End writes what is still held back, and returns the first error of w.
func (t Table) End() error {
	t.out.Flush()
	return t.out.Error()
}

var formula = regexp.MustCompile(`(^|[;\t\r\n])([=+\-@\t\r＝＋－＠])`)

func inert(cell string) string {
	if _, err := strconv.ParseInt(cell, 10, 64); err == nil {
		return cell
	}
	return formula.ReplaceAllString(cell, "$1'$2")
}
