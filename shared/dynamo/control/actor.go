package control

import (
	"fmt"

	"latchkey/shared/account"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
)

// errRightLost is ErrStale for those who look no closer, such as jobs.
var errRightLost = fmt.Errorf("%w: %w", account.ErrRightLost, dynamo.ErrStale)

// actorStill checks in the write itself that the person named by an audit row still has the role in which the row says that
// they acted: a member's role in the row's account, or an admin's rank. A right that was read before the write may be gone by
// then, and who was removed or demoted a moment ago makes nothing, sees nothing and decides nothing any more. It fails with
// account.ErrRightLost, so that the request is decided again, from the rights on, even where it names a version.
//
// A row without a role is of somebody who needs none (they open an account or accept an invitation), or of a job. Where one of
// ops is about the same record already, its condition holds the right or the version: one transaction can't check it twice.
func (s *Store) actorStill(row audit.Row, ops []op) []op {
	if s.decided {
		return nil
	}
	var still op
	switch role := row.Actor.Role; role {
	case "", account.RoleSystem:
		return nil
	case account.RoleOperator:
		still = s.isAdmin(row.Actor.Subject)
	default:
		still = s.memberIn(row.Account, row.Actor.Subject, []account.Role{account.Role(role)})
	}
	still.failed = always(errRightLost)
	for _, o := range ops {
		if table, key := o.place(); table == s.control && sameItem(key, still.item.ConditionCheck.Key) {
			return nil
		}
	}
	return []op{still}
}

// afterDecision is the store for steps that follow from what a person has decided and is stored already, whatever their role is
// by then: they may have given it up by that. It is also for the trace of a look, which changes nothing.
func (s *Store) afterDecision() *Store {
	after := *s
	after.decided = true
	return &after
}

// place is the table of an op's item, and an item with its keys.
func (o op) place() (table string, key dynamo.Item) {
	switch i := o.item; {
	case i.Put != nil:
		return *i.Put.TableName, i.Put.Item
	case i.Update != nil:
		return *i.Update.TableName, i.Update.Key
	case i.Delete != nil:
		return *i.Delete.TableName, i.Delete.Key
	default:
		return *i.ConditionCheck.TableName, i.ConditionCheck.Key
	}
}

func sameItem(a, b dynamo.Item) bool {
	return text(a, "pk") == text(b, "pk") && sortKey(a) == sortKey(b)
}
