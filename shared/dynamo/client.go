// Package dynamo is the base of everything that knows DynamoDB: the client, transactions with their reasons, and
// the errors that the stores share. The stores themselves are the packages below it.
// The authorizer links this package, so it stays small: no reflection, no expression builder.
// docs/glossary.md explains the words of the tables: policy record, lease, report, counter, guard record.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	transport "github.com/aws/smithy-go/endpoints"
)

// Config sets the DynamoDB to call, the credentials and the timeouts.
type Config struct {
	Region       string
	Endpoint     string // "" is what the SDK's rules make of the region
	AccessKey    string
	SecretKey    string
	SessionToken string

	Timeout    time.Duration     // of one attempt; 0 is DefaultTimeout
	Attempts   int               // of one call; 0 is DefaultAttempts
	MaxBackoff time.Duration     // between attempts, with full jitter; 0 is DefaultMaxBackoff
	Transport  http.RoundTripper // nil is one of its own
}

// The defaults of a Config.
const (
	DefaultTimeout    = 2 * time.Second
	DefaultAttempts   = 3
	DefaultMaxBackoff = 400 * time.Millisecond
)

// FromEnv reads the variables that Lambda and the local runner set.
func FromEnv(getenv func(string) string) Config {
	return Config{
		Region:       getenv("AWS_REGION"),
		Endpoint:     getenv("DYNAMODB_ENDPOINT"),
		AccessKey:    getenv("AWS_ACCESS_KEY_ID"),
		SecretKey:    getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: getenv("AWS_SESSION_TOKEN"),
	}
}

// Tables holds the names of the tables. A function gets only the names of those that it may touch.
type Tables struct {
	Control, Gate, Leases, Quotas, Slices, Counters, Statements, Sessions string
}

// TablesFromEnv reads the names as the template sets them.
func TablesFromEnv(getenv func(string) string) Tables {
	return Tables{
		Control:    getenv("CONTROL_TABLE"),
		Gate:       getenv("GATE_TABLE"),
		Leases:     getenv("LEASES_TABLE"),
		Quotas:     getenv("QUOTAS_TABLE"),
		Slices:     getenv("SLICES_TABLE"),
		Counters:   getenv("COUNTERS_TABLE"),
		Statements: getenv("STATEMENTS_TABLE"),
		Sessions:   getenv("SESSIONS_TABLE"),
	}
}

// Client is DynamoDB's own, for those who pass it on.
type Client = dynamodb.Client

// ErrNoCredentials means that the environment has none; each call says so.
var ErrNoCredentials = errors.New("dynamo: no credentials in the environment")

// NewClient makes a client from explicit options alone: it reads no environment, no file and no instance metadata,
// which is also what keeps a cold start short.
func NewClient(c Config) *dynamodb.Client {
	options := dynamodb.Options{
		Region:      c.Region,
		Credentials: c.credentials(),
		Retryer:     c.retryer(),
		HTTPClient:  c.httpClient(),
	}
	if c.Endpoint != "" {
		options.BaseEndpoint = &c.Endpoint
		options.EndpointResolverV2 = newEndpoint(c.Endpoint)
	}
	return dynamodb.New(options)
}

// endpoint is one that is known, which saves every call the SDK's rules for finding it.
type endpoint struct {
	url url.URL
	err error // it is no URL; each call says so
}

func newEndpoint(text string) endpoint {
	u, err := url.Parse(text)
	if err != nil {
		return endpoint{err: fmt.Errorf("dynamo: endpoint: %w", err)}
	}
	return endpoint{url: *u}
}

// ResolveEndpoint implements dynamodb.EndpointResolverV2.
func (e endpoint) ResolveEndpoint(context.Context, dynamodb.EndpointParameters) (transport.Endpoint, error) {
	return transport.Endpoint{URI: e.url}, e.err
}

func (c Config) credentials() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		if c.AccessKey == "" || c.SecretKey == "" {
			return aws.Credentials{}, ErrNoCredentials
		}
		return aws.Credentials{
			AccessKeyID: c.AccessKey, SecretAccessKey: c.SecretKey, SessionToken: c.SessionToken, Source: "explicit",
		}, nil
	})
}

func (c Config) retryer() aws.Retryer {
	if c.Attempts == 1 { // nothing to weigh
		return aws.NopRetryer{}
	}
	attempts, backoff := c.Attempts, c.MaxBackoff
	if attempts == 0 {
		attempts = DefaultAttempts
	}
	if backoff == 0 {
		backoff = DefaultMaxBackoff
	}
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.Backoff = retry.NewExponentialJitterBackoff(backoff)
		o.MaxBackoff = backoff
	})
}

func (c Config) httpClient() aws.HTTPClient {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	if c.Transport != nil {
		// A redirect is an error, as it should be for signed requests.
		stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		return &http.Client{Transport: c.Transport, Timeout: timeout, CheckRedirect: stay}
	}
	return awshttp.NewBuildableClient().WithTimeout(timeout).WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = 64
	})
}
