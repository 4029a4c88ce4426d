package gateclient_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/gateclient"
)

var access = dynamo.Config{Region: "eu-west-1", Endpoint: "https://dynamodb.eu-west-1.amazonaws.com", AccessKey: "id", SecretKey: "the-secret", SessionToken: "the-token", Attempts: 1}

// client has the calls of both clients.
type client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// both are the gate's client and the SDK's, on one transport.
func both(c dynamo.Config, do http.RoundTripper) (gate, sdk client) {
	c.Transport = do
	return gateclient.New(c, do, time.Now), dynamo.NewClient(c)
}

// wire is a transport that keeps the last request and has one answer for all.
type wire struct {
	request *http.Request
	body    []byte
	calls   int

	status int
	header http.Header
	answer []byte
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.request, w.body = r, nil
	w.calls++
	if r.Body != nil {
		w.body, _ = io.ReadAll(r.Body)
	}
	status, header := w.status, w.header
	if status == 0 {
		status = http.StatusOK
	}
	if header == nil {
		header = http.Header{}
	}
	answer := w.answer
	if answer == nil {
		answer = []byte("{}")
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(answer)), Request: r}, nil
}

// operations make one call each and give the item of its output.
var operations = map[string]func(context.Context, client) (dynamo.Item, error){
	"GetItem": func(ctx context.Context, c client) (dynamo.Item, error) {
		out, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("t"), Key: dynamo.Item{"pk": dynamo.S("x")}})
		if err != nil {
			return nil, err
		}
		return out.Item, nil
	},
	"PutItem": func(ctx context.Context, c client) (dynamo.Item, error) {
		out, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("t"), Item: dynamo.Item{"pk": dynamo.S("x")}})
		if err != nil {
			return nil, err
		}
		return out.Attributes, nil
	},
	"UpdateItem": func(ctx context.Context, c client) (dynamo.Item, error) {
		out, err := c.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: aws.String("t"), Key: dynamo.Item{"pk": dynamo.S("x")}})
		if err != nil {
			return nil, err
		}
		return out.Attributes, nil
	},
}

// itemIn is the member of an operation's answer that holds the item.
func itemIn(operation string) string {
	if operation == "GetItem" {
		return "Item"
	}
	return "Attributes"
}

func genText(t *rapid.T, label string) string {
	if rapid.IntRange(0, 3).Draw(t, label+" is special") == 0 {
		return rapid.SampledFrom([]string{"", `"`, `\`, "\x00\x1f\x7f\b\f\n\r\t", "\u2028\u2029", "<&>", "é\xff\xc3(\xe2\x82", "\U0001F600\uFFFD", "/", strings.Repeat("a", 300)}).Draw(t, label)
	}
	return rapid.String().Draw(t, label)
}

func genItem(t *rapid.T, depth int) dynamo.Item {
	item := dynamo.Item{}
	for range rapid.IntRange(0, 4).Draw(t, "attributes") {
		item[genText(t, "name")] = genValue(t, depth)
	}
	return item
}

func genValue(t *rapid.T, depth int) types.AttributeValue {
	texts := func() []string {
		list := []string{}
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			list = append(list, genText(t, "element"))
		}
		return list
	}
	kind := rapid.IntRange(0, 9).Draw(t, "kind")
	if depth == 0 {
		kind %= 8
	}
	switch kind {
	case 0:
		return &types.AttributeValueMemberN{Value: rapid.StringMatching(`-?[0-9]{1,38}(\.[0-9]{1,5})?`).Draw(t, "number")}
	case 1:
		return &types.AttributeValueMemberBOOL{Value: rapid.Bool().Draw(t, "bool")}
	case 2:
		return &types.AttributeValueMemberNULL{Value: rapid.Bool().Draw(t, "null")}
	case 3:
		return &types.AttributeValueMemberB{Value: rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")}
	case 4:
		return &types.AttributeValueMemberSS{Value: texts()}
	case 5:
		return &types.AttributeValueMemberNS{Value: texts()}
	case 6:
		return &types.AttributeValueMemberBS{Value: rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 0, 3).Draw(t, "list of bytes")}
	case 8:
		return &types.AttributeValueMemberM{Value: genItem(t, depth-1)}
	case 9:
		list := []types.AttributeValue{}
		for range rapid.IntRange(0, 3).Draw(t, "list") {
			list = append(list, genValue(t, depth-1))
		}
		return &types.AttributeValueMemberL{Value: list}
	default:
		return dynamo.S(genText(t, "text"))
	}
}

var errGone = errors.New("connection reset by peer")

// transport is a function as a RoundTripper.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// check fails the test for each call that doesn't end by an error.
func check(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}
