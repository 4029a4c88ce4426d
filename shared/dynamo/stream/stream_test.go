package stream_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo/stream"
)

func record(dynamodb string) string {
	return `{"eventID":"e","eventName":"INSERT","dynamodb":` + dynamodb + `}`
}

func decode(t *testing.T, records ...string) []stream.Record {
	t.Helper()
	got, err := stream.Decode([]byte(`{"Records":[` + strings.Join(records, ",") + `]}`))
	if err != nil || len(got) != len(records) {
		t.Fatalf("got %d records, %v", len(got), err)
	}
	return got
}

func TestEveryAttributeTypeIsRead(t *testing.T) {
	got := decode(t, record(`{"ApproximateCreationDateTime":1479499740.5,"SequenceNumber":"13021600000000001596893679",
		"Keys":{"pk":{"S":"a"}},"NewImage":{"s":{"S":"é"},"n":{"N":"12345678901234567890123456789012345678"},"b":{"B":"AAEC"},
		"t":{"BOOL":true},"z":{"NULL":true},"ss":{"SS":["a"]},"ns":{"NS":["1"]},"bs":{"BS":["AA=="]},"l":{"L":[{"S":"x"},{"M":{"y":{"N":"1"}}}]}}}`))[0]
	if got.Err != nil || got.ID != "e" || got.Kind != "INSERT" || got.Sequence != "13021600000000001596893679" || got.Old != nil || len(got.New) != 9 {
		t.Fatalf("got %+v", got)
	}
	if got.At.UnixMilli() != 1479499740500 {
		t.Errorf("created %v", got.At)
	}
	if n := got.New["n"].(*types.AttributeValueMemberN); n.Value != "12345678901234567890123456789012345678" {
		t.Errorf("38 digits became %s", n.Value)
	}
}

func TestOneUnreadableRecordSpoilsNoOther(t *testing.T) {
	const good = `{"SequenceNumber":"1","Keys":{"pk":{"S":"a"}},"NewImage":{"a":{"S":"x"}}}`
	for name, bad := range map[string]string{
		"unknown type":    record(`{"SequenceNumber":"7","NewImage":{"a":{"Q":"x"}}}`),
		"no type":         record(`{"SequenceNumber":"7","NewImage":{"a":{}}}`),
		"two types":       record(`{"SequenceNumber":"7","NewImage":{"a":{"S":"x","N":"1"}}}`),
		"not base64":      record(`{"SequenceNumber":"7","NewImage":{"a":{"B":"!"}}}`),
		"image is a list": record(`{"SequenceNumber":"7","NewImage":[]}`),
		"wrong JSON type": record(`{"SequenceNumber":"7","NewImage":{"a":{"S":1}}}`),
		"too deep":        record(`{"SequenceNumber":"7","NewImage":{"a":` + strings.Repeat(`{"L":[`, 40) + `{"S":""}` + strings.Repeat(`]}`, 40) + `}}`),
	} {
		got := decode(t, record(good), bad, record(good))
		if got[0].Err != nil || got[2].Err != nil {
			t.Errorf("%s: spoils its neighbours", name)
		}
		if got[1].Err == nil || got[1].Sequence != "7" {
			t.Errorf("%s: got %+v", name, got[1])
		}
	}
}

func TestMissingImagesAreNil(t *testing.T) {
	got := decode(t, record(`{"SequenceNumber":"1"}`), `{}`)
	for _, r := range got {
		if r.Err != nil || r.New != nil || r.Old != nil || r.Keys != nil {
			t.Errorf("got %+v", r)
		}
	}
}

func TestExpiryIsToldFromDeletion(t *testing.T) {
	const ttl = `"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}`
	got := decode(t, `{"eventName":"REMOVE",`+ttl+`}`, `{"eventName":"REMOVE"}`, `{"eventName":"MODIFY",`+ttl+`}`)
	if !got[0].Expired || got[1].Expired || got[2].Expired {
		t.Errorf("got %v %v %v", got[0].Expired, got[1].Expired, got[2].Expired)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"Records":[` + record(`{"SequenceNumber":"1","NewImage":{"a":{"L":[{"N":"1"}]}}}`) + `]}`))
	f.Add([]byte(`{"Records":[null,1,[],{"dynamodb":null}]}`))
	f.Fuzz(func(_ *testing.T, payload []byte) {
		_, _ = stream.Decode(payload) // must not panic
	})
}
