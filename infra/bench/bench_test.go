package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/policies"
)

func client(s *store) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(s.url),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "bench", SecretAccessKey: "bench"}, nil
		}),
	})
}

func testStore(t *testing.T) (event []byte, s *store) {
	t.Helper()
	known, err := fixture(10_000)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = newStore(known); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return known.plain.event, s
}

func TestEventIsRealisticAndItsSecretIsInTheStore(t *testing.T) {
	event, s := testStore(t)
	if len(event) < 3000 || len(event) > 4000 {
		t.Errorf("the event has %d bytes, want about 3500", len(event))
	}
	var r events.APIGatewayCustomAuthorizerRequestTypeRequest
	if err := json.Unmarshal(event, &r); err != nil {
		t.Fatal(err)
	}
	secret, err := apikey.Prefix("ak").Parse(r.QueryStringParameters["key"])
	if err != nil {
		t.Fatal(err)
	}
	policy, found, err := policies.New(client(s), "gate").Policy(t.Context(), secret.Hash())
	if err != nil || !found {
		t.Fatalf("found %v, %v", found, err)
	}
	if policy.Hash != secret.Hash() || len(policy.Products) != 3 || len(policy.Limits) != 1 {
		t.Errorf("%+v", policy)
	}
	if s.calls() != 1 {
		t.Errorf("counted %d calls of 1", s.calls())
	}
}

func TestStoreAnswersAnUpdateAsIfItWereTheFirst(t *testing.T) {
	_, s := testStore(t)
	out, err := client(s).UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String("leases"), Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "x"}},
		UpdateExpression:         aws.String("SET #w = :w ADD used :n"),
		ExpressionAttributeNames: map[string]string{"#w": "window"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":n": &types.AttributeValueMemberN{Value: "12"}, ":w": &types.AttributeValueMemberN{Value: "3"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	used, _ := out.Attributes["used"].(*types.AttributeValueMemberN)
	window, _ := out.Attributes["window"].(*types.AttributeValueMemberN)
	if used == nil || used.Value != "12" || window == nil || window.Value != "3" {
		t.Errorf("%+v", out.Attributes)
	}
}

func TestRuntimeAPIHandsOutAnEventAndTimesTheAnswer(t *testing.T) {
	api, err := newRuntimeAPI()
	if err != nil {
		t.Fatal(err)
	}
	defer api.close()
	base := "http://" + api.address() + "/2018-06-01/runtime/invocation/"
	go func() { // a runtime client of two invocations: an answer in chunks, then an error
		for _, end := range []string{"/response", "/error"} {
			r, err := http.Get(base + "next")
			if err != nil {
				return
			}
			event, _ := io.ReadAll(r.Body)
			_ = r.Body.Close()
			answer := io.MultiReader(strings.NewReader("got "), strings.NewReader(string(event)))
			if r, err = http.Post(base+r.Header.Get("Lambda-Runtime-Aws-Request-Id")+end, "application/json", answer); err != nil {
				return
			}
			_ = r.Body.Close()
		}
	}()
	if err := api.ready(); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	got, err := api.invoke([]byte(`"event"`))
	if err != nil || string(got.body) != `got "event"` {
		t.Fatalf("%q, %v", got.body, err)
	}
	if got.took <= 0 || got.took > time.Since(before) {
		t.Errorf("took %v of %v", got.took, time.Since(before))
	}
	if err := api.ready(); err != nil {
		t.Fatal(err)
	}
	if _, err := api.invoke([]byte("{}")); err == nil {
		t.Error("an error was taken for an answer")
	}
}

func TestQuantiles(t *testing.T) {
	var samples []time.Duration
	for i := 100; i > 0; i-- {
		samples = append(samples, time.Duration(i))
	}
	for share, want := range map[float64]time.Duration{0: 1, 0.5: 51, 0.99: 100, 1: 100} {
		if got := quantile(samples, share); got != want {
			t.Errorf("quantile %v is %d, want %d", share, got, want)
		}
	}
	if quantile(nil, 0.5) != 0 {
		t.Error("no samples have a quantile")
	}
}

// TestTheLimitedCallerIsHeldByAllKinds: otherwise its row would tell of a call that only looks like one.
func TestTheLimitedCallerIsHeldByAllKinds(t *testing.T) {
	known, err := fixture(10_000)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newStore(known)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	reader := policies.New(client(s), "gate")
	for name, limited := range map[string]bool{"plain": false, "limited": true} {
		one := known.plain
		if limited {
			one = known.limited
		}
		hash, err := apikey.ParseHash(one.hash)
		if err != nil {
			t.Fatal(err)
		}
		policy, found, err := reader.Policy(t.Context(), hash)
		if err != nil || !found || policy.Account != one.account || len(policy.Limits) != 1 || len(policy.Caps) > 0 != limited {
			t.Errorf("%s: its key is %+v, %v, %v", name, policy, found, err)
		}
		account, found, err := reader.Account(t.Context(), one.account)
		if err != nil || !found || account.ID != one.account || len(account.Limits) > 0 != limited || len(account.Quotas) > 0 != limited {
			t.Errorf("%s: its account is %+v, %v, %v", name, account, found, err)
		}
	}
}
