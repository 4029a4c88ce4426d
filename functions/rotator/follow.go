package main

import (
	"context"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
)

// follow goes on with what other functions have begun and not ended: changes of an account's type, and QPS requests
// that outlive what they ask for. What fails is logged, counted, and tried again by the next run.
func (r *rotator) follow(ctx context.Context, t *tally) {
	if err := r.operations(ctx, t); err != nil {
		r.log.ErrorContext(ctx, "operations not listed", "error", err.Error())
		t.add(func(s *summary) { s.Unfollowed++ })
	}
	if err := r.requests(ctx, t); err != nil {
		r.log.ErrorContext(ctx, "open requests not listed", "error", err.Error())
		t.add(func(s *summary) { s.Unfollowed++ })
	}
}

func (r *rotator) operations(ctx context.Context, t *tally) error {
	closed := closing(ctx)
	for after := ""; ; {
		page, err := r.store.RunningOperations(ctx, after, pageSize)
		if err != nil {
			return err
		}
		for _, o := range page.Operations {
			if closed() {
				return nil
			}
			ended, err := r.store.ContinueType(ctx, o, r.source.Time(), closed, r.rows(ctx, o.Account))
			switch {
			case err != nil:
				r.log.ErrorContext(ctx, "operation failed", "account_id", o.Account, "operation_id", o.ID, "error", err.Error())
				t.add(func(s *summary) { s.Unfollowed++ })
			case o.Status == control.Running && ended.Status != control.Running:
				t.add(func(s *summary) { s.Operations++ })
			}
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}

func (r *rotator) rows(ctx context.Context, id account.ID) control.RowMaker {
	return func(action string, key apikey.ID) audit.Row { return r.source.JobRow(ctx, id, key, action) }
}

func (r *rotator) requests(ctx context.Context, t *tally) error {
	closed := closing(ctx)
	for after := ""; ; {
		page, err := r.store.OpenRequests(ctx, after, pageSize)
		if err != nil {
			return err
		}
		for _, request := range page.Requests {
			if closed() {
				return nil
			}
			row := r.source.JobRow(ctx, request.Account, request.KeyID, "qps.end", audit.Set("qps_request", request.ID, nil))
			now := r.source.Time()
			ok, err := r.store.EndObsolete(ctx, request, request.Over(r.products, now), now, row)
			switch {
			case err != nil:
				r.log.ErrorContext(ctx, "request not ended", "account_id", request.Account, "request_id", request.ID, "error", err.Error())
				t.add(func(s *summary) { s.Unfollowed++ })
			case ok:
				t.add(func(s *summary) { s.Requests++ })
			}
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}
