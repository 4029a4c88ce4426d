package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"latchkey/infra/local/iam"
	"latchkey/infra/local/template"
)

const permitted = `
Resources:
  F: { Type: AWS::Serverless::Function, Properties: { Role: !GetAtt R.Arn } }
  One: { Type: AWS::DynamoDB::Table }
  R:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: work
          PolicyDocument:
            Statement:
              - { Effect: Allow, Action: %, Resource: !GetAtt One.Arn%if }
`

// permit is a guard whose function F may do one thing on the table One, and, with a condition, with certain keys alone.
func permit(t *testing.T, action, condition string) *iam.Guard {
	t.Helper()
	text := strings.Replace(permitted, "%if", condition, 1)
	roles, err := iam.Roles(parse(t, strings.Replace(text, "%", action, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return iam.NewGuard(roles, nil)
}

// Each operation needs its permission on its table or index, each part of a transaction its own, and a batch one on each table.
func TestEachOperationNeedsItsPermission(t *testing.T) {
	for name, c := range map[string]struct {
		operation, body, allowed string // allowed is the one permission that is enough, or nothing
	}{
		"get":                   {"GetItem", `{"TableName":"One","Key":{"pk":{"S":"a"}}}`, "GetItem"},
		"put":                   {"PutItem", `{"TableName":"One","Item":{"pk":{"S":"a"}}}`, "PutItem"},
		"update":                {"UpdateItem", `{"TableName":"One","Key":{"pk":{"S":"a"}}}`, "UpdateItem"},
		"delete":                {"DeleteItem", `{"TableName":"One","Key":{"pk":{"S":"a"}}}`, "DeleteItem"},
		"scan":                  {"Scan", `{"TableName":"One"}`, "Scan"},
		"query":                 {"Query", `{"TableName":"One","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"a"}}}`, "Query"},
		"query of an index":     {"Query", `{"TableName":"One","IndexName":"i","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"a"}}}`, ""},
		"by the table's ARN":    {"GetItem", `{"TableName":"arn:aws:dynamodb:us-east-1:000000000000:table/One","Key":{"pk":{"S":"a"}}}`, "GetItem"},
		"another table":         {"GetItem", `{"TableName":"Two","Key":{"pk":{"S":"a"}}}`, ""},
		"batch get":             {"BatchGetItem", `{"RequestItems":{"One":{"Keys":[{"pk":{"S":"a"}}]}}}`, "BatchGetItem"},
		"batch get of two":      {"BatchGetItem", `{"RequestItems":{"One":{"Keys":[{"pk":{"S":"a"}}]},"Two":{"Keys":[{"pk":{"S":"a"}}]}}}`, ""},
		"batch write":           {"BatchWriteItem", `{"RequestItems":{"One":[{"PutRequest":{"Item":{"pk":{"S":"a"}}}}]}}`, "BatchWriteItem"},
		"transaction: put":      {"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"One","Item":{"pk":{"S":"a"}}}}]}`, "PutItem"},
		"transaction: update":   {"TransactWriteItems", `{"TransactItems":[{"Update":{"TableName":"One","Key":{"pk":{"S":"a"}}}}]}`, "UpdateItem"},
		"transaction: delete":   {"TransactWriteItems", `{"TransactItems":[{"Delete":{"TableName":"One","Key":{"pk":{"S":"a"}}}}]}`, "DeleteItem"},
		"transaction: check":    {"TransactWriteItems", `{"TransactItems":[{"ConditionCheck":{"TableName":"One","Key":{"pk":{"S":"a"}},"ConditionExpression":"attribute_not_exists(pk)"}}]}`, "ConditionCheckItem"},
		"transaction: get":      {"TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"One","Key":{"pk":{"S":"a"}}}}]}`, "GetItem"},
		"transaction: last one": {"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"One","Item":{"pk":{"S":"a"}}}},{"Delete":{"TableName":"One","Key":{"pk":{"S":"b"}}}}]}`, ""},
		"description":           {"DescribeTable", `{"TableName":"One"}`, "DescribeTable"},
		"list of tables":        {"ListTables", `{}`, ""},
		"another language":      {"ExecuteStatement", `{"Statement":"SELECT * FROM One"}`, ""},
	} {
		for _, action := range []string{
			"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Scan", "Query", "BatchGetItem", "BatchWriteItem", "ConditionCheckItem",
			"DescribeTable", "ListTables", "ExecuteStatement", "TransactWriteItems", "TransactGetItems",
		} {
			f, err := newFront("http://127.0.0.1:1", permit(t, "dynamodb:"+action, ""))
			if err != nil {
				t.Fatal(err)
			}
			denied := f.guard.Check("F", f.callsOf(c.operation, request(t, "", c.operation, "F", c.body), []byte(c.body))...)
			if (denied == nil) != (action == c.allowed) {
				t.Errorf("%s with %s alone: %v", name, action, denied)
			}
		}
	}
}

// A function's call that its role doesn't allow is answered as AWS answers it, and not made; everyone who is no function is let through.
func TestWhatARoleLacksIsDeniedBeforeItReachesTheStore(t *testing.T) {
	e, admin := guarded(t, t.TempDir(), permit(t, "dynamodb:GetItem", ""))
	makeTable(t, e.Endpoint, "One", "pk", "")
	status, out := ask(t, e.Endpoint, "PutItem", "F", `{"TableName":"One","Item":{"pk":{"S":"a"}}}`)
	message := "User: arn:aws:sts::000000000000:assumed-role/R/F is not authorized to perform: dynamodb:PutItem on resource: " +
		"arn:aws:dynamodb:us-east-1:000000000000:table/One because no identity-based policy allows the dynamodb:PutItem action"
	if status != http.StatusBadRequest || out["__type"] != "com.amazon.coral.service#AccessDeniedException" || out["Message"] != message {
		t.Errorf("%d %v", status, out)
	}
	c := NewClient(e.Endpoint, "us-east-1", aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "F", SecretAccessKey: "x"}, nil
	}))
	var api smithy.APIError
	if err := CreateTables(t.Context(), c, parse(t, index)); !errors.As(err, &api) || api.ErrorCode() != "AccessDeniedException" || !strings.Contains(api.ErrorMessage(), "DescribeTable") {
		t.Errorf("the SDK's client reads %v", err)
	}
	if status, out := ask(t, e.Endpoint, "GetItem", "F", `{"TableName":"One","Key":{"pk":{"S":"a"}}}`); status != http.StatusOK || out["Item"] != nil {
		t.Errorf("the item that wasn't allowed: %d %v", status, out)
	}
	if err := CreateTables(t.Context(), admin, parse(t, index)); err != nil {
		t.Errorf("the administration: %v", err)
	}
}

// dynamodb:LeadingKeys are the partition keys of whatever an operation names, in each of its forms.
func TestConditionsSeeThePartitionKeys(t *testing.T) {
	e, _ := run(t, t.TempDir())
	makeTable(t, e.Endpoint, "One", "pk", "sk")
	for name, c := range map[string]struct {
		operation, body string
		want            []string
	}{
		"get":         {"GetItem", `{"TableName":"One","Key":{"sk":{"S":"x"},"pk":{"S":"a"}}}`, []string{"a"}},
		"put":         {"PutItem", `{"TableName":"One","Item":{"more":{"L":[{"S":"y"}]},"sk":{"S":"x"},"pk":{"S":"a"}}}`, []string{"a"}},
		"no key":      {"PutItem", `{"TableName":"One","Item":{"sk":{"S":"x"}}}`, []string{""}},
		"query":       {"Query", `{"TableName":"One","KeyConditionExpression":"sk = :s AND #p = :p","ExpressionAttributeNames":{"#p":"pk"},"ExpressionAttributeValues":{":p":{"S":"a"},":s":{"S":"x"}}}`, []string{"a"}},
		"lost query":  {"Query", `{"TableName":"One","KeyConditionExpression":"#p = :p","ExpressionAttributeValues":{":p":{"S":"a"}}}`, []string{""}},
		"scan":        {"Scan", `{"TableName":"One"}`, nil},
		"batch":       {"BatchGetItem", `{"RequestItems":{"One":{"Keys":[{"pk":{"S":"a"},"sk":{"S":"x"}},{"pk":{"S":"b"},"sk":{"S":"x"}}]}}}`, []string{"a", "b"}},
		"batch write": {"BatchWriteItem", `{"RequestItems":{"One":[{"PutRequest":{"Item":{"pk":{"S":"a"},"sk":{"S":"x"}}}},{"DeleteRequest":{"Key":{"pk":{"S":"b"},"sk":{"S":"x"}}}}]}}`, []string{"a", "b"}},
		"transaction": {"TransactWriteItems", `{"TransactItems":[{"Delete":{"TableName":"One","Key":{"pk":{"S":"a"},"sk":{"S":"x"}}}}]}`, []string{"a"}},
	} {
		f := e.front.Handler.(*front)
		calls := f.callsOf(c.operation, request(t, e.Endpoint, c.operation, "local", c.body), []byte(c.body))
		if len(calls) != 1 || !slices.Equal(calls[0].Keys(), c.want) {
			t.Errorf("%s: %v", name, calls)
		}
	}
}

func TestAConditionOnKeysHoldsOnTheWire(t *testing.T) {
	e, _ := guarded(t, t.TempDir(), permit(t, "[dynamodb:PutItem, dynamodb:GetItem]", `, Condition: { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": "person#*" } }`))
	makeTable(t, e.Endpoint, "One", "pk", "")
	for pk, want := range map[string]int{"person#1": http.StatusOK, "session#1": http.StatusBadRequest} {
		if status, out := ask(t, e.Endpoint, "PutItem", "F", `{"TableName":"One","Item":{"pk":{"S":"`+pk+`"}}}`); status != want {
			t.Errorf("%s: %d %v", pk, status, out)
		}
	}
}

func request(t *testing.T, endpoint, operation, caller, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", targetPrefix+operation)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Date", "20261128T000000Z")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+caller+"/20261128/"+template.Region+"/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	return req
}

// ask sends one operation as it is written.
func ask(t *testing.T, endpoint, operation, caller, body string) (int, map[string]any) {
	t.Helper()
	res, err := http.DefaultClient.Do(request(t, endpoint, operation, caller, body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, _ := io.ReadAll(res.Body)
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("%s: %d %q", operation, res.StatusCode, raw)
	}
	return res.StatusCode, out
}
