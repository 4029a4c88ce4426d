package engine

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"latchkey/infra/local/recordings"
)

// steps is the input of a recording of DynamoDB: operations on a table of its own, whose name is written $table.
type steps struct {
	Key, Range string
	Steps      []json.RawMessage // [operation, request]; TableName is filled in where it is missing
}

type wantedAnswers struct {
	Answers []struct {
		Out            map[string]any // parts of the answer
		Error, Message string
		Status         int
		Absent         []string
	}
}

func TestDynamoDBAnswersAsRecorded(t *testing.T) {
	list, err := recordings.Of("dynamodb")
	if err != nil {
		t.Fatal(err)
	}
	e, _ := run(t, t.TempDir())
	for i, r := range list {
		t.Run(r.Name, func(t *testing.T) {
			var in steps
			var want wantedAnswers
			if err := r.Read(&in, &want); err != nil {
				t.Fatal(err)
			}
			if len(in.Steps) != len(want.Answers) {
				t.Fatal("as many answers as steps")
			}
			table := "table-" + strconv.Itoa(i)
			makeTable(t, e.Endpoint, table, in.Key, in.Range)
			for n, raw := range in.Steps {
				var step [2]json.RawMessage
				var operation string
				if json.Unmarshal([]byte(strings.ReplaceAll(string(raw), "$table", table)), &step) != nil || json.Unmarshal(step[0], &operation) != nil {
					t.Fatal("a step is an operation and its request")
				}
				status, got := call(t, e.Endpoint, operation, withTable(step[1], operation, table))
				w := want.Answers[n]
				expect, _ := json.Marshal(w.Out)
				_ = json.Unmarshal([]byte(strings.ReplaceAll(string(expect), "$table", table)), &w.Out)
				kind, _ := got["__type"].(string)
				message, _ := got["message"].(string)
				if message == "" {
					message, _ = got["Message"].(string)
				}
				if kind[strings.IndexByte(kind, '#')+1:] != w.Error || w.Message != "" && message != strings.ReplaceAll(w.Message, "$table", table) || w.Status != 0 && status != w.Status {
					t.Errorf("%s: %d %s %q, want %s %q (%s)", operation, status, kind, message, w.Error, w.Message, r.Source)
				}
				for name, v := range w.Out {
					if !reflect.DeepEqual(got[name], v) {
						t.Errorf("%s: %s is %v, want %v", operation, name, got[name], v)
					}
				}
				for _, name := range w.Absent {
					if _, ok := got[name]; ok {
						t.Errorf("%s: there is a %s", operation, name)
					}
				}
			}
		})
	}
}

func makeTable(t *testing.T, endpoint, table, hash, sort string) {
	t.Helper()
	definitions := []any{map[string]any{"AttributeName": hash, "AttributeType": "S"}}
	schema := []any{map[string]any{"AttributeName": hash, "KeyType": "HASH"}}
	if sort != "" {
		definitions = append(definitions, map[string]any{"AttributeName": sort, "AttributeType": "S"})
		schema = append(schema, map[string]any{"AttributeName": sort, "KeyType": "RANGE"})
	}
	raw, _ := json.Marshal(map[string]any{"TableName": table, "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": definitions, "KeySchema": schema})
	if status, out := call(t, endpoint, "CreateTable", raw); status != http.StatusOK {
		t.Fatalf("%d %v", status, out)
	}
}

// withTable fills in the table of an operation on one table.
func withTable(raw []byte, operation, table string) []byte {
	if strings.HasPrefix(operation, "Batch") || strings.HasPrefix(operation, "Transact") {
		return raw
	}
	var in map[string]any
	if json.Unmarshal(raw, &in) != nil || in["TableName"] != nil {
		return raw
	}
	in["TableName"] = table
	raw, _ = json.Marshal(in)
	return raw
}

// call makes one call as any client does, and returns what comes back.
func call(t *testing.T, endpoint, operation string, body []byte) (int, map[string]any) {
	t.Helper()
	return ask(t, endpoint, operation, "local", string(body))
}
