package main

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/qps"
	"latchkey/shared/usage"
)

// A moment whose year has five digits once it is in UTC can't be stored: it broke the queue of all operators once.
func TestAnEndBeyondTheClockIsRefusedAndTheQueueGoesOn(t *testing.T) {
	r := newHarness(t)
	body := r.body(map[string]any{"ends_at": "9999-12-31T23:59:59-23:59"})
	answer := r.Want(t, 422, apitest.Call{As: "owner", Method: "POST", Path: r.path("qps-requests"), Body: body})
	if answer.Problem() != "422 invalid [/ends_at]" {
		t.Error(answer.Problem())
	}
	r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: "/v1/qps-requests"})
}

// One record that can't be read, be it a request, an account or a key, stops no other request.
func TestTheQueueSurvivesBadRecords(t *testing.T) {
	r := newHarness(t)
	other := r.NewKey(t, r.account, func(k *apikey.Key) { k.BillingType, k.Products = apikey.Paying, []product.ID{"search", "map-display"} })
	r.submit(t, nil)
	bad := r.submit(t, map[string]any{"product": "map-display"})
	r.submit(t, map[string]any{"key_id": string(other.ID)})
	queue := func(want int) {
		t.Helper()
		for _, path := range []string{"/v1/qps-requests?page_size=1", "/v1/qps-requests", r.path("qps-requests")} {
			doc := r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: path}).JSON(t)
			if n := len(doc["requests"].([]any)); n != want && n != 1 {
				t.Errorf("%s: %d requests, want %d", path, n, want)
			}
		}
	}
	queue(3)
	r.spoil(t, "QPS#"+bad, "created_at", dynamo.S("10000-01-01T23:58:59.000Z"))
	queue(2)
	r.spoil(t, "KEY#"+string(other.ID), "v", dynamo.N(99))
	queue(2)
	r.spoil(t, "ACCOUNT", "created_at", dynamo.S("soon"))
	doc := r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: "/v1/qps-requests"}).JSON(t)
	if n := len(doc["requests"].([]any)); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

// TestTheQueueHasNoRequestOfAClosedAccount, also where the key, which would be revoked, can't be read: nobody can approve it.
func TestTheQueueHasNoRequestOfAClosedAccount(t *testing.T) {
	for _, unread := range []bool{false, true} {
		r := newHarness(t)
		r.submit(t, nil)
		if unread {
			r.spoil(t, "KEY#"+string(r.key.ID), "v", dynamo.N(99))
		}
		for closed, want := range []int{1, 0} {
			if closed == 1 {
				r.spoil(t, "ACCOUNT", "closed_at", dynamo.S("2026-11-21T12:00:00.000Z"))
			}
			doc := r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: "/v1/qps-requests"}).JSON(t)
			if n := len(doc["requests"].([]any)); n != want {
				t.Errorf("key unreadable %v, account closed %v: %d requests, want %d", unread, closed == 1, n, want)
			}
		}
	}
}

// TestTheQueueHasNoRequestThatNobodyCanApprove: of a class that a later catalogue lacks, or whose own end has come.
func TestTheQueueHasNoRequestThatNobodyCanApprove(t *testing.T) {
	r := newHarness(t)
	gone := qps.Request{
		ID: "qps_01M8QV1KGNBTY92E9CXW69M860", Account: r.account.ID, KeyID: r.key.ID, Product: "search", Class: "search.gone", Requested: 50, Current: 5,
		Justification: "A launch.", Status: qps.Pending, CreatedAt: keytest.Now, Version: 1, CreatedBy: qps.Party{Subject: keytest.Subject("developer")},
	}
	if err := r.Control.SubmitRequest(t.Context(), gone, nil, keytest.Row(r.account.ID, "qps.submit", r.key.ID)); err != nil {
		t.Fatal(err)
	}
	ends := r.submit(t, map[string]any{"ends_at": keytest.Now.Add(time.Hour)})
	queue := func(want int) {
		t.Helper()
		doc := r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: "/v1/qps-requests"}).JSON(t)
		if n := len(doc["requests"].([]any)); n != want {
			t.Errorf("%d requests, want %d", n, want)
		}
	}
	queue(1)
	r.Clock.Advance(time.Hour)
	queue(0)
	for id, want := range map[string]string{string(gone.ID): "request_obsolete", ends: "request_ended"} {
		if a := r.post(t, 409, "operator", id, "approve", nil); a.Code() != want {
			t.Errorf("%s, want %s", a.Body, want)
		}
	}
}

