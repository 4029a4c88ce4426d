package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
)

// record is what this function reads of a stream record.
type record struct {
	Name   string `json:"eventName"`
	Change struct {
		Sequence string          `json:"SequenceNumber"`
		NewImage json.RawMessage `json:"NewImage"`
	} `json:"dynamodb"`
}

func readBatch(raw []byte) ([]record, error) {
	var batch struct {
		Records []record `json:"Records"`
	}
	err := json.Unmarshal(raw, &batch)
	return batch.Records, err
}

var errImage = errors.New("events: a record without a readable image")

// auditRow reads the audit row that a record inserted; is is false for any other record. Audit rows are written once
// and never changed, so anything but an insertion is no new fact.
func (r record) auditRow() (row audit.Row, is bool, err error) {
	if r.Name != "INSERT" {
		return row, false, nil
	}
	var image map[string]attribute
	if err := json.Unmarshal(r.Change.NewImage, &image); err != nil || image == nil {
		return row, false, errImage
	}
	item := dynamo.Item{}
	for name, a := range image {
		item[name] = a.value
	}
	row, is, err = control.DecodeAudit(item)
	if err == nil && is && (row.ID == "" || row.Action == "" || row.Account == "") {
		return row, true, fmt.Errorf("%w: an audit row without its ID, action or account", errImage)
	}
	return row, is, err
}

// attribute is a value in DynamoDB's JSON. Types that audit rows don't have are read as NULL.
type attribute struct{ value types.AttributeValue }

// UnmarshalJSON reads {"S": "…"} and its like.
func (a *attribute) UnmarshalJSON(raw []byte) error {
	var v struct {
		S    *string               `json:"S"`
		N    *string               `json:"N"`
		Bool *bool                 `json:"BOOL"`
		M    *map[string]attribute `json:"M"`
		L    *[]attribute          `json:"L"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	switch {
	case v.S != nil:
		a.value = &types.AttributeValueMemberS{Value: *v.S}
	case v.N != nil:
		a.value = &types.AttributeValueMemberN{Value: *v.N}
	case v.Bool != nil:
		a.value = &types.AttributeValueMemberBOOL{Value: *v.Bool}
	case v.M != nil:
		m := map[string]types.AttributeValue{}
		for name, one := range *v.M {
			m[name] = one.value
		}
		a.value = &types.AttributeValueMemberM{Value: m}
	case v.L != nil:
		l := make([]types.AttributeValue, len(*v.L))
		for i, one := range *v.L {
			l[i] = one.value
		}
		a.value = &types.AttributeValueMemberL{Value: l}
	default:
		a.value = &types.AttributeValueMemberNULL{Value: true}
	}
	return nil
}
