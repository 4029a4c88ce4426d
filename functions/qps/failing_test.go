package main

import (
	"context"
	"errors"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/qps"
)

var errDown = errors.New("the table is down")

// failing is a store of which one method fails, before it does anything.
type failing struct {
	store
	method string
}

func (f failing) fails(method string) error {
	if f.method == method {
		return errDown
	}
	return nil
}

func (f failing) Account(ctx context.Context, id account.ID) (account.Account, error) {
	if err := f.fails("Account"); err != nil {
		return account.Account{}, err
	}
	return f.store.Account(ctx, id)
}

func (f failing) Key(ctx context.Context, id account.ID, key apikey.ID) (apikey.Key, error) {
	if err := f.fails("Key"); err != nil {
		return apikey.Key{}, err
	}
	return f.store.Key(ctx, id, key)
}

func (f failing) SubmitRequest(ctx context.Context, r qps.Request, remember *control.Idempotency, row audit.Row) error {
	if err := f.fails("SubmitRequest"); err != nil {
		return err
	}
	return f.store.SubmitRequest(ctx, r, remember, row)
}

func (f failing) Request(ctx context.Context, id account.ID, request qps.RequestID) (qps.Request, error) {
	if err := f.fails("Request"); err != nil {
		return qps.Request{}, err
	}
	return f.store.Request(ctx, id, request)
}

func (f failing) Requests(ctx context.Context, id account.ID, want control.RequestQuery) (control.RequestPage, error) {
	if err := f.fails("Requests"); err != nil {
		return control.RequestPage{}, err
	}
	return f.store.Requests(ctx, id, want)
}

func (f failing) OpenRequests(ctx context.Context, after string, limit int) (control.RequestPage, error) {
	if err := f.fails("OpenRequests"); err != nil {
		return control.RequestPage{}, err
	}
	return f.store.OpenRequests(ctx, after, limit)
}

func (f failing) CloseRequest(ctx context.Context, after qps.Request, row audit.Row) error {
	if err := f.fails("CloseRequest"); err != nil {
		return err
	}
	return f.store.CloseRequest(ctx, after, row)
}

func (f failing) CommitDecision(ctx context.Context, c control.Change, after qps.Request) (apikey.Key, error) {
	if err := f.fails("CommitDecision"); err != nil {
		return apikey.Key{}, err
	}
	return f.store.CommitDecision(ctx, c, after)
}

// TestWhatTheStoreDidNotDoIsNotAnsweredAsDone has every method of the store fail under every operation that needs it: the
// answer is a failure, and nothing has changed. Where only the evidence beside a change can't be read, the change is
// answered.
func TestWhatTheStoreDidNotDoIsNotAnsweredAsDone(t *testing.T) {
	const done = "done all the same"
	r := newHarness(t)
	whole := r.handler.store
	comment := map[string]any{"comment": "no"}
	operations := map[string]func(id string) apitest.Call{
		"submit": func(string) apitest.Call {
			return apitest.Call{As: "developer", Method: "POST", Path: r.path("qps-requests"), Body: r.body(map[string]any{"product": "map-display", "requested_qps": 700})}
		},
		"withdraw": func(id string) apitest.Call {
			return apitest.Call{As: "owner", Method: "POST", Path: r.path("qps-requests", id, "withdraw")}
		},
		"approve": func(id string) apitest.Call {
			return apitest.Call{As: "operator", Method: "POST", Path: r.path("qps-requests", id, "approve")}
		},
		"reject": func(id string) apitest.Call {
			return apitest.Call{As: "operator", Method: "POST", Path: r.path("qps-requests", id, "reject"), Body: comment}
		},
		"get": func(id string) apitest.Call {
			return apitest.Call{As: "viewer", Method: "GET", Path: r.path("qps-requests", id)}
		},
		"list": func(string) apitest.Call {
			return apitest.Call{As: "viewer", Method: "GET", Path: r.path("qps-requests")}
		},
		"queue": func(string) apitest.Call {
			return apitest.Call{As: "operator", Method: "GET", Path: "/v1/qps-requests"}
		},
	}
	for method, needed := range map[string]map[string]string{
		"Account":       {"submit": "", "queue": ""},
		"Key":           {"submit": "", "approve": "", "get": "", "queue": "", "withdraw": done},
		"SubmitRequest": {"submit": ""}, "Requests": {"list": ""}, "OpenRequests": {"queue": ""}, "CommitDecision": {"approve": ""},
		"Request":      {"withdraw": "", "approve": "", "reject": "", "get": ""},
		"CloseRequest": {"withdraw": "", "reject": ""},
	} {
		for name, outcome := range needed {
			r.handler.store = whole
			id := r.submit(t, nil)
			before, actions := r.stored(t), len(r.actions(t))
			r.handler.store = failing{whole, method}
			got := r.Do(t, operations[name](id))
			r.handler.store = whole
			request, err := r.Control.Request(t.Context(), r.account.ID, qps.RequestID(id))
			if err != nil {
				t.Fatal(err)
			}
			if outcome == done {
				if got.Status != 200 || request.Status == qps.Pending {
					t.Errorf("%s without %s: %d, %s", name, method, got.Status, request.Status)
				}
				continue
			}
			if got.Status != 500 || request.Status != qps.Pending || r.stored(t).Version != before.Version || len(r.actions(t)) != actions {
				t.Errorf("%s without %s: %d %s; the request is %s", name, method, got.Status, got.Body, request.Status)
			}
			if request.Status == qps.Pending {
				r.post(t, 200, "owner", id, "withdraw", nil)
			}
		}
	}
}

// TestALimitThatIsBackAtTheDefaultIsTheDefaultAgain: the key keeps no limit of its own, so that a later default holds.
func TestALimitThatIsBackAtTheDefaultIsTheDefaultAgain(t *testing.T) {
	r := newHarness(t)
	for _, step := range []struct{ set, own int }{{2, 1}, {5, 0}, {3, 1}, {4, 1}, {5, 0}} { // 5 is the catalogue's
		r.Want(t, 200, apitest.Call{
			As: "developer", Method: "PUT", Path: r.path("keys", string(r.key.ID), "limits", "search"), Body: map[string]any{"qps": step.set},
		})
		if k := r.stored(t); len(k.Limits) != step.own || step.own == 1 && k.Limits[0] != (apikey.Limit{Class: "search", QPS: step.set}) {
			t.Errorf("set to %d: %+v", step.set, k.Limits)
		}
	}
}
