// Package recordings holds answers of AWS's own services: what was asked, what came back, and who saw it. The tests of the
// packages that play those services walk them.
package recordings

import (
	"bytes"
	_ "embed" // the answers
	"encoding/json"
	"fmt"
	"slices"
)

// Services are the parts of AWS that have answers here. Each has a test that walks all of its own.
var Services = []string{"apigateway", "event_source_mapping", "dynamodb", "dynamodbstreams", "secretsmanager"}

// Grades say how an answer is known.
const (
	Recorded   = "recorded"   // in a snapshot that a public test suite took on AWS
	Asserted   = "asserted"   // by a public test that its authors have run on AWS
	Documented = "documented" // in AWS's documents
	Reported   = "reported"   // by several people in public
	Inferred   = "inferred"   // by nobody: infra/smoke should ask
)

// Recording is one answer. Input and Wanted have a form of their own for each service; its test says which.
type Recording struct {
	Service, Name, Grade, Source string
	Input, Wanted                json.RawMessage
}

//go:embed recordings.jsonl
var file []byte

// All returns every answer, in the file's order.
func All() ([]Recording, error) {
	var list []Recording
	for n, line := range bytes.Split(file, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var r Recording
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&r); err != nil {
			return nil, fmt.Errorf("recordings.jsonl, line %d: %w", n+1, err)
		}
		list = append(list, r)
	}
	return list, nil
}

// Of returns the answers of one service; there is at least one.
func Of(service string) ([]Recording, error) {
	all, err := All()
	if err != nil {
		return nil, err
	}
	list := slices.DeleteFunc(all, func(r Recording) bool { return r.Service != service })
	if len(list) == 0 {
		return nil, fmt.Errorf("no recordings of %s", service)
	}
	return list, nil
}

// Read decodes the input and what is wanted, strictly: a member that the test doesn't know would be walked past.
func (r *Recording) Read(input, wanted any) error {
	for _, part := range []struct {
		raw  json.RawMessage
		into any
	}{{r.Input, input}, {r.Wanted, wanted}} {
		dec := json.NewDecoder(bytes.NewReader(part.raw))
		dec.DisallowUnknownFields()
		if err := dec.Decode(part.into); err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
	}
	return nil
}
