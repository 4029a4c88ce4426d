package gateclient_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/gateclient"
)

// TestARequestSaysWhatTheSDKsClientSays: to the same address, the same operation with the same document, for any input that the client takes.
func TestARequestSaysWhatTheSDKsClientSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func(label string) *string {
			if rapid.Bool().Draw(t, "without "+label) {
				return nil
			}
			s := genText(t, label)
			return &s
		}
		table, key, depth := genText(t, "table"), genItem(t, 2), 2
		var names map[string]string
		if rapid.Bool().Draw(t, "names") {
			names = map[string]string{genText(t, "short"): genText(t, "long"), genText(t, "short 2"): genText(t, "long 2")}
		}
		var values dynamo.Item
		if rapid.Bool().Draw(t, "values") {
			values = genItem(t, depth)
		}
		get := &dynamodb.GetItemInput{TableName: &table, Key: key}
		if rapid.Bool().Draw(t, "says how consistent") {
			get.ConsistentRead = aws.Bool(rapid.Bool().Draw(t, "consistent"))
		}
		put := &dynamodb.PutItemInput{TableName: &table, Item: key}
		update := &dynamodb.UpdateItemInput{
			TableName: &table, Key: key, UpdateExpression: text("update"), ConditionExpression: text("condition"), ExpressionAttributeNames: names, ExpressionAttributeValues: values,
			ReturnValues:                        types.ReturnValue(rapid.SampledFrom([]string{"", "ALL_OLD", "UPDATED_NEW", "any"}).Draw(t, "returned")),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailure(rapid.SampledFrom([]string{"", "ALL_OLD"}).Draw(t, "on failure")),
		}
		w := &wire{}
		gate, sdk := both(access, w)
		for _, call := range []func(client) error{
			func(c client) error { _, err := c.GetItem(t.Context(), get); return err },
			func(c client) error { _, err := c.PutItem(t.Context(), put); return err },
			func(c client) error { _, err := c.UpdateItem(t.Context(), update); return err },
		} {
			if err := call(sdk); err != nil {
				t.Fatal(err)
			}
			want, wanted := w.body, w.request
			if err := call(gate); err != nil {
				t.Fatal(err)
			}
			got, asked := w.body, w.request
			if !reflect.DeepEqual(documentOf(t, got), documentOf(t, want)) || !utf8.Valid(got) {
				t.Fatalf("sent\n%s\nwant\n%s", got, want)
			}
			if asked.Method != wanted.Method || asked.URL.String() != wanted.URL.String() || asked.ContentLength != int64(len(got)) {
				t.Fatalf("sent by %s to %s, %d bytes", asked.Method, asked.URL, asked.ContentLength)
			}
			for _, name := range []string{"X-Amz-Target", "Content-Type", "Accept-Encoding", "X-Amz-Security-Token"} {
				if asked.Header.Get(name) != wanted.Header.Get(name) {
					t.Fatalf("%s: %q, want %q", name, asked.Header.Get(name), wanted.Header.Get(name))
				}
			}
			if _ = call(gate); !bytes.Equal(w.body, got) {
				t.Fatalf("once\n%s\nand once\n%s", got, w.body)
			}
		}
	})
}

func documentOf(t *rapid.T, raw []byte) any {
	var document any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&document); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return document
}

// TestASignatureIsTheSDKsOwn, of any credentials, region, body and time.
func TestASignatureIsTheSDKsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "time"), 0).In(time.FixedZone("", rapid.IntRange(-50000, 50000).Draw(t, "zone")))
		c := dynamo.Config{
			Region: rapid.StringMatching(`[a-z][a-z0-9-]{0,20}`).Draw(t, "region"), AccessKey: rapid.StringMatching(`[A-Z0-9]{1,20}`).Draw(t, "id"),
			SecretKey: rapid.StringN(1, 40, -1).Draw(t, "secret"), SessionToken: rapid.SampledFrom([]string{"", rapid.StringMatching(`[A-Za-z0-9/+=]{1,400}`).Draw(t, "token")}).Draw(t, "with a token"),
			Endpoint: rapid.SampledFrom([]string{"https://dynamodb.eu-west-1.amazonaws.com", "http://127.0.0.1:8000", "http://store:80/", "https://[::1]:443", "https://store.example:8443"}).Draw(t, "endpoint"),
		}
		w := &wire{}
		gate := gateclient.New(c, w, func() time.Time { return at })
		if _, err := gate.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("t"), Item: genItem(t, 1)}); err != nil {
			t.Fatal(err)
		}
		got, again := w.request, w.request.Clone(t.Context())
		for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} { // which the signer sets
			again.Header.Del(name)
		}
		sum := sha256.Sum256(w.body)
		credentials := aws.Credentials{AccessKeyID: c.AccessKey, SecretAccessKey: c.SecretKey, SessionToken: c.SessionToken}
		if err := v4.NewSigner().SignHTTP(t.Context(), credentials, again, hex.EncodeToString(sum[:]), "dynamodb", c.Region, at.UTC()); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Header, again.Header) || got.Host != again.Host {
			t.Fatalf("sent to %s\n%v\nwant %s\n%v", got.Host, got.Header, again.Host, again.Header)
		}
	})
}

