package main

import (
	"time"

	"latchkey/shared/api"
)

// compared is a range beside the period before it. The hour or day that isn't over is left out of both.
type compared struct {
	Requests, Allowed, Refused, Breaches shift

	From, To string // the period before
	Running  bool   // something was left out
	By       string // hour or day
}

// shift holds what a number was in the period before (Was), and by how much it has changed since, in percent: "" if it was 0.
type shift struct {
	Was  int64
	Text string
}

// compare sums up both periods; nil if the one before isn't there.
func (v *visit) compare(u api.Usage, clock clock) *compared {
	if u.Before == nil {
		return nil
	}
	c := &compared{By: string(u.Interval)}
	length := oneDay
	if c.By == hourly {
		length = time.Hour
	}
	var now, was api.UsagePoint
	for i, p := range u.Series {
		if i >= len(u.Before.Series) || p.Start.Add(length).After(v.app.now()) {
			c.Running = true
			continue
		}
		addCounts(&now, p)
		addCounts(&was, u.Before.Series[i])
	}
	c.Requests, c.Allowed = v.shift(was.Requests, now.Requests), v.shift(was.Allowed, now.Allowed)
	c.Refused, c.Breaches = v.shift(was.Refused, now.Refused), v.shift(was.QpsBreaches, now.QpsBreaches)
	end := u.Before.To.Time
	if c.Running {
		end = end.Add(-length)
	}
	if c.From, c.To = clock.Moment(u.Before.From.Time), clock.Moment(end); c.By == daily {
		c.From, c.To = v.lang.Date(u.Before.From.Time), v.lang.Date(end.Add(-oneDay))
	}
	return c
}

func addCounts(sum *api.UsagePoint, p api.UsagePoint) {
	sum.Requests, sum.Allowed, sum.Refused, sum.QpsBreaches = sum.Requests+p.Requests, sum.Allowed+p.Allowed, sum.Refused+p.Refused, sum.QpsBreaches+p.QpsBreaches
}

// shift writes how far a number has changed. Some is never shown as none.
func (v *visit) shift(was, now int64) shift {
	c := shift{Was: was}
	if was <= 0 {
		return c
	}
	switch more := now - was; {
	case more == 0:
		c.Text = v.lang.Percent(0)
	case more > 0:
		c.Text = "+" + v.lang.Percent(max(float64(more)/float64(was), .001))
	default:
		c.Text = "−" + v.lang.Percent(max(float64(-more)/float64(was), .001))
	}
	return c
}
