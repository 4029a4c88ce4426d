package quota_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"latchkey/shared/limiter"
	"latchkey/shared/limiter/quota"
	"latchkey/shared/limiter/quota/sim"
)

var (
	noon     = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	tiles    = quota.Name{Scope: "acc_1", Type: "freemium", Group: "tiles"}
	keyTiles = quota.Name{Scope: "key_1", Group: "tiles"}
	errDown  = errors.New("down")
)

func askOn(date time.Time) quota.Ask { return quota.Ask{Name: sim.Account, Date: date} }

func clock(at time.Time) limiter.Now { return limiter.Now{Wall: at, Mono: at.Sub(noon)} }

// table counts what is written, and fails for the names that are down. Where answers are lost, what fails is written.
type table struct {
	*sim.Table
	asks []quota.Ask
	down map[quota.Name]bool
	lost bool
}

func newTable() *table { return &table{Table: sim.NewTable(), down: map[quota.Name]bool{}} }

func (w *table) Write(ctx context.Context, ask quota.Ask) (quota.Seen, error) {
	w.asks = append(w.asks, ask)
	if w.down[ask.Name] {
		if w.lost {
			_, _ = w.Table.Write(ctx, ask)
		}
		return quota.Seen{}, errDown
	}
	return w.Table.Write(ctx, ask)
}

func (w *table) call(t *testing.T, l *quota.Limiter, at time.Time, limits ...quota.Limit) quota.Result {
	t.Helper()
	return l.Admit(t.Context(), w, func() limiter.Now { return clock(at) }, limits, clock(at))
}

// calls makes calls a tenth of a second apart and says how many were admitted.
func (w *table) calls(t *testing.T, l *quota.Limiter, n int, at time.Time, limits ...quota.Limit) (admitted int) {
	t.Helper()
	for i := range n {
		if w.call(t, l, at.Add(time.Duration(i)*100*time.Millisecond), limits...).Admit {
			admitted++
		}
	}
	return admitted
}

func (w *table) taken(name quota.Name, date time.Time) int64 {
	day, _ := w.Taken(quota.Ask{Name: name, Date: date})
	return day
}

func TestARefusalSaysWhichQuotaEndsLastAndWhen(t *testing.T) {
	midnight, month := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		limits []quota.Limit
		want   quota.Result
	}{
		"the day's":                       {[]quota.Limit{{Name: tiles, Day: 3, Month: 100}}, quota.Result{Period: quota.Day, Number: 3, Ends: midnight}},
		"the month's":                     {[]quota.Limit{{Name: tiles, Day: 3, Month: 3}}, quota.Result{Period: quota.Month, Number: 3, Ends: month}},
		"the month's alone":               {[]quota.Limit{{Name: tiles, Month: 3}}, quota.Result{Period: quota.Month, Number: 3, Ends: month}},
		"the account's, of the two":       {[]quota.Limit{{Name: keyTiles, Day: 3}, {Name: tiles, Month: 3}}, quota.Result{Period: quota.Month, Number: 3, Ends: month}},
		"the key's, of the two":           {[]quota.Limit{{Name: keyTiles, Month: 3}, {Name: tiles, Day: 3}}, quota.Result{Period: quota.Month, Number: 3, Ends: month}},
		"the key's, which is asked first": {[]quota.Limit{{Name: keyTiles, Day: 3}, {Name: tiles, Day: 3}}, quota.Result{Period: quota.Day, Number: 3, Ends: midnight}},
	} {
		w, l := newTable(), quota.New(3, 8)
		if n := w.calls(t, l, 20, noon, tt.limits...); n != 3 {
			t.Errorf("%s: %d admitted", name, n)
		}
		before := len(w.asks)
		known, is := l.Exhausted(tt.limits, clock(noon))
		got := w.call(t, l, noon.Add(time.Minute), tt.limits...)
		if !is || known != got || got.Admit || got.Period != tt.want.Period || got.Number != tt.want.Number || !got.Ends.Equal(tt.want.Ends) {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
		if len(w.asks) != before {
			t.Errorf("%s: a call beyond it wrote", name)
		}
	}
}

// TestAPeriodIsOverWhenTheClockSaysSo: an exhausted month is remembered over midnight, a day is not; and in a new month nothing is.
func TestAPeriodIsOverWhenTheClockSaysSo(t *testing.T) {
	limit := quota.Limit{Name: tiles, Day: 5, Month: 8}
	w, l := newTable(), quota.New(3, 8)
	first := noon.AddDate(0, 0, -1)
	next, december := noon, noon.AddDate(0, 0, 2)
	if n := w.calls(t, l, 10, first, limit); n != 5 {
		t.Errorf("%d on the first day", n)
	}
	if n := w.calls(t, l, 10, next, limit); n != 3 {
		t.Errorf("%d on the second, want what is left of the month", n)
	}
	writes := len(w.asks)
	if r := w.call(t, l, next.Add(11*time.Hour), limit); r.Period != quota.Month || len(w.asks) != writes {
		t.Errorf("%+v, %d writes", r, len(w.asks)-writes)
	}
	third := time.Date(2026, 11, 30, 23, 59, 59, 999_999_999, time.UTC)
	if r := w.call(t, l, third, limit); r.Period != quota.Month || len(w.asks) != writes {
		t.Errorf("a moment before the month ends: %+v, %d writes", r, len(w.asks)-writes)
	}
	if n := w.calls(t, l, 10, december, limit); n != 5 {
		t.Errorf("%d in the next month", n)
	}
	if r := w.call(t, l, december.Add(12*time.Hour-time.Nanosecond), limit); r.Period != quota.Day {
		t.Errorf("a moment before midnight: %+v", r)
	}
	if r := w.call(t, l, december.Add(12*time.Hour), limit); r.Period != 0 {
		t.Errorf("at midnight: %+v", r)
	}
}

