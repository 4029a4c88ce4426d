package sim

import (
	"context"
	"errors"

	"latchkey/shared/limiter/quota"
)

// Table is a table of quotas in memory: one writer at a time, as in DynamoDB.
type Table struct {
	items map[itemName]*item
}

type itemName struct {
	quota.Name
	month string
}

type item struct {
	month int64
	days  map[int]int64
	slots [quota.Slots]int64
}

// NewTable makes an empty table.
func NewTable() *Table { return &Table{items: map[itemName]*item{}} }

func (t *Table) item(ask quota.Ask) *item {
	name := itemName{ask.Name, ask.Date.Format("2006-01")}
	it := t.items[name]
	if it == nil {
		it = &item{days: map[int]int64{}}
		t.items[name] = it
	}
	return it
}

// Write is the write that quota.Ask describes. It implements quota.Store.
func (t *Table) Write(_ context.Context, ask quota.Ask) (quota.Seen, error) {
	it := t.item(ask)
	seen := quota.Seen{Day: it.days[ask.Date.Day()], Month: it.month}
	switch {
	case ask.Stamp != 0:
		seen.Stamp = it.slots[ask.Slot]
		if seen.Stamp >= ask.Stamp {
			return seen, nil
		}
		it.slots[ask.Slot] = ask.Stamp
	case ask.DayBound && seen.Day > ask.DayMost || ask.MonthBound && seen.Month > ask.MonthMost:
		return seen, nil
	}
	seen.Applied = true
	it.month += ask.N
	it.days[ask.Date.Day()] += ask.N
	return seen, nil
}

// Taken returns the sums of a limit for the day of a date and for its month.
func (t *Table) Taken(ask quota.Ask) (day, month int64) {
	it := t.item(ask)
	return it.days[ask.Date.Day()], it.month
}

var errLost = errors.New("time-out")
