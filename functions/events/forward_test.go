package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"latchkey/shared/dynamo/stream"
)

const (
	auditULID = "01M8037VFM8V4C195KBV7SWQ0"
	keyID     = "key_01M8037VFXWJAGCYQB44R7PXA3"
)

// fakeBus takes events, except those whose detail holds refuse, and answers with an error while it is down.
type fakeBus struct {
	events []types.PutEventsRequestEntry
	calls  int
	refuse string
	down   bool
}

func (b *fakeBus) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	b.calls++
	if b.down {
		return nil, errors.New("no route to host")
	}
	out := &eventbridge.PutEventsOutput{}
	for _, e := range in.Entries {
		if b.refuse != "" && strings.Contains(*e.Detail, b.refuse) {
			out.Entries = append(out.Entries, types.PutEventsResultEntry{ErrorCode: aws.String("ThrottlingException")})
			continue
		}
		b.events = append(b.events, e)
		out.Entries = append(out.Entries, types.PutEventsResultEntry{EventId: aws.String("x")})
	}
	return out, nil
}

func image(n int, action string) string {
	return fmt.Sprintf(`{"pk":{"S":"A#acc_1"},"sk":{"S":"AUDIT#x"},"kind":{"S":"audit"},"id":{"S":"aud_%s%d"},"account":{"S":"acc_1"},
		"action":{"S":%q},"happened_at":{"S":"2026-11-21T12:00:00.000Z"},"request_id":{"S":"req-%d"},"key_id":{"S":%q},
		"actor":{"M":{"issuer":{"S":"i"},"subject":{"S":"owner"},"email":{"S":"owner@example.com"},"role":{"S":"owner"}}},
		"changes":{"L":[{"M":{"field":{"S":"name"},"before":{"S":""},"after":{"S":"\"Shop\""}}},{"M":{"field":{"S":"email"},"after":{"S":"\"a@example.com\""}}}]}}`,
		auditULID, n%10, action, n, keyID)
}

func inserted(n int, action string) string {
	return fmt.Sprintf(`{"eventName":"INSERT","dynamodb":{"SequenceNumber":"%d","NewImage":%s}}`, n, image(n, action))
}

