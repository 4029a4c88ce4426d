package template

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const sample = `
Parameters:
  Url: { Type: String, Default: "" }
  Mode: { Type: String, Default: "429", AllowedValues: ["429", "403"] }
  List: { Type: CommaDelimitedList, Default: "a, b" }
Conditions:
  HasUrl: !Not [!Equals [!Ref Url, ""]]
  Both: !And [Condition: HasUrl, !Equals [!Ref Mode, "429"]]
  Either: { "Fn::Or": [!Condition HasUrl, !Equals [!Ref Mode, "403"]] }
  Loop: !Not [Condition: Loop]
Mappings: { M: { x: { y: deep } } }
Globals:
  Function: { Timeout: 5, Layers: [g], Environment: { Variables: { A: "1", B: "2" } } }
Resources:
  F: { Type: AWS::Serverless::Function, Properties: { FunctionName: !Sub "${AWS::StackName}-f", Layers: [own], Environment: { Variables: { B: own } } } }
  T: { Type: AWS::DynamoDB::Table }
  Named: { Type: AWS::DynamoDB::Table, Properties: { TableName: !If [HasUrl, named, !Ref AWS::NoValue] } }
  Api: { Type: AWS::Serverless::Api, Properties: { StageName: prod } }
  Only: { Type: AWS::DynamoDB::Table, Condition: HasUrl }
  Strange: { Type: AWS::Strange::Thing, Properties: { V: !Cidr [a, 1, 2] } }
  V: { Type: Test, Properties: { V: VALUE } }
`

func value(t *testing.T, expression string, set map[string]string) (any, error) {
	t.Helper()
	tpl, err := Parse([]byte(strings.Replace(sample, "VALUE", expression, 1)), t.TempDir(), set)
	if err != nil {
		return nil, err
	}
	p, err := tpl.Properties(tpl.resources["V"])
	return p["V"], err
}

func TestIntrinsicsGiveWhatCloudFormationGives(t *testing.T) {
	url := map[string]string{"Url": "http://u"}
	for expression, c := range map[string]struct {
		set  map[string]string
		want any
	}{
		`!Ref Mode`:                            {nil, "429"},
		`{ Ref: List }`:                        {nil, []any{"a", "b"}},
		`!Ref AWS::Region`:                     {nil, Region},
		`!Ref T`:                               {nil, "T"},
		`!Ref Named`:                           {url, "named"},
		`{ Ref: Named }`:                       {nil, "Named"},
		`!Ref Api.Stage`:                       {nil, "prod"},
		`!GetAtt F.Arn`:                        {nil, FunctionARN("latchkey-f")},
		`{ "Fn::GetAtt": [F, Arn] }`:           {nil, FunctionARN("latchkey-f")},
		`!Ref F.Alias`:                         {nil, FunctionARN("latchkey-f")},
		`!GetAtt T.StreamArn`:                  {nil, "arn:aws:dynamodb:us-east-1:000000000000:table/T/stream/local"},
		`!Sub "${F.Arn}:live ${!Raw} ${Mode}"`: {nil, FunctionARN("latchkey-f") + ":live ${Raw} 429"},
		`!Sub ["${x}-${Mode}", { x: !Ref Mode }]`:      {nil, "429-429"},
		`!If [HasUrl, yes-url, no-url]`:                {nil, "no-url"},
		`{ "Fn::If": [Both, yes-url, no-url] }`:        {url, "yes-url"},
		`!If [Either, a, !Cidr x]`:                     {map[string]string{"Mode": "403"}, "a"},
		`[a, !If [HasUrl, b, !Ref AWS::NoValue]]`:      {nil, []any{"a"}},
		`!Select [2, !Split ["/", !Ref AWS::StackId]]`: {nil, "5f3c9d6a-1b7e-4c42-9a55-0e8f6b7c2d10"},
		`!Join ["-", [a, 1, true]]`:                    {nil, "a-1-true"},
		`!FindInMap [M, x, y]`:                         {nil, "deep"},
		`!Base64 hi`:                                   {nil, "aGk="},
		`!ToJsonString { a: [1] }`:                     {nil, `{"a":[1]}`},
		`000000000000`:                                 {nil, "000000000000"},
		`{ n: 12, f: 1.5, b: true, z: null }`:          {nil, map[string]any{"n": 12, "f": 1.5, "b": true, "z": nil}},
	} {
		got, err := value(t, expression, c.set)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s = %#v (%v), want %#v", expression, got, err, c.want)
		}
	}
}

