package contract

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// statement is one statement of one policy, with its place.
type statement struct {
	where              string
	effect             string
	actions, resources []string
	principal          any
	condition          any
}

func statements(d document) []statement {
	var out []statement
	add := func(where string, policy any) {
		list, _ := at(policy, "Statement").(list)
		for _, s := range list {
			out = append(out, statement{
				where, fmt.Sprint(at(s, "Effect")), texts(at(s, "Action")), texts(at(s, "Resource")), at(s, "Principal"), at(s, "Condition"),
			})
		}
	}
	for id, p := range d.ofType("AWS::IAM::Role") {
		policies, _ := p["Policies"].(list)
		for _, policy := range policies {
			add(id, at(policy, "PolicyDocument"))
		}
		add(id+" (trust)", p["AssumeRolePolicyDocument"])
	}
	for id, p := range d.ofType("AWS::S3::BucketPolicy") {
		add(id, p["PolicyDocument"])
	}
	for id, p := range d.ofType("AWS::KMS::Key") {
		add(id, p["KeyPolicy"])
	}
	slices.SortFunc(out, func(a, b statement) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return out
}

// wildcards are the only places that the template may leave open, each with its reason.
var wildcards = map[string]string{
	"xray:PutTraceSegments on *":         "X-Ray knows no resources",
	"xray:PutTelemetryRecords on *":      "X-Ray knows no resources",
	"DeliveryKey kms:* on *":             "the account's own administration; in a key policy * is this key",
	"DeliveryKey kms:Decrypt on *":       "in a key policy * is this key; bound to Secrets Manager and to delivered secrets by its conditions",
	"FailedRecordsPolicy Deny s3:*":      "refuses everything without TLS",
	"RotatorRole latchkey secrets":       "delivered secrets are made as they are needed, under one name",
	"CounterRole and EventsRole streams": "a stream's label is not known before the table exists; bound to one table",
}

func TestNothingIsAllowedOnEverything(t *testing.T) {
	d := render(t, "template.yaml", "UpstreamUrl", "https://example.com", "AccessLogs", "on")
	used := map[string]bool{}
	excuse := func(name string) bool {
		used[name] = true
		return wildcards[name] != ""
	}
	for _, s := range statements(d) {
		if s.effect == "Deny" && s.where == "FailedRecordsPolicy" && excuse("FailedRecordsPolicy Deny s3:*") {
			continue
		}
		for _, a := range s.actions {
			for _, r := range s.resources {
				open := strings.HasSuffix(a, "*") || strings.Contains(r, "*")
				switch {
				case !open:
				case r == "*" && strings.HasPrefix(a, "xray:") && excuse(a+" on *"):
				case s.where == "DeliveryKey" && excuse("DeliveryKey "+a+" on "+r):
				case s.where == "RotatorRole" && strings.HasPrefix(a, "secretsmanager:") && strings.HasSuffix(r, ":secret:latchkey/${AWS::StackName}/*") && excuse("RotatorRole latchkey secrets"):
				case a == "dynamodb:ListStreams" && strings.HasSuffix(r, "Table.Arn}/stream/*") && excuse("CounterRole and EventsRole streams"):
				case a == "s3:PutObject" && r == "${FailedRecords.Arn}/*": // objects of one bucket
				default:
					t.Errorf("%s: %s on %s", s.where, a, r)
				}
			}
		}
	}
	for name := range wildcards {
		if !used[name] {
			t.Errorf("nothing needs the exception %q any more", name)
		}
	}
	for id, p := range d.ofType("AWS::IAM::Role") {
		if p["ManagedPolicyArns"] != nil {
			t.Errorf("%s: managed policies are broader than any of these functions", id)
		}
	}
}

func TestEveryFunctionHasARoleOfItsOwn(t *testing.T) {
	d := render(t, "template.yaml")
	owner := map[any]string{}
	for id, p := range d.ofType("AWS::Serverless::Function") {
		role := p["Role"]
		if role == nil || owner[role] != "" {
			t.Errorf("%s has the role %v of %q", id, role, owner[role])
		}
		owner[role] = id
		if p["Policies"] != nil {
			t.Errorf("%s: Policies beside an explicit role are silently ignored", id)
		}
	}
}

// The gate reads one table and reports to two; the console has its sessions and nothing else.
func TestWhatTheGateAndTheConsoleMayTouch(t *testing.T) {
	want := map[string][]string{
		"AuthorizerRole": {
			"dynamodb:GetItem ${GateTable.Arn}", "dynamodb:UpdateItem ${LeasesTable.Arn}",
			"dynamodb:UpdateItem ${QuotasTable.Arn}",
			"dynamodb:PutItem ${SlicesTable.Arn}",
		},
		"ConsoleRole": {
			"dynamodb:GetItem ${SessionsTable.Arn}", "dynamodb:PutItem ${SessionsTable.Arn}",
			"dynamodb:UpdateItem ${SessionsTable.Arn}", "dynamodb:DeleteItem ${SessionsTable.Arn}",
		},
		"DemoRole": nil, "TokensRole": nil,
	}
	got := map[string][]string{}
	for _, s := range statements(render(t, "template.yaml")) {
		for _, a := range s.actions {
			if !strings.HasPrefix(a, "logs:") && !strings.HasPrefix(a, "xray:") {
				for _, r := range s.resources {
					got[s.where] = append(got[s.where], a+" "+r)
				}
			}
		}
	}
	for role, lines := range want {
		slices.Sort(lines)
		slices.Sort(got[role])
		if !slices.Equal(got[role], lines) {
			t.Errorf("%s may %v", role, got[role])
		}
	}
}

func TestOnlyTheServiceThatNeedsARoleMayTakeIt(t *testing.T) {
	for _, s := range statements(render(t, "template.yaml", "AccessLogs", "on")) {
		role, ok := strings.CutSuffix(s.where, " (trust)")
		if !ok {
			continue
		}
		want := "lambda.amazonaws.com"
		if role == "SchedulerRole" {
			want = "scheduler.amazonaws.com"
		}
		if at(s.principal, "Service") != want {
			t.Errorf("%s trusts %v", role, s.principal)
		}
	}
	// Functions are invoked by one API each, never by any API of anybody; the rotator by the secrets that it delivers, and what adds
	// to tokens by the stack's own user pool.
	for id, p := range render(t, "template.yaml").ofType("AWS::Lambda::Permission") {
		source, _ := p["SourceArn"].(string)
		if id == "RotatorPermission" && p["Principal"] == "secretsmanager.amazonaws.com" && p["SourceAccount"] == "${AWS::AccountId}" &&
			strings.HasSuffix(source, ":${AWS::AccountId}:secret:latchkey/${AWS::StackName}/*") {
			continue
		}
		if id == "TokensPermission" && p["Principal"] == "cognito-idp.amazonaws.com" && p["SourceAccount"] == "${AWS::AccountId}" && source == "${UserPool.Arn}" {
			continue
		}
		if p["Principal"] != "apigateway.amazonaws.com" || !strings.Contains(source, ":${AWS::AccountId}:${") {
			t.Errorf("%s: %v from %v", id, p["Principal"], p["SourceArn"])
		}
	}
}

func TestEveryRouteMayInvokeItsFunction(t *testing.T) {
	d := render(t, "template.yaml")
	allowed := map[string]bool{}
	for _, p := range d.ofType("AWS::Lambda::Permission") {
		allowed[strings.Trim(fmt.Sprint(p["FunctionName"]), "${}")+" "+fmt.Sprint(p["SourceArn"])] = true
	}
	for _, r := range routes(d) {
		if r.function() == "" {
			continue
		}
		source := "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${" + r.api + "}/*/*"
		if !allowed[r.function()+" "+source] {
			t.Errorf("%s %s may not invoke %s", r.method, r.path, r.function())
		}
	}
}
