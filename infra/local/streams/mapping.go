package streams

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// Mapping is one event source mapping. Parse makes one from a template's properties.
type Mapping struct {
	Name      string // unique; checkpoints are kept under it
	Function  string // handed to the Invoker
	StreamARN string // the stream to poll
	Disabled  bool

	StartLatest           bool          // LATEST: only records written from the first start on; otherwise TRIM_HORIZON
	BatchSize             int           // 1 to 10,000
	BatchingWindow        time.Duration // how long to gather records, 0 to 300 s
	ParallelizationFactor int           // batches of one shard at a time, 1 to 10; order is kept per partition key
	MaximumRetryAttempts  int           // -1: until the records expire
	MaximumRecordAge      time.Duration // 0: until the records leave the stream (24 h)
	Bisect                bool          // BisectBatchOnFunctionError
	ReportFailures        bool          // ReportBatchItemFailures
	Filter                Filter        // the zero value lets everything through

	// OnFailureDir is a folder for discarded batches; "" drops them. OnFailureS3 says that the destination is S3, which
	// is given the records themselves; queues and topics are given metadata alone.
	OnFailureDir string
	OnFailureS3  bool
}

const retention = 24 * time.Hour // of a DynamoDB stream

func (m *Mapping) check() error {
	for _, c := range []struct {
		ok   bool
		what string
	}{
		{m.Name != "" && m.Function != "" && m.StreamARN != "", "Name, Function and StreamARN are required"},
		{m.BatchSize >= 1 && m.BatchSize <= 10_000, "BatchSize is 1 to 10000"},
		{m.BatchingWindow >= 0 && m.BatchingWindow <= 300*time.Second, "MaximumBatchingWindowInSeconds is 0 to 300"},
		{m.ParallelizationFactor >= 1 && m.ParallelizationFactor <= 10, "ParallelizationFactor is 1 to 10"},
		{m.MaximumRetryAttempts >= -1 && m.MaximumRetryAttempts <= 10_000, "MaximumRetryAttempts is -1 to 10000"},
		{m.MaximumRecordAge == 0 || m.MaximumRecordAge >= time.Minute && m.MaximumRecordAge <= 7*24*time.Hour, "MaximumRecordAgeInSeconds is -1 or 60 to 604800"},
	} {
		if !c.ok {
			return fmt.Errorf("streams: mapping %q: %s", m.Name, c.what)
		}
	}
	return nil
}

// Parse reads the properties of a SAM event of type DynamoDB, intrinsics resolved. The caller fills in Name, Function,
// StreamARN (the property Stream is not looked at) and OnFailureDir. A property that isn't played is an error.
func Parse(props map[string]any) (Mapping, error) {
	m := Mapping{BatchSize: 100, ParallelizationFactor: 1, MaximumRetryAttempts: -1}
	for _, name := range slices.Sorted(maps.Keys(props)) {
		if err := m.set(name, props[name]); err != nil {
			return Mapping{}, fmt.Errorf("streams: %s: %w", name, err)
		}
	}
	return m, nil
}

func (m *Mapping) set(name string, v any) (err error) {
	switch name {
	case "Stream":
	case "StartingPosition":
		m.StartLatest = v == "LATEST"
		if !m.StartLatest && v != "TRIM_HORIZON" {
			return fmt.Errorf("%v is neither TRIM_HORIZON nor LATEST", v)
		}
	case "Enabled":
		var on bool
		on, err = boolean(v)
		m.Disabled = !on
	case "BatchSize":
		m.BatchSize, err = integer(v)
	case "MaximumBatchingWindowInSeconds":
		m.BatchingWindow, err = seconds(v)
	case "ParallelizationFactor":
		m.ParallelizationFactor, err = integer(v)
	case "MaximumRetryAttempts":
		m.MaximumRetryAttempts, err = integer(v)
	case "MaximumRecordAgeInSeconds":
		if m.MaximumRecordAge, err = seconds(v); m.MaximumRecordAge < 0 {
			m.MaximumRecordAge = 0
		}
	case "BisectBatchOnFunctionError":
		m.Bisect, err = boolean(v)
	case "FunctionResponseTypes":
		return m.setResponseTypes(v)
	case "FilterCriteria":
		m.Filter, err = parseCriteria(v)
	case "DestinationConfig":
		return m.setDestination(v)
	default:
		return errors.New("not played by the local runner")
	}
	return err
}

func (m *Mapping) setResponseTypes(v any) error {
	list, ok := v.([]any)
	for _, t := range list {
		ok = ok && t == "ReportBatchItemFailures"
	}
	if !ok {
		return errors.New("a list of ReportBatchItemFailures is wanted")
	}
	m.ReportFailures = len(list) > 0
	return nil
}

func (m *Mapping) setDestination(v any) error {
	outer, _ := v.(map[string]any)
	inner, ok := outer["OnFailure"].(map[string]any)
	if !ok || len(outer) != 1 {
		return errors.New("only OnFailure is known")
	}
	m.OnFailureS3 = inner["Type"] == "S3"
	return nil
}

func parseCriteria(v any) (Filter, error) {
	outer, _ := v.(map[string]any)
	list, ok := outer["Filters"].([]any)
	if !ok {
		return Filter{}, errors.New("a list of Filters is wanted")
	}
	var patterns []string
	for _, f := range list {
		one, _ := f.(map[string]any)
		pattern, ok := one["Pattern"].(string)
		if !ok {
			return Filter{}, errors.New("each filter has a Pattern, a string of JSON")
		}
		patterns = append(patterns, pattern)
	}
	return ParseFilter(patterns...)
}

func integer(v any) (int, error) {
	switch n := v.(type) {
	case int:
		return n, nil
	case float64:
		if n == math.Trunc(n) && math.Abs(n) < 1e9 {
			return int(n), nil
		}
	case json.Number:
		return strconv.Atoi(n.String())
	case string: // a parameter's value
		return strconv.Atoi(n)
	}
	return 0, fmt.Errorf("%v is no whole number", v)
}

func seconds(v any) (time.Duration, error) {
	n, err := integer(v)
	return time.Duration(n) * time.Second, err
}

func boolean(v any) (bool, error) {
	switch b := v.(type) {
	case bool:
		return b, nil
	case string:
		return strconv.ParseBool(b)
	}
	return false, fmt.Errorf("%v is neither true nor false", v)
}
