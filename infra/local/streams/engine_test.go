package streams

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
)

// engine starts the DynamoDB server that the runner uses, on a free port, and returns its URL.
func engine(t *testing.T) string {
	t.Helper()
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	binary := os.Getenv("DYNOXIDE")
	if binary == "" {
		binary = filepath.Join("..", "node_modules", "@dynoxide", runtime.GOOS+"-"+arch, "dynoxide")
	}
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("no DynamoDB server (%v): run make test, or set DYNOXIDE to its path", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	cmd := exec.Command(binary, "serve", "--port", port, "--db-path", filepath.Join(t.TempDir(), "db"))
	out, _ := cmd.StderrPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	go func() {
		for sc := bufio.NewScanner(out); sc.Scan(); {
		}
	}()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			c.Close()
			return "http://127.0.0.1:" + port
		}
	}
	t.Fatal("the DynamoDB server didn't start")
	return ""
}

// ledger is a function that folds what it is given and keeps the events.
type ledger struct {
	mu   sync.Mutex
	seen map[string][]string // partition key -> sort keys, in order, repetitions left out
	all  []events.DynamoDBEventRecord
	fail func(n int) error
	n    int
}

func (f *ledger) Invoke(_ context.Context, _ string, payload []byte) ([]byte, error) {
	var event events.DynamoDBEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n++; f.fail != nil {
		if err := f.fail(f.n); err != nil {
			return nil, err
		}
	}
	for _, r := range event.Records {
		pk, sk := r.Change.Keys["pk"].String(), r.Change.Keys["sk"].String()
		f.seen[pk] = append(f.seen[pk], sk)
		f.all = append(f.all, r)
	}
	return nil, nil
}

// TestRealEngineDeliversEachWriteInOrderAcrossARestart runs against the very server that the runner starts.
func TestRealEngineDeliversEachWriteInOrderAcrossARestart(t *testing.T) {
	url := engine(t)
	creds := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
	})
	db := dynamodb.New(dynamodb.Options{Region: "eu-west-1", Credentials: creds, BaseEndpoint: &url})
	api := dynamodbstreams.New(dynamodbstreams.Options{Region: "eu-west-1", Credentials: creds, BaseEndpoint: &url})
	ctx := t.Context()
	created, err := db.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("Things"), BillingMode: ddb.BillingModePayPerRequest,
		AttributeDefinitions: []ddb.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}, {AttributeName: aws.String("sk"), AttributeType: "S"}},
		KeySchema:            []ddb.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}, {AttributeName: aws.String("sk"), KeyType: "RANGE"}},
		StreamSpecification:  &ddb.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: ddb.StreamViewTypeNewAndOldImages},
	})
	if err != nil {
		t.Fatal(err)
	}
	put := func(pk, sk string) {
		t.Helper()
		item := map[string]ddb.AttributeValue{"pk": &ddb.AttributeValueMemberS{Value: pk}, "sk": &ddb.AttributeValueMemberS{Value: sk}, "n": &ddb.AttributeValueMemberN{Value: "7"}}
		if _, err := db.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("Things"), Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	fn := &ledger{seen: map[string][]string{}}
	fn.fail = func(n int) error {
		if n%3 == 0 {
			return fmt.Errorf("a third of the invocations fail")
		}
		return nil
	}
	m := Mapping{
		Name: "T", Function: "F", StreamARN: *created.TableDescription.LatestStreamArn, BatchSize: 7, ParallelizationFactor: 3, MaximumRetryAttempts: -1, Bisect: true,
	}
	file := filepath.Join(t.TempDir(), "streams.json")
	const keys, each = 5, 30
	for half := range 2 {
		p, err := New(Config{Source: Client{api}, Invoker: fn, Mappings: []Mapping{m}, StateFile: file, Region: "eu-west-1", Backoff: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		go p.Run(ctx)
		for i := range each {
			for k := range keys {
				put(fmt.Sprint("k", k), fmt.Sprintf("%d-%02d", half, i))
			}
		}
		put("k0", fmt.Sprintf("%d-%02d", half, each-1)) // changes nothing: no record
		drain, cancel := context.WithTimeout(ctx, 20*time.Second)
		if err := p.Drain(drain); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
	for k := range keys {
		got := fn.seen[fmt.Sprint("k", k)]
		if len(got) != 2*each {
			t.Errorf("k%d: %d records, want %d", k, len(got), 2*each)
		}
		for i := 1; i < len(got); i++ {
			if got[i] <= got[i-1] {
				t.Errorf("k%d: %s after %s", k, got[i], got[i-1])
			}
		}
	}
	r := fn.all[0]
	if r.AWSRegion != "eu-west-1" || strings.Contains(r.EventSourceArn, "dynoxide") || len(r.EventID) != 32 || r.EventName != "INSERT" ||
		r.Change.NewImage["n"].Number() != "7" || r.Change.SequenceNumber == "" || r.Change.StreamViewType != "NEW_AND_OLD_IMAGES" || time.Since(r.Change.ApproximateCreationDateTime.Time) > time.Minute {
		t.Errorf("%+v", r)
	}
	t.Logf("%d invocations; event source %s", fn.n, r.EventSourceArn)
}
