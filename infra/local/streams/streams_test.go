package streams

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

func TestRecordsArriveInOrderInBatchesOfAtMostBatchSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newHarness(t, newFake(), func(m *Mapping) { m.BatchSize = 3 })
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
		b := newHarness(t, newFake(), func(m *Mapping) { m.BatchSize, m.BatchingWindow = 3, 10*time.Second })
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

func TestRestartContinuesAtTheCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newHarness(t, newFake(), func(m *Mapping) { m.BatchSize = 2 })
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
		b := newHarness(t, newFake(), nil)
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
		b := newHarness(t, newFake(), nil)
		b.putAll("ab")
		b.run()
		b.m.StreamARN += "2"
		b.run()
		b.fn.want(t, "ab", "ab")
	})
}

func TestLatestSkipsWhatWasThereAndNothingAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newHarness(t, newFake(), func(m *Mapping) { m.StartLatest = true })
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
		b := newHarness(t, f, nil)
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
		b := newHarness(t, f, nil)
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
		b := newHarness(t, f, nil)
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
		b := newHarness(t, f, func(m *Mapping) { m.ParallelizationFactor, m.BatchSize = 4, 3 })
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
		b := newHarness(t, f, func(m *Mapping) { m.ParallelizationFactor, m.BatchSize = 10, 1 })
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
		b := newHarness(t, f, func(m *Mapping) { m.Filter = filter })
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

func TestBatchStaysBelowThePayloadLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		b := newHarness(t, f, func(m *Mapping) { m.BatchSize = 100 })
		for i := range 20 {
			f.put("shard-1", "p", fmt.Sprint(i%10), func(r *types.Record) { r.Dynamodb.NewImage["big"] = s(strings.Repeat("x", 400<<10)) })
		}
		b.run()
		if got := b.fn.batches(); len(got) != 2 || strings.Join(got, "") != "01234567890123456789" {
			t.Errorf("%q", got)
		}
	})
}

func TestTwoMappingsKeepTheirOwnCheckpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.put("shard-1", "p", "a")
		one, two := newHarness(t, f, nil), newHarness(t, f, func(m *Mapping) { m.Name = "other" })
		two.dir = one.dir
		one.run()
		two.run()
		one.run()
		one.fn.want(t, "a")
		two.fn.want(t, "a")
	})
}
