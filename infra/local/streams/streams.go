// Package streams plays Lambda's event source mappings over DynamoDB streams: it polls shards, filters and batches
// records, invokes functions, and retries, bisects and discards as Lambda documents it. Delivery is at least once,
// in order for each partition key. It knows the DynamoDB Streams API and the JSON of Lambda's events, nothing else.
//
// Use: New(Config), then Run in a goroutine; Drain before a shutdown; cancel Run's context to stop.
package streams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// Invoker calls a function with an event and returns its answer. An error means a function error, a time-out or a
// breakdown on the way: the batch has failed.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) (response []byte, err error)
}

// Stream describes a stream: the name of the table's partition key, and its shards, parents in any order.
type Stream struct {
	PartitionKey string
	ViewType     types.StreamViewType
	Shards       []Shard
}

// Shard is a part of a stream. Parent is empty, or the shard whose records come first.
type Shard struct{ ID, Parent string }

// ErrIteratorExpired means that an iterator is too old: ask for a new one after the last record that was read.
var ErrIteratorExpired = errors.New("streams: iterator expired")

// ErrTrimmed means that the records after this sequence number are gone: start at the oldest that is left.
var ErrTrimmed = errors.New("streams: records trimmed")

// Source is the DynamoDB Streams API; Client adapts the SDK's client to it.
type Source interface {
	// Describe lists every shard of a stream.
	Describe(ctx context.Context, streamARN string) (Stream, error)
	// Iterator starts after the record with this sequence number; "" is the oldest record.
	Iterator(ctx context.Context, streamARN, shardID, after string) (string, error)
	// Records returns up to limit records and the next iterator, which is empty when the shard is closed and read out.
	Records(ctx context.Context, iterator string, limit int) (records []types.Record, next string, err error)
}

// Config configures a Poller.
type Config struct {
	Source    Source
	Invoker   Invoker
	Mappings  []Mapping
	StateFile string        // checkpoints; written by rename
	Region    string        // shown in events; "" means us-east-1
	Poll      time.Duration // pause between reads of a shard that had nothing new; 0 means 200 ms
	Backoff   time.Duration // pause after the first failure, doubled up to BackoffMax; 0 means 100 ms
	// BackoffMax bounds the pause; 0 means 30 s.
	BackoffMax time.Duration
	Logger     *slog.Logger // nil means silence; no record's content is ever logged
}

// Poller runs event source mappings. Its methods are safe for concurrent use.
type Poller struct {
	cfg   Config
	state *state
	log   *slog.Logger

	drainOnce sync.Once
	draining  chan struct{} // closed: don't wait for windows, stop at the first empty read
	drained   chan struct{} // closed: nothing more to do after draining began
}

// New checks the mappings and reads the checkpoints.
func New(cfg Config) (*Poller, error) {
	if cfg.Source == nil || cfg.Invoker == nil || cfg.StateFile == "" {
		return nil, errors.New("streams: Source, Invoker and StateFile are required")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Region = cmp.Or(cfg.Region, "us-east-1")
	cfg.Poll = cmp.Or(cfg.Poll, 200*time.Millisecond)
	cfg.Backoff = cmp.Or(cfg.Backoff, 100*time.Millisecond)
	cfg.BackoffMax = cmp.Or(cfg.BackoffMax, 30*time.Second)
	names := map[string]bool{}
	for i := range cfg.Mappings {
		m := &cfg.Mappings[i]
		if err := m.check(); err != nil {
			return nil, err
		}
		if names[m.Name] {
			return nil, fmt.Errorf("streams: two mappings are named %q", m.Name)
		}
		names[m.Name] = true
	}
	st, err := loadState(cfg.StateFile)
	if err != nil {
		return nil, err
	}
	return &Poller{cfg: cfg, state: st, log: cfg.Logger, draining: make(chan struct{}), drained: make(chan struct{})}, nil
}

// Run polls until ctx ends or a drain is complete. Call it once.
func (p *Poller) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for i := range p.cfg.Mappings {
		if m := &p.cfg.Mappings[i]; !m.Disabled {
			wg.Go(func() { p.runMapping(ctx, m) })
		}
	}
	wg.Wait()
	if ctx.Err() == nil {
		close(p.drained)
	}
}

// Drain processes everything that is in the streams, without waiting for batching windows, and then ends Run.
// It returns ctx's error if that takes too long, for instance because a function keeps failing: Run then goes on until
// its own context ends, and what wasn't processed comes again at the next start.
func (p *Poller) Drain(ctx context.Context) error {
	p.drainOnce.Do(func() { close(p.draining) })
	select {
	case <-p.drained:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Poller) isDraining() bool {
	select {
	case <-p.draining:
		return true
	default:
		return false
	}
}

// pause waits for d. It ends early when ctx ends (and says false), and when draining begins; once that has begun, no
// pause is longer than 250 ms.
func (p *Poller) pause(ctx context.Context, d time.Duration) bool {
	wake := p.draining
	if p.isDraining() {
		d, wake = min(d, 250*time.Millisecond), nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-wake:
	case <-ctx.Done():
		return false
	}
	return true
}

// runMapping keeps one reader for each shard. A child starts when its parent has been read out.
func (p *Poller) runMapping(ctx context.Context, m *Mapping) {
	ended := make(chan string)
	started, alive := map[string]bool{}, 0
	defer func() {
		for ; alive > 0; alive-- {
			<-ended
		}
	}()
	for {
		again := 10 * time.Second // shards split every few hours
		stream, err := p.cfg.Source.Describe(ctx, m.StreamARN)
		if err != nil {
			again = time.Second
			p.log.Warn("stream can't be described", "mapping", m.Name, "error", err)
		}
		for _, sh := range p.state.ready(m, stream.Shards) {
			if !started[sh.ID] {
				started[sh.ID] = true
				alive++
				go func() {
					p.readShard(ctx, m, stream, sh)
					ended <- sh.ID
				}()
			}
		}
		if err == nil && alive == 0 && p.isDraining() {
			return
		}
		wake := p.draining
		if p.isDraining() {
			wake = nil
		}
		t := time.NewTimer(again)
		select {
		case <-wake:
		case <-ended:
			alive--
		case <-t.C:
		case <-ctx.Done():
			return
		}
		t.Stop()
	}
}
