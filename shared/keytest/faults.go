package keytest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Fault is a failure of one call.
type Fault int

// The faults.
const (
	NoFault  Fault = iota
	Before         // the call fails and isn't done
	After          // the call is done and its answer lost
	Conflict       // a transaction meets another one and isn't done; any other call: as NoFault
)

// ErrInjected is the error of Before and After: what a broken connection looks like.
var ErrInjected = errors.New("keytest: injected: connection reset by peer")

// Faults sits between a store and its DynamoDB and lets calls fail. No engine that runs locally ever reports a
// transaction conflict, so it has to come from here.
type Faults struct {
	DB
	mu        sync.Mutex
	choose    func(call string, n int) Fault
	calls     int
	at        int // the call before which meanwhile is done, once; 0: none
	meanwhile func()
}

// Meanwhile sets what another caller does before the n-th call from now.
func (f *Faults) Meanwhile(n int, do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.meanwhile = f.calls+n, do
}

// NewFaults asks choose for each call, by the API's name of it and its number, the first being 1.
func NewFaults(db DB, choose func(call string, n int) Fault) *Faults {
	return &Faults{DB: db, choose: choose}
}

// Choose replaces what chooses, and counts the calls from 1 again.
func (f *Faults) Choose(choose func(call string, n int) Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.choose, f.calls = choose, 0
}

// Calls is the number of calls so far.
func (f *Faults) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// AtRandom lets a share of the calls go wrong in each way, the same for a seed and an order of calls.
func AtRandom(seed uint64, before, after, conflict float64) func(string, int) Fault {
	random := rand.New(rand.NewPCG(seed, 1))
	return func(string, int) Fault { // called under Faults' lock
		switch x := random.Float64(); {
		case x < before:
			return Before
		case x < before+after:
			return After
		case x < before+after+conflict:
			return Conflict
		default:
			return NoFault
		}
	}
}

// OnCall lets exactly the n-th call of a name go wrong.
func OnCall(name string, n int, fault Fault) func(string, int) Fault {
	seen := 0
	return func(call string, _ int) Fault {
		if call != name {
			return NoFault
		}
		if seen++; seen == n {
			return fault
		}
		return NoFault
	}
}

func (f *Faults) fault(call string) Fault {
	f.mu.Lock()
	f.calls++
	fault, due := f.choose(call, f.calls), f.calls == f.at
	f.mu.Unlock()
	if due {
		f.meanwhile()
	}
	return fault
}

func through[In, Out any](f *Faults, ctx context.Context, call string, in *In,
	do func(context.Context, *In, ...func(*dynamodb.Options)) (*Out, error), o []func(*dynamodb.Options),
) (*Out, error) {
	fault := f.fault(call)
	if fault == Before {
		return nil, fmt.Errorf("%s: %w", call, ErrInjected)
	}
	out, err := do(ctx, in, o...)
	if fault == After {
		return nil, fmt.Errorf("%s: %w", call, ErrInjected)
	}
	return out, err
}

// GetItem is DynamoDB's, with faults.
func (f *Faults) GetItem(ctx context.Context, in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return through(f, ctx, "GetItem", in, f.DB.GetItem, o)
}

// PutItem is DynamoDB's, with faults.
func (f *Faults) PutItem(ctx context.Context, in *dynamodb.PutItemInput, o ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return through(f, ctx, "PutItem", in, f.DB.PutItem, o)
}

// UpdateItem is DynamoDB's, with faults.
func (f *Faults) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return through(f, ctx, "UpdateItem", in, f.DB.UpdateItem, o)
}

// DeleteItem is DynamoDB's, with faults.
func (f *Faults) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, o ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	return through(f, ctx, "DeleteItem", in, f.DB.DeleteItem, o)
}

// Query is DynamoDB's, with faults.
func (f *Faults) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return through(f, ctx, "Query", in, f.DB.Query, o)
}

// Scan is DynamoDB's, with faults.
func (f *Faults) Scan(ctx context.Context, in *dynamodb.ScanInput, o ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	return through(f, ctx, "Scan", in, f.DB.Scan, o)
}

// TransactWriteItems is DynamoDB's, with faults and conflicts.
func (f *Faults) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	switch f.fault("TransactWriteItems") {
	case Before:
		return nil, fmt.Errorf("TransactWriteItems: %w", ErrInjected)
	case Conflict:
		reasons := make([]types.CancellationReason, len(in.TransactItems))
		none, conflict := "None", "TransactionConflict"
		for i := range reasons {
			reasons[i].Code = &none
		}
		reasons[len(reasons)-1].Code = &conflict
		return nil, &types.TransactionCanceledException{CancellationReasons: reasons}
	case After:
		_, _ = f.DB.TransactWriteItems(ctx, in, o...)
		return nil, fmt.Errorf("TransactWriteItems: %w", ErrInjected)
	default:
		return f.DB.TransactWriteItems(ctx, in, o...)
	}
}

// Interrupt lets another caller come first: what is armed is done in the moment before the next transaction, which then
// finds another version than the one that it was made for.
type Interrupt struct {
	DB
	mu     sync.Mutex
	next   func()
	refuse func(item map[string]types.AttributeValue) bool
}

// Refuse lets each transaction fail that puts an item of a kind, until it is nil: nothing arrives.
func (i *Interrupt) Refuse(kind func(item map[string]types.AttributeValue) bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.refuse = kind
}

// Arm sets what is done before the next transaction, once.
func (i *Interrupt) Arm(f func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.next = f
}

// TransactWriteItems is DynamoDB's, after what was armed.
func (i *Interrupt) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	i.mu.Lock()
	f, refuse := i.next, i.refuse
	i.next = nil
	i.mu.Unlock()
	if f != nil {
		f()
	}
	for _, item := range in.TransactItems {
		if refuse != nil && item.Put != nil && refuse(item.Put.Item) {
			return nil, ErrInjected
		}
	}
	return i.DB.TransactWriteItems(ctx, in, o...)
}
