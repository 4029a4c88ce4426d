package figures

import "math"

// Load is a steady stream of calls: so many a second, each handled by any of the environments, of so many keys.
type Load struct {
	Name         string
	Calls        float64 // a second
	Environments int
	Keys         int
	Accounts     int
	Skew         float64 // 0: each key is as likely; 1: the key of rank r gets 1/r of the first one's calls (Zipf)
}

// rates are the calls a second of each key, the busiest first.
func (l Load) rates() []float64 {
	out, sum := make([]float64, l.Keys), 0.0
	for i := range out {
		out[i] = math.Pow(float64(i+1), -l.Skew)
		sum += out[i]
	}
	for i := range out {
		out[i] *= l.Calls / sum
	}
	return out
}

// byAccount are the calls a second of each account; the keys are dealt to the accounts in turn.
func (l Load) byAccount(rates []float64) []float64 {
	out := make([]float64, l.Accounts)
	for i, r := range rates {
		out[i%l.Accounts] += r
	}
	return out
}

// every gives the rate, a second and over all environments, of something that an environment does again with the first call after
// so many seconds: the mean time between two is those seconds and the wait for that call.
func (l Load) every(rate, seconds float64) float64 {
	return 1 / (seconds/float64(l.Environments) + 1/rate)
}

// sum is the total of every over all subjects, and the most of one.
func (l Load) sum(rates []float64, seconds float64) (all, most float64) {
	for _, r := range rates {
		n := l.every(r, seconds)
		all, most = all+n, max(most, n)
	}
	return all, most
}

// distinct gives the mean number of subjects among the calls of so many seconds.
func distinct(rates []float64, seconds float64) (n float64) {
	for _, r := range rates {
		n += -math.Expm1(-r * seconds)
	}
	return n
}
