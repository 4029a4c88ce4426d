package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/moment"
)

// OperationStatus is the state of an operation.
type OperationStatus string

// The statuses: running becomes one of the others, and nothing follows those.
const (
	Running OperationStatus = "running"
	Done    OperationStatus = "done"
	// Failed: the account was closed, or its type changed again, before the last key.
	Failed OperationStatus = "failed"
)

// Operation is a change of an account's type, which goes key by key.
type Operation struct {
	ID        string // "op_" and a ULID
	Account   account.ID
	Change    apikey.TypeChange
	Status    OperationStatus
	StartedAt time.Time
	EndedAt   time.Time
	// Unreadable counts the keys that could not be read, and so have not followed, of an operation that is done. They follow when
	// they have been repaired, unless the account has another type by then.
	Unreadable int
	overtaken  bool // nothing follows any more
}

// open reports whether the scheduled job has something to do for it.
func (o Operation) open() bool {
	return o.Status == Running || o.Status == Done && o.Unreadable > 0 && !o.overtaken
}

type operationRecord struct {
	ID        string            `dynamodbav:"id"`
	Account   string            `dynamodbav:"account"`
	To        string            `dynamodbav:"to_type"`
	Billing   map[string]string `dynamodbav:"billing_types,omitempty"`
	Status    string            `dynamodbav:"operation_status"`
	StartedAt string            `dynamodbav:"started_at"`
	EndedAt   string            `dynamodbav:"ended_at,omitempty"`

	Unreadable int  `dynamodbav:"unreadable,omitempty"`
	Overtaken  bool `dynamodbav:"overtaken,omitempty"`
}

func encodeOperation(o Operation) dynamo.Item {
	gpk, gsk := "", ""
	if o.open() {
		gpk, gsk = gRunning, moment.Format(o.StartedAt)+"#"+o.ID
	}
	r := operationRecord{
		ID: o.ID, Account: string(o.Account), To: string(o.Change.To), Status: string(o.Status),
		StartedAt: moment.Format(o.StartedAt), EndedAt: moment.Format(o.EndedAt), Billing: map[string]string{},
		Unreadable: o.Unreadable, Overtaken: o.overtaken,
	}
	for from, onto := range o.Change.Billing {
		r.Billing[string(from)] = string(onto)
	}
	return encode(operationKey(o.Account, o.ID), "operation", r, gpk, gsk)
}

func decodeOperation(item dynamo.Item) (Operation, error) {
	var r operationRecord
	if err := decode(item, "operation", &r); err != nil {
		return Operation{}, err
	}
	var c clock
	o := Operation{
		ID: r.ID, Account: account.ID(r.Account), Change: apikey.TypeChange{To: account.Type(r.To)},
		Status: OperationStatus(r.Status), StartedAt: c.read(r.StartedAt), EndedAt: c.read(r.EndedAt),
		Unreadable: r.Unreadable, overtaken: r.Overtaken,
	}
	if len(r.Billing) > 0 {
		o.Change.Billing = map[apikey.BillingType]apikey.BillingType{}
	}
	for from, onto := range r.Billing {
		o.Change.Billing[apikey.BillingType(from)] = apikey.BillingType(onto)
	}
	return o, cmp.Or(c.err, placed(item, operationKey(o.Account, o.ID), unversioned))
}

// Operation reads an operation of an account.
func (s *Store) Operation(ctx context.Context, id account.ID, operation string) (Operation, error) {
	o, err := s.storedOperation(ctx, id, operation)
	if err != nil || o.Status != Running {
		return o, err
	}
	a, err := s.Account(ctx, id)
	return o.seenFrom(a), err
}

func (s *Store) storedOperation(ctx context.Context, id account.ID, operation string) (Operation, error) {
	return one(ctx, s, operationKey(id, operation), decodeOperation)
}