func TestTokensOfAnotherDayAreDropped(t *testing.T) {
	limit := quota.Limit{Name: tiles, Day: 100_000}
	w, l := newTable(), quota.New(3, 8)
	w.calls(t, l, 100, noon, limit)
	if l.InHand(tiles, clock(noon)) == 0 {
		t.Fatal("no lease")
	}
	next := noon.AddDate(0, 0, 1)
	if n := l.InHand(tiles, clock(next)); n != 0 {
		t.Errorf("%d in hand of the next day", n)
	}
	w.call(t, l, next, limit)
	if taken := w.taken(tiles, next); taken < 1 {
		t.Errorf("the next day's call is counted under the day before: %d taken", taken)
	}
}

// TestAnotherNumberIsAskedForAgain: a raised one serves at once, a lowered one refuses.
func TestAnotherNumberIsAskedForAgain(t *testing.T) {
	w, l := newTable(), quota.New(3, 8)
	if n := w.calls(t, l, 10, noon, quota.Limit{Name: tiles, Day: 5}); n != 5 {
		t.Errorf("%d of 5", n)
	}
	raised := quota.Limit{Name: tiles, Day: 7}
	if _, is := l.Exhausted([]quota.Limit{raised}, clock(noon)); is {
		t.Error("a raised quota is held exhausted")
	}
	if n := w.calls(t, l, 10, noon, raised); n != 2 {
		t.Errorf("%d more of 7", n)
	}
	if n := w.calls(t, l, 10, noon, quota.Limit{Name: tiles, Day: 6}); n != 0 {
		t.Errorf("%d more of 6", n)
	}
}

// TestALoweredNumberHoldsWhileItsItemCannotBeWritten: what was seen of the period before is above it.
func TestALoweredNumberHoldsWhileItsItemCannotBeWritten(t *testing.T) {
	w, l := newTable(), quota.New(3, 8)
	w.calls(t, l, 10, noon, quota.Limit{Name: tiles, Day: 5})
	w.down[tiles] = true
	admitted := 0
	for i := range 100 {
		if w.call(t, l, noon.Add(time.Minute+time.Duration(i)*100*time.Millisecond), quota.Limit{Name: tiles, Day: 4}).Admit {
			admitted++
		}
	}
	if admitted > 0 {
		t.Errorf("%d calls are admitted beyond a number that was lowered to 4, behind 5", admitted)
	}
	if r := w.call(t, l, noon.Add(2*time.Minute), quota.Limit{Name: tiles, Day: 50}); !r.Admit || !r.Suspended {
		t.Errorf("a raised one: %+v", r)
	}
}

func TestALimitWithoutANumberIsNone(t *testing.T) {
	w, l := newTable(), quota.New(3, 8)
	if n := w.calls(t, l, 10, noon, quota.Limit{Name: tiles}); n != 10 || len(w.asks) != 0 {
		t.Errorf("%d admitted, %d writes", n, len(w.asks))
	}
}

// TestWhatOneLimitGaveStaysInHandWhenAnotherRefuses: the refused calls cost the key's quota nothing.
func TestWhatOneLimitGaveStaysInHandWhenAnotherRefuses(t *testing.T) {
	w, l := newTable(), quota.New(3, 8)
	key, account := quota.Limit{Name: keyTiles, Day: 1000}, quota.Limit{Name: tiles, Day: 10}
	if n := w.calls(t, l, 100, noon, key, account); n != 10 {
		t.Errorf("%d admitted", n)
	}
	if used := w.taken(keyTiles, noon) - l.InHand(keyTiles, clock(noon)); used != 10 {
		t.Errorf("the key's quota has lost %d calls, want the 10 that were admitted", used)
	}
	if w.asks[0].Name != keyTiles {
		t.Error("the account is asked before the key")
	}
}

// TestALeaseIsSmall: at most what was called for, and at most a 64th of what is left.
func TestALeaseIsSmall(t *testing.T) {
	w, l := newTable(), quota.New(3, 8)
	limit := quota.Limit{Name: tiles, Day: 6400, Month: 100_000}
	for i := range 6400 {
		w.call(t, l, noon.Add(time.Duration(i)*10*time.Millisecond), limit)
	}
	largest, left := int64(0), limit.Day
	for _, ask := range w.asks {
		if ask.N > max(1, left/64) {
			t.Errorf("%d taken where %d are left", ask.N, left)
		}
		largest, left = max(largest, ask.N), left-ask.N
	}
	if largest < 50 || left != 0 {
		t.Errorf("leases of at most %d, %d left", largest, left)
	}
	l = quota.New(3, 8)
	w = newTable()
	for i := range 100 {
		w.call(t, l, noon.Add(time.Duration(i)*time.Minute), quota.Limit{Name: tiles, Day: 1_000_000})
	}
	if in := l.InHand(tiles, clock(noon)); in > 4 {
		t.Errorf("%d in hand at a call a minute", in)
	}
}

// TestTheLastCallsAreTakenOneByOneWhateverAnEnvironmentKnew: others have taken most of the rest since it last looked.
func TestTheLastCallsAreTakenOneByOneWhateverAnEnvironmentKnew(t *testing.T) {
	w, l := newTable(), quota.New(3, 8)
	limit := quota.Limit{Name: tiles, Day: 6400}
	w.calls(t, l, 200, noon, limit)
	if _, err := w.Table.Write(t.Context(), quota.Ask{Name: tiles, Date: noon.Truncate(24 * time.Hour), N: 5900}); err != nil {
		t.Fatal(err)
	}
	left := limit.Day - w.taken(tiles, noon)
	w.asks = nil
	for n := 0; left == limit.Day-w.taken(tiles, noon); n++ {
		if n > 1000 {
			t.Fatal("it asks for no more")
		}
		w.call(t, l, noon.Add(20*time.Second+time.Duration(n)*100*time.Millisecond), limit)
	}
	if got := w.asks[len(w.asks)-1].N; got > max(1, left/64) {
		t.Errorf("%d are taken where %d are left", got, left)
	}
}

