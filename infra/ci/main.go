// Command ci reads the output of `go test -json`, prints what a person wants to see of it, counts, and holds each package to
// its time budget.
//
//	go test -json ./... | go run ./infra/ci -budgets infra/ci/budgets.txt TALLY
//
// It appends "passed failed" to the file TALLY, so that several runs can be added up, and "0 0 text" for each line about what
// failed. A package over its budget counts as one more failure.
//
// With -speed it prints how many times slower than the machine that the budgets are for this one is, for -slower.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	file := flag.String("budgets", "", "the file of budgets; without one, nothing is limited")
	race := flag.Bool("race", false, "the tests ran under the race detector: its budgets hold")
	times := flag.Float64("slower", 1, "the budgets are multiplied by this")
	speed := flag.Bool("speed", false, "print the number for -slower, and do nothing else")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: go test -json ./... | ci [-budgets FILE] [-race] TALLY")
		flag.PrintDefaults()
	}
	flag.Parse()
	if *speed {
		fmt.Printf("%.2f\n", slower())
		return
	}
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	failed, err := run(*file, *race, *times, flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, "ci:", err)
		os.Exit(2)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

// run reads standard input to its end and says how much failed.
func run(file string, race bool, slower float64, into string) (failed int, err error) {
	t := tally{race: race}
	if file != "" {
		b, err := loadBudgets(file)
		if err != nil {
			return 0, err
		}
		t.budgets = b.times(slower)
	}
	if err := t.read(os.Stdin, os.Stdout); err != nil {
		return 0, err
	}
	out, err := os.OpenFile(into, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, err
	}
	lines := fmt.Sprintln(t.passed, t.failed)
	for _, text := range t.failures {
		lines += "0 0 " + text + "\n"
	}
	_, err = io.WriteString(out, lines)
	if errClose := out.Close(); err == nil {
		err = errClose
	}
	return t.failed, err
}

func loadBudgets(file string) (budgets, error) {
	in, err := os.Open(file)
	if err != nil {
		return budgets{}, err
	}
	defer in.Close()
	b, err := parseBudgets(in)
	if err != nil {
		return budgets{}, fmt.Errorf("%s: %w", file, err)
	}
	return b, nil
}
