package keytest

import (
	"context"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Counting counts the calls of a DynamoDB, and the items that they read.
type Counting struct {
	DB
	calls atomic.Int64
	read  atomic.Int64
}

// Calls is their number so far.
func (c *Counting) Calls() int { return int(c.calls.Load()) }

// Read is the number of items read so far, counted ones too.
func (c *Counting) Read() int { return int(c.read.Load()) }

// GetItem is DynamoDB's, counted.
func (c *Counting) GetItem(ctx context.Context, in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	c.calls.Add(1)
	c.read.Add(1)
	return c.DB.GetItem(ctx, in, o...)
}

// BatchGetItem is DynamoDB's, counted.
func (c *Counting) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	c.calls.Add(1)
	for _, asked := range in.RequestItems {
		c.read.Add(int64(len(asked.Keys)))
	}
	return c.DB.BatchGetItem(ctx, in, o...)
}

// PutItem is DynamoDB's, counted.
func (c *Counting) PutItem(ctx context.Context, in *dynamodb.PutItemInput, o ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	c.calls.Add(1)
	return c.DB.PutItem(ctx, in, o...)
}

// UpdateItem is DynamoDB's, counted.
func (c *Counting) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	c.calls.Add(1)
	return c.DB.UpdateItem(ctx, in, o...)
}

// DeleteItem is DynamoDB's, counted.
func (c *Counting) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, o ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	c.calls.Add(1)
	return c.DB.DeleteItem(ctx, in, o...)
}

// Query is DynamoDB's, counted.
func (c *Counting) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	c.calls.Add(1)
	out, err := c.DB.Query(ctx, in, o...)
	if err == nil {
		c.read.Add(int64(out.ScannedCount))
	}
	return out, err
}

// Scan is DynamoDB's, counted.
func (c *Counting) Scan(ctx context.Context, in *dynamodb.ScanInput, o ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	c.calls.Add(1)
	out, err := c.DB.Scan(ctx, in, o...)
	if err == nil {
		c.read.Add(int64(out.ScannedCount))
	}
	return out, err
}

// TransactWriteItems is DynamoDB's, counted.
func (c *Counting) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	c.calls.Add(1)
	return c.DB.TransactWriteItems(ctx, in, o...)
}
