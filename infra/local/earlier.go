package main

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/infra/local/engine"
)

// takeEarlierPort gives the sign-in the port that it had in an earlier run on the same store, where this data directory has
// none yet. People are known by their issuer's URL and their name there: at another address the earlier run's operators
// and members would be strangers. It matters for a store that outlives the data directory, so for no own one.
func (s *stack) takeEarlierPort(ctx context.Context) error {
	file := s.file("issuer.port")
	if _, err := os.Stat(file); s.dynamoEndpoint == "" || err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	table, err := s.controlTable()
	if err != nil || table == "" {
		return err
	}
	out, err := engine.NewClient(s.engine.Endpoint, s.region, s.awsCredentials()).Query(ctx, &dynamodb.QueryInput{
		TableName: &table, IndexName: aws.String("lookup"), KeyConditionExpression: aws.String("gpk = :operators"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":operators": &types.AttributeValueMemberS{Value: "OPERATORS"}},
	})
	var fresh *types.ResourceNotFoundException
	if errors.As(err, &fresh) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, item := range out.Items {
		subject, _ := item["gsk"].(*types.AttributeValueMemberS)
		if subject == nil {
			continue
		}
		if port := s.portOf(subject.Value); port != "" {
			return os.WriteFile(file, []byte(port+"\n"), 0o600)
		}
	}
	return nil
}

// portOf is the port in "http://127.0.0.1:1234|operator"; "" for people of another sign-in than that of a run.
func (s *stack) portOf(subject string) string {
	issuer, _, _ := strings.Cut(subject, "|")
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "http" {
		return ""
	}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil || host != s.issuerName {
		return ""
	}
	return port
}

// controlTable is the name that CreateTables gives the table of accounts and operators.
func (s *stack) controlTable() (string, error) {
	list, err := s.template.Of("AWS::DynamoDB::Table")
	for _, r := range list {
		if r.ID != "ControlTable" {
			continue
		}
		p, err := s.template.Properties(r)
		if name := p.Text("TableName"); name != "" || err != nil {
			return name, err
		}
		return r.ID, nil
	}
	return "", err
}
