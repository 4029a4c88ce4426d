package contract

import (
	"fmt"
	"os"
	"regexp"
	"slices"
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

// No table that a call or its count asks something of is left out: the gate's, and those that the counter reads.
func TestTheLoadHasEveryTableOnTheWayOfACall(t *testing.T) {
	rows := strings.Join(figures.Rows(), "\n")
	s := readStack(t)
	reads, writes, _ := s.touches("Authorizer")
	counted, _, _ := s.touches("CounterFunction")
	for unit, tables := range map[string][]string{"read": append(reads, counted...), "write": writes} {
		if len(tables) < 3 {
			t.Errorf("%s: %v", unit, tables)
		}
		for _, name := range tables {
			if !regexp.MustCompile(`(?m)^` + name + `.*: ` + unit + ` units$`).MatchString(rows) {
				t.Errorf("infra/bench/figures: no row for the %s units of %s", unit, name)
			}
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

// recorded are the runs of docs/measurements/gate.md: by day the processor time of a call by contestant, in microseconds. The tables have a
// column for it, and stand behind the day.
func recorded(t *testing.T) map[string]map[string]float64 {
	t.Helper()
	raw, err := os.ReadFile(root + "docs/measurements/gate.md")
	if err != nil {
		t.Fatal(err)
	}
	runs, day, column := map[string]map[string]float64{}, "", -1
	date := regexp.MustCompile(`^(?:#+ )?(\d{4}-\d\d-\d\d)`)
	for line := range strings.Lines(string(raw)) {
		cells := strings.Split(line, " | ")
		if m := date.FindStringSubmatch(line); m != nil {
			day = m[1]
		}
		if !strings.HasPrefix(line, "|") {
			column = -1
			continue
		}
		if column < 0 {
			column = slices.Index(cells, "CPU of a call")
			continue
		}
		var micros float64
		if column >= len(cells) {
			continue
		} else if _, err := fmt.Sscanf(cells[column], "%g µs", &micros); err != nil {
			continue
		}
		if runs[day] == nil {
			runs[day] = map[string]float64{}
		}
		runs[day][strings.Trim(cells[0], "| *")] = micros
	}
	return runs
}

// "At most" is of the slowest run, and the empty handler's and the gate's time are of the same one.
func TestTheCostIsThatOfTheSlowestRecordedRun(t *testing.T) {
	runs := recorded(t)
	if len(runs) < 3 {
		t.Fatalf("runs: %v", runs)
	}
	for day, of := range runs {
		if of["Latchkey"] > figures.Slowest.Gate || of["the gate with all limits"] > figures.Slowest.Limits {
			t.Errorf("%s: %v; infra/bench/figures computes with %+v", day, of, figures.Slowest)
		}
	}
	of := runs[figures.Slowest.Day]
	if is := (figures.Run{Day: figures.Slowest.Day, Gate: of["Latchkey"], Limits: of["the gate with all limits"], Empty: of["empty Go handler"]}); is != figures.Slowest {
		t.Errorf("recorded is %+v, infra/bench/figures has %+v", is, figures.Slowest)
	}
}

// The tables of these documents are computed: no number in them outlives what it was computed from.
func TestTheDocumentsHaveTheComputedFigures(t *testing.T) {
	sizes, err := figures.Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for file, tables := range map[string]map[string]string{
		"docs/performance.md": {"cost": figures.CostTable(), "bill": figures.BillTable(sizes)},
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
