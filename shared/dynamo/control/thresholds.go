package control

import (
	"context"
	"errors"
	"strconv"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/usage"
)

// keepThresholds is longer than any month, and the time in which calls of a month that has ended are counted.
const keepThresholds = 75 * 24 * time.Hour

func thresholdKey(id account.ID, t usage.Threshold) dynamo.Item {
	return itemKey(accountPK(id), thresholdPrefix+string(t.Billing)+"#"+string(t.Group)+"#"+t.Period+"#"+strconv.Itoa(t.Percent))
}

// ReachThreshold writes the row that tells of a threshold, once for each account, billing type, group, period and percentage.
// dynamo.ErrExists where it has been told.
func (s *Store) ReachThreshold(ctx context.Context, id account.ID, t usage.Threshold, row audit.Row) error {
	row.Account = id
	item := thresholdKey(id, t)
	if _, err := s.get(ctx, item); err == nil { // most often it has been told: a read costs less than a transaction that is refused
		return dynamo.ErrExists
	} else if !errors.Is(err, dynamo.ErrNotFound) {
		return err
	}
	item["kind"], item["ttl"] = dynamo.S("guard"), dynamo.N(row.At.Add(keepThresholds).Unix())
	return s.write(ctx, row, put(s.control, item, isNew, always(dynamo.ErrExists)))
}
