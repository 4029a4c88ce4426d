package streams

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

func TestEventsLookLikeLambdas(t *testing.T) {
	ttl := types.Record{
		EventName: types.OperationTypeRemove, EventID: aws.String("42"), AwsRegion: aws.String("dynoxide"),
		UserIdentity: &types.Identity{Type: aws.String("Service"), PrincipalId: aws.String("dynamodb.amazonaws.com")},
		Dynamodb: &types.StreamRecord{
			ApproximateCreationDateTime: aws.Time(time.Unix(1480642020, 0)), SequenceNumber: aws.String("42"), SizeBytes: aws.Int64(54),
			Keys: map[string]types.AttributeValue{"pk": s("p")},
			OldImage: map[string]types.AttributeValue{
				"n": &types.AttributeValueMemberN{Value: "12345678901234567890123456789012345678"}, "b": &types.AttributeValueMemberB{Value: []byte{0, 1, 42}},
				"t": &types.AttributeValueMemberBOOL{Value: true}, "z": &types.AttributeValueMemberNULL{Value: true},
				"ss": &types.AttributeValueMemberSS{Value: []string{"a"}}, "ns": &types.AttributeValueMemberNS{Value: []string{"1"}},
				"bs": &types.AttributeValueMemberBS{Value: [][]byte{{1}}},
				"l":  &types.AttributeValueMemberL{Value: []types.AttributeValue{s("x"), &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"y": s("z")}}}},
			},
		},
	}
	m := &Mapping{StreamARN: arn}
	st := &Stream{PartitionKey: "pk", ViewType: types.StreamViewTypeNewAndOldImages}
	it, err := newItem(&ttl, m, st, "shard-1", "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := newItem(&ttl, m, st, "shard-1", "eu-west-1")
	var event events.DynamoDBEvent
	if err := json.Unmarshal(payload([]*item{it, again}), &event); err != nil {
		t.Fatal(err)
	}
	r := event.Records[0]
	if r.EventID != event.Records[1].EventID || len(r.EventID) != 32 {
		t.Errorf("event ID %q, then %q", r.EventID, event.Records[1].EventID)
	}
	if r.AWSRegion != "eu-west-1" || r.EventSource != "aws:dynamodb" || r.EventName != "REMOVE" || r.EventVersion != "1.1" ||
		r.EventSourceArn != strings.Replace(arn, "dynoxide", "eu-west-1", 1) || r.UserIdentity == nil || r.UserIdentity.PrincipalID != "dynamodb.amazonaws.com" || r.UserIdentity.Type != "Service" {
		t.Errorf("%+v", r)
	}
	c := r.Change
	if c.SequenceNumber != "42" || c.SizeBytes != 55 || c.StreamViewType != "NEW_AND_OLD_IMAGES" || c.ApproximateCreationDateTime.Unix() != 1480642020 || c.NewImage != nil {
		t.Errorf("%+v", c)
	}
	old := c.OldImage
	if old["n"].Number() != "12345678901234567890123456789012345678" || string(old["b"].Binary()) != "\x00\x01*" || !old["t"].Boolean() || !old["z"].IsNull() ||
		old["ss"].StringSet()[0] != "a" || old["ns"].NumberSet()[0] != "1" || old["bs"].BinarySet()[0][0] != 1 || old["l"].List()[1].Map()["y"].String() != "z" {
		t.Errorf("%+v", old)
	}
	empty, err := newItem(&types.Record{}, m, st, "shard-1", "eu-west-1")
	if err != nil || !json.Valid(empty.raw) {
		t.Errorf("a record without anything: %v", err)
	}
}

func TestNewRefusesBadMappings(t *testing.T) {
	good := Mapping{Name: "m", Function: "F", StreamARN: arn, BatchSize: 1, ParallelizationFactor: 1}
	for name, change := range map[string]func(*Mapping){
		"no name": func(m *Mapping) { m.Name = "" }, "no batch size": func(m *Mapping) { m.BatchSize = 0 },
		"batch size": func(m *Mapping) { m.BatchSize = 10_001 }, "parallel": func(m *Mapping) { m.ParallelizationFactor = 11 },
		"window": func(m *Mapping) { m.BatchingWindow = 301 * time.Second }, "age": func(m *Mapping) { m.MaximumRecordAge = time.Second },
		"retries": func(m *Mapping) { m.MaximumRetryAttempts = -2 },
	} {
		m := good
		change(&m)
		if _, err := New(Config{Source: newFake(), Invoker: &fakeFunction{}, Mappings: []Mapping{m}, StateFile: "x"}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := New(Config{Source: newFake(), Invoker: &fakeFunction{}, Mappings: []Mapping{good, good}, StateFile: "x"}); err == nil {
		t.Error("one name twice: accepted")
	}
	file := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Source: newFake(), Invoker: &fakeFunction{}, StateFile: file}); err == nil {
		t.Error("a broken state file: accepted")
	}
}