// spoil makes a record of the account unreadable.
func (r *harness) spoil(t *testing.T, sk, attribute string, value types.AttributeValue) {
	t.Helper()
	key := dynamo.Item{"pk": dynamo.S("A#" + string(r.account.ID)), "sk": dynamo.S(sk)}
	got, err := r.DB.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &r.Tables.Control, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil || len(got.Item) == 0 {
		t.Fatalf("%s: %v", sk, err)
	}
	got.Item[attribute] = value
	if _, err := r.DB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &r.Tables.Control, Item: got.Item}); err != nil {
		t.Fatal(err)
	}
}

// noCounters is a table of counters that can't be read for one key.
type noCounters struct {
	rows
	key apikey.ID
}

func (n noCounters) KeyRows(ctx context.Context, id account.ID, key apikey.ID, span counters.Range) ([]usage.Row, error) {
	if key == n.key {
		return nil, errDown
	}
	return n.rows.KeyRows(ctx, id, key, span)
}

// TestARequestIsShownWhoseEvidenceCantBeHad, so that it can be decided or withdrawn: that of a key that can't be read, and of counters that
// don't answer. A request that can't be read itself, or a table that fails, is still none.
func TestARequestIsShownWhoseEvidenceCantBeHad(t *testing.T) {
	for name, spoil := range map[string]func(*harness){
		"the key":      func(r *harness) { r.spoil(t, "KEY#"+string(r.key.ID), "v", dynamo.N(99)) },
		"the counters": func(r *harness) { r.counters.err = errDown },
	} {
		r := newHarness(t)
		id := r.submit(t, nil)
		spoil(r)
		for _, as := range []string{"operator", "viewer"} {
			doc := r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: r.path("qps-requests", id)}).JSON(t)
			if doc["id"] != id || doc["status"] != "pending" || doc["evidence"] != nil {
				t.Errorf("%s, %s: %v", name, as, doc)
			}
		}
		r.post(t, 200, "operator", id, "reject", map[string]any{"comment": "No."})
	}
	r := newHarness(t)
	id := r.submit(t, nil)
	r.handler.store = failing{r.handler.store, "Key"}
	r.Want(t, 500, apitest.Call{As: "operator", Method: "GET", Path: r.path("qps-requests", id)})
}

// TestTheQueueShowsARequestWhoseEvidenceCantBeHad, without it, and says that something is missing: the others have theirs.
func TestTheQueueShowsARequestWhoseEvidenceCantBeHad(t *testing.T) {
	r := newHarness(t)
	other := r.NewKey(t, r.account, func(k *apikey.Key) { k.BillingType, k.Products = apikey.Paying, []product.ID{"search"} })
	whole, without := r.submit(t, nil), r.submit(t, map[string]any{"key_id": string(other.ID)})
	r.handler.counters = noCounters{r.handler.counters, other.ID}
	doc := r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: "/v1/qps-requests"}).JSON(t)
	evidence := map[string]any{}
	for _, one := range doc["requests"].([]any) {
		request := one.(map[string]any)
		evidence[request["id"].(string)] = request["evidence"]
	}
	if len(evidence) != 2 || evidence[whole] == nil || evidence[without] != nil || doc["unreadable"] != 1.0 {
		t.Errorf("%v, unreadable %v", evidence, doc["unreadable"])
	}
}