func TestWhatCannotBeEvaluatedIsAClearError(t *testing.T) {
	for expression, want := range map[string]string{
		`!Cidr [a, 1, 2]`:                      "doesn't know the intrinsic Cidr",
		`{ "Fn::ImportValue": x }`:             "doesn't know the intrinsic ImportValue",
		`!Ref Nobody`:                          `no parameter or resource "Nobody"`,
		`!GetAtt Nobody.Arn`:                   `no resource "Nobody"`,
		`!If [Nothing, a, b]`:                  `no condition "Nothing"`,
		`!If [Loop, a, b]`:                     "depends on itself",
		`!Select [5, [a]]`:                     "no element",
		`!Sub "${Mode"`:                        "not closed",
		`{ "Fn::Transform": { Name: Other } }`: "only AWS::Include",
	} {
		if _, err := value(t, expression, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", expression, err, want)
		}
	}
	if _, err := value(t, "x", map[string]string{"Nope": "1"}); err == nil {
		t.Error("an undeclared parameter was taken")
	}
	if _, err := value(t, "x", map[string]string{"Mode": "500"}); err == nil {
		t.Error("a value that isn't allowed was taken")
	}
}

func TestGlobalsAreMergedAndConditionsChooseResources(t *testing.T) {
	tpl, err := Parse([]byte(sample), ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := tpl.Properties(tpl.resources["F"])
	if err != nil {
		t.Fatal(err)
	}
	want := Map{
		"FunctionName": "latchkey-f", "Timeout": 5, "Layers": []any{"g", "own"},
		"Environment": map[string]any{"Variables": map[string]any{"A": "1", "B": "own"}},
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("%#v", p)
	}
	tables, err := tpl.Of("AWS::DynamoDB::Table")
	if err != nil || len(tables) != 2 {
		t.Errorf("%v %v, want Named and T", tables, err)
	}
	if id := tpl.FunctionID("arn:aws:apigateway:x:lambda:path/2015-03-31/functions/" + FunctionARN("latchkey-f") + ":live/invocations"); id != "F" {
		t.Errorf("FunctionID %q", id)
	}
}

func TestIncludesAreRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "part.yaml"), []byte("a: !Ref Mode"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(sample, "VALUE", `{ "Fn::Transform": { Name: AWS::Include, Parameters: { Location: part.yaml } } }`, 1)
	tpl, err := Parse([]byte(text), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := tpl.Properties(tpl.resources["V"]); err != nil || !reflect.DeepEqual(p["V"], map[string]any{"a": "429"}) {
		t.Fatalf("%v %v", p, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add("Resources: {A: {Type: AWS::DynamoDB::Table, Properties: !If [x, y, z]}}")
	f.Fuzz(func(_ *testing.T, text string) {
		tpl, err := Parse([]byte(text), ".", nil)
		if err != nil {
			return
		}
		for _, r := range tpl.resources {
			_, _ = tpl.Properties(r)
		}
	})
}

// CloudFormation refuses before it makes anything: values that a parameter can't have, and what the Rules assert of several.
func TestWhatCloudFormationRefuses(t *testing.T) {
	const text = `
Parameters:
  Name: { Type: String, Default: "", AllowedPattern: "^[a-z]*$", MaxLength: 3 }
  Kind: { Type: String, Default: a, AllowedValues: [a, b] }
  Many: { Type: Number, Default: 2, MinValue: 1, MaxValue: 9 }
  Of: { Type: String, Default: "", MinLength: 0 }
Conditions:
  HasName: !Not [!Equals [!Ref Name, ""]]
Rules:
  Both:
    RuleCondition: !Not [!Equals [!Ref Name, ""]]
    Assertions:
      - { Assert: !Not [!Equals [!Ref Of, ""]], AssertDescription: Name needs Of }
Globals:
  Function: { Environment: { Variables: { MANY: !Sub "n${Many}" } } }
Resources:
  F: { Type: "AWS::Serverless::Function", Properties: { Environment: { Variables: { OF: !If [HasName, x, y] } }, Timeout: !Ref Of } }
  G: { Type: "AWS::Serverless::Function", Condition: HasName }
`
	parsed, err := Parse([]byte(text), ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, value string
		takes       bool
	}{
		{"Name", "abc", true},
		{"Name", "abcd", false},
		{"Name", "A", false},
		{"Kind", "b", true},
		{"Kind", "c", false},
		{"Many", "1.5", true},
		{"Many", "0.5", false},
		{"Many", "10", false},
		{"Many", "x", false},
		{"Many", "NaN", false},
		{"Many", "", false},
		{"Else", "", false},
	} {
		if got := parsed.Takes(c.name, c.value); got != c.takes {
			t.Errorf("%s takes %q: %v", c.name, c.value, got)
		}
	}
	for want, set := range map[string]map[string]string{"[]": {"Name": "a", "Of": "b"}, "[Name needs Of]": {"Name": "a"}, `[Name can't be "A" Name needs Of]`: {"Name": "A"}} {
		with, err := parsed.With(set)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := with.Refused(); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%v: %v, %v, want %s", set, got, err, want)
		}
	}
	if got, err := parsed.Refused(); err != nil || len(got) > 0 {
		t.Errorf("another set has stayed: %v, %v", got, err)
	}
	if _, err := parsed.With(map[string]string{"Else": ""}); err == nil {
		t.Error("a parameter that isn't declared")
	}
	if got := fmt.Sprint(parsed.Deciding("F"), parsed.Deciding("G"), parsed.Ruled()); got != "[Many Name] [Many Name] [[Name Of]]" {
		t.Error(got)
	}
}
