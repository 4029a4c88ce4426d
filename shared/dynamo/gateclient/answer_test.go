package gateclient_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"pgregory.net/rapid"

	"latchkey/shared/dynamo"
)

// plain is an item, or a value, as JSON holds it.
func plain(item dynamo.Item) map[string]any {
	out := map[string]any{}
	for name, v := range item {
		out[name] = plainValue(v)
	}
	return out
}

func plainValue(v types.AttributeValue) map[string]any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": v.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": v.Value}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}
	case *types.AttributeValueMemberNULL:
		return map[string]any{"NULL": v.Value}
	case *types.AttributeValueMemberB:
		return map[string]any{"B": base64.StdEncoding.EncodeToString(v.Value)}
	case *types.AttributeValueMemberSS:
		return map[string]any{"SS": append([]string{}, v.Value...)}
	case *types.AttributeValueMemberNS:
		return map[string]any{"NS": append([]string{}, v.Value...)}
	case *types.AttributeValueMemberBS:
		return map[string]any{"BS": append([][]byte{}, v.Value...)}
	case *types.AttributeValueMemberM:
		return map[string]any{"M": plain(v.Value)}
	case *types.AttributeValueMemberL:
		list := []any{}
		for _, e := range v.Value {
			list = append(list, plainValue(e))
		}
		return map[string]any{"L": list}
	default:
		panic(fmt.Sprintf("%T", v))
	}
}

// same fails the test unless both clients read the same of an answer.
func same(t interface {
	Helper()
	Fatalf(string, ...any)
}, w *wire, got, want dynamo.Item, gateErr, sdkErr error,
) {
	t.Helper()
	if (gateErr == nil) != (sdkErr == nil) || !reflect.DeepEqual(got, want) {
		t.Fatalf("%d %s is read as\n%v, %v; the SDK's client reads\n%v, %v", w.status, w.answer, got, gateErr, want, sdkErr)
	}
	var code, wantedCode smithy.APIError
	if errors.As(gateErr, &code) != errors.As(sdkErr, &wantedCode) || code != nil && code.ErrorCode() != wantedCode.ErrorCode() {
		t.Fatalf("%d %s is the error %v; of the SDK's client it is %v", w.status, w.answer, gateErr, sdkErr)
	}
	if dynamo.Throttled(gateErr) != dynamo.Throttled(sdkErr) {
		t.Fatalf("%d %s is a throttle: %v", w.status, w.answer, dynamo.Throttled(gateErr))
	}
	var failed, wantedFailed *types.ConditionalCheckFailedException
	if errors.As(sdkErr, &wantedFailed) {
		if !errors.As(gateErr, &failed) || !reflect.DeepEqual(failed.Item, wantedFailed.Item) {
			t.Fatalf("%d %s is the failed condition %v, want that of %v", w.status, w.answer, gateErr, wantedFailed.Item)
		}
	}
}

// TestAnAnswerIsReadAsTheSDKsClientReadsIt: with each type of attribute, with what stands beside the item, or without one.
func TestAnAnswerIsReadAsTheSDKsClientReadsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		operation := rapid.SampledFrom([]string{"GetItem", "PutItem", "UpdateItem"}).Draw(t, "operation")
		document := map[string]any{}
		switch rapid.IntRange(0, 9).Draw(t, "item") {
		case 0:
		case 1:
			document[itemIn(operation)] = nil
		default:
			document[itemIn(operation)] = plain(genItem(t, 3))
		}
		if rapid.Bool().Draw(t, "capacity") {
			document["ConsumedCapacity"] = map[string]any{"TableName": "t", "CapacityUnits": 0.5}
		}
		if rapid.Bool().Draw(t, "something new") {
			document[genText(t, "name")+" "] = rapid.SampledFrom([]any{nil, 1e9, "x", true, []any{map[string]any{}}}).Draw(t, "value")
		}
		w := &wire{answer: marshal(t, document)}
		gate, sdk := both(access, w)
		got, gateErr := operations[operation](t.Context(), gate)
		want, sdkErr := operations[operation](t.Context(), sdk)
		if gateErr != nil {
			t.Fatalf("%s: %v", w.answer, gateErr)
		}
		same(t, w, got, want, gateErr, sdkErr)
	})
}

