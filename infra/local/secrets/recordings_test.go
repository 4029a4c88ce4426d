package secrets

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"latchkey/infra/local/recordings"
)

// steps is the input of a recording of Secrets Manager: operations, one after the other, on a store without secrets.
type steps struct {
	Steps []json.RawMessage // [operation, request]
}

type answers struct {
	Answers []struct {
		Out             map[string]any // parts of the answer
		Versions        map[string][]string
		Error, Message  string
		Status          int
		Present, Absent []string
	}
}

func TestSecretsManagerAnswersAsRecorded(t *testing.T) {
	list, err := recordings.Of("secretsmanager")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		t.Run(r.Name, func(t *testing.T) {
			var in steps
			var want answers
			if err := r.Read(&in, &want); err != nil {
				t.Fatal(err)
			}
			if len(in.Steps) != len(want.Answers) {
				t.Fatal("as many answers as steps")
			}
			s, err := New(Config{Dir: t.TempDir(), Exists: func(string) bool { return false }, Invoke: func(context.Context, string, []byte) error { return nil }})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for n, raw := range in.Steps {
				var step [2]json.RawMessage
				var operation string
				if json.Unmarshal(raw, &step) != nil || json.Unmarshal(step[0], &operation) != nil {
					t.Fatal("a step is an operation and its request")
				}
				req := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(step[1]))
				req.Header.Set("X-Amz-Target", "secretsmanager."+operation)
				w := httptest.NewRecorder()
				s.ServeHTTP(w, req)
				var got map[string]any
				if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
					t.Fatalf("%s: %s", operation, w.Body)
				}
				a := want.Answers[n]
				if kind, _ := got["__type"].(string); kind != a.Error || a.Message != "" && got["Message"] != a.Message || a.Status != 0 && w.Code != a.Status {
					t.Errorf("%s: %d %v, want %s %q (%s)", operation, w.Code, got, a.Error, a.Message, r.Source)
				}
				for name, v := range a.Out {
					if !reflect.DeepEqual(sorted(got[name]), sorted(v)) {
						t.Errorf("%s: %s is %v, want %v", operation, name, got[name], v)
					}
				}
				for _, name := range a.Present {
					if got[name] == nil {
						t.Errorf("%s: there is no %s", operation, name)
					}
				}
				for _, name := range a.Absent {
					if _, ok := got[name]; ok {
						t.Errorf("%s: there is a %s", operation, name)
					}
				}
				if a.Versions != nil && !reflect.DeepEqual(stagesOf(t, w.Body.Bytes()), a.Versions) {
					t.Errorf("%s: %s, want %v", operation, w.Body, a.Versions)
				}
			}
		})
	}
}

// sorted orders a list of texts: the recordings' stages are a set.
func sorted(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b any) int {
		s, _ := a.(string)
		t, _ := b.(string)
		return strings.Compare(s, t)
	})
	return list
}

func stagesOf(t *testing.T, raw []byte) map[string][]string {
	t.Helper()
	var list struct {
		Versions []struct {
			VersionID     string `json:"VersionId"`
			VersionStages []string
		}
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, v := range list.Versions {
		slices.Sort(v.VersionStages)
		out[v.VersionID] = v.VersionStages
	}
	return out
}
