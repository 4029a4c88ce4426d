package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"unicode/utf8"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/telemetry"
	"latchkey/shared/text"
)

// exposed is the action of an audit row.
const exposed = "key.expose"

// found says whose secret was reported. The zero value is nobody's.
type found struct {
	key     apikey.Key
	role    apikey.SecretRole
	changed bool
}

// raceTries bounds how often a report is decided again because its key has changed meanwhile.
const raceTries = 12

// record finds the key that has, or had, the secret with a hash, and writes what the report changes: by the key as it is read, on
// condition that it is still so. To record the same again changes nothing.
func (h *handler) record(ctx context.Context, hash apikey.Hash, report apikey.LeakReport, row func(before, after apikey.Key) audit.Row) (found, error) {
	for range raceTries {
		k, role, err := h.store.FindKeyBySecret(ctx, hash)
		switch {
		case errors.Is(err, dynamo.ErrNotFound):
			return found{}, nil
		case err != nil:
			return found{}, err
		}
		its, err := h.store.Account(ctx, k.Account)
		if errors.Is(err, dynamo.ErrUnreadable) { // reported already: what nobody has set decides
			its, err = account.Account{}, nil
		}
		if err != nil {
			return found{}, err
		}
		after, ok := k.Expose(hash, report, k.Usage.Reaction(its.Leaks), h.source.Time())
		if !ok {
			return found{key: k, role: role}, nil
		}
		after, err = h.commit(ctx, control.Change{Before: &k, After: after, Audit: row(k, after)})
		switch {
		case err == nil:
			h.log.InfoContext(ctx, "secret exposed", "account_id", string(k.Account), "key_id", string(k.ID), "secret", string(role), "source", string(report.By))
			return found{after, role, true}, nil
		case !lostRace(err):
			return found{}, err
		}
	}
	return found{}, dynamo.ErrConflict
}

// lostRace reports whether somebody else changed the key after it was read. A right that is gone is no such thing.
func lostRace(err error) bool {
	return !errors.Is(err, account.ErrRightLost) &&
		(errors.Is(err, dynamo.ErrStale) || errors.Is(err, dynamo.ErrNotFound) || errors.Is(err, apikey.ErrRevoked))
}

// rowOf makes the audit rows of reports by an actor who has no part in the account.
func (h *handler) rowOf(actor audit.Actor, request string) func(before, after apikey.Key) audit.Row {
	return func(before, after apikey.Key) audit.Row {
		return h.source.AuditRow(actor, request, after.Account, after.ID, exposed, audit.KeyChanges(&before, after)...)
	}
}

// failed counts a report that couldn't be taken, for an alarm: its sender may not repeat it.
func (h *handler) failed(ctx context.Context, err error) error {
	h.log.ErrorContext(ctx, "leak report failed", "error", err.Error())
	h.metrics.Write(telemetry.Sum(h.source.Now(), "LeaksFailed", 1))
	return err
}

// maxPlace is the length of what is looked at of a place, in bytes. A longer one is no address.
const maxPlace = 8 << 10

// place is the text of where a secret was found as it is kept: evidence, so secrets in it are masked and not refused.
func place(texts text.Secrets, found string) string {
	if len(found) > maxPlace {
		return ""
	}
	found = strings.Join(strings.Fields(strings.ToValidUTF8(found, "\ufffd")), " ")
	masked := texts.Mask(text.Shown(found))
	if texts.InAnyCase(masked) {
		return hidden
	}
	for utf8.RuneCountInString(masked) > apikey.MaxPlace {
		_, n := utf8.DecodeLastRuneInString(masked)
		masked = masked[:len(masked)-n]
	}
	return masked
}

// hidden stands for a place that holds what is left of a secret.
const hidden = "[secret]"

func hashOf(secret string) apikey.Hash { return sha256.Sum256([]byte(secret)) }
