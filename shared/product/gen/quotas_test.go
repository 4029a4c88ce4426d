package main

import (
	"strings"
	"testing"

	"latchkey/shared/product/lock"
)

// withQuotas is a repository whose catalogue has them.
func withQuotas(text string) map[string][]byte {
	f := files(good)
	f[catalogueFile].Data = []byte(`{` + text + `,"products":[` + good + `]}`)
	out, _, err := generate(f, lock.Named{})
	if err != nil {
		return map[string][]byte{"": []byte(err.Error())}
	}
	return out
}

const theirs = `"groups":[{"id":"x","name":"The \"x\"","classes":["a.x"]}],"quotas":{"freemium":{"x":{"day":50000},"other":{"day":5,"month":90}},"free":{"x":{"month":7}}}`

func TestTheLiteralHasTheQuotas(t *testing.T) {
	code := string(withQuotas(theirs)[codeFile])
	for _, want := range []string{
		`{ID: "x", Name: "The \"x\"", Classes: []Class{"a.x"}},`, "\"free\": {\n\t\t\t\"x\": {Day: 0, Month: 7},",
		"\"other\": {Day: 5, Month: 90},\n\t\t\t\"x\":     {Day: 50000, Month: 0},",
	} {
		if !strings.Contains(code, want) {
			t.Errorf("the code lacks %s:\n%s", want, code)
		}
	}
}

func TestAQuotaOfABillingTypeThatNoKeyHasIsRefused(t *testing.T) {
	for _, wrong := range []string{`"quotas":{"fremium":{"other":{"day":1}}}`, `"quotas":{"":{"other":{"day":1}}}`, `"quotas":{"free":{"others":{"day":1}}}`} {
		if out := withQuotas(wrong); len(out) != 1 || out[""] == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

// TestAGroupThatGoesIsRefusedUnlessItIsNamed, of the shipped catalogue too: what is set of it would end and nobody would hear of it. Nothing is written then.
func TestAGroupThatGoesIsRefusedUnlessItIsNamed(t *testing.T) {
	f := shipped(t, `{"id": "tiles",`, `{"id": "map_tiles",`)
	if out, _, err := generate(f, lock.Named{}); err == nil || out != nil || !strings.Contains(err.Error(), "END=tiles") {
		t.Fatalf("silent: %v", err)
	}
	out, report, err := generate(f, lock.Named{Ended: []string{"tiles"}})
	if err != nil || len(report.Ended) != 1 || !strings.Contains(string(out[lockFile]), "\n- tiles group\n+ map_tiles group\n") {
		t.Errorf("named: %+v, %v", report, err)
	}
}

// TestMakeNamesGroupsToTheGenerator: a variable that the Makefile doesn't hand on would be taken for nothing.
func TestMakeNamesGroupsToTheGenerator(t *testing.T) {
	if !strings.Contains(read(t, repository, "Makefile"), `-end "$(END)"`) {
		t.Error("make catalogue END=… names no group")
	}
}
