package counters_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

// partly answers a batch with a part of it, as DynamoDB does when it is busy, until it has been asked so often; then it fails, if told to.
type partly struct {
	*keytest.Memory
	most  int // keys of each answer
	fails int // the call that fails
	calls int
}

func (p *partly) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	if p.calls++; p.calls == p.fails {
		return nil, keytest.ErrInjected
	}
	now, later := map[string]types.KeysAndAttributes{}, map[string]types.KeysAndAttributes{}
	for table, wanted := range in.RequestItems {
		n := min(p.most, len(wanted.Keys))
		part, rest := wanted, wanted
		part.Keys, rest.Keys = wanted.Keys[:n], wanted.Keys[n:]
		now[table] = part
		if len(rest.Keys) > 0 {
			later[table] = rest
		}
	}
	if p.most == 0 {
		return &dynamodb.BatchGetItemOutput{UnprocessedKeys: later}, nil
	}
	out, err := p.Memory.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: now}, o...)
	if err == nil {
		out.UnprocessedKeys = later
	}
	return out, err
}

// TestABusyTableIsAskedForTheRest: items that it left out aren't taken for new ones, whose counters would begin again at nothing. Where the rest
// can't be had, the read has failed.
func TestABusyTableIsAskedForTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, tables := keytest.NewMemory()
		all := on(db, tables.Counters)
		var wanted []usage.Item
		for h := range usage.Hour(7) {
			all.put(t, hourOf(key, hour+h), int64(h)+1)
			wanted = append(wanted, hourOf(key, hour+h))
		}
		busy := &partly{Memory: db, most: 2}
		got, err := counters.New(busy, tables.Counters).Read(t.Context(), wanted)
		if err != nil || busy.calls != 4 || len(got) != 7 {
			t.Fatalf("%d items after %d calls, %v", len(got), busy.calls, err)
		}
		for h := range usage.Hour(7) {
			if stored := got[hourOf(key, hour+h)]; stored.Version != 1 || stored.Counts["c:c:allowed"] != int64(h)+1 {
				t.Errorf("hour %d: %+v", h, stored)
			}
		}
		for fails := 1; fails <= 4; fails++ {
			busy := &partly{Memory: db, most: 2, fails: fails}
			if got, err := counters.New(busy, tables.Counters).Read(t.Context(), wanted); !errors.Is(err, keytest.ErrInjected) || got != nil {
				t.Errorf("call %d fails: %v, %v", fails, got, err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if got, err := counters.New(&partly{Memory: db}, tables.Counters).Read(ctx, wanted); err == nil || got != nil {
			t.Errorf("a table that never answers: %v, %v", got, err)
		}
		if got, err := counters.New(&partly{Memory: db, fails: 1}, tables.Counters).Read(t.Context(), nil); err != nil || len(got) != 0 {
			t.Errorf("nothing asked for: %v, %v", got, err)
		}
	})
}

// TestWhatSumsLeaveOutIsTold: an item that can't be read stops no sum, and is named, with its account.
func TestWhatSumsLeaveOutIsTold(t *testing.T) {
	everywhere(t, func(t *testing.T, r harness) {
		for h := range usage.Hour(5) {
			r.put(t, hourOf(key, hour+h), int64(h)+1)
		}
		var told []string
		s := r.Reporting(func(_ context.Context, id account.ID, item string, err error) {
			told = append(told, fmt.Sprint(id, " ", item, " ", errors.Is(err, dynamo.ErrUnreadable)))
		})
		pk := "K#" + string(acct) + "#" + string(key)
		spoil := func(pk, sk string) {
			must(t, keytest.PutRaw(t.Context(), r.db, r.table, dynamo.Item{"pk": dynamo.S(pk), "sk": dynamo.S(sk), "v": dynamo.N(1), "c": dynamo.S("x")}))
		}
		spoil(pk, fmt.Sprintf("H#%09d#search", hour+1))
		spoil("A#"+string(acct), "FRESH")
		rows, err := s.KeyRows(t.Context(), acct, key, counters.Range{From: keytest.Now, To: keytest.Now.Add(5 * time.Hour)})
		if err != nil || len(rows) != 4 {
			t.Errorf("%d rows, %v", len(rows), err)
		}
		if at, err := s.FreshAt(t.Context(), acct); err != nil || !at.IsZero() {
			t.Errorf("fresh at %v, %v", at, err)
		}
		want := fmt.Sprint([]string{
			fmt.Sprintf("%s %s H#%09d#search true", acct, pk, hour+1), fmt.Sprintf("%s A#%s FRESH true", acct, acct),
		})
		if fmt.Sprint(told) != want {
			t.Errorf("told of %v, want %v", told, want)
		}
		if rows, err := r.KeyRows(t.Context(), acct, key, counters.Range{From: keytest.Now, To: keytest.Now.Add(5 * time.Hour)}); err != nil || len(rows) != 4 {
			t.Errorf("with nobody to tell: %d rows, %v", len(rows), err)
		}
	})
}

// answering fails each write with an error.
type answering struct {
	*keytest.Memory
	err error
}

func (a answering) TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	return nil, a.err
}

// TestOnlyItemsThatAreWrongAreRefusedForGood: what says something of the store's state or of our rights is tried again; else reports would be
// set aside for an outage.
func TestOnlyItemsThatAreWrongAreRefusedForGood(t *testing.T) {
	cancelled := func(code string) error {
		return &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{{Code: &code}}}
	}
	for name, tt := range map[string]struct {
		err            error
		refused, stale bool
	}{
		"too large":         {cancelled("ValidationError"), true, false},
		"item collection":   {cancelled("ItemCollectionSizeLimitExceeded"), true, false},
		"malformed":         {&smithy.GenericAPIError{Code: "ValidationException"}, true, false},
		"another version":   {cancelled("ConditionalCheckFailed"), false, true},
		"no rights":         {&smithy.GenericAPIError{Code: "AccessDeniedException"}, false, false},
		"no table":          {&types.ResourceNotFoundException{}, false, false},
		"too much":          {&types.ProvisionedThroughputExceededException{}, false, false},
		"an internal error": {&types.InternalServerError{}, false, false},
		"no answer":         {keytest.ErrInjected, false, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			db, tables := keytest.NewMemory()
			s := counters.New(answering{db, tt.err}, tables.Counters)
			err := s.Write(t.Context(), map[usage.Item]usage.Stored{hourOf(key, hour): {Version: 1}})
			if err == nil || errors.Is(err, counters.ErrRefused) != tt.refused || errors.Is(err, dynamo.ErrStale) != tt.stale {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// TestAFailingTableIsTheErrorOfEachRead: no sum is zero because nothing could be read.
func TestAFailingTableIsTheErrorOfEachRead(t *testing.T) {
	db, tables := keytest.NewMemory()
	s := on(db, tables.Counters).with(func(string, int) keytest.Fault { return keytest.Before })
	span := counters.Range{From: keytest.Now, To: keytest.Now.Add(time.Hour)}
	for name, call := range map[string]func() error{
		"KeyRows":     func() error { _, err := s.KeyRows(t.Context(), acct, key, span); return err },
		"AccountRows": func() error { _, err := s.AccountRows(t.Context(), acct, span); return err },
		"FreshAt":     func() error { _, err := s.FreshAt(t.Context(), acct); return err },
		"LastUsed":    func() error { _, err := s.LastUsed(t.Context(), acct, []apikey.ID{key}); return err },
		"Quarantine":  func() error { return s.Quarantine(t.Context(), "1", "why", nil, keytest.Now) },
	} {
		if err := call(); !errors.Is(err, keytest.ErrInjected) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
