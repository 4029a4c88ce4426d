package main

import (
	"slices"
	"strings"
	"testing"
)

func finding(check, resource string) result {
	return result{Check: check, Name: "something", File: "/template.json", Resource: resource}
}

func TestEachFindingHasItsExceptionAndEachExceptionItsFinding(t *testing.T) {
	one := exception{Check: "C1", Wants: "w", Resources: []string{"A", "B"}, Reason: "r"}
	every := exception{Check: "C2", Wants: "w", Every: "AWS::X::Y", Reason: "r"}
	failed := []result{finding("C1", "AWS::X::Y.A"), finding("C1", "AWS::X::Z.B"), finding("C2", "AWS::X::Y.A"), finding("C2", "AWS::X::Y.C")}
	passed := []result{finding("C1", "AWS::X::Z.C"), finding("C2", "AWS::X::Z.B")}
	for name, c := range map[string]struct {
		failed, passed []result
		exceptions     []exception
		resources      int
		want           string // part of the one trouble; "" for none
	}{
		"all is explained":                    {failed, passed, []exception{one, every}, 3, ""},
		"a new finding":                       {append(slices.Clone(failed), finding("C1", "AWS::X::Y.D")), passed, []exception{one, every}, 3, "C1 AWS::X::Y.D"},
		"a finding of another check":          {append(slices.Clone(failed), finding("C3", "AWS::X::Y.A")), passed, []exception{one, every}, 3, "C3 AWS::X::Y.A"},
		"a finding in another type":           {append(slices.Clone(failed), finding("C2", "AWS::X::Z.E")), passed, []exception{one, every}, 3, "C2 AWS::X::Z.E"},
		"one resource is fixed":               {failed[1:], passed, []exception{one, every}, 3, "C1 for A is needed no longer"},
		"one of a type is fixed":              {failed[:3], append(passed, finding("C2", "AWS::X::Y.C")), []exception{one, every}, 3, "AWS::X::Y.C needs it no longer"},
		"an exception for nothing":            {failed, passed, []exception{one, every, {Check: "C4", Wants: "w", Every: "AWS::X::Y", Reason: "r"}}, 3, "C4 is needed no longer"},
		"an exception without a reason":       {failed, passed, []exception{one, {Check: "C2", Wants: "w", Every: "AWS::X::Y"}}, 3, "C2 has no reason"},
		"resources that Checkov has not read": {failed, passed, []exception{one, every}, 4, "read 3 of 4"},
	} {
		var r report
		r.Summary.Resources, r.Results.Failed, r.Results.Passed = 3, c.failed, c.passed
		got := compare(r, c.exceptions, c.resources)
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	var r report
	r.Summary.Resources, r.Summary.Unread, r.Results.Failed, r.Results.Passed = 3, 1, failed, passed
	if got := compare(r, []exception{one, every}, 3); len(got) != 1 || !strings.Contains(got[0], "failed at 1 files") {
		t.Errorf("a file at which Checkov failed: %q", got)
	}
}
