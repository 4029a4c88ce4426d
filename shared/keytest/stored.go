package keytest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
)

// UpdateStored is the environment variable under which [KeepStored] rewrites its files.
const UpdateStored = "UPDATE_STORED"

// KeepStored compares items with testdata/stored/<name>.txt: what stands in tables was written by a release before. Where a writer
// and its reader make the same mistake, every other test is content, and what stands is misread.
// A changed line is a new stored form, which the release before has to be able to read, or not to see.
func KeepStored(t testing.TB, name string, items ...dynamo.Item) {
	t.Helper()
	forms := make([]string, len(items))
	for i, item := range items {
		forms[i] = form(item)
	}
	slices.Sort(forms)
	got, file := strings.Join(forms, "\n"), filepath.Join("testdata", "stored", name+".txt")
	if os.Getenv(UpdateStored) != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := string(kept); got != want {
		t.Errorf("%s: the stored form has changed. got\n%s\nwant\n%s", file, got, want)
	}
}

// Stored are all items of a table.
func Stored(t testing.TB, db DB, table string) (items []dynamo.Item) {
	t.Helper()
	in := &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)}
	for {
		page, err := db.Scan(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, page.Items...)
		if in.ExclusiveStartKey = page.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			return items
		}
	}
}

// form writes an item, an attribute a line, the primary key first.
func form(item dynamo.Item) string {
	names := slices.SortedFunc(maps.Keys(item), func(a, b string) int {
		return strings.Compare(keysFirst(a), keysFirst(b))
	})
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\n", name, value(item[name]))
	}
	return b.String()
}

func keysFirst(name string) string {
	switch name {
	case "pk":
		return " 1"
	case "sk":
		return " 2"
	default:
		return name
	}
}

// value writes a value with its type.
func value(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return "S " + strconv.Quote(v.Value)
	case *types.AttributeValueMemberN:
		return "N " + v.Value
	case *types.AttributeValueMemberB:
		return "B " + base64.StdEncoding.EncodeToString(v.Value)
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint("BOOL ", v.Value)
	case *types.AttributeValueMemberNULL:
		return "NULL"
	case *types.AttributeValueMemberSS:
		return fmt.Sprintf("SS %q", v.Value)
	case *types.AttributeValueMemberL:
		parts := make([]string, len(v.Value))
		for i, member := range v.Value {
			parts[i] = value(member)
		}
		return "L [" + strings.Join(parts, ", ") + "]"
	case *types.AttributeValueMemberM:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(v.Value)) {
			parts = append(parts, name+": "+value(v.Value[name]))
		}
		return "M {" + strings.Join(parts, ", ") + "}"
	default:
		return fmt.Sprintf("%T", v)
	}
}