// TestATableThatFailsSuspendsItsBoundAndNothingElse: exhausted stays exhausted, tokens are spent, then calls pass and are counted
// when it is back.
func TestATableThatFailsSuspendsItsBoundAndNothingElse(t *testing.T) {
	w, l := newTable(), quota.New(3, 8)
	limit, gone := quota.Limit{Name: tiles, Day: 100_000}, quota.Limit{Name: keyTiles, Day: 2}
	w.calls(t, l, 100, noon, limit)
	w.calls(t, l, 4, noon, gone)
	w.down[tiles], w.down[keyTiles] = true, true
	at, suspended := noon.Add(10*time.Second), 0
	for range 400 {
		at = at.Add(10 * time.Millisecond)
		held := l.InHand(tiles, clock(at))
		r := w.call(t, l, at, limit)
		if !r.Admit || r.Suspended != (held == 0) {
			t.Fatalf("%+v with %d tokens", r, held)
		}
		if r.Suspended {
			suspended++
		}
	}
	if r := w.call(t, l, at, gone); r.Admit {
		t.Error("an exhausted quota passes while the table fails")
	}
	writes := len(w.asks)
	w.call(t, l, at, limit)
	if suspended == 0 || len(w.asks) != writes {
		t.Errorf("%d calls suspended, %d writes in the second after a failure", suspended, len(w.asks)-writes)
	}
	w.down = map[quota.Name]bool{}
	before := w.taken(tiles, noon)
	if r := w.call(t, l, at.Add(2*time.Second), limit); !r.Admit || r.Suspended {
		t.Errorf("the table is back: %+v", r)
	}
	if more := w.taken(tiles, noon) - before - l.InHand(tiles, clock(at)) - 1; more != int64(suspended)+1 {
		t.Errorf("%d counted of %d that passed without a token", more, suspended+1)
	}
}

// TestACorrectionKeepsItsStampUntilItIsKnownToBeWritten, so that a lost answer counts nothing twice.
func TestACorrectionKeepsItsStampUntilItIsKnownToBeWritten(t *testing.T) {
	w, l := newTable(), quota.New(3, 8)
	limit := quota.Limit{Name: tiles, Day: 100}
	w.down[tiles] = true
	stamps := map[int64]int64{}
	at := noon
	for range 5 {
		w.call(t, l, at, limit)
		at = at.Add(4100 * time.Millisecond)
	}
	w.down = map[quota.Name]bool{}
	w.call(t, l, at, limit)
	for _, ask := range w.asks {
		if ask.Stamp != 0 {
			if n, seen := stamps[ask.Stamp]; seen && n != ask.N {
				t.Errorf("%d is for %d and for %d", ask.Stamp, n, ask.N)
			}
			stamps[ask.Stamp] = ask.N
		}
	}
	if taken := w.taken(tiles, noon); len(stamps) != 2 || taken != 6 {
		t.Errorf("%v, %d taken, want the 6 calls", stamps, taken)
	}
}

