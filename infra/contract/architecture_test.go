package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const architecture = "docs/architecture.md"

// stack is the template with its alarms, and what is derived from both.
type stack struct {
	document
	routes  []route
	allowed []statement
	alarms  map[string]object
	watched map[string][]string // alarms by what they look at: a function, an API, a table, a bucket
	folders map[string]string   // of the functions
}

func readStack(t *testing.T) stack {
	t.Helper()
	d := render(t, "template.yaml")
	s := stack{
		document: d, routes: routes(d), allowed: statements(d), folders: deployed(t, d),
		alarms: render(t, "infra/alarms.yaml").ofType("AWS::CloudWatch::Alarm"), watched: map[string][]string{},
	}
	given, _ := d.properties(t, "Alarms")["Parameters"].(object)
	for _, id := range sorted(s.alarms) {
		for _, what := range s.subjects(t, given, s.alarms[id]) {
			if !slices.Contains(s.watched[what], id) {
				s.watched[what] = append(s.watched[what], id)
			}
		}
	}
	return s
}

var reference = regexp.MustCompile(`^\$\{(\w+)\}$`)

// subjects are the logical IDs that an alarm looks at: what its dimensions name, and the function that writes a metric of
// our own.
func (s stack) subjects(t *testing.T, given object, alarm object) (ids []string) {
	t.Helper()
	eachText(alarm, func(member, text string) {
		if m := reference.FindStringSubmatch(text); m != nil && member == "Value" {
			ids = append(ids, s.named(t, fmt.Sprint(given[m[1]])))
		}
	})
	if len(ids) > 0 {
		return ids
	}
	eachText(alarm, func(member, text string) {
		if member != "MetricName" {
			return
		}
		for id, folder := range s.folders {
			if writesMetric(t, folder, text) {
				ids = append(ids, id)
			}
		}
	})
	if len(ids) == 0 {
		t.Errorf("nothing writes the metric of an alarm: %v", alarm["AlarmDescription"])
	}
	return ids
}

// named is the logical ID behind what the template hands to its alarms: a reference, or the name of an API.
func (s stack) named(t *testing.T, text string) string {
	t.Helper()
	if m := reference.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	for id, p := range s.ofType("AWS::Serverless::Api") {
		if at(p, "DefinitionBody", "info", "title") == text {
			return id
		}
	}
	t.Errorf("an alarm is given %q, which is nothing of the template", text)
	return ""
}

func writesMetric(t *testing.T, folder, metric string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file, "_test.go") && strings.Contains(string(raw), `"`+metric+`"`) {
			return true
		}
	}
	return false
}

// eachText walks a rendered value and calls do with each text and the member that it is the value of.
func eachText(v any, do func(member, text string)) {
	switch x := v.(type) {
	case object:
		for _, member := range sorted(x) {
			if text, ok := x[member].(string); ok {
				do(member, text)
			} else {
				eachText(x[member], do)
			}
		}
	case list:
		for _, e := range x {
			eachText(e, do)
		}
	}
}

// callers say what calls a function.
func (s stack) callers(id string) (by []string) {
	served := map[string]int{}
	for _, r := range s.routes {
		if r.function() == id {
			served[r.api]++
		}
	}
	for _, api := range sorted(s.ofType("AWS::Serverless::Api")) {
		authorizers, _ := at(s.Resources, api, "Properties", "Auth", "Authorizers").(object)
		for _, a := range authorizers {
			if arn, _ := at(a, "FunctionArn").(string); strings.HasPrefix(arn, "${"+id+".") {
				by = append(by, "each call to `"+api+"`")
			}
		}
		if n := served[api]; n > 0 {
			by = append(by, fmt.Sprintf("`%s`, %d routes", api, n))
		}
	}
	events, _ := at(s.Resources, id, "Properties", "Events").(object)
	for _, name := range sorted(events) {
		e := at(events[name], "Properties")
		if at(events[name], "Type") == "DynamoDB" {
			by = append(by, "stream of "+table(fmt.Sprint(at(e, "Stream"))))
			continue
		}
		var input struct{ Job string }
		_ = json.Unmarshal([]byte(fmt.Sprint(at(e, "Input"))), &input)
		by = append(by, fmt.Sprintf("`%v`: %s", at(e, "ScheduleExpression"), input.Job))
	}
	for _, p := range s.ofType("AWS::Lambda::Permission") {
		service, _ := strings.CutSuffix(fmt.Sprint(p["Principal"]), ".amazonaws.com")
		if p["FunctionName"] == "${"+id+"}" && service != "apigateway" {
			by = append(by, "`"+service+"`")
		}
	}
	return by
}

// table is a table's name as the pages write it, "" for what is no table.
func table(resource string) string {
	m := regexp.MustCompile(`^\$\{(\w+)Table\.(Arn|StreamArn)\}`).FindStringSubmatch(resource)
	if m == nil {
		return ""
	}
	return "`" + strings.ToLower(m[1]) + "`"
}