func marshal(t *rapid.T, document any) []byte {
	raw, err := json.MarshalIndent(document, "", rapid.SampledFrom([]string{"", "\t"}).Draw(t, "indent"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// codes are DynamoDB's, those of AWS's front, and one of nobody.
var codes = []string{
	"ConditionalCheckFailedException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException", "InternalServerError", "ResourceNotFoundException",
	"ItemCollectionSizeLimitExceededException", "TransactionConflictException", "ReplicatedWriteConflictException", "InvalidEndpointException", "ValidationException", "AccessDeniedException",
	"UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException", "MissingAuthenticationTokenException", "SerializationException", "LimitExceededException",
	"ServiceUnavailable", "SlowDown", "TransactionInProgressException", "Throttling", "UnknownOperationException", "Of Nobody",
}

// TestARefusalIsTheSDKsError: of its code, wherever that stands, a throttle where it is one for the SDK, and a failed condition with its item.
func TestARefusalIsTheSDKsError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		operation := rapid.SampledFrom([]string{"PutItem", "UpdateItem"}).Draw(t, "operation")
		form := rapid.SampledFrom([]string{"com.amazonaws.dynamodb.v20120810#%s", "%s", "%s:http://internal.amazon.com/", "aws#%s:more"})
		code := func() string { return fmt.Sprintf(form.Draw(t, "form"), rapid.SampledFrom(codes).Draw(t, "code")) }
		w := &wire{status: rapid.SampledFrom([]int{400, 403, 413, 500, 503, 302}).Draw(t, "status"), header: http.Header{}, answer: []byte{}}
		document := map[string]any{}
		for _, name := range []string{"__type", "code", "Code"} {
			if rapid.Bool().Draw(t, name) {
				document[name] = code()
			}
		}
		if rapid.IntRange(0, 3).Draw(t, "in the header") == 0 {
			w.header.Set("X-Amzn-Errortype", code())
		}
		if rapid.IntRange(0, 9).Draw(t, "a code that is no text") == 0 {
			document["code"] = 7
		}
		if rapid.Bool().Draw(t, "message") {
			document[rapid.SampledFrom([]string{"message", "Message"}).Draw(t, "name")] = genText(t, "text")
		}
		if rapid.Bool().Draw(t, "item") {
			document["Item"] = plain(genItem(t, 2))
		}
		if rapid.IntRange(0, 9).Draw(t, "empty") > 0 {
			w.answer = marshal(t, document)
		}
		gate, sdk := both(access, w)
		got, gateErr := operations[operation](t.Context(), gate)
		want, sdkErr := operations[operation](t.Context(), sdk)
		if gateErr == nil {
			t.Fatalf("%d %s is no error", w.status, w.answer)
		}
		same(t, w, got, want, gateErr, sdkErr)
	})
}

// TestAnAnswerThatIsNotWellFormedIsAnError: never an item that isn't there, and never a condition that failed.
func TestAnAnswerThatIsNotWellFormedIsAnError(t *testing.T) {
	deep := func(levels int) string {
		return `{"Attributes":{"a":` + strings.Repeat(`{"M":{"a":`, levels) + `{"S":"x"}` + strings.Repeat("}}", levels) + "}}"
	}
	for _, text := range []string{
		"", " ", "null", "[]", `""`, "{", "{}x", "{}{}", "<html>", `{"Attributes":1}`, `{"Attributes":[]}`, `{"Attributes":{}`, `{"Attributes":{},}`, `{"Attributes":{},"Attributes":{}}`,
		`{"Attributes":{"a":null}}`, `{"Attributes":{"a":"x"}}`, `{"Attributes":{"a":{}}}`, `{"Attributes":{"a":{"S":"x","N":"1"}}}`, `{"Attributes":{"a":{"S":"x","S":"y"}}}`, `{"Attributes":{"a":{"X":"x"}}}`,
		`{"Attributes":{"a":{"S":"x"},"a":{"S":"y"}}}`, `{"Attributes":{"a":{"S":1}}}`, `{"Attributes":{"a":{"S":null}}}`, `{"Attributes":{"a":{"N":1}}}`, `{"Attributes":{"a":{"BOOL":"true"}}}`,
		`{"Attributes":{"a":{"BOOL":tru}}}`, `{"Attributes":{"a":{"NULL":null}}}`, `{"Attributes":{"a":{"B":"x"}}}`, `{"Attributes":{"a":{"B":1}}}`, `{"Attributes":{"a":{"L":{}}}}`, `{"Attributes":{"a":{"L":[1]}}}`,
		`{"Attributes":{"a":{"M":[]}}}`, `{"Attributes":{"a":{"SS":["x",1]}}}`, `{"Attributes":{"a":{"NS":"1"}}}`, `{"Attributes":{"a":{"BS":["x"]}}}`, `{"Attributes":{"a":{"S":"\x"}}}`, "{\"Attributes\":{\"a\":{\"S\":\"\xff\"}}}",
		deep(1000), deep(39),
	} {
		w := &wire{answer: []byte(text)}
		gate, _ := both(access, w)
		if item, err := operations["UpdateItem"](t.Context(), gate); err == nil || item != nil {
			t.Errorf("%.80q is read as %v", text, item)
		}
		w.status, w.answer = 400, []byte(`{"__type":"ConditionalCheckFailedException","Item":{"a":{"S":"x"}},`+strings.TrimPrefix(strings.ReplaceAll(text, "Attributes", "Item"), "{"))
		if strings.Contains(text, "Attributes") {
			var failed *types.ConditionalCheckFailedException
			if _, err := operations["UpdateItem"](t.Context(), gate); err == nil || errors.As(err, &failed) {
				t.Errorf("%.120q is a failed condition with %v", w.answer, failed)
			}
		}
	}
	w := &wire{answer: []byte(deep(31))} // DynamoDB has 32 levels
	gate, sdk := both(access, w)
	got, gateErr := operations["UpdateItem"](t.Context(), gate)
	want, sdkErr := operations["UpdateItem"](t.Context(), sdk)
	if same(t, w, got, want, gateErr, sdkErr); gateErr != nil {
		t.Error(gateErr)
	}
}

