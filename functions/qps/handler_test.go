package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/qps"
	"latchkey/shared/usage"
)

// fakeRows returns the same counters for every key.
type fakeRows struct {
	rows []usage.Row
	err  error
}

func (f *fakeRows) KeyRows(_ context.Context, _ account.ID, _ apikey.ID, in counters.Range) (found []usage.Row, err error) {
	for _, r := range f.rows {
		if !r.Start.Before(in.From) && r.Start.Before(in.To) {
			found = append(found, r)
		}
	}
	return found, f.err
}

// harness is the function on a store of its own, with one enterprise account, a key and its people.
type harness struct {
	*apitest.API
	account  account.Account
	key      apikey.Key
	handler  *handler
	counters *fakeRows
}

func newHarness(t testing.TB, options ...func(*account.Account)) *harness {
	t.Helper()
	return newHarnessOn(t, keytest.Open(t), options...)
}

func newHarnessOn(t testing.TB, stores keytest.Stores, options ...func(*account.Account)) *harness {
	t.Helper()
	a := apitest.New(t, stores)
	r := &harness{API: a, counters: &fakeRows{}}
	r.account = a.NewAccount(t, append([]func(*account.Account){func(a *account.Account) { a.Type = account.Enterprise }}, options...)...)
	apitest.People(t, a, r.account.ID)
	billing := apikey.Paying
	if r.account.Type == account.SelfServe {
		billing = apikey.Freemium
	}
	r.key = a.NewKey(t, r.account, func(k *apikey.Key) {
		k.BillingType, k.Products = billing, []product.ID{"map-display", "search", "maps-sdk-web"}
	})
	service := &web.KeyService{Store: a.Control, Source: a.Source, Prefix: apikey.DefaultPrefix, Texts: apitest.Texts, Products: product.Default(), Used: apitest.NoUse{}}
	r.handler = &handler{service: service, store: a.Control, counters: r.counters}
	r.handler.routes(a.Mux)
	return r
}

func (r *harness) path(parts ...string) string {
	return "/v1/accounts/" + string(r.account.ID) + "/" + strings.Join(parts, "/")
}

func (r *harness) body(more map[string]any) map[string]any {
	full := map[string]any{"key_id": string(r.key.ID), "product": "search", "requested_qps": 50, "justification": "We launch in May."}
	for k, v := range more {
		full[k] = v
		if v == nil {
			delete(full, k)
		}
	}
	return full
}

// submit files a request and returns its ID.
func (r *harness) submit(t testing.TB, more map[string]any) string {
	t.Helper()
	call := apitest.Call{As: "developer", Method: "POST", Path: r.path("qps-requests"), Body: r.body(more)}
	return r.Want(t, 201, call).JSON(t)["id"].(string)
}

func (r *harness) post(t testing.TB, status int, as, id, action string, body any) apitest.Answer {
	t.Helper()
	return r.Want(t, status, apitest.Call{As: as, Method: "POST", Path: r.path("qps-requests", id, action), Body: body})
}

