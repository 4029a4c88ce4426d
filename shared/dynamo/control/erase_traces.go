package control

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"latchkey/shared/account"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
)

// maxAddresses bounds what a page token carries from call to call.
const maxAddresses = 20

// learn notes the addresses that the person's sign-ins had verified.
func (e *eraser) learn(item dynamo.Item) {
	address := ""
	switch text(item, "kind") {
	case "member":
		if m, err := decodeMember(item, "member"); err == nil && m.Subject == e.who {
			address = m.Email
		}
	case "audit":
		if row, _, err := DecodeAudit(item); err == nil && row.Actor.Subject == e.who {
			address = row.Actor.Email
		}
	}
	if address != "" && !e.knows(address) && len(e.addresses) < maxAddresses {
		e.addresses = append(e.addresses, addressHash(address))
	}
}

func (e *eraser) knows(address string) bool {
	return slices.Contains(e.addresses, addressHash(address))
}

func addressHash(address string) string {
	sum := sha256.Sum256([]byte(account.FoldAddress(address)))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// invitation withdraws one that the person made, or that is for their address.
func (e *eraser) invitation(ctx context.Context, item dynamo.Item) (bool, error) {
	i, err := decodeInvitation(item)
	if err != nil || i.By != e.who && !e.knows(i.Email) {
		return false, err
	}
	row := e.row("invitation.withdraw", "")
	row.Account = i.Account
	row.Changes = []audit.Change{audit.Set("invitation", i.ID, nil)}
	err = e.store.WithdrawInvitation(ctx, i, row)
	return err == nil, err
}

// invitationRow takes the person's address out of a row about an invitation: nothing else in it ties it to them.
func (e *eraser) invitationRow(ctx context.Context, item dynamo.Item) (bool, error) {
	row, _, err := DecodeAudit(item)
	if err != nil || !strings.HasPrefix(row.Action, "invitation.") {
		return false, err
	}
	changed := false
	for i, c := range row.Changes {
		if c.Field == "email" && (e.knows(plainText(c.Before)) || e.knows(plainText(c.After))) {
			row.Changes[i].Before, row.Changes[i].After, changed = "", "", true
		}
	}
	if !changed {
		return false, nil
	}
	return true, e.rewrite(ctx, row)
}

// plainText is the text that an audit row holds as JSON, "" for anything else.
func plainText(fact string) (text string) {
	_ = json.Unmarshal([]byte(fact), &text)
	return text
}

// account takes the account out of the person's count, as closing it does, and their name off its suspension.
func (e *eraser) account(ctx context.Context, item dynamo.Item) (bool, error) {
	before, err := decodeAccount(item)
	by := before.Suspended.By
	suspended := by != "" && (by == e.who.ID || e.knows(by))
	if err != nil || before.OpenedBy != e.who && !suspended {
		return false, err
	}
	after := before
	after.Version++
	if suspended {
		after.Suspended.By = e.as.ID
	}
	opened := before.OpenedBy == e.who
	if opened {
		after.OpenedBy = account.Subject{}
	}
	row := e.row("person.erase", "")
	row.Account = before.ID
	ops := []op{put(e.store.control, encodeAccount(after), cond{
		text: "version = :ver", values: dynamo.Item{":ver": dynamo.N(before.Version)},
	}, gone(dynamo.ErrStale)), e.store.putAccountRecord(after)}
	if !opened || !before.ClosedAt.IsZero() {
		return true, e.store.write(ctx, row, ops...)
	}
	err = e.store.write(ctx, row, append(slices.Clone(ops), e.store.uncountOpened(e.who))...)
	if errors.Is(err, errGuard) { // the count is removed with the person, whatever is wrong with it
		err = e.store.write(ctx, row, ops...)
	}
	return true, err
}

// uncounted removes the person's count of accounts, which account has brought to none, or which can't be read. It stays, and left is true, where they
// have opened one meanwhile or one can't be read.
func (e *eraser) uncounted(ctx context.Context) (left bool, err error) {
	key := itemKey(subjectPK(e.who), openedSK)
	count, err := e.store.get(ctx, key)
	n, readable := dynamo.GetN(count, "num")
	switch {
	case errors.Is(err, dynamo.ErrNotFound):
		return false, nil
	case err != nil || n > 0:
		return err == nil, err
	}
	same := whatever
	if readable {
		same = cond{text: "num = :num", values: dynamo.Item{":num": dynamo.N(n)}}
	}
	return false, e.unaudited(ctx, remove(e.store.control, key, same, always(dynamo.ErrStale)))
}

// look removes what remembers for an hour that the person, an operator then, looked at something.
func (e *eraser) look(ctx context.Context, item dynamo.Item) (bool, error) {
	sk := text(item, "sk")
	if !strings.HasPrefix(sk, lookPrefix) || !strings.HasSuffix(sk, "#"+subjectText(e.who)) {
		return false, nil
	}
	return true, e.drop(ctx, item)
}

func (e *eraser) idempotency(ctx context.Context, item dynamo.Item) (bool, error) {
	first, err := decodeIdempotency(item)
	if err != nil || first.Subject != e.who {
		return false, err
	}
	return true, e.drop(ctx, item)
}

// drop removes an item that ends by itself soon.
func (e *eraser) drop(ctx context.Context, item dynamo.Item) error {
	return e.unaudited(ctx, remove(e.store.control, placeOf(item), whatever, always(dynamo.ErrStale)))
}
