package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemas are the contract's schemas of bodies and headers, compiled once each. openapi3filter compiles a schema again for each that
// it looks at, which was most of the time of these tests.
type schemas struct {
	mu       sync.Mutex
	shared   any // the contract's components/schemas
	compiled map[*openapi3.SchemaRef]*jsonschema.Schema
}

var bodies = &schemas{compiled: map[*openapi3.SchemaRef]*jsonschema.Schema{}}

// check holds a body against the schema of its media type. looked is false where there is none that this can check:
// no body, or no JSON.
func (s *schemas) check(doc *openapi3.T, described openapi3.Content, contentType string, body []byte) (looked bool, err error) {
	kind, _, _ := mime.ParseMediaType(contentType) // "" if it is none
	if kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return false, nil
	}
	media := described.Get(kind)
	if media == nil || media.Schema == nil {
		return false, nil
	}
	schema, err := s.of(doc, media.Schema)
	if err != nil {
		return true, err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return true, fmt.Errorf("the body is no JSON: %w", err)
	}
	return true, schema.Validate(value)
}

// text holds a header's value against its schema, as a number where the schema wants one.
func (s *schemas) text(doc *openapi3.T, ref *openapi3.SchemaRef, value string) error {
	schema, err := s.of(doc, ref)
	if err != nil {
		return err
	}
	if ref.Value.Type.Is("integer") {
		return schema.Validate(json.Number(value))
	}
	return schema.Validate(value)
}

func (s *schemas) of(doc *openapi3.T, ref *openapi3.SchemaRef) (*jsonschema.Schema, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.compiled[ref]; known != nil {
		return known, nil
	}
	if s.shared == nil {
		shared, err := plain(doc.Components.Schemas)
		if err != nil {
			return nil, err
		}
		s.shared = shared
	}
	own, err := plain(ref) // a reference, or what stands there
	if err != nil {
		return nil, err
	}
	whole, ok := own.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a schema that is %v", own)
	}
	whole["components"] = map[string]any{"schemas": s.shared}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource("contract.json", whole); err != nil {
		return nil, err
	}
	compiled, err := compiler.Compile("contract.json")
	if err != nil {
		return nil, err
	}
	s.compiled[ref] = compiled
	return compiled, nil
}

// plain is a part of the contract as JSON has it.
func plain(v any) (any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(raw))
}
