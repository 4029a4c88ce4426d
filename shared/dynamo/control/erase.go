package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
)

// Erased is the outcome of one call of Erase.
type Erased struct {
	Records int    // that were changed
	Left    int    // that name the person and can't be read or changed; each is logged
	Next    string // the after of the next call; "" at the end
}

// The parts of one call: it answers in time, whatever the table holds.
const (
	erasePages = 8
	erasePage  = 250
)

// The passes over the whole table. What the person's addresses are known from goes last, so that nothing is left when
// an erasure breaks off and is begun again.
const (
	learning  = iota // the addresses that the person's sign-ins had verified
	byAddress        // the records that an address may tie to the person
	bySubject        // all others
)

// Erase ends a person's memberships, and replaces the person by their pseudonym in audit rows, keys and QPS requests, in
// one part of the whole table. What was replaced already stays, so that all of it may be repeated. row makes the audit
// row of each record that is changed by a transaction; audit rows themselves are changed without one, and no event tells
// of that. account.ErrLastOwner, with nothing changed, for the only owner of an account that isn't closed.
func (s *Store) Erase(ctx context.Context, who account.Subject, after string, row RowMaker) (done Erased, err error) {
	if after == "" {
		if err := s.onlyOwner(ctx, who, row("person.erase", "").Actor); err != nil {
			return done, err
		}
	}
	place := decodePlace(after)
	e := &eraser{store: s, who: who, as: who.Pseudonym(), row: row, addresses: place.Addresses}
	limit := int32(erasePage)
	for range erasePages {
		input := &dynamodb.ScanInput{TableName: &s.control, ConsistentRead: &consistent, Limit: &limit}
		if place.Item != [2]string{} {
			input.ExclusiveStartKey = itemKey(place.Item[0], place.Item[1])
		}
		out, err := s.db.Scan(ctx, input)
		if err != nil {
			return done, fmt.Errorf("control: scanning: %w", err)
		}
		for _, item := range out.Items {
			changed, left, err := e.erase(ctx, place.Pass, item)
			if err != nil {
				return done, err
			}
			if changed {
				done.Records++
			}
			if left {
				done.Left++
			}
		}
		switch last := out.LastEvaluatedKey; {
		case len(last) > 0:
			place.Item = [2]string{text(last, "pk"), text(last, "sk")}
		case place.Pass >= bySubject:
			left, err := e.uncounted(ctx)
			if left {
				done.Left++
			}
			return done, err
		default:
			place = erasePlace{Pass: place.Pass + 1}
		}
	}
	place.Addresses = e.addresses
	done.Next = place.encode()
	return done, nil
}

// erasePlace is the place at which the next call goes on.
type erasePlace struct {
	Pass      int
	Item      [2]string // the last one's keys; empty at the beginning of a pass
	Addresses []string  // hashes, though page tokens are sealed
}

func (p erasePlace) encode() string {
	place, _ := json.Marshal(p)
	return string(place)
}

// decodePlace reads it. A text that encode never wrote is some place: it reveals nothing.
func decodePlace(text string) (p erasePlace) {
	_ = json.Unmarshal([]byte(text), &p)
	return p
}

// eraser replaces one person.
type eraser struct {
	store     *Store
	who, as   account.Subject
	row       RowMaker
	addresses []string
}

// erase changes one item if it names the person. left is true where it still does, because it can't be read or changed.
func (e *eraser) erase(ctx context.Context, pass int, item dynamo.Item) (changed, left bool, err error) {
	step := map[string]func(context.Context, dynamo.Item) (bool, error){}
	switch pass {
	case learning:
		e.learn(item)
	case byAddress:
		step["invitation"], step["audit"], step["key"] = e.invitation, e.invitationRow, e.key
	default:
		step["audit"], step["member"], step["qps_request"], step["account"] = e.auditRow, e.member, e.request, e.account
		step["guard"], step["idempotency"] = e.look, e.idempotency
	}
	do := step[text(item, "kind")]
	if do == nil {
		return false, false, nil
	}
	changed, err = do(ctx, item)
	if !errors.Is(err, dynamo.ErrUnreadable) && !errors.Is(err, dynamo.ErrNotFound) {
		return changed, false, err
	}
	still, gone := e.store.get(ctx, itemKey(text(item, "pk"), text(item, "sk")))
	switch {
	case errors.Is(gone, dynamo.ErrNotFound), pass == byAddress && text(item, "kind") == "audit": // the last pass comes to it
		return false, false, nil
	case gone != nil:
		return false, false, gone
	}
	if left = mentions(&types.AttributeValueMemberM{Value: still}, append([]string{e.who.ID}, e.addresses...)); left {
		e.store.unreadable(ctx, still, err)
	}
	return false, left, nil
}

