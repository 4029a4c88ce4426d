package eventbus

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"latchkey/infra/local/iam"
	"latchkey/infra/local/template"
)

// harness is a bus and the SDK's own client of it.
func harness(t *testing.T, cfg Config) (*Bus, *eventbridge.Client) {
	t.Helper()
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(b)
	t.Cleanup(func() { srv.Close(); b.Close() })
	return b, eventbridge.New(eventbridge.Options{
		Region: "us-east-1", BaseEndpoint: &srv.URL, HTTPClient: srv.Client(), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
}

func good(detail string) types.PutEventsRequestEntry {
	return types.PutEventsRequestEntry{Source: aws.String("latchkey"), DetailType: aws.String("Key Created"), Detail: &detail}
}

func TestEventsReachCallbackAndFileInOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events.jsonl")
	var got []Event
	_, c := harness(t, Config{File: file, Region: "eu-west-1", OnEvent: func(e Event) { got = append(got, e) }})
	at := time.Date(2026, 11, 1, 12, 0, 0, 5e8, time.UTC)
	first := good(`{"n":1}`)
	first.Time, first.Resources, first.EventBusName = &at, []string{"arn:x"}, aws.String("bus")
	out, err := c.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{first, good(`{"n":2}`)}})
	if err != nil {
		t.Fatal(err)
	}
	if out.FailedEntryCount != 0 || len(out.Entries) != 2 || len(got) != 2 || *out.Entries[0].EventId != got[0].ID || got[0].ID == got[1].ID {
		t.Fatalf("%+v %+v", out, got)
	}
	if e := got[0]; e.Bus != "bus" || !e.Time.Equal(at.Truncate(time.Second)) || e.Region != "eu-west-1" || e.Resources[0] != "arn:x" || got[1].Bus != "default" {
		t.Errorf("%+v", got)
	}
	if string(got[0].Detail) != `{"n":1}` || string(got[1].Detail) != `{"n":2}` {
		t.Errorf("called with %q, then %q", got[0].Detail, got[1].Detail)
	}
	raw, _ := os.ReadFile(file)
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	var line map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &line); err != nil || len(lines) != 2 {
		t.Fatalf("%s %v", raw, err)
	}
	if line["version"] != "0" || line["detail-type"] != "Key Created" || line["time"] != "2026-11-01T12:00:00Z" || line["detail"].(map[string]any)["n"] != 1.0 {
		t.Errorf("%v", line)
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestBadEntriesFailAloneWithTheirOwnError(t *testing.T) {
	events := 0
	_, c := harness(t, Config{OnEvent: func(Event) { events++ }})
	noSource, noType, noDetail, theirs := good(`{}`), good(`{}`), good(`{}`), good(`{}`)
	noSource.Source, noType.DetailType, noDetail.Detail, theirs.Source = nil, nil, nil, aws.String("aws.s3")
	out, err := c.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		good(`{"ok":1}`), noSource, noType, noDetail, good(`{`), good(`[]`), good(`null`), theirs, good(`{"ok":2}`),
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"", "InvalidArgument", "InvalidArgument", "InvalidArgument", "MalformedDetail", "MalformedDetail", "MalformedDetail", "NotAuthorizedForSource", ""}
	for i, e := range out.Entries {
		if aws.ToString(e.ErrorCode) != want[i] || (e.EventId == nil) != (want[i] != "") {
			t.Errorf("entry %d: %q %v", i, aws.ToString(e.ErrorCode), aws.ToString(e.EventId))
		}
	}
	if out.FailedEntryCount != 7 || events != 2 {
		t.Errorf("%d failed, %d events", out.FailedEntryCount, events)
	}
}

func TestLimitsOfARequest(t *testing.T) {
	events := 0
	_, c := harness(t, Config{OnEvent: func(Event) { events++ }})
	ten := make([]types.PutEventsRequestEntry, 10)
	for i := range ten {
		ten[i] = good(`{}`)
	}
	overhead := len("latchkey") + len("Key Created") + len(`{"x":""}`)
	exact := good(`{"x":"` + strings.Repeat("x", maxBytes-overhead) + `"}`)
	over := good(`{"x":"` + strings.Repeat("x", maxBytes-overhead+1) + `"}`)
	half := func(more int) types.PutEventsRequestEntry {
		return good(`{"x":"` + strings.Repeat("x", maxBytes/2-overhead+more) + `"}`)
	}
	for name, tc := range map[string]struct {
		entries []types.PutEventsRequestEntry
		ok      bool
	}{
		"256 KB in two": {[]types.PutEventsRequestEntry{half(0), half(0)}, true}, "one byte more in the first of two": {[]types.PutEventsRequestEntry{half(1), half(0)}, false},
		"one byte more in the second of two": {[]types.PutEventsRequestEntry{half(0), half(1)}, false},
		"none":                               {[]types.PutEventsRequestEntry{}, false}, "ten": {ten, true}, "eleven": {append(ten[:10:10], good(`{}`)), false},
		"256 KB": {[]types.PutEventsRequestEntry{exact}, true}, "one byte more": {[]types.PutEventsRequestEntry{over}, false},
	} {
		_, err := c.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: tc.entries})
		var api smithy.APIError
		if tc.ok != (err == nil) || err != nil && (!errors.As(err, &api) || api.ErrorCode() != "ValidationException") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if events != 13 {
		t.Errorf("%d events", events)
	}
}

