package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
)

// Erased is the outcome of one call of Erase.
type Erased struct {
	Records int    // that were changed
	Next    string // the after of the next call; "" at the end
}

// The parts of one call: it answers in time, whatever the table holds.
const (
	erasePages = 8
	erasePage  = 250
)

// Erase ends a person's memberships, and replaces the person by their pseudonym in audit rows, keys and QPS requests, in
// one part of the whole table. What was replaced already stays, so that all of it may be repeated. row makes the audit
// row of each record that is changed by a transaction; audit rows themselves are changed without one, and no event tells
// of that. account.ErrLastOwner, with nothing changed, for the only owner of an account that isn't closed.
func (s *Store) Erase(ctx context.Context, who account.Subject, after string, row RowMaker) (done Erased, err error) {
	e := eraser{store: s, who: who, as: who.Pseudonym(), row: row}
	limit := int32(erasePage)
	input := &dynamodb.ScanInput{TableName: &s.control, ConsistentRead: &consistent, Limit: &limit}
	if after != "" {
		input.ExclusiveStartKey = decodePlace(after)
	} else if err := s.onlyOwner(ctx, who); err != nil {
		return done, err
	}
	for range erasePages {
		out, err := s.db.Scan(ctx, input)
		if err != nil {
			return done, fmt.Errorf("control: scanning: %w", err)
		}
		for _, item := range out.Items {
			changed, err := e.erase(ctx, item)
			if err != nil {
				return done, err
			}
			if changed {
				done.Records++
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return done, nil
		}
		input.ExclusiveStartKey = out.LastEvaluatedKey
	}
	done.Next = encodePlace(input.ExclusiveStartKey)
	return done, nil
}

// encodePlace writes the place of an item in the table as one text.
func encodePlace(item dynamo.Item) string {
	place, _ := json.Marshal([2]string{text(item, "pk"), text(item, "sk")})
	return string(place)
}

// decodePlace reads it. A text that encodePlace never wrote is some place: it reveals nothing.
func decodePlace(place string) dynamo.Item {
	var key [2]string
	_ = json.Unmarshal([]byte(place), &key)
	return itemKey(key[0], key[1])
}

// eraser replaces one person.
type eraser struct {
	store   *Store
	who, as account.Subject
	row     RowMaker
}

// erase changes one item if it names the person. One that can't be read names nobody.
func (e eraser) erase(ctx context.Context, item dynamo.Item) (changed bool, err error) {
	switch text(item, "kind") {
	case "member":
		changed, err = e.member(ctx, item)
	case "audit":
		changed, err = e.auditRow(ctx, item)
	case "key":
		changed, err = e.key(ctx, item)
	case "qps_request":
		changed, err = e.request(ctx, item)
	}
	if errors.Is(err, dynamo.ErrUnreadable) || errors.Is(err, dynamo.ErrNotFound) {
		return false, nil
	}
	return changed, err
}

// member ends the person's place in an account: a pseudonym is nobody's member. What it was stays in the audit trail.
func (e eraser) member(ctx context.Context, item dynamo.Item) (bool, error) {
	m, err := decodeMember(item, "member")
	if err != nil || m.Subject != e.who {
		return false, err
	}
	row := func() audit.Row {
		row := e.row("person.erase", "")
		row.Account = m.Account
		row.Changes = []audit.Change{audit.Set("member", e.as.ID, nil), audit.Set("role", m.Role, nil)}
		return row
	}
	err = e.store.RemoveMember(ctx, m, row())
	if !errors.Is(err, account.ErrLastOwner) {
		return err == nil, err
	}
	if a, unknown := e.store.Account(ctx, m.Account); unknown != nil || !a.Closed() {
		return false, errors.Join(err, unknown)
	}
	return true, e.store.write(ctx, row(), e.store.dropMember(m)...) // a closed account needs no owner, and never opens again
}

// onlyOwner is account.ErrLastOwner for a person who is the only owner of an account that isn't closed.
func (s *Store) onlyOwner(ctx context.Context, who account.Subject) error {
	for after := ""; ; {
		page, err := s.Memberships(ctx, who, after, 100)
		if err != nil {
			return err
		}
		for _, m := range page.Memberships {
			if m.Role != account.Owner || m.Account.Closed() {
				continue
			}
			owners, err := s.get(ctx, itemKey(accountPK(m.Account.ID), ownerSK))
			if err != nil {
				return err
			}
			if n, _ := dynamo.GetN(owners, "num"); n <= 1 {
				return account.ErrLastOwner
			}
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}

// auditRow replaces the person where a row names them: as the actor, and as the person it is about, with the addresses in it.
func (e eraser) auditRow(ctx context.Context, item dynamo.Item) (bool, error) {
	row, _, err := DecodeAudit(item)
	if err != nil {
		return false, err
	}
	acted, named := row.Actor.Subject == e.who, audit.Set("", e.who.ID, nil).Before
	isNamed := func(c audit.Change) bool { return c.Field == "subject" && (c.Before == named || c.After == named) }
	about := slices.ContainsFunc(row.Changes, isNamed)
	if !acted && !about {
		return false, nil
	}
	if acted {
		row.Actor.Subject, row.Actor.Email, row.Source = e.as, "", ""
	}
	as := audit.Set("", e.as.ID, nil).Before
	changes := slices.Clone(row.Changes)
	for i := range changes {
		switch c := &changes[i]; {
		case about && isNamed(*c):
			c.Before, c.After = swap(c.Before, named, as), swap(c.After, named, as)
		case about && c.Field == "email":
			c.Before, c.After = "", ""
		}
	}
	row.Changes = changes
	encoded, table := encodeAudit(row), e.store.control
	text := exists.text
	_, err = e.store.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: &table, Item: encoded, ConditionExpression: &text}},
	}})
	if err != nil {
		return false, fmt.Errorf("control: erasing: %w", err)
	}
	return true, nil
}

func swap(text, from, to string) string {
	if text == from {
		return to
	}
	return text
}

func (e eraser) key(ctx context.Context, item dynamo.Item) (bool, error) {
	k, err := DecodeKey(item)
	if err != nil {
		return false, err
	}
	after := k
	if after.CreatedBy == e.who {
		after.CreatedBy = e.as
	}
	if after.Rotation != nil && after.Rotation.SetBy == e.who {
		policy := *after.Rotation
		policy.SetBy = e.as
		after.Rotation = &policy
	}
	if after.Same(k) {
		return false, nil
	}
	row := e.row("person.erase", k.ID)
	row.Account = k.Account
	_, err = e.store.Commit(ctx, Change{Before: &k, After: after, Audit: row})
	return err == nil, err
}

func (e eraser) request(ctx context.Context, item dynamo.Item) (bool, error) {
	r, err := decodeRequest(item)
	if err != nil {
		return false, err
	}
	filed, decided := r.CreatedBy.Subject == e.who, r.Decision != nil && r.Decision.By.Subject == e.who
	if !filed && !decided {
		return false, nil
	}
	if filed {
		r.CreatedBy.Subject, r.CreatedBy.Email = e.as, ""
	}
	if decided {
		decision := *r.Decision
		decision.By.Subject, decision.By.Email = e.as, ""
		r.Decision = &decision
	}
	r.Version++
	row := e.row("person.erase", r.KeyID)
	row.Account = r.Account
	same := cond{text: "version = :ver", values: dynamo.Item{":ver": dynamo.N(r.Version - 1)}}
	return true, e.store.write(ctx, row, put(e.store.control, encodeRequest(r), same, gone(dynamo.ErrStale)))
}
