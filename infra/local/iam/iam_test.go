package iam

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"latchkey/infra/local/template"
)

func TestPatternsMatchAsIAMWritesThem(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true},
		{"*", "anything/at:all", true},
		{"a", "a", true},
		{"a", "A", false},
		{"a", "ab", false},
		{"ab", "a", false},
		{"a*", "a", true},
		{"a*c", "abbc", true},
		{"a*c", "abcb", false},
		{"a*b*c", "a-b-b-c", true},
		{"secret:latchkey/x/*", "secret:latchkey/x/acc/key-AbCdEf", true},
		{"secret:latchkey/x/*", "secret:latchkey/xy/acc", false},
		{"s-??????", "s-AbCdEf", true},
		{"s-??????", "s-AbCdE", false},
		{"[a]", "a", false}, // brackets and backslashes have no meaning
		{`\*`, `\x`, true},
		{"", "", true},
		{"", "a", false},
	} {
		if Like(c.pattern, c.text) != c.want {
			t.Errorf("%q and %q: not %v", c.pattern, c.text, c.want)
		}
	}
}

const tables = "arn:aws:dynamodb:us-east-1:000000000000:table/"

// role is a template with one function and its role's statements.
func role(statements string) string {
	return `
Resources:
  F: { Type: AWS::Serverless::Function, Properties: { Role: !GetAtt R.Arn } }
  Bare: { Type: AWS::Serverless::Function, Properties: { Handler: bootstrap } }
  Tee: { Type: AWS::DynamoDB::Table }
  Ring: { Type: AWS::SecretsManager::Secret }
  R:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: work
          PolicyDocument:
            Statement:
` + "              " + strings.ReplaceAll(strings.TrimSpace(statements), "\n", "\n              ") + "\n"
}