func run(t *testing.T, bus *fakeBus, records ...string) stream.Failures {
	t.Helper()
	f := &forwarder{bus: "main", client: bus, log: slog.New(slog.DiscardHandler)}
	got, err := f.handle(t.Context(), json.RawMessage(`{"Records":[`+strings.Join(records, ",")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func failedSequence(r stream.Failures) string {
	if len(r.Items) == 0 {
		return ""
	}
	return r.Items[0].Sequence
}

func TestEachChangeBecomesOneEventOfTheSchema(t *testing.T) {
	bus := &fakeBus{}
	if got := run(t, bus, inserted(1, "key.create"), inserted(2, "key.rotation.end")); failedSequence(got) != "" {
		t.Fatal(got)
	}
	raw, err := os.ReadFile("schemas/change.v1.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("change.v1.json", doc); err != nil {
		t.Fatal(err)
	}
	schema := c.MustCompile("change.v1.json")
	for _, e := range bus.events {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(*e.Detail))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", *e.Detail, err)
		}
		if strings.Contains(*e.Detail, "@") {
			t.Errorf("an e-mail address on the bus: %s", *e.Detail)
		}
	}
	first := bus.events[0]
	if *first.DetailType != "Key Created" || *first.Source != "latchkey" || !strings.Contains(*first.Detail, `"id":"evt_`+auditULID+`1"`) {
		t.Errorf("%s %s", *first.DetailType, *first.Detail)
	}
	if got := *bus.events[1].DetailType; got != "Key Rotation End" {
		t.Error(got)
	}
}

func TestRedeliveryGivesTheSameEventIDs(t *testing.T) {
	first, second := &fakeBus{}, &fakeBus{}
	run(t, first, inserted(1, "key.revoke"))
	run(t, second, inserted(1, "key.revoke"))
	if *first.events[0].Detail != *second.events[0].Detail {
		t.Error("a redelivered record made another event")
	}
}

func TestOtherRecordsAreNoEvents(t *testing.T) {
	bus := &fakeBus{}
	got := run(t, bus,
		`{"eventName":"REMOVE","userIdentity":{"principalId":"dynamodb.amazonaws.com"},"dynamodb":{"SequenceNumber":"1"}}`,
		`{"eventName":"MODIFY","dynamodb":{"SequenceNumber":"2","NewImage":`+image(2, "key.edit")+`}}`,
		`{"eventName":"INSERT","dynamodb":{"SequenceNumber":"3","NewImage":{"kind":{"S":"key"},"sealed":{"B":"AAEC"},"set":{"NS":["1"]}}}}`,
		`{"eventName":"INSERT","dynamodb":{"SequenceNumber":"4","NewImage":{"kind":{"N":"99999999999999999999999999999999999999"}}}}`)
	if failedSequence(got) != "" || bus.calls != 0 {
		t.Errorf("%v, %d calls", got, bus.calls)
	}
}

func TestFirstFailureIsTheCheckpoint(t *testing.T) {
	poison := `{"eventName":"INSERT","dynamodb":{"SequenceNumber":"3","NewImage":{"kind":{"S":"audit"},"happened_at":{"S":"soon"}}}}`
	missing := `{"eventName":"INSERT","dynamodb":{"SequenceNumber":"3"}}`
	cases := map[string]struct {
		bus     *fakeBus
		records []string
		failed  string
		put     int
	}{
		"a poison record lets those before it pass": {&fakeBus{}, []string{inserted(1, "key.edit"), inserted(2, "key.edit"), poison, inserted(4, "key.edit")}, "3", 2},
		"a record without an image":                 {&fakeBus{}, []string{inserted(1, "key.edit"), missing}, "3", 1},
		"the bus refuses one":                       {&fakeBus{refuse: "req-2"}, []string{inserted(1, "key.edit"), inserted(2, "key.edit"), inserted(3, "key.edit")}, "2", 2},
		"the bus refuses several":                   {&fakeBus{refuse: "req-2"}, []string{inserted(1, "key.edit"), inserted(21, "key.edit"), inserted(3, "key.edit"), inserted(22, "key.edit")}, "21", 2},
		"the bus is down":                           {&fakeBus{down: true}, []string{inserted(1, "key.edit"), inserted(2, "key.edit")}, "1", 0},
		"poison, and the bus is down":               {&fakeBus{down: true}, []string{inserted(1, "key.edit"), poison}, "1", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := failedSequence(run(t, c.bus, c.records...)); got != c.failed || len(c.bus.events) != c.put {
				t.Errorf("failed at %q with %d events, want %q with %d", got, len(c.bus.events), c.failed, c.put)
			}
		})
	}
}

func TestBatchesAreSplitAtTen(t *testing.T) {
	bus := &fakeBus{}
	var records []string
	for n := range 25 {
		records = append(records, inserted(n, "key.edit"))
	}
	run(t, bus, records...)
	if bus.calls != 3 || len(bus.events) != 25 {
		t.Errorf("%d calls, %d events", bus.calls, len(bus.events))
	}
	for i, e := range bus.events {
		if !strings.Contains(*e.Detail, fmt.Sprintf(`"req-%d"`, i)) {
			t.Fatalf("event %d is out of order: %s", i, *e.Detail)
		}
	}
}

func TestUnreadableBatchIsAnErrorAndDoneIsAnEmptyList(t *testing.T) {
	f := &forwarder{bus: "main", client: &fakeBus{}, log: slog.New(slog.DiscardHandler)}
	if _, err := f.handle(t.Context(), json.RawMessage(`{"Records":7}`)); err == nil {
		t.Error("no error for a batch that can't be read")
	}
	got, err := f.handle(t.Context(), json.RawMessage(`{"Records":[]}`))
	raw, _ := json.Marshal(got)
	if err != nil || string(raw) != `{"batchItemFailures":[]}` {
		t.Errorf("%s, %v", raw, err)
	}
}

func TestReferencePageListsEveryDetailType(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/events.md")
	if err != nil {
		t.Fatal(err)
	}
	for action, name := range detailTypes {
		if row := fmt.Sprintf("| %s | `%s` |\n", name, action); !strings.Contains(string(page), row) {
			t.Errorf("docs/reference/events.md lacks %q", row)
		}
	}
}

func FuzzBatch(f *testing.F) {
	f.Add([]byte(`{"Records":[` + inserted(1, "key.create") + `]}`))
	f.Add([]byte(`{"Records":[{"dynamodb":{"NewImage":{"a":{"M":{"b":{"L":[{"S":"x"}]}}}}}}]}`))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		fw := &forwarder{bus: "main", client: &fakeBus{}, log: slog.New(slog.DiscardHandler)}
		_, _ = fw.handle(context.Background(), raw) // must not panic
	})
}