// seenFrom derives the status of an operation whose record says that it runs from the account, which says more: a
// release that knows no operations may have ended the change.
func (o Operation) seenFrom(a account.Account) Operation {
	switch {
	case a.Operation == o.ID && !a.Closed():
	case a.PendingType == "" && a.Type == o.Change.To && !a.Closed():
		o.Status = Done
	default:
		o.Status = Failed
	}
	return o
}

// OperationPage is one page of operations.
type OperationPage struct {
	Operations []Operation
	Next       string // the after of the next page; "" at the end
}

// RunningOperations lists what isn't done, and what is done but for keys that can't be read, over all accounts, the oldest first, a moment late.
func (s *Store) RunningOperations(ctx context.Context, after string, limit int) (OperationPage, error) {
	q := query{index: lookup, pk: gRunning, limit: perCall(limit), start: cursorItem(gRunning, after)}
	p, err := page(ctx, s, list[Operation]{query: q, limit: limit, read: all(decodeOperation), mark: cursor})
	return OperationPage{p.records, p.next}, err
}

// AccountEdit is a change of an account's own members.
type AccountEdit struct {
	Before, After account.Account
	Row           audit.Row
}

// BeginType begins to change an account's type, and returns the operation that ContinueType carries out. Until that is
// done, no key is created or restored and no billing type set (account.ErrTypeChanging). begun is false, and the
// operation the one that runs, where the same change runs already; where the account has the type already there is
// none. A change to another type takes the place of one that runs. The edit of the account is in the same write: both happen,
// or neither. account.ErrTypeChanging: a change to this type runs with another mapping. account.ErrClosed. ErrStale when the
// account has changed since edit.Before was read.
func (s *Store) BeginType(ctx context.Context, o Operation, row audit.Row, edit AccountEdit) (_ Operation, begun bool, err error) {
	a := edit.Before
	o.Status, o.EndedAt = Running, time.Time{}
	ops := []op{put(s.control, encodeOperation(o), isNew, always(dynamo.ErrExists))}
	switch {
	case a.Closed():
		return o, false, account.ErrClosed
	case a.PendingType == "" && a.Type == o.Change.To:
		return Operation{}, false, s.editAccount(ctx, edit)
	case a.Operation != "":
		running, err := s.Operation(ctx, o.Account, a.Operation)
		if err != nil {
			return o, false, err
		}
		if running.Change.To == o.Change.To {
			if !maps.Equal(running.Change.Billing, o.Change.Billing) {
				return o, false, account.ErrTypeChanging
			}
			return running, false, s.editAccount(ctx, edit)
		}
		running.Status, running.EndedAt = Failed, o.StartedAt
		ops = append(ops, put(s.control, encodeOperation(running), exists, always(dynamo.ErrStale)))
	}
	pending := edit.After
	pending.PendingType, pending.Operation = o.Change.To, o.ID
	if !edit.After.Same(edit.Before) {
		ops = append(ops, put(s.control, encodeAudit(edit.Row), isNew, always(dynamo.ErrExists)))
	}
	row.Changes = append(row.Changes, audit.AccountChanges(&edit.After, pending)...)
	_, err = s.updateAccount(ctx, a, pending, row, ops...)
	return o, err == nil, err
}

func (s *Store) editAccount(ctx context.Context, edit AccountEdit) error {
	if edit.After.Same(edit.Before) {
		return nil
	}
	_, err := s.updateAccount(ctx, edit.Before, edit.After, edit.Row)
	return err
}

// keysPerStep is the size of the pages in which Close and ContinueType read an account's keys.
const keysPerStep = 100

