package contract

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"latchkey/infra/bench/figures"
)

// What docs/scale.md computes with is what the code and the template say.
func TestTheFiguresAreComputedFromTheCode(t *testing.T) {
	code := map[string]float64{}
	for _, c := range constantsOf(t) {
		code[c.name] = c.value
	}
	for name, used := range figures.Code {
		if is, ok := code[name]; !ok || is != used {
			t.Errorf("infra/bench/figures takes %s for %v, it is %v", name, used, is)
		}
	}
	d := render(t, "template.yaml")
	for path, used := range figures.Template {
		id, rest, _ := strings.Cut(path, "/")
		if is := at(d.properties(t, id), strings.Split(rest, "/")...); fmt.Sprint(is) != fmt.Sprint(used) {
			t.Errorf("infra/bench/figures takes %s for %v, it is %v", path, used, is)
		}
	}
}

// infra/bench/figures charges for a key in memory what the gate's cache does: these three, and nothing else.
func TestTheFiguresChargeForAKeyWhatTheCacheDoes(t *testing.T) {
	raw, err := os.ReadFile(root + "authorizer/cache.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), "\n\treturn entryCost + accountCost + policy.MemoryCost()\n}\n") {
		t.Error("authorizer/cache.go: costOf isn't what keysInMemory of infra/bench/figures says")
	}
}

// The tables of these documents are computed: no number in them outlives what it was computed from.
func TestTheDocumentsHaveTheComputedFigures(t *testing.T) {
	sizes, err := figures.Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for file, tables := range map[string]map[string]string{
		"docs/performance.md": {"cost": figures.CostTable()},
		"docs/scale.md": {
			"load": figures.ScaleTable(sizes), "hot": figures.HotTable(sizes), "keys": figures.KeysTable(sizes),
			"sizes": figures.SizesTable(sizes), "bounds": figures.BoundsTable(),
		},
	} {
		raw, err := os.ReadFile(root + file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(raw)
		for name, want := range tables {
			begin := "<!-- " + name + ": written by go test ./infra/contract -update -->\n\n"
			before, rest, ok := strings.Cut(text, begin)
			got, after, closed := strings.Cut(rest, "\n<!-- end of "+name+" -->")
			if !ok || !closed {
				t.Fatalf("%s: the marks of the part %q are gone", file, name)
			}
			if got != want && !*update {
				t.Errorf("%s: %q isn't what infra/bench/figures computes; if that is meant: go test ./infra/contract -update, and read the text beside it\n%s", file, name, want)
			}
			text = before + begin + want + "\n<!-- end of " + name + " -->" + after
		}
		if *update {
			if err := os.WriteFile(root+file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
