package streams

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

const pageSize = 1000 // records of one read, the API's most

// reader reads one shard for one mapping and hands its records to lanes, one for each batch in parallel.
type reader struct {
	*Poller
	m       *Mapping
	stream  Stream
	shard   Shard
	lanes   []*lane
	workers sync.WaitGroup
	done    tracker

	since    time.Time // earlier records don't count (LATEST)
	lastRead string
	iterator string
}

// readShard returns when the shard is read out, when it is empty while draining, or when ctx ends.
func (p *Poller) readShard(ctx context.Context, m *Mapping, st Stream, sh Shard) {
	r := &reader{Poller: p, m: m, stream: st, shard: sh}
	r.lastRead, r.since = p.state.start(m, sh.ID)
	r.done.after = r.lastRead
	for range m.ParallelizationFactor {
		l := &lane{reader: r, in: make(chan []*item, 4)}
		r.lanes = append(r.lanes, l)
		r.workers.Go(func() { l.run(ctx) })
	}
	closed := r.read(ctx)
	for _, l := range r.lanes {
		close(l.in)
	}
	r.workers.Wait()
	if ctx.Err() == nil {
		r.checkpoint(closed)
	}
}

// read says true when the shard is read out.
func (r *reader) read(ctx context.Context) (closed bool) {
	for ctx.Err() == nil {
		draining := r.isDraining() // asked before the read: what was written before draining began must be seen
		records, err := r.page(ctx)
		switch {
		case err != nil:
			if errors.Is(err, ErrIteratorExpired) {
				break
			}
			if ctx.Err() == nil {
				r.log.Warn("shard can't be read", "mapping", r.m.Name, "shard", r.shard.ID, "error", err)
			}
			r.pause(ctx, time.Second)
			continue
		case !r.handOut(ctx, records):
			return false
		case r.iterator == "":
			return true
		case len(records) > 0:
			r.checkpoint(false) // records that were filtered out are done
			if len(records) == pageSize || r.isDraining() {
				continue
			}
		case draining:
			return false
		}
		r.pause(ctx, r.cfg.Poll)
	}
	return false
}

// page reads on, getting an iterator where there is none or where it has expired.
func (r *reader) page(ctx context.Context) ([]types.Record, error) {
	if r.iterator == "" {
		it, err := r.cfg.Source.Iterator(ctx, r.m.StreamARN, r.shard.ID, r.lastRead)
		if errors.Is(err, ErrTrimmed) {
			r.log.Warn("records were lost: they had left the stream before they were read", "mapping", r.m.Name, "shard", r.shard.ID)
			it, err = r.cfg.Source.Iterator(ctx, r.m.StreamARN, r.shard.ID, "")
		}
		if err != nil {
			return nil, err
		}
		r.iterator = it
	}
	records, next, err := r.cfg.Source.Records(ctx, r.iterator, pageSize)
	if err != nil {
		r.iterator = "" // whatever it was, a new iterator after the last record read is right
		return nil, err
	}
	r.iterator = next
	return records, nil
}

// handOut filters records and gives each lane its own, in order. It says false when ctx ends.
func (r *reader) handOut(ctx context.Context, records []types.Record) bool {
	shares := make([][]*item, len(r.lanes))
	for i := range records {
		it, err := newItem(&records[i], r.m, &r.stream, r.shard.ID, r.cfg.Region)
		if err != nil {
			r.log.Error("record can't be rendered", "mapping", r.m.Name, "shard", r.shard.ID, "error", err)
			continue
		}
		r.lastRead = it.seq
		wanted := !it.created.Before(r.since) && !nothingChanged(&records[i]) && r.m.Filter.match(it.raw)
		r.done.add(it.seq, !wanted)
		if wanted {
			n := int(it.key % uint32(len(r.lanes)))
			shares[n] = append(shares[n], it)
		}
	}
	for n, share := range shares {
		if len(share) == 0 {
			continue
		}
		select {
		case r.lanes[n].in <- share:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// checkpoint keeps how far the shard is done.
func (r *reader) checkpoint(closed bool) {
	r.done.mu.Lock()
	defer r.done.mu.Unlock() // two lanes must not write in the wrong order
	if r.done.after == "" && !closed {
		return
	}
	if err := r.state.set(r.m, r.shard.ID, shardState{After: r.done.after, Closed: closed}); err != nil {
		r.log.Error("checkpoint can't be written: records will come again after a restart", "mapping", r.m.Name, "error", err)
	}
}

// tracker knows up to which record all are done, though lanes finish in any order.
type tracker struct {
	mu    sync.Mutex
	after string
	open  []tracked
	first int            // number of the first open record
	index map[string]int // sequence number -> number
}

type tracked struct {
	seq  string
	done bool
}

func (t *tracker) add(seq string, done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.index == nil {
		t.index = map[string]int{}
	}
	t.index[seq] = t.first + len(t.open)
	t.open = append(t.open, tracked{seq, done})
	t.advance()
}

func (t *tracker) finish(items []*item) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, it := range items {
		if n, ok := t.index[it.seq]; ok {
			t.open[n-t.first].done = true
		}
	}
	t.advance()
}

func (t *tracker) advance() {
	for len(t.open) > 0 && t.open[0].done {
		t.after = t.open[0].seq
		delete(t.index, t.after)
		t.open = t.open[1:]
		t.first++
	}
}