// TestACorrectionWhoseAnswerIsLostIsNeverMadeUnderAnotherStamp: another environment of its slot has written a larger one meanwhile, and nobody knows whether it was
// made. It is measured as uncounted; what was admitted after it is counted.
func TestACorrectionWhoseAnswerIsLostIsNeverMadeUnderAnotherStamp(t *testing.T) {
	for _, waits := range []bool{false, true} { // for Due, its day being over
		w, l := newTable(), quota.New(3, 8)
		limit := quota.Limit{Name: tiles, Day: 100_000}
		w.down[tiles] = true
		w.calls(t, l, 5, noon, limit)
		w.lost = true
		w.call(t, l, noon.Add(2*time.Second), limit)
		w.down[tiles], w.lost = false, false
		other := quota.Ask{Name: tiles, Date: noon.Truncate(24 * time.Hour), N: 1, Stamp: noon.Add(time.Hour).UnixNano(), Slot: 3}
		if _, err := w.Write(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		at := noon.Add(10 * time.Second)
		if waits {
			at = at.AddDate(0, 0, 1)
		}
		w.call(t, l, at, limit)
		for ask, due := l.Due(clock(at)); due; ask, due = l.Due(clock(at)) {
			seen, err := w.Write(t.Context(), ask)
			l.Corrected(ask, seen, err)
		}
		taken, want := w.taken(tiles, noon), int64(5+1+1)
		if !waits {
			want++ // the last call is of the same day
		}
		if dropped := l.Dropped(); taken != want || dropped != (quota.Dropped{Calls: 5}) {
			t.Errorf("waits: %v: %d are counted, want %d; %+v dropped, want the 5 of the lost answer", waits, taken, want, dropped)
		}
	}
}

// TestAnOlderCorrectionGoesBeforeTheOneThatACallNeeds: that of the day before, whose answer is lost, is known to be made, and not refused behind today's.
func TestAnOlderCorrectionGoesBeforeTheOneThatACallNeeds(t *testing.T) {
	w, l := newTable(), quota.New(3, 8)
	limit := quota.Limit{Name: tiles, Day: 100_000}
	w.down[tiles] = true
	w.calls(t, l, 30, noon, limit)
	w.lost = true
	w.call(t, l, noon.Add(10*time.Second), limit) // it counts some, without an answer
	w.lost = false
	next := noon.AddDate(0, 0, 1)
	w.calls(t, l, 3, next, limit)
	w.down[tiles] = false
	at := next.Add(10 * time.Second)
	writes := len(w.asks)
	r := w.call(t, l, at, limit)
	last := int64(0)
	for _, ask := range w.asks[writes:] {
		if ask.Stamp != 0 && ask.Stamp <= last {
			t.Errorf("%d is asked behind %d", ask.Stamp, last)
		}
		last = max(last, ask.Stamp)
	}
	if _, due := l.Due(clock(at)); due || !r.Admit || r.Suspended {
		t.Errorf("something is left to correct: %t, %+v", due, r)
	}
	before, after := w.taken(tiles, noon), w.taken(tiles, next)-l.InHand(tiles, clock(at))
	if before != 31 || after != 4 || l.Dropped() != (quota.Dropped{}) {
		t.Errorf("%d of 31 calls are counted in the day, and %d of 4 in the next", before, after)
	}
}

// TestACorrectionBehindAnAheadClockIsMadeOnceOrNever: where a slot holds a larger stamp, calls are counted under one that is larger
// still, and tokens are given up.
func TestACorrectionBehindAnAheadClockIsMadeOnceOrNever(t *testing.T) {
	w, l := newTable(), quota.New(3, 8)
	limit := quota.Limit{Name: tiles, Day: 100_000}
	w.down[tiles] = true
	w.calls(t, l, 5, noon, limit)
	w.down = map[quota.Name]bool{}
	ahead := quota.Ask{Name: tiles, Date: noon.Truncate(24 * time.Hour), N: 1, Stamp: noon.Add(time.Hour).UnixNano(), Slot: 3}
	if _, err := w.Write(t.Context(), ahead); err != nil {
		t.Fatal(err)
	}
	w.calls(t, l, 100, noon.Add(2*time.Second), limit)
	if taken := w.taken(tiles, noon) - l.InHand(tiles, clock(noon)); taken != 106 {
		t.Errorf("%d are counted of 106", taken)
	}
	before := w.taken(tiles, noon)
	ahead.Stamp *= 2
	if _, err := w.Write(t.Context(), ahead); err != nil {
		t.Fatal(err)
	}
	for _, ask := range l.Close(clock(noon)) {
		seen, err := w.Write(t.Context(), ask)
		l.Corrected(ask, seen, err)
	}
	if _, due := l.Due(clock(noon)); due || w.taken(tiles, noon) != before+1 {
		t.Errorf("tokens that may be back are given back again: %d taken of %d", w.taken(tiles, noon), before)
	}
}

// TestAStampThatIsAheadStaysWithItsLimit: it raises no slot of another's, whose environments would lose what they give back. Behind it the limit's own corrections are
// written at once, also what goes back when it is forgotten.
func TestAStampThatIsAheadStaysWithItsLimit(t *testing.T) {
	ahead := noon.AddDate(0, 0, 1).UnixNano()
	for _, limits := range []int{1, 8} {
		w, l := newTable(), quota.New(3, limits)
		tiles, other := quota.Limit{Name: tiles, Day: 100_000}, quota.Limit{Name: quota.Name{Scope: "other"}, Day: 100_000}
		if _, err := w.Write(t.Context(), quota.Ask{Name: tiles.Name, Date: noon.Truncate(24 * time.Hour), N: 1, Stamp: ahead, Slot: 3}); err != nil {
			t.Fatal(err)
		}
		at := noon
		for _, limit := range []quota.Limit{tiles, other, tiles} {
			w.down[limit.Name] = true
			w.calls(t, l, 5, at, limit)
			w.down[limit.Name] = false
			at = at.Add(time.Minute)
			w.calls(t, l, 100, at, limit)
			for ask, due := l.Due(clock(at)); due; ask, due = l.Due(clock(at)) {
				seen, err := w.Write(t.Context(), ask)
				l.Corrected(ask, seen, err)
			}
			at = at.Add(time.Minute)
		}
		for _, ask := range l.Close(clock(at)) {
			if seen, err := w.Write(t.Context(), ask); err != nil || !seen.Applied {
				t.Errorf("%d limits: %+v: %+v, %v", limits, ask, seen, err)
			}
		}
		for _, ask := range w.asks {
			if ask.Name == other.Name && ask.Stamp >= ahead || ask.Name == tiles.Name && ask.Stamp > ahead+10 {
				t.Errorf("%d limits: %+v", limits, ask)
			}
		}
		if taken := w.taken(other.Name, noon); taken != 105 {
			t.Errorf("%d limits: %d are counted of 105", limits, taken)
		}
	}
}

// TestTwoItemsThatFailRestAll, one that fails rests itself.
func TestTwoItemsThatFailRestAll(t *testing.T) {
	w, l := newTable(), quota.New(3, 8)
	limit := func(i int) quota.Limit {
		return quota.Limit{Name: quota.Name{Scope: fmt.Sprint(i), Group: "g"}, Day: 100}
	}
	w.down[limit(1).Name], w.down[limit(2).Name] = true, true
	for failures := 1; failures <= 3; failures++ { // of one item, and none of another between them
		again := quota.New(3, 8)
		for i := range failures {
			w.call(t, again, noon.Add(time.Duration(i)*4100*time.Millisecond), limit(1))
		}
		if r := w.call(t, again, noon.Add(time.Duration(failures-1)*4100*time.Millisecond), limit(3)); r.Suspended {
			t.Errorf("after %d failures of one item another rests: %+v", failures, r)
		}
	}
	if r := w.call(t, l, noon, limit(1)); !r.Suspended {
		t.Errorf("%+v", r)
	}
	if r := w.call(t, l, noon, limit(3)); r.Suspended {
		t.Errorf("another limit rests: %+v", r)
	}
	w.call(t, l, noon, limit(1), limit(2))
	w.call(t, l, noon.Add(1100*time.Millisecond), limit(1))
	w.call(t, l, noon.Add(1100*time.Millisecond), limit(2))
	if r := w.call(t, l, noon.Add(1200*time.Millisecond), limit(4)); !r.Suspended {
		t.Errorf("two have failed, and a third is asked: %+v", r)
	}
	if r := w.call(t, l, noon.Add(2200*time.Millisecond), limit(4)); r.Suspended {
		t.Errorf("nobody asks whether the table is back: %+v", r)
	}
	if r := w.call(t, l, noon.Add(3300*time.Millisecond), limit(1)); !r.Suspended {
		t.Errorf("%+v", r)
	}
	if r := w.call(t, l, noon.Add(3300*time.Millisecond), limit(5)); r.Suspended {
		t.Errorf("behind an outage the failure of one rests another: %+v", r)
	}
}

// TestAQuotaThatFailsOnLeavesTheAskThatEndsTheRestToOthers: one fails on and is called all the time, another failed once.
func TestAQuotaThatFailsOnLeavesTheAskThatEndsTheRestToOthers(t *testing.T) {
	w, l := newTable(), quota.New(3, 8)
	limit := func(i int) quota.Limit {
		return quota.Limit{Name: quota.Name{Scope: fmt.Sprint(i), Group: "g"}, Day: 100}
	}
	w.down[limit(1).Name], w.down[limit(2).Name] = true, true
	suspended := true
	for after := time.Duration(0); after < 6*time.Second; after += 10 * time.Millisecond {
		w.call(t, l, noon.Add(after), limit(1))
		if after == 500*time.Millisecond {
			w.call(t, l, noon.Add(after), limit(2))
			delete(w.down, limit(2).Name)
		}
		if after > 500*time.Millisecond && after%(250*time.Millisecond) == 0 {
			suspended = w.call(t, l, noon.Add(after), limit(2)).Suspended
		}
	}
	if suspended {
		t.Error("one that failed once is suspended as long as another fails")
	}
}

// TestWhatIsNotNeededGoesBackOnce: when nobody calls for it, when it is forgotten, and when the environment ends.
func TestWhatIsNotNeededGoesBackOnce(t *testing.T) {
	limit := quota.Limit{Name: tiles, Day: 100_000}
	for name, back := range map[string]func(*quota.Limiter) []quota.Ask{
		"idle": func(l *quota.Limiter) (asks []quota.Ask) {
			for range 10 {
				if _, due := l.Due(clock(noon.Add(4 * time.Minute))); due {
					t.Error("given back while it may be needed")
				}
				if ask, due := l.Due(clock(noon.Add(6 * time.Minute))); due {
					asks = append(asks, ask)
				}
			}
			return asks
		},
		"forgotten": func(l *quota.Limiter) []quota.Ask {
			for i := range 2 {
				l.Decide([]quota.Limit{{Name: quota.Name{Scope: fmt.Sprint(i)}, Day: 1}}, clock(noon))
			}
			ask, _ := l.Due(clock(noon))
			return []quota.Ask{ask}
		},
		"the end": func(l *quota.Limiter) []quota.Ask { return l.Close(clock(noon)) },
	} {
		w, l := newTable(), quota.New(3, 2)
		w.calls(t, l, 100, noon, limit)
		held := l.InHand(tiles, clock(noon))
		asks := back(l)
		if len(asks) != 1 || held == 0 || asks[0].N != -held || asks[0].Stamp == 0 || l.InHand(tiles, clock(noon)) != 0 {
			t.Fatalf("%s: %+v for %d in hand", name, asks, held)
		}
		for range 2 {
			if _, err := w.Write(t.Context(), asks[0]); err != nil {
				t.Fatal(err)
			}
		}
		if taken := w.taken(tiles, noon); taken != 100 {
			t.Errorf("%s: %d taken after 100 calls", name, taken)
		}
		if more := l.Close(clock(noon)); len(more) > 0 && more[0].N < 0 {
			t.Errorf("%s: given back twice: %+v", name, more)
		}
	}
}

// TestTheLargestGoesBackFirst: an environment that ends has half a second.
func TestTheLargestGoesBackFirst(t *testing.T) {
	w, l := newTable(), quota.New(3, 8)
	for i, n := range []int{3, 200, 40} {
		w.calls(t, l, n, noon, quota.Limit{Name: quota.Name{Scope: fmt.Sprint(i)}, Day: 1_000_000})
	}
	last := int64(-1 << 62)
	for _, ask := range l.Close(clock(noon)) {
		if ask.N < last {
			t.Errorf("%d goes back after %d", ask.N, last)
		}
		last = ask.N
	}
}

// TestTheBusiestLeaseGoesBackHoweverManyOthersThereAre: where more corrections wait than are kept, the smallest is lost, whether the environment ends, forgets
// limits, or has calls to count.
func TestTheBusiestLeaseGoesBackHoweverManyOthersThereAre(t *testing.T) {
	const others = 300 // more than may wait
	busy := quota.Limit{Name: quota.Name{Scope: "busy"}, Day: 1_000_000}
	small := func(i int) quota.Limit { return quota.Limit{Name: quota.Name{Scope: fmt.Sprint(i)}, Day: 1_000_000} }
	for name, tt := range map[string]struct {
		remembered int
		down       bool
		busyAt     int // among the others
	}{
		"ends, used last":   {8192, false, others},
		"ends, used first":  {8192, false, 0},
		"ends, in between":  {8192, false, 270},
		"forgets it first":  {1, false, 0},
		"forgets it last":   {1, false, 280},
		"debt, first":       {8192, true, 0},
		"debt, last":        {8192, true, others},
		"debt of forgotten": {1, true, 280},
	} {
		w, l := newTable(), quota.New(3, tt.remembered)
		call := func(n int, of quota.Limit) {
			w.down[of.Name] = tt.down
			w.calls(t, l, n, noon, of)
		}
		for i := range others + 1 {
			if i == tt.busyAt {
				call(400, busy)
			}
			call(30, small(i))
		}
		want, others := l.InHand(busy.Name, clock(noon)), int64(0)
		asks := l.Close(clock(noon))
		d := l.Dropped()
		for _, ask := range asks[1:] {
			others = max(others, ask.N, -ask.N)
		}
		if first := asks[0]; first.Name != busy.Name || want != 0 && first.N != -want || max(first.N, -first.N) <= others || len(asks) != 256 || (d.Calls > 0) != tt.down || (d.Tokens > 0) == tt.down {
			t.Errorf("%s: %+v is the first of %d, the busiest has %d in hand, others give up to %d; dropped: %+v", name, first, len(asks), want, others, d)
		}
	}
}

// TestDebtOfADayIsCountedInThatDay, though the day is over when the table is back.
func TestDebtOfADayIsCountedInThatDay(t *testing.T) {
	w, l := newTable(), quota.New(3, 8)
	limit := quota.Limit{Name: tiles, Day: 100}
	w.down[tiles] = true
	w.calls(t, l, 30, noon, limit)
	w.down = map[quota.Name]bool{}
	next := noon.AddDate(0, 0, 1)
	w.call(t, l, next, limit)
	for _, written := range []bool{false, true} { // and its answer is lost
		next = next.Add(5 * time.Second) // it rests
		ask, due := l.Due(clock(next))
		if !due {
			t.Fatal("what failed isn't asked for again")
		}
		if written {
			if _, err := w.Write(t.Context(), ask); err != nil {
				t.Fatal(err)
			}
		}
		l.Corrected(ask, quota.Seen{}, errDown)
	}
	next = next.Add(5 * time.Second)
	for ask, due := l.Due(clock(next)); due; ask, due = l.Due(clock(next)) {
		seen, err := w.Write(t.Context(), ask)
		l.Corrected(ask, seen, err)
	}
	if before, after := w.taken(tiles, noon), w.taken(tiles, next); before != 30 || after != 1 {
		t.Errorf("%d counted in the day, %d in the next", before, after)
	}
}

// TestWhatAnOutageAdmittedIsCountedThoughNobodyCallsForItAgain: other calls are enough, be its quota lifted or its day over meanwhile, and
// be the first correction made without an answer, or not made.
func TestWhatAnOutageAdmittedIsCountedThoughNobodyCallsForItAgain(t *testing.T) {
	other := quota.Limit{Name: quota.Name{Scope: "other"}, Day: 1_000_000}
	for name, tt := range map[string]struct {
		next quota.Limit
		at   time.Time
	}{
		"another calls":       {other, noon.Add(time.Minute)},
		"the quota is lifted": {quota.Limit{Name: tiles}, noon.Add(time.Minute)},
		"the day is over":     {other, noon.AddDate(0, 0, 1)},
		"the month is over":   {other, noon.AddDate(0, 0, 2)},
	} {
		for _, first := range []string{"made", "lost", "failed"} {
			w, l := newTable(), quota.New(3, 8)
			w.down[tiles] = true
			w.calls(t, l, 50, noon, quota.Limit{Name: tiles, Day: 1000})
			w.down[tiles], w.lost = first != "made", first == "lost"
			for i := range 10 {
				at := tt.at.Add(time.Duration(i) * time.Minute)
				w.call(t, l, at, tt.next)
				if ask, due := l.Due(clock(at)); due {
					seen, err := w.Write(t.Context(), ask)
					l.Corrected(ask, seen, err)
				}
				w.down[tiles] = false
			}
			if got := w.taken(tiles, noon); got != 50 {
				t.Errorf("%s, the first is %s: %d of 50 are counted", name, first, got)
			}
			if left := l.Close(clock(tt.at.Add(10 * time.Minute))); len(left) > 1 || len(left) == 1 && left[0].N > 0 {
				t.Errorf("%s, the first is %s: left: %+v", name, first, left)
			}
		}
	}
}

// TestACorrectionRestsAsItsItemDoes: one whose item fails is tried as seldom as calls of it try, be its limit called on the next day, forgotten or called no more, and keeps no other from being made.
func TestACorrectionRestsAsItsItemDoes(t *testing.T) {
	for _, its := range []string{"called on", "forgotten", "called no more"} {
		w, l := newTable(), quota.New(3, 2)
		other := quota.Limit{Name: quota.Name{Scope: "other"}, Day: 100_000}
		w.down[tiles] = true
		w.calls(t, l, 30, noon, quota.Limit{Name: tiles, Day: 100})
		at := noon.AddDate(0, 0, 1)
		if its != "called no more" {
			w.call(t, l, at, quota.Limit{Name: tiles, Day: 100}) // the debt of the day before waits
		}
		w.calls(t, l, 100, at, other)
		if its == "forgotten" {
			w.call(t, l, at, quota.Limit{Name: quota.Name{Scope: "third"}, Day: 100})
			w.call(t, l, at, other)
		}
		tried, others := 0, 0
		for range 2_000 {
			at = at.Add(10 * time.Millisecond)
			ask, due := l.Due(clock(at))
			if !due {
				continue
			}
			seen, err := w.Write(t.Context(), ask)
			l.Corrected(ask, seen, err)
			if ask.Name == tiles {
				tried++
			}
		}
		if tried == 0 || tried > 10 {
			t.Errorf("%s: tried %d times in 20 s", its, tried)
		}
		for range 100 {
			at = at.Add(6 * time.Minute / 100)
			if ask, due := l.Due(clock(at)); due {
				seen, err := w.Write(t.Context(), ask)
				if l.Corrected(ask, seen, err); ask.Name == other.Name {
					others++
				}
			}
		}
		if others != 1 {
			t.Errorf("%s: another's tokens went back %d times", its, others)
		}
		w.down = map[quota.Name]bool{}
		for range 100 {
			at = at.Add(100 * time.Millisecond)
			if ask, due := l.Due(clock(at)); due {
				seen, err := w.Write(t.Context(), ask)
				l.Corrected(ask, seen, err)
			}
		}
		if got := w.taken(tiles, noon); got != 30 {
			t.Errorf("%s: %d of 30 are counted in the end", its, got)
		}
	}
}

// TestWhatIsDroppedIsCounted: what is behind as many others as may wait, and tokens whose return failed.
func TestWhatIsDroppedIsCounted(t *testing.T) {
	w, l := newTable(), quota.New(3, 1)
	name := func(i int) quota.Limit { return quota.Limit{Name: quota.Name{Scope: fmt.Sprint(i)}, Day: 100_000} }
	for i := range 400 {
		w.down[name(i).Name] = true
		w.calls(t, l, 2, noon, name(i))
	}
	waiting := int64(0)
	for _, ask := range l.Close(clock(noon)) {
		waiting += ask.N
	}
	if d := l.Dropped(); d.Calls == 0 || d.Calls+waiting != 2*400 || d.Tokens != 0 {
		t.Errorf("%d wait and %+v are dropped of 800 calls", waiting, d)
	}
	if d := l.Dropped(); d != (quota.Dropped{}) {
		t.Errorf("told again: %+v", d)
	}

	w, l = newTable(), quota.New(3, 2)
	w.calls(t, l, 100, noon, name(0))
	held := l.InHand(name(0).Name, clock(noon))
	ask, due := l.Due(clock(noon.Add(6 * time.Minute)))
	l.Corrected(ask, quota.Seen{}, errDown)
	if d := l.Dropped(); !due || held == 0 || d != (quota.Dropped{Tokens: held}) {
		t.Errorf("%+v of %d tokens", d, held)
	}
}

// TestWhereTooManyCorrectionsWaitTokensAreLostFirst: what was admitted while the table was away is counted, however much is given back
// before or after it.
func TestWhereTooManyCorrectionsWaitTokensAreLostFirst(t *testing.T) {
	const debts, gifts = 200, 100 // more than may wait
	named := func(of string, i int) quota.Limit {
		return quota.Limit{Name: quota.Name{Scope: fmt.Sprint(of, i)}, Day: 100_000}
	}
	for _, debtsFirst := range []bool{true, false} {
		w, l := newTable(), quota.New(3, 2)
		at := noon
		incur := func() {
			for i := range debts {
				w.down[named("debt", i).Name] = true
				if !w.call(t, l, at, named("debt", i)).Admit {
					t.Fatal("refused while the table is away")
				}
			}
			at = at.Add(time.Hour)
		}
		give := func() {
			for i := range gifts {
				w.calls(t, l, 30, at, named("gives", i))
			}
			at = at.Add(time.Hour)
		}
		if debtsFirst {
			incur()
			give()
		} else {
			give()
			incur()
		}
		for i := range 2 { // so that the last of them are forgotten too
			w.call(t, l, at, named("later", i))
		}
		w.down = map[quota.Name]bool{}
		for ask, due := l.Due(clock(at)); due; ask, due = l.Due(clock(at)) {
			seen, err := w.Write(t.Context(), ask)
			l.Corrected(ask, seen, err)
		}
		for i := range debts {
			if taken := w.taken(named("debt", i).Name, noon); taken != 1 {
				t.Fatalf("debts first: %v: %d calls of %q are counted, 1 was admitted", debtsFirst, taken, named("debt", i).Name.Scope)
			}
		}
	}
}

// TestACorrectionThatWasNotAskedForWaitsOn: it says nothing of its item, whose calls go on, and nothing is dropped.
func TestACorrectionThatWasNotAskedForWaitsOn(t *testing.T) {
	w, l := newTable(), quota.New(3, 2)
	limit := quota.Limit{Name: tiles, Day: 100_000}
	w.calls(t, l, 100, noon, limit)
	held := l.InHand(tiles, clock(noon))
	later := noon.Add(6 * time.Minute)
	for range 5 {
		ask, due := l.Due(clock(later))
		if !due || ask.N != -held {
			t.Fatalf("%t: %+v", due, ask)
		}
		l.Corrected(ask, quota.Seen{}, fmt.Errorf("no time: %w", limiter.ErrNotAsked))
	}
	if d := l.Dropped(); d != (quota.Dropped{}) {
		t.Errorf("%+v is dropped", d)
	}
	if r := l.Admit(t.Context(), w.Table, func() limiter.Now { return clock(later) }, []quota.Limit{limit}, clock(later)); !r.Admit || r.Suspended {
		t.Errorf("%+v", r)
	}
}

// TestAWriteThatWasntMadeIsNoFailure: it lets the call pass, as one that its quota can't be asked for, and is asked for again by the next
// call. So does a correction that had to be made first.
func TestAWriteThatWasntMadeIsNoFailure(t *testing.T) {
	w, l := newTable(), quota.New(3, 8)
	noTime := fmt.Errorf("no time: %w", limiter.ErrNotAsked)
	limits := []quota.Limit{{Name: keyTiles, Day: 100}, {Name: tiles, Day: 100}}
	for call := range 3 {
		step, asks := l.Decide(limits, clock(noon)), 0
		for ; !step.Done && asks < 10; asks++ {
			step = l.Answer(step.Ask, quota.Seen{}, noTime, clock(noon))
		}
		if asks != 2 || !step.Result.Admit || !step.Result.Suspended {
			t.Fatalf("call %d: after %d writes that weren't made: %+v", call, asks, step)
		}
	}
	if r := w.call(t, l, noon, limits...); !r.Admit || r.Suspended {
		t.Errorf("the next call: %+v", r)
	}
	if n := w.taken(tiles, noon); n != 4 {
		t.Errorf("%d are counted of four", n)
	}
	w.down[keyTiles] = true
	w.call(t, l, noon, quota.Limit{Name: keyTiles, Day: 100})
	step := l.Decide(limits[1:], clock(noon))
	l.Answer(step.Ask, quota.Seen{}, noTime, clock(noon))
	if r := w.call(t, l, noon, quota.Limit{Name: quota.Name{Scope: "acc_2", Group: "tiles"}, Day: 100}); r.Suspended {
		t.Errorf("one has failed, another wasn't asked, and a third rests: %+v", r)
	}
}

// TestAFailureOfLongAgoRestsNoOther: of two quotas that fail more than ten seconds apart each rests itself.
func TestAFailureOfLongAgoRestsNoOther(t *testing.T) {
	w, l := newTable(), quota.New(3, 8)
	w.down[keyTiles], w.down[tiles] = true, true
	w.call(t, l, noon, quota.Limit{Name: keyTiles, Day: 100})
	later := noon.Add(30 * time.Minute)
	w.call(t, l, later, quota.Limit{Name: tiles, Day: 100})
	if r := w.call(t, l, later, quota.Limit{Name: quota.Name{Scope: "acc_2", Group: "tiles"}, Day: 100}); r.Suspended {
		t.Errorf("%+v", r)
	}
}

// TestTokensThatAnotherStampKeepsAreCountedAsLost: the write was made, and refused.
func TestTokensThatAnotherStampKeepsAreCountedAsLost(t *testing.T) {
	w, l := newTable(), quota.New(3, 2)
	w.calls(t, l, 100, noon, quota.Limit{Name: tiles, Day: 100_000})
	held := l.InHand(tiles, clock(noon))
	ask, _ := l.Due(clock(noon.Add(6 * time.Minute)))
	l.Corrected(ask, quota.Seen{Stamp: ask.Stamp + 1}, nil)
	if d := l.Dropped(); held == 0 || d != (quota.Dropped{Tokens: held}) {
		t.Errorf("%+v of %d tokens", d, held)
	}
}

// TestCorrectionsOfAnItemAreMadeInTheirOrder: the answer of the first is lost. Were the second written before it is asked for again, the slot would refuse it, and it
// would be made once more under another stamp.
func TestCorrectionsOfAnItemAreMadeInTheirOrder(t *testing.T) {
	w, l := newTable(), quota.New(3, 2)
	limit := quota.Limit{Name: tiles, Day: 100_000}
	w.down[tiles] = true
	w.calls(t, l, 30, noon, limit)
	next := noon.AddDate(0, 0, 1)
	w.call(t, l, next, limit) // the debt of the day before waits
	w.down[tiles] = false
	at := next.Add(time.Minute)
	ask, due := l.Due(clock(at))
	if _, err := w.Write(t.Context(), ask); err != nil || !due {
		t.Fatal(err)
	}
	l.Corrected(ask, quota.Seen{}, errDown) // written, without an answer
	w.down[tiles] = true
	w.calls(t, l, 20, at, limit)
	w.call(t, l, at.AddDate(0, 0, 1), limit) // and that of the next day
	w.down[tiles] = false
	at = at.AddDate(0, 0, 1)
	var asked []int64
	for range 100 {
		at = at.Add(time.Second)
		if ask, due := l.Due(clock(at)); due {
			asked = append(asked, ask.Stamp)
			if len(asked) == 1 {
				l.Corrected(ask, quota.Seen{}, errDown) // and goes to the end
				continue
			}
			seen, err := w.Write(t.Context(), ask)
			l.Corrected(ask, seen, err)
		}
	}
	if got := w.taken(tiles, noon); got != 30 || len(asked) < 3 || asked[0] != asked[1] {
		t.Errorf("%d of 30 are counted; asked %v", got, asked)
	}
}

func TestTokensInHandCostNoAllocation(t *testing.T) {
	w, l := newTable(), quota.New(3, 8)
	limits := []quota.Limit{{Name: keyTiles, Day: 10_000_000}, {Name: tiles, Day: 10_000_000, Month: 100_000_000}}
	for i := range 20_000 {
		w.call(t, l, noon.Add(time.Duration(i)*time.Millisecond), limits...)
	}
	now := clock(noon.Add(20 * time.Second))
	if n := testing.AllocsPerRun(50, func() {
		if _, is := l.Exhausted(limits, now); is || !l.Decide(limits, now).Done {
			t.Fatal("no token")
		}
		l.Due(now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTokenInHand(b *testing.B) {
	table, l := newTable(), quota.New(3, 8)
	limits := []quota.Limit{{Name: tiles, Day: 1 << 50, Month: 1 << 50}}
	at := noon
	for b.Loop() {
		at = at.Add(10 * time.Microsecond)
		l.Admit(b.Context(), table.Table, func() limiter.Now { return clock(at) }, limits, clock(at))
	}
}
