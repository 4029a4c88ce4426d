package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Items in DynamoDB JSON, as files and as the store has them.

// tableNames are the logical IDs of all tables, by the name of their file.
var tableNames = map[string]string{
	"control": "ControlTable", "gate": "GateTable", "leases": "LeasesTable", "quotas": "QuotasTable", "slices": "SlicesTable", "counters": "CountersTable",
	"sessions": "SessionsTable",
}

type item = map[string]types.AttributeValue

func storeClient(endpoint string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
}

// itemsOf reads a whole table.
func itemsOf(ctx context.Context, db *dynamodb.Client, table string) (list []item, err error) {
	pages := dynamodb.NewScanPaginator(db, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		list = append(list, page.Items...)
	}
	return list, nil
}

// toJSON is a value in DynamoDB JSON.
func toJSON(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": v.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": v.Value}
	case *types.AttributeValueMemberB:
		return map[string]any{"B": v.Value}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}
	case *types.AttributeValueMemberSS:
		return map[string]any{"SS": v.Value}
	case *types.AttributeValueMemberNULL:
		return map[string]any{"NULL": v.Value}
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i, e := range v.Value {
			list[i] = toJSON(e)
		}
		return map[string]any{"L": list}
	case *types.AttributeValueMemberM:
		return map[string]any{"M": itemJSON(v.Value)}
	default:
		panic(fmt.Sprintf("an attribute of the type %T: add it here and in value", v))
	}
}

func itemJSON(i item) map[string]any {
	m := make(map[string]any, len(i))
	for name, v := range i {
		m[name] = toJSON(v)
	}
	return m
}

// value is one attribute of DynamoDB JSON.
type value struct{ types.AttributeValue }

func (v *value) UnmarshalJSON(text []byte) error {
	var in struct {
		S, N *string
		B    []byte
		BOOL *bool
		NULL *bool
		SS   []string
		L    []value
		M    map[string]value
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	switch {
	case in.S != nil:
		v.AttributeValue = &types.AttributeValueMemberS{Value: *in.S}
	case in.N != nil:
		v.AttributeValue = &types.AttributeValueMemberN{Value: *in.N}
	case in.B != nil:
		v.AttributeValue = &types.AttributeValueMemberB{Value: in.B}
	case in.BOOL != nil:
		v.AttributeValue = &types.AttributeValueMemberBOOL{Value: *in.BOOL}
	case in.NULL != nil:
		v.AttributeValue = &types.AttributeValueMemberNULL{Value: *in.NULL}
	case in.SS != nil:
		v.AttributeValue = &types.AttributeValueMemberSS{Value: in.SS}
	case in.L != nil:
		list := make([]types.AttributeValue, len(in.L))
		for i, e := range in.L {
			list[i] = e.AttributeValue
		}
		v.AttributeValue = &types.AttributeValueMemberL{Value: list}
	case in.M != nil:
		v.AttributeValue = &types.AttributeValueMemberM{Value: plain(in.M)}
	default:
		return fmt.Errorf("no attribute value: %s", text)
	}
	return nil
}

func plain(in map[string]value) item {
	out := make(item, len(in))
	for name, v := range in {
		out[name] = v.AttributeValue
	}
	return out
}

// issuerName replaces the issuer's address in the files, which differs with each run.
const issuerName = "https://issuer.invalid"

// writeTables writes every table into a file: one item a line, in the order of their keys.
func writeTables(ctx context.Context, s *stack, dir string) error {
	db := storeClient(s.DynamoDB)
	for name, table := range tableNames {
		list, err := itemsOf(ctx, db, table)
		if err != nil {
			return err
		}
		var lines []string
		for _, i := range list {
			// Maps are marshalled in the order of their names, so the key's attributes don't come first; sort by them anyway.
			line, err := json.Marshal(itemJSON(i))
			if err != nil {
				return err
			}
			order, err := json.Marshal([]any{itemJSON(i)["pk"], itemJSON(i)["sk"]})
			if err != nil {
				return err
			}
			lines = append(lines, string(order)+"\n"+strings.ReplaceAll(string(line), s.IssuerURL, issuerName))
		}
		slices.Sort(lines)
		for i, l := range lines {
			_, lines[i], _ = strings.Cut(l, "\n")
		}
		text := "[\n" + strings.Join(lines, ",\n") + "\n]\n"
		if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// loadTables puts the items of the files into a store whose tables are there.
func loadTables(ctx context.Context, endpoint, issuer, dir string) (kinds map[string]int, err error) {
	db, kinds := storeClient(endpoint), map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(tableNames)) {
		text, err := os.ReadFile(filepath.Join(dir, name+".json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the release had no such table; that nothing else is missing is seen by the kinds
		}
		if err != nil {
			return nil, err
		}
		var list []map[string]value
		if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), issuerName, issuer)), &list); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		table := tableNames[name]
		for _, in := range list {
			if _, err := db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: plain(in)}); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			kinds[kindOf(name, plain(in))]++
		}
	}
	return kinds, nil
}

// kindOf names what an item is, so that files which lack a kind are noticed: the control table's records say it
// themselves, the counters have it in their keys, the other tables hold one kind each.
func kindOf(table string, i item) string {
	text := func(name string) string {
		s, _ := i[name].(*types.AttributeValueMemberS)
		if s == nil {
			return ""
		}
		return s.Value
	}
	first := func(name string) string {
		part, _, _ := strings.Cut(text(name), "#")
		return part
	}
	switch kind := text("kind"); {
	case table == "control" && first("sk") == "GUARD":
		return "control guard of " + strings.TrimPrefix(text("sk"), "GUARD#")
	case kind == "guard":
		return "control guard " + first("sk")
	case table == "control":
		return "control " + kind
	case table == "counters" && (first("pk") == "K" || first("pk") == "A"):
		return "counters " + first("pk") + " " + first("sk")
	case table == "counters":
		return "counters " + first("pk")
	default:
		return table
	}
}

// startEngine runs a store of a test's own and returns its address.
func startEngine(t *testing.T) string {
	t.Helper()
	binary := os.Getenv("DYNOXIDE")
	if binary == "" {
		found, _ := filepath.Glob(filepath.Join(root, "infra/local/node_modules/@dynoxide/*/dynoxide"))
		if len(found) == 0 {
			t.Fatal("there is no store: set DYNOXIDE, or run npm ci --prefix infra/local")
		}
		binary = found[0]
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := lis.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	_ = lis.Close()
	cmd := exec.Command(binary, "--host", "127.0.0.1", "--port", port, "--db-path", filepath.Join(t.TempDir(), "store.db"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for begin := time.Now(); ; <-time.After(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return "http://" + address
		} else if time.Since(begin) > 20*time.Second {
			t.Fatal(err)
		}
	}
}