// TestNoFieldOfAnInputIsLeftOut: each is in the request, or the call is refused. A field that a later version of the SDK adds, too.
func TestNoFieldOfAnInputIsLeftOut(t *testing.T) {
	w := &wire{}
	gate, _ := both(access, w)
	calls := map[reflect.Type]func(any) error{
		reflect.TypeFor[dynamodb.GetItemInput](): func(in any) error { _, err := gate.GetItem(t.Context(), in.(*dynamodb.GetItemInput)); return err },
		reflect.TypeFor[dynamodb.PutItemInput](): func(in any) error { _, err := gate.PutItem(t.Context(), in.(*dynamodb.PutItemInput)); return err },
		reflect.TypeFor[dynamodb.UpdateItemInput](): func(in any) error {
			_, err := gate.UpdateItem(t.Context(), in.(*dynamodb.UpdateItemInput))
			return err
		},
	}
	taken := map[string]bool{}
	for kind, call := range calls {
		for i := range kind.NumField() {
			field := kind.Field(i)
			if !field.IsExported() || field.Name == "TableName" || field.Name == "Key" || field.Name == "Item" {
				continue
			}
			in := reflect.New(kind)
			for _, name := range []string{"Key", "Item"} {
				if f := in.Elem().FieldByName(name); f.IsValid() {
					f.Set(reflect.ValueOf(dynamo.Item{"pk": dynamo.S("x")}))
				}
			}
			in.Elem().FieldByName("TableName").Set(reflect.ValueOf(aws.String("t")))
			fill(t, in.Elem().Field(i))
			name, calls := kind.Name()+"."+field.Name, w.calls
			err := call(in.Interface())
			switch {
			case err == nil && bytes.Contains(w.body, []byte(`"`+field.Name+`":`)):
				taken[name] = true
			case err == nil || w.calls != calls:
				t.Errorf("%s is left out: %v, %s", name, err, w.body)
			}
		}
	}
	want := map[string]bool{
		"GetItemInput.ConsistentRead": true, "UpdateItemInput.UpdateExpression": true, "UpdateItemInput.ConditionExpression": true, "UpdateItemInput.ReturnValues": true,
		"UpdateItemInput.ExpressionAttributeNames": true, "UpdateItemInput.ExpressionAttributeValues": true, "UpdateItemInput.ReturnValuesOnConditionCheckFailure": true,
	}
	if !reflect.DeepEqual(taken, want) {
		t.Errorf("taken are %v, want %v", taken, want)
	}
}

// fill sets a field to something.
func fill(t *testing.T, f reflect.Value) {
	t.Helper()
	switch f.Kind() {
	case reflect.String:
		f.SetString("X")
	case reflect.Pointer:
		f.Set(reflect.New(f.Type().Elem()))
	case reflect.Slice:
		f.Set(reflect.MakeSlice(f.Type(), 0, 0))
	case reflect.Map:
		f.Set(reflect.MakeMap(f.Type()))
	default:
		t.Fatalf("a field of kind %s", f.Kind())
	}
}

