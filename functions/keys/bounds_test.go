package main

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

// TestInputsHaveBothTheirBounds has each member of a key at its bounds and beyond them, for each body that takes it.
// What is refused writes nothing.
func TestInputsHaveBothTheirBounds(t *testing.T) {
	keytest.OneAtATime(t)
	domains := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("d%d.example.com", i))
		}
		return list
	}
	secret, err := apikey.DefaultPrefix.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) string { return keytest.Now.Add(d).Format(time.RFC3339Nano) }
	all := []string{"createKey", "editKey"}
	restrictions := append([]string{"proposeRestrictions"}, all...)
	for _, c := range []struct {
		member string
		bodies []string
		good   []any
		bad    map[string]any // by the pointer's end
	}{
		{"name", all, []any{"x", strings.Repeat("é", 64), " x\n"}, map[string]any{"": "", " ": 5, "  ": strings.Repeat("é", 65), "   ": "a\nb", "    ": nil}},
		{"usage", all, []any{"frontend", "mobile"}, map[string]any{"": "", " ": "Backend", "  ": nil}},
		{"missing_origin", all, []any{"deny"}, map[string]any{"": "", " ": "Deny", "  ": nil}},
		{"header_only", all, []any{true}, map[string]any{"": "true", " ": nil}},
		{"expires_at", all, []any{at(time.Millisecond), "9999-12-31T23:59:59.999Z"}, map[string]any{
			"": at(0), " ": at(-time.Millisecond), "  ": at(time.Millisecond - 1), "   ": "9999-12-31T23:59:59-01:00", "    ": "2030-01-01",
		}},
		{"products", restrictions, []any{[]string{"routing"}, []string{"routing", "routing"}}, map[string]any{
			"": []string{}, "/1": []string{"routing", "x"}, "/0": []string{""}, " ": nil, "  ": strings.Split(strings.Repeat("routing ", 51), " ")[:51],
		}},
		{"labels", all, []any{[]string{"x"}, []string{"1", "2", "3", "4", strings.Repeat("é", 32)}}, map[string]any{
			"": []string{"1", "2", "3", "4", "5", "6"}, " ": nil, "  ": "web", "/0": []string{""}, "/0 ": []string{strings.Repeat("é", 33)}, "/0  ": []any{nil},
			"/1": []string{"a", "b,c"}, "/1 ": []string{"a", "b;c"}, "/1  ": []string{"a", "b\nc"}, "/2": []string{"a", "b", "\u200b"},
			"/1   ": []string{"a", secret.Reveal()},
		}},
		{"domains", restrictions, []any{domains(1), domains(100)}, map[string]any{"": domains(101), "/1": []string{"a.example", "*"}, "/0": []any{nil}, " ": nil}},
	} {
		for _, op := range c.bodies {
			body := func(value any) object {
				if op == "createKey" {
					return creating(c.member, value)
				}
				return object{c.member: value}
			}
			for _, value := range c.good {
				f := fixture(t)
				before := f.Dump(t)
				if got := f.Call(t, op, "", body(value)); got.Status >= http.StatusBadRequest || len(keytest.Written(before, f.Dump(t))) == 0 {
					t.Errorf("%s with %s %.60v: %s", op, c.member, value, got.Problem())
				}
			}
			f := fixture(t)
			before := f.Dump(t)
			for end, value := range c.bad {
				got := f.Call(t, op, "", body(value))
				if want := "422 invalid [/" + c.member + strings.TrimSpace(end) + "]"; got.Problem() != want {
					t.Errorf("%s with %s %.60v: %s, want %s", op, c.member, value, got.Problem(), want)
				}
			}
			if written := keytest.Written(before, f.Dump(t)); len(written) > 0 {
				t.Errorf("%s with a bad %s wrote %v", op, c.member, written)
			}
		}
	}
}
