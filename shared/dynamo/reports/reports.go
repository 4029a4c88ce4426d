// Package reports writes the counts of execution environments to the slices table, and reads them back from the table's stream. The
// authorizer links it, so its codec is manually written.
package reports

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// Client is the one call that a Writer makes.
type Client interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Writer puts reports into the slices table.
type Writer struct {
	db    Client
	table string
}

// New makes a writer to the named table.
func New(db Client, table string) *Writer { return &Writer{db: db, table: table} }

// Keep is the time that a report stays readable in the table after it was written, at least. The stream keeps it for a day.
const Keep = 4 * 24 * time.Hour

// Write puts one part of a report. Its key is the environment, sequence and part, and its values are absolute: a
// repetition changes nothing.
func (w *Writer) Write(ctx context.Context, r usage.Report) error {
	_, err := w.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &w.table, Item: Encode(r)})
	if err != nil {
		return fmt.Errorf("reports: write: %w", err)
	}
	return nil
}

// version of the record's layout.
const version = 1

// billedCounts is the attribute of an entry for counts by billing type. The counter of the release before sets a report aside for a
// count that it doesn't know, and passes over an attribute that it doesn't know.
const billedCounts = "b"

// Encode makes the item of one part of a report.
func Encode(r usage.Report) dynamo.Item {
	entries := make([]types.AttributeValue, len(r.Entries))
	for i, e := range r.Entries {
		counts, billed := make(dynamo.Item, len(e.Counts)), dynamo.Item{}
		for d, n := range e.Counts {
			if _, ok := usage.ParseBilled(string(d), n); ok {
				billed[string(d)] = dynamo.N(n)
			} else {
				counts[string(d)] = dynamo.N(n)
			}
		}
		entry := dynamo.Item{
			"a": dynamo.S(string(e.Subject.Account)), "k": dynamo.S(string(e.Subject.Key)),
			"p": dynamo.S(string(e.Subject.Product)), "h": dynamo.N(int64(e.Hour)),
			"c": &types.AttributeValueMemberM{Value: counts},
		}
		if len(billed) > 0 {
			entry[billedCounts] = &types.AttributeValueMemberM{Value: billed}
		}
		entries[i] = &types.AttributeValueMemberM{Value: entry}
	}
	return dynamo.Item{
		"pk": dynamo.S(r.Environment), "sk": dynamo.S(fmt.Sprintf("%012d#%04d", r.Sequence, r.Part)),
		"v": dynamo.N(version), "seq": dynamo.N(r.Sequence), "part": dynamo.N(int64(r.Part)),
		"at": dynamo.N(r.At.UnixMilli()), "e": &types.AttributeValueMemberL{Value: entries},
		"ttl": dynamo.N(r.At.Add(Keep).Unix()),
	}
}

// Decode reads an item. The error wraps usage.ErrReport where it is none that Encode made.
func Decode(item dynamo.Item) (usage.Report, error) {
	var r usage.Report
	v, _ := dynamo.GetN(item, "v")
	environment, okEnvironment := dynamo.GetS(item, "pk")
	sequence, okSequence := dynamo.GetN(item, "seq")
	part, okPart := dynamo.GetN(item, "part")
	at, okAt := dynamo.GetN(item, "at")
	list, okList := item["e"].(*types.AttributeValueMemberL)
	if v != version || !okEnvironment || !okSequence || !okPart || !okAt || !okList {
		return r, fmt.Errorf("%w: a field is missing or of another type", usage.ErrReport)
	}
	r = usage.Report{Environment: environment, Sequence: sequence, Part: int(part), At: time.UnixMilli(at).UTC()}
	for _, value := range list.Value {
		e, err := decodeEntry(value)
		if err != nil {
			return usage.Report{}, err
		}
		r.Entries = append(r.Entries, e)
	}
	return r, nil
}

func decodeEntry(value types.AttributeValue) (usage.Entry, error) {
	m, ok := value.(*types.AttributeValueMemberM)
	if !ok {
		return usage.Entry{}, fmt.Errorf("%w: an entry is no map", usage.ErrReport)
	}
	acct, okAccount := dynamo.GetS(m.Value, "a")
	key, okKey := dynamo.GetS(m.Value, "k")
	prod, okProduct := dynamo.GetS(m.Value, "p")
	hour, okHour := dynamo.GetN(m.Value, "h")
	counts, okCounts := m.Value["c"].(*types.AttributeValueMemberM)
	if !okAccount || !okKey || !okProduct || !okHour || !okCounts {
		return usage.Entry{}, fmt.Errorf("%w: an entry's field is missing or of another type", usage.ErrReport)
	}
	e := usage.Entry{
		Subject: usage.Subject{Account: account.ID(acct), Key: apikey.ID(key), Product: product.ID(prod)},
		Hour:    usage.Hour(hour), Counts: make(usage.Counts, len(counts.Value)),
	}
	for name := range counts.Value {
		n, isNumber := dynamo.GetN(counts.Value, name)
		if !isNumber {
			return usage.Entry{}, fmt.Errorf("%w: a count is no whole number", usage.ErrReport)
		}
		e.Counts[usage.Dimension(name)] = n
	}
	decodeBilled(m.Value[billedCounts], e.Counts)
	return e, nil
}

// decodeBilled reads counts by billing type. One that can't be read is left out, as if the call's key had none: that is no reason to set
// the whole report aside.
func decodeBilled(value types.AttributeValue, into usage.Counts) {
	m, ok := value.(*types.AttributeValueMemberM)
	if !ok {
		return
	}
	for name := range m.Value {
		n, isNumber := dynamo.GetN(m.Value, name)
		if d, ok := usage.ParseBilled(name, n); ok && isNumber {
			into[d] = n
		}
	}
}
