package parameters

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"latchkey/infra/local/samconfig"
	"latchkey/infra/local/template"
)

// wrong are values that are right for few parameters, if for any: of a kind with what people type, paste or leave out.
var wrong = []string{
	"", " ", "x", "a b", "a\nb", `"`, "'", "é", "\u00a0", "a\u202eb", "\u200b", "\u2800", "%", "%zz", ",", ";",
	"0", "00", "01", "-1", "+1", "1.0", "1.5", "1e1", "1_0", "0x1f", "１", "NaN", "inf", "99999999999999999999",
	"https://", "https:///x", "https://x.example:port", "https://x.example:", "https://x.example/%zz", "https://x.example/a\\b", "https://u:p@x.example",
	"https://x.example?a", "https://[::1", "https://[x]", "https://x y", "https://.", "https://%", "http://", "http://x.example", "http://127.0.0.1:1",
	"http://host.docker.internal:8085", "//x.example", "HTTPS://X.EXAMPLE", "mailto:", "mailto:@", "mailto:a@", "mailto:/a@b", "mailto:a#b@c",
	"none", "HS256", "rs256", "all",
}

// perPattern counts the values that are made of a parameter's pattern.
const perPattern = 10

// most bounds how many mistakes Try tells of.
const most = 12

// attempt feeds environments to one function's reader, each once.
type attempt struct {
	*template.Template
	function string
	deciding []string
	read     func(getenv func(string) string) error
	done     map[string]bool
	wrong    []error
}

// Try gives a function's variables to what reads them, a starter of the function in its own tests: under Combinations; and with each
// parameter alone at values that its pattern makes, and at others that no pattern should take. What CloudFormation takes, the function
// has to take; what the function refuses, CloudFormation has to refuse.
func Try(root, function string, read func(getenv func(string) string) error) error {
	t, err := template.Load(filepath.Join(root, "template.yaml"), nil)
	if err != nil {
		return err
	}
	a := &attempt{Template: t, function: function, deciding: t.Deciding(function), read: read, done: map[string]bool{}}
	if err := a.together(); err != nil {
		return err
	}
	if err := a.alone(); err != nil {
		return err
	}
	if len(a.done) < 2 {
		return fmt.Errorf("%s is told nothing of any parameter", function)
	}
	if n := len(a.wrong); n > most {
		a.wrong = append(a.wrong[:most], fmt.Errorf("and %d more", n-most))
	}
	return errors.Join(a.wrong...)
}

func (a *attempt) together() error {
	sets, err := Combinations(a.Template, a.deciding)
	if err != nil {
		return err
	}
	for _, set := range sets {
		taken, err := a.feed(set, fmt.Sprintf("%q", set))
		if err != nil {
			return err
		}
		if !taken {
			return fmt.Errorf("%q is no combination", set)
		}
	}
	return nil
}

// alone tries each parameter beside the least that the Rules want with it.
func (a *attempt) alone() error {
	all, err := factors(a.Template, a.deciding)
	if err != nil {
		return err
	}
	for _, f := range all {
		for _, name := range f.names {
			if !slices.Contains(a.deciding, name) {
				continue
			}
			for _, value := range candidates(a.Template, name) {
				if err := a.one(f, name, value); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (a *attempt) one(f factor, name, value string) error {
	if !a.Takes(name, value) {
		return nil
	}
	for _, beside := range f.levels {
		set := maps.Clone(beside)
		set[name] = value
		if taken, err := a.feed(set, fmt.Sprintf("%s %q", name, value)); err != nil || taken {
			return err
		}
	}
	return nil
}

// candidates are values that a parameter may take or not.
func candidates(t *template.Template, name string) []string {
	all := slices.Concat(Samples[name].values(), Samples[name].Leaves, wrong)
	if pattern := t.Pattern(name); pattern != "" {
		made := rapid.StringMatching(pattern)
		for seed := range perPattern {
			all = append(all, made.Example(seed))
		}
	}
	return all
}

// feed gives what comes of a set of parameters to the reader, if CloudFormation takes the set.
func (a *attempt) feed(set map[string]string, what string) (taken bool, err error) {
	t, err := a.With(set)
	if err != nil {
		return false, err
	}
	refused, err := t.Refused()
	if err != nil || len(refused) > 0 {
		return false, err
	}
	functions, err := t.Of("AWS::Serverless::Function")
	if err != nil {
		return true, err
	}
	i := slices.IndexFunc(functions, func(r *template.Resource) bool { return r.ID == a.function })
	if i < 0 {
		return true, nil // with these, the stack hasn't got it
	}
	variables, err := samconfig.Variables(t, functions[i])
	if err != nil {
		return true, err
	}
	key := fmt.Sprintf("%q", variables)
	if a.done[key] {
		return true, nil
	}
	a.done[key] = true
	if err := errors.Join(usable(variables), a.read(func(name string) string { return variables[name] })); err != nil {
		a.wrong = append(a.wrong, fmt.Errorf("%s with %s: %w", a.function, what, err))
	}
	return true, nil
}

// mostBytes bounds a function's variables at Lambda, names and values together.
const mostBytes = 4 << 10

// usable finds what is wrong with variables though the function starts: Lambda takes no more of them, or each call to an address fails.
func usable(variables map[string]string) error {
	n := 0
	for name, value := range variables {
		if n += len(name) + len(value); n > mostBytes {
			return fmt.Errorf("the variables have more than %d bytes", mostBytes)
		}
		if address := strings.HasSuffix(name, "_URL") || strings.HasSuffix(name, "_ENDPOINT") || name == "PROBLEM_DOCS"; !address || value == "" {
			continue
		}
		u, err := url.Parse(value)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if u.Hostname() == "" || u.User != nil || strings.HasSuffix(u.Host, ":") {
			return fmt.Errorf("%s can't be an address: %q", name, value)
		}
	}
	return nil
}
