package streams

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

func TestFailedBatchIsRetriedWithGrowingPausesAndBlocksWhatFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newHarness(t, newFake(), func(m *Mapping) { m.BatchSize = 2 })
		b.putAll("abc")
		healAt := time.Now().Add(time.Minute)
		b.fn.behave = func(c call) (string, error) {
			if time.Now().Before(healAt) {
				return "", errors.New("store is down")
			}
			return "", nil
		}
		b.start()
		time.Sleep(2 * time.Minute)
		b.drain()
		got := b.fn.batches()
		if last := got[len(got)-2:]; !slices.Equal(last, []string{"ab", "c"}) || slices.Index(got, "c") != len(got)-1 {
			t.Errorf("batches %q", got)
		}
		if n := len(got); n < 8 || n > 14 {
			t.Errorf("%d invocations in a minute of failures", n)
		}
		var before time.Duration
		for i := 1; i < len(got)-2; i++ {
			d := b.fn.calls[i].at.Sub(b.fn.calls[i-1].at)
			if d < before {
				t.Errorf("pause %d is shorter: %v after %v", i, d, before)
			}
			before = d
		}
	})
}

func TestExhaustedRetriesDiscardTheWholeBatchAndGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newHarness(t, newFake(), nil)
		b.m.BatchSize, b.m.MaximumRetryAttempts, b.m.OnFailureDir, b.m.OnFailureS3 = 2, 2, filepath.Join(b.dir, "failures"), true
		b.fn.behave = poison("b")
		b.putAll("abcd")
		b.run()
		b.fn.want(t, "ab", "ab", "ab", "cd")
		rec := onlyFailure(t, b.m.OnFailureDir)
		if rec.RequestContext.Condition != "RetryAttemptsExhausted" || rec.RequestContext.Invoked != 3 || rec.Batch.Size != 2 ||
			rec.Batch.Start != "1" || rec.Batch.End != "2" || rec.Batch.ShardID != "shard-1" || !strings.Contains(rec.Batch.Stream, ":eu-west-1:") {
			t.Errorf("%+v", rec)
		}
		var event events.DynamoDBEvent // S3 is given the event as it was
		if err := json.Unmarshal([]byte(rec.Payload), &event); err != nil || len(event.Records) != 2 || event.Records[1].Change.Keys["sk"].String() != "b" {
			t.Errorf("payload %s %v", rec.Payload, err)
		}
	})
}

func TestQueueDestinationIsGivenMetadataAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newHarness(t, newFake(), nil)
		b.m.MaximumRetryAttempts, b.m.OnFailureDir = 0, filepath.Join(b.dir, "failures")
		b.fn.behave = poison("a")
		b.putAll("a")
		b.run()
		if rec := onlyFailure(t, b.m.OnFailureDir); rec.Payload != "" || rec.Batch.Size != 1 {
			t.Errorf("%+v", rec)
		}
	})
}

func failures(t *testing.T, dir string) (all []invocationRecord) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var rec invocationRecord
		if err := json.Unmarshal(raw, &rec); err != nil {
			return err
		}
		all = append(all, rec)
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return all
}

func onlyFailure(t *testing.T, dir string) invocationRecord {
	t.Helper()
	all := failures(t, dir)
	if len(all) != 1 {
		t.Fatalf("%d files in the destination, want 1", len(all))
	}
	return all[0]
}

func TestBisectIsolatesThePoisonWithoutCountingAsRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newHarness(t, newFake(), nil)
		b.m.BatchSize, b.m.Bisect, b.m.MaximumRetryAttempts, b.m.OnFailureDir, b.m.OnFailureS3 = 8, true, 1, filepath.Join(b.dir, "failures"), true
		b.fn.behave = poison("f")
		b.putAll("abcdefgh")
		b.run()
		b.fn.want(t, "abcdefgh", "abcd", "efgh", "ef", "e", "f", "f", "gh")
		if rec := onlyFailure(t, b.m.OnFailureDir); rec.Batch.Size != 1 || rec.Batch.Start != "6" {
			t.Errorf("discarded: %+v", rec.Batch)
		}
	})
}

func TestPartialFailureGoesOnAtTheLowestReportedRecord(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Mapping)
		behave func(*int) func(call) (string, error)
		want   []string
	}{
		"two reported, lowest counts": {
			change: func(m *Mapping) {},
			behave: func(n *int) func(call) (string, error) {
				return func(c call) (string, error) {
					if *n++; *n == 1 {
						return report("ce")(c)
					}
					return report("")(c)
				}
			},
			want: []string{"abcdef", "cdef"},
		},
		"without bisect the rest is given up together": {
			change: func(m *Mapping) { m.MaximumRetryAttempts = 1 },
			behave: func(*int) func(call) (string, error) { return report("c") },
			want:   []string{"abcdef", "cdef", "cdef"}, // progress gives all retries again
		},
		"with bisect the poison alone is given up": {
			change: func(m *Mapping) { m.MaximumRetryAttempts, m.Bisect = 1, true },
			behave: func(*int) func(call) (string, error) { return report("c") },
			want:   []string{"abcdef", "cdef", "cd", "c", "c", "d", "ef"},
		},
		"not asked for, not looked at": {
			change: func(m *Mapping) { m.ReportFailures = false },
			behave: func(*int) func(call) (string, error) { return report("c") },
			want:   []string{"abcdef"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newHarness(t, newFake(), func(m *Mapping) { m.ReportFailures = true; tc.change(m) })
				n := 0
				b.fn.behave = tc.behave(&n)
				b.putAll("abcdef")
				b.run()
				b.fn.want(t, tc.want...)
			})
		})
	}
}

