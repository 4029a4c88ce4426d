package main

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// TestInputsHaveBothTheirBounds has each input of this function at its bounds and beyond them. What is refused writes
// nothing.
func TestInputsHaveBothTheirBounds(t *testing.T) {
	keytest.OneAtATime(t)
	address := func(n int) string { return strings.Repeat("x", n-len("@example.com")) + "@example.com" }
	for _, c := range []struct {
		op     string
		member string
		good   []any
		bad    []any
	}{
		{"editAccount as operator", "key_limit", []any{1, 100000}, []any{0, -1, -100000, 100001, 1 << 40, 1.5, "5", nil}},
		{"editAccount", "name", []any{"x", strings.Repeat("é", 64), " x\n"}, []any{"", " ", strings.Repeat("é", 65), "a\nb", "a\x00", 5, nil}},
		{"createAccount", "name", []any{"x", strings.Repeat("é", 64)}, []any{"", " ", strings.Repeat("é", 65), "a\nb", 5, nil}},
		{"putMember", "role", []any{"viewer", "owner"}, []any{"", "Owner", "operator", "owner ", nil}},
		{"putMember", "email", []any{"a@b", address(254)}, []any{"", "a", "@b", "a@", address(255), "a b@c", "a@b\n@c", "<a@b>", `"a"@b`, 5}},
		{"createInvitation", "role", []any{"viewer", "developer", "owner"}, []any{"", "Owner", "operator", nil}},
		{"createInvitation", "email", []any{"a@b", address(254)}, []any{"", "a", "@b", "a@", address(255), "a b@c", "<a@b>"}},
		{"putOperator", "email", []any{"a@b", address(254)}, []any{"", "a", "@b", address(255)}},
		{"blockKey", "reason", []any{"x", strings.Repeat("é", 500), "a\nb", " x "}, []any{"", " \n", strings.Repeat("é", 501), "a\x00b", nil}},
		{"suspendAccount", "reason", []any{"x", strings.Repeat("é", 500), "a\nb", " x "}, []any{"", " \n", strings.Repeat("é", 501), "a\x00b", nil}},
		{"setAccountQuota", "day", []any{1, 1_000_000_000_000, nil}, []any{0, -1, 1_000_000_000_001, 1.5, "5"}},
		{"setAccountQuota", "month", []any{1, 1_000_000_000_000, nil}, []any{0, -1, 1_000_000_000_001, 1.5, "5"}},
		{"putAccountPolicy", "max_lifetime_days", []any{1, 3650}, []any{0, -1, 3651, 1 << 40, 1.5, "5"}},
		{"putAccountPolicy", "frontend_restricted", []any{true}, []any{"true", 1, nil}},
		{"setAccountLimit", "qps", []any{1, 20000}, []any{0, -1, 20001, 1 << 40, 1.5, "5"}},
		{"acceptProduct", "version", []any{string(product.Default().Version())}, []any{"", " " + string(product.Default().Version()), "1", "1-", "0-0123456789", "1-012345678", "1-0123456789a", "1-012345678G", "1234567890-0123456789", 1, nil}},
		{"unblockKey", "reason", []any{"", "x", strings.Repeat("é", 500)}, []any{strings.Repeat("é", 501), "a\x00b"}},
	} {
		for i, value := range append(append([]any(nil), c.good...), c.bad...) {
			f := populated(t)
			before := f.Dump(t)
			got := with(t, f, c.op, c.member, value)
			written := keytest.Written(before, f.Dump(t))
			switch good := i < len(c.good); {
			case good && (got.Status >= http.StatusBadRequest || len(written) == 0):
				t.Errorf("%s with %s %.80q: %s", c.op, c.member, value, got.Problem())
			case !good && (got.Problem() != "422 invalid [/"+c.member+"]" || len(written) > 0):
				t.Errorf("%s with %s %.80q: %s, and it wrote %d items", c.op, c.member, value, got.Problem(), len(written))
			}
		}
	}
}

// with sends an operation's body of the fixture with one member replaced.
func with(t testing.TB, f apitest.Fixture, op, member string, value any) apitest.Answer {
	t.Helper()
	id, as, _ := strings.Cut(op, " as ")
	body := object{}
	if id != "editAccount" {
		maps.Copy(body, f.Bodies[id].(map[string]any))
	}
	body[member] = value
	return f.Call(t, id, as, body)
}

func TestASubjectHas1To255Characters(t *testing.T) {
	r := newHarness(t)
	for sub, status := range map[string]int{"x": 404, strings.Repeat("x", 255): 404, strings.Repeat("x", 256): 400, "a\nb": 400, "a\x00": 400, "\xff": 400} {
		r.Want(t, status, apitest.Call{As: "owner", Method: "PUT", Path: r.path("/members/" + url.PathEscape(sub)), Body: object{"role": "viewer"}})
	}
}
