// Command scan holds what Checkov found in templates against the exceptions that are explained. It fails on a finding without one,
// on an exception without a finding, and where Checkov hasn't read every resource.
//
//	scan EXCEPTIONS CHECKOV'S-JSON TEMPLATE…
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "scan:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 3 {
		return errors.New("usage: scan EXCEPTIONS CHECKOV'S-JSON TEMPLATE…")
	}
	var list []exception
	if err := read(args[0], &list); err != nil {
		return err
	}
	var found report
	if err := read(args[1], &found); err != nil {
		return err
	}
	resources := 0
	for _, file := range args[2:] {
		var template struct {
			Resources map[string]yaml.Node `yaml:"Resources"`
		}
		if err := read(file, &template); err != nil {
			return err
		}
		resources += len(template.Resources)
	}
	troubles := compare(found, list, resources)
	if len(troubles) > 0 {
		return errors.New(strings.Join(troubles, "\n"))
	}
	fmt.Printf("Checkov: %d checks of %d resources passed, %d have an exception that says why\n", len(found.Results.Passed), resources, len(found.Results.Failed))
	return nil
}

func read(file string, into any) error {
	raw, err := os.ReadFile(file) //nolint:gosec // named on the command line
	if err != nil {
		return err
	}
	if _, ok := into.(*report); ok {
		err = json.Unmarshal(raw, into)
	} else {
		err = yaml.Unmarshal(raw, into) // JSON is YAML, too
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// exception says why findings of a check are left as they are: in some resources, or in every one of a type.
type exception struct {
	Check     string   `yaml:"check"`
	Wants     string   `yaml:"wants"`
	Every     string   `yaml:"every"`
	Resources []string `yaml:"resources"`
	Reason    string   `yaml:"reason"`
}

// report is Checkov's output as JSON.
type report struct {
	Summary struct {
		Unread    int `json:"parsing_errors"`
		Resources int `json:"resource_count"`
	} `json:"summary"`
	Results struct {
		Passed []result `json:"passed_checks"`
		Failed []result `json:"failed_checks"`
	} `json:"results"`
}

type result struct {
	Check    string `json:"check_id"`
	Name     string `json:"check_name"`
	File     string `json:"file_path"`
	Resource string `json:"resource"` // its type and logical ID, with a dot between
}

func (r result) parts() (kind, id string) {
	i := strings.LastIndex(r.Resource, ".")
	return r.Resource[:max(i, 0)], r.Resource[i+1:]
}

// compare lists the troubles: none if each finding has an exception, and each exception the findings that it names.
func compare(found report, list []exception, resources int) (troubles []string) {
	say := func(format string, args ...any) { troubles = append(troubles, fmt.Sprintf(format, args...)) }
	if found.Summary.Unread > 0 || found.Summary.Resources != resources {
		say("Checkov has read %d of %d resources, and failed at %d files", found.Summary.Resources, resources, found.Summary.Unread)
	}
	for _, f := range found.Results.Failed {
		if !slices.ContainsFunc(list, func(e exception) bool { return e.covers(f) }) {
			say("%s %s%s: %s, and no exception says why", f.Check, f.Resource, f.File, f.Name)
		}
	}
	for _, e := range list {
		if e.Reason == "" || e.Wants == "" || (e.Every == "") == (len(e.Resources) == 0) {
			say("the exception %s has no reason, doesn't say what the check wants, or names neither resources nor a type, or both", e.Check)
		}
		needed := map[string]bool{}
		for _, f := range found.Results.Failed {
			if _, id := f.parts(); e.covers(f) {
				needed[id] = true
			}
		}
		for _, id := range e.Resources {
			if !needed[id] {
				say("the exception %s for %s is needed no longer", e.Check, id)
			}
		}
		for _, p := range found.Results.Passed {
			if kind, _ := p.parts(); p.Check == e.Check && kind == e.Every {
				say("the exception %s is for every %s, but %s needs it no longer: name the others", e.Check, e.Every, p.Resource)
			}
		}
		if len(needed) == 0 {
			say("the exception %s is needed no longer", e.Check)
		}
	}
	return troubles
}

func (e exception) covers(f result) bool {
	kind, id := f.parts()
	return f.Check == e.Check && (kind == e.Every || slices.Contains(e.Resources, id))
}