// ContinueType goes on with an operation, key by key and of every status, until it is done or stop says so, before
// each key. It may be repeated, by several at once, and after a breakdown: keys that have followed need nothing more.
// A key that can't be read can't follow: the others do, the account has its type, and the operation is done and counts it
// (Unreadable). When it is repeated after the key was repaired, the key follows.
func (s *Store) ContinueType(ctx context.Context, o Operation, now time.Time, stop func() bool, row RowMaker) (Operation, error) {
	stored, err := s.storedOperation(ctx, o.Account, o.ID)
	if err != nil || !stored.open() {
		return stored, err
	}
	s = s.afterDecision()
	a, err := s.Account(ctx, o.Account)
	if err != nil {
		return stored, err
	}
	switch o = stored; {
	case o.Status == Done && (a.Type != o.Change.To || a.PendingType != "" || a.Closed()):
		o.overtaken = true
		return o, s.endOperation(ctx, o, row)
	case o.Status == Running:
		if o = o.seenFrom(a); o.Status != Running {
			return s.finishType(ctx, o, now, row)
		}
	}
	unreadable, stopped, err := s.followType(ctx, o, now, stop, row)
	switch {
	case err != nil:
		return s.unlessOver(ctx, o, err)
	case stopped:
		return o, nil
	case o.Status == Running:
		o.Unreadable = unreadable
		return s.finishType(ctx, o, now, row)
	case o.Unreadable == unreadable:
		return o, nil
	}
	o.Unreadable = unreadable
	return o, s.endOperation(ctx, o, row)
}

// followType takes the keys along, and counts those that can't be read.
func (s *Store) followType(ctx context.Context, o Operation, now time.Time, stop func() bool, row RowMaker) (unreadable int, stopped bool, err error) {
	follow := func(k apikey.Key) (apikey.Key, bool) { return k.Retype(o.Change, now) }
	for after := apikey.ID(""); ; {
		page, err := s.Keys(ctx, o.Account, KeyQuery{Deleted: true, After: after, Limit: keysPerStep})
		if err != nil {
			return unreadable, false, err
		}
		unreadable += len(page.Bad)
		for _, k := range page.Keys {
			if k.AccountType == o.Change.To {
				continue
			}
			if stop() {
				return unreadable, true, nil
			}
			if err := s.eachStale(ctx, k, "key.account_type", row, follow); err != nil {
				return unreadable, false, err
			}
		}
		if after = page.Next; after == "" {
			return unreadable, false, nil
		}
	}
}

// endOperation writes how an operation ended, where the account stays as it is.
func (s *Store) endOperation(ctx context.Context, o Operation, row RowMaker) error {
	return s.write(ctx, row("account.type.end", ""), put(s.control, encodeOperation(o), exists, always(dynamo.ErrNotFound)))
}

// unlessOver explains why a key couldn't follow: another operation has taken this one's place, or the account was closed.
func (s *Store) unlessOver(ctx context.Context, o Operation, err error) (Operation, error) {
	if !errors.Is(err, dynamo.ErrStale) && !errors.Is(err, account.ErrClosed) {
		return o, err
	}
	now, unread := s.Operation(ctx, o.Account, o.ID)
	if unread != nil || now.Status == Running {
		return o, err
	}
	return now, nil
}

// finishType lets the account have the type that all its keys have, and the operation end.
func (s *Store) finishType(ctx context.Context, o Operation, now time.Time, row RowMaker) (Operation, error) {
	s = s.afterDecision()
	for range staleAttempts {
		a, err := s.Account(ctx, o.Account)
		if err != nil {
			return o, err
		}
		seen := o.seenFrom(a)
		ended := seen
		ended.EndedAt = now
		if seen.Status != Running {
			return ended, s.endOperation(ctx, ended, row)
		}
		ended.Status = Done
		done := a
		done.Type, done.PendingType, done.Operation = o.Change.To, "", ""
		end := put(s.control, encodeOperation(ended), exists, always(dynamo.ErrNotFound))
		row := row("account.type", "")
		row.Changes = append(row.Changes, audit.AccountChanges(&a, done)...)
		_, err = s.updateAccount(ctx, a, done, row, end)
		if !errors.Is(err, dynamo.ErrStale) {
			if err != nil {
				return o, err
			}
			return ended, nil
		}
	}
	return o, fmt.Errorf("%w: the account keeps changing", dynamo.ErrConflict)
}