func (r *harness) stored(t testing.TB) apikey.Key {
	t.Helper()
	k, err := r.Control.Key(t.Context(), r.account.ID, r.key.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.CheckGate(t, k)
	return k
}

func (r *harness) actions(t testing.TB) (list []string) {
	for _, row := range r.AllAudit(t, r.account.ID) {
		if strings.HasPrefix(row.Action, "qps.") || strings.HasSuffix(row.Action, "_limit") {
			list = append(list, row.Action)
		}
	}
	return list
}

func TestARequestIsFiledSeenApprovedAndInForce(t *testing.T) {
	r := newHarness(t)
	id := r.submit(t, map[string]any{"ends_at": "2026-12-24T00:00:00Z"})
	r.Clock.Advance(time.Second)
	queue := r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: "/v1/qps-requests"}).JSON(t)["requests"].([]any)
	first := queue[0].(map[string]any)
	if len(queue) != 1 || first["id"] != id || first["account_name"] != r.account.Name || first["key_name"] != r.key.Name {
		t.Fatalf("queue %v", queue)
	}
	answer := r.post(t, 200, "operator", id, "approve", map[string]any{"qps": 20, "comment": "Half of it for now."}).JSON(t)
	if answer["status"] != "approved" || answer["approved_qps"] != 20.0 || answer["decided_by"] != "operator@example.com" || answer["evidence"].(map[string]any)["current_qps"] != 20.0 || answer["evidence"].(map[string]any)["free_qps"] != 20.0 {
		t.Errorf("answer %v", answer)
	}
	k := r.stored(t)
	want := []apikey.Limit{{Class: "search", QPS: 20, EndsAt: time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC), Lent: 20}}
	if fmt.Sprint(k.Limits) != fmt.Sprint(want) {
		t.Errorf("limits %+v", k.Limits)
	}
	seen := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.path("qps-requests", id)}).JSON(t)
	if seen["comment"] != "Half of it for now." || seen["decided_by"] != nil || seen["created_by"] != "developer@example.com" {
		t.Errorf("the customer sees %v", seen)
	}
	if got := r.actions(t); fmt.Sprint(got) != "[qps.approve qps.submit]" {
		t.Errorf("audit %v", got)
	}
	queue = r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: "/v1/qps-requests"}).JSON(t)["requests"].([]any)
	if len(queue) != 0 {
		t.Errorf("still queued: %v", queue)
	}
	r.submit(t, nil) // another may be filed now
}

func TestRejectedAndWithdrawnRequestsChangeNoLimit(t *testing.T) {
	r := newHarness(t)
	id := r.submit(t, nil)
	answer := r.post(t, 200, "operator", id, "reject", map[string]any{"comment": " Please upgrade. "}).JSON(t)
	if answer["status"] != "rejected" || answer["comment"] != "Please upgrade." || answer["approved_qps"] != nil {
		t.Errorf("answer %v", answer)
	}
	other := r.submit(t, nil)
	if got := r.post(t, 200, "owner", other, "withdraw", nil).JSON(t); got["status"] != "withdrawn" || got["decided_at"] == nil {
		t.Errorf("answer %v", got)
	}
	if k := r.stored(t); len(k.Limits) != 0 || k.Version != r.key.Version {
		t.Errorf("key %+v", k)
	}
	for _, decided := range []string{id, other} {
		for action, as := range map[string]string{"withdraw": "owner", "approve": "operator", "reject": "operator"} {
			var body any
			if action == "reject" {
				body = map[string]any{"comment": "no"}
			}
			if got := r.post(t, 409, as, decided, action, body); got.Code() != "request_decided" {
				t.Errorf("%s: %s", action, got.Body)
			}
		}
	}
	if got := r.actions(t); len(got) != 4 {
		t.Errorf("audit %v", got)
	}
}

func TestTheAccountsTypeIsCheckedBeforeTheBody(t *testing.T) {
	r := newHarness(t, func(a *account.Account) { a.Type = account.SelfServe })
	for _, body := range []any{r.body(nil), "{", map[string]any{"nonsense": 1}} {
		got := r.Do(t, apitest.Call{As: "owner", Method: "POST", Path: r.path("qps-requests"), Body: body})
		if got.Status != 403 || got.Code() != "account_type_not_allowed" {
			t.Errorf("%v: %s", body, got.Problem())
		}
	}
	r.Want(t, 200, apitest.Call{As: "owner", Method: "PUT", Path: r.path("keys", string(r.key.ID), "limits", "search"), Body: map[string]any{"qps": 2}})
}

