package env

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"latchkey/shared/account"
	"latchkey/shared/audit"
)

// TestAllMissingVariablesAreNamedAtOnce, and a default is for one that isn't set.
func TestAllMissingVariablesAreNamedAtOnce(t *testing.T) {
	v := New(func(name string) string { return map[string]string{"SET": "a"}[name] })
	if v.Need("SET") != "a" || v.Or("SET", "b") != "a" || v.Or("OTHER", "b") != "b" || v.Err() != nil {
		t.Error("of those that are set", v.Err())
	}
	v.Need("FIRST")
	v.Need("SECOND")
	if err := v.Err(); err == nil || err.Error() != "env: missing environment variables: FIRST, SECOND" {
		t.Error(err)
	}
}

func TestANumberOfTheEnvironmentIsAWholeOneOfOneOrMore(t *testing.T) {
	for text, want := range map[string]int{"1": 1, "20": 20, "0": 0, "-1": 0, "": 0, "1.5": 0, "x": 0} {
		if n, err := Positive("N", text); n != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
}

func TestALoopbackHostIsNobodyElses(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "10.0.0.1": false, "0.0.0.0": false, "localhost.example": false, "": false, "::": false,
	} {
		if Loopback(host) != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
}

// TestTimesOfRecordsAreUTCAndMilliseconds, and an ID begins with its prefix and the time.
func TestTimesOfRecordsAreUTCAndMilliseconds(t *testing.T) {
	at := time.Date(2026, 3, 4, 7, 6, 7, 8_999_999, time.FixedZone("east", 2*60*60))
	s := Source{Now: func() time.Time { return at }, Rand: bytes.NewReader(make([]byte, 64))}
	if got := s.Time().Format(time.RFC3339Nano); got != "2026-03-04T05:06:07.008Z" {
		t.Error(got)
	}
	if got := s.NewID("key_"); got != "key_01KJVKTCH00000000000000000" {
		t.Error(got)
	}
}

// TestAnAuditRowSaysEachFactUnderItsOwnName: that of a job names the system and the run.
func TestAnAuditRowSaysEachFactUnderItsOwnName(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC)
	s := Source{Now: func() time.Time { return at }, Rand: bytes.NewReader(make([]byte, 64))}
	actor := audit.Actor{Subject: account.Subject{Issuer: "issuer", ID: "somebody"}, Email: "a@a.example", Role: "owner"}
	say := func(r audit.Row) string {
		return fmt.Sprint(len(r.ID), r.ID[:4], " ", r.Account, " ", r.KeyID, " ", r.Action, " ", r.Actor, " ", r.At.Equal(at), " ", r.RequestID, " ", r.Changes, r.Source)
	}
	change := audit.Set("name", "a", "b")
	if got, want := say(s.AuditRow(actor, "request", "acc_1", "key_1", "key.edit", change)), fmt.Sprint(`30aud_ acc_1 key_1 key.edit `, actor, ` true request `, []audit.Change{change}); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	run := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "run"})
	for want, ctx := range map[string]context.Context{"run": run, "": context.Background()} {
		if got, want := say(s.JobRow(ctx, "acc_1", "key_1", "key.purge", change)), fmt.Sprint(`30aud_ acc_1 key_1 key.purge `, audit.Actor{Role: account.RoleSystem}, ` true `, want, ` `, []audit.Change{change}); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
