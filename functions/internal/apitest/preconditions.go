package apitest

import (
	"maps"
	"net/http"
	"strconv"
	"testing"

	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

// Preconditions holds what the contract says of If-Match, over each operation that a function serves and that changes
// something: a version that isn't the object's is 412 and writes nothing, none is 428 where one is required, and the
// object's own version lets the request through. What holds back no change is refused: If-None-Match by each, a version in
// If-Match by each that doesn't take it, which makes no difference of "*".
func Preconditions(t *testing.T, fixture func(testing.TB) Fixture, serves func(Operation) bool) {
	keytest.OneAtATime(t)
	for _, op := range Operations(t) {
		if !serves(op) || op.Method == http.MethodGet {
			continue
		}
		t.Run(op.ID+" with If-None-Match", func(t *testing.T) {
			fixture(t).refuses(t, op, "any", http.StatusBadRequest, "parameter_invalid", "If-None-Match", "*")
		})
		if op.IfMatch == NotTaken {
			t.Run(op.ID+" with If-Match", func(t *testing.T) {
				for _, tag := range []string{etag(1), etag(99), `W/"1"`, "1"} {
					fixture(t).refuses(t, op, "any", http.StatusBadRequest, "parameter_invalid", "If-Match", tag)
				}
				if op.Method == http.MethodPut && operation(t, op).Responses.Status(http.StatusCreated) != nil { // it may make what isn't there
					fixture(t).refuses(t, op, "there is one", http.StatusBadRequest, "parameter_invalid", "If-Match", "*")
				} else if got := fixture(t).matching(t, op, "*"); got.Status >= http.StatusBadRequest {
					t.Errorf("there is one: %s", got.Problem())
				}
			})
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			f := fixture(t)
			version := f.version(t, op)
			for name, tag := range map[string]string{
				"the next": etag(version + 1), "the one before": etag(version - 1), "a weak one": "W/" + etag(version), "no number": `"x"`,
				"a longer one": etag(version*10 + 1), "two others": etag(version+1) + ", " + etag(version+2),
			} {
				f.refused(t, op, name, http.StatusPreconditionFailed, "version_stale", tag)
			}
			if op.IfMatch == Required {
				f.refused(t, op, "none", http.StatusPreconditionRequired, "if_match_required", "")
			}
			for name, tag := range map[string]string{
				"its own": etag(version), "any": "*", "its own of several": etag(version+1) + "," + etag(version),
			} {
				if got := f.matching(t, op, tag); got.Status >= http.StatusBadRequest {
					t.Errorf("%s: %s", name, got.Problem())
				}
				f = fixture(t)
			}
		})
	}
}

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// refused makes a call that must be refused without a write.
func (f Fixture) refused(t testing.TB, op Operation, name string, status int, code, tag string) {
	t.Helper()
	f.refuses(t, op, name, status, code, "If-Match", tag)
}

func (f Fixture) refuses(t testing.TB, op Operation, name string, status int, code, header, tag string) {
	t.Helper()
	before := f.Dump(t)
	got := f.conditional(t, op, header, tag)
	if got.Status != status || got.Code() != code {
		t.Errorf("%s: %s, want %d %s", name, got.Problem(), status, code)
	}
	if items := written(before, f.Dump(t)); len(items) > 0 {
		t.Errorf("%s: refused, and it wrote %v", name, items)
	}
}

func (f Fixture) matching(t testing.TB, op Operation, tag string) Answer {
	t.Helper()
	return f.conditional(t, op, "If-Match", tag)
}

func (f Fixture) conditional(t testing.TB, op Operation, header, tag string) Answer {
	t.Helper()
	f = f.sending(op, header, tag)
	return f.call(t, op, op.Caller(), f.params(op))
}

func (f Fixture) params(op Operation) map[string]string {
	params := maps.Clone(f.Params)
	maps.Copy(params, f.Instead[op.ID])
	return params
}

// version is that of the object of the path: the key's, or the account's.
func (f Fixture) version(t testing.TB, op Operation) int64 {
	t.Helper()
	if op.ID == "replaceDomain" { // the version of the list of entries
		return int64(f.Call(t, "listDomains", "owner", nil).JSON(t)["version"].(float64))
	}
	ofAccount := op.Path == "/v1/accounts/{account}" || op.ID == "setAccountLimit" || op.ID == "setAccountQuota" || op.ID == "putAccountPolicy"
	if id := apikey.ID(f.params(op)["key"]); id != "" && !ofAccount {
		k, err := f.Control.Key(t.Context(), f.Account, id)
		if err != nil {
			t.Fatal(err)
		}
		return k.Version
	}
	a, err := f.Control.Account(t.Context(), f.Account)
	if err != nil {
		t.Fatal(err)
	}
	return a.Version
}
