package api_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"latchkey/shared/apikey"
	"latchkey/shared/text"
)

// shownContent calls yield for the content of each body and of each success, by "operationId what".
func shownContent(t *testing.T, yield func(name string, media *openapi3.MediaType)) {
	t.Helper()
	for _, item := range load(t).Paths.Map() {
		for _, op := range item.Operations() {
			if op.RequestBody != nil {
				for kind, media := range op.RequestBody.Value.Content {
					yield(fmt.Sprintf("%s, body, %s", op.OperationID, kind), media)
				}
			}
			for status, r := range op.Responses.Map() {
				for kind, media := range r.Value.Content {
					if status[0] == '2' && kind != "application/yaml" { // that is this document
						yield(fmt.Sprintf("%s, %s, %s", op.OperationID, status, kind), media)
					}
				}
			}
		}
	}
}

// That the handlers take the examples, and answer so, is held with each function's tests: functions/internal/apitest.
func TestEveryBodyAndEverySuccessHasAValidExample(t *testing.T) {
	unused := maps.Clone(load(t).Components.Examples)
	shownContent(t, func(name string, media *openapi3.MediaType) {
		if len(media.Examples) == 0 {
			t.Errorf("%s: there is no example", name)
		}
		for _, example := range media.Examples {
			component, ok := strings.CutPrefix(example.Ref, "#/components/examples/")
			if !ok {
				t.Errorf("%s: its example is to stand in components/examples", name)
			}
			delete(unused, component)
			if err := media.Schema.Value.VisitJSON(example.Value.Value, openapi3.EnableFormatValidation(), openapi3.MultiErrors()); err != nil {
				t.Errorf("%s: the example %s isn't as its schema: %v", name, component, err)
			}
		}
	})
	for name := range unused {
		t.Errorf("the example %s is used by nothing", name)
	}
}

// liveToken is the form of an invitation's token.
var liveToken = regexp.MustCompile(`lki_[A-Za-z0-9_-]{43}`)

func TestNoExampleHoldsASecretThatCouldBeOne(t *testing.T) {
	secrets := text.Secrets{apikey.DefaultPrefix}
	for name, example := range load(t).Components.Examples {
		written := fmt.Sprint(example.Value.Value)
		if secrets.In(written) || liveToken.MatchString(written) {
			t.Errorf("%s holds a secret, or what can't be told from one", name)
		}
	}
}

// The IDs of examples are of the form that the contract's parameters have, each of its own kind.
func TestTheIDsOfExamplesAreIDs(t *testing.T) {
	id := regexp.MustCompile(`\b(acc|key|qps|inv|op|aud)_[0-9A-Z]\w*`)
	form := regexp.MustCompile(`^[a-z]+_[0-7][0-9A-HJKMNP-TV-Z]{25}$`)
	for name, example := range load(t).Components.Examples {
		for _, found := range slices.Compact(id.FindAllString(fmt.Sprint(example.Value.Value), -1)) {
			if !form.MatchString(found) {
				t.Errorf("%s: %s is no ID", name, found)
			}
		}
	}
}
