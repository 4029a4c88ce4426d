package dynamo_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"latchkey/shared/dynamo"
	"latchkey/shared/moment"
)

// script answers each call with the next error, and the last for ever.
type script struct {
	answers []error
	tokens  map[string]int
	calls   int
}

func (s *script) TransactWriteItems(_ context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if s.tokens == nil {
		s.tokens = map[string]int{}
	}
	s.tokens[*in.ClientRequestToken]++
	answer := s.answers[min(s.calls, len(s.answers)-1)]
	s.calls++
	return &dynamodb.TransactWriteItemsOutput{}, answer
}

func cancelled(codes ...string) error {
	reasons := make([]types.CancellationReason, len(codes))
	for i := range codes {
		reasons[i].Code = &codes[i]
	}
	return &types.TransactionCanceledException{CancellationReasons: reasons}
}

func TestTransactTellsWhatHappened(t *testing.T) {
	server := &smithy.GenericAPIError{Code: "InternalServerError", Fault: smithy.FaultServer}
	refusal := &smithy.GenericAPIError{Code: "ValidationException", Fault: smithy.FaultClient}
	for name, c := range map[string]struct {
		answers []error
		want    error // nil, or what the error is
		calls   int
	}{
		"done at once":                      {[]error{nil}, nil, 1},
		"conflict once":                     {[]error{cancelled("None", "TransactionConflict"), nil}, nil, 2},
		"conflict for ever":                 {[]error{cancelled("TransactionConflict", "None")}, dynamo.ErrConflict, 8},
		"throttled, then done":              {[]error{cancelled("ThrottlingError"), nil}, nil, 2},
		"conflict hides a condition":        {[]error{cancelled("ConditionalCheckFailed", "TransactionConflict"), nil}, nil, 2},
		"a condition after a conflict":      {[]error{cancelled("TransactionConflict", "ConditionalCheckFailed"), nil}, nil, 2},
		"lost once":                         {[]error{io.ErrUnexpectedEOF, nil}, nil, 2},
		"lost for ever":                     {[]error{io.ErrUnexpectedEOF}, dynamo.ErrUnknown, 3},
		"broken server for ever":            {[]error{server}, dynamo.ErrUnknown, 3},
		"lost, then conflicts for ever":     {[]error{io.ErrUnexpectedEOF, cancelled("TransactionConflict")}, dynamo.ErrUnknown, 8},
		"refused":                           {[]error{refusal}, refusal, 1},
		"token in use by another request":   {[]error{&types.IdempotentParameterMismatchException{}}, &types.IdempotentParameterMismatchException{}, 1},
		"its own first try is still going":  {[]error{&types.TransactionInProgressException{}, nil}, nil, 2},
		"an item was refused":               {[]error{cancelled("None", "ValidationError")}, nil, 1},
		"a table's capacity, then done":     {[]error{cancelled("None", "ProvisionedThroughputExceeded"), nil}, nil, 2},
		"an account's limit, then done":     {[]error{cancelled("RequestLimitExceeded"), nil}, nil, 2},
		"it may not":                        {[]error{&smithy.GenericAPIError{Code: "AccessDeniedException"}}, &smithy.GenericAPIError{Code: "AccessDeniedException"}, 1},
		"there is no table":                 {[]error{&types.ResourceNotFoundException{}}, &smithy.GenericAPIError{Code: "ResourceNotFoundException"}, 1},
		"a conflict of the whole request":   {[]error{&smithy.GenericAPIError{Code: "TransactionConflictException"}, nil}, nil, 2},
		"conflicts, then lost for ever":     {[]error{cancelled("TransactionConflict"), cancelled("TransactionConflict"), io.ErrUnexpectedEOF}, dynamo.ErrUnknown, 5},
		"a cancellation without any reason": {[]error{cancelled()}, dynamo.ErrUnknown, 3},

		// Each word for a table that has no time now, and for what no repetition changes. A refusal counts wherever it stands.
		"throttled for ever":                                   {[]error{cancelled("ThrottlingError")}, dynamo.ErrConflict, 8},
		"no throughput for ever":                               {[]error{cancelled("None", "ProvisionedThroughputExceeded")}, dynamo.ErrConflict, 8},
		"too many requests for ever":                           {[]error{cancelled("RequestLimitExceeded")}, dynamo.ErrConflict, 8},
		"a conflict as an error for ever":                      {[]error{&types.TransactionConflictException{}}, dynamo.ErrConflict, 8},
		"still going for ever":                                 {[]error{&types.TransactionInProgressException{}}, dynamo.ErrConflict, 8},
		"an item was refused: its list":                        {[]error{cancelled("ItemCollectionSizeLimitExceeded")}, nil, 1},
		"an item was refused, then a conflict and a condition": {[]error{cancelled("ValidationError", "TransactionConflict", "ConditionalCheckFailed")}, nil, 1},
		"an item was refused behind a conflict":                {[]error{cancelled("TransactionConflict", "ConditionalCheckFailed", "ValidationError")}, nil, 1},
		"a table that isn't there":                             {[]error{&types.ResourceNotFoundException{}}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: c.answers}
				err := dynamo.Transact(t.Context(), s, "token", []types.TransactWriteItem{{}})
				switch {
				case c.calls == 1 && c.want == nil && c.answers[0] != nil: // refused
					var conditions *dynamo.Cancelled
					if err == nil || errors.Is(err, dynamo.ErrConflict) || errors.Is(err, dynamo.ErrUnknown) || errors.As(err, &conditions) {
						t.Fatalf("got %v, want a refusal", err)
					}
				case c.want == nil && err != nil, c.want != nil && !errors.Is(err, c.want) && !sameType(err, c.want):
					t.Fatalf("got %v, want %v", err, c.want)
				}
				if s.calls != c.calls || s.tokens["token"] != c.calls {
					t.Fatalf("%d calls with tokens %v, want %d with the same one", s.calls, s.tokens, c.calls)
				}
			})
		})
	}
}