func TestReportedReadsTheAnswerAsLambdaDoes(t *testing.T) {
	items := []*item{{seq: "10"}, {seq: "11"}, {seq: "12"}}
	for answer, want := range map[string]int{
		``: 3, `null`: 3, `[]`: 3, `[1]`: 0, `{}`: 3, `{"batchItemFailures":[]}`: 3, `{"batchItemFailures":null}`: 3, `{"other":1}`: 3,
		`{"batchItemFailures":[{"itemIdentifier":"12"},{"itemIdentifier":"11"}]}`: 1,
		`{"batchItemFailures":[{"itemIdentifier":"10"}]}`:                         0,
		`{"batchItemFailures":[{"itemIdentifier":"11"},{"itemIdentifier":"12"}]}`: 1,
		`{"batchItemFailures":[{"itemIdentifier":""}]}`:                           0,
		`{"batchItemFailures":[{"itemIdentifier":null}]}`:                         0,
		`{"batchItemFailures":[{"bad":"12"}]}`:                                    0,
		`{"batchItemFailures":[{"itemIdentifier":"99"}]}`:                         0,
		`{"batchItemFailures":[{"itemIdentifier":"12"},{"itemIdentifier":"99"}]}`: 0,
		`{"batchItemFailures":[{"itemIdentifier":12}]}`:                           0,
		`{"batchItemFailures":"12"}`:                                              0,
		`"ok"`:                                                                    0,
		`nonsense`:                                                                0,
	} {
		if got := reported([]byte(answer), items); got != want {
			t.Errorf("%s: %d, want %d", answer, got, want)
		}
	}
}

func TestRecordsPastTheirAgeAreDiscardedBeforeAndBetweenInvocations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newHarness(t, newFake(), nil)
		b.m.MaximumRecordAge, b.m.OnFailureDir, b.m.OnFailureS3 = time.Minute, filepath.Join(b.dir, "failures"), true
		b.putAll("a")
		time.Sleep(2 * time.Minute)
		b.putAll("b")
		b.fn.behave = poison("b")
		b.start()
		time.Sleep(2 * time.Minute)
		b.putAll("c")
		time.Sleep(time.Minute)
		b.drain()
		for _, batch := range b.fn.batches() {
			if strings.Contains(batch, "a") {
				t.Errorf("the old record was delivered: %q", batch)
			}
		}
		if got := b.fn.batches(); got[len(got)-1] != "c" {
			t.Errorf("batches %q", got)
		}
		all := failures(t, b.m.OnFailureDir)
		if len(all) != 2 || all[0].RequestContext.Condition != "RecordAgeExceeded" || all[1].RequestContext.Condition != "RecordAgeExceeded" {
			t.Errorf("%+v", all)
		}
	})
}

func TestPoisonWithoutLimitsBlocksItsShardForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newHarness(t, newFake(), func(m *Mapping) { m.BatchSize = 1 })
		b.fn.behave = poison("a")
		b.putAll("ab")
		b.start()
		time.Sleep(23 * time.Hour)
		if slices.Contains(b.fn.batches(), "b") {
			t.Error("b was delivered behind the poison")
		}
		b.putAll("c")
		time.Sleep(2 * time.Hour)
		if got := b.fn.batches(); got[len(got)-1] != "c" {
			t.Errorf("the last batch is %q", got[len(got)-1])
		}
		b.drain()
	})
}

func TestDrainGivesUpWithItsContextAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newHarness(t, newFake(), nil)
		b.fn.behave = poison("a")
		b.putAll("ab")
		b.start()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := b.poller.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		b.stop()
		if n := len(b.fn.calls); n > 20 {
			t.Errorf("%d invocations in a 3 s drain", n)
		}
		b.fn.calls, b.fn.behave = nil, nil
		b.run()
		b.fn.want(t, "ab")
	})
}

// TestPausesAreShortAgainAfterABatchThatSucceeds: an outage of long ago slows nothing down.
func TestPausesAreShortAgainAfterABatchThatSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newHarness(t, newFake(), func(m *Mapping) { m.BatchSize = 1 })
		b.putAll("abc")
		tries := map[string]int{}
		b.fn.behave = func(c call) (string, error) {
			value := b.fn.batches()[len(b.fn.batches())-1]
			if tries[value]++; tries[value] <= 4 {
				return "", errors.New("store is down")
			}
			return "", nil
		}
		b.start()
		time.Sleep(10 * time.Minute)
		b.drain()
		pauses := map[string][]time.Duration{}
		for i := 1; i < len(b.fn.calls); i++ {
			if value := b.fn.batches()[i]; value == b.fn.batches()[i-1] {
				pauses[value] = append(pauses[value], b.fn.calls[i].at.Sub(b.fn.calls[i-1].at))
			}
		}
		if len(pauses["a"]) != 4 || !slices.Equal(pauses["a"], pauses["b"]) || !slices.Equal(pauses["a"], pauses["c"]) {
			t.Errorf("pauses %v", pauses)
		}
	})
}