// TestACallThatCannotBeWrittenIsNotMade: it lacks what it needs, or an attribute has no value.
func TestACallThatCannotBeWrittenIsNotMade(t *testing.T) {
	w := &wire{}
	gate, _ := both(access, w)
	table, key := aws.String("t"), dynamo.Item{"pk": dynamo.S("x")}
	get := func(in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) error {
		_, err := gate.GetItem(t.Context(), in, o...)
		return err
	}
	put := func(item dynamo.Item) error {
		_, err := gate.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: item})
		return err
	}
	update := func(in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) error {
		_, err := gate.UpdateItem(t.Context(), in, o...)
		return err
	}
	option := func(*dynamodb.Options) {}
	_, nilPut := gate.PutItem(t.Context(), nil)
	_, putOption := gate.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: key}, option)
	for what, err := range map[string]error{
		"nothing to get": get(nil), "nothing to update": update(nil), "nothing to put": nilPut, "an option": get(&dynamodb.GetItemInput{TableName: table, Key: key}, option),
		"an option of an update": update(&dynamodb.UpdateItemInput{TableName: table, Key: key}, option), "an option of a put": putOption,
		"no table": get(&dynamodb.GetItemInput{Key: key}), "no key": get(&dynamodb.GetItemInput{TableName: table}), "no table to update": update(&dynamodb.UpdateItemInput{Key: key}),
		"no key to update": update(&dynamodb.UpdateItemInput{TableName: table}), "no item": put(nil), "no value": put(dynamo.Item{"a": nil}),
		"a nil S": put(dynamo.Item{"a": (*types.AttributeValueMemberS)(nil)}), "a nil N": put(dynamo.Item{"a": (*types.AttributeValueMemberN)(nil)}),
		"a nil B": put(dynamo.Item{"a": (*types.AttributeValueMemberB)(nil)}), "a nil BOOL": put(dynamo.Item{"a": (*types.AttributeValueMemberBOOL)(nil)}),
		"a nil NULL": put(dynamo.Item{"a": (*types.AttributeValueMemberNULL)(nil)}), "a nil M": put(dynamo.Item{"a": (*types.AttributeValueMemberM)(nil)}),
		"a nil L": put(dynamo.Item{"a": (*types.AttributeValueMemberL)(nil)}), "a nil SS": put(dynamo.Item{"a": (*types.AttributeValueMemberSS)(nil)}),
		"a nil NS": put(dynamo.Item{"a": (*types.AttributeValueMemberNS)(nil)}), "a nil BS": put(dynamo.Item{"a": (*types.AttributeValueMemberBS)(nil)}),
		"an unknown type":  put(dynamo.Item{"a": &types.UnknownUnionMember{Tag: "X"}}),
		"none in a list":   put(dynamo.Item{"a": &types.AttributeValueMemberL{Value: []types.AttributeValue{nil}}}),
		"none in a map":    put(dynamo.Item{"a": &types.AttributeValueMemberM{Value: dynamo.Item{"b": nil}}}),
		"none of a filter": update(&dynamodb.UpdateItemInput{TableName: table, Key: key, ExpressionAttributeValues: dynamo.Item{":a": nil}}),
	} {
		if err == nil {
			t.Errorf("%s: taken", what)
		}
	}
	if w.calls != 0 {
		t.Errorf("%d calls were made", w.calls)
	}
}

// TestWithoutCredentialsOrAnEndpointEachCallSaysSo, and none is made.
func TestWithoutCredentialsOrAnEndpointEachCallSaysSo(t *testing.T) {
	for what, tt := range map[string]struct {
		config dynamo.Config
		want   error
	}{
		"no credentials": {dynamo.Config{Region: "eu-west-1"}, dynamo.ErrNoCredentials},
		"no secret":      {dynamo.Config{Region: "eu-west-1", AccessKey: "id"}, dynamo.ErrNoCredentials},
		"no id":          {dynamo.Config{Region: "eu-west-1", SecretKey: "s"}, dynamo.ErrNoCredentials},
		"no region":      {dynamo.Config{AccessKey: "id", SecretKey: "s"}, gateclient.ErrEndpoint},
		"no URL":         {dynamo.Config{Region: "eu-west-1", AccessKey: "id", SecretKey: "s", Endpoint: "http://[::1"}, gateclient.ErrEndpoint},
	} {
		w := &wire{}
		gate := gateclient.New(tt.config, w, time.Now)
		for operation, call := range operations {
			if _, err := call(t.Context(), gate); !errors.Is(err, tt.want) || w.calls != 0 {
				t.Errorf("%s, %s: %v after %d calls", what, operation, err, w.calls)
			}
		}
	}
}

// TestARequestCannotBeSentAgain: net/http repeats one that has GetBody where a connection broke, and what may have been written would take tokens again.
func TestARequestCannotBeSentAgain(t *testing.T) {
	w := &wire{}
	gate, sdk := both(access, w)
	for _, c := range []client{gate, sdk} {
		if _, err := operations["UpdateItem"](t.Context(), c); err != nil || w.request.GetBody != nil || w.request.Header.Get("Idempotency-Key") != "" {
			t.Errorf("%T: %v, GetBody %v", c, err, w.request.GetBody != nil)
		}
	}
}

// TestNoErrorHasASecret: neither those of the transport nor what AWS quotes of a request whose signature it doesn't know.
func TestNoErrorHasASecret(t *testing.T) {
	w := &wire{
		status: http.StatusBadRequest,
		answer: []byte(`{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"The Canonical String should have been 'POST\nx-amz-security-token:the-token\n'"}`),
	}
	answers := map[string]http.RoundTripper{
		"a refusal": w, "no answer": transport(func(*http.Request) (*http.Response, error) { return nil, errGone }), "a header that can't be sent": http.DefaultTransport,
	}
	for what, do := range answers {
		c := access
		c.Endpoint = "http://127.0.0.1:1"
		if what == "a header that can't be sent" {
			c.SessionToken = "the-token\n"
		}
		_, err := operations["GetItem"](t.Context(), gateclient.New(c, do, time.Now))
		if err == nil || strings.Contains(err.Error(), "the-token") || strings.Contains(err.Error(), "the-secret") {
			t.Errorf("%s: %v", what, err)
		}
	}
	c := access
	c.Endpoint = "https://user:the-secret@store.example"
	if _, err := gateclient.Endpoint(c); err == nil || strings.Contains(err.Error(), "the-secret") {
		t.Errorf("an endpoint with a password: %v", err)
	}
}
