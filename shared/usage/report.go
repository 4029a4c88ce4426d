package usage

import (
	"errors"
	"fmt"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
)

// Report is one write of an environment to the slices table: for the subjects and hours that changed, all that it has
// counted in them so far.
type Report struct {
	// Environment names the execution environment and its generation. The numbers of one environment only grow, so
	// a name must never be used for a second count from zero.
	Environment string
	Sequence    int64 // grows with every report of the environment
	Part        int   // a report too large for one item is written in parts
	At          time.Time
	Entries     []Entry
}

// Entry is one subject and hour of a report.
type Entry struct {
	Subject Subject
	Hour    Hour
	Counts  Counts
}

// ErrReport means that no environment wrote such a report: it is quarantined whole.
var ErrReport = errors.New("usage: unreadable report")

// MaxEnvironmentName bounds the name of an environment.
const MaxEnvironmentName = 64

// maxEntryBytes bounds one entry, so that a transaction of a hundred items stays below DynamoDB's 4 MB.
const maxEntryBytes = 36 << 10

// Check looks for what no environment writes. now bounds the age: what an environment contributed to an hour is
// forgotten some time after MaxReportAge, and a report that came later still would be counted twice.
func (r Report) Check(now time.Time) error {
	if r.Environment == "" || len(r.Environment) > MaxEnvironmentName || r.Sequence < 1 || len(r.Entries) == 0 {
		return fmt.Errorf("%w: no environment, sequence or entries", ErrReport)
	}
	for _, e := range r.Entries {
		if err := e.check(now); err != nil {
			return err
		}
	}
	return nil
}

func (e Entry) check(now time.Time) error {
	if _, err := account.ParseID(string(e.Subject.Account)); err != nil {
		return fmt.Errorf("%w: account", ErrReport)
	}
	if _, err := apikey.ParseID(string(e.Subject.Key)); err != nil {
		return fmt.Errorf("%w: key", ErrReport)
	}
	if len(e.Subject.Product) > 64 || len(e.Counts) == 0 || e.Counts.size() > maxEntryBytes {
		return fmt.Errorf("%w: product, or the number of counts", ErrReport)
	}
	if start := e.Hour.Start(); start.Before(now.Add(-MaxReportAge)) || start.After(now.Add(time.Hour)) {
		return fmt.Errorf("%w: the hour %s is too far from now", ErrReport, start.Format(time.RFC3339))
	}
	for d, n := range e.Counts {
		if !d.valid(n, now) {
			return fmt.Errorf("%w: a count", ErrReport)
		}
	}
	return nil
}

// Contribution is one environment's count of one subject and hour.
type Contribution struct {
	Environment string
	Subject     Subject
	Hour        Hour
	Counts      Counts
	Sources     []int // the reports that it comes from, by their place in what was coalesced
}

// Coalesce merges reports into one contribution for each environment, subject and hour, and the time of the newest
// report for each account. The order and number of the reports change nothing. A report from an environment whose
// clock is ahead counts as written now.
func Coalesce(reports []Report, now time.Time) (contributions []Contribution, newest map[account.ID]time.Time) {
	type cell struct {
		environment string
		subject     Subject
		hour        Hour
	}
	at := map[cell]int{}
	newest = map[account.ID]time.Time{}
	for source, r := range reports {
		if r.At.After(now) {
			r.At = now
		}
		for _, e := range r.Entries {
			c := cell{r.Environment, e.Subject, e.Hour}
			i, seen := at[c]
			if !seen {
				i = len(contributions)
				at[c] = i
				contributions = append(contributions, Contribution{Environment: r.Environment, Subject: e.Subject, Hour: e.Hour})
			}
			contributions[i].Counts = contributions[i].Counts.Merge(e.Counts)
			contributions[i].Sources = append(contributions[i].Sources, source)
			if r.At.After(newest[e.Subject.Account]) {
				newest[e.Subject.Account] = r.At
			}
		}
	}
	return contributions, newest
}
