package audit_test

import (
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/consent"
	"latchkey/shared/keytest"
)

// unaudited lists the fields of a key that no audit row shows, with the reason.
var unaudited = map[string]string{
	"ID":                    "never changes",
	"Account":               "never changes; the row has it",
	"Version":               "counts the writes; the row is one",
	"CreatedAt":             "never changes",
	"CreatedBy.Issuer":      "the actor of the row of its creation",
	"CreatedBy.ID":          "the actor of the row of its creation",
	"UpdatedAt":             "the row's own time",
	"Current.Hash":          "nothing of a secret but its preview is ever shown",
	"Current.CreatedAt":     "changes with the preview",
	"Current.Sealed":        "nothing of a secret but its preview is ever shown",
	"Outgoing.Hash":         "nothing of a secret but its preview is ever shown",
	"Outgoing.CreatedAt":    "changes with the preview",
	"Outgoing.Sealed":       "nothing of a secret but its preview is ever shown",
	"Retired.Hash":          "nothing of a secret but its preview is ever shown",
	"Retired.EndedAt":       "the row of the rotation's end has the time",
	"Blocked.By":            "the row's actor; customers don't see it",
	"Rotation.SetBy.Issuer": "the actor of the row in which the principal changes",
	"Rotation.SetBy.ID":     "the actor of the row in which the principal changes",
	"Rotation.AnnouncedFor": "the job's own note; the row of the announcement has rotation_due",
	"Delivery.Reader":       "the job's own note; the rows of deliveries tell it",
	"Delivery.Due":          "the job's own note; the rows of deliveries tell it",
	"Delivery.Name":         "the stack's own choice",
	"Delivery.Version":      "the job's own note; the rows of deliveries tell it",
	"Delivery.RetryAt":      "the job's own note; the rows of deliveries tell it",
	"Proposed.Since":        "the row's own time",
	"OriginChosen":          "missing_origin says what holds",
	"Caps.Since":            "the time of the row in which the cap is set",
	"PlaceFreed":            "follows from revoked_at",

	"Consents.Narrow":          "follows from the paths and the catalogue",
	"Proposed.Consents.Narrow": "follows from the paths and the catalogue",
}

func TestEveryFieldOfAKeyIsAuditedOrExcused(t *testing.T) {
	shows := func(before, after apikey.Key) bool { return len(audit.KeyChanges(&before, after)) > 0 }
	keytest.CheckFields(t, unaudited, shows)
}

func TestEveryFieldOfAnAccountIsAuditedOrExcused(t *testing.T) {
	const setThen = "the times of the rows in which the quotas are set"
	excused := map[string]string{
		"ID": "never changes", "CreatedAt": "never changes", "Version": "counts the writes; the row is one",
		"Accepted.Narrow":    "follows from the paths and the catalogue",
		"Operation":          "the operation of the row of the beginning",
		"Suspended.By":       "the row's actor; customers don't see it",
		"QuotaTimes.Billing": setThen, "QuotaTimes.Group": setThen, "QuotaTimes.Since": setThen, "QuotaTimes.Day": setThen, "QuotaTimes.Month": setThen,
		"OpenedBy.Issuer": "the actor of the row of its creation", "OpenedBy.ID": "the actor of the row of its creation",
	}
	keytest.CheckFields(t, excused, func(before, after account.Account) bool { return len(audit.AccountChanges(&before, after)) > 0 })
}

// TestAnAuditRowShowsNoWiderPathThanWasAgreedTo: not all of a prefix where its paths with encoded slashes are meant, and the catalogue's
// version as it is.
func TestAnAuditRowShowsNoWiderPathThanWasAgreedTo(t *testing.T) {
	given := consent.Given{Product: "traffic", Paths: []consent.Path{
		{Prefix: "/traffic/", Since: "1-e459a7fd79"}, {Prefix: "/traffic/", Since: consent.Version("3-0123456789").OfEncodedSlash()},
	}}
	const want = `[{"paths":[{"path":"/traffic/","since":"1-e459a7fd79"},{"path":"/traffic/*%2F*","since":"3-0123456789"}],"product":"traffic"}]`
	accepted, err := account.Account{}.Accept(given)
	if err != nil {
		t.Fatal(err)
	}
	for field, changes := range map[string][]audit.Change{
		"accepted_paths": audit.AccountChanges(&account.Account{}, accepted),
		"product_paths":  audit.KeyChanges(nil, apikey.Key{Consents: consent.List{given}}),
	} {
		if len(changes) != 1 || changes[0] != (audit.Change{Field: field, After: want}) {
			t.Errorf("%s: %+v", field, changes)
		}
	}
}
