package contract

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// adapters are the packages that speak to AWS: what each does, and to what. That the lists are complete is tested on the
// code; everyone who adds a call adds it here, and the roles follow.
var adapters = map[string][]string{
	"shared/dynamo/policies":   {"dynamodb:GetItem GateTable"},
	"shared/dynamo/leases":     {"dynamodb:UpdateItem LeasesTable"},
	"shared/dynamo/quotas":     {"dynamodb:UpdateItem QuotasTable", "dynamodb:BatchGetItem QuotasTable"},
	"shared/dynamo/reports":    {"dynamodb:PutItem SlicesTable", "dynamodb:Scan SlicesTable"},
	"shared/dynamo/statements": {"dynamodb:GetItem StatementsTable", "dynamodb:Query StatementsTable", "dynamodb:PutItem StatementsTable"},
	"shared/dynamo/sessions": {
		"dynamodb:GetItem SessionsTable", "dynamodb:PutItem SessionsTable", "dynamodb:UpdateItem SessionsTable", "dynamodb:DeleteItem SessionsTable",
	},
	"shared/dynamo/counters": {"dynamodb:BatchGetItem CountersTable", "dynamodb:Query CountersTable", "dynamodb:PutItem CountersTable"},
	"shared/dynamo/control": {
		"dynamodb:GetItem ControlTable", "dynamodb:BatchGetItem ControlTable", "dynamodb:Query ControlTable", "dynamodb:Query ControlTable/index/lookup", "dynamodb:Query ControlTable/index/names",
		"dynamodb:PutItem ControlTable",
		"dynamodb:UpdateItem ControlTable", "dynamodb:DeleteItem ControlTable", "dynamodb:ConditionCheckItem ControlTable",
		"dynamodb:GetItem GateTable", "dynamodb:PutItem GateTable", "dynamodb:DeleteItem GateTable", "dynamodb:Scan GateTable", "dynamodb:Scan ControlTable",
	},
	"functions/events": {"events:PutEvents EventBus"},
	"functions/internal/sealing": {
		"secretsmanager:GetSecretValue KeyringSecret", "secretsmanager:PutSecretValue KeyringSecret", "secretsmanager:UpdateSecretVersionStage KeyringSecret",
	},
	"functions/rotator": {
		"secretsmanager:CreateSecret latchkey/STACK/*", "secretsmanager:RestoreSecret latchkey/STACK/*", "secretsmanager:DescribeSecret latchkey/STACK/*",
		"secretsmanager:GetSecretValue latchkey/STACK/*", "secretsmanager:PutSecretValue latchkey/STACK/*", "secretsmanager:UpdateSecretVersionStage latchkey/STACK/*",
		"secretsmanager:PutResourcePolicy latchkey/STACK/*", "secretsmanager:DeleteSecret latchkey/STACK/*",
	},
}

// does lists what an adapter calls, by the inputs and parts of transactions that it makes.
func does(t *testing.T, folder string) []string {
	t.Helper()
	services := map[string]string{"dynamodb": "dynamodb", "eventbridge": "events", "secretsmanager": "secretsmanager", "sm": "secretsmanager", "kms": "kms", "s3": "s3"}
	parts := map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem", "Get": "GetItem"}
	found := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			made, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			name, ok := made.Type.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, _ := name.X.(*ast.Ident)
			if pkg == nil {
				return true
			}
			call, isInput := strings.CutSuffix(name.Sel.Name, "Input")
			switch {
			case isInput && services[pkg.Name] != "" && call != "TransactWriteItems" && call != "TransactGetItems":
				found[services[pkg.Name]+":"+call] = true
			case pkg.Name == "types" && parts[name.Sel.Name] != "":
				found["dynamodb:"+parts[name.Sel.Name]] = true
			}
			return true
		})
	}
	return sorted(found)
}

func TestAdaptersDoWhatIsWrittenDown(t *testing.T) {
	seen := map[string]bool{}
	for _, folder := range deployed(t, render(t, "template.yaml")) {
		for pkg := range closure(t, folder) {
			if seen[pkg] {
				continue
			}
			seen[pkg] = true
			want := map[string]bool{}
			for _, a := range adapters[pkg] {
				action, _, _ := strings.Cut(a, " ")
				want[action] = true
			}
			if got := does(t, pkg); !slices.Equal(got, sorted(want)) {
				t.Errorf("%s calls %v, and %v is written down", pkg, got, sorted(want))
			}
		}
	}
	for pkg := range adapters {
		if !seen[pkg] {
			t.Errorf("no function has %s", pkg)
		}
	}
}