// FuzzAnAnswerIsReadAsTheSDKsClientReadsIt: what the gate's client takes, the SDK's takes, and reads the same; and what the SDK's client reads, the
// gate's reads once it is written plainly.
func FuzzAnAnswerIsReadAsTheSDKsClientReadsIt(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"Attributes":{"a":{"S":"\ud83d\ude00"},"b":{"N":"1"},"c":{"BOOL":true},"d":{"L":[{"NULL":true}]},"e":{"M":{"f":{"B":"AA=="}}},"g":{"SS":["x"]}}}`,
		`{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"m","Item":{"pk":{"S":"x"}}}`, `{"Attributes":null,"ConsumedCapacity":{}}`,
	} {
		f.Add(200, "", []byte(text))
		f.Add(400, "ThrottlingException", []byte(text))
	}
	f.Fuzz(func(t *testing.T, status int, code string, text []byte) {
		if status < 200 || status > 599 {
			return
		}
		w := &wire{status: status, header: http.Header{}, answer: text}
		if code != "" {
			w.header.Set("X-Amzn-Errortype", code)
		}
		gate, sdk := both(access, w)
		got, gateErr := operations["UpdateItem"](t.Context(), gate)
		want, sdkErr := operations["UpdateItem"](t.Context(), sdk)
		var read, reads smithy.APIError
		if gateErr == nil || errors.As(gateErr, &read) && errors.As(sdkErr, &reads) && read.ErrorCode() == reads.ErrorCode() {
			same(t, w, got, want, gateErr, sdkErr)
			return
		}
		if read != nil && (reads == nil || !strings.EqualFold(read.ErrorCode(), reads.ErrorCode())) { // the SDK knows its own codes in any case
			t.Fatalf("%d %s is %v; the SDK's client says %v", status, text, gateErr, sdkErr)
		}
		if sdkErr != nil || !whole(want) {
			return
		}
		raw, err := json.Marshal(map[string]any{"Attributes": plain(want)})
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			raw = []byte("{}")
		}
		w.answer = raw
		if got, err := operations["UpdateItem"](t.Context(), gate); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s is read as %v, %v, want %v", raw, got, err, want)
		}
	})
}

// whole reports whether an item is one that DynamoDB could send: each attribute has a value of a known type, none nests too deeply.
func whole(item dynamo.Item) bool {
	for _, v := range item {
		if !wholeValue(v, 32) {
			return false
		}
	}
	return true
}

func wholeValue(v types.AttributeValue, depth int) bool {
	switch v := v.(type) {
	case nil, *types.UnknownUnionMember:
		return false
	case *types.AttributeValueMemberM:
		for _, e := range v.Value {
			if !wholeValue(e, depth-1) {
				return false
			}
		}
	case *types.AttributeValueMemberL:
		for _, e := range v.Value {
			if !wholeValue(e, depth-1) {
				return false
			}
		}
	}
	return depth > 0
}
