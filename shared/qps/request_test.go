package qps_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/product"
	"latchkey/shared/qps"
	"latchkey/shared/text"
)

var t0 = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func draft() qps.Request {
	return qps.Request{ID: "qps_1", Requested: 50, Current: 10}
}

func block(t *testing.T, typed string) text.Block {
	t.Helper()
	b, err := text.Secrets{}.ParseBlock(typed, 0, qps.MaxJustification)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func submitted(t *testing.T) qps.Request {
	t.Helper()
	r, err := qps.Submit(draft(), block(t, "A launch."), 10, 1000, t0)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSubmitChecksWhatIsAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*qps.Request)
		want error
	}{
		"up":             {func(*qps.Request) {}, nil},
		"down":           {func(r *qps.Request) { r.Requested = 1 }, qps.ErrFree},
		"a bit more":     {func(r *qps.Request) { r.Requested = 11 }, nil},
		"the most":       {func(r *qps.Request) { r.Requested = 1000 }, nil},
		"above the most": {func(r *qps.Request) { r.Requested = 1001 }, qps.ErrAboveMax},
		"zero":           {func(r *qps.Request) { r.Requested = 0 }, qps.ErrBelowOne},
		"negative":       {func(r *qps.Request) { r.Requested = -1 }, qps.ErrBelowOne},
		"same":           {func(r *qps.Request) { r.Requested = 10 }, qps.ErrSameAsCurrent},
		"ends later":     {func(r *qps.Request) { r.EndsAt = t0.Add(time.Second) }, nil},
		"ends now":       {func(r *qps.Request) { r.EndsAt = t0 }, qps.ErrEndsInPast},
		"a draft decides nothing": {func(r *qps.Request) {
			r.Status, r.Decision, r.Version, r.ClosedAt = qps.Approved, &qps.Decision{QPS: 9}, 7, t0
		}, nil},
	} {
		d := draft()
		c.edit(&d)
		r, err := qps.Submit(d, block(t, "A launch."), 10, 1000, t0)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if c.want == nil && (r.Status != qps.Pending || r.Decision != nil || r.Version != 1 || !r.ClosedAt.IsZero() || r.Justification != "A launch." || !r.CreatedAt.Equal(t0)) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestARequestAndARejectionRequireAText(t *testing.T) {
	if _, err := qps.Submit(draft(), text.Block{}, 10, 1000, t0); !errors.Is(err, qps.ErrNoJustification) {
		t.Error(err)
	}
	if _, err := submitted(t).Reject(qps.Party{}, text.Block{}, t0); !errors.Is(err, qps.ErrNoComment) {
		t.Error(err)
	}
}

func TestOnlyAPendingRequestChanges(t *testing.T) {
	later := t0.Add(time.Hour)
	actions := map[qps.Status]func(qps.Request) (qps.Request, error){
		qps.Withdrawn: func(r qps.Request) (qps.Request, error) { return r.Withdraw(later) },
		qps.Approved: func(r qps.Request) (qps.Request, error) {
			return r.Approve(qps.Party{Email: "op"}, text.Block{}, 0, 1000, later)
		},
		qps.Rejected: func(r qps.Request) (qps.Request, error) {
			return r.Reject(qps.Party{Email: "op"}, block(t, "no"), later)
		},
	}
	for first, act := range actions {
		r, err := act(submitted(t))
		if err != nil || r.Status != first || !r.ClosedAt.Equal(later) || r.Version != 2 {
			t.Errorf("%s: %+v, %v", first, r, err)
		}
		for second, again := range actions {
			if got, err := again(r); !errors.Is(err, qps.ErrNotPending) || got.Status != "" {
				t.Errorf("%s after %s: %v", second, first, err)
			}
		}
	}
	for name, again := range actions {
		if _, err := again(qps.Request{Requested: 5}); !errors.Is(err, qps.ErrNotPending) {
			t.Errorf("the zero request can be %s: %v", name, err)
		}
	}
}

func TestDecisionKeepsWhatWasApproved(t *testing.T) {
	by := qps.Party{Email: "operator@example.com"}
	r, err := submitted(t).Approve(by, block(t, "less for now"), 30, 1000, t0)
	if err != nil || !reflect.DeepEqual(*r.Decision, qps.Decision{By: by, At: t0, Comment: "less for now", QPS: 30}) || r.Requested != 50 {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err = submitted(t).Approve(by, text.Block{}, 0, 1000, t0); err != nil || r.Decision.QPS != 50 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err = submitted(t).Approve(by, text.Block{}, 2000, 1000, t0); !errors.Is(err, qps.ErrAboveMax) {
		t.Error(err)
	}
	if _, err = submitted(t).Approve(by, text.Block{}, 0, 40, t0); !errors.Is(err, qps.ErrAboveMax) {
		t.Error(err)
	}
	d := draft()
	d.EndsAt = t0.Add(time.Hour)
	ends, _ := qps.Submit(d, block(t, "A launch."), 10, 1000, t0)
	if _, err = ends.Approve(by, text.Block{}, 0, 1000, t0.Add(time.Hour)); !errors.Is(err, qps.ErrEndsInPast) {
		t.Error(err)
	}
}

func TestAnythingUpToWhatIsFreeNeedsNoApproval(t *testing.T) {
	for wanted, want := range map[int]error{0: qps.ErrBelowOne, 1: nil, 9: nil, 10: qps.ErrSameAsCurrent, 11: nil, 20: nil, 21: qps.ErrNotFree} {
		if err := qps.CheckFree(10, 20, wanted); !errors.Is(err, want) {
			t.Errorf("%d: %v", wanted, err)
		}
	}
}

func TestEffectiveGivesTheOldLimitBackAtTheEnd(t *testing.T) {
	end := t0.Add(time.Hour)
	limits := []apikey.Limit{
		{Class: "search", QPS: 50},
		{Class: "routing", QPS: 70, EndsAt: end, Then: 20},
		{Class: "traffic", QPS: 90, EndsAt: end},
	}
	for _, c := range []struct {
		class product.Class
		at    time.Time
		want  int
	}{
		{"search", t0, 50},
		{"map-display", t0, 5},
		{"routing", end.Add(-1), 70},
		{"routing", end, 20},
		{"traffic", end.Add(-1), 90},
		{"traffic", end, 5},
	} {
		if got := qps.Effective(limits, c.class, 5, c.at); got != c.want {
			t.Errorf("%s at %s: %d, want %d", c.class, c.at, got, c.want)
		}
	}
}

func TestAGrantComesBackToWhatHadNoEnd(t *testing.T) {
	end := t0.Add(time.Hour)
	for name, c := range map[string]struct {
		before        []apikey.Limit
		endsAt        time.Time
		during, after int
	}{
		"for good":                      {nil, time.Time{}, 99, 99},
		"for good over a temporary one": {[]apikey.Limit{{Class: "c", QPS: 7, EndsAt: end, Then: 6}}, time.Time{}, 99, 99},
		"over the default":              {nil, end, 99, 5},
		"over a limit":                  {[]apikey.Limit{{Class: "c", QPS: 7}}, end, 99, 7},
		"over a temporary limit":        {[]apikey.Limit{{Class: "c", QPS: 7, EndsAt: t0.Add(time.Minute), Then: 6}}, end, 99, 6},
		"over one that went to default": {[]apikey.Limit{{Class: "c", QPS: 7, EndsAt: t0.Add(-time.Minute)}}, end, 99, 5},
	} {
		before := append([]apikey.Limit{{Class: "other", QPS: 3}}, c.before...)
		copied := append([]apikey.Limit(nil), before...)
		after := qps.Grant(before, "c", 99, c.endsAt, t0)
		if !reflect.DeepEqual(before, copied) {
			t.Errorf("%s: the argument changed", name)
		}
		if got := qps.Effective(after, "c", 5, t0); got != c.during {
			t.Errorf("%s: %d during", name, got)
		}
		if got := qps.Effective(after, "c", 5, end); got != c.after {
			t.Errorf("%s: %d after", name, got)
		}
		if got := qps.Effective(after, "other", 5, end); got != 3 || len(after) != 2 {
			t.Errorf("%s: %+v", name, after)
		}
	}
}

func TestNobodyDecidesTheirOwnRequest(t *testing.T) {
	me := qps.Party{Subject: account.Subject{Issuer: "i", ID: "me"}, Email: "me@example.com"}
	other := qps.Party{Subject: account.Subject{Issuer: "i", ID: "other"}, Email: "me@example.com"}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	r, err := qps.Submit(qps.Request{Requested: 5, Current: 3, CreatedBy: me}, block(t, "more"), 3, 10, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Approve(me, text.Block{}, 0, 10, now); !errors.Is(err, qps.ErrOwnRequest) {
		t.Errorf("approved: %v", err)
	}
	if _, err := r.Reject(me, block(t, "no"), now); !errors.Is(err, qps.ErrOwnRequest) {
		t.Errorf("rejected: %v", err)
	}
	if _, err := r.Approve(other, text.Block{}, 0, 10, now); err != nil {
		t.Error(err)
	}
	if _, err := r.Withdraw(now); err != nil {
		t.Error(err)
	}
}
