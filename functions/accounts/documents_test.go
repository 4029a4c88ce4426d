package main

import (
	"encoding/json"
	"testing"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
)

// TestDocumentsSayEachFactUnderItsOwnName: no two facts of what is rendered are alike, so that none can stand in another's place.
func TestDocumentsSayEachFactUnderItsOwnName(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 3, n, n%24, 0, 0, 0, time.UTC) }
	who := func(id string) account.Subject { return account.Subject{Issuer: "https://issuer.example", ID: id} }
	exposed := apikey.Exposure{At: day(3), By: apikey.ReportedByGitHub, Place: "https://a.example", RefusedAt: day(4)}
	key := apikey.Key{ID: "key_1", Name: "A key", Current: apikey.StoredSecret{Exposed: exposed}}
	for name, tt := range map[string]struct {
		doc  any
		want string
	}{
		"invitation": {invitationDoc(control.Invitation{ID: "inv_1", Account: "acc_1", Role: account.Viewer, Email: "a@a.example", By: who("inviter"), CreatedAt: day(1), ExpiresAt: day(8)}), `{"created_at":"2026-03-01T01:00:00.000Z","email":"a@a.example","expires_at":"2026-03-08T08:00:00.000Z","id":"inv_1","role":"viewer"}`},
		"operation": {operationDoc(control.Operation{
			ID: "op_1", Account: "acc_1", Change: apikey.TypeChange{To: account.Enterprise}, Status: control.Done, StartedAt: day(1), EndedAt: day(2), Unreadable: 3,
		}), `{"ended_at":"2026-03-02T02:00:00.000Z","id":"op_1","started_at":"2026-03-01T01:00:00.000Z","status":"done","type":"enterprise","unreadable":3}`},
		"operator": {operatorDoc(control.Operator{Subject: who("operator"), Email: "o@a.example", Rank: account.Support, AddedAt: "2026-03-05T05:06:07.008Z"}), `{"added_at":"2026-03-05T05:06:07.008Z","email":"o@a.example","rank":"support","subject":"operator"}`},
		"member": {memberDoc(gateway.Principal{Person: account.Person{Subject: who("owner")}}, account.Member{
			Account: "acc_1", Subject: who("member"), Email: "m@a.example", Label: "l@a.example", Role: account.Developer, AddedAt: day(1), RoleAt: day(2), Version: 6,
		}), `{"added_at":"2026-03-01T01:00:00.000Z","email":"m@a.example","role":"developer","subject":"member","version":6}`},
		"row": {auditDoc(audit.Row{
			ID: "aud_1", Account: "acc_1", KeyID: "key_1", Action: "key.edit", Actor: audit.Actor{Subject: who("actor"), Email: "c@a.example", Role: "owner"}, At: day(1), RequestID: "request", Source: "203.0.113.1",
			Changes: []audit.Change{audit.Set("name", "before", "after"), audit.Set("limit", nil, 3), audit.Set("domains", []string{"a.example"}, nil)},
		}), `{"action":"key.edit","actor":{"email":"c@a.example","role":"owner","subject":"actor"},"at":"2026-03-01T01:00:00.000Z","changes":[{"after":"after","before":"before","field":"name"},{"after":3,"field":"limit"},{"before":["a.example"],"field":"domains"}],"id":"aud_1","key_id":"key_1","request_id":"request","source_ip":"203.0.113.1"}`},
		"exposed key": {exposedDoc(control.WaitingKey{Key: key, Account: account.Account{ID: "acc_1", Name: "An account"}}, day(9)), `{"account_id":"acc_1","account_name":"An account","exposed_at":"2026-03-03T03:00:00.000Z","key_id":"key_1","key_name":"A key","place":"https://a.example","refused":true,"source":"github"}`},
	} {
		raw, err := json.Marshal(tt.doc)
		if err != nil {
			t.Fatal(err)
		}
		if string(raw) != tt.want {
			t.Errorf("%s:\n     %s\nwant %s", name, raw, tt.want)
		}
	}
}
