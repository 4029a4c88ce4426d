package main

import (
	"errors"
	"fmt"

	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/stream"
)

var errImage = errors.New("events: a record without a readable image")

// auditRow reads the audit row that a record inserted; is is false for any other record. Audit rows are written once
// and changed by nothing but the erasure of a person, so anything but an insertion is no new fact.
func auditRow(r stream.Record) (row audit.Row, is bool, err error) {
	if r.Kind != "INSERT" {
		return row, false, nil
	}
	if r.Err != nil || r.New == nil {
		return row, false, errImage
	}
	row, is, err = control.DecodeAudit(r.New)
	if err == nil && is && (row.ID == "" || row.Action == "" || row.Account == "") {
		return row, true, fmt.Errorf("%w: an audit row without its ID, action or account", errImage)
	}
	return row, is, err
}
