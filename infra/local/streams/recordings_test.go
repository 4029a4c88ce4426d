package streams

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"latchkey/infra/local/recordings"
)

// mapped is the input of a recording of an event source mapping: records, and what its function answers to each batch.
type mapped struct {
	Batch, Retries int
	Records        string          // a letter each
	Answer         json.RawMessage // the function's answer
	Error          bool            // the function fails
	Report         string          // the function reports these records
	Reportless     bool            // the mapping doesn't ask for reports
	Bucket         bool            // the destination on failure is S3
	Pattern        string          // of a filter, and nothing else
}

type delivered struct {
	Batches []string
	Refused bool
	Failure *struct {
		Condition          string
		Invoked, BatchSize int
		FunctionError      *string
		Payload            bool
	}
}

var uuidShape = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func TestMappingsDeliverAsRecorded(t *testing.T) {
	list, err := recordings.Of("event_source_mapping")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		t.Run(r.Name, func(t *testing.T) {
			var in mapped
			var want delivered
			if err := r.Read(&in, &want); err != nil {
				t.Fatal(err)
			}
			if in.Pattern != "" {
				if _, err := ParseFilter(in.Pattern); (err != nil) != want.Refused {
					t.Errorf("refused: %v", err)
				}
				return
			}
			synctest.Test(t, func(t *testing.T) { in.walk(t, &want) })
			if t.Failed() {
				t.Logf("%s: %s", r.Grade, r.Source)
			}
		})
	}
}

func (in *mapped) walk(t *testing.T, want *delivered) {
	b := newHarness(t, newFake(), nil)
	b.m.BatchSize, b.m.MaximumRetryAttempts, b.m.ReportFailures = in.Batch, in.Retries, !in.Reportless
	b.m.OnFailureDir, b.m.OnFailureS3 = filepath.Join(b.dir, "failures"), in.Bucket
	b.fn.behave = func(c call) (string, error) {
		if in.Error {
			return "", errors.New("unhandled")
		}
		if in.Report != "" {
			return report(in.Report)(c)
		}
		return string(in.Answer), nil
	}
	b.putAll(in.Records)
	b.run()
	b.fn.want(t, want.Batches...)
	if want.Failure == nil {
		return
	}
	rec, w := onlyFailure(t, b.m.OnFailureDir), want.Failure
	if rec.RequestContext.Condition != w.Condition || rec.RequestContext.Invoked != w.Invoked || rec.Batch.Size != w.BatchSize || (rec.Payload != "") != w.Payload {
		t.Errorf("%+v", rec)
	}
	if got := rec.ResponseContext.Error; (got == nil) != (w.FunctionError == nil) || got != nil && *got != *w.FunctionError {
		t.Errorf("functionError %v, want %v", got, w.FunctionError)
	}
	if !uuidShape.MatchString(rec.RequestContext.RequestID) || !strings.HasPrefix(rec.RequestContext.FunctionARN, "arn:aws:lambda:") || rec.Version != "1.0" ||
		rec.ResponseContext.Status != 200 || rec.ResponseContext.Version != "$LATEST" {
		t.Errorf("%+v", rec)
	}
}
