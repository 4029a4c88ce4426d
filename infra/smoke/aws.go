package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// of are the physical names of the stack's resources of a type. Nested stacks have none that is asked for.
func (s *smoke) of(ctx context.Context, kind string) (names []string, err error) {
	var list struct {
		Summaries []struct{ ResourceType, PhysicalResourceID string } `json:"StackResourceSummaries"`
	}
	if err := s.read(ctx, &list, "cloudformation", "list-stack-resources", "--stack-name", s.name); err != nil {
		return nil, err
	}
	for _, r := range list.Summaries {
		if r.ResourceType == kind {
			names = append(names, r.PhysicalResourceID)
		}
	}
	if len(names) == 0 {
		err = fmt.Errorf("the stack has no %s", kind)
	}
	return names, err
}

func schedules(ctx context.Context, s *smoke) error {
	names, err := s.of(ctx, "AWS::Scheduler::Schedule")
	for _, name := range names {
		var got struct{ State string }
		if err := s.read(ctx, &got, "scheduler", "get-schedule", "--name", name); err != nil {
			return err
		}
		if got.State != "ENABLED" {
			return fmt.Errorf("%s is %q", name, got.State)
		}
	}
	return err
}

func streamMappings(ctx context.Context, s *smoke) error {
	names, err := s.of(ctx, "AWS::Lambda::EventSourceMapping")
	for _, name := range names {
		var got struct{ State, LastProcessingResult string }
		if err := s.read(ctx, &got, "lambda", "get-event-source-mapping", "--uuid", name); err != nil {
			return err
		}
		if got.State != "Enabled" || !slices.Contains([]string{"OK", "No records processed"}, got.LastProcessingResult) {
			return fmt.Errorf("%s is %q, its last result %q", name, got.State, got.LastProcessingResult)
		}
	}
	return err
}

// extendedRequestID looks for the log line of a refused call by the ID that its answer had.
func extendedRequestID(ctx context.Context, s *smoke) error {
	if err := s.needsKey(); err != nil {
		return err
	}
	group, err := s.resource(ctx, "AuthorizerLogs")
	if err != nil {
		return err
	}
	began := time.Now()
	a, err := s.wants(ctx, http.StatusForbidden, "path_not_canonical", hostile(s.wide)[0], s.living.secret)
	if err != nil {
		return err
	}
	pattern := `{ $.extended_request_id = "` + a.header.Get("X-Request-Id") + `" }`
	for time.Since(began) < 2*time.Minute && ctx.Err() == nil {
		var got struct{ Events []struct{ Message string } }
		if err := s.read(ctx, &got, "logs", "filter-log-events", "--log-group-name", group, "--filter-pattern", pattern,
			"--start-time", strconv.FormatInt(began.Add(-time.Minute).UnixMilli(), 10)); err != nil {
			return err
		}
		if len(got.Events) > 0 {
			return nil
		}
		time.Sleep(25 * s.pause)
	}
	return errors.New("no log line has the X-Request-Id of a refused call as its extended_request_id")
}

// authorizerFailure takes all concurrency from the gate for some seconds, and gives it back.
func authorizerFailure(ctx context.Context, s *smoke) (err error) {
	if !s.outage {
		return left("-outage, which stops the gate for some seconds: every product call is refused meanwhile")
	}
	gate, err := s.resource(ctx, "Authorizer")
	if err != nil {
		return err
	}
	var before struct{ ReservedConcurrentExecutions *int }
	raw, err := s.command(ctx, "lambda", "get-function-concurrency", "--function-name", gate)
	if err != nil {
		return err
	}
	if len(raw) > 0 { // nothing is printed where nothing is reserved
		if err := s.read(ctx, &before, "lambda", "get-function-concurrency", "--function-name", gate); err != nil {
			return err
		}
	}
	restore := []string{"lambda", "delete-function-concurrency", "--function-name", gate}
	if n := before.ReservedConcurrentExecutions; n != nil {
		restore = []string{"lambda", "put-function-concurrency", "--function-name", gate, "--reserved-concurrent-executions", strconv.Itoa(*n)}
	}
	defer func() {
		if _, e := s.command(context.WithoutCancel(ctx), restore...); e != nil {
			err = errors.Join(err, fmt.Errorf("THE GATE IS STILL STOPPED, give it back its concurrency: %w", e))
		}
	}()
	if _, err := s.command(ctx, "lambda", "put-function-concurrency", "--function-name", gate, "--reserved-concurrent-executions", "0"); err != nil {
		return err
	}
	var a answer
	for begin := time.Now(); time.Since(begin) < 20*time.Second; time.Sleep(s.pause) {
		if a, err = s.product(ctx, s.samplePath(), s.living.secret); err != nil {
			return err
		}
		if a.status >= http.StatusInternalServerError {
			break
		}
	}
	if err := a.is(http.StatusServiceUnavailable, "unavailable"); err != nil {
		return err
	}
	return hasHeader(a, "Retry-After", "1")
}

// basePath asks the management API below a base path.
func basePath(ctx context.Context, s *smoke) error {
	if s.base == "" {
		return left("-base-path URL, of the management API below a base path of a custom domain")
	}
	at := *s
	at.management = s.base
	return at.manage(ctx, http.StatusOK, http.MethodGet, "/v1/me", "", nil)
}
