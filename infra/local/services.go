package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"latchkey/infra/local/engine"
	"latchkey/infra/local/eventbus"
	"latchkey/infra/local/schedule"
	"latchkey/infra/local/streams"
	"latchkey/infra/local/template"
)

// services are the event sources that call functions: stream pollers and schedules.
type services struct {
	endpoints map[string]string // template parameters that point functions at the runner's endpoints
	poller    *streams.Poller
	consumers []string // functions that the poller calls
	schedules *schedule.Scheduler
	cancel    context.CancelFunc
	stopped   []chan struct{}
}

// invoker is the pool for callers that treat a function error like any other failure.
type invoker struct{ s *stack }

func (i invoker) Invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	answer, functionError, err := i.s.pool.Invoke(ctx, function, payload)
	if err == nil && functionError != "" {
		err = fmt.Errorf("%s: %s", functionError, answer)
	}
	return answer, err
}

// startEndpoints serves the other AWS endpoints that functions call.
func (s *stack) startEndpoints(context.Context) error {
	bus, err := eventbus.New(eventbus.Config{File: s.file("events.jsonl"), Guard: s.guard, OnEvent: func(e eventbus.Event) {
		s.log.say("event %s from %s on %s", e.DetailType, e.Source, e.Bus)
	}})
	if err != nil {
		return err
	}
	secrets, err := s.newSecrets()
	if err != nil {
		return err
	}
	s.closers = append(s.closers, secrets.Close)
	s.services.endpoints = map[string]string{}
	for name, h := range map[string]http.Handler{"EventsEndpoint": bus, "SecretsManagerEndpoint": secrets} {
		lis, err := s.listenDoor(name)
		if err != nil {
			return err
		}
		s.serveHTTP(lis, h)
		s.services.endpoints[name] = "http://" + lis.Addr().String()
	}
	return nil
}

// startServices starts what calls functions by itself.
func (s *stack) startServices(context.Context) error {
	mappings, schedules, err := s.readEvents()
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(lineWriter{s.log}, &slog.HandlerOptions{
		Level: slog.LevelWarn, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	client := dynamodbstreams.New(dynamodbstreams.Options{
		Region: s.region, BaseEndpoint: aws.String(s.engine.Endpoint), Credentials: s.awsCredentials(),
	})
	s.services.poller, err = streams.New(streams.Config{
		Source: streams.Client{API: client}, Invoker: invoker{s}, Mappings: mappings, StateFile: s.file("streams.json"), Logger: logger,
	})
	if err != nil {
		return err
	}
	if s.services.schedules, err = schedule.New(schedule.Config{Invoker: invoker{s}, Schedules: schedules, Logger: logger}); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.services.cancel = cancel
	for _, run := range []func(context.Context){s.services.schedules.Run, s.services.poller.Run} {
		done := make(chan struct{})
		s.services.stopped = append(s.services.stopped, done)
		go func() { defer close(done); run(ctx) }()
	}
	return nil
}

// readEvents collects the event source mappings and schedules of the functions that are built.
func (s *stack) readEvents() (mappings []streams.Mapping, schedules []schedule.Schedule, err error) {
	list, err := s.template.Of("AWS::Serverless::Function")
	if err != nil {
		return nil, nil, err
	}
	for _, r := range list {
		p, err := s.template.Properties(r)
		if err != nil {
			return nil, nil, err
		}
		if !s.built(r.ID) {
			continue
		}
		for name := range p.Map("Events") {
			event := p.Map("Events").Map(name)
			props, id := event.Map("Properties"), r.ID+name
			switch kind := event.Text("Type"); kind {
			case "Schedule", "ScheduleV2":
				one, err := schedule.ParseEvent(kind, props)
				if err != nil {
					return nil, nil, fmt.Errorf("%s: %w", id, err)
				}
				one.Name, one.Function = id, r.ID
				schedules = append(schedules, one)
			case "DynamoDB":
				m, err := s.mapping(id, r.ID, props.Text("Stream"), props)
				if err != nil {
					return nil, nil, err
				}
				mappings = append(mappings, m)
			}
		}
	}
	more, err := s.plainMappings()
	return append(mappings, more...), schedules, err
}

// plainMappings reads AWS::Lambda::EventSourceMapping resources.
func (s *stack) plainMappings() ([]streams.Mapping, error) {
	list, err := s.template.Of("AWS::Lambda::EventSourceMapping")
	if err != nil {
		return nil, err
	}
	var mappings []streams.Mapping
	for _, r := range list {
		p, err := s.template.Properties(r)
		if err != nil {
			return nil, err
		}
		function := p.Text("FunctionName")
		if strings.HasPrefix(function, "arn:") {
			function = s.template.FunctionID(function)
		}
		if !s.built(function) {
			continue
		}
		arn := p.Text("EventSourceArn")
		for _, key := range []string{"FunctionName", "EventSourceArn", "Tags"} {
			delete(p, key)
		}
		m, err := s.mapping(r.ID, function, arn, p)
		if err != nil {
			return nil, err
		}
		mappings = append(mappings, m)
	}
	return mappings, nil
}

// mapping reads one event source mapping. The template's stream names a table; the store knows the stream's real ARN.
func (s *stack) mapping(name, function, arn string, props template.Map) (streams.Mapping, error) {
	m, err := streams.Parse(props)
	if err != nil {
		return m, fmt.Errorf("%s: %w", name, err)
	}
	_, table, _ := strings.Cut(arn, ":table/")
	table, _, _ = strings.Cut(table, "/")
	c := engine.NewClient(s.engine.Endpoint, s.region, s.awsCredentials())
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out, err := c.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return m, fmt.Errorf("%s: the stream of %s: %w", name, table, err)
	}
	if m.StreamARN = aws.ToString(out.Table.LatestStreamArn); m.StreamARN == "" {
		return m, errors.New(name + ": the table " + table + " has no stream")
	}
	m.Name, m.Function, m.OnFailureDir = name, function, s.file("failed/"+name)
	s.services.consumers = append(s.services.consumers, function)
	return m, nil
}

// stopServices shuts the environments and the services down: first the functions that people call, so that what they flush
// still reaches the consumers of the streams, then those.
func (s *stack) stopServices(ctx context.Context) {
	if s.pool == nil {
		return
	}
	var others []string
	for _, f := range s.functions {
		if !slices.Contains(s.services.consumers, f.id) {
			others = append(others, f.id)
		}
	}
	s.pool.Close(ctx, others...)
	if s.services.cancel != nil {
		drain, cancel := context.WithTimeout(ctx, 3*time.Second)
		if err := s.services.poller.Drain(drain); err != nil {
			s.log.say("records of the streams remain for the next run")
		}
		cancel()
		s.services.cancel()
		for _, done := range s.services.stopped {
			select {
			case <-done:
			case <-ctx.Done():
			}
		}
	}
	s.pool.Close(ctx)
}

// lineWriter passes lines of a slog handler on.
type lineWriter struct{ log *logger }

func (w lineWriter) Write(p []byte) (int, error) {
	w.log.warn("%s", strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}
