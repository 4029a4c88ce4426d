package keytest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
)

// StreamRecord is the record with which a stream tells a Lambda function of a new item.
func StreamRecord(sequence, kind string, item dynamo.Item) json.RawMessage {
	record := map[string]any{
		"eventID": "event-" + sequence, "eventName": kind, "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
		"eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/slices/stream/2026-11-21T00:00:00.000",
		"dynamodb": map[string]any{
			"ApproximateCreationDateTime": 1795262400, "SequenceNumber": sequence, "SizeBytes": 100, "StreamViewType": "NEW_IMAGE",
			"Keys": DynamoJSON(dynamo.Item{"pk": item["pk"], "sk": item["sk"]}), "NewImage": DynamoJSON(item),
		},
	}
	raw, err := json.Marshal(record)
	if err != nil {
		panic(err) // maps and strings marshal
	}
	return raw
}

// StreamEvent is the event of a batch of records.
func StreamEvent(records ...json.RawMessage) []byte {
	texts := make([]string, len(records))
	for i, r := range records {
		texts[i] = string(r)
	}
	return []byte(`{"Records":[` + strings.Join(texts, ",") + `]}`)
}

// DynamoJSON is an item as DynamoDB sends it.
func DynamoJSON(item dynamo.Item) map[string]any {
	out := make(map[string]any, len(item))
	for name, v := range item {
		if v != nil {
			out[name] = typed(v)
		}
	}
	return out
}

// typed is a value in DynamoDB's JSON.
func typed(v types.AttributeValue) map[string]any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": v.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": v.Value}
	case *types.AttributeValueMemberB:
		return map[string]any{"B": base64.StdEncoding.EncodeToString(v.Value)}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}
	case *types.AttributeValueMemberNULL:
		return map[string]any{"NULL": true}
	case *types.AttributeValueMemberM:
		return map[string]any{"M": DynamoJSON(v.Value)}
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i := range v.Value {
			list[i] = typed(v.Value[i])
		}
		return map[string]any{"L": list}
	default:
		panic(fmt.Sprintf("keytest: no DynamoDB JSON for a %T", v))
	}
}
