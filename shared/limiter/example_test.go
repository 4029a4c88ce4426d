package limiter_test

import (
	"fmt"
	"time"

	"latchkey/shared/limiter"
	"latchkey/shared/limiter/sim"
)

// The limiter never calls the table itself. It says what to ask, its caller asks and brings back what came of it. Two
// execution environments with a table in common keep one limit.
func ExampleLimiter_Decide() {
	table := sim.NewTable()
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	clock := func(since time.Duration) limiter.Now { return limiter.Now{Wall: start.Add(since), Mono: since} }
	call := func(environment *limiter.Limiter, since time.Duration) limiter.Result {
		step := environment.Decide("key_1#search", 2, clock(since))
		for !step.Done {
			seen := table.Take(step.Ask)
			step = environment.Answer(step.Ask, seen, nil, clock(since))
		}
		return step.Result
	}
	one, other := limiter.New(100), limiter.New(100)
	for i, environment := range []*limiter.Limiter{one, other, one, other} {
		r := call(environment, time.Duration(i)*10*time.Millisecond)
		if !r.Admit {
			fmt.Println("refused, retry after", r.RetryAfter, "s")
			continue
		}
		fmt.Println("admitted")
	}
	fmt.Println("admitted 3 s later:", call(one, 3*time.Second).Admit)
	// Output:
	// admitted
	// admitted
	// refused, retry after 1 s
	// refused, retry after 1 s
	// admitted 3 s later: true
}
