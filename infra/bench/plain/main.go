// Command plain is the authorizer as one would write it on a good day: typed events, encoding/json, DynamoDB's client,
// a map for a cache. It decides less than Latchkey's does and is here to be compared with.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type record struct {
	KeyID    string   `dynamodbav:"kid"`
	Account  string   `dynamodbav:"acct"`
	Products []string `dynamodbav:"prods"`
	Domains  []string `dynamodbav:"doms"`
	readAt   time.Time
}

type authorizer struct {
	db    *dynamodb.Client
	cache map[string]*record
}

var errUnauthorized = errors.New("Unauthorized") // the spelling that API Gateway knows

type (
	request = events.APIGatewayCustomAuthorizerRequestTypeRequest
	answer  = events.APIGatewayCustomAuthorizerResponse
)

func (a *authorizer) decide(ctx context.Context, r request) (answer, error) {
	secret := r.QueryStringParameters["key"]
	if secret == "" {
		return answer{}, errUnauthorized
	}
	rec, err := a.find(ctx, secret)
	if err != nil {
		return answer{}, err
	}
	if rec == nil {
		return answer{}, errUnauthorized
	}
	if !strings.HasPrefix(r.Path, "/map/") || !slices.Contains(rec.Products, "map-display") {
		return policy(r, "Deny", map[string]any{"code": "product_not_allowed"}), nil
	}
	if !allowed(r, rec.Domains) {
		return policy(r, "Deny", map[string]any{"code": "domain_not_allowed"}), nil
	}
	return policy(r, "Allow", map[string]any{"keyId": rec.KeyID, "accountId": rec.Account, "product": "map-display"}), nil
}

func allowed(r request, domains []string) bool {
	origin := r.Headers["origin"]
	if origin == "" {
		origin = r.Headers["referer"]
	}
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	for _, d := range domains {
		if suffix, wild := strings.CutPrefix(d, "*."); u.Host == d || wild && strings.HasSuffix(u.Host, "."+suffix) {
			return true
		}
	}
	return false
}

// find reads a record by the secret's hash, at most once in 5 s.
func (a *authorizer) find(ctx context.Context, secret string) (*record, error) {
	sum := sha256.Sum256([]byte(secret))
	hash := base64.RawURLEncoding.EncodeToString(sum[:])
	if rec, ok := a.cache[hash]; ok && time.Since(rec.readAt) < 5*time.Second {
		return rec, nil
	}
	out, err := a.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      aws.String(os.Getenv("GATE_TABLE")),
		Key:            map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: hash}},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil || out.Item == nil {
		return nil, err
	}
	rec := &record{readAt: time.Now()}
	if err := attributevalue.UnmarshalMap(out.Item, rec); err != nil {
		return nil, err
	}
	a.cache[hash] = rec
	return rec, nil
}

func policy(r request, effect string, values map[string]any) answer {
	stage := strings.Join(strings.SplitN(r.MethodArn, "/", 3)[:2], "/")
	return answer{
		PrincipalID: "user",
		PolicyDocument: events.APIGatewayCustomAuthorizerPolicy{Version: "2012-10-17", Statement: []events.IAMPolicyStatement{
			{Action: []string{"execute-api:Invoke"}, Effect: effect, Resource: []string{stage + "/*"}},
		}},
		Context:            values,
		UsageIdentifierKey: os.Getenv("USAGE_PLAN_KEY"),
	}
}

func main() {
	a := &authorizer{cache: map[string]*record{}, db: dynamodb.New(dynamodb.Options{
		Region:       os.Getenv("AWS_REGION"),
		BaseEndpoint: aws.String(os.Getenv("DYNAMODB_ENDPOINT")),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
				SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
			}, nil
		}),
	})}
	lambda.Start(a.decide)
}
