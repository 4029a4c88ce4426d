// Package stream reads the events by which a DynamoDB stream calls a Lambda function. Each record is read by itself:
// one that can't be read says so and spoils no other.
package stream

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
)

// Record is one change of one item.
type Record struct {
	ID       string // of the event, the same for every delivery
	Sequence string // of the change in its shard; "" if the record has none
	Kind     string // INSERT, MODIFY or REMOVE
	At       time.Time
	Keys     dynamo.Item
	New, Old dynamo.Item // nil where the event has none
	Expired  bool        // removed by TTL, not by a program
	Raw      []byte      // the record as it came
	Err      error       // why the record can't be read; the fields above but Raw may be incomplete
}

// ErrEvent says that a payload is no stream event at all.
var ErrEvent = errors.New("stream: not a DynamoDB stream event")

// errRecord says that one record can't be read.
var errRecord = errors.New("stream: unreadable record")

// Decode splits an event into its records, in their order.
func Decode(payload []byte) ([]Record, error) {
	var event struct {
		Records []json.RawMessage `json:"Records"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	records := make([]Record, len(event.Records))
	for i, raw := range event.Records {
		records[i] = decodeRecord(raw)
		records[i].Raw = raw
	}
	return records, nil
}

// envelope holds the members that every record has, whatever its images hold.
type envelope struct {
	EventID      string `json:"eventID"`
	EventName    string `json:"eventName"`
	UserIdentity *struct {
		PrincipalID string `json:"principalId"`
	} `json:"userIdentity"`
	Dynamodb struct {
		Created  json.Number    `json:"ApproximateCreationDateTime"`
		Sequence string         `json:"SequenceNumber"`
		Keys     map[string]any `json:"Keys"`
		New      map[string]any `json:"NewImage"`
		Old      map[string]any `json:"OldImage"`
	} `json:"dynamodb"`
}

func decodeRecord(raw json.RawMessage) Record {
	var e envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		// The sequence number is what a partial answer names, so it's looked for even here.
		var least struct {
			EventName string                          `json:"eventName"`
			Dynamodb  struct{ SequenceNumber string } `json:"dynamodb"`
		}
		_ = json.Unmarshal(raw, &least)
		return Record{Sequence: least.Dynamodb.SequenceNumber, Kind: least.EventName, Err: fmt.Errorf("%w: %w", errRecord, err)}
	}
	r := Record{ID: e.EventID, Sequence: e.Dynamodb.Sequence, Kind: e.EventName}
	if seconds, err := e.Dynamodb.Created.Float64(); err == nil {
		r.At = time.UnixMilli(int64(seconds * 1000)).UTC()
	}
	r.Expired = e.EventName == "REMOVE" && e.UserIdentity != nil && e.UserIdentity.PrincipalID == "dynamodb.amazonaws.com"
	for _, image := range []struct {
		from map[string]any
		to   *dynamo.Item
	}{{e.Dynamodb.Keys, &r.Keys}, {e.Dynamodb.New, &r.New}, {e.Dynamodb.Old, &r.Old}} {
		item, err := decodeItem(image.from, 0)
		if err != nil {
			r.Err = err
			continue
		}
		*image.to = item
	}
	return r
}

func decodeItem(raw map[string]any, depth int) (dynamo.Item, error) {
	if raw == nil {
		return nil, nil
	}
	item := make(dynamo.Item, len(raw))
	for name, value := range raw {
		v, err := decodeValue(value, depth)
		if err != nil {
			return nil, err
		}
		item[name] = v
	}
	return item, nil
}

// maxDepth is DynamoDB's own bound on nesting.
const maxDepth = 32

func decodeValue(raw any, depth int) (types.AttributeValue, error) {
	typed, ok := raw.(map[string]any)
	if !ok || len(typed) != 1 || depth > maxDepth {
		return nil, fmt.Errorf("%w: an attribute without its one type", errRecord)
	}
	for name, value := range typed {
		v, err := decodeTyped(name, value, depth)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", errRecord, name, err)
		}
		return v, nil
	}
	return nil, errRecord
}

var errType = errors.New("a value of another type, or an unknown type")

func decodeTyped(name string, raw any, depth int) (types.AttributeValue, error) {
	switch value := raw.(type) {
	case string:
		switch name {
		case "S":
			return &types.AttributeValueMemberS{Value: value}, nil
		case "N":
			return &types.AttributeValueMemberN{Value: value}, nil
		case "B":
			b, err := base64.StdEncoding.DecodeString(value)
			return &types.AttributeValueMemberB{Value: b}, err
		}
	case bool:
		switch name {
		case "BOOL":
			return &types.AttributeValueMemberBOOL{Value: value}, nil
		case "NULL":
			return &types.AttributeValueMemberNULL{Value: value}, nil
		}
	case map[string]any:
		if name == "M" {
			item, err := decodeItem(value, depth+1)
			return &types.AttributeValueMemberM{Value: item}, err
		}
	case []any:
		return decodeMembers(name, value, depth)
	}
	return nil, errType
}

func decodeMembers(name string, members []any, depth int) (types.AttributeValue, error) {
	if name == "L" {
		v := &types.AttributeValueMemberL{Value: make([]types.AttributeValue, len(members))}
		for i, m := range members {
			var err error
			if v.Value[i], err = decodeValue(m, depth+1); err != nil {
				return nil, err
			}
		}
		return v, nil
	}
	texts := make([]string, len(members))
	for i, m := range members {
		text, ok := m.(string)
		if !ok {
			return nil, errType
		}
		texts[i] = text
	}
	switch name {
	case "SS":
		return &types.AttributeValueMemberSS{Value: texts}, nil
	case "NS":
		return &types.AttributeValueMemberNS{Value: texts}, nil
	case "BS":
		v := &types.AttributeValueMemberBS{Value: make([][]byte, len(texts))}
		for i, text := range texts {
			var err error
			if v.Value[i], err = base64.StdEncoding.DecodeString(text); err != nil {
				return nil, err
			}
		}
		return v, nil
	default:
		return nil, errType
	}
}

// Failures is the answer to a batch: the records that weren't handled. Lambda goes on from the first of them, so an
// empty answer means that all is done.
type Failures struct {
	Items []Failure `json:"batchItemFailures"`
}

// Failure names one record by its sequence number.
type Failure struct {
	Sequence string `json:"itemIdentifier"`
}
