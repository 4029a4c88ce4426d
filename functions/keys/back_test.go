package main

import "testing"

// TestEachMemberCanBeTakenBack: what an edit sets, another one unsets.
func TestEachMemberCanBeTakenBack(t *testing.T) {
	for member, values := range map[string][2]any{
		"labels": {[]string{"web"}, []string{}}, "header_only": {true, false}, "domains": {[]string{"a.example"}, []string{}}, "expires_at": {"2030-01-01T00:00:00.000Z", nil},
		"missing_origin": {"deny", "allow"}, "name": {"Other", "My key"}, "usage": {"mobile", "backend"},
	} {
		f := fixture(t)
		f.Headers = map[string]map[string]string{"editKey": {"If-Match": "*"}}
		for _, value := range values {
			got := f.Call(t, "editKey", "", object{member: value})
			if got.Status != 200 || asJSON(t, got.JSON(t)[member]) != asJSON(t, value) {
				t.Errorf("%s %v: %d %s", member, value, got.Status, got.Body)
			}
		}
	}
}