func TestWhatCantBeAskedForIsRefusedWithItsMember(t *testing.T) {
	r := newHarness(t)
	foreign := keytest.KeyID()
	long := strings.Repeat("é", 2001)
	for _, tt := range []struct {
		more map[string]any
		want string
	}{
		{map[string]any{"requested_qps": 5}, "422 invalid [/requested_qps]"},
		{map[string]any{"requested_qps": 0}, "422 invalid [/requested_qps]"},
		{map[string]any{"requested_qps": 1001}, "422 invalid [/requested_qps]"},
		{map[string]any{"requested_qps": "50"}, "422 invalid [/requested_qps]"},
		{map[string]any{"requested_qps": nil}, "422 invalid [/requested_qps]"},
		{map[string]any{"justification": "  "}, "422 invalid [/justification]"},
		{map[string]any{"justification": long}, "422 invalid [/justification]"},
		{map[string]any{"ends_at": "2026-11-21T12:00:00Z"}, "422 invalid [/ends_at]"},
		{map[string]any{"ends_at": "tomorrow"}, "422 invalid [/ends_at]"},
		{map[string]any{"key_id": string(foreign)}, "422 invalid [/key_id]"},
		{map[string]any{"key_id": "key_"}, "422 invalid [/key_id]"},
		{map[string]any{"product": "nothing"}, "422 invalid [/product]"},
		{map[string]any{"product": "routing"}, "422 invalid [/product]"},
		{map[string]any{"product": "maps-sdk-web"}, "422 invalid [/product]"},
		{map[string]any{"class": "map-display.tiles"}, "422 invalid [/class]"},
		{map[string]any{"product": "map-display", "class": "map-display.nothing"}, "422 invalid [/class]"},
		{map[string]any{"product": "map-display.tiles", "class": "map-display"}, "422 invalid [/class]"},
		{map[string]any{"status": "approved"}, "422 invalid [/status]"},
	} {
		got := r.Do(t, apitest.Call{As: "owner", Method: "POST", Path: r.path("qps-requests"), Body: r.body(tt.more)})
		if got.Problem() != tt.want {
			t.Errorf("%v: %s, want %s", tt.more, got.Problem(), tt.want)
		}
	}
	if len(r.actions(t)) != 0 {
		t.Error("a refused request left a row")
	}
}

func TestAProductNamesItsClassAndAClassItself(t *testing.T) {
	for body, class := range map[string]string{
		`map-display`: "map-display", `map-display.tiles`: "map-display.tiles",
		`map-display map-display.tiles`: "map-display.tiles", `map-display.tiles map-display.tiles`: "map-display.tiles",
	} {
		r := newHarness(t)
		more := map[string]any{"requested_qps": map[string]int{"map-display": 700, "map-display.tiles": 7000}[class]}
		names := strings.Fields(body)
		more["product"] = names[0]
		if len(names) == 2 {
			more["class"] = names[1]
		}
		id := r.submit(t, more)
		got := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("qps-requests", id)}).JSON(t)
		if got["class"] != class || got["product"] != "map-display" {
			t.Errorf("%s: %v", body, got)
		}
	}
}

func TestOneRequestIsOpenForAKeyAndClass(t *testing.T) {
	r := newHarness(t)
	r.submit(t, nil)
	got := r.Do(t, apitest.Call{As: "owner", Method: "POST", Path: r.path("qps-requests"), Body: r.body(map[string]any{"requested_qps": 60})})
	if got.Problem() != "409 request_open []" {
		t.Errorf("%s", got.Problem())
	}
	r.submit(t, map[string]any{"product": "map-display"})
}

func TestARepeatedSubmissionIsOneRequest(t *testing.T) {
	r := newHarness(t)
	call := apitest.Call{As: "developer", Method: "POST", Path: r.path("qps-requests"), Body: r.body(nil), Headers: map[string]string{"Idempotency-Key": "k1"}}
	id := r.Want(t, 201, call).JSON(t)["id"].(string)
	r.post(t, 200, "operator", id, "approve", nil) // the limit is what it asks for by now
	again := r.Want(t, 201, call)
	if doc := again.JSON(t); doc["id"] != id || doc["status"] != "approved" || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%v", doc)
	}
	call.Body = r.body(map[string]any{"requested_qps": 60})
	if got := r.Do(t, call); got.Problem() != "422 idempotency_key_reused []" {
		t.Errorf("%s", got.Problem())
	}
	if got := r.actions(t); len(got) != 2 {
		t.Errorf("audit %v", got)
	}
}

