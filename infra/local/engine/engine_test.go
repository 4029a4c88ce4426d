package engine

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"latchkey/infra/local/iam"
	"latchkey/infra/local/template"
)

const tables = `
Resources:
  Tee:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{ AttributeName: pk, AttributeType: S }, { AttributeName: sk, AttributeType: N }, { AttributeName: g, AttributeType: S }]
      KeySchema: [{ AttributeName: pk, KeyType: HASH }, { AttributeName: sk, KeyType: RANGE }]
      INDEX
      TimeToLiveSpecification: { AttributeName: ttl, Enabled: true }
      StreamSpecification: { StreamViewType: NEW_AND_OLD_IMAGES }
`

const index = `GlobalSecondaryIndexes: [{ IndexName: by-g, KeySchema: [{ AttributeName: g, KeyType: HASH }], Projection: { ProjectionType: ALL } }]`

func parse(t *testing.T, index string) *template.Template {
	t.Helper()
	text := strings.Replace(tables, "INDEX", index, 1)
	if index == "" {
		text = strings.Replace(text, ", { AttributeName: g, AttributeType: S }", "", 1)
	}
	tpl, err := template.Parse([]byte(text), ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

var local = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
})

func run(t *testing.T, dir string) (*Engine, *dynamodb.Client) {
	t.Helper()
	return guarded(t, dir, nil)
}

// guarded is run with somebody who stops functions.
func guarded(t *testing.T, dir string, guard *iam.Guard) (*Engine, *dynamodb.Client) {
	t.Helper()
	binary := os.Getenv("DYNOXIDE")
	if binary == "" {
		var err error
		if binary, err = Binary("..", ""); err != nil {
			t.Fatal(err) // `npm ci --prefix infra/local` is part of every build
		}
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	e, err := Start(t.Context(), binary, dir, null, guard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	return e, NewClient(e.Endpoint, "us-east-1", local)
}

func put(t *testing.T, c *dynamodb.Client, pk string) {
	t.Helper()
	_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("Tee"), Item: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberN{Value: "1"},
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTablesAreMadeFromTheTemplateAndKeptOnTheNextRun(t *testing.T) {
	dir := t.TempDir()
	e, c := run(t, dir)
	for range 2 { // the second time they exist
		if err := CreateTables(t.Context(), c, parse(t, index)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("Tee")})
	if err != nil || len(out.Table.GlobalSecondaryIndexes) != 1 || aws.ToString(out.Table.LatestStreamArn) == "" {
		t.Fatalf("%v %v", out, err)
	}
	put(t, c, "kept")
	e.Stop()
	_, c = run(t, dir)
	if err := CreateTables(t.Context(), c, parse(t, index)); err != nil {
		t.Fatal(err)
	}
	scan, err := c.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("Tee")})
	if err != nil || len(scan.Items) != 1 {
		t.Fatalf("%v %v", scan, err)
	}
}

// The tables hold hashes and texts of customers: their files are their owner's, in whatever folder, those of earlier runs too.
func TestTheFilesOfTheTablesAreTheirOwners(t *testing.T) {
	dir := t.TempDir()
	modes := func() {
		t.Helper()
		files, _ := filepath.Glob(filepath.Join(dir, "dynamodb.db*"))
		if len(files) == 0 {
			t.Error("there is no file")
		}
		for _, f := range files {
			if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v %v", filepath.Base(f), info.Mode(), err)
			}
		}
	}
	e, c := run(t, dir)
	if err := CreateTables(t.Context(), c, parse(t, index)); err != nil {
		t.Fatal(err)
	}
	modes()
	e.Stop()
	if err := os.Chmod(filepath.Join(dir, "dynamodb.db"), 0o644); err != nil { //nolint:gosec // as an earlier run made it
		t.Fatal(err)
	}
	_, c = run(t, dir)
	put(t, c, "a")
	modes()
}

// A later template may have an index that an earlier one hadn't: what is in the table is in the index.
func TestATableGetsTheIndexThatItLacks(t *testing.T) {
	_, c := run(t, t.TempDir())
	if err := CreateTables(t.Context(), c, parse(t, "")); err != nil {
		t.Fatal(err)
	}
	for _, pk := range []string{"in", "out"} {
		put(t, c, pk)
	}
	_, err := c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String("Tee"), UpdateExpression: aws.String("SET g = :g"), ExpressionAttributeValues: map[string]types.AttributeValue{":g": &types.AttributeValueMemberS{Value: "x"}},
		Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "in"}, "sk": &types.AttributeValueMemberN{Value: "1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is there
		if err := CreateTables(t.Context(), c, parse(t, index)); err != nil {
			t.Fatal(err)
		}
	}
	found, err := c.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("Tee"), IndexName: aws.String("by-g")})
	if err != nil || len(found.Items) != 1 {
		t.Errorf("%v, %v", found, err)
	}
	err = CreateTables(t.Context(), c, parse(t, strings.ReplaceAll(index, "AttributeName: g,", "AttributeName: sk,")))
	if err == nil || !strings.Contains(err.Error(), `table Tee: exists with another index "by-g"`) {
		t.Errorf("%v", err)
	}
}

func TestOldStreamRecordsGoAndSequenceNumbersGoOn(t *testing.T) {
	dir := t.TempDir()
	e, c := run(t, dir)
	if err := CreateTables(t.Context(), c, parse(t, index)); err != nil {
		t.Fatal(err)
	}
	put(t, c, "a")
	put(t, c, "b")
	e.Stop()
	file := filepath.Join(dir, "dynamodb.db")
	n, err := TrimStreamLog(t.Context(), file, time.Now().Add(25*time.Hour))
	if err != nil || n != 1 {
		t.Fatalf("deleted %d (%v), want the older of two", n, err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	var indexes int
	err = db.QueryRow("SELECT count(*) FROM sqlite_master WHERE type = 'index' AND tbl_name = '_stream_records'").Scan(&indexes) //nolint:noctx // a test
	if err != nil || indexes != 1 {
		t.Fatalf("%d indexes (%v), want one", indexes, err)
	}
	_ = db.Close()
	e, c = run(t, dir)
	put(t, c, "c")
	if got := sequences(t, e, c); len(got) != 2 || got[0] != "2" || got[1] != "3" {
		t.Fatalf("sequence numbers %v, want 2 and 3", got)
	}
}

func sequences(t *testing.T, e *Engine, c *dynamodb.Client) []string {
	t.Helper()
	out, err := c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("Tee")})
	if err != nil {
		t.Fatal(err)
	}
	s := dynamodbstreams.New(dynamodbstreams.Options{Region: "us-east-1", BaseEndpoint: &e.Endpoint, Credentials: local})
	d, err := s.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: out.Table.LatestStreamArn})
	if err != nil {
		t.Fatal(err)
	}
	it, err := s.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{
		StreamArn: out.Table.LatestStreamArn, ShardId: d.StreamDescription.Shards[0].ShardId, ShardIteratorType: "TRIM_HORIZON",
	})
	if err != nil {
		t.Fatal(err)
	}
	recs, err := s.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: it.ShardIterator})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, r := range recs.Records {
		list = append(list, aws.ToString(r.Dynamodb.SequenceNumber))
	}
	return list
}
