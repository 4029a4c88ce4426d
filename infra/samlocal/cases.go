package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	eventsDir = "infra/events"
	answerExt = ".answer.json"
)

// testCase is an event with the answer that is expected.
type testCase struct {
	name          string // FUNCTION-CASE
	function      string // logical ID
	event, answer []byte
}

// readCases reads all events, in the order of their names.
func readCases(dir string) ([]testCase, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%s has no events: %w", dir, err)
	}
	slices.Sort(files)
	var all []testCase
	for _, file := range files {
		if strings.HasSuffix(file, answerExt) {
			if _, err := os.Stat(strings.TrimSuffix(file, answerExt) + ".json"); err != nil {
				return nil, fmt.Errorf("%s is the answer to no event", file)
			}
			continue
		}
		c := testCase{name: strings.TrimSuffix(filepath.Base(file), ".json")}
		short, _, _ := strings.Cut(c.name, "-")
		c.function = logicalID(short)
		if c.event, err = os.ReadFile(file); err != nil { //nolint:gosec // the repository's own
			return nil, err
		}
		if c.answer, err = os.ReadFile(strings.TrimSuffix(file, ".json") + answerExt); err != nil { //nolint:gosec // the repository's own
			return nil, fmt.Errorf("the answer of an event: %w", err)
		}
		all = append(all, c)
	}
	return all, nil
}

// logicalID is the function that an event's name begins with: keys is KeysFunction.
func logicalID(short string) string {
	if short == "authorizer" {
		return "Authorizer"
	}
	return strings.ToUpper(short[:1]) + short[1:] + "Function"
}

// compare asks for the answer to one event and prints the verdict, with the function's log where the answer is another.
func compare(by string, c testCase, v map[string]string, ask func(event []byte) (answer any, log string, err error)) (failed int) {
	problems, log := c.problems(v, ask)
	if len(problems) == 0 {
		fmt.Printf("ok    %s%s\n", by, c.name)
		return 0
	}
	fmt.Printf("FAIL  %s%s\n", by, c.name)
	for line := range strings.Lines(strings.Join(problems, "\n") + "\n" + log) {
		fmt.Println("       ", strings.TrimRight(line, "\n"))
	}
	return 1
}

func (c testCase) problems(v map[string]string, ask func(event []byte) (answer any, log string, err error)) (list []string, log string) {
	event, err := fill(c.event, v)
	if err != nil {
		return []string{err.Error()}, ""
	}
	expected, err := fill(c.answer, v)
	if err != nil {
		return []string{err.Error()}, ""
	}
	var want any
	if err := json.Unmarshal(expected, &want); err != nil {
		return []string{err.Error()}, ""
	}
	got, log, err := ask(event)
	if err != nil {
		return []string{err.Error()}, log
	}
	return differences("answer", want, got), log
}
