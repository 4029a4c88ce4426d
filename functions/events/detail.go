package main

import (
	"encoding/json"
	"strings"

	"latchkey/shared/audit"
	"latchkey/shared/moment"
)

// source is the source of all events.
const source = "latchkey"

// detail is version 1 of what an event says; schemas/change.v1.json describes it. Members are added within a version,
// never changed or removed.
type detail struct {
	Version   string   `json:"version"`
	ID        string   `json:"id"` // the same for each delivery of a change
	Time      string   `json:"time"`
	Action    string   `json:"action"`
	AccountID string   `json:"account_id"`
	KeyID     string   `json:"key_id,omitempty"`
	Actor     actor    `json:"actor"`
	RequestID string   `json:"request_id"`
	Changes   []change `json:"changes"`
}

// actor leaves the e-mail out: a bus has readers that the audit trail doesn't have.
type actor struct {
	Subject string `json:"subject"`
	Role    string `json:"role"`
}

type change struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

func detailOf(row audit.Row) detail {
	d := detail{
		Version: "1", ID: "evt_" + strings.TrimPrefix(row.ID, "aud_"), Time: moment.Format(row.At),
		Action: row.Action, AccountID: string(row.Account), KeyID: row.KeyID, RequestID: row.RequestID,
		Actor: actor{Subject: row.Actor.Subject.ID, Role: row.Actor.Role}, Changes: []change{},
	}
	for _, c := range row.Changes {
		if c.Field != "email" {
			d.Changes = append(d.Changes, change{Field: c.Field, Before: fact(c.Before), After: fact(c.After)})
		}
	}
	return d
}

// fact is a stored fact as JSON.
func fact(text string) json.RawMessage {
	switch {
	case text == "":
		return nil
	case json.Valid([]byte(text)):
		return json.RawMessage(text)
	default:
		quoted, _ := json.Marshal(text)
		return quoted
	}
}

// detailTypes names the events. An action that isn't listed is named by its own words.
var detailTypes = map[string]string{
	"key.create":           "Key Created",
	"key.edit":             "Key Changed",
	"key.disable":          "Key Disabled",
	"key.enable":           "Key Enabled",
	"key.revoke":           "Key Revoked",
	"key.delete":           "Key Deleted",
	"key.restore":          "Key Restored",
	"key.reveal":           "Key Secret Revealed",
	"key.block":            "Key Blocked",
	"key.unblock":          "Key Unblocked",
	"key.expose":           "Key Secret Exposed",
	"key.lift_exposure":    "Key Exposure Lifted",
	"key.propose":          "Key Restrictions Proposed",
	"key.drop_proposal":    "Key Proposal Dropped",
	"key.promote_proposal": "Key Proposal Promoted",
	"key.rotate":           "Key Rotated",
	"key.rotation_end":     "Key Rotation Ended",
	"key.rotation_extend":  "Key Rotation Extended",
	"key.rotation_cancel":  "Key Rotation Cancelled",
	"key.rotation_policy":  "Key Rotation Policy Changed",
	"key.lower_limit":      "Key Limit Lowered",
	"key.raise_limit":      "Key Limit Raised",
	"key.set_limit":        "Key Limit Set",
	"key.set_quota":        "Key Quota Set",
	"key.billing_type":     "Key Billing Type Changed",

	"key.rotation_announced": "Key Rotation Announced",
	"key.deliver":            "Key Secret Delivered",
	"key.delivery_failed":    "Key Delivery Failed",
	"key.delivery_outdated":  "Key Delivery Outdated",
	"key.delivery_end":       "Key Delivery Ended",
	"key.limit_end":          "Key Limit Ended",
	"key.reseal":             "Key Secret Sealed Again",

	"key.account_type":    "Key Account Type Changed",
	"key.purge":           "Key Purged",
	"account.create":      "Account Created",
	"account.edit":        "Account Changed",
	"account.type.begin":  "Account Type Change Begun",
	"account.type.refuse": "Account Type Change Refused",
	"account.type.end":    "Account Type Change Ended",
	"account.type":        "Account Type Changed",
	"account.suspend":     "Account Suspended",
	"account.resume":      "Account Resumed",
	"account.set_limit":   "Account Limit Set",
	"account.set_quota":   "Account Quota Set",
	"account.policy":      "Account Policy Changed",

	"account.quota_reached": "Account Quota Reached",

	"account.accept":      "Account Accepted Paths",
	"account.close.begin": "Account Closure Begun",
	"account.close":       "Account Closed",
	"member.add":          "Member Added",
	"member.change":       "Member Changed",
	"member.remove":       "Member Removed",
	"invitation.create":   "Invitation Created",
	"invitation.withdraw": "Invitation Withdrawn",
	"invitation.accept":   "Invitation Accepted",
	"statement.close":     "Statement Closed",
	"operator.add":        "Operator Added",
	"operator.change":     "Operator Changed",
	"operator.look":       "Account Viewed by Operator",
	"operator.list":       "List Viewed by Operator",
	"operator.remove":     "Operator Removed",
	"person.erase":        "Person Erased",
	"person.end_sessions": "Person's Sessions Ended",
	"qps.submit":          "QPS Request Submitted",
	"qps.withdraw":        "QPS Request Withdrawn",
	"qps.approve":         "QPS Request Approved",
	"qps.reject":          "QPS Request Rejected",
	"qps.end":             "QPS Request Ended",
	"gate.repair":         "Gate Record Repaired",
	"catalogue.change":    "Catalogue Changed",
}

func detailType(action string) string {
	if name, ok := detailTypes[action]; ok {
		return name
	}
	words := strings.FieldsFunc(action, func(r rune) bool { return r == '.' || r == '_' })
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}
