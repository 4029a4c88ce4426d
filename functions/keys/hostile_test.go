package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
)

// items reads all that is stored.
func (r *harness) items(t testing.TB) (all []dynamo.Item) {
	t.Helper()
	for _, table := range []string{r.Tables.Control, r.Tables.Gate} {
		input := &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)}
		for {
			out, err := r.DB.Scan(t.Context(), input)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, out.Items...)
			if input.ExclusiveStartKey = out.LastEvaluatedKey; len(input.ExclusiveStartKey) == 0 {
				break
			}
		}
	}
	return all
}

func (r *harness) stored(t testing.TB, k map[string]any) apikey.Key {
	t.Helper()
	key, err := r.Control.Key(t.Context(), r.account.ID, apikey.ID(k["id"].(string)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestStoredAttributesAsExtraMembersChangeNothing(t *testing.T) {
	keytest.OneAtATime(t)
	r := newHarness(t)
	k := r.create(t, map[string]any{"recoverable": true, "domains": []string{"example.com"}})
	names := map[string]bool{}
	for _, item := range r.items(t) {
		for name := range item {
			names[name] = true
		}
	}
	for name := range k {
		names[name] = true
	}
	bodies := map[string]map[string]any{
		"POST /disable": {}, "POST /enable": {}, "POST /revoke": {"confirm_name": "My key"}, "POST /restore": {}, "POST /reveal": {},
		"POST /test": {}, "PUT /proposal": {"domains": []string{"b.example"}}, "DELETE /proposal": {}, "POST /proposal/promote": {},
		"DELETE ": {}, "PATCH ": {"name": "My key"},
	}
	allowed := map[string][]string{
		"PUT /proposal": {"products"}, "POST /test": {},
		"PATCH ": {"name", "labels", "usage", "products", "domains", "missing_origin", "header_only", "expires_at"},
	}
	before := r.stored(t, k)
	if len(names) < 40 {
		t.Fatalf("only %d attributes: %v", len(names), names)
	}
	for _, operation := range slices.Sorted(maps.Keys(bodies)) {
		method, path, _ := strings.Cut(operation, " ")
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if _, own := bodies[operation][name]; own || slices.Contains(allowed[operation], name) {
				continue
			}
			body := maps.Clone(bodies[operation])
			body[name] = true
			got := r.Do(t, apitest.Call{As: "owner", Method: method, Path: r.path(k) + path, Body: body, Headers: map[string]string{"If-Match": "*"}})
			if got.Status != 422 || !slices.Contains(got.Pointers(), "/"+strings.ReplaceAll(name, "/", "~1")) {
				t.Errorf("%s with %s: %s", operation, name, got.Problem())
			}
		}
	}
	create := map[string]any{"name": "x", "usage": "backend", "products": []string{"search"}}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if slices.Contains(append(allowed["PATCH "], "recoverable"), name) {
			continue
		}
		body := maps.Clone(create)
		body[name] = "x"
		if got := r.Do(t, apitest.Call{As: "owner", Method: "POST", Path: r.keys(), Body: body}); got.Status != 422 {
			t.Errorf("create with %s: %s", name, got.Problem())
		}
	}
	if after := r.stored(t, k); !reflect.DeepEqual(before, after) {
		t.Errorf("the key has changed:\n%+v\n%+v", before, after)
	}
	if page, _ := r.Control.Keys(t.Context(), r.account.ID, allKeys); len(page.Keys) != 1 {
		t.Errorf("%d keys", len(page.Keys))
	}
}

func TestNamesOfAnyScriptComeBackAsTheyWere(t *testing.T) {
	r := newHarness(t)
	good := []string{
		"日本語のキー", "مفتاح", "क्षि", "👩‍👩‍👧‍👦", "<script>alert(1)</script>", `"; DROP TABLE keys; --`, "${jndi:ldap://x}", "../../etc/passwd",
		"%00%0a", "null", "undefined", "NaN", "1e999", "\\u0000", "Ω≈ç√∫˜µ≤≥÷", strings.Repeat("字", 64), strings.Repeat("😀", 64), "{{7*7}}", "a\u00a0b",
	}
	for _, name := range good {
		k := r.create(t, map[string]any{"name": name})
		if k["name"] != name || r.stored(t, k).Name != name {
			t.Errorf("%q came back as %q", name, k["name"])
		}
	}
	for _, name := range []string{"", "   ", "a\tb", "a\nb", "\u202eabc", "a\u200bb", "\x7f", "\u2028", "\ufeff", strings.Repeat("字", 65)} {
		got := r.Do(t, apitest.Call{As: "owner", Method: "POST", Path: r.keys(), Body: map[string]any{"name": name, "usage": "backend", "products": []string{"search"}}})
		if got.Problem() != "422 invalid [/name]" {
			t.Errorf("%q: %s", name, got.Problem())
		}
	}
}

func TestOfTwoChangesToOneVersionOneWins(t *testing.T) {
	r := newHarness(t)
	for round := range 30 {
		k := r.create(t, nil)
		calls := []apitest.Call{
			{As: "developer", Method: "PATCH", Path: r.path(k), Body: map[string]any{"name": fmt.Sprint("edited ", round)}},
			{As: "owner", Method: "POST", Path: r.path(k) + "/disable"},
			{As: "owner", Method: "POST", Path: r.path(k) + "/revoke", Body: map[string]any{"confirm_name": "My key"}},
		}
		statuses := make([]int, len(calls))
		var wg sync.WaitGroup
		for i, c := range calls {
			c.Headers = map[string]string{"If-Match": `"1"`}
			wg.Go(func() { statuses[i] = r.Do(t, c).Status })
		}
		wg.Wait()
		slices.Sort(statuses)
		if !slices.Equal(statuses, []int{200, 412, 412}) {
			t.Fatalf("round %d: %v", round, statuses)
		}
		r.CheckGate(t, r.stored(t, k))
		rows := 0
		for _, row := range r.AllAudit(t, r.account.ID) {
			if row.KeyID == k["id"] {
				rows++
			}
		}
		if rows != 2 {
			t.Fatalf("round %d: %d audit rows, want 2", round, rows)
		}
		r.Want(t, 200, apitest.Call{As: "owner", Method: "DELETE", Path: r.path(k)})
	}
}

func TestSecretsAreInTheirOneAnswerAndNowhereElse(t *testing.T) {
	r := newHarness(t)
	var secrets []string
	for i := range 5 {
		k := r.Want(t, 201, apitest.Call{
			As: "developer", Method: "POST", Path: r.keys(), Headers: map[string]string{"Idempotency-Key": fmt.Sprint("key-", i)},
			Body: map[string]any{"name": "My key", "usage": "backend", "products": []string{"search"}, "recoverable": i%2 == 0},
		}).JSON(t)
		secrets = append(secrets, k["secret"].(string))
		r.Do(t, apitest.Call{
			As: "developer", Method: "POST", Path: r.keys(), Headers: map[string]string{"Idempotency-Key": fmt.Sprint("key-", i)},
			Body: map[string]any{"name": "My key", "usage": "backend", "products": []string{"search"}, "recoverable": i%2 == 0},
		})
		r.post(t, 200, "developer", k, "disable", nil)
		r.post(t, 200, "viewer", k, "test", nil)
		r.post(t, 200, "owner", k, "revoke", map[string]any{"confirm_name": "My key"})
		r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.path(k)})
	}
	r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + "?status=revoked"})
	stored, err := json.Marshal(r.items(t))
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range secrets {
		if n := strings.Count(r.All.String(), s); n != 1 {
			t.Errorf("secret %d is in %d answers", i, n)
		}
		for place, text := range map[string]string{"the store": string(stored), "the log": r.Logs.String()} {
			if strings.Contains(text, s) || strings.Contains(text, s[3:30]) {
				t.Errorf("secret %d is in %s", i, place)
			}
		}
	}
}
