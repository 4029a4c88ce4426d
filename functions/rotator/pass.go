package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/moment"
)

// passes lists the methods of the control table for jobs that go through everything, run by run.
type passes interface {
	Pass(ctx context.Context, job string) (control.Pass, error)
	SavePass(ctx context.Context, p control.Pass) (control.Pass, error)
}

const (
	// saveEvery is the number of places after which a pass is saved between: a run that is killed does no more than these again.
	saveEvery = 500
	// slowPass is the time after which each run of a pass that isn't done is an error, so that the alarm RotatorFailing rings.
	slowPass = 72 * time.Hour
	// saveTimeout bounds the last save of a run whose caller has gone.
	saveTimeout = 5 * time.Second
)

var (
	errTimeUp    = errors.New("rotator: no time left")
	errOvertaken = errors.New("rotator: another run goes on with it")
	errSlowPass  = errors.New("rotator: a pass takes too long")
)

// pass is a job's place and its counts, in one run.
type pass struct {
	control.Pass
	store   passes
	now     func() time.Time
	closed  func() bool
	unsaved int
}

func (r *rotator) pass(ctx context.Context, job string) (*pass, error) {
	stored, err := r.store.Pass(ctx, job)
	return &pass{Pass: stored, store: r.store, now: r.source.Now, closed: closing(ctx)}, err
}

// begin begins at the beginning. It is saved at once: a run that still goes on with the pass before ends with its next save.
func (p *pass) begin(ctx context.Context, mode string) error {
	p.Pass = control.Pass{Job: p.Job, Mode: mode, Began: p.now(), Names: p.Job == driftJob, Named: p.Named, Version: p.Version}
	return p.save(ctx)
}

func (p *pass) count(what string) {
	if p.Counts == nil {
		p.Counts = map[string]int{}
	}
	p.Counts[what]++
}

func (p *pass) save(ctx context.Context) error {
	saved, err := p.store.SavePass(ctx, p.Pass)
	if errors.Is(err, dynamo.ErrStale) {
		return errOvertaken
	}
	if err != nil {
		return err
	}
	p.Pass, p.unsaved = saved, 0
	return nil
}

// done notes that everything up to a place is done with, and ends the run when its time is up.
func (p *pass) done(ctx context.Context, place control.Place) error {
	p.Place = place
	if p.unsaved++; p.unsaved >= saveEvery {
		if err := p.save(ctx); err != nil {
			return err
		}
	}
	if p.closed() {
		return errTimeUp
	}
	return nil
}

// end saves how far the run has come, however it ended. more is whether something is left for the next run.
func (p *pass) end(ctx context.Context, ended error) (more bool, err error) {
	if errors.Is(ended, errOvertaken) {
		return true, errOvertaken
	}
	if ended == nil {
		p.Ended, p.Named = p.now(), p.Named || p.Names
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	err = p.save(ctx)
	switch {
	case errors.Is(err, errOvertaken):
		return true, err
	case ended != nil && !errors.Is(ended, errTimeUp):
		return true, errors.Join(ended, err)
	case err != nil || ended == nil:
		return false, err
	case p.now().Sub(p.Began) > slowPass:
		return true, fmt.Errorf("%w: that of %s began at %s", errSlowPass, p.Job, moment.Format(p.Began))
	}
	return true, nil
}
