package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"latchkey/shared/audit"
	"latchkey/shared/dynamo/stream"
)

// putter lists the methods of EventBridge that this function calls; *eventbridge.Client has them.
type putter interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

type forwarder struct {
	bus    string
	client putter
	log    *slog.Logger
}

// The bounds of one PutEvents call.
const (
	maxEntries = 10
	maxBytes   = 240 << 10 // of 256 KB, with room for what an entry has besides its detail
)

// pending is an event with the record that it came from.
type pending struct {
	sequence string
	entry    types.PutEventsRequestEntry
}

var errBatch = errors.New("events: the batch can't be read")

// handle puts a batch on the bus, in order. Delivery is at least once: a consumer tells repetitions by detail.id.
func (f *forwarder) handle(ctx context.Context, raw json.RawMessage) (stream.Failures, error) {
	records, err := stream.Decode(raw)
	if err != nil {
		return stream.Failures{}, errBatch
	}
	var batch []pending
	size := 0
	for _, record := range records {
		row, is, err := auditRow(record)
		if err != nil {
			f.log.ErrorContext(ctx, "record failed", "sequence", record.Sequence, "error", err.Error())
			if failed := f.put(ctx, batch); failed != "" {
				return failedAt(failed), nil
			}
			return failedAt(record.Sequence), nil // after its tries Lambda moves it to the failed records
		}
		if !is {
			continue
		}
		next := pending{sequence: record.Sequence, entry: f.entry(row)}
		bytes := entrySize(next.entry)
		if len(batch) == maxEntries || (len(batch) > 0 && size+bytes > maxBytes) {
			if failed := f.put(ctx, batch); failed != "" {
				return failedAt(failed), nil
			}
			batch, size = nil, 0
		}
		batch, size = append(batch, next), size+bytes
	}
	if failed := f.put(ctx, batch); failed != "" {
		return failedAt(failed), nil
	}
	return stream.Failures{Items: []stream.Failure{}}, nil
}

// failedAt names the first record that isn't done: Lambda delivers it and all after it again.
func failedAt(sequence string) stream.Failures {
	return stream.Failures{Items: []stream.Failure{{Sequence: sequence}}}
}

// put sends events and returns the sequence number of the first that the bus didn't take, "" if it took all.
func (f *forwarder) put(ctx context.Context, batch []pending) string {
	if len(batch) == 0 {
		return ""
	}
	input := &eventbridge.PutEventsInput{}
	for _, p := range batch {
		input.Entries = append(input.Entries, p.entry)
	}
	out, err := f.client.PutEvents(ctx, input)
	if err != nil {
		f.log.ErrorContext(ctx, "the bus can't be reached", "error", err.Error())
		return batch[0].sequence
	}
	for i, result := range out.Entries {
		if result.ErrorCode != nil && i < len(batch) {
			f.log.ErrorContext(ctx, "event refused", "sequence", batch[i].sequence, "code", aws.ToString(result.ErrorCode))
			return batch[i].sequence
		}
	}
	if len(out.Entries) != len(batch) {
		return batch[0].sequence
	}
	f.log.InfoContext(ctx, "events put", "count", len(batch))
	return ""
}

func (f *forwarder) entry(row audit.Row) types.PutEventsRequestEntry {
	detail, err := json.Marshal(detailOf(row))
	if err != nil {
		detail = []byte("{}") // strings and valid JSON always marshal
	}
	at := row.At
	return types.PutEventsRequestEntry{
		EventBusName: &f.bus, Source: aws.String(source), DetailType: aws.String(detailType(row.Action)),
		Detail: aws.String(string(detail)), Time: &at,
		Resources: resources(row),
	}
}

func resources(row audit.Row) []string {
	if row.KeyID == "" {
		return []string{string(row.Account)}
	}
	return []string{string(row.Account), row.KeyID}
}

func entrySize(e types.PutEventsRequestEntry) int {
	return len(aws.ToString(e.Detail)) + len(aws.ToString(e.DetailType)) + len(aws.ToString(e.Source)) + 256
}

// newClient makes a client from explicit options alone.
func newClient(getenv func(string) string) *eventbridge.Client {
	o := eventbridge.Options{
		Region: getenv("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			c := aws.Credentials{
				AccessKeyID: getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
				SessionToken: getenv("AWS_SESSION_TOKEN"), Source: "environment",
			}
			if c.AccessKeyID == "" {
				return c, fmt.Errorf("events: no credentials in the environment")
			}
			return c, nil
		}),
		RetryMaxAttempts: 3,
	}
	if endpoint := getenv("EVENTS_ENDPOINT"); endpoint != "" {
		o.BaseEndpoint = &endpoint
	}
	return eventbridge.New(o)
}
