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
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"latchkey/shared/account"
	"latchkey/shared/audit"
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
	short  bool  // it says nothing of the last event of a call
	sizes  []int // of each call, in bytes as EventBridge counts them
}

func (b *fakeBus) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	b.calls++
	if b.down {
		return nil, errors.New("no route to host")
	}
	out, size := &eventbridge.PutEventsOutput{}, 0
	for _, e := range in.Entries {
		size += len(*e.Source) + len(*e.DetailType) + len(*e.Detail) + 14 // its time
		for _, about := range e.Resources {
			size += len(about)
		}
		if b.refuse != "" && strings.Contains(*e.Detail, b.refuse) {
			out.Entries = append(out.Entries, types.PutEventsResultEntry{ErrorCode: aws.String("ThrottlingException")})
			continue
		}
		b.events = append(b.events, e)
		out.Entries = append(out.Entries, types.PutEventsResultEntry{EventId: aws.String("x")})
	}
	if b.sizes = append(b.sizes, size); b.short {
		out.Entries = out.Entries[1:]
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
	without := func(attribute string) string {
		return strings.Replace(inserted(3, "key.edit"), `"`+attribute+`":{"S":`, `"other":{"S":`, 1)
	}
	var many []string // three calls
	for n := range 25 {
		many = append(many, inserted(n, "key.edit"))
	}
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
		"a row without its ID":                      {&fakeBus{}, []string{inserted(1, "key.edit"), without("id")}, "3", 1},
		"a row without its action":                  {&fakeBus{}, []string{inserted(1, "key.edit"), without("action")}, "3", 1},
		"a row without its account":                 {&fakeBus{}, []string{inserted(1, "key.edit"), without("account")}, "3", 1},
		"the first of several calls":                {&fakeBus{refuse: `req-4"`}, many, "4", 9},
		"the second of several calls":               {&fakeBus{refuse: `req-14"`}, many, "14", 19},
		"the last of several calls":                 {&fakeBus{refuse: `req-24"`}, many, "24", 24},
		"one that the bus says nothing of":          {&fakeBus{short: true}, []string{inserted(1, "key.edit"), inserted(2, "key.edit")}, "1", 2},
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

// TestBatchesAreSplitAtTheirBytes: EventBridge takes 256 KB in a call, so a row that is larger than the bound goes alone.
func TestBatchesAreSplitAtTheirBytes(t *testing.T) {
	sized := func(n, kilobytes int) string {
		return strings.Replace(inserted(n, "key.edit"), "Shop", strings.Repeat("x", kilobytes<<10), 1)
	}
	for name, tt := range map[string]struct {
		records []string
		calls   int
	}{
		"ten of 30 KB":                  {[]string{sized(0, 30), sized(1, 30), sized(2, 30), sized(3, 30), sized(4, 30), sized(5, 30), sized(6, 30), sized(7, 30), sized(8, 30), sized(9, 30)}, 2},
		"one of 245 KB and small ones":  {[]string{sized(0, 1), sized(1, 245), sized(2, 1), sized(3, 1)}, 3},
		"the first one alone is larger": {[]string{sized(0, 245), sized(1, 1)}, 2},
	} {
		bus := &fakeBus{}
		if got := run(t, bus, tt.records...); failedSequence(got) != "" || len(bus.events) != len(tt.records) || bus.calls != tt.calls {
			t.Errorf("%s: %v, %d events in %d calls, want %d in %d", name, got, len(bus.events), bus.calls, len(tt.records), tt.calls)
		}
		for i, e := range bus.events {
			if !strings.Contains(*e.Detail, fmt.Sprintf(`"req-%d"`, i)) {
				t.Errorf("%s: event %d is out of order", name, i)
			}
		}
		for _, size := range bus.sizes {
			if size > 256<<10 {
				t.Errorf("%s: a call of %d bytes", name, size)
			}
		}
	}
}

// TestAnEventSaysEachFactUnderItsOwnName: no two facts of the rows are alike, so that none can stand in another's place.
func TestAnEventSaysEachFactUnderItsOwnName(t *testing.T) {
	row := audit.Row{
		ID: "aud_1", Account: "acc_1", KeyID: "key_1", Action: "key.edit", At: time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC), RequestID: "request", Source: "203.0.113.1",
		Actor: audit.Actor{Subject: account.Subject{Issuer: "https://issuer.example", ID: "somebody"}, Email: "a@a.example", Role: "owner"},
		Changes: []audit.Change{
			{Field: "name", Before: `"Old"`, After: `"New"`}, {Field: "limit", After: "3"}, {Field: "domains", Before: `["a.example"]`}, {Field: "note", Before: "no JSON", After: "null"}, {Field: "email", After: `"b@a.example"`},
		},
	}
	ofAccount := row
	ofAccount.KeyID, ofAccount.Action, ofAccount.Changes = "", "account.suspend", nil
	f := &forwarder{bus: "main"}
	const who = `"account_id":"acc_1",%s"actor":{"subject":"somebody","role":"owner"},"request_id":"request",`
	for want, e := range map[string]types.PutEventsRequestEntry{
		`main latchkey Key Changed [acc_1 key_1] {"version":"1","id":"evt_1","time":"2026-03-04T05:06:07.008Z","action":"key.edit",` + fmt.Sprintf(who, `"key_id":"key_1",`) + `"changes":[{"field":"name","before":"Old","after":"New"},` +
			`{"field":"limit","after":3},{"field":"domains","before":["a.example"]},{"field":"note","before":"no JSON","after":null}]}`: f.entry(row),
		`main latchkey Account Suspended [acc_1] {"version":"1","id":"evt_1","time":"2026-03-04T05:06:07.008Z","action":"account.suspend",` + fmt.Sprintf(who, "") + `"changes":[]}`: f.entry(ofAccount),
	} {
		if got := fmt.Sprint(*e.EventBusName, " ", *e.Source, " ", *e.DetailType, " ", e.Resources, " ", *e.Detail); got != want || !e.Time.Equal(row.At) {
			t.Errorf("%s\nwant %s", got, want)
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

// TestTheClientIsOfTheFunctionsOwnCredentials, with their session's token; without any it calls nothing.
func TestTheClientIsOfTheFunctionsOwnCredentials(t *testing.T) {
	set := map[string]string{"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "token", "EVENTS_ENDPOINT": "http://127.0.0.1:1"}
	options := newClient(func(name string) string { return set[name] }).Options()
	c, err := options.Credentials.Retrieve(t.Context())
	if err != nil || c.AccessKeyID != "id" || c.SecretAccessKey != "s" || c.SessionToken != "token" || options.Region != "eu-west-1" || *options.BaseEndpoint != "http://127.0.0.1:1" {
		t.Errorf("%+v, %v, %s", c, err, options.Region)
	}
	if _, err := newClient(func(string) string { return "" }).Options().Credentials.Retrieve(t.Context()); err == nil {
		t.Error("credentials from nowhere")
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
