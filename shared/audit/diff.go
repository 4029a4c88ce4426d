package audit

import (
	"encoding/json"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
)

// KeyChanges lists what differs between two versions of a key, for its audit row: nil before is its creation. No
// secret, no hash and no sealed secret is ever part of it; a changed secret shows as its preview.
func KeyChanges(before *apikey.Key, after apikey.Key) []Change {
	var old map[string]any
	if before != nil {
		old = keyFacts(*before)
	}
	return diff(keyFields, old, keyFacts(after))
}

// keyFields is the order in which changes are listed.
var keyFields = []string{
	"name", "usage", "billing_type", "products", "domains", "missing_origin", "header_only", "recoverable", "preview",
	"previous_preview", "previous_secret_expires_at", "rotated_at", "rotation_cancelled", "rotation_reason", "expires_at",
	"disabled", "blocked", "revoked_at", "deleted_at", "limits", "rotation_policy", "proposed", "account_type",
}

func keyFacts(k apikey.Key) map[string]any {
	facts := map[string]any{
		"name": k.Name, "usage": k.Usage, "billing_type": k.BillingType, "products": k.Products, "domains": k.Domains,
		"missing_origin": k.MissingOrigin, "header_only": k.HeaderOnly, "recoverable": k.Recoverable,
		"preview": k.Current.Preview, "rotated_at": moment(k.RotatedAt), "expires_at": moment(k.ExpiresAt),
		"disabled": k.Disabled, "revoked_at": moment(k.RevokedAt), "deleted_at": moment(k.DeletedAt),
		"account_type": k.AccountType,
	}
	if out := k.Outgoing; out != nil {
		facts["previous_preview"] = out.Preview
		facts["previous_secret_expires_at"] = moment(out.EndsAt)
		facts["rotation_cancelled"] = out.Cancelled
		facts["rotation_reason"] = out.Reason
	}
	if b := k.Blocked; b != nil {
		facts["blocked"] = map[string]any{"reason": b.Reason, "at": moment(b.At)}
	}
	if p := k.Proposed; p != nil {
		facts["proposed"] = map[string]any{"domains": p.Domains, "products": p.Products}
	}
	if p := k.Rotation; p != nil {
		facts["rotation_policy"] = map[string]any{
			"every_days": p.EveryDays, "notify_days_before": p.NotifyDaysBefore, "principal": p.Principal,
		}
	}
	if len(k.Limits) > 0 {
		limits := make([]map[string]any, len(k.Limits))
		for i, l := range k.Limits {
			limits[i] = map[string]any{"class": l.Class, "qps": l.QPS, "ends_at": moment(l.EndsAt), "then_qps": l.Then}
		}
		facts["limits"] = limits
	}
	return facts
}

// AccountChanges lists what differs between two versions of an account: nil before is its creation.
func AccountChanges(before *account.Account, after account.Account) []Change {
	facts := func(a account.Account) map[string]any {
		return map[string]any{
			"name": a.Name, "type": a.Type, "key_limit": a.KeyLimit, "closed_at": moment(a.ClosedAt), "closing": a.Closing,
			"pending_type": a.PendingType,
		}
	}
	var old map[string]any
	if before != nil {
		old = facts(*before)
	}
	return diff([]string{"name", "type", "pending_type", "key_limit", "closing", "closed_at"}, old, facts(after))
}

// Set is one field that has a new value; nil before or after means that there is none.
func Set(field string, before, after any) Change {
	return Change{Field: field, Before: text(before), After: text(after)}
}

func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func diff(order []string, before, after map[string]any) (changes []Change) {
	for _, field := range order {
		if c := Set(field, before[field], after[field]); c.Before != c.After {
			changes = append(changes, c)
		}
	}
	return changes
}

// text renders a fact as JSON; the zero facts (nothing, "", false, an empty list) are "".
func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return "" // facts are strings, numbers and lists of them
	}
	switch t := string(raw); t {
	case "null", `""`, "false", "[]", "0":
		return ""
	default:
		return t
	}
}
