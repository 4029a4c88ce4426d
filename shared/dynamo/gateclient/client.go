// Package gateclient is a small client of DynamoDB for the gate: the three calls that it makes, in the types of the SDK's client and with
// its answers, at less cost for a cold start. All other functions use the SDK's client. The package refuses what it doesn't know: a field of
// an input that it would leave out, and an answer that isn't well formed.
package gateclient

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/dynamo"
)

// Client calls DynamoDB, each call once: who calls decides whether to try again. It is safe for concurrent use.
type Client struct {
	config   dynamo.Config
	endpoint *url.URL
	err      error // why no call can be made; each says so
	do       http.RoundTripper
	now      func() time.Time
	skew     atomic.Int64 // nanoseconds by which DynamoDB's clock is ahead of now
}

// New makes a client that signs by the credentials of a Config and sends to its endpoint. It uses none of the Config's times and attempts: a call has
// the time of its context.
func New(c dynamo.Config, do http.RoundTripper, now func() time.Time) *Client {
	endpoint, err := Endpoint(c)
	if c.AccessKey == "" || c.SecretKey == "" {
		err = dynamo.ErrNoCredentials
	}
	return &Client{config: c, endpoint: endpoint, err: err, do: do, now: now}
}

// GetItem is DynamoDB's, for whole items.
func (c *Client) GetItem(ctx context.Context, in *dynamodb.GetItemInput, options ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if in == nil || len(options) > 0 || in.AttributesToGet != nil || in.ExpressionAttributeNames != nil || in.ProjectionExpression != nil ||
		in.ReturnConsumedCapacity != "" {
		return nil, unsupported("GetItem")
	}
	d := newDocument()
	d.required("TableName", in.TableName)
	d.item("Key", in.Key)
	if in.ConsistentRead != nil {
		d.member("ConsistentRead")
		d.boolean(*in.ConsistentRead)
	}
	item, err := c.call(ctx, "GetItem", d, "Item")
	if err != nil {
		return nil, err
	}
	return &dynamodb.GetItemOutput{Item: item}, nil
}

// PutItem is DynamoDB's, without conditions.
func (c *Client) PutItem(ctx context.Context, in *dynamodb.PutItemInput, options ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if in == nil || len(options) > 0 || in.ConditionExpression != nil || in.ConditionalOperator != "" || in.Expected != nil ||
		in.ExpressionAttributeNames != nil || in.ExpressionAttributeValues != nil || in.ReturnConsumedCapacity != "" ||
		in.ReturnItemCollectionMetrics != "" || in.ReturnValues != "" || in.ReturnValuesOnConditionCheckFailure != "" {
		return nil, unsupported("PutItem")
	}
	d := newDocument()
	d.required("TableName", in.TableName)
	d.item("Item", in.Item)
	attributes, err := c.call(ctx, "PutItem", d, "Attributes")
	if err != nil {
		return nil, err
	}
	return &dynamodb.PutItemOutput{Attributes: attributes}, nil
}

// UpdateItem is DynamoDB's, by expressions.
func (c *Client) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, options ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if in == nil || len(options) > 0 || in.AttributeUpdates != nil || in.ConditionalOperator != "" || in.Expected != nil ||
		in.ReturnConsumedCapacity != "" || in.ReturnItemCollectionMetrics != "" {
		return nil, unsupported("UpdateItem")
	}
	d := newDocument()
	d.required("TableName", in.TableName)
	d.item("Key", in.Key)
	d.optional("UpdateExpression", in.UpdateExpression)
	d.optional("ConditionExpression", in.ConditionExpression)
	if in.ExpressionAttributeNames != nil {
		d.names("ExpressionAttributeNames", in.ExpressionAttributeNames)
	}
	if in.ExpressionAttributeValues != nil {
		d.item("ExpressionAttributeValues", in.ExpressionAttributeValues)
	}
	d.choice("ReturnValues", string(in.ReturnValues))
	d.choice("ReturnValuesOnConditionCheckFailure", string(in.ReturnValuesOnConditionCheckFailure))
	attributes, err := c.call(ctx, "UpdateItem", d, "Attributes")
	if err != nil {
		return nil, err
	}
	return &dynamodb.UpdateItemOutput{Attributes: attributes}, nil
}

// call makes one call and reads the item that its answer has under a name.
func (c *Client) call(ctx context.Context, operation string, d *document, name string) (item dynamo.Item, err error) {
	body, err := d.end()
	if err == nil {
		err = c.err
	}
	if err == nil {
		item, err = c.send(ctx, operation, body, name)
	}
	if err != nil {
		return nil, fmt.Errorf("gateclient: %s: %w", operation, err)
	}
	return item, nil
}

func (c *Client) send(ctx context.Context, operation string, body []byte, name string) (dynamo.Item, error) {
	sent := c.now().Round(0)                                                                                   // by the wall clock, which goes on in a freeze
	response, text, err := c.exchange(c.request(ctx, operation, body, sent.Add(time.Duration(c.skew.Load())))) //nolint:bodyclose // read closes it
	if err != nil {
		if gone := ctx.Err(); gone != nil { // whatever the transport makes of it
			err = gone
		}
		return nil, err
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		c.correct(response.Header, sent, c.now().Round(0))
		return nil, c.refusal(response, text)
	}
	return itemOf(text, name)
}

func (c *Client) exchange(r *http.Request) (response *http.Response, text string, err error) {
	if err = r.Context().Err(); err == nil {
		response, err = c.do.RoundTrip(r)
	}
	if err != nil {
		return nil, "", err
	}
	text, err = read(response)
	return response, text, err
}