func TestOtherOperationsAndRubbishGetAClearError(t *testing.T) {
	b, c := harness(t, Config{})
	_, err := c.ListEventBuses(t.Context(), &eventbridge.ListEventBusesInput{})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "UnknownOperationException" || !strings.Contains(api.ErrorMessage(), "ListEventBuses") {
		t.Errorf("%v", err)
	}
	for _, body := range []string{"", "x", `{"Entries":5}`} {
		req := httptest.NewRequest("POST", "/", strings.NewReader(body))
		req.Header.Set("X-Amz-Target", "AWSEvents.PutEvents")
		w := httptest.NewRecorder()
		if b.ServeHTTP(w, req); w.Code != http.StatusBadRequest {
			t.Errorf("%q: %d", body, w.Code)
		}
	}
}

func TestFileThatCannotBeOpenedIsAnError(t *testing.T) {
	if _, err := New(Config{File: filepath.Join(t.TempDir(), "no", "such", "folder")}); err == nil {
		t.Error("no error")
	}
}

// TestAnEventThatCantBeWrittenFails, so that its function puts it again; nobody is told of it, and those after it are written.
func TestAnEventThatCantBeWrittenFails(t *testing.T) {
	told := 0
	file := filepath.Join(t.TempDir(), "events.jsonl")
	b, c := harness(t, Config{File: file, OnEvent: func(Event) { told++ }})
	whole := b.file
	closed, err := os.Create(file + ".closed")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for _, one := range []struct {
		file   *os.File
		failed int32
		told   int
	}{{closed, 1, 0}, {whole, 0, 1}} {
		b.file = one.file
		out, err := c.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{good(`{}`)}})
		if err != nil || out.FailedEntryCount != one.failed || told != one.told {
			t.Fatalf("%+v, %v, told %d times, want %+v", out, err, told, one)
		}
		if e := out.Entries[0]; (aws.ToString(e.ErrorCode) == "InternalFailure") != (one.failed > 0) || (e.EventId == nil) != (one.failed > 0) {
			t.Errorf("%q, %v", aws.ToString(e.ErrorCode), e.EventId)
		}
	}
}

// A function puts events on the buses that its role names, and none of a request that has one for another bus.
func TestAFunctionPutsEventsWhereItsRoleAllows(t *testing.T) {
	tpl, err := template.Parse([]byte(`
Resources:
  local: { Type: AWS::Serverless::Function, Properties: { Role: !GetAtt R.Arn } }
  Mine: { Type: AWS::Events::EventBus, Properties: { Name: mine } }
  R:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: work
          PolicyDocument:
            Statement:
              - { Effect: Allow, Action: events:PutEvents, Resource: !GetAtt Mine.Arn }
`), ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	roles, err := iam.Roles(tpl)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	_, c := harness(t, Config{Guard: iam.NewGuard(roles, nil), OnEvent: func(Event) { count++ }})
	for _, tt := range []struct {
		buses []string
		want  int
	}{
		{[]string{"mine"}, 1},
		{[]string{"arn:aws:events:us-east-1:000000000000:event-bus/mine"}, 1},
		{[]string{""}, 0},
		{[]string{"others"}, 0},
		{[]string{"mine", "others"}, 0},
	} {
		in := &eventbridge.PutEventsInput{}
		for _, bus := range tt.buses {
			e := good(`{}`)
			if bus != "" {
				e.EventBusName = &bus
			}
			in.Entries = append(in.Entries, e)
		}
		count = 0
		_, err := c.PutEvents(t.Context(), in)
		var api smithy.APIError
		if denied := errors.As(err, &api) && api.ErrorCode() == "AccessDeniedException"; count != tt.want || denied != (tt.want == 0) {
			t.Errorf("%q: %d events, %v", tt.buses, count, err)
		}
	}
}