func sameType(err, want error) bool {
	var mismatch *types.IdempotentParameterMismatchException
	if errors.As(err, &mismatch) && errors.As(want, &mismatch) {
		return true
	}
	var got, wanted smithy.APIError // as it came: neither a conflict nor unknown
	return errors.As(err, &got) && errors.As(want, &wanted) && got.ErrorCode() == wanted.ErrorCode() && !errors.Is(err, dynamo.ErrUnknown) && !errors.Is(err, dynamo.ErrConflict)
}

// TestARefusedItemIsNoConflictWhateverElseIsSaid: it would be refused again. A refusal is neither a condition that didn't hold.
func TestARefusedItemIsNoConflictWhateverElseIsSaid(t *testing.T) {
	for _, reasons := range [][]string{
		{"ValidationError", "TransactionConflict"},
		{"TransactionConflict", "ValidationError"},
		{"ConditionalCheckFailed", "ValidationError"},
		{"ValidationError", "ConditionalCheckFailed"},
		{"ItemCollectionSizeLimitExceeded"},
		{"ItemCollectionSizeLimitExceeded", "ThrottlingError"},
	} {
		s := &script{answers: []error{cancelled(reasons...)}}
		err := dynamo.Transact(t.Context(), s, "token", []types.TransactWriteItem{{}})
		var conditions *dynamo.Cancelled
		if err == nil || s.calls != 1 || errors.Is(err, dynamo.ErrConflict) || errors.Is(err, dynamo.ErrUnknown) || errors.As(err, &conditions) {
			t.Errorf("%v: %d calls, %v", reasons, s.calls, err)
		}
	}
}

func TestTransactNamesTheFailedConditions(t *testing.T) {
	old := dynamo.Item{"pk": dynamo.S("x")}
	failed, none := "ConditionalCheckFailed", "None"
	s := &script{answers: []error{&types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{
		{Code: &none}, {Code: &failed, Item: old},
	}}}}
	err := dynamo.Transact(t.Context(), s, "token", make([]types.TransactWriteItem, 2))
	var c *dynamo.Cancelled
	if !errors.As(err, &c) || len(c.Reasons) != 2 || c.Reasons[0].Failed || !c.Reasons[1].Failed || c.Reasons[1].Old["pk"] == nil {
		t.Fatalf("got %v, %+v", err, c)
	}
	if !strings.Contains(err.Error(), " 1") {
		t.Fatalf("error text %q", err)
	}
}

func TestTransactGivesUpWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for want, answer := range map[error]error{dynamo.ErrConflict: cancelled("TransactionConflict"), dynamo.ErrUnknown: io.ErrUnexpectedEOF} {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			s := &script{answers: []error{answer}}
			err := dynamo.Transact(ctx, s, "token", nil)
			if !errors.Is(err, want) || s.calls != 1 {
				t.Fatalf("%d calls, %v, want %v", s.calls, err, want)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		s := &script{answers: []error{io.ErrUnexpectedEOF, cancelled("TransactionConflict")}} // the first may have been written
		if err := dynamo.Transact(ctx, s, "token", nil); !errors.Is(err, dynamo.ErrUnknown) || s.calls >= 8 {
			t.Fatalf("%d calls, %v", s.calls, err)
		}
	})
}

func TestPauseIsShortAndStaysWithinItsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for attempt := 1; attempt < 20; attempt++ {
			began := time.Now()
			if err := dynamo.Pause(t.Context(), attempt); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(began); d <= 0 || d > 401*time.Millisecond {
				t.Fatalf("attempt %d waited %v", attempt, d)
			}
		}
	})
}

func TestTimesSortAsTexts(t *testing.T) {
	base := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("x", 3600))
	last := ""
	for _, d := range []time.Duration{0, time.Millisecond, 10 * time.Millisecond, time.Second, time.Hour, 24 * 365 * time.Hour} {
		text := moment.Format(base.Add(d))
		if text <= last {
			t.Fatalf("%q after %q", text, last)
		}
		back, err := dynamo.ParseTime(text)
		if err != nil || !back.Equal(base.Add(d)) {
			t.Fatalf("%v, %v", back, err)
		}
		last = text
	}
	if moment.Format(time.Time{}) != "" {
		t.Fatal("the zero time has a text")
	}
}

func TestConfigComesFromTheGivenEnvironmentAlone(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "/nowhere")
	t.Setenv("AWS_REGION", "wrong")
	env := map[string]string{
		"AWS_REGION": "eu-west-1", "DYNAMODB_ENDPOINT": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "token",
		"CONTROL_TABLE": "c", "GATE_TABLE": "g", "LEASES_TABLE": "l", "QUOTAS_TABLE": "q", "SLICES_TABLE": "s", "COUNTERS_TABLE": "n", "STATEMENTS_TABLE": "t", "SESSIONS_TABLE": "e",
	}
	get := func(name string) string { return env[name] }
	options := dynamo.NewClient(dynamo.FromEnv(get)).Options()
	if options.Region != "eu-west-1" || *options.BaseEndpoint != "http://127.0.0.1:1" || options.Retryer.MaxAttempts() != 3 {
		t.Fatalf("%+v", options)
	}
	credentials, err := options.Credentials.Retrieve(t.Context())
	if err != nil || credentials.AccessKeyID != "id" || credentials.SecretAccessKey != "s" || credentials.SessionToken != "token" {
		t.Fatalf("%+v, %v", credentials, err)
	}
	if client, ok := options.HTTPClient.(*awshttp.BuildableClient); !ok || client.GetTimeout() != dynamo.DefaultTimeout || client.GetTransport().MaxIdleConnsPerHost != 64 {
		t.Errorf("%+v", options.HTTPClient)
	}
	shorter := dynamo.NewClient(dynamo.Config{Timeout: time.Second, Transport: http.DefaultTransport, Attempts: 7}).Options()
	if client, ok := shorter.HTTPClient.(*http.Client); !ok || client.Timeout != time.Second || shorter.Retryer.MaxAttempts() != 7 {
		t.Errorf("%+v", shorter.HTTPClient)
	}
	if got := dynamo.TablesFromEnv(get); got != (dynamo.Tables{Control: "c", Gate: "g", Leases: "l", Quotas: "q", Slices: "s", Counters: "n", Statements: "t", Sessions: "e"}) {
		t.Fatalf("%+v", got)
	}
	none := dynamo.NewClient(dynamo.FromEnv(func(string) string { return "" })).Options()
	if _, err := none.Credentials.Retrieve(t.Context()); err == nil || none.BaseEndpoint != nil {
		t.Fatal("credentials from nowhere")
	}
}

func TestAKnownEndpointIsCalledAsItIsAndTheRegionIsSignedFor(t *testing.T) {
	var host, signature string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, signature = r.Host, r.Header.Get("Authorization")
		_, _ = w.Write([]byte("{}"))
	}))
	defer server.Close()
	get := func(attempts int, url string) error {
		db := dynamo.NewClient(dynamo.Config{Region: "cn-north-1", Endpoint: url, AccessKey: "id", SecretKey: "s", Attempts: attempts})
		_, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName: aws.String("t"), Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "x"}},
		})
		return err
	}
	for _, attempts := range []int{1, 3} {
		host, signature = "", ""
		err := get(attempts, server.URL)
		if err != nil || "http://"+host != server.URL || !strings.Contains(signature, "/cn-north-1/dynamodb/aws4_request") {
			t.Errorf("%d attempts: host %q, signature %q, %v", attempts, host, signature, err)
		}
	}
	if err := get(1, "http://[::1"); err == nil || !strings.Contains(err.Error(), "dynamo: endpoint") {
		t.Errorf("an endpoint that is no URL: %v", err)
	}
}
