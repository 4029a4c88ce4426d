package streams

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash/fnv"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// item is one record on its way.
type item struct {
	seq     string
	created time.Time
	key     uint32          // hash of the partition key
	raw     json.RawMessage // the record as Lambda shows it
}

type lambdaRecord struct {
	EventID      string          `json:"eventID"`
	EventName    string          `json:"eventName"`
	EventVersion string          `json:"eventVersion"`
	EventSource  string          `json:"eventSource"`
	Region       string          `json:"awsRegion"`
	UserIdentity *lambdaIdentity `json:"userIdentity,omitempty"`
	Change       lambdaChange    `json:"dynamodb"`
	ARN          string          `json:"eventSourceARN"`
}

type lambdaIdentity struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
}

type lambdaChange struct {
	Created  json.Number    `json:"ApproximateCreationDateTime"` // Lambda writes a floating-point number
	Keys     map[string]any `json:"Keys,omitempty"`
	NewImage map[string]any `json:"NewImage,omitempty"`
	OldImage map[string]any `json:"OldImage,omitempty"`
	Seq      string         `json:"SequenceNumber"`
	Size     int64          `json:"SizeBytes"`
	View     string         `json:"StreamViewType"`
}

// newItem renders a record as Lambda would. Emulators give a region, an event ID and a size of their own: they are replaced,
// the ID by a hash that is the same at every delivery.
func newItem(r *types.Record, m *Mapping, st *Stream, shardID, region string) (*item, error) {
	if r.Dynamodb == nil {
		r.Dynamodb = &types.StreamRecord{}
	}
	d := r.Dynamodb
	seq := deref(d.SequenceNumber)
	id := sha256.Sum256([]byte(m.StreamARN + "\n" + shardID + "\n" + seq))
	out := lambdaRecord{
		EventID: hex.EncodeToString(id[:16]), EventName: string(r.EventName), EventVersion: "1.1",
		EventSource: "aws:dynamodb", Region: region, ARN: withRegion(m.StreamARN, region),
		Change: lambdaChange{
			Created: json.Number(strconv.FormatInt(deref(d.ApproximateCreationDateTime).Unix(), 10) + ".0"), Seq: seq, Size: sizeBytes(d), View: string(d.StreamViewType),
			Keys: image(d.Keys), NewImage: image(d.NewImage), OldImage: image(d.OldImage),
		},
	}
	if out.Change.View == "" {
		out.Change.View = string(st.ViewType)
	}
	if u := r.UserIdentity; u != nil {
		out.UserIdentity = &lambdaIdentity{Type: deref(u.Type), PrincipalID: deref(u.PrincipalId)}
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	return &item{seq: seq, created: deref(d.ApproximateCreationDateTime), key: keyHash(d.Keys[st.PartitionKey]), raw: raw}, nil
}

// sizeBytes is the size of what the record shows: its keys and its images, each attribute's name and value.
func sizeBytes(d *types.StreamRecord) int64 {
	return int64(sizeOf(d.Keys) + sizeOf(d.NewImage) + sizeOf(d.OldImage))
}

func sizeOf(m map[string]types.AttributeValue) (n int) {
	for name, v := range m {
		n += len(name) + valueSize(v)
	}
	return n
}

// valueSize is DynamoDB's size of a value. That of a number is documented as an estimate: a byte, and one for each two digits.
func valueSize(v types.AttributeValue) int {
	n := 0
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return numberSize(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberSS:
		for _, e := range v.Value {
			n += len(e)
		}
	case *types.AttributeValueMemberNS:
		for _, e := range v.Value {
			n += numberSize(e)
		}
	case *types.AttributeValueMemberBS:
		for _, e := range v.Value {
			n += len(e)
		}
	case *types.AttributeValueMemberL:
		n = 3
		for _, e := range v.Value {
			n += 1 + valueSize(e)
		}
	case *types.AttributeValueMemberM:
		n = 3 + len(v.Value) + sizeOf(v.Value)
	default: // true, false, null
		n = 1
	}
	return n
}

func numberSize(s string) int {
	mantissa, _, _ := strings.Cut(strings.ToLower(s), "e")
	digits := strings.Trim(strings.NewReplacer("-", "", "+", "", ".", "").Replace(mantissa), "0")
	n := 1 + (len(digits)+1)/2
	if strings.HasPrefix(s, "-") {
		n++
	}
	return n
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// withRegion replaces the region of an ARN, and fills in an account where an emulator left none.
func withRegion(arn, region string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return arn
	}
	parts[3] = region
	if parts[4] == "" {
		parts[4] = "000000000000"
	}
	return strings.Join(parts, ":")
}

func keyHash(v types.AttributeValue) uint32 {
	h := fnv.New32a()
	b, _ := json.Marshal(attribute(v))
	_, _ = h.Write(b)
	return h.Sum32()
}

// nothingChanged finds the records of writes that changed nothing: DynamoDB leaves none, some emulators do.
func nothingChanged(r *types.Record) bool {
	d := r.Dynamodb
	return d != nil && d.OldImage != nil && d.NewImage != nil && reflect.DeepEqual(d.OldImage, d.NewImage)
}

func image(m map[string]types.AttributeValue) map[string]any {
	if m == nil {
		return nil
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = attribute(v)
	}
	return out
}

// attribute renders a value in DynamoDB's JSON.
func attribute(v types.AttributeValue) any {
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
	case *types.AttributeValueMemberSS:
		return map[string]any{"SS": v.Value}
	case *types.AttributeValueMemberNS:
		return map[string]any{"NS": v.Value}
	case *types.AttributeValueMemberBS:
		list := make([]string, len(v.Value))
		for i, b := range v.Value {
			list[i] = base64.StdEncoding.EncodeToString(b)
		}
		return map[string]any{"BS": list}
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i, e := range v.Value {
			list[i] = attribute(e)
		}
		return map[string]any{"L": list}
	case *types.AttributeValueMemberM:
		return map[string]any{"M": image(v.Value)}
	}
	return map[string]any{}
}

// payload is the event of a batch.
func payload(items []*item) []byte {
	n := len(`{"Records":[]}`)
	for _, it := range items {
		n += len(it.raw) + 1
	}
	b := append(make([]byte, 0, n), `{"Records":[`...)
	for i, it := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, it.raw...)
	}
	return append(b, "]}"...)
}
