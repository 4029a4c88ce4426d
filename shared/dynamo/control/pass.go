package control

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/moment"
)

// Pass is the progress of a job that goes through everything. Its runs are short, and each goes on where the last one ended.
type Pass struct {
	Job    string
	Mode   string // what the job's runs of this pass have in common; a pass of another mode begins at the beginning
	Place  Place
	Began  time.Time
	Ended  time.Time      // zero while it is under way
	Counts map[string]int // what it has found so far
	// Names is whether the pass gives keys their places by name, from its beginning, and Named whether such a pass has ended. A release that
	// doesn't know them drops both when it takes part.
	Names, Named bool
	// Version is 0 for a job that has never begun.
	Version int64
}

// UnderWay reports whether there is something to go on with.
func (p Pass) UnderWay() bool { return !p.Began.IsZero() && p.Ended.IsZero() }

type passRecord struct {
	Job     string         `dynamodbav:"job"`
	Mode    string         `dynamodbav:"mode,omitempty"`
	Account string         `dynamodbav:"account,omitempty"`
	Key     string         `dynamodbav:"key_id,omitempty"`
	Gate    bool           `dynamodbav:"gate,omitempty"`
	Record  string         `dynamodbav:"record,omitempty"`
	Index   string         `dynamodbav:"index,omitempty"`
	Began   string         `dynamodbav:"began_at"`
	Ended   string         `dynamodbav:"ended_at,omitempty"`
	Counts  map[string]int `dynamodbav:"counts,omitempty"`
	Names   bool           `dynamodbav:"names,omitempty"`
	Named   bool           `dynamodbav:"named,omitempty"`
	Version int64          `dynamodbav:"version"`
	Write   string         `dynamodbav:"write,omitempty"` // drawn for each write, so that a run whose answer was lost tells its own from another's that says the same
}

func encodePass(p Pass) dynamo.Item {
	return encode(passKey(p.Job), "pass", passRecord{
		Job: p.Job, Mode: p.Mode, Account: string(p.Place.Account), Key: string(p.Place.Key), Gate: p.Place.Gate, Record: p.Place.Record,
		Index: p.Place.Index,
		Began: moment.Format(p.Began), Ended: moment.Format(p.Ended), Counts: p.Counts, Names: p.Names, Named: p.Named, Version: p.Version, Write: rand.Text(),
	}, "", "")
}

func decodePass(item dynamo.Item) (Pass, error) {
	var r passRecord
	if err := decode(item, "pass", &r); err != nil {
		return Pass{}, err
	}
	var c clock
	p := Pass{
		Job: r.Job, Mode: r.Mode, Place: Place{Account: account.ID(r.Account), Key: apikey.ID(r.Key), Gate: r.Gate, Record: r.Record, Index: r.Index},
		Began: c.read(r.Began), Ended: c.read(r.Ended), Counts: r.Counts, Names: r.Names, Named: r.Named, Version: r.Version,
	}
	return p, c.err
}

// Pass reads how far a job has come. Of a job that has never begun, and of one whose record can't be read, nothing is under way:
// it begins at the beginning.
func (s *Store) Pass(ctx context.Context, job string) (Pass, error) {
	item, err := s.get(ctx, passKey(job))
	if errors.Is(err, dynamo.ErrNotFound) {
		return Pass{Job: job}, nil
	}
	if err != nil {
		return Pass{}, err
	}
	p, err := decodePass(item)
	if err != nil {
		s.unreadable(ctx, item, err)
		version, _ := dynamo.GetN(item, "version")
		return Pass{Job: job, Version: version}, nil
	}
	return p, nil
}

// SavePass stores a pass, and returns it as it is stored. ErrStale when another run has stored one since this one was read,
// be it the same.
func (s *Store) SavePass(ctx context.Context, p Pass) (Pass, error) {
	before := p.Version
	p.Version++
	c := cond{text: "version = :ver", values: dynamo.Item{":ver": dynamo.N(before)}}
	if before == 0 {
		c = cond{text: "attribute_not_exists(version)"}
	}
	record := encodePass(p)
	err := s.unaudited(ctx, "saving how far "+p.Job+" has come", put(s.control, record, c, always(dynamo.ErrStale)))
	if err == nil {
		return p, nil
	}
	return p, s.resolve(ctx, record, err) // what a lost answer was about may be written
}
