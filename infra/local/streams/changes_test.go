package streams

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"latchkey/infra/local/recordings"
)

type attributes = map[string]any

// changes is the input of a recording of a stream: what is written to a table, one after the other.
type changes struct {
	View, Key string
	Via       string // batch or transact; otherwise single writes
	Writes    []struct{ Put, Delete attributes }
	Filter    json.RawMessage
}

// seenByFunction has the records as Lambda shows them.
type seenByFunction struct {
	Events []struct {
		EventName      string
		Size           int64
		Keys, New, Old attributes
	}
	Records int // how many, where that is all that is known
	Sizes   []int64
}

func TestStreamsShowChangesAsRecorded(t *testing.T) {
	list, err := recordings.Of("dynamodbstreams")
	if err != nil {
		t.Fatal(err)
	}
	url := engine(t)
	for i, r := range list {
		t.Run(r.Name, func(t *testing.T) {
			var in changes
			var want seenByFunction
			if err := r.Read(&in, &want); err != nil {
				t.Fatal(err)
			}
			got := in.walk(t, url, "table-"+strconv.Itoa(i))
			if n := max(len(want.Events), want.Records); len(got) != n {
				t.Fatalf("%d records, want %d (%s)", len(got), n, r.Source)
			}
			for i, size := range want.Sizes {
				if got[i].Change.Size != size {
					t.Errorf("record %d: %d bytes, want %d", i, got[i].Change.Size, size)
				}
			}
			for i, w := range want.Events {
				g := got[i]
				if g.EventName != w.EventName || g.Change.Size != w.Size || g.Change.View != in.View || g.EventVersion != "1.1" || g.EventSource != "aws:dynamodb" ||
					!reflect.DeepEqual(g.Change.Keys, w.Keys) || !reflect.DeepEqual(g.Change.NewImage, w.New) || !reflect.DeepEqual(g.Change.OldImage, w.Old) {
					t.Errorf("record %d: %+v\nwant %+v", i, g, w)
				}
			}
		})
	}
}

// keeper is a function that keeps the records that it is given.
type keeper struct {
	mu  sync.Mutex
	all []lambdaRecord
}

func (k *keeper) Invoke(_ context.Context, _ string, payload []byte) ([]byte, error) {
	var event struct{ Records []lambdaRecord }
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = append(k.all, event.Records...)
	return nil, nil
}

func (in *changes) walk(t *testing.T, url, table string) []lambdaRecord {
	t.Helper()
	created := post(t, url, "CreateTable", attributes{
		"TableName": table, "BillingMode": "PAY_PER_REQUEST", "StreamSpecification": attributes{"StreamEnabled": true, "StreamViewType": in.View},
		"AttributeDefinitions": []any{attributes{"AttributeName": in.Key, "AttributeType": "S"}}, "KeySchema": []any{attributes{"AttributeName": in.Key, "KeyType": "HASH"}},
	})
	for _, w := range in.Writes {
		put := w.Put != nil
		switch {
		case in.Via == "batch" && put:
			post(t, url, "BatchWriteItem", attributes{"RequestItems": attributes{table: []any{attributes{"PutRequest": attributes{"Item": w.Put}}}}})
		case in.Via == "batch":
			post(t, url, "BatchWriteItem", attributes{"RequestItems": attributes{table: []any{attributes{"DeleteRequest": attributes{"Key": w.Delete}}}}})
		case in.Via == "transact" && put:
			post(t, url, "TransactWriteItems", attributes{"TransactItems": []any{attributes{"Put": attributes{"TableName": table, "Item": w.Put}}}})
		case in.Via == "transact":
			post(t, url, "TransactWriteItems", attributes{"TransactItems": []any{attributes{"Delete": attributes{"TableName": table, "Key": w.Delete}}}})
		case put:
			post(t, url, "PutItem", attributes{"TableName": table, "Item": w.Put})
		default:
			post(t, url, "DeleteItem", attributes{"TableName": table, "Key": w.Delete})
		}
	}
	m := Mapping{
		Name: "m", Function: "F", BatchSize: 1, ParallelizationFactor: 1, MaximumRetryAttempts: 1,
		StreamARN: created["TableDescription"].(attributes)["LatestStreamArn"].(string),
	}
	if in.Filter != nil {
		var err error
		if m.Filter, err = ParseFilter(string(in.Filter)); err != nil {
			t.Fatal(err)
		}
	}
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
	})
	api := dynamodbstreams.New(dynamodbstreams.Options{Region: "us-east-1", Credentials: credentials, BaseEndpoint: &url})
	var k keeper
	p, err := New(Config{Source: Client{api}, Invoker: &k, Mappings: []Mapping{m}, StateFile: filepath.Join(t.TempDir(), "streams.json")})
	if err != nil {
		t.Fatal(err)
	}
	go p.Run(t.Context())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := p.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	return k.all
}

// post calls one operation of DynamoDB.
func post(t *testing.T, url, operation string, in attributes) attributes {
	t.Helper()
	raw, _ := json.Marshal(in)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Date", "20261128T000000Z")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20261128/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(res.Body)
	var out attributes
	if err := json.Unmarshal(body, &out); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", operation, res.StatusCode, body)
	}
	return out
}
