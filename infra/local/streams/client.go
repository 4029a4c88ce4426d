package streams

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// Client is the SDK's client as a Source.
type Client struct{ API *dynamodbstreams.Client }

// Describe lists every shard. Whether a shard is closed is not asked here, since emulators give open shards an end:
// GetRecords says it, by returning no iterator.
func (c Client) Describe(ctx context.Context, arn string) (Stream, error) {
	var st Stream
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &arn}
	for {
		out, err := c.API.DescribeStream(ctx, in)
		if err != nil {
			return Stream{}, err
		}
		d := out.StreamDescription
		st.ViewType = d.StreamViewType
		for _, k := range d.KeySchema {
			if k.KeyType == types.KeyTypeHash {
				st.PartitionKey = aws.ToString(k.AttributeName)
			}
		}
		for _, sh := range d.Shards {
			st.Shards = append(st.Shards, Shard{ID: aws.ToString(sh.ShardId), Parent: aws.ToString(sh.ParentShardId)})
		}
		if d.LastEvaluatedShardId == nil {
			return st, nil
		}
		in.ExclusiveStartShardId = d.LastEvaluatedShardId
	}
}

// Iterator implements Source.
func (c Client) Iterator(ctx context.Context, arn, shardID, after string) (string, error) {
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: &shardID, ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
	if after != "" {
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &after
	}
	out, err := c.API.GetShardIterator(ctx, in)
	if err != nil {
		return "", known(err)
	}
	return aws.ToString(out.ShardIterator), nil
}

// Records implements Source.
func (c Client) Records(ctx context.Context, iterator string, limit int) ([]types.Record, string, error) {
	out, err := c.API.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: &iterator, Limit: aws.Int32(int32(limit))})
	if err != nil {
		return nil, "", known(err)
	}
	return out.Records, aws.ToString(out.NextShardIterator), nil
}

func known(err error) error {
	var expired *types.ExpiredIteratorException
	var trimmed *types.TrimmedDataAccessException
	switch {
	case errors.As(err, &expired):
		return ErrIteratorExpired
	case errors.As(err, &trimmed):
		return ErrTrimmed
	}
	return err
}
