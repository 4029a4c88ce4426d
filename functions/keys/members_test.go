package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/api"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// memberValues has, for each member of a body that creates or edits a key, a value that a key made by harness.create
// doesn't have. The values are as keys store them.
var memberValues = map[string]any{
	"name": "Another", "labels": []string{"production", "web team"}, "usage": "mobile", "products": []string{"map-display", "routing"},
	"domains":  []string{"*.example.com", "example.org"},
	"networks": []string{"192.0.2.0/24", "2001:db8::/32"},
	"apps": []any{
		map[string]any{"platform": "android", "package": "com.example.app", "sha1": "DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09"},
		map[string]any{"platform": "ios", "bundle_id": "com.example.app"},
	},
	"missing_origin": "deny", "header_only": true, "recoverable": true,
	"expires_at": "2030-01-01T00:00:00.000Z",
}

func membersOf[T any](t *testing.T) (names []string) {
	t.Helper()
	typ := reflect.TypeFor[T]()
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		if memberValues[name] == nil {
			t.Errorf("%s has a member %q: add a value of it to memberValues", typ.Name(), name)
			continue
		}
		names = append(names, name)
	}
	return names
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// checkMember checks that a key has a member's value, and that one audit row of the action tells it.
func (r *harness) checkMember(t *testing.T, k map[string]any, name, version, action string) {
	t.Helper()
	rows := slices.DeleteFunc(r.AllAudit(t, r.account.ID), func(row audit.Row) bool { return row.KeyID != k["id"] || row.Action != action })
	stored := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.path(k)}).JSON(t)
	want := asJSON(t, memberValues[name])
	if got := asJSON(t, stored[name]); got != want {
		t.Errorf("%s: stored is %s, want %s", name, got, want)
	}
	if got := fmt.Sprint(stored["version"]); got != version {
		t.Errorf("%s: version %s, want %s", name, got, version)
	}
	if len(rows) != 1 || !slices.ContainsFunc(rows[0].Changes, func(c audit.Change) bool { return c.Field == name && c.After == want }) {
		t.Errorf("%s: the audit rows of %s are %+v", name, action, rows)
	}
}

func TestEachMemberAloneIsEdited(t *testing.T) {
	r := newHarness(t)
	for _, name := range membersOf[api.EditKey](t) {
		k := r.create(t, nil)
		r.Want(t, 200, apitest.Call{
			As: "developer", Method: "PATCH", Path: r.path(k), Body: map[string]any{name: memberValues[name]},
			Headers: map[string]string{"If-Match": `"1"`},
		})
		r.checkMember(t, k, name, "2", "key.edit")
	}
}

// TestWhatAnEditDoesntSendStays, of a key in which every member is set.
func TestWhatAnEditDoesntSendStays(t *testing.T) {
	r := newHarness(t)
	names, bare := membersOf[api.EditKey](t), r.create(t, nil)
	for _, name := range names {
		k := r.create(t, memberValues)
		after := r.Want(t, 200, apitest.Call{
			As: "developer", Method: "PATCH", Path: r.path(k), Body: map[string]any{name: bare[name]}, Headers: map[string]string{"If-Match": `"1"`},
		}).JSON(t)
		for member, value := range memberValues {
			if member == name {
				value = bare[name]
			}
			if got, want := asJSON(t, after[member]), asJSON(t, value); got != want {
				t.Errorf("after an edit of %s alone %s is %s, want %s", name, member, got, want)
			}
		}
	}
}

func TestEachMemberAloneIsCreated(t *testing.T) {
	r := newHarness(t)
	for _, name := range membersOf[api.CreateKey](t) {
		k := r.create(t, map[string]any{name: memberValues[name]})
		r.checkMember(t, k, name, "1", "key.create")
	}
}

// TestAMemberIsAsItWasSentWhateverComesWithIt: members of one edit depend on each other, as the rule for calls without an
// origin does on the usage. What was sent holds, also where the key had it already.
func TestAMemberIsAsItWasSentWhateverComesWithIt(t *testing.T) {
	keytest.OneAtATime(t)
	names := membersOf[api.EditKey](t)
	for _, usage := range []string{"frontend", "backend"} {
		for i, one := range names {
			r := newHarness(t) // with room for its keys
			for _, other := range names[i+1:] {
				for _, own := range [][2]bool{{false, false}, {false, true}, {true, false}} {
					k, sent := r.create(t, map[string]any{"usage": usage}), map[string]any{}
					for n, name := range []string{one, other} {
						if sent[name] = memberValues[name]; own[n] {
							sent[name] = k[name]
						}
					}
					answer := r.Want(t, 200, apitest.Call{
						As: "developer", Method: "PATCH", Path: r.path(k), Body: sent, Headers: map[string]string{"If-Match": `"1"`},
					}).JSON(t)
					for name, want := range sent {
						if got := answer[name]; asJSON(t, got) != asJSON(t, want) {
							t.Errorf("a %s key is sent %v: %s is %v", usage, sent, name, got)
						}
					}
				}
			}
		}
	}
}

