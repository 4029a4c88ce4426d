package streams

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// invocationRecord is the record that Lambda sends to an on-failure destination.
type invocationRecord struct {
	RequestContext struct {
		RequestID   string `json:"requestId"`
		FunctionARN string `json:"functionArn"`
		Condition   string `json:"condition"`
		Invoked     int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	ResponseContext struct {
		Status  int     `json:"statusCode"`
		Version string  `json:"executedVersion"`
		Error   *string `json:"functionError"` // null after an answer that reported failures
	} `json:"responseContext"`
	Version   string `json:"version"`
	Timestamp string `json:"timestamp"`
	Batch     struct {
		ShardID string `json:"shardId"`
		Start   string `json:"startSequenceNumber"`
		End     string `json:"endSequenceNumber"`
		First   string `json:"approximateArrivalOfFirstRecord"`
		Last    string `json:"approximateArrivalOfLastRecord"`
		Size    int    `json:"batchSize"`
		Stream  string `json:"streamArn"`
	} `json:"DDBStreamBatchInfo"`
	Payload string `json:"payload,omitempty"` // the whole event, for S3 alone
}

// discardExpired takes the records out of a batch that are too old to be processed.
func (l *lane) discardExpired(ctx context.Context, b *part) bool {
	limit := retention
	if l.m.MaximumRecordAge > 0 {
		limit = min(limit, l.m.MaximumRecordAge)
	}
	old, young := *b, make([]*item, 0, len(b.items))
	old.items = nil
	for _, it := range b.items {
		if !it.created.IsZero() && time.Since(it.created) > limit {
			old.items = append(old.items, it)
		} else {
			young = append(young, it)
		}
	}
	if len(old.items) == 0 {
		return true
	}
	b.items = young
	return l.discard(ctx, old, "RecordAgeExceeded")
}

// discard sends records to the on-failure destination, and only then counts them as done. It returns false when ctx ends first.
func (l *lane) discard(ctx context.Context, b part, condition string) bool {
	l.log.Error("records discarded", "mapping", l.m.Name, "records", len(b.items), "condition", condition, "destination", l.m.OnFailureDir)
	for l.m.OnFailureDir != "" {
		err := l.writeDiscarded(b, condition)
		if err == nil {
			break
		}
		l.log.Error("on-failure destination can't be written", "mapping", l.m.Name, "error", err)
		if !l.pause(ctx, l.cfg.BackoffMax) {
			return false
		}
	}
	l.finish(b.items)
	return true
}

// writeDiscarded writes one file, named as Lambda names its objects in S3.
func (l *lane) writeDiscarded(b part, condition string) error {
	var rec invocationRecord
	now := time.Now().UTC()
	id, arn := randomUUID(), withRegion(l.m.StreamARN, l.cfg.Region)
	rec.RequestContext.RequestID, rec.RequestContext.FunctionARN = id, functionARN(arn, l.m.Function)
	rec.RequestContext.Condition, rec.RequestContext.Invoked = condition, b.invoked
	rec.ResponseContext.Status, rec.ResponseContext.Version = 200, "$LATEST"
	if unhandled := "Unhandled"; !b.reported {
		rec.ResponseContext.Error = &unhandled
	}
	rec.Version, rec.Timestamp = "1.0", now.Format("2006-01-02T15:04:05.000Z")
	first, last := b.items[0], b.items[len(b.items)-1]
	rec.Batch.ShardID, rec.Batch.Stream, rec.Batch.Size = l.shard.ID, arn, len(b.items)
	rec.Batch.Start, rec.Batch.End = first.seq, last.seq
	rec.Batch.First, rec.Batch.Last = first.created.UTC().Format(time.RFC3339), last.created.UTC().Format(time.RFC3339)
	if l.m.OnFailureS3 {
		rec.Payload = string(payload(b.items))
	}
	raw, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Join(l.m.OnFailureDir, "aws", "lambda", l.m.uuid(), l.shard.ID, now.Format("2006/01/02"))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	name := filepath.Join(dir, fmt.Sprintf("%s-%s", now.Format("2006-01-02T15.04.05"), id))
	if err := os.WriteFile(name+".tmp", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".tmp", name)
}

// functionARN is that of a function in the region and account of a stream.
func functionARN(stream, name string) string {
	parts := strings.SplitN(stream, ":", 6)
	if len(parts) != 6 {
		return name
	}
	return strings.Join([]string{parts[0], parts[1], "lambda", parts[3], parts[4], "function", name}, ":")
}

// uuid names the mapping as Lambda does, the same in every run.
func (m *Mapping) uuid() string {
	sum := sha256.Sum256([]byte(m.Name))
	return formatUUID([16]byte(sum[:16]))
}

func randomUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return formatUUID(b)
}

func formatUUID(b [16]byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