// A replay is answered as the first request was, whatever the account is now; a new request is checked.
func TestARepeatedSubmissionOutlivesTheAccountsType(t *testing.T) {
	r := newHarness(t)
	call := apitest.Call{As: "developer", Method: "POST", Path: r.path("qps-requests"), Body: r.body(nil), Headers: map[string]string{"Idempotency-Key": "k1"}}
	id := r.Want(t, 201, call).JSON(t)["id"]
	before, err := r.Control.Account(t.Context(), r.account.ID)
	after := before
	after.Type = account.SelfServe
	if err == nil {
		_, err = r.Control.UpdateAccount(t.Context(), before, after, keytest.Row(r.account.ID, "account.edit", ""))
	}
	if err != nil {
		t.Fatal(err)
	}
	again := r.Want(t, 201, call)
	if again.JSON(t)["id"] != id || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%s", again.Body)
	}
	call.Headers["Idempotency-Key"] = "k2"
	if got := r.Do(t, call); got.Code() != "account_type_not_allowed" {
		t.Error(got.Problem())
	}
}

func TestOfTwoOperatorsOneDecidesAndOneRowIsLeft(t *testing.T) {
	for range 20 {
		r := newHarness(t)
		id := r.submit(t, nil)
		calls := []apitest.Call{
			{As: "operator", Method: "POST", Path: r.path("qps-requests", id, "approve"), Body: map[string]any{"qps": 20}},
			{As: "operator", Method: "POST", Path: r.path("qps-requests", id, "approve"), Body: map[string]any{"qps": 30}},
			{As: "operator", Method: "POST", Path: r.path("qps-requests", id, "reject"), Body: map[string]any{"comment": "no"}},
			{As: "owner", Method: "POST", Path: r.path("qps-requests", id, "withdraw")},
		}
		statuses := map[string]int{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for _, call := range calls {
			wg.Go(func() {
				got := r.Do(t, call)
				mu.Lock()
				defer mu.Unlock()
				statuses[fmt.Sprint(got.Status, " ", got.Code())]++
			})
		}
		wg.Wait()
		if statuses["200 "] != 1 || statuses["409 request_decided"] != 3 {
			t.Fatalf("answers %v", statuses)
		}
		if got := r.actions(t); len(got) != 2 {
			t.Fatalf("audit %v", got)
		}
		request, err := r.Control.Request(t.Context(), r.account.ID, qps.RequestID(id))
		if err != nil {
			t.Fatal(err)
		}
		k := r.stored(t)
		if (request.Status == qps.Approved) != (len(k.Limits) == 1) || len(k.Limits) == 1 && k.Limits[0].QPS != request.Decision.QPS {
			t.Fatalf("request %+v, limits %+v", request, k.Limits)
		}
	}
}

// edited changes the key in the moment before a decision is written.
type edited struct {
	store
	before func()
}

func (e *edited) CommitDecision(ctx context.Context, c control.Change, after qps.Request) (apikey.Key, error) {
	if e.before != nil {
		e.before()
		e.before = nil
	}
	return e.store.CommitDecision(ctx, c, after)
}

// decided decides a request in the moment after it was read by another decision, which then reads the key.
type decided struct {
	store
	before func()
}

func (d *decided) Key(ctx context.Context, id account.ID, key apikey.ID) (apikey.Key, error) {
	if decide := d.before; decide != nil {
		d.before = nil
		decide()
	}
	return d.store.Key(ctx, id, key)
}

// TestAnApprovalThatComesSecondSaysSo: what the key has by then is the first one's, and no reason to refuse the number.
func TestAnApprovalThatComesSecondSaysSo(t *testing.T) {
	r := newHarness(t)
	id := r.submit(t, nil)
	r.handler.store = &decided{store: r.Control, before: func() { r.post(t, 200, "operator", id, "approve", map[string]any{"qps": 30}) }}
	if got := r.post(t, 409, "operator", id, "approve", map[string]any{"qps": 20}); got.Code() != "request_decided" {
		t.Error(got.Problem())
	}
}

func TestAnApprovalKeepsWhatTheOwnerChangedInBetween(t *testing.T) {
	r := newHarness(t)
	id := r.submit(t, nil)
	r.handler.store = &edited{store: r.Control, before: func() {
		if _, err := r.Edit(t.Context(), r.key, "key.edit", func(k *apikey.Key) { k.Name = "Renamed" }); err != nil {
			t.Fatal(err)
		}
	}}
	r.post(t, 200, "operator", id, "approve", nil)
	if k := r.stored(t); k.Name != "Renamed" || len(k.Limits) != 1 || k.Limits[0].QPS != 50 {
		t.Errorf("%+v", k)
	}
}

func TestApprovalRefusesWhatIsTooMuchTooLateOrGone(t *testing.T) {
	r := newHarness(t)
	id := r.submit(t, map[string]any{"ends_at": "2026-11-21T13:00:00Z"})
	approve := func(body any) string {
		return r.Do(t, apitest.Call{As: "operator", Method: "POST", Path: r.path("qps-requests", id, "approve"), Body: body}).Problem()
	}
	for want, body := range map[string]any{
		"422 invalid [/qps]": map[string]any{"qps": 1001}, "422 invalid [/comment]": map[string]any{"comment": strings.Repeat("x", 2001)},
	} {
		if got := approve(body); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := approve(map[string]any{"qps": 0}); got != "422 invalid [/qps]" {
		t.Error(got)
	}
	if _, err := r.Edit(t.Context(), r.key, "key.revoke", func(k *apikey.Key) { k.RevokedAt = keytest.Now }); err != nil {
		t.Fatal(err)
	}
	if got := approve(nil); got != "409 request_decided []" {
		t.Error(got)
	}
}

// left is a store whose requests are pending again: what a release that didn't end them with their key has left.
type left struct{ store }

func (l left) Request(ctx context.Context, id account.ID, request qps.RequestID) (qps.Request, error) {
	r, err := l.store.Request(ctx, id, request)
	r.Status, r.ClosedAt, r.Version = qps.Pending, time.Time{}, 1
	return r, err
}

func (l left) OpenRequests(ctx context.Context, _ string, _ int) (page control.RequestPage, err error) {
	page.Requests = make([]qps.Request, 1)
	page.Requests[0], err = l.Request(ctx, l.store.(*open).account, l.store.(*open).id)
	return page, err
}

type open struct {
	store
	account account.ID
	id      qps.RequestID
}

func TestApprovalAndTheQueueCheckWhatSubmissionChecks(t *testing.T) {
	for want, change := range map[string]func(*apikey.Key){
		"409 key_revoked []":      func(k *apikey.Key) { k.RevokedAt = keytest.Now },
		"409 key_deleted []":      func(k *apikey.Key) { k.DeletedAt = keytest.Now },
		"409 request_obsolete []": func(k *apikey.Key) { k.Products = []product.ID{"map-display"} },
		"200  []":                 func(k *apikey.Key) { k.Disabled = true },
	} {
		r := newHarness(t)
		id := r.submit(t, nil)
		if _, err := r.Edit(t.Context(), r.key, "key.edit", change); err != nil {
			t.Fatal(err)
		}
		r.handler.store = left{&open{r.Control, r.account.ID, qps.RequestID(id)}}
		queue := r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: "/v1/qps-requests"}).JSON(t)["requests"].([]any)
		if got := r.Do(t, apitest.Call{As: "operator", Method: "POST", Path: r.path("qps-requests", id, "approve")}).Problem(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if (len(queue) == 1) != (want == "200  []") {
			t.Errorf("%s: the queue has %v", want, queue)
		}
	}
}

func TestARequestThatIsTooLateIsNotApproved(t *testing.T) {
	r := newHarness(t)
	id := r.submit(t, map[string]any{"ends_at": "2026-11-21T13:00:00Z"})
	r.Clock.Advance(time.Hour)
	if got := r.post(t, 409, "operator", id, "approve", nil); got.Code() != "request_ended" {
		t.Errorf("%s", got.Body)
	}
	r.post(t, 200, "operator", id, "reject", map[string]any{"comment": "Too late."})
}

func TestWhatNeedsNoApprovalIsNoRequest(t *testing.T) {
	r := newHarness(t)
	r.Want(t, 200, apitest.Call{As: "owner", Method: "PUT", Path: r.path("keys", string(r.key.ID), "limits", "search"), Body: map[string]any{"qps": 2}})
	for _, wanted := range []int{1, 3, 5} {
		got := r.Do(t, apitest.Call{As: "owner", Method: "POST", Path: r.path("qps-requests"), Body: r.body(map[string]any{"requested_qps": wanted})})
		if got.Status != 422 || !strings.Contains(string(got.Body), "no_approval_needed") {
			t.Errorf("%d: %s", wanted, got.Body)
		}
	}
}

func TestOperatorsSetALimitAndItsCustomerMayComeBackToIt(t *testing.T) {
	r := newHarness(t, func(a *account.Account) { a.Type = account.SelfServe })
	limits := "keys/" + string(r.key.ID) + "/limits/search"
	grant := func(as string, body any) apitest.Answer {
		return r.Do(t, apitest.Call{As: as, Method: "PUT", Path: "/v1/operator/accounts/" + string(r.account.ID) + "/" + limits, Body: body})
	}
	set := func(qps int) apitest.Answer {
		return r.Do(t, apitest.Call{As: "developer", Method: "PUT", Path: r.path(limits), Body: map[string]any{"qps": qps}})
	}
	for as, want := range map[string]int{"owner": 403, "stranger": 404, "operator": 200} {
		if got := grant(as, map[string]any{"qps": 40}); got.Status != want {
			t.Errorf("%s: %s", as, got.Problem())
		}
	}
	for _, qps := range []int{0, 1001} {
		if got := grant("operator", map[string]any{"qps": qps}).Problem(); got != "422 invalid [/qps]" {
			t.Errorf("%d: %s", qps, got)
		}
	}
	for _, qps := range []int{1, 40, 3, 40} {
		if got := set(qps); got.Status != 200 {
			t.Errorf("%d: %s", qps, got.Body)
		}
		if got := r.stored(t).Limits[0].QPS; got != qps {
			t.Errorf("it is %d, want %d", got, qps)
		}
	}
	if got := set(41); got.Problem() != "422 invalid [/qps]" || !strings.Contains(string(got.Body), "not_free") {
		t.Errorf("%s", got.Body)
	}
	if got := r.actions(t); fmt.Sprint(slices.Sorted(slices.Values(got))) != "[key.lower_limit key.lower_limit key.raise_limit key.raise_limit key.set_limit]" {
		t.Errorf("audit %v", got)
	}
}

func TestEvidenceIsThePeakAndTheBreachesOfThirtyDays(t *testing.T) {
	r := newHarness(t)
	at := func(days int) time.Time { return keytest.Now.AddDate(0, 0, -days).Truncate(time.Hour) }
	r.counters.rows = []usage.Row{
		{Start: at(31), Product: "search", Counts: usage.Counts{"m:00": 60000, "c:c:qps_exceeded": 1000}},
		{Start: at(30).Add(-time.Hour), Product: "search", Counts: usage.Counts{"m:00": 50000, "c:c:qps_exceeded": 500}}, // the hour before
		{Start: at(30), Product: "search", Counts: usage.Counts{"m:00": 60, "c:c:qps_exceeded": 20}},
		{Start: at(0), Product: "search", Counts: usage.Counts{"m:00": 61, "c:c:qps_exceeded": 3}},
		{Start: at(20), Product: "search", Counts: usage.Counts{"m:07": 400, "m:08": 700, "c:c:allowed": 900, "c:c:qps_exceeded": 200}},
		{Start: at(1), Product: "search", Counts: usage.Counts{"m:59": 300, "c:c:allowed": 299, "c:p:qps_exceeded": 1}},
		{Start: at(1), Product: "map-display", Counts: usage.Counts{"m:59": 30000, "c:c:qps_exceeded": 77}},
	}
	id := r.submit(t, nil)
	got := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.path("qps-requests", id)}).JSON(t)["evidence"].(map[string]any)
	want := map[string]any{"current_qps": 5.0, "default_qps": 5.0, "free_qps": 5.0, "max_qps": 1000.0, "peak_qps": 11.67, "breaches": 224.0}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	if _, err := r.Edit(t.Context(), r.stored(t), "key.lower_limit", func(k *apikey.Key) {
		k.Limits = []apikey.Limit{{Class: "search", QPS: 3, Granted: 40}}
	}); err != nil {
		t.Fatal(err)
	}
	got = r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.path("qps-requests", id)}).JSON(t)["evidence"].(map[string]any)
	want["current_qps"], want["free_qps"] = 3.0, 40.0
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("of a key with a limit of its own: %v, want %v", got, want)
	}
	r.counters.err = errors.New("down")
	r.post(t, 200, "owner", id, "withdraw", nil) // it is done: that it can't be shown whole is no failure
}

