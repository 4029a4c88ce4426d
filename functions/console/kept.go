package main

import (
	"sync"
	"time"
)

// kept is a value that one visit has read and others may use for a while. The zero value is none.
type kept[T any] struct {
	mu    sync.Mutex
	value T
	until time.Time
}

// keep takes the place of what was kept.
func (k *kept[T]) keep(value T, until time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.value, k.until = value, until
}

// at returns what is kept, and whether it is still to be used at a time.
func (k *kept[T]) at(now time.Time) (value T, fresh bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.value, now.Before(k.until)
}
