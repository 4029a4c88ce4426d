package api_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"latchkey/shared/api"
)

func load(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.Contract)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestContractIsValidOpenAPI31(t *testing.T) {
	doc := load(t)
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("openapi: %s, want 3.1", doc.OpenAPI)
	}
}

func TestEveryOperationSaysWhoMayCallIt(t *testing.T) {
	known := map[string]bool{"viewer": true, "developer": true, "owner": true, "operator": true, "admin": true, "any": true, "public": true}
	for path, item := range load(t).Paths.Map() {
		for method, op := range item.Operations() {
			roles, _ := op.Extensions["x-roles"].([]any)
			if len(roles) == 0 || op.OperationID == "" || op.Summary == "" {
				t.Errorf("%s %s: needs x-roles, an operationId and a summary", method, path)
			}
			for _, role := range roles {
				if name, _ := role.(string); !known[name] {
					t.Errorf("%s %s: unknown role %v", method, path, role)
				}
			}
			if public := len(roles) == 1 && roles[0] == "public"; public != (op.Security != nil && len(*op.Security) == 0) {
				t.Errorf("%s %s: x-roles and security disagree", method, path)
			}
		}
	}
}

func TestEveryBodyOfARequestRefusesUnknownMembers(t *testing.T) {
	for path, item := range load(t).Paths.Map() {
		for method, op := range item.Operations() {
			if op.RequestBody == nil {
				continue
			}
			for kind, media := range op.RequestBody.Value.Content {
				if path == "/v1/leaks/github" { // GitHub's form, which may grow
					continue
				}
				extra := media.Schema.Value.AdditionalProperties
				if extra.Has == nil || *extra.Has {
					t.Errorf("%s %s %s: additionalProperties must be false", method, path, kind)
				}
			}
		}
	}
}

// derived are the members of a key that nobody sets in the body of a create or an edit, with who does.
var derived = map[string]string{
	"id": "its creation", "account_id": "its creation", "created_at": "its creation", "created_by": "its creation", "updated_at": "every write", "version": "every write",
	"preview": "a new secret", "rotated_at": "a rotation", "previous_preview": "a rotation", "previous_secret_expires_at": "a rotation",
	"rotation_cancelled": "a rotation", "last_used_at": "its calls", "last_used_age_seconds": "its calls", "last_refused_at": "its calls", "previous_secret_last_used_at": "its calls",
	"status": "derived from the others", "disabled": "disable and enable", "blocked": "operators", "revoked_at": "revoke", "deleted_at": "delete",
	"billing_type": "operators", "limits": "QPS requests and limits/{class}", "quotas": "quotas/{group}", "rotation_policy": "rotation-policy", "proposed": "proposal",
	"warnings": "derived from the others", "pending_paths": "the catalogue, until accept of a product",
	"exposed_at": "reports of leaks", "exposures": "reports of leaks",
}

func TestAMemberOfAKeyIsSetByItsBodiesOrByAnOperationOfItsOwn(t *testing.T) {
	members := func(schema string) openapi3.Schemas { return load(t).Components.Schemas[schema].Value.Properties }
	key, create, edit := members("Key"), members("CreateKey"), members("EditKey")
	for name := range key {
		if _, ok := derived[name]; ok == (create[name] != nil) {
			t.Errorf("%s: it is to be either in CreateKey or in this test's list of who else sets it", name)
		}
	}
	for name := range create {
		if key[name] == nil || edit[name] == nil && name != "recoverable" {
			t.Errorf("%s of CreateKey: Key and EditKey need it too", name)
		}
	}
	for name := range edit {
		if create[name] == nil {
			t.Errorf("%s of EditKey: CreateKey needs it too", name)
		}
	}
}

// TestBillingTypesAreListedAlike: the map of a change of type has its own list, since its Go type is of plain strings.
func TestBillingTypesAreListedAlike(t *testing.T) {
	schemas := load(t).Components.Schemas
	want := schemas["BillingType"].Value.Enum
	got := schemas["EditAccount"].Value.Properties["billing_types"].Value.AdditionalProperties.Schema.Value.Enum
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("billing_types takes %v, BillingType %v", got, want)
	}
}
