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

// envelope is what every record has, whatever its images hold.
type envelope struct {
	EventID      string `json:"eventID"`
	EventName    string `json:"eventName"`
	UserIdentity *struct {
		PrincipalID string `json:"principalId"`
	} `json:"userIdentity"`
	Dynamodb struct {
		Created  json.Number                `json:"ApproximateCreationDateTime"`
		Sequence string                     `json:"SequenceNumber"`
		Keys     map[string]json.RawMessage `json:"Keys"`
		New      map[string]json.RawMessage `json:"NewImage"`
		Old      map[string]json.RawMessage `json:"OldImage"`
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
		from map[string]json.RawMessage
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

func decodeItem(raw map[string]json.RawMessage, depth int) (dynamo.Item, error) {
	if raw == nil {
		return nil, nil
	}
	item := make(dynamo.Item, len(raw))
	for name, text := range raw {
		v, err := decodeValue(text, depth)
		if err != nil {
			return nil, err
		}
		item[name] = v
	}
	return item, nil
}

// maxDepth is DynamoDB's own bound on nesting.
const maxDepth = 32

func decodeValue(raw json.RawMessage, depth int) (types.AttributeValue, error) {
	var typed map[string]json.RawMessage
	if err := json.Unmarshal(raw, &typed); err != nil || len(typed) != 1 || depth > maxDepth {
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

func decodeTyped(name string, raw json.RawMessage, depth int) (types.AttributeValue, error) {
	switch name {
	case "S":
		v := &types.AttributeValueMemberS{}
		return v, json.Unmarshal(raw, &v.Value)
	case "N":
		v := &types.AttributeValueMemberN{}
		return v, json.Unmarshal(raw, &v.Value)
	case "B":
		v := &types.AttributeValueMemberB{}
		return v, decodeBinary(raw, &v.Value)
	case "BOOL":
		v := &types.AttributeValueMemberBOOL{}
		return v, json.Unmarshal(raw, &v.Value)
	case "NULL":
		v := &types.AttributeValueMemberNULL{}
		return v, json.Unmarshal(raw, &v.Value)
	case "SS":
		v := &types.AttributeValueMemberSS{}
		return v, json.Unmarshal(raw, &v.Value)
	case "NS":
		v := &types.AttributeValueMemberNS{}
		return v, json.Unmarshal(raw, &v.Value)
	case "L":
		return decodeList(raw, depth)
	case "M":
		var members map[string]json.RawMessage
		if err := json.Unmarshal(raw, &members); err != nil {
			return nil, err
		}
		item, err := decodeItem(members, depth+1)
		return &types.AttributeValueMemberM{Value: item}, err
	case "BS":
		return decodeBinarySet(raw)
	default:
		return nil, errors.New("an unknown type")
	}
}

func decodeList(raw json.RawMessage, depth int) (types.AttributeValue, error) {
	var members []json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	v := &types.AttributeValueMemberL{Value: make([]types.AttributeValue, len(members))}
	for i, m := range members {
		var err error
		if v.Value[i], err = decodeValue(m, depth+1); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func decodeBinarySet(raw json.RawMessage) (types.AttributeValue, error) {
	var members []json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	v := &types.AttributeValueMemberBS{Value: make([][]byte, len(members))}
	for i, m := range members {
		if err := decodeBinary(m, &v.Value[i]); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func decodeBinary(raw json.RawMessage, to *[]byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	b, err := base64.StdEncoding.DecodeString(text)
	*to = b
	return err
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