// notCalled are parts of adapters that a function has and doesn't call. The end-to-end tests hold the other side: they fail on a
// call that is denied, and on a permission that nothing uses; what they don't play, such as a purge, is held here alone.
var notCalled = map[string][]string{
	"EventsFunction":   {"shared/dynamo/"}, // it knows the form of audit rows and keys, and has no client
	"UsageFunction":    {"/index/names", "PutItem StatementsTable", "Scan ControlTable", "PutItem CountersTable", "UpdateItem", "DeleteItem", "ConditionCheckItem", "GateTable", "sealing"},
	"AccountsFunction": {"/index/names", "Scan GateTable", "sealing", "PutItem CountersTable", "Query CountersTable", "UpdateItem SessionsTable"}, // seals nothing, counts nothing, keeps no session
	"KeysFunction":     {"/index/lookup", "Scan", "PutItem CountersTable", "PutSecretValue", "UpdateSecretVersionStage"},
	"RotationFunction": {"/index/names", "BatchGetItem ControlTable", "/index/lookup", "GetItem GateTable", "Scan", "PutItem CountersTable", "Query CountersTable", "PutSecretValue", "UpdateSecretVersionStage"},
	"QpsFunction":      {"/index/names", "GetItem GateTable", "Scan", "PutItem CountersTable", "sealing"},
	"LeaksFunction":    {"BatchGetItem", "Query", "UpdateItem ControlTable", "DeleteItem", "Scan", "CountersTable", "sealing"},                                                                                         // writes exposures, and lists nothing
	"RotatorFunction":  {"/index/names", "BatchGetItem ControlTable", "Scan ControlTable"},                                                                                                                             // erases nobody
	"JobsFunction":     {"/index/names", "UpdateItem ControlTable", "DeleteItem", "ConditionCheckItem", "BatchGetItem ControlTable", "Scan ControlTable", "GateTable", "PutItem CountersTable", "PutItem SlicesTable"}, // reads, tells of the catalogue, writes statements
	"Authorizer":       {"Scan SlicesTable", "BatchGetItem QuotasTable"},                                                                                                                                               // shows nobody what is taken
	"CounterFunction":  {"shared/dynamo/reports", "BatchGetItem ControlTable", "Query ControlTable", "UpdateItem", "DeleteItem", "ConditionCheckItem", "Scan", "GateTable"},                                            // reads reports' form; tells of quotas
}

// byService are actions that the services of AWS take in a role's name, and what for.
var byService = map[string]string{
	"logs:CreateLogStream": "logs", "logs:PutLogEvents": "logs", "xray:PutTraceSegments": "traces", "xray:PutTelemetryRecords": "traces",
	"dynamodb:DescribeStream": "Lambda reads the stream", "dynamodb:GetRecords": "Lambda reads the stream",
	"dynamodb:GetShardIterator": "Lambda reads the stream", "dynamodb:ListStreams": "Lambda reads the stream",
	"s3:PutObject": "Lambda puts failed records", "s3:ListBucket": "Lambda puts failed records",
	"kms:GenerateDataKey": "Secrets Manager encrypts a delivered secret", "kms:Decrypt": "Secrets Manager decrypts a delivered secret",
	"secretsmanager:TagResource": "CreateSecret sets tags",
}

func target(resource string) string {
	switch {
	case strings.HasSuffix(resource, ":secret:latchkey/${AWS::StackName}/*"):
		return "latchkey/STACK/*"
	}
	if table, index, ok := strings.Cut(strings.TrimPrefix(resource, "${"), ".Arn}/index/"); ok {
		return table + "/index/" + index
	}
	return strings.TrimSuffix(strings.Trim(resource, "${}"), ".Arn")
}

func TestRolesAllowWhatTheCodeCallsAndNothingElse(t *testing.T) {
	d := render(t, "template.yaml")
	granted := map[string]map[string]bool{}
	for _, s := range statements(d) {
		if granted[s.where] == nil {
			granted[s.where] = map[string]bool{}
		}
		for _, a := range s.actions {
			for _, r := range s.resources {
				if byService[a] == "" {
					granted[s.where][a+" "+target(r)] = true
				}
			}
		}
	}
	for id, folder := range deployed(t, d) {
		role := strings.TrimSuffix(strings.Trim(fmt.Sprint(d.properties(t, id)["Role"]), "${}"), ".Arn")
		left := maps.Clone(granted[role])
		for pkg := range closure(t, folder) {
			for _, a := range adapters[pkg] {
				if slices.ContainsFunc(notCalled[id], func(part string) bool { return strings.Contains(pkg+" "+a, part) }) {
					continue
				}
				if !granted[role][a] {
					t.Errorf("%s calls %s, which %s doesn't allow", id, a, role)
				}
				delete(left, a)
			}
		}
		for _, a := range sorted(left) {
			t.Errorf("%s allows %s, which nothing in %s calls", role, a, id)
		}
	}
}

// TestWhoMayUseATableKnowsItsName, and who knows its name may use it. The adapters read the names of all tables and need
// none of them: a function without one would start, and fail at its calls.
func TestWhoMayUseATableKnowsItsName(t *testing.T) {
	d := render(t, "template.yaml")
	may := map[string]map[string]bool{} // by function: tables
	for id := range deployed(t, d) {
		may[id] = map[string]bool{}
		role := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(d.properties(t, id)["Role"]), "${"), ".Arn}")
		for _, s := range statements(d) {
			if s.where != role || s.effect != "Allow" {
				continue
			}
			for _, r := range s.resources {
				if table, ok := strings.CutSuffix(strings.TrimPrefix(r, "${"), ".Arn}"); ok && strings.HasSuffix(table, "Table") {
					may[id][table] = true
				}
			}
		}
		variables, _ := at(d.properties(t, id), "Environment", "Variables").(object)
		knows := map[string]bool{}
		for name, value := range variables {
			if strings.HasSuffix(name, "_TABLE") {
				knows[strings.Trim(fmt.Sprint(value), "${}")] = true
			}
		}
		if !maps.Equal(may[id], knows) {
			t.Errorf("%s may use %v, and is given the names of %v", id, sorted(may[id]), sorted(knows))
		}
	}
	if !may["Authorizer"]["LeasesTable"] || len(may["DemoFunction"]) > 0 {
		t.Errorf("the gate may use %v, the demo %v", may["Authorizer"], may["DemoFunction"])
	}
}
