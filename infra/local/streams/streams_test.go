package streams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

func TestRecordsArriveInOrderInBatchesOfAtMostBatchSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFake(), func(m *Mapping) { m.BatchSize = 3 })
		b.putAll("abcdefg")
		b.start()
		time.Sleep(time.Second)
		b.fn.want(t, "abc", "def", "g")
		b.putAll("h")
		time.Sleep(time.Second)
		b.drain()
		b.fn.want(t, "abc", "def", "g", "h")
	})
}

func TestWindowGathersUntilFullOrOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFake(), func(m *Mapping) { m.BatchSize, m.BatchingWindow = 3, 10*time.Second })
		b.start()
		begin := time.Now()
		b.putAll("a")
		time.Sleep(2 * time.Second)
		b.putAll("b")
		time.Sleep(9 * time.Second)
		b.fn.want(t, "ab") // the window began with a
		if d := b.fn.calls[0].at.Sub(begin); d < 10*time.Second || d > 10500*time.Millisecond {
			t.Errorf("the window took %v", d)
		}
		b.putAll("cdef")
		time.Sleep(time.Second)
		b.fn.want(t, "ab", "cde") // full before the window was over
		b.drain()                 // draining waits for no window
		b.fn.want(t, "ab", "cde", "f")
		if d := time.Since(begin); d > 13*time.Second {
			t.Errorf("the drain waited: %v", d)
		}
	})
}

func TestFailedBatchIsRetriedWithGrowingPausesAndBlocksWhatFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFake(), func(m *Mapping) { m.BatchSize = 2 })
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

func TestExhaustedRetriesSetTheWholeBatchAsideAndGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFake(), nil)
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
		b := newBench(t, newFake(), nil)
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
		b := newBench(t, newFake(), nil)
		b.m.BatchSize, b.m.Bisect, b.m.MaximumRetryAttempts, b.m.OnFailureDir, b.m.OnFailureS3 = 8, true, 1, filepath.Join(b.dir, "failures"), true
		b.fn.behave = poison("f")
		b.putAll("abcdefgh")
		b.run()
		b.fn.want(t, "abcdefgh", "abcd", "efgh", "ef", "e", "f", "f", "gh")
		if rec := onlyFailure(t, b.m.OnFailureDir); rec.Batch.Size != 1 || rec.Batch.Start != "6" {
			t.Errorf("set aside: %+v", rec.Batch)
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
			want:   []string{"abcdef", "cdef"},
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
				b := newBench(t, newFake(), func(m *Mapping) { m.ReportFailures = true; tc.change(m) })
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
		``: 3, `null`: 3, `{}`: 3, `{"batchItemFailures":[]}`: 3, `{"batchItemFailures":null}`: 3, `{"other":1}`: 3,
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
		b := newBench(t, newFake(), nil)
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
		b := newBench(t, newFake(), func(m *Mapping) { m.BatchSize = 1 })
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

func TestRestartContinuesAtTheCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFake(), func(m *Mapping) { m.BatchSize = 2 })
		b.putAll("abcd")
		b.fn.behave = poison("c")
		b.start()
		time.Sleep(5 * time.Second)
		b.stop() // as if killed: c and d are not done
		b.fn.calls, b.fn.behave = nil, nil
		b.putAll("e")
		b.run()
		b.fn.want(t, "cd", "e")
		b.fn.calls = nil
		b.run()
		b.fn.want(t)
	})
}

func TestRestartAfterALostCheckpointDeliversAgainAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFake(), nil)
		b.putAll("ab")
		b.run()
		if err := os.Remove(filepath.Join(b.dir, "streams.json")); err != nil {
			t.Fatal(err)
		}
		b.putAll("c")
		b.run()
		b.fn.want(t, "ab", "abc")
	})
}

func TestAnotherStreamUnderTheSameNameStartsAfresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFake(), nil)
		b.putAll("ab")
		b.run()
		b.m.StreamARN += "2"
		b.run()
		b.fn.want(t, "ab", "ab")
	})
}

func TestLatestSkipsWhatWasThereAndNothingAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFake(), func(m *Mapping) { m.StartLatest = true })
		b.putAll("ab")
		time.Sleep(2 * time.Second)
		b.start()
		time.Sleep(time.Second)
		b.stop()
		b.putAll("c") // written while the runner was down
		b.run()
		b.fn.want(t, "c")
	})
}

func TestChildShardWaitsForItsParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(Shard{ID: "child", Parent: "parent"}, Shard{ID: "parent", Parent: "long-gone"})
		b := newBench(t, f, nil)
		f.put("child", "p", "b")
		f.put("parent", "p", "a")
		b.start()
		time.Sleep(time.Minute)
		b.fn.want(t, "a")
		f.mu.Lock()
		f.closed["parent"] = true
		f.mu.Unlock()
		time.Sleep(time.Minute)
		b.fn.want(t, "a", "b")
		b.drain()
		f.put("child", "p", "c")
		b.run() // the closed parent is not read again
		b.fn.want(t, "a", "b", "c")
	})
}

func TestDrainFollowsClosedShardsToTheirChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(Shard{ID: "a"}, Shard{ID: "b", Parent: "a"}, Shard{ID: "c", Parent: "b"})
		b := newBench(t, f, nil)
		f.put("a", "p", "1")
		f.put("b", "p", "2")
		f.put("c", "p", "3")
		f.closed["a"], f.closed["b"] = true, true
		b.run()
		b.fn.want(t, "1", "2", "3")
	})
}

func TestBrokenSourceIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		b := newBench(t, f, nil)
		f.fail = 5
		b.putAll("a")
		b.start()
		time.Sleep(time.Minute)
		b.fn.want(t, "a")
		f.mu.Lock()
		f.expire = true
		f.mu.Unlock()
		b.putAll("b")
		time.Sleep(time.Second)
		b.fn.want(t, "a", "b")
		b.stop()
		for range 3 {
			b.putAll("x")
		}
		f.trimmed["shard-1"] = 4 // c was trimmed while nobody read
		b.run()
		b.fn.want(t, "a", "b", "x")
	})
}

func TestParallelLanesKeepTheOrderOfEachPartitionKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		b := newBench(t, f, func(m *Mapping) { m.ParallelizationFactor, m.BatchSize = 4, 3 })
		const keys, each = 15, 40
		for i := range each {
			for k := range keys {
				f.put("shard-1", fmt.Sprint("k", k), fmt.Sprintf("%d/%d;", k, i))
			}
		}
		running, most := 0, 0
		b.fn.behave = func(c call) (string, error) {
			b.fn.mu.Lock()
			running++
			most = max(most, running)
			b.fn.mu.Unlock()
			time.Sleep(time.Duration(c.seqs[0][len(c.seqs[0])-1]-47) * 10 * time.Millisecond)
			b.fn.mu.Lock()
			running--
			b.fn.mu.Unlock()
			return "", nil
		}
		b.run()
		if most != 4 {
			t.Errorf("%d batches at a time, want 4", most)
		}
		next := map[int]int{}
		for _, c := range b.fn.calls {
			for _, v := range c.values {
				var k, i int
				if _, err := fmt.Sscanf(v, "%d/%d;", &k, &i); err != nil {
					t.Fatal(err)
				}
				if i != next[k] {
					t.Fatalf("key %d: %d came, %d was next", k, i, next[k])
				}
				next[k]++
			}
		}
		for k := range keys {
			if next[k] != each {
				t.Errorf("key %d: %d of %d", k, next[k], each)
			}
		}
	})
}

func TestCheckpointNeverPassesARecordThatIsNotDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		b := newBench(t, f, func(m *Mapping) { m.ParallelizationFactor, m.BatchSize = 10, 1 })
		for i := range 50 {
			f.put("shard-1", fmt.Sprint("k", i%25), fmt.Sprint(i, ";"))
		}
		b.fn.behave = func(c call) (string, error) {
			if c.values[0] == "3;" {
				return "", errors.New("poison")
			}
			return "", nil
		}
		b.start()
		time.Sleep(time.Minute)
		b.stop()
		b.fn.calls, b.fn.behave = nil, nil
		b.run()
		got := b.fn.batches()
		if !slices.Contains(got, "3;") || slices.Contains(got, "2;") {
			t.Errorf("after the restart: %q", got)
		}
	})
}

func TestFilterAndNoOpWritesAreSkippedAndCheckpointed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		filter, err := ParseFilter(`{"eventName":["INSERT"],"dynamodb":{"NewImage":{"v":{"S":[{"prefix":"y"}]}}}}`)
		if err != nil {
			t.Fatal(err)
		}
		f := newFake()
		b := newBench(t, f, func(m *Mapping) { m.Filter = filter })
		b.putAll("nyn")
		f.put("shard-1", "p", "yes", func(r *types.Record) { r.Dynamodb.OldImage = r.Dynamodb.NewImage })
		b.putAll("yn")
		b.run()
		b.fn.want(t, "yy")
		raw, _ := os.ReadFile(filepath.Join(b.dir, "streams.json"))
		if !strings.Contains(string(raw), `"after":"6"`) {
			t.Errorf("checkpoint %s", raw)
		}
	})
}

func TestDrainGivesUpWithItsContextAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFake(), nil)
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

func TestBatchStaysBelowThePayloadLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		b := newBench(t, f, func(m *Mapping) { m.BatchSize = 100 })
		for i := range 20 {
			f.put("shard-1", "p", fmt.Sprint(i%10), func(r *types.Record) { r.Dynamodb.NewImage["big"] = s(strings.Repeat("x", 400<<10)) })
		}
		b.run()
		if got := b.fn.batches(); len(got) != 2 || strings.Join(got, "") != "01234567890123456789" {
			t.Errorf("%q", got)
		}
	})
}

