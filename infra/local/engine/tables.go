package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/infra/local/template"
)

// NewClient returns a DynamoDB client for an endpoint.
func NewClient(endpoint, region string, credentials aws.CredentialsProvider) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{Region: region, BaseEndpoint: aws.String(endpoint), Credentials: credentials})
}

// CreateTables makes the template's tables that don't exist yet, gives those that do the indexes that they lack, as CloudFormation does, and
// checks them. Existing data is never touched: a table that lacks anything else that the template asks for is an error that says so.
func CreateTables(ctx context.Context, c *dynamodb.Client, t *template.Template) error {
	list, err := t.Of("AWS::DynamoDB::Table")
	if err != nil {
		return err
	}
	for _, r := range list {
		p, err := t.Properties(r)
		if err != nil {
			return err
		}
		name := p.Text("TableName")
		if name == "" {
			name = r.ID
		}
		if err := ensure(ctx, c, name, p); err != nil {
			return fmt.Errorf("table %s: %w", name, err)
		}
	}
	return nil
}

func ensure(ctx context.Context, c *dynamodb.Client, name string, p template.Map) error {
	have, err := describe(ctx, c, name)
	if err != nil {
		return err
	}
	if have == nil {
		if err := create(ctx, c, name, p); err != nil {
			return err
		}
		if have, err = describe(ctx, c, name); err != nil || have == nil {
			return fmt.Errorf("was created, but can't be described: %w", err)
		}
	}
	for have.TableStatus != types.TableStatusActive {
		select {
		case <-ctx.Done():
			return fmt.Errorf("is %s: %w", have.TableStatus, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
		if have, err = describe(ctx, c, name); err != nil || have == nil {
			return fmt.Errorf("went away: %w", err)
		}
	}
	if err := addIndexes(ctx, c, have, p); err != nil {
		return err
	}
	if err := check(have, p); err != nil {
		return err
	}
	return ttl(ctx, c, name, p.Map("TimeToLiveSpecification"))
}

func describe(ctx context.Context, c *dynamodb.Client, name string) (*types.TableDescription, error) {
	out, err := c.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	var missing *types.ResourceNotFoundException
	switch {
	case errors.As(err, &missing):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return out.Table, nil
}

func create(ctx context.Context, c *dynamodb.Client, name string, p template.Map) error {
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest, KeySchema: keySchema(p), AttributeDefinitions: attributes(p)}
	for _, g := range p.Maps("GlobalSecondaryIndexes") {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(g.Text("IndexName")), KeySchema: keySchema(g), Projection: projection(g),
		})
	}
	if view := p.Map("StreamSpecification").Text("StreamViewType"); view != "" {
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewType(view)}
	}
	_, err := c.CreateTable(ctx, in)
	var exists *types.ResourceInUseException // the answer to an earlier try was lost
	if errors.As(err, &exists) {
		return nil
	}
	return err
}

// addIndexes makes the indexes that a table lacks. The engine has them filled by the time of its answer.
func addIndexes(ctx context.Context, c *dynamodb.Client, have *types.TableDescription, p template.Map) error {
	for _, g := range p.Maps("GlobalSecondaryIndexes") {
		name := g.Text("IndexName")
		if slices.ContainsFunc(have.GlobalSecondaryIndexes, func(h types.GlobalSecondaryIndexDescription) bool { return aws.ToString(h.IndexName) == name }) {
			continue
		}
		out, err := c.UpdateTable(ctx, &dynamodb.UpdateTableInput{
			TableName: have.TableName, AttributeDefinitions: attributes(p),
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
				IndexName: &name, KeySchema: keySchema(g), Projection: projection(g),
			}}},
		})
		if err != nil {
			return fmt.Errorf("making its index %s: %w", strconv.Quote(name), err)
		}
		have.GlobalSecondaryIndexes = out.TableDescription.GlobalSecondaryIndexes
	}
	return nil
}

func attributes(p template.Map) (list []types.AttributeDefinition) {
	for _, a := range p.Maps("AttributeDefinitions") {
		list = append(list, types.AttributeDefinition{
			AttributeName: aws.String(a.Text("AttributeName")), AttributeType: types.ScalarAttributeType(a.Text("AttributeType")),
		})
	}
	return list
}

func projection(index template.Map) *types.Projection {
	p := index.Map("Projection")
	return &types.Projection{ProjectionType: types.ProjectionType(p.Text("ProjectionType")), NonKeyAttributes: p.Texts("NonKeyAttributes")}
}

func keySchema(p template.Map) []types.KeySchemaElement {
	var list []types.KeySchemaElement
	for _, k := range p.Maps("KeySchema") {
		list = append(list, types.KeySchemaElement{
			AttributeName: aws.String(k.Text("AttributeName")), KeyType: types.KeyType(k.Text("KeyType")),
		})
	}
	return list
}

// check compares an existing table with the template.
func check(have *types.TableDescription, p template.Map) error {
	const advice = "the local runner doesn't change existing tables; start with another LATCHKEY_DATA_DIR, or change the table yourself"
	if want := keySchema(p); !sameKeys(have.KeySchema, want) {
		return errors.New("exists with another key schema; " + advice)
	}
	for _, g := range p.Maps("GlobalSecondaryIndexes") {
		found := false
		for _, h := range have.GlobalSecondaryIndexes {
			found = found || aws.ToString(h.IndexName) == g.Text("IndexName") && sameKeys(h.KeySchema, keySchema(g))
		}
		if !found {
			return fmt.Errorf("exists with another index %s; %s", strconv.Quote(g.Text("IndexName")), advice)
		}
	}
	if view := p.Map("StreamSpecification").Text("StreamViewType"); view != "" {
		s := have.StreamSpecification
		if s == nil || !aws.ToBool(s.StreamEnabled) || s.StreamViewType != types.StreamViewType(view) {
			return fmt.Errorf("exists without a stream of %s; %s", view, advice)
		}
	}
	return nil
}

func sameKeys(a, b []types.KeySchemaElement) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if aws.ToString(a[i].AttributeName) != aws.ToString(b[i].AttributeName) || a[i].KeyType != b[i].KeyType {
			return false
		}
	}
	return true
}

func ttl(ctx context.Context, c *dynamodb.Client, name string, p template.Map) error {
	attribute := p.Text("AttributeName")
	if attribute == "" || !p.Bool("Enabled", true) {
		return nil
	}
	out, err := c.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err != nil {
		return err
	}
	if d := out.TimeToLiveDescription; d != nil && aws.ToString(d.AttributeName) == attribute &&
		(d.TimeToLiveStatus == types.TimeToLiveStatusEnabled || d.TimeToLiveStatus == types.TimeToLiveStatusEnabling) {
		return nil
	}
	_, err = c.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &name, TimeToLiveSpecification: &types.TimeToLiveSpecification{
		AttributeName: &attribute, Enabled: aws.Bool(true),
	}})
	return err
}