func TestListsPageByStatusThroughAll(t *testing.T) {
	r := newHarness(t)
	var withdrawn []string
	for i := range 7 {
		id := r.submit(t, nil)
		if i%3 < 2 {
			r.post(t, 200, "owner", id, "withdraw", nil)
			withdrawn = append([]string{id}, withdrawn...)
		} else {
			r.post(t, 200, "operator", id, "reject", map[string]any{"comment": "no"})
		}
		r.Clock.Advance(time.Second)
	}
	var got []string
	path := r.path("qps-requests") + "?status=withdrawn&page_size=1"
	for token := ""; ; {
		doc := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: path + token}).JSON(t)
		for _, one := range doc["requests"].([]any) {
			got = append(got, one.(map[string]any)["id"].(string))
			if one.(map[string]any)["key_name"] != r.key.Name {
				t.Errorf("a request of a list doesn't name its key: %v", one)
			}
		}
		next, ok := doc["next_page_token"].(string)
		if !ok {
			break
		}
		token = "&page_token=" + next
	}
	if fmt.Sprint(got) != fmt.Sprint(withdrawn) {
		t.Errorf("%v, want %v", got, withdrawn)
	}
	// A filter leaves out what it has read: no page gets longer than asked for, and only the last one is shorter.
	for _, status := range []string{"", "withdrawn", "rejected"} {
		for size := 1; size <= 4; size++ {
			path := fmt.Sprintf("%s?status=%s&page_size=%d", r.path("qps-requests"), status, size)
			for token := ""; ; {
				doc := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: path + token}).JSON(t)
				next, more := doc["next_page_token"].(string)
				if n := len(doc["requests"].([]any)); n > size || more && n < size {
					t.Errorf("%s: a page of %d, another follows: %v", path, n, more)
				}
				if !more {
					break
				}
				token = "&page_token=" + next
			}
		}
	}
	apitest.TokensKeepTheirQuestion(t, r.API, served, map[string]apitest.Question{
		"listQpsRequests": {As: "viewer", Path: r.path("qps-requests"), Queries: []string{"", "status=withdrawn", "status=rejected"}},
	})
	for query, status := range map[string]int{"?status=open": 400, "?status=": 200, "?page_size=0": 400, "?x=1": 400} {
		r.Want(t, status, apitest.Call{As: "viewer", Method: "GET", Path: r.path("qps-requests") + query})
	}
}

