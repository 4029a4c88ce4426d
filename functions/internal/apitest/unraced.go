//go:build !race

package apitest

// raced says that the race detector watches, under which everything takes many times longer.
const raced = false
