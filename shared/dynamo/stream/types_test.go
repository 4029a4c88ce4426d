package stream_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/stream"
)

// TestARecordIsReadAsAWSWritesIt: an event as Lambda sends it, with a value of each type of DynamoDB in each image, beside one that TTL made.
func TestARecordIsReadAsAWSWritesIt(t *testing.T) {
	const first = `{"eventID":"e1","eventName":"MODIFY","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1",
		"dynamodb":{"ApproximateCreationDateTime":1795262400.25,"SequenceNumber":"111","SizeBytes":26,"StreamViewType":"NEW_AND_OLD_IMAGES",
		"Keys":{"pk":{"S":"a"},"sk":{"N":"0"}},
		"NewImage":{"s":{"S":"text"},"n":{"N":"1.5"},"b":{"B":"AQI="},"yes":{"BOOL":true},"no":{"BOOL":false},"null":{"NULL":true},
			"m":{"M":{"inner":{"L":[{"S":"x"},{"M":{"deep":{"N":"7"}}}]}}},"empty":{"M":{}},"l":{"L":[]},
			"ss":{"SS":["x","y"]},"ns":{"NS":["1","2"]},"bs":{"BS":["AQ==","Ag=="]}},
		"OldImage":{"s":{"S":"before"}}},"eventSourceARN":"arn"}`
	const second = `{"eventID":"e2","eventName":"REMOVE","userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"},
		"dynamodb":{"SequenceNumber":"112","Keys":{"pk":{"S":"a"}},"OldImage":{"s":{"S":"x"}}}}`
	records, err := stream.Decode([]byte(`{"Records":[` + first + `,` + second + `]}`))
	if err != nil || len(records) != 2 {
		t.Fatal(records, err)
	}
	want := []stream.Record{{
		ID: "e1", Sequence: "111", Kind: "MODIFY", At: time.UnixMilli(1795262400250).UTC(), Raw: []byte(first),
		Keys: dynamo.Item{"pk": dynamo.S("a"), "sk": dynamo.N(0)},
		New: dynamo.Item{
			"s": dynamo.S("text"), "n": &types.AttributeValueMemberN{Value: "1.5"}, "b": &types.AttributeValueMemberB{Value: []byte{1, 2}},
			"yes": dynamo.Bool(true), "no": dynamo.Bool(false), "null": &types.AttributeValueMemberNULL{Value: true},
			"m": &types.AttributeValueMemberM{Value: dynamo.Item{"inner": &types.AttributeValueMemberL{Value: []types.AttributeValue{
				dynamo.S("x"), &types.AttributeValueMemberM{Value: dynamo.Item{"deep": dynamo.N(7)}},
			}}}},
			"empty": &types.AttributeValueMemberM{Value: dynamo.Item{}}, "l": &types.AttributeValueMemberL{Value: []types.AttributeValue{}},
			"ss": &types.AttributeValueMemberSS{Value: []string{"x", "y"}}, "ns": &types.AttributeValueMemberNS{Value: []string{"1", "2"}},
			"bs": &types.AttributeValueMemberBS{Value: [][]byte{{1}, {2}}},
		},
		Old: dynamo.Item{"s": dynamo.S("before")},
	}, {
		ID: "e2", Sequence: "112", Kind: "REMOVE", Raw: []byte(second), Expired: true, Keys: dynamo.Item{"pk": dynamo.S("a")}, Old: dynamo.Item{"s": dynamo.S("x")},
	}}
	for i := range want {
		if !reflect.DeepEqual(records[i], want[i]) {
			t.Errorf("record %d: got %+v\nwant %+v", i, records[i], want[i])
		}
	}
}

// TestOnlyTTLExpires: another service or person that removes, and TTL's own name on another kind of change, are no expiry.
func TestOnlyTTLExpires(t *testing.T) {
	for record, want := range map[string]bool{
		`{"eventName":"REMOVE","userIdentity":{"principalId":"dynamodb.amazonaws.com"}}`: true,
		`{"eventName":"REMOVE","userIdentity":{"principalId":"AIDAEXAMPLE"}}`:            false,
		`{"eventName":"REMOVE","userIdentity":{}}`:                                       false,
		`{"eventName":"REMOVE"}`: false,
		`{"eventName":"MODIFY","userIdentity":{"principalId":"dynamodb.amazonaws.com"}}`: false,
	} {
		if records, err := stream.Decode([]byte(`{"Records":[` + record + `]}`)); err != nil || records[0].Err != nil || records[0].Expired != want {
			t.Errorf("%s: %+v, %v", record, records, err)
		}
	}
}

// TestAValueOfNoTypeSpoilsItsRecordAlone: each way in which a value can be wrong, on any level. The record says so, keeps its number, which
// a partial answer needs, and leaves the others alone.
func TestAValueOfNoTypeSpoilsItsRecordAlone(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"M":{"x":`, n) + `{"S":"x"}` + strings.Repeat(`}}`, n) }
	for value, good := range map[string]bool{
		`{"S":"x"}`: true, `{"S":1}`: false, `{"S":null}`: false, `{"N":1}`: false, `{"B":"%"}`: false, `{"BOOL":"true"}`: false, `{"NULL":"x"}`: false,
		`{"X":"x"}`: false, `{}`: false, `{"S":"x","N":"1"}`: false, `"x"`: false, `null`: false, `{"M":[]}`: false, `{"L":{}}`: false, `{"S":{}}`: false,
		`{"M":{"x":{"S":1}}}`: false, `{"L":[{"S":1}]}`: false, `{"L":["x"]}`: false, `{"SS":["x",1]}`: false, `{"NS":[1]}`: false, `{"BS":["%"]}`: false, `{"XS":["x"]}`: false,
		deep(32): true, deep(33): false,
	} {
		event := fmt.Sprintf(`{"Records":[{"eventID":"e1","eventName":"INSERT","dynamodb":{"SequenceNumber":"1","NewImage":{"v":%s}}},
			{"eventID":"e2","eventName":"INSERT","dynamodb":{"SequenceNumber":"2","NewImage":{"v":{"S":"x"}}}}]}`, value)
		records, err := stream.Decode([]byte(event))
		if err != nil || len(records) != 2 || (records[0].Err == nil) != good || records[0].Sequence != "1" || records[0].Kind != "INSERT" || (records[0].New != nil) != good {
			t.Errorf("%s: %+v, %v", value, records, err)
			continue
		}
		if records[1].Err != nil || !reflect.DeepEqual(records[1].New, dynamo.Item{"v": dynamo.S("x")}) {
			t.Errorf("%s: the next record is %+v", value, records[1])
		}
	}
	for _, event := range []string{`x`, `[]`, `{"Records":{}}`, ``} {
		if records, err := stream.Decode([]byte(event)); !errors.Is(err, stream.ErrEvent) || records != nil {
			t.Errorf("%q: %v, %v", event, records, err)
		}
	}
}
