//go:build !race

package keytest

// Race says whether the race detector is on: tests of many calls then make fewer of them.
const Race = false
