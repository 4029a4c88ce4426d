package limiter

import "time"

// share is the number of calls that an environment admits by itself while the store fails: in each second what it was
// granted in the last good one, and at least an eighth of the limit.
type share struct {
	second  int64 // of the monotonic clock
	count   int64 // granted by the store in that second
	before  int64 // and in the second before that
	local   int64 // admitted without the store in localAt
	localAt int64
}

const leastShare = 8

func (s *share) granted(now time.Duration) {
	if second := int64(now / time.Second); second != s.second {
		s.before = 0
		if second == s.second+1 {
			s.before = s.count
		}
		s.second, s.count = second, 0
	}
	s.count++
}

// back takes back what was counted by granted, and localBack by admit, in the same second.
func (s *share) back(now time.Duration) {
	if int64(now/time.Second) == s.second && s.count > 0 {
		s.count--
	}
}

func (s *share) localBack(now time.Duration) {
	if int64(now/time.Second) == s.localAt && s.local > 0 {
		s.local--
	}
}

func (s *share) admit(limit int64, now time.Duration) bool {
	second := int64(now / time.Second)
	if second != s.localAt {
		s.localAt, s.local = second, 0
	}
	if s.local >= min(limit, max(1, limit/leastShare, s.before, s.count)) {
		return false
	}
	s.local++
	return true
}

// fallback decides without the store.
func (s *state) fallback(limit int64, now Now) Step {
	r := Result{Fallback: true, Admit: s.share.admit(limit, now.Mono)}
	if !r.Admit {
		r.RetryAfter = 1
	}
	return Step{Done: true, Result: r}
}