func TestLoweringActsAtOnceForTheOwnLimitAlone(t *testing.T) {
	r := newHarness(t)
	lower := func(class string, body any) apitest.Answer {
		return r.Do(t, apitest.Call{As: "developer", Method: "PUT", Path: r.path("keys", string(r.key.ID), "limits", class), Body: body})
	}
	if got := lower("map-display.tiles", map[string]any{"qps": 100}); got.Status != 200 {
		t.Fatalf("%s", got.Body)
	}
	if k := r.stored(t); len(k.Limits) != 1 || k.Limits[0].QPS != 100 {
		t.Errorf("limits %+v", k.Limits)
	}
	version := r.stored(t).Version
	if got := lower("map-display.tiles", map[string]any{"qps": 100}); got.Status != 200 || r.stored(t).Version != version {
		t.Errorf("repeating it: %s", got.Body)
	}
	for want, call := range map[string][2]any{
		"422 invalid [/qps]": {"map-display.tiles", map[string]any{"qps": 1001}}, "404 not_found []": {"nothing", map[string]any{"qps": 1}},
	} {
		if got := lower(call[0].(string), call[1]).Problem(); got != want {
			t.Errorf("%v: %s", call, got)
		}
	}
	if got := lower("map-display", map[string]any{"qps": 0}).Problem(); got != "422 invalid [/qps]" {
		t.Error(got)
	}
	if got := lower("routing", map[string]any{"qps": 1}).Problem(); got != "404 not_found []" {
		t.Errorf("a product that the key doesn't have: %s", got)
	}
	stale := apitest.Call{
		As: "owner", Method: "PUT", Path: r.path("keys", string(r.key.ID), "limits", "search"), Body: map[string]any{"qps": 1},
		Headers: map[string]string{"If-Match": `"1"`},
	}
	r.Want(t, 412, stale)
	if got := r.actions(t); fmt.Sprint(got) != "[key.lower_limit]" {
		t.Errorf("audit %v", got)
	}
}

