package contract

import (
	"fmt"
	"strings"
	"testing"
)

// surface writes down, a line each, what the stack offers and what its parts may do, so that a change of either is
// seen by every reader of the change.
func surface(d document) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }

	line("# routes")
	for _, r := range routes(d) {
		guard, target := "token", r.function()
		switch {
		case r.method == "options":
			guard, target = "open", "mock"
		case r.api == "ProductsApi":
			guard = "gate"
		case r.api == "ConsoleApi":
			guard = "session"
		case r.path == "/openapi.yaml":
			guard = "open"
		}
		line("%s %s %s -> %s (%s)", r.api, strings.TrimPrefix(r.method, "x-amazon-apigateway-"), r.path, target, guard)
	}
	line("\n# functions")
	functions := d.ofType("AWS::Serverless::Function")
	for _, id := range sorted(functions) {
		p := functions[id]
		line("%s: %v MB, %v s", id, p["MemorySize"], p["Timeout"])
		variables, _ := at(p, "Environment", "Variables").(object)
		for _, name := range sorted(variables) {
			line("  %s=%v", name, variables[name])
		}
		events, _ := p["Events"].(object)
		for _, name := range sorted(events) {
			e := at(events[name], "Properties")
			switch at(events[name], "Type") {
			case "DynamoDB":
				line("  stream %v, up to %v in %v s, %v at once, %v", at(e, "Stream"), at(e, "BatchSize"), at(e, "MaximumBatchingWindowInSeconds"), at(e, "ParallelizationFactor"), at(e, "FilterCriteria", "Filters", "0", "Pattern"))
			default:
				line("  schedule %v %v", at(e, "ScheduleExpression"), at(e, "Input"))
			}
		}
	}
	line("\n# permissions")
	for _, s := range statements(d) {
		for _, r := range s.resources {
			condition := ""
			if s.condition != nil {
				condition = " if " + fmt.Sprint(s.condition)
			}
			line("%s: %s %s on %s%s", s.where, s.effect, strings.Join(s.actions, " "), r, condition)
		}
	}
	line("\n# resources")
	for _, id := range sorted(d.Resources) {
		kept := ""
		if stays(at(d.Resources[id], "DeletionPolicy")) {
			kept = ", kept when the stack goes"
		}
		line("%s: %v%s", id, at(d.Resources[id], "Type"), kept)
	}
	return b.String()
}

func TestTheSurfaceIsAsWrittenDown(t *testing.T) {
	compareWithFile(t, "testdata/surface.txt", surface(render(t, "template.yaml")))
}

// without returns the lines of a that b doesn't have.
func without(a, b []string) []string {
	have := map[string]bool{}
	for _, l := range b {
		have[l] = true
	}
	var out []string
	for _, l := range a {
		if !have[l] {
			out = append(out, l)
		}
	}
	return out
}
