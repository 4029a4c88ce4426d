package quotas_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter/quota"
)

// TestWhatIsTakenIsReadByNameInItsDayAndMonth, of more names than one batch holds, also where DynamoDB answers batches in part; one that can't be
// read is left out.
func TestWhatIsTakenIsReadByNameInItsDayAndMonth(t *testing.T) {
	for _, pages := range []int{0, 3} { // whole, and up to 30 items of a batch
		synctest.Test(t, func(t *testing.T) { readAll(t, pages) })
	}
}

func readAll(t *testing.T, pages int) {
	t.Helper()
	db, tables := keytest.NewMemory()
	db.PageSize = pages
	store := quotas.New(db, tables.Quotas)
	at := time.Date(2026, 11, 21, 15, 0, 0, 0, time.UTC)
	var names []quota.Name
	for i := range 130 {
		name := quota.Name{Scope: "acc_1", Type: "freemium", Group: fmt.Sprint("g", i)}
		names = append(names, name, name)
		for day, n := range map[int]int64{0: int64(i), -20: 1000, -21: 1_000_000} { // today, the first of the month, the one before
			if i%2 == 0 {
				continue
			}
			if _, err := store.Write(t.Context(), quota.Ask{Name: name, Date: at.Truncate(24*time.Hour).AddDate(0, 0, day), N: n}); err != nil {
				t.Fatal(err)
			}
		}
	}
	damaged := quota.Name{Scope: "acc_1", Type: "free", Group: "other"}
	if err := keytest.PutRaw(t.Context(), db, tables.Quotas, dynamo.Item{"pk": dynamo.S("acc_1#free#other"), "sk": dynamo.S("2026-11"), "d21": dynamo.S("5")}); err != nil {
		t.Fatal(err)
	}
	got, err := quotas.NewReader(db, tables.Quotas).Taken(t.Context(), at, append(names, damaged))
	if _, there := got[damaged]; err != nil || there || len(got) != 130 {
		t.Fatalf("%d, %v", len(got), err)
	}
	for i := range 130 {
		want := quota.Seen{}
		if i%2 == 1 {
			want = quota.Seen{Day: int64(i), Month: 1000 + int64(i)}
		}
		if seen := got[names[2*i]]; seen != want {
			t.Errorf("%v: %+v, want %+v", names[2*i], seen, want)
		}
	}
}
