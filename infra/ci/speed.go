package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
)

// reference is the time of once on the machine that the budgets are for, whose figures docs/performance.md has. Where a call of the
// benchmark's empty handler takes 0.29 ms of processor time, not 0.172 as there, it takes 1.7 ms.
const reference = time.Millisecond

// mostSlower bounds what a slow machine is given.
const mostSlower = 3.0

// slower measures how many times longer than that machine this one takes for a piece of work, and returns at least 1. The fastest of
// many rounds counts: what else runs makes a round slower, and no round faster.
func slower() float64 {
	least := time.Duration(1<<63 - 1)
	for range 300 {
		least = min(least, once())
	}
	return factor(least)
}

func factor(took time.Duration) float64 {
	return min(max(float64(took)/float64(reference), 1), mostSlower)
}

// once does what tests spend their time with: memory, maps, sorting and JSON.
func once() time.Duration {
	begin := time.Now()
	all := map[string][]string{}
	for i := range 2000 {
		name := strconv.Itoa(i * 7919 % 1000)
		all[name] = append(all[name], strconv.Itoa(i))
	}
	raw, err := json.Marshal(all)
	var back map[string][]string
	if err == nil {
		err = json.Unmarshal(raw, &back)
	}
	if err != nil {
		panic(err) // texts
	}
	_ = slices.Sorted(maps.Keys(back))
	return time.Since(begin)
}
