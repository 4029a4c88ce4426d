// Command ci reads the output of `go test -json`, prints what a person wants to see of it, and counts.
//
//	go test -json ./... | go run ./infra/ci tally
//
// It appends "passed failed" to the file that it is given, so that several runs can be added up.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go test -json ./... | ci TALLY")
		os.Exit(2)
	}
	var run tally
	if err := run.read(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ci:", err)
		os.Exit(2)
	}
	file, err := os.OpenFile(os.Args[1], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = fmt.Fprintln(file, run.passed, run.failed)
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ci:", err)
		os.Exit(2)
	}
	if run.failed > 0 {
		os.Exit(1)
	}
}
