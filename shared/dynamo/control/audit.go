package control

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/moment"
)

// Operators is the partition of audit rows that belong to no account: changes of operators.
const Operators account.ID = "staff" // stored: the partition keeps its first name

func encodeAudit(row audit.Row) dynamo.Item {
	if row.Account == "" {
		row.Account = Operators
	}
	item := itemKey(accountPK(row.Account), auditSK(row.ID))
	item["kind"] = dynamo.S("audit")
	item["id"] = dynamo.S(row.ID)
	item["account"] = dynamo.S(string(row.Account))
	item["action"] = dynamo.S(row.Action)
	item["happened_at"] = dynamo.S(moment.Format(row.At))
	item["request_id"] = dynamo.S(row.RequestID)
	item["actor"] = &types.AttributeValueMemberM{Value: dynamo.Item{
		"issuer": dynamo.S(row.Actor.Subject.Issuer), "subject": dynamo.S(row.Actor.Subject.ID),
		"email": dynamo.S(row.Actor.Email), "role": dynamo.S(row.Actor.Role),
	}}
	if row.Source != "" {
		item["source_ip"] = dynamo.S(row.Source)
	}
	if row.KeyID != "" {
		item["key_id"] = dynamo.S(row.KeyID)
		item["gpk"] = dynamo.S(gKeyAudit(row.Account, apikey.ID(row.KeyID)))
		item["gsk"] = dynamo.S(strings.TrimPrefix(row.ID, "aud_"))
	}
	if len(row.Changes) > 0 {
		changes := make([]types.AttributeValue, len(row.Changes))
		for i, c := range row.Changes {
			changes[i] = &types.AttributeValueMemberM{Value: dynamo.Item{
				"field": dynamo.S(c.Field), "before": dynamo.S(c.Before), "after": dynamo.S(c.After),
			}}
		}
		item["changes"] = &types.AttributeValueMemberL{Value: changes}
	}
	return item
}

// DecodeAudit reads an audit row as the table and its stream hold it; ok is false for an item of another kind.
func DecodeAudit(item dynamo.Item) (row audit.Row, ok bool, err error) {
	if kind, _ := dynamo.GetS(item, "kind"); kind != "audit" {
		return audit.Row{}, false, nil
	}
	at, err := dynamo.ParseTime(text(item, "happened_at"))
	if err != nil {
		return audit.Row{}, true, fmt.Errorf("%w: audit row", dynamo.ErrUnreadable)
	}
	row = audit.Row{
		ID: text(item, "id"), Account: account.ID(text(item, "account")), KeyID: text(item, "key_id"),
		Action: text(item, "action"), At: at, RequestID: text(item, "request_id"),
		Source: text(item, "source_ip"),
	}
	if m, is := item["actor"].(*types.AttributeValueMemberM); is {
		row.Actor = audit.Actor{
			Subject: account.Subject{Issuer: text(m.Value, "issuer"), ID: text(m.Value, "subject")},
			Email:   text(m.Value, "email"), Role: text(m.Value, "role"),
		}
	}
	if l, is := item["changes"].(*types.AttributeValueMemberL); is {
		for _, v := range l.Value {
			if m, is := v.(*types.AttributeValueMemberM); is {
				row.Changes = append(row.Changes, audit.Change{
					Field: text(m.Value, "field"), Before: text(m.Value, "before"), After: text(m.Value, "after"),
				})
			}
		}
	}
	return row, true, nil
}

func text(item dynamo.Item, name string) string {
	t, _ := dynamo.GetS(item, name)
	return t
}

// Looked writes the row of an operator's look at an account, unless there is one of this hour already.
func (s *Store) Looked(ctx context.Context, id account.ID, who account.Subject, hour time.Time, row audit.Row) error {
	return s.look(ctx, lookKey(id, who, hour), hour, row)
}

// Listed writes the row of an operator's look at a list over all accounts, unless there is one of this hour already.
func (s *Store) Listed(ctx context.Context, list string, who account.Subject, hour time.Time, row audit.Row) error {
	return s.look(ctx, listKey(list, who, hour), hour, row)
}

func (s *Store) look(ctx context.Context, key dynamo.Item, hour time.Time, row audit.Row) error {
	_, err := s.get(ctx, key)
	if !errors.Is(err, dynamo.ErrNotFound) {
		return err
	}
	key["kind"], key["ttl"] = dynamo.S("guard"), dynamo.N(hour.Add(2*time.Hour).Unix())
	err = s.afterDecision().write(ctx, row, put(s.control, key, isNew, always(dynamo.ErrExists)))
	if errors.Is(err, dynamo.ErrExists) {
		return nil // another request of this hour was first
	}
	return err
}

// AuditPage is one page of the audit trail, the newest row first. After is the ID of the last row of the page before, or "".
type AuditPage struct {
	Rows []audit.Row
	Next string // the After of the next page; "" at the end
}

// AuditOfAccount lists an account's rows.
func (s *Store) AuditOfAccount(ctx context.Context, id account.ID, after string, limit int) (AuditPage, error) {
	q := query{pk: accountPK(id), prefix: auditPrefix, reverse: true}
	if after != "" {
		q.start = itemKey(accountPK(id), auditSK(after))
	}
	return s.auditPage(ctx, q, limit, func(item dynamo.Item) string { return "aud_" + strings.TrimPrefix(sortKey(item), auditPrefix) })
}

// AuditOfKey lists the rows about one key. The newest row may appear a moment after its mutation was acknowledged.
func (s *Store) AuditOfKey(ctx context.Context, id account.ID, key apikey.ID, after string, limit int) (AuditPage, error) {
	q := query{index: lookup, pk: gKeyAudit(id, key), reverse: true}
	if after != "" {
		q.start = itemKey(accountPK(id), auditSK(after))
		q.start["gpk"] = dynamo.S(q.pk)
		q.start["gsk"] = dynamo.S(strings.TrimPrefix(after, "aud_"))
	}
	return s.auditPage(ctx, q, limit, func(item dynamo.Item) string { return "aud_" + text(item, "gsk") })
}

func (s *Store) auditPage(ctx context.Context, q query, limit int, mark func(dynamo.Item) string) (AuditPage, error) {
	q.limit = perCall(limit)
	p, err := page(ctx, s, list[audit.Row]{query: q, limit: limit, read: DecodeAudit, mark: mark})
	return AuditPage{p.records, p.next}, err
}