func read1(t *testing.T, statements string) (map[string]*Role, error) {
	t.Helper()
	tpl, err := template.Parse([]byte(role(statements)), ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	return Roles(tpl)
}

func keys(list ...string) func() []string { return func() []string { return list } }

// What IAM documents: nothing is allowed by itself, a Deny wins in whatever order, each statement has its own conditions.
func TestARoleAllowsWhatItsStatementsSay(t *testing.T) {
	const tee = tables + "Tee"
	for name, c := range map[string]struct {
		statements string
		call       Call
		want       bool
	}{
		"allowed":            {`- { Effect: Allow, Action: dynamodb:GetItem, Resource: !GetAtt Tee.Arn }`, Call{"dynamodb:GetItem", tee, nil}, true},
		"a list":             {`- { Effect: Allow, Action: [dynamodb:Query, dynamodb:GetItem], Resource: [!GetAtt Tee.Arn] }`, Call{"dynamodb:GetItem", tee, nil}, true},
		"another action":     {`- { Effect: Allow, Action: dynamodb:GetItem, Resource: !GetAtt Tee.Arn }`, Call{"dynamodb:PutItem", tee, nil}, false},
		"another table":      {`- { Effect: Allow, Action: dynamodb:GetItem, Resource: !GetAtt Tee.Arn }`, Call{"dynamodb:GetItem", tables + "Teeth", nil}, false},
		"an action's case":   {`- { Effect: Allow, Action: DynamoDB:getitem, Resource: !GetAtt Tee.Arn }`, Call{"dynamodb:GetItem", tee, nil}, true},
		"an ARN's case":      {`- { Effect: Allow, Action: dynamodb:GetItem, Resource: !GetAtt Tee.Arn }`, Call{"dynamodb:GetItem", tables + "tee", nil}, false},
		"every Get":          {`- { Effect: Allow, Action: "dynamodb:*Get*", Resource: "*" }`, Call{"dynamodb:BatchGetItem", tee, nil}, true},
		"a table, not index": {`- { Effect: Allow, Action: dynamodb:Query, Resource: !GetAtt Tee.Arn }`, Call{"dynamodb:Query", tee + "/index/lookup", nil}, false},
		"an index":           {`- { Effect: Allow, Action: dynamodb:Query, Resource: !Sub "${Tee.Arn}/index/*" }`, Call{"dynamodb:Query", tee + "/index/lookup", nil}, true},
		"index, not table":   {`- { Effect: Allow, Action: dynamodb:Query, Resource: !Sub "${Tee.Arn}/index/*" }`, Call{"dynamodb:Query", tee, nil}, false},
		"no resource":        {`- { Effect: Allow, Action: dynamodb:ListTables, Resource: !GetAtt Tee.Arn }`, Call{"dynamodb:ListTables", "*", nil}, false},
		"denied after": {`
- { Effect: Allow, Action: "dynamodb:*", Resource: "*" }
- { Effect: Deny, Action: dynamodb:DeleteItem, Resource: "*" }`, Call{"dynamodb:DeleteItem", tee, nil}, false},
		"denied before": {`
- { Effect: Deny, Action: dynamodb:DeleteItem, Resource: "*" }
- { Effect: Allow, Action: "dynamodb:*", Resource: "*" }`, Call{"dynamodb:DeleteItem", tee, nil}, false},
		"a Deny of another": {`
- { Effect: Deny, Action: dynamodb:DeleteItem, Resource: "*" }
- { Effect: Allow, Action: "dynamodb:*", Resource: "*" }`, Call{"dynamodb:PutItem", tee, nil}, true},
		"a secret by its Ref":  {`- { Effect: Allow, Action: secretsmanager:GetSecretValue, Resource: !Ref Ring }`, Call{"secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:000000000000:secret:Ring-AbCdEf", nil}, true},
		"a secret beside it":   {`- { Effect: Allow, Action: secretsmanager:GetSecretValue, Resource: !Ref Ring }`, Call{"secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:000000000000:secret:Ring-other-AbCdEf", nil}, false},
		"all keys like it":     {people, Call{"dynamodb:GetItem", tee, keys("person#1", "person#2")}, true},
		"one key isn't":        {people, Call{"dynamodb:GetItem", tee, keys("person#1", "session#2")}, false},
		"no key at all":        {people, Call{"dynamodb:GetItem", tee, nil}, true}, // as AWS means ForAllValues: a Scan passes
		"any key like it":      {strings.Replace(people, "ForAllValues", "ForAnyValue", 1), Call{"dynamodb:GetItem", tee, keys("a", "person#2")}, true},
		"none of no keys":      {strings.Replace(people, "ForAllValues", "ForAnyValue", 1), Call{"dynamodb:GetItem", tee, nil}, false},
		"equal is not like":    {strings.Replace(people, "StringLike", "StringEquals", 1), Call{"dynamodb:GetItem", tee, keys("person#1")}, false},
		"equal":                {strings.NewReplacer("StringLike", "StringEquals", "person#*", "person#1").Replace(people), Call{"dynamodb:GetItem", tee, keys("person#1")}, true},
		"another than equal":   {strings.NewReplacer("StringLike", "StringEquals", "person#*", "person#1").Replace(people), Call{"dynamodb:GetItem", tee, keys("person#2")}, false},
		"with a name":          {`- { Sid: Work, Effect: Allow, Action: dynamodb:GetItem, Resource: !GetAtt Tee.Arn }`, Call{"dynamodb:GetItem", tee, nil}, true},
		"of two statements":    {"- { Effect: Allow, Action: dynamodb:GetItem, Resource: !Sub \"${Tee.Arn}/index/*\" }\n- { Effect: Allow, Action: dynamodb:PutItem, Resource: !GetAtt Tee.Arn }", Call{"dynamodb:GetItem", tee, nil}, false},
		"one value, one key":   {strings.Replace(people, "ForAllValues:", "", 1), Call{"dynamodb:GetItem", tee, keys("person#1")}, true},
		"one value, no key":    {strings.Replace(people, "ForAllValues:", "", 1), Call{"dynamodb:GetItem", tee, nil}, false},
		"others' conditions":   {people + "\n- { Effect: Allow, Action: dynamodb:PutItem, Resource: '*' }", Call{"dynamodb:PutItem", tee, keys("a")}, true},
		"beside what's unread": {`- { Effect: Allow, Action: "kms:*", Resource: "*", Condition: { StringEquals: { "kms:ViaService": x } } }`, Call{"dynamodb:PutItem", tee, nil}, false},
	} {
		t.Run(name, func(t *testing.T) {
			roles, err := read1(t, c.statements)
			if err != nil {
				t.Fatal(err)
			}
			g := NewGuard(roles, nil)
			if denied := g.Check("F", c.call); (denied == nil) != c.want {
				t.Errorf("%v", denied)
			}
			if g.Check("Bare", c.call) == nil {
				t.Error("a function without a role may")
			}
			if denied := g.Check("local", c.call); denied != nil {
				t.Errorf("the administration: %v", denied)
			}
		})
	}
}

const people = `- { Effect: Allow, Action: dynamodb:GetItem, Resource: !GetAtt Tee.Arn, Condition: { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["person#*"] } } }`

// A permission that isn't understood would be one that nobody has tested.
func TestWhatIsNotPlayedIsAnError(t *testing.T) {
	for name, text := range map[string]string{
		"no effect":         role(`- { Action: dynamodb:GetItem, Resource: "*" }`),
		"effect's case":     role(`- { Effect: allow, Action: dynamodb:GetItem, Resource: "*" }`),
		"no action":         role(`- { Effect: Allow, Resource: "*" }`),
		"NotAction":         role(`- { Effect: Allow, NotAction: dynamodb:GetItem, Resource: "*" }`),
		"NotResource":       role(`- { Effect: Allow, Action: dynamodb:GetItem, NotResource: "*" }`),
		"a name":            role(`- { Effect: Allow, Action: dynamodb:GetItem, Resource: !Ref Tee }`),
		"operator":          role(`- { Effect: Allow, Action: dynamodb:GetItem, Resource: "*", Condition: { StringNotLike: { "dynamodb:LeadingKeys": a } } }`),
		"condition key":     role(`- { Effect: Allow, Action: dynamodb:GetItem, Resource: "*", Condition: { StringLike: { "dynamodb:Attributes": a } } }`),
		"no resource":       role(`- { Effect: Allow, Action: dynamodb:GetItem }`),
		"another member":    role(`- { Effect: Allow, Action: dynamodb:GetItem, Resource: "*", Principal: "*" }`),
		"a boundary":        strings.Replace(role(`- { Effect: Allow, Action: dynamodb:GetItem, Resource: "*" }`), "Policies:", "PermissionsBoundary: x\n      Policies:", 1),
		"managed outside":   role(`- { Effect: Allow, Action: dynamodb:GetItem, Resource: "*" }`) + "  P: { Type: AWS::IAM::ManagedPolicy }\n",
		"of a role outside": role(`- { Effect: Allow, Action: dynamodb:GetItem, Resource: "*" }`) + "  P: { Type: AWS::IAM::RolePolicy }\n",
		"managed policies":  strings.Replace(role(`- { Effect: Allow, Action: dynamodb:GetItem, Resource: "*" }`), "Policies:", "ManagedPolicyArns: [x]\n      Policies:", 1),
		"SAM's policies":    strings.Replace(role(`- { Effect: Allow, Action: dynamodb:GetItem, Resource: "*" }`), "Handler: bootstrap", "Policies: [AWSLambdaExecute]", 1),
		"a role of others":  strings.Replace(role(`- { Effect: Allow, Action: dynamodb:GetItem, Resource: "*" }`), "Handler: bootstrap", `Role: "arn:aws:iam::1:role/x"`, 1),
		"policies outside":  role(`- { Effect: Allow, Action: dynamodb:GetItem, Resource: "*" }`) + "  P: { Type: AWS::IAM::Policy }\n",
		"no statement list": strings.Replace(role(`- { Effect: Allow, Action: dynamodb:GetItem, Resource: "*" }`), "Statement:", "Statements:", 1),
	} {
		tpl, err := template.Parse([]byte(text), ".", nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if roles, err := Roles(tpl); err == nil {
			t.Errorf("%s: %v", name, roles["F"])
		}
	}
}

// A request is denied as a whole, in AWS's words, and what it would have used isn't noted as used.
func TestADenialSaysWhoMayNotDoWhat(t *testing.T) {
	roles, err := read1(t, `
- { Effect: Allow, Action: ["dynamodb:Put*", dynamodb:GetItem, dynamodb:GetRecords], Resource: !GetAtt Tee.Arn }
- { Effect: Deny, Action: dynamodb:Scan, Resource: "*" }`)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	g := NewGuard(roles, func(e Event) { told = append(told, e.Did+" "+e.Role+" "+e.Action+" "+e.Resource) })
	for _, c := range []struct {
		action, want string
	}{
		{"dynamodb:DeleteItem", "dynamodb:DeleteItem on resource: " + tables + "Tee because no identity-based policy allows the dynamodb:DeleteItem action"},
		{"dynamodb:Scan", "dynamodb:Scan on resource: " + tables + "Tee with an explicit deny in an identity-based policy"},
	} {
		denied := g.Check("F", Call{Action: "dynamodb:GetItem", Resource: tables + "Tee"}, Call{Action: c.action, Resource: tables + "Tee"})
		if want := "User: arn:aws:sts::000000000000:assumed-role/R/F is not authorized to perform: " + c.want; denied == nil || denied.Error() != want {
			t.Errorf("%v\n%s", denied, want)
		}
	}
	for range 2 {
		if denied := g.Check("F", Call{Action: "dynamodb:PutItem", Resource: tables + "Tee"}); denied != nil {
			t.Error(denied)
		}
	}
	want := []string{
		"granted R dynamodb:Put* " + tables + "Tee", "granted R dynamodb:GetItem " + tables + "Tee", // the stream is Lambda's to read
		"denied R dynamodb:DeleteItem " + tables + "Tee", "denied R dynamodb:Scan " + tables + "Tee", "used R dynamodb:Put* " + tables + "Tee",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheCallerIsTheAccessKeyID(t *testing.T) {
	for header, want := range map[string]string{
		"AWS4-HMAC-SHA256 Credential=F/20261128/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0":                     "F",
		"AWS4-HMAC-SHA256 Credential=arn:aws:iam::1:role/a/b/20261128/us-east-1/dynamodb/aws4_request,SignedHeaders=host,Signature=0": "arn:aws:iam::1:role/a/b",
		"": "",
	} {
		r := &http.Request{Header: http.Header{"Authorization": {header}}}
		if got := Caller(r); got != want {
			t.Errorf("%q is %q", header, got)
		}
	}
}