// mentions reports whether one of the words is anywhere in a value.
func mentions(value types.AttributeValue, words []string) bool {
	in := func(v types.AttributeValue) bool { return mentions(v, words) }
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(v.Value, word) })
	case *types.AttributeValueMemberSS:
		return in(&types.AttributeValueMemberS{Value: strings.Join(v.Value, "\n")})
	case *types.AttributeValueMemberL:
		return slices.ContainsFunc(v.Value, in)
	case *types.AttributeValueMemberM:
		return slices.ContainsFunc(slices.Collect(maps.Values(v.Value)), in)
	default:
		return false
	}
}

// member ends the person's place in an account: a pseudonym is nobody's member. What it was stays in the audit trail.
func (e *eraser) member(ctx context.Context, item dynamo.Item) (bool, error) {
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
	err = e.store.RemoveMember(ctx, m, row()) // as if they left: the operator who erases is no member
	if err == nil || m.Role != account.Owner {
		return err == nil, err
	}
	if a, unknown := e.store.Account(ctx, m.Account); unknown != nil || !a.Closed() {
		return false, err
	}
	return true, e.store.write(ctx, row(), e.store.dropMember(m)...) // a closed account needs no owner and counts none, and never opens again
}

// onlyOwner is account.ErrLastOwner for a person who is the only owner of an account that isn't closed.
func (s *Store) onlyOwner(ctx context.Context, who account.Subject, actor audit.Actor) error {
	for after := ""; ; {
		page, err := s.Memberships(ctx, who, after, 100)
		if err != nil {
			return err
		}
		for _, m := range page.Memberships {
			if m.Role != account.Owner || m.Account.Closed() {
				continue
			}
			if _, err := s.otherOwner(ctx, account.Member{Account: m.Account.ID, Subject: who}, actor); err != nil {
				return err
			}
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}

// auditRow replaces the person where a row names them: as the actor, and as the person it is about, with the addresses in it.
func (e *eraser) auditRow(ctx context.Context, item dynamo.Item) (bool, error) {
	row, _, err := DecodeAudit(item)
	if err != nil {
		return false, err
	}
	acted, names := row.Actor.Subject == e.who, e.namedBy(row.Actor.Subject)
	isNamed := func(c audit.Change) bool {
		return c.Field == "subject" && (slices.Contains(names, c.Before) || slices.Contains(names, c.After))
	}
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
			c.Before, c.After = swap(c.Before, names, as), swap(c.After, names, as)
		case about && c.Field == "email":
			c.Before, c.After = "", ""
		}
	}
	row.Changes = changes
	return true, e.rewrite(ctx, row)
}

// rewrite puts an audit row in its own place.
func (e *eraser) rewrite(ctx context.Context, row audit.Row) error {
	return e.unaudited(ctx, put(e.store.control, encodeAudit(row), exists, always(dynamo.ErrNotFound)))
}

// unaudited writes without an audit row, as long as the one who erases still may: account.ErrRightLost when they may do so no more.
func (e *eraser) unaudited(ctx context.Context, write op) error {
	still := e.store.actorStill(e.row("person.erase", ""), nil)
	return e.store.unaudited(ctx, "erasing", append(still, write)...)
}

// namedBy lists what names the person in the rows of an actor, as rows hold texts: the subject behind its issuer and, where the actor is of
// that issuer too or is known no more, the subject alone. Of another issuer's actor that is another person.
func (e *eraser) namedBy(actor account.Subject) []string {
	names := []string{audit.Set("", e.who.WithIssuer(), nil).Before}
	if actor.Issuer == e.who.Issuer || actor.Erased() || actor.Issuer == "" {
		names = append(names, audit.Set("", e.who.ID, nil).Before)
	}
	return names
}

func swap(text string, from []string, to string) string {
	if slices.Contains(from, text) {
		return to
	}
	return text
}

func (e *eraser) key(ctx context.Context, item dynamo.Item) (bool, error) {
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
	if b := after.Blocked; b != nil && (b.By == e.who.ID || e.knows(b.By)) {
		block := *b
		block.By = e.as.ID
		after.Blocked = &block
	}
	if after.Same(k) {
		return false, nil
	}
	row := e.row("person.erase", k.ID)
	row.Account = k.Account
	_, err = e.store.Commit(ctx, Change{Before: &k, After: after, Audit: row})
	return err == nil, err
}

func (e *eraser) request(ctx context.Context, item dynamo.Item) (bool, error) {
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
