package streams

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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
		Status  int    `json:"statusCode"`
		Version string `json:"executedVersion"`
		Error   string `json:"functionError"`
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
	id, arn := rand.Text(), withRegion(l.m.StreamARN, l.cfg.Region)
	rec.RequestContext.RequestID, rec.RequestContext.FunctionARN = id, l.m.Function
	rec.RequestContext.Condition, rec.RequestContext.Invoked = condition, b.invoked
	rec.ResponseContext.Status, rec.ResponseContext.Version, rec.ResponseContext.Error = 200, "$LATEST", "Unhandled"
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
	dir := filepath.Join(l.m.OnFailureDir, "aws", "lambda", l.m.Name, l.shard.ID, now.Format("2006/01/02"))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	name := filepath.Join(dir, fmt.Sprintf("%s-%s", now.Format("2006-01-02T15.04.05"), id))
	if err := os.WriteFile(name+".tmp", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".tmp", name)
}
