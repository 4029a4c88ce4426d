package streams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

const arn = "arn:aws:dynamodb:dynoxide:000000000000:table/T/stream/2026-11-01T00:00:00.000"

// fakeSource is a stream in memory. Iterators are "<shard>|<position>".
type fakeSource struct {
	mu      sync.Mutex
	shards  []Shard
	closed  map[string]bool
	records map[string][]types.Record
	trimmed map[string]int // records gone from the front
	fail    int            // calls that fail from now on
	expire  bool           // the next read finds its iterator expired
	seq     int
}

func newFake(shards ...Shard) *fakeSource {
	if len(shards) == 0 {
		shards = []Shard{{ID: "shard-1"}}
	}
	return &fakeSource{shards: shards, closed: map[string]bool{}, records: map[string][]types.Record{}, trimmed: map[string]int{}}
}

func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }

// put writes a record; the value is the record's name in the tests' logs.
func (f *fakeSource) put(shard, pk, value string, change ...func(*types.Record)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq++
	r := types.Record{
		EventName: types.OperationTypeInsert, EventID: aws.String("7"), AwsRegion: aws.String("dynoxide"), EventVersion: aws.String("1.0"),
		Dynamodb: &types.StreamRecord{
			ApproximateCreationDateTime: aws.Time(time.Now()), SequenceNumber: aws.String(strconv.Itoa(f.seq)), SizeBytes: aws.Int64(9),
			StreamViewType: types.StreamViewTypeNewAndOldImages,
			Keys:           map[string]types.AttributeValue{"pk": s(pk), "sk": s(value)},
			NewImage:       map[string]types.AttributeValue{"pk": s(pk), "sk": s(value), "v": s(value)},
		},
	}
	for _, c := range change {
		c(&r)
	}
	f.records[shard] = append(f.records[shard], r)
}

func (f *fakeSource) broken() error {
	if f.fail > 0 {
		f.fail--
		return errors.New("the stream can't be reached")
	}
	return nil
}

func (f *fakeSource) Describe(context.Context, string) (Stream, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Stream{PartitionKey: "pk", ViewType: types.StreamViewTypeNewAndOldImages, Shards: slices.Clone(f.shards)}, f.broken()
}

func (f *fakeSource) Iterator(_ context.Context, _, shard, after string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	pos := f.trimmed[shard]
	if after != "" {
		pos = slices.IndexFunc(f.records[shard], func(r types.Record) bool { return *r.Dynamodb.SequenceNumber == after }) + 1
		if pos < f.trimmed[shard] {
			return "", ErrTrimmed
		}
	}
	return fmt.Sprintf("%s|%d", shard, pos), f.broken()
}

func (f *fakeSource) Records(_ context.Context, it string, limit int) ([]types.Record, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.expire {
		f.expire = false
		return nil, "", ErrIteratorExpired
	}
	if err := f.broken(); err != nil {
		return nil, "", err
	}
	shard, at, _ := strings.Cut(it, "|")
	pos, _ := strconv.Atoi(at)
	all := f.records[shard]
	end := min(len(all), pos+limit)
	if end == len(all) && f.closed[shard] {
		return slices.Clone(all[pos:]), "", nil
	}
	return slices.Clone(all[pos:end]), fmt.Sprintf("%s|%d", shard, end), nil
}

// call is one invocation: when, and the values of its records.
type call struct {
	at     time.Time
	values []string
	seqs   []string
}

// fakeFunction logs its calls and answers as behave says.
type fakeFunction struct {
	mu     sync.Mutex
	calls  []call
	behave func(c call) (string, error)
}

func (f *fakeFunction) Invoke(_ context.Context, _ string, payload []byte) ([]byte, error) {
	var event struct{ Records []lambdaRecord }
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	c := call{at: time.Now()}
	for _, r := range event.Records {
		c.values = append(c.values, r.Change.Keys["sk"].(map[string]any)["S"].(string))
		c.seqs = append(c.seqs, r.Change.Seq)
	}
	f.mu.Lock()
	f.calls = append(f.calls, c)
	f.mu.Unlock()
	if f.behave == nil {
		return []byte("null"), nil
	}
	answer, err := f.behave(c)
	return []byte(answer), err
}

// batches are the calls' values, each joined.
func (f *fakeFunction) batches() (all []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		all = append(all, strings.Join(c.values, ""))
	}
	return all
}

func (f *fakeFunction) want(t *testing.T, want ...string) {
	t.Helper()
	if got := f.batches(); !slices.Equal(got, want) {
		t.Errorf("batches %q, want %q", got, want)
	}
}

// poison fails every batch that holds one of the values.
func poison(values string) func(call) (string, error) {
	return func(c call) (string, error) {
		for _, v := range c.values {
			if strings.Contains(values, v) {
				return "", errors.New("poison")
			}
		}
		return "", nil
	}
}

// report names the records with these values as failures.
func report(values string) func(call) (string, error) {
	return func(c call) (string, error) {
		failures := []string{}
		for i, v := range c.values {
			if strings.Contains(values, v) {
				failures = append(failures, fmt.Sprintf(`{"itemIdentifier":%q}`, c.seqs[i]))
			}
		}
		slices.Reverse(failures) // the order of the list must not matter
		return `{"batchItemFailures":[` + strings.Join(failures, ",") + `]}`, nil
	}
}

// harness is a poller over one mapping, to be used inside a synctest bubble.
type harness struct {
	t      *testing.T
	source *fakeSource
	fn     *fakeFunction
	m      Mapping
	dir    string
	poller *Poller
	stop   func()
}

func newHarness(t *testing.T, source *fakeSource, change func(*Mapping)) *harness {
	m := Mapping{Name: "m", Function: "F", StreamARN: arn, BatchSize: 10, ParallelizationFactor: 1, MaximumRetryAttempts: -1}
	if change != nil {
		change(&m)
	}
	return &harness{t: t, source: source, fn: &fakeFunction{}, m: m, dir: t.TempDir()}
}

// start runs a new poller on the same checkpoints.
func (b *harness) start() {
	b.t.Helper()
	p, err := New(Config{Source: b.source, Invoker: b.fn, Mappings: []Mapping{b.m}, StateFile: filepath.Join(b.dir, "streams.json"), Region: "eu-west-1"})
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan struct{})
	go func() { p.Run(ctx); close(ended) }()
	b.poller, b.stop = p, func() { cancel(); <-ended }
}

func (b *harness) putAll(values string) {
	for _, v := range values {
		b.source.put("shard-1", "p", string(v))
	}
}

// drain processes all and stops.
func (b *harness) drain() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Hour)
	defer cancel()
	if err := b.poller.Drain(ctx); err != nil {
		b.t.Fatal(err)
	}
	b.stop()
}

// run is start and drain.
func (b *harness) run() { b.t.Helper(); b.start(); b.drain() }
