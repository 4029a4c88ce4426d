package keytest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/oklog/ulid/v2"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/gateclient"
)

var engine struct {
	once     sync.Once
	endpoint string
	err      error
}

// Engine returns a client of a real DynamoDB engine and the names of fresh tables in it. One engine process, in
// memory and on a port of its own, serves a test binary and ends with it.
func Engine(t testing.TB) (*dynamodb.Client, dynamo.Tables) {
	t.Helper()
	engine.once.Do(func() { engine.endpoint, engine.err = startEngine() })
	if engine.err != nil {
		t.Fatalf("keytest: %v", engine.err)
	}
	client := dynamo.NewClient(engineAccess())
	tables := TableNames(strings.ToLower(ulid.Make().String()))
	if err := CreateTables(t.Context(), client, tables); err != nil {
		t.Fatalf("keytest: %v", err)
	}
	return client, tables
}

// GateEngine is Engine by the gate's own client, and by the SDK's for the calls that the gate doesn't make.
func GateEngine(t testing.TB) (DB, dynamo.Tables) {
	t.Helper()
	client, tables := Engine(t)
	return gateDB{client, gateclient.New(engineAccess(), http.DefaultTransport, time.Now)}, tables
}

type gateDB struct {
	*dynamodb.Client
	gate *gateclient.Client
}

// GetItem is the gate's client's.
func (db gateDB) GetItem(ctx context.Context, in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return db.gate.GetItem(ctx, in, o...)
}

// PutItem is the gate's client's.
func (db gateDB) PutItem(ctx context.Context, in *dynamodb.PutItemInput, o ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return db.gate.PutItem(ctx, in, o...)
}

// UpdateItem is the gate's client's.
func (db gateDB) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return db.gate.UpdateItem(ctx, in, o...)
}

func engineAccess() dynamo.Config {
	return dynamo.Config{Region: "us-east-1", Endpoint: engine.endpoint, AccessKey: "test", SecretKey: "test", Timeout: 10 * time.Second}
}

// trusted refuses a binary that npm put there, unless its SHA-256 is one that the repository knows or the one that the user trusts: npm
// can't hold it against anything on a platform that the lock file has no integrity of. A binary from elsewhere is the user's own.
func trusted(binary, own string) error {
	if !strings.Contains(filepath.ToSlash(binary), "/node_modules/@dynoxide/") {
		return nil
	}
	_, file, _, _ := runtime.Caller(0)
	known, err := os.ReadFile(filepath.Join(filepath.Dir(file), "..", "..", "infra", "local", "engine", "known.txt"))
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(binary) //nolint:gosec // where npm puts it
	if err != nil {
		return err
	}
	hash := fmt.Sprintf("%x", sha256.Sum256(raw))
	if strings.EqualFold(hash, own) || strings.Contains(string(known), " "+hash+"\n") {
		return nil
	}
	return fmt.Errorf("the DynamoDB engine %s isn't run: its SHA-256, %s, is none that this repository knows. Hold it against its publisher's, "+
		"and set LATCHKEY_ENGINE_SHA256 to it", binary, hash)
}

// startEngine starts dynoxide in such a way that it can't outlive the test binary.
func startEngine() (endpoint string, err error) {
	binary := os.Getenv("DYNOXIDE")
	if binary == "" {
		_, file, _, _ := runtime.Caller(0)
		binary = filepath.Join(filepath.Dir(file), "..", "..", "infra", "local", "node_modules", "@dynoxide", "linux-x64", "dynoxide")
	}
	if _, err := os.Stat(binary); err != nil {
		return "", fmt.Errorf("no DynamoDB engine: run `make test`, which installs it, or set DYNOXIDE to its binary (%w)", err)
	}
	if err := trusted(binary, os.Getenv("LATCHKEY_ENGINE_SHA256")); err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	address := listener.Addr().String()
	_ = listener.Close()
	_, port, _ := net.SplitHostPort(address)
	command := exec.Command(binary, "serve", "--host", "127.0.0.1", "--port", port) //nolint:gosec // a binary of our own choosing
	endWithParent(command)
	started := make(chan error, 1)
	go func() {
		// The parent-death signal follows the thread that started the process, so that thread is kept.
		runtime.LockOSThread()
		started <- command.Start()
		_ = command.Wait()
	}()
	if err := <-started; err != nil {
		return "", err
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			_ = conn.Close()
			return "http://" + address, nil
		}
		<-time.After(2 * time.Millisecond) // refused connections fail at once
	}
	return "", fmt.Errorf("the DynamoDB engine doesn't listen on %s", address)
}

// TableNames makes the eight names with a suffix.
func TableNames(suffix string) dynamo.Tables {
	return dynamo.Tables{
		Control: "control-" + suffix, Gate: "gate-" + suffix, Leases: "leases-" + suffix, Quotas: "quotas-" + suffix,
		Slices: "slices-" + suffix, Counters: "counters-" + suffix, Statements: "statements-" + suffix, Sessions: "sessions-" + suffix,
	}
}

// Creator is the call that CreateTables makes.
type Creator interface {
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
}

// CreateTables makes the tables as the template declares them, without streams.
func CreateTables(ctx context.Context, db Creator, tables dynamo.Tables) error {
	for _, input := range TableInputs(tables) {
		if _, err := db.CreateTable(ctx, input); err != nil {
			return fmt.Errorf("creating %s: %w", *input.TableName, err)
		}
	}
	return nil
}

// TableInputs are the eight tables' definitions.
func TableInputs(tables dynamo.Tables) []*dynamodb.CreateTableInput {
	control := tableInput(tables.Control, "pk", "sk:S")
	control.AttributeDefinitions = append(control.AttributeDefinitions, attribute("gpk", "S"), attribute("gsk", "S"), attribute("npk", "S"), attribute("nsk", "S"))
	lookup, names := "lookup", "names"
	control.GlobalSecondaryIndexes = []types.GlobalSecondaryIndex{
		{IndexName: &lookup, KeySchema: keySchema("gpk", "gsk"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}},
		{IndexName: &names, KeySchema: keySchema("npk", "nsk"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}},
	}
	return []*dynamodb.CreateTableInput{
		control,
		tableInput(tables.Gate, "pk", ""),
		tableInput(tables.Leases, "pk", "sk:N"),
		tableInput(tables.Quotas, "pk", "sk:S"),
		tableInput(tables.Slices, "pk", "sk:S"),
		tableInput(tables.Counters, "pk", "sk:S"),
		tableInput(tables.Statements, "pk", "sk:S"),
		tableInput(tables.Sessions, "pk", ""),
	}
}

func tableInput(name, pk, sk string) *dynamodb.CreateTableInput {
	input := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	input.AttributeDefinitions = []types.AttributeDefinition{attribute(pk, "S")}
	input.KeySchema = keySchema(pk, "")
	if sortName, kind, ok := strings.Cut(sk, ":"); ok {
		input.AttributeDefinitions = append(input.AttributeDefinitions, attribute(sortName, kind))
		input.KeySchema = keySchema(pk, sortName)
	}
	return input
}

func attribute(name, kind string) types.AttributeDefinition {
	return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeType(kind)}
}

func keySchema(pk, sk string) []types.KeySchemaElement {
	schema := []types.KeySchemaElement{{AttributeName: &pk, KeyType: types.KeyTypeHash}}
	if sk != "" {
		schema = append(schema, types.KeySchemaElement{AttributeName: &sk, KeyType: types.KeyTypeRange})
	}
	return schema
}
