// Package schedule plays EventBridge Scheduler (SAM's ScheduleV2) and scheduled EventBridge rules (SAM's Schedule):
// it fires expressions, makes the events that AWS would send, and retries as Lambda retries asynchronous calls, so a
// schedule's function is called at least once. While the runner is down nothing fires, and nothing is made up for.
package schedule

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Invoker calls a function with an event. An error means a function error, a time-out or a breakdown on the way.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) (response []byte, err error)
}

// Schedule is one schedule of a function. ParseEvent makes one from a template's properties.
type Schedule struct {
	Name       string // unique
	Function   string // handed to the Invoker
	Expression Expression
	Input      string // JSON that replaces the default event; "" means the default
	Rule       bool   // a rule of EventBridge (SAM's Schedule) and not of EventBridge Scheduler (ScheduleV2)
	Disabled   bool
	Retries    int // calls after the first that failed; Lambda makes 2
}

// ParseEvent reads the properties of a SAM event of type Schedule or ScheduleV2, intrinsics resolved. The caller fills
// in Name and Function. A property that isn't played is an error.
func ParseEvent(kind string, props map[string]any) (Schedule, error) {
	s := Schedule{Rule: kind == "Schedule", Retries: 2}
	if !s.Rule && kind != "ScheduleV2" {
		return s, fmt.Errorf("schedule: %q is neither Schedule nor ScheduleV2", kind)
	}
	var expression string
	zone := time.UTC
	for name, v := range props {
		text, isText := v.(string)
		var err error
		switch {
		case (name == "Schedule" && s.Rule || name == "ScheduleExpression" && !s.Rule) && isText:
			expression = text
		case name == "ScheduleExpressionTimezone" && isText:
			zone, err = time.LoadLocation(text)
		case name == "Input" && isText:
			if s.Input = text; !json.Valid([]byte(text)) {
				err = errors.New("no JSON")
			}
		case name == "Enabled":
			s.Disabled = v == false || v == "false"
		case name == "State" && isText:
			s.Disabled = text == "DISABLED"
		case name == "RetryPolicy":
			s.Retries, err = retries(v)
		case name == "Name" || name == "Description" || name == "OmitName" || name == "FlexibleTimeWindow" || name == "PermissionsBoundary" || name == "RoleArn" || name == "DeadLetterConfig":
		default:
			err = errors.New("not played by the local runner")
		}
		if err != nil {
			return s, fmt.Errorf("schedule: %s: %w", name, err)
		}
	}
	var err error
	s.Expression, err = Parse(expression, zone)
	return s, err
}

func retries(v any) (int, error) {
	policy, _ := v.(map[string]any)
	n, ok := policy["MaximumRetryAttempts"]
	if !ok {
		return 2, nil
	}
	count, err := strconv.Atoi(fmt.Sprint(n))
	return min(count, 2), err // Scheduler's own retries are for calls that Lambda didn't accept
}

// Event returns the input of the function for a firing.
func (s Schedule) Event(at time.Time, region, account string) []byte {
	return s.event(at, region, account, 1)
}

func (s Schedule) event(at time.Time, region, account string, attempt int) []byte {
	at = at.UTC()
	arn := fmt.Sprintf("arn:aws:scheduler:%s:%s:schedule/default/%s", region, account, s.Name)
	id := rand.Text()
	if s.Input != "" {
		if s.Rule {
			return []byte(s.Input)
		}
		return []byte(strings.NewReplacer(
			"<aws.scheduler.schedule-arn>", arn, "<aws.scheduler.scheduled-time>", at.Format(time.RFC3339),
			"<aws.scheduler.execution-id>", id, "<aws.scheduler.attempt-number>", strconv.Itoa(attempt)).Replace(s.Input))
	}
	e := map[string]any{
		"version": "0", "id": id, "detail-type": "Scheduled Event", "source": "aws.scheduler", "account": account,
		"time": at.Format(time.RFC3339), "region": region, "resources": []string{arn}, "detail": "{}", // a string, from Scheduler
	}
	if s.Rule {
		e["source"], e["detail"] = "aws.events", map[string]any{}
		e["resources"] = []string{fmt.Sprintf("arn:aws:events:%s:%s:rule/%s", region, account, s.Name)}
	}
	raw, _ := json.Marshal(e) // strings and maps only
	return raw
}

// Config configures a Scheduler.
type Config struct {
	Invoker   Invoker
	Schedules []Schedule
	Region    string        // "" means us-east-1
	Account   string        // "" means 000000000000
	Retry     time.Duration // pause before the first retry, doubled for the second; 0 means Lambda's 1 minute
	Logger    *slog.Logger  // nil means silence
}

// Scheduler fires schedules.
type Scheduler struct{ cfg Config }

// New checks that the schedules' names are unique.
func New(cfg Config) (*Scheduler, error) {
	if cfg.Invoker == nil {
		return nil, errors.New("schedule: Invoker is required")
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if cfg.Account == "" {
		cfg.Account = "000000000000"
	}
	if cfg.Retry == 0 {
		cfg.Retry = time.Minute
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	names := map[string]bool{}
	for _, s := range cfg.Schedules {
		if s.Name == "" || s.Function == "" || names[s.Name] {
			return nil, fmt.Errorf("schedule: %q: a schedule has a unique name and a function", s.Name)
		}
		names[s.Name] = true
	}
	return &Scheduler{cfg}, nil
}

// Run fires schedules until ctx ends, and then waits for the calls on their way. Calls may overlap, as on AWS.
func (s *Scheduler) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	start := time.Now()
	for _, one := range s.cfg.Schedules {
		if one.Disabled {
			continue
		}
		wg.Go(func() {
			for next := one.Expression.Next(start, start); !next.IsZero(); next = one.Expression.Next(next, start) {
				if missed := one.Expression.Next(next, start); !missed.IsZero() && missed.Before(time.Now()) {
					continue // the machine slept: fire once for now, not for every time that has passed
				}
				if !sleep(ctx, time.Until(next)) {
					return
				}
				wg.Go(func() { s.call(ctx, one, next) })
			}
		})
	}
}

func (s *Scheduler) call(ctx context.Context, one Schedule, at time.Time) {
	payload := one.Event(at, s.cfg.Region, s.cfg.Account) // a retry has the same event
	for attempt := 0; ; attempt++ {
		_, err := s.cfg.Invoker.Invoke(ctx, one.Function, payload)
		if err == nil || ctx.Err() != nil {
			return
		}
		s.cfg.Logger.Warn("scheduled call failed", "schedule", one.Name, "attempt", attempt+1, "error", err)
		if attempt >= one.Retries || !sleep(ctx, s.cfg.Retry<<attempt) {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