func TestAForeignRequestLooksLikeAnUnknownOne(t *testing.T) {
	r := newHarness(t)
	id := r.submit(t, nil)
	other := r.NewAccount(t, func(a *account.Account) { a.Type = account.Enterprise }) // its owner is "owner" too
	for _, text := range []string{id, "qps_01HZY3M7Q8R9S0T1V2W3X4Y5Z6", "qps_x", "x"} {
		for _, call := range []apitest.Call{
			{Method: "GET", Path: "/v1/accounts/" + string(other.ID) + "/qps-requests/" + text},
			{Method: "POST", Path: "/v1/accounts/" + string(other.ID) + "/qps-requests/" + text + "/withdraw"},
		} {
			call.As = "owner"
			if got := r.Want(t, 404, call); got.Code() != "not_found" {
				t.Errorf("%s: %s", text, got.Body)
			}
		}
	}
}

// TestAnApprovalTakesNothingAway: what was granted directly since the request was filed is not lowered by approving less.
func TestAnApprovalTakesNothingAway(t *testing.T) {
	r := newHarness(t)
	id := r.submit(t, map[string]any{"requested_qps": 60})
	direct := "/v1/operator/accounts/" + string(r.account.ID) + "/keys/" + string(r.key.ID) + "/limits/search"
	r.Want(t, 200, apitest.Call{As: "operator", Method: "PUT", Path: direct, Body: map[string]any{"qps": 100}})
	approve := func(body any) apitest.Answer {
		return r.Do(t, apitest.Call{As: "operator", Method: "POST", Path: r.path("qps-requests/" + id + "/approve"), Body: body})
	}
	for _, body := range []any{map[string]any{}, map[string]any{"qps": 60}, map[string]any{"qps": 100}} {
		if got := approve(body); got.Status != 422 || !strings.Contains(string(got.Body), "no_approval_needed") {
			t.Errorf("%v: %d %s", body, got.Status, got.Body)
		}
	}
	if got := approve(map[string]any{"qps": 101}); got.Status != 200 {
		t.Errorf("more than that: %d %s", got.Status, got.Body)
	}
}