func TestEventsLookLikeLambdas(t *testing.T) {
	ttl := types.Record{
		EventName: types.OperationTypeRemove, EventID: aws.String("42"), AwsRegion: aws.String("dynoxide"),
		UserIdentity: &types.Identity{Type: aws.String("Service"), PrincipalId: aws.String("dynamodb.amazonaws.com")},
		Dynamodb: &types.StreamRecord{
			ApproximateCreationDateTime: aws.Time(time.Unix(1480642020, 0)), SequenceNumber: aws.String("42"), SizeBytes: aws.Int64(54),
			Keys: map[string]types.AttributeValue{"pk": s("p")},
			OldImage: map[string]types.AttributeValue{
				"n": &types.AttributeValueMemberN{Value: "12345678901234567890123456789012345678"}, "b": &types.AttributeValueMemberB{Value: []byte{0, 1, 42}},
				"t": &types.AttributeValueMemberBOOL{Value: true}, "z": &types.AttributeValueMemberNULL{Value: true},
				"ss": &types.AttributeValueMemberSS{Value: []string{"a"}}, "ns": &types.AttributeValueMemberNS{Value: []string{"1"}},
				"bs": &types.AttributeValueMemberBS{Value: [][]byte{{1}}},
				"l":  &types.AttributeValueMemberL{Value: []types.AttributeValue{s("x"), &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"y": s("z")}}}},
			},
		},
	}
	m := &Mapping{StreamARN: arn}
	st := &Stream{PartitionKey: "pk", ViewType: types.StreamViewTypeNewAndOldImages}
	it, err := newItem(&ttl, m, st, "shard-1", "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := newItem(&ttl, m, st, "shard-1", "eu-west-1")
	var event events.DynamoDBEvent
	if err := json.Unmarshal(payload([]*item{it, again}), &event); err != nil {
		t.Fatal(err)
	}
	r := event.Records[0]
	if r.EventID != event.Records[1].EventID || len(r.EventID) != 32 {
		t.Errorf("event ID %q, then %q", r.EventID, event.Records[1].EventID)
	}
	if r.AWSRegion != "eu-west-1" || r.EventSource != "aws:dynamodb" || r.EventName != "REMOVE" || r.EventVersion != "1.1" ||
		r.EventSourceArn != strings.Replace(arn, "dynoxide", "eu-west-1", 1) || r.UserIdentity == nil || r.UserIdentity.PrincipalID != "dynamodb.amazonaws.com" || r.UserIdentity.Type != "Service" {
		t.Errorf("%+v", r)
	}
	c := r.Change
	if c.SequenceNumber != "42" || c.SizeBytes != 54 || c.StreamViewType != "NEW_AND_OLD_IMAGES" || c.ApproximateCreationDateTime.Unix() != 1480642020 || c.NewImage != nil {
		t.Errorf("%+v", c)
	}
	old := c.OldImage
	if old["n"].Number() != "12345678901234567890123456789012345678" || string(old["b"].Binary()) != "\x00\x01*" || !old["t"].Boolean() || !old["z"].IsNull() ||
		old["ss"].StringSet()[0] != "a" || old["ns"].NumberSet()[0] != "1" || old["bs"].BinarySet()[0][0] != 1 || old["l"].List()[1].Map()["y"].String() != "z" {
		t.Errorf("%+v", old)
	}
	empty, err := newItem(&types.Record{}, m, st, "shard-1", "eu-west-1")
	if err != nil || !json.Valid(empty.raw) {
		t.Errorf("a record without anything: %v", err)
	}
}

func TestTwoMappingsKeepTheirOwnCheckpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.put("shard-1", "p", "a")
		one, two := newBench(t, f, nil), newBench(t, f, func(m *Mapping) { m.Name = "other" })
		two.dir = one.dir
		one.run()
		two.run()
		one.run()
		one.fn.want(t, "a")
		two.fn.want(t, "a")
	})
}

func TestNewRefusesBadMappings(t *testing.T) {
	good := Mapping{Name: "m", Function: "F", StreamARN: arn, BatchSize: 1, ParallelizationFactor: 1}
	for name, change := range map[string]func(*Mapping){
		"no name": func(m *Mapping) { m.Name = "" }, "no batch size": func(m *Mapping) { m.BatchSize = 0 },
		"batch size": func(m *Mapping) { m.BatchSize = 10_001 }, "parallel": func(m *Mapping) { m.ParallelizationFactor = 11 },
		"window": func(m *Mapping) { m.BatchingWindow = 301 * time.Second }, "age": func(m *Mapping) { m.MaximumRecordAge = time.Second },
		"retries": func(m *Mapping) { m.MaximumRetryAttempts = -2 },
	} {
		m := good
		change(&m)
		if _, err := New(Config{Source: newFake(), Invoker: &fakeFunction{}, Mappings: []Mapping{m}, StateFile: "x"}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := New(Config{Source: newFake(), Invoker: &fakeFunction{}, Mappings: []Mapping{good, good}, StateFile: "x"}); err == nil {
		t.Error("one name twice: accepted")
	}
	file := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Source: newFake(), Invoker: &fakeFunction{}, StateFile: file}); err == nil {
		t.Error("a broken state file: accepted")
	}
}