// An unchanged form sends what it was shown, or the same sets in another order.
func TestSavingAnUnchangedFormWritesNothing(t *testing.T) {
	r := newHarness(t)
	body := map[string]any{"products": []string{"search", "map-display"}, "domains": []string{"b.example.com", "a.example.com"}}
	k := r.create(t, body)
	rows := len(r.AllAudit(t, r.account.ID))
	for name, form := range map[string]map[string]any{
		"as shown": {"products": k["products"], "domains": k["domains"], "name": k["name"], "expires_at": nil},
		"as sent":  body,
	} {
		answer := r.Want(t, 200, apitest.Call{
			As: "developer", Method: "PATCH", Path: r.path(k), Body: form, Headers: map[string]string{"If-Match": `"1"`},
		})
		if got := answer.Header.Get("ETag"); got != `"1"` || len(r.AllAudit(t, r.account.ID)) != rows {
			t.Errorf("%s: it wrote version %s", name, got)
		}
	}
	first := r.Want(t, 200, apitest.Call{As: "developer", Method: "PUT", Path: r.path(k) + "/proposal", Body: body}).JSON(t)
	body["domains"] = []string{"a.example.com", "b.example.com"}
	again := r.Want(t, 200, apitest.Call{As: "developer", Method: "PUT", Path: r.path(k) + "/proposal", Body: body}).JSON(t)
	if fmt.Sprint(first["version"], again["version"]) != "2 2" {
		t.Errorf("proposing the same sets: versions %v and %v", first["version"], again["version"])
	}
}

// A client reads a key, changes one member and sends all of them back. So each member of an edit, as the key's document
// shows it, is what the key has already: for a key that has everything, and for one whose attributes are zero where they
// can be, which the document may show by words of the contract. That missing_origin was sent is a fact of its own, which
// both keys have.
func TestSendingBackWhatIsShownWritesNothing(t *testing.T) {
	r := newHarness(t)
	names := membersOf[api.EditKey](t)
	all := map[string]any{}
	for _, name := range names {
		all[name] = memberValues[name]
	}
	full := r.create(t, all)
	bare := r.create(t, nil)
	before := r.stored(t, bare)
	after := before
	after.Domains, after.MissingOrigin, after.HeaderOnly, after.ExpiresAt = nil, "", false, time.Time{}
	after.OriginChosen = true
	row := keytest.Row(r.account.ID, "key.edit", before.ID)
	if _, err := r.Control.Commit(t.Context(), control.Change{Before: &before, After: after, Audit: row}); err != nil {
		t.Fatal(err)
	}
	for what, k := range map[string]map[string]any{"a key with everything": full, "a key with zero values": bare} {
		shown := r.Want(t, 200, apitest.Call{As: "developer", Method: "GET", Path: r.path(k)})
		doc, rows := shown.JSON(t), len(r.AllAudit(t, r.account.ID))
		tag := fmt.Sprintf(`"%v"`, doc["version"])
		together := map[string]any{}
		for _, name := range names {
			together[name] = doc[name]
			r.sendsBack(t, what+", "+name, k, tag, map[string]any{name: doc[name]})
		}
		r.sendsBack(t, what+", all together", k, tag, together)
		if got := len(r.AllAudit(t, r.account.ID)); got != rows {
			t.Errorf("%s: %d audit rows were written", what, got-rows)
		}
	}
}

func (r *harness) sendsBack(t *testing.T, what string, k map[string]any, tag string, body map[string]any) {
	t.Helper()
	answer := r.Want(t, 200, apitest.Call{As: "developer", Method: "PATCH", Path: r.path(k), Body: body, Headers: map[string]string{"If-Match": tag}})
	if got := answer.Header.Get("ETag"); got != tag {
		t.Errorf("%s: sending back %v wrote version %s of %s", what, body, got, tag)
	}
}