// touches lists what the role of a function lets it read and write: tables, and in others everything else but logs and traces.
func (s stack) touches(id string) (reads, writes, others []string) {
	add := func(list *[]string, name string) {
		if !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	role := strings.TrimSuffix(strings.Trim(fmt.Sprint(at(s.Resources, id, "Properties", "Role")), "${}"), ".Arn")
	for _, st := range s.allowed {
		for _, a := range st.actions {
			for _, r := range st.resources {
				service, action, _ := strings.Cut(a, ":")
				switch name := table(r); {
				case st.where != role || service == "logs" || service == "xray" || strings.Contains(action, "Stream") || action == "GetShardIterator" || action == "GetRecords":
				case name == "":
					add(&others, "`"+other(r)+"`")
				case action == "GetItem" || action == "BatchGetItem" || action == "Query" || action == "Scan":
					add(&reads, name)
				case action != "ConditionCheckItem":
					add(&writes, name)
				}
			}
		}
	}
	slices.Sort(reads)
	slices.Sort(writes)
	slices.Sort(others)
	return reads, writes, others
}

// other is the short name of what isn't a table: its logical ID, or the name that secrets have.
func other(resource string) string {
	if _, name, ok := strings.Cut(resource, ":secret:"); ok {
		return name
	}
	return regexp.MustCompile(`^\$\{(\w+).*$`).ReplaceAllString(resource, "$1")
}

// links are the alarms on a function, an API, a table or a bucket, each as a link to its playbook.
func (s stack) links(subjects ...string) string {
	var out []string
	for _, what := range subjects {
		for _, id := range s.watched[what] {
			description, _ := s.alarms[id]["AlarmDescription"].(string)
			page := strings.TrimPrefix(description[strings.LastIndex(description, " ")+1:], "docs/")
			if link := "[" + id + "](" + page + ")"; !slices.Contains(out, link) {
				out = append(out, link)
			}
		}
	}
	return orNone(out)
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "–"
	}
	return strings.Join(names, ", ")
}

func (s stack) functionTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| function | folder | called by | may read | may write | may use besides | alarms, with their playbooks |\n|---|---|---|---|---|---|---|\n")
	for _, id := range slices.SortedFunc(maps.Keys(s.folders), func(a, b string) int { return strings.Compare(s.folders[a], s.folders[b]) }) {
		subjects := []string{id}
		for _, r := range s.routes {
			if r.function() == id {
				subjects = append(subjects, r.api)
			}
		}
		eachText(at(s.Resources, id, "Properties", "Events"), func(member, text string) {
			if m := regexp.MustCompile(`^\$\{(\w+)\.Arn\}$`).FindStringSubmatch(text); m != nil && member == "Destination" {
				subjects = append(subjects, m[1])
			}
		})
		by := s.callers(id)
		if len(by) == 0 {
			t.Errorf("nothing calls %s", id)
		}
		if s.links(subjects...) == orNone(nil) {
			t.Errorf("no alarm watches %s", id)
		}
		reads, writes, others := s.touches(id)
		fmt.Fprintf(&b, "| `%s` | `%s/` | %s | %s | %s | %s | %s |\n",
			id, s.folders[id], orNone(by), orNone(reads), orNone(writes), orNone(others), s.links(subjects...))
	}
	return b.String()
}

func (s stack) tableTable() string {
	var b strings.Builder
	b.WriteString("| table | may be read by | may be written by | its stream calls | alarms, with their playbooks |\n|---|---|---|---|---|\n")
	for _, id := range sorted(s.ofType("AWS::DynamoDB::Table")) {
		name := table("${" + id + ".Arn}")
		var readers, writers, called []string
		for _, function := range sorted(s.folders) {
			reads, writes, _ := s.touches(function)
			who := "`" + s.folders[function][strings.LastIndex(s.folders[function], "/")+1:] + "`"
			if slices.Contains(reads, name) {
				readers = append(readers, who)
			}
			if slices.Contains(writes, name) {
				writers = append(writers, who)
			}
			if slices.Contains(s.callers(function), "stream of "+name) {
				called = append(called, who)
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", name, orNone(readers), orNone(writers), orNone(called), s.links(id))
	}
	return b.String()
}

// The tables of functions and of tables are made from the template: nobody has to remember them when a role changes.
func TestTheArchitectureSaysWhatTheTemplateSays(t *testing.T) {
	s := readStack(t)
	raw, err := os.ReadFile(root + architecture)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for name, want := range map[string]string{"functions": s.functionTable(t), "tables": s.tableTable()} {
		begin := "<!-- " + name + ": written by go test ./infra/contract -update -->\n\n"
		before, rest, ok := strings.Cut(text, begin)
		got, after, closed := strings.Cut(rest, "\n<!-- end of "+name+" -->")
		if !ok || !closed {
			t.Fatalf("%s: the marks of the part %q are gone", architecture, name)
		}
		if got != want && !*update {
			t.Errorf("%s: %q isn't what the template says; if that is meant: go test ./infra/contract -update\n%s", architecture, name, want)
		}
		text = before + begin + want + "\n<!-- end of " + name + " -->" + after
	}
	if *update {
		if err := os.WriteFile(root+architecture, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for id := range s.alarms {
		if !strings.Contains(text, "["+id+"](playbooks/") {
			t.Errorf("%s is no function's and no table's alarm", id)
		}
	}
}
