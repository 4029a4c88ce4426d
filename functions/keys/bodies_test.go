package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
)

type object = map[string]any

// created are the facts in the audit row of a key with the members that are required, but for those named.
func created(without, instead string) string {
	row := "key.create"
	for _, fact := range [][2]string{
		{"name", `"n"`},
		{"usage", `"backend"`},
		{"products", `["search"]`},
		{"billing_type", `"freemium"`},
		{"missing_origin", `"allow"`},
		{"preview", "*"},
		{"account_type", `"self_serve"`},
	} {
		if fact[0] != without {
			row += " " + fact[0] + "=" + fact[1]
		}
	}
	return row + " " + instead
}

func creating(member string, value any) object {
	body := object{"name": "n", "usage": "backend", "products": []string{"search"}}
	body[member] = value
	return body
}

func row(action, change string) []string { return []string{action + " " + change} }

// keyBodies has each member of each body alone. The fixture's key is a backend key for search of a self-serve account,
// recoverable, at version 2 with the proposal a.example.
var keyBodies = map[string]apitest.Member{
	"createKey.name":           {Body: creating("name", " Other "), Shows: map[string]string{"name": `"Other"`}, Rows: []string{created("name", `name="Other"`)}},
	"createKey.usage":          {Body: creating("usage", "mobile"), Shows: map[string]string{"usage": `"mobile"`, "missing_origin": `"allow"`}, Rows: []string{created("usage", `usage="mobile"`)}},
	"createKey.labels":         {Body: creating("labels", []string{" web ", "Web", "Production"}), Shows: map[string]string{"labels": `["Production","web"]`}, Rows: []string{created("", `labels=["Production","web"]`)}},
	"createKey.products":       {Body: creating("products", []string{"routing", "search"}), Shows: map[string]string{"products": `["routing","search"]`}, Rows: []string{created("products", `products=["routing","search"]`)}},
	"createKey.domains":        {Body: creating("domains", []string{"B.example", "a.example"}), Shows: map[string]string{"domains": `["a.example","b.example"]`}, Rows: []string{created("", `domains=["a.example","b.example"]`)}},
	"createKey.networks":       {Body: creating("networks", []string{"2001:DB8::/32", "192.0.2.7"}), Shows: map[string]string{"networks": `["192.0.2.7/32","2001:db8::/32"]`}, Rows: []string{created("", `networks=["192.0.2.7/32","2001:db8::/32"]`)}},
	"createKey.apps":           {Body: creating("apps", []object{{"platform": "ios", "bundle_id": "com.example.App"}}), Shows: map[string]string{"apps": `[{"bundle_id":"com.example.app","platform":"ios"}]`}, Rows: []string{created("", `apps=[{"bundle_id":"com.example.app","platform":"ios"}]`)}},
	"createKey.missing_origin": {Body: creating("missing_origin", "deny"), Shows: map[string]string{"missing_origin": `"deny"`}, Rows: []string{created("missing_origin", `missing_origin="deny"`)}},
	"createKey.header_only":    {Body: creating("header_only", true), Shows: map[string]string{"header_only": "true"}, Rows: []string{created("", "header_only=true")}},
	"createKey.recoverable":    {Body: creating("recoverable", true), Shows: map[string]string{"recoverable": "true"}, Rows: []string{created("", "recoverable=true")}},
	"createKey.expires_at":     {Body: creating("expires_at", "2030-01-01T01:00:00+01:00"), Shows: map[string]string{"expires_at": `"2030-01-01T00:00:00.000Z"`}, Rows: []string{created("", `expires_at="2030-01-01T00:00:00.000Z"`)}},

	"editKey.name":           {Body: object{"name": "Other"}, Shows: map[string]string{"name": `"Other"`}, Rows: row("key.edit", `name="Other"`)},
	"editKey.usage":          {Body: object{"usage": "frontend"}, Shows: map[string]string{"usage": `"frontend"`, "missing_origin": `"deny"`}, Rows: row("key.edit", `missing_origin="deny" usage="frontend"`), Gate: true},
	"editKey.labels":         {Body: object{"labels": []string{"web"}}, Shows: map[string]string{"labels": `["web"]`}, Rows: row("key.edit", `labels=["web"]`)},
	"editKey.products":       {Body: object{"products": []string{"search", "routing"}}, Shows: map[string]string{"products": `["routing","search"]`}, Rows: row("key.edit", `products=["routing","search"]`), Gate: true},
	"editKey.domains":        {Body: object{"domains": []string{"a.example"}}, Shows: map[string]string{"domains": `["a.example"]`}, Rows: row("key.edit", `domains=["a.example"]`), Gate: true},
	"editKey.networks":       {Body: object{"networks": []string{"192.0.2.0/24"}}, Shows: map[string]string{"networks": `["192.0.2.0/24"]`}, Rows: row("key.edit", `networks=["192.0.2.0/24"]`), Gate: true},
	"editKey.apps":           {Body: object{"apps": []object{{"platform": "ios", "bundle_id": "com.example.App"}}}, Shows: map[string]string{"apps": `[{"bundle_id":"com.example.app","platform":"ios"}]`}, Rows: row("key.edit", `apps=[{"bundle_id":"com.example.app","platform":"ios"}]`), Gate: true},
	"editKey.missing_origin": {Body: object{"missing_origin": "deny"}, Shows: map[string]string{"missing_origin": `"deny"`}, Rows: row("key.edit", `missing_origin="deny"`), Gate: true},
	"editKey.header_only":    {Body: object{"header_only": true}, Shows: map[string]string{"header_only": "true"}, Rows: row("key.edit", "header_only=true"), Gate: true},
	"editKey.expires_at":     {Body: object{"expires_at": "2030-01-01T00:00:00.000Z"}, Shows: map[string]string{"expires_at": `"2030-01-01T00:00:00.000Z"`}, Rows: row("key.edit", `expires_at="2030-01-01T00:00:00.000Z"`), Gate: true},

	"setBillingType.billing_type": {Body: object{"billing_type": "pay_as_you_grow"}, Shows: map[string]string{"billing_type": `"pay_as_you_grow"`}, Rows: row("key.billing_type", `billing_type="pay_as_you_grow"`), Gate: true},

	"proposeRestrictions.domains":  {Body: object{"domains": []string{"b.example"}}, Rows: row("key.propose", `proposed={"domains":["b.example"],"products":null}`), Gate: true},
	"proposeRestrictions.networks": {Body: object{"networks": []string{"192.0.2.0/24"}}, Rows: row("key.propose", `proposed={"domains":null,"networks":["192.0.2.0/24"],"products":null}`), Gate: true},
	"proposeRestrictions.apps":     {Body: object{"apps": []object{{"platform": "ios", "bundle_id": "com.example.App"}}}, Rows: row("key.propose", `proposed={"apps":[{"bundle_id":"com.example.app","platform":"ios"}],"domains":null,"products":null}`), Gate: true},
	"proposeRestrictions.products": {Body: object{"products": []string{"routing"}}, Rows: row("key.propose", `proposed={"domains":null,"products":["routing"]}`), Gate: true},
	"linkDomain.domain":            {Elsewhere: "TestAnEntryIsLinkedAndUnlinkedKeyByKey"}, "linkDomain.keys": {Elsewhere: "TestAnEntryIsLinkedAndUnlinkedKeyByKey"},
	"unlinkDomain.domain": {Elsewhere: "TestAnEntryIsLinkedAndUnlinkedKeyByKey"}, "unlinkDomain.keys": {Elsewhere: "TestAnEntryIsLinkedAndUnlinkedKeyByKey"},
	"replaceDomain.domain": {Elsewhere: "TestReplacingLeavesWhatHasChangedSince"}, "replaceDomain.with": {Elsewhere: "TestReplacingLeavesWhatHasChangedSince"},
	"liftExposure.reason": {
		Body: object{"reason": " A sample. "}, Gate: true,
		Rows: row("key.lift_exposure", `exposed={"at":"2026-11-21T12:00:00.000Z","lift_reason":"A_sample.","lifted_at":"2026-11-21T12:00:00.000Z","place":"https://forum.example","refused_at":"2026-11-21T12:00:00.000Z","replace":false,"source":"operator"}`),
	},
	"revokeKey.confirm_name": {Body: object{"confirm_name": "My key"}, Shows: map[string]string{"status": `"revoked"`}, Rows: row("key.revoke", `revoked_at="2026-11-21T12:00:00.000Z"`), Gate: true},
}

func TestEachMemberOfEachBodyAlone(t *testing.T) {
	apitest.Members(t, fixture, served, keyBodies)
}
