package main

import (
	"net/http"
	"net/url"
	"strings"

	"latchkey/shared/api"
	"latchkey/shared/apikey"
)

// sentShots are answers to forms.
func sentShots(root, key string) (list []shot) {
	add := func(name, as, target string, form url.Values, set func(*stage)) {
		list = append(list, shot{name: name, as: as, target: target, form: form, set: set})
	}
	made := func(change func(*api.KeyWithSecret)) func(*stage) {
		k := api.KeyWithSecret{Key: fullKey(), Secret: ptr(secret)}
		change(&k)
		return all(withDoc("POST "+accountAPI+"/keys", k), withDoc("POST "+keyAPI+"/rotate", k), withDoc("POST "+keyAPI+"/reveal", k))
	}
	whole := url.Values{"name": {"Site"}, "usage": {"frontend"}, "products": {"map-display"}, "domains": {"a.example b.example"}, "labels": {"x, y"}, "header_only": {"on"}, "recoverable": {"on"}, "expires_at": {"2027-01-02"}, "idempotency": {"once"}}
	add("secret.created", "owner", root+"/keys/new", whole, made(func(*api.KeyWithSecret) {}))
	add("secret.created_bare", "owner", root+"/keys/new", whole, made(func(k *api.KeyWithSecret) { k.Recoverable, k.Products, k.Domains = false, []string{"sdk"}, nil }))
	add("secret.again", "owner", root+"/keys/new", whole, made(func(k *api.KeyWithSecret) { k.Secret, k.SecretUnavailable = nil, ptr(true) }))
	add("secret.again_bare", "owner", root+"/keys/new", whole, made(func(k *api.KeyWithSecret) { k.Secret, k.SecretUnavailable, k.Recoverable = nil, ptr(true), false }))
	add("secret.rotated", "owner", key+"/rotate", url.Values{"reason": {"leaked"}, "grace_seconds": {"3600"}, "idempotency": {"once"}}, made(func(k *api.KeyWithSecret) {
		k.PreviousPreview, k.PreviousSecretExpiresAt = ptr("ak_pRev…1111"), maybeDay(35)
	}))
	add("secret.revealed", "owner", key+"/reveal", url.Values{}, made(func(*api.KeyWithSecret) {}))
	add("secret.first", "owner", root+"/keys/first", url.Values{"kind": {"web"}, "domains": {"a.example"}, "idempotency": {"once"}}, made(func(*api.KeyWithSecret) {}))
	add("first.bad", "owner", root+"/keys/first", url.Values{"kind": {"x"}, "domains": {"b.example"}, "idempotency": {"once"}}, nil)
	add("first.no_domain", "owner", root+"/keys/first", url.Values{"kind": {"web"}, "idempotency": {"once"}}, nil)

	results := func(domain string, results ...api.DomainChange) func(*stage) {
		doc := api.DomainChanges{Domain: domain, Results: results}
		return all(withDoc("POST "+accountAPI+"/domains/link", doc), withDoc("POST "+accountAPI+"/domains/unlink", doc), withDoc("POST "+accountAPI+"/domains/replace", doc))
	}
	domains := root + "/domains/"
	three := results("new.example", api.DomainChange{KeyId: keyID, Name: "Shop", Result: api.DomainChangeResultChanged, Domains: 2},
		api.DomainChange{KeyId: "key_same", Name: "Same", Result: api.DomainChangeResultUnchanged, Domains: 1}, api.DomainChange{KeyId: bareKeyID, Name: "Bare", Result: api.DomainChangeResultRefused, Code: ptr("key_revoked")})
	add("domain.linked", "owner", domains+"link", url.Values{"back": {"new"}, "domain": {"New.example"}, "keys": {keyID, "key_same", bareKeyID}}, three)
	add("domain.unlinked", "owner", domains+"unlink", url.Values{"domain": {"new.example"}, "keys": {keyID, "key_same", bareKeyID}}, three)
	add("domain.replaced", "owner", domains+"replace", url.Values{"domain": {"old.example"}, "with": {"new.example"}, "version": {"77"}}, three)
	add("domain.replaced_rest", "owner", domains+"replace", url.Values{"domain": {"old.example"}, "with": {"new.example"}, "version": {"77"}, "page": {"r2"}}, results("old.example"))
	add("domain.replaced_more", "owner", domains+"replace", url.Values{"domain": {"old.example"}, "with": {"new.example"}, "version": {"77"}}, withDoc("POST "+accountAPI+"/domains/replace", api.DomainReplacement{
		Domain: "old.example", Results: []api.DomainChange{{KeyId: keyID, Name: "Shop", Result: api.DomainChangeResultChanged, Domains: 2}}, More: true, NextPageToken: ptr("r2"),
	}))
	add("domain.bad", "owner", domains+"link", url.Values{"back": {"new"}, "domain": {"*.com"}, "keys": {keyID}}, nil)
	add("domain.no_keys", "owner", domains+"unlink", url.Values{"domain": {"one.example"}}, nil)
	add("domain.bad_with", "owner", domains+"replace", url.Values{"domain": {"one.example"}, "with": {"a b"}, "version": {"77"}}, nil)

	bad := refused(422, "invalid", api.FieldError{Pointer: "/name", Code: "invalid"})
	chosen := clone(whole)
	chosen.Set("missing_origin", "allow")
	add("key_new.chosen", "owner", root+"/keys/new", chosen, bad)
	add("lift.no_reason", "owner", key+"/lift-exposure", url.Values{"reason": {""}}, refused(422, "invalid", api.FieldError{Pointer: "/reason", Code: "invalid_reason"}))
	add("leak_policy.overtaken", "owner", root+"/account/leaks", url.Values{"frontend": {"refuse"}, "backend": {"refuse"}, "mobile": {"notify"}, "was": {"refuse refuse refuse"}}, nil)
	add("rules.overtaken", "owner", root+"/account/rules", url.Values{"max_lifetime_days": {"90"}, "was": {"open"}}, nil)
	add("rules.bad", "owner", root+"/account/rules", url.Values{"frontend_restricted": {"on"}, "max_lifetime_days": {"some"}, "was": {"restricted 365"}}, nil)
	add("operator_leak.bad", "admin", "/operator/leaks", url.Values{"secret": {"hello"}, "url": {"https://forum.example"}}, nil)
	add("step.revoke.mistyped", "owner", key+"/revoke", url.Values{"confirm_name": {"Shoq"}}, refused(422, "invalid", api.FieldError{Pointer: "/confirm_name", Code: "name_mismatch"}))
	add("operator_key.mistyped", "admin", "/operator/keys/"+keyID+"/revoke", url.Values{"reason": {"Fraud"}, "confirm": {"Shoq"}}, nil)
	add("operator_key.bad_limit", "admin", "/operator/accounts/"+account+"/keys/"+keyID+"/limits/search-fast", url.Values{"qps": {"999"}}, refused(422, "invalid", api.FieldError{Pointer: "/qps", Code: "too_high"}))
	add("operator_limits.bad_limit", "admin", "/operator/accounts/"+account+"/limits/search-fast", url.Values{"qps": {"20001"}}, refused(422, "invalid", api.FieldError{Pointer: "/qps", Code: "out_of_range"}))
	add("operator_limits.no_number", "admin", "/operator/accounts/"+account+"/limits/map-display", url.Values{"qps": {"many"}, "was": {"77"}}, nil)
	add("operator_limits.bad_quota", "admin", "/operator/accounts/"+account+"/quotas/tiles", url.Values{"billing_type": {"paying"}, "day": {"0"}, "month": {"12"}, "was": {"4321/"}}, refused(422, "invalid", api.FieldError{Pointer: "/day", Code: "out_of_range"}))
	add("operator_limits.quota_overtaken", "admin", "/operator/accounts/"+account+"/quotas/tiles", url.Values{"billing_type": {"paying"}, "day": {"77"}, "month": {""}, "was": {"66/"}}, nil)
	add("operator_limits.overtaken", "admin", "/operator/accounts/"+account+"/limits/map-display", url.Values{"qps": {"88"}, "was": {"66"}}, nil)
	add("statements_close.bad", "admin", closeStatementPage, url.Values{"month": {"2026-07"}, "reason": {"Why"}}, refused(422, "invalid", api.FieldError{Pointer: "/reason", Code: "invalid_reason"}))
	add("type.already", "admin", "/operator/accounts/"+account+"/type", url.Values{"type": {"enterprise"}, "was": {"self_serve"}, "billing_freemium": {"paying"}}, nil)
	add("type.bad", "admin", "/operator/accounts/"+account+"/type", url.Values{"type": {"self_serve"}, "billing_paying": {"pay_as_you_grow"}}, refused(422, "invalid", api.FieldError{Pointer: "/billing_types", Code: "invalid"}))
	add("selected.rotate_bad", "owner", root+"/keys/selected/rotate", url.Values{"key": {keyID}, "reason": {"leaked"}, "grace_seconds": {"x"}, "idempotency": {"once"}}, nil)

	conflict := func(change func(*api.Key)) func(*stage) {
		return all(ofKey(change), refused(412, "version_mismatch"), withDoc("PATCH "+keyAPI, failing(412, "version_mismatch")))
	}
	edited := url.Values{"name": {"Mine"}, "usage": {"frontend"}, "products": {"map-display", "search"}, "domains": {"one.example"}, "labels": {"Müller"}, "version": {"6"}, "expires_at": {"2026-09-01"}, "expires_was": {"2026-08-06"}, "missing_origin": {"deny"}, "missing_origin_was": {"deny"}, "was": {`{"name":["Old"],"usage":["frontend"],"products":["map-display","search"],"domains":["one.example"],"labels":["Müller"]}`}}
	add("edit.conflict", "owner", key+"/edit", edited, conflict(func(*api.Key) {}))
	add("ended.sent", "owner", key+"/edit", edited, conflict(deleteKey))
	plain := url.Values{}
	for name, value := range edited {
		plain[name] = value
	}
	plain.Del("was")
	add("edit.conflict_of_before", "owner", key+"/edit", plain, conflict(func(*api.Key) {}))
	add("edit.conflict_none", "owner", key+"/edit", url.Values{"was": {`{"missing_origin":["allow"],"name":["Bare"],"products":["map-display"],"usage":["backend"]}`}, "name": {"Mine"}, "usage": {"backend"}, "products": {"map-display"}, "missing_origin": {"allow"}, "version": {"1"}}, conflict(func(k *api.Key) { *k = bareKey(); k.Id, k.Status, k.DeletedAt = keyID, api.Active, nil }))
	add("edit.conflict_blocked", "owner", key+"/edit", url.Values{"was": {`{"missing_origin":["allow"],"name":["Bare"],"products":["map-display"],"status":["active"],"usage":["backend"]}`}, "name": {"Mine"}, "usage": {"backend"}, "products": {"map-display"}, "missing_origin": {"allow"}, "version": {"1"}}, conflict(func(k *api.Key) {
		*k = bareKey()
		k.Id, k.DeletedAt, k.Status, k.Blocked = keyID, nil, api.Blocked, &api.Block{Reason: "Leaked", At: day(30)}
	}))
	add("policy.conflict", "owner", key+"/policy", url.Values{"every_days": {"9"}, "notify_days_before": {"4"}, "was": {`{"every_days":["8"],"notify_days_before":["4"]}`}}, nil)
	add("policy.conflict_of_developer", "developer", key+"/policy", url.Values{"every_days": {"9"}, "notify_days_before": {"5"}, "principal": {"arn:aws:iam::1:role/x"}, "was": {`{"every_days":["8"],"notify_days_before":["5"],"principal":["arn:aws:iam::1:role/x"]}`}}, nil)
	add("limit.conflict", "owner", key+"/limits/map-display", url.Values{"qps": {"3"}, "was": {`{"qps":["9"]}`}}, nil)
	add("cap.conflict", "owner", key+"/quotas/tiles", url.Values{"day": {"3"}, "was": {`{"day":["9"]}`}}, nil)
	add("cap.bad", "owner", key+"/quotas/tiles", url.Values{"day": {"0"}}, refused(422, "invalid", api.FieldError{Pointer: "/day", Code: "out_of_range"}))
	add("cap.no_number", "owner", key+"/quotas/tiles", url.Values{"day": {"many"}}, nil)
	add("propose.conflict", "owner", key+"/propose", url.Values{"domains": {"mine.example"}, "products": {"search"}, "was": {`{"domains":["old.example"],"products":["search"]}`}}, nil)
	seen := func(k api.Key, refused, unkept int64) func(*stage) {
		k.Id, k.Name = keyID, "Shop"
		return withDoc("POST "+keyAPI+"/proposal/from-usage", api.ProposalFromUsage{Key: k, From: day(1), To: day(31), Allowed: 90114, WouldRefuse: refused, Unkept: unkept})
	}
	add("propose.seen_refused", "owner", key+"/from-usage", url.Values{}, refused(409, "record_unreadable"))
	add("propose.seen", "owner", key+"/from-usage", url.Values{}, seen(api.Key{Proposed: &api.Proposal{Domains: &[]string{"seen.example"}}}, 7, 12))
	add("propose.seen_all", "owner", key+"/from-usage", url.Values{}, seen(api.Key{Proposed: &api.Proposal{Domains: &[]string{"seen.example"}}}, 0, 0))
	add("propose.seen_none", "owner", key+"/from-usage", url.Values{}, seen(api.Key{}, 0, 12))
	add("callers.bad", "owner", key+"/edit", url.Values{"name": {"Shop"}, "networks": {"192.0.2.1/24"}, "apps": {"com.example.app"}}, refused(422, "invalid",
		api.FieldError{Pointer: "/networks/0", Code: "network_host_bits", Suggestion: ptr("192.0.2.0/24")}, api.FieldError{Pointer: "/apps/0", Code: "app_platform", Suggestion: ptr("ios com.example.app")}))
	add("repair.refused", "owner", key+"/repair", url.Values{"domain": {"copy.example"}}, refused(422, "invalid", api.FieldError{Pointer: "/domains/10", Code: "public_suffix", Suggestion: ptr("www.copy.example")}))

	for _, code := range []string{"catalogue_changed", "catalogue_conflict"} {
		add("accept."+code, "owner", key+"/accept", url.Values{"product": {"map-display"}, "version": {"3-8c1d22ef01"}}, all(
			ofKey(func(k *api.Key) { k.PendingPaths = pendingPaths }), refused(409, code)))
	}

	again := url.Values{"key": {keyID, bareKeyID}, "reason": {"leaked"}, "grace_seconds": {"0"}, "idempotency": {"once"}, "q": {"shop"}}
	bareAPI := accountAPI + "/keys/" + bareKeyID
	add("selected.rotated", "owner", root+"/keys/selected/rotate", again, all(withDoc("POST "+keyAPI+"/rotate", api.KeyWithSecret{Key: fullKey(), Secret: ptr(secret)}), withDoc("POST "+bareAPI+"/rotate", failing(409, "key_deleted"))))
	add("selected.rotated_again", "owner", root+"/keys/selected/rotate", again, all(withDoc("POST "+keyAPI+"/rotate", api.KeyWithSecret{Key: fullKey()}), withDoc("POST "+bareAPI+"/rotate", api.KeyWithSecret{Key: bareKey()})))
	add("selected.bad_label", "owner", root+"/keys/selected/label", url.Values{"key": {keyID}, "labels": {"one, two"}, "q": {"shop"}}, nil)
	add("selected.bad_domain", "owner", root+"/keys/selected/domain", url.Values{"key": {keyID}, "domains": {"FAẞ.de"}}, nil)

	pasted := "ak_7Kf2" + strings.Repeat("a", 25) + "x9Qd"
	add("try.other_key", "owner", key+"/try", url.Values{"secret": {"nonsense"}, "origin": {"https://one.example"}}, nil)
	add("try.pasted", "owner", key+"/try", url.Values{"secret": {goodSecret}}, ofKey(func(k *api.Key) { k.Preview = goodPreview }))
	add("try.pasted_here", "owner", key+"/try", url.Values{"secret": {goodSecret}}, ofKey(func(k *api.Key) { k.Preview, k.Domains = goodPreview, []string{"console.example"} }))
	add("find.key", "owner", root+"/keys", url.Values{"q": {pasted}, "status": {"active"}}, withDoc("POST "+accountAPI+"/keys/find", api.KeyMatches{Matches: []api.KeyMatch{{Key: fullKey(), Matched: api.Outgoing}}}))
	add("find.none", "owner", root+"/keys", url.Values{"q": {pasted}}, withDoc("POST "+accountAPI+"/keys/find", api.KeyMatches{}))
	add("find.usage_of_key", "owner", root+"/usage", url.Values{"find": {pasted}, "key": {bareKeyID}, "was": {"Bare"}, "range": {"7d"}}, withDoc("POST "+accountAPI+"/keys/find", api.KeyMatches{Matches: []api.KeyMatch{{Key: fullKey(), Matched: api.Current}}}))
	add("find.no_usage", "owner", root+"/usage", url.Values{"find": {pasted}, "range": {"7d"}}, withDoc("POST "+accountAPI+"/keys/find", api.KeyMatches{}))
	add("find.left_out", "owner", key+"/test", url.Values{"origin": {pasted}, "app": {"ios one"}}, nil)
	add("find.tested", "owner", key+"/test", url.Values{"origin": {"https://one.example/?key=" + pasted}}, nil)
	add("usage.keys", "owner", root+"/usage/keys", url.Values{"q": {"sh"}}, nil)
	add("request_new.suggested", "owner", root+"/qps-requests/keys", url.Values{"q": {"sh"}}, listOfKeys("", fullKey(), changed(bareKey(), func(k *api.Key) { k.Status, k.DeletedAt = api.Active, nil })))
	add("find.words", "owner", root+"/keys", url.Values{"q": {" shop "}, "status": {"active"}, "product": {"search"}, "label": {"x"}, "sort": {"name"}, "page": {"p2"}}, nil)
	add("find.any_key", "support", "/operator", url.Values{"q": {pasted}}, withDoc("POST /v1/operator/keys/find", api.OperatorKeyMatches{Matches: []api.OperatorKeyMatch{{Key: fullKey(), Account: ptr(fullAccount()), Matched: api.Retired}}}))
	add("find.nowhere", "support", "/operator", url.Values{"q": {pasted}}, withDoc("POST /v1/operator/keys/find", api.OperatorKeyMatches{}))
	add("erase.running", "admin", erasePage, url.Values{"subject": {"auth0|owner"}, "confirm": {"auth0|owner"}}, withDoc("POST /v1/operator/people/erase", api.Erasure{NextPageToken: ptr("p9")}))
	add("erase.stopped", "admin", erasePage, url.Values{"subject": {"auth0|ana  maria"}, "confirm": {"auth0|ana maria"}, "page": {"p4"}}, withDoc("POST /v1/operator/people/erase", failing(409, "conflict")))
	add("decision.faster", "admin", "/operator/qps-requests/"+account+"/"+requestID1, url.Values{"decision": {"approve"}, "qps": {"50"}}, all(refused(409, "request_decided"), withDoc("GET "+accountAPI+"/qps-requests/"+requestID1, decidedRequest(api.Rejected))))
	add("decision.withdrawn_meanwhile", "admin", "/operator/qps-requests/"+account+"/"+requestID1, url.Values{"decision": {"reject"}, "qps": {"50"}, "comment": {"Not now"}}, all(refused(409, "request_decided"), withDoc("GET "+accountAPI+"/qps-requests/"+requestID1, decidedRequest(api.Withdrawn))))
	add("decision.none", "admin", "/operator/qps-requests/"+account+"/"+requestID1, url.Values{"qps": {"50"}, "comment": {"Not now"}}, nil)
	add("invitation.bad", "owner", "/invitations", url.Values{"token": {"%%"}}, nil)
	add("networks.checked", "owner", "/domains/check", url.Values{"networks": {"192.0.2.0/24 192.0.2.1/24 x"}}, nil)
	add("apps.checked", "owner", "/domains/check", url.Values{"apps": {"ios com.example.App\ncom.example.app"}}, nil)
	add("domains.checked", "owner", "/domains/check", url.Values{"domains": {"one.example FAẞ.de co.uk *.x"}}, nil)
	return list
}

// goodSecret is a secret whose checksum is right, with its preview.
var goodSecret, goodPreview = func() (string, string) {
	one, err := apikey.Prefix("ak").Generate(strings.NewReader(strings.Repeat("g", 64)))
	if err != nil {
		panic(err)
	}
	return one.Reveal(), one.Preview()
}()

// frameShots are about what is around pages: errors, notices, themes, brands, people who aren't signed in.
func frameShots(root, key string) (list []shot) {
	add := func(one shot) { list = append(list, one) }
	add(shot{name: "signed_out", target: "/"})
	add(shot{name: "signed_out.branded", target: "/", branded: true})
	add(shot{name: "signed_out.page", target: root + "/keys?q=x"})
	add(shot{name: "signed_out.form", target: root + "/keys/new", form: url.Values{"name": {"x"}, "products": {"a", "b"}, "idempotency": {"once"}}})
	add(shot{name: "signed_out.button", target: root + "/keys/selected/disable", form: url.Values{}})
	add(shot{name: "signed_out.branded_form", target: root + "/keys/new", form: url.Values{"name": {"x"}}, branded: true})
	add(shot{name: "signed_out.invitation", target: "/invitations"})
	add(shot{name: "signed_out.invitation_waiting", target: "/invitations", cookies: []*http.Cookie{{Name: invitationName, Value: invitation}}})
	add(shot{name: "invitation.offer", as: "stranger", target: "/invitations", cookies: []*http.Cookie{{Name: invitationName, Value: invitation}}})
	add(shot{name: "invitation.offer_of_nobody", as: "owner", target: "/invitations", cookies: []*http.Cookie{{Name: invitationName, Value: invitation}}, set: withDoc("POST /v1/invitations/show", api.InvitationOffer{AccountId: account, AccountName: "Third", Role: api.Viewer, ExpiresAt: day(37)})})
	add(shot{name: "invitation.refused", as: "owner", target: "/invitations", cookies: []*http.Cookie{{Name: invitationName, Value: invitation}}, set: withDoc("POST /v1/invitations/show", failing(404, "not_found"))})
	add(shot{name: "sign_in.no_issuer", target: "/sign-in?return=/sessions"})
	for _, one := range []struct {
		status int
		code   string
	}{{401, "unauthorized"}, {403, "forbidden"}, {404, "not_found"}, {409, "conflict"}, {429, "rate_limited"}, {500, "internal"}, {503, "unavailable"}} {
		add(shot{name: "failure." + one.code, as: "owner", target: key, set: withDoc("GET "+keyAPI, failing(one.status, one.code))})
	}
	add(shot{name: "failure.branded", as: "owner", target: key, set: withDoc("GET "+keyAPI, failing(500, "internal")), branded: true})
	add(shot{name: "failure.foreign", as: "owner", target: root + "/keys/new", form: url.Values{"name": {"x"}}, headers: []string{"Sec-Fetch-Site", "cross-site"}})
	add(shot{name: "failure.no_page", as: "owner", target: "/no/such"})
	add(shot{name: "failure.stranger", as: "stranger", target: root + "/keys"})
	add(shot{name: "failure.bad_id", as: "owner", target: "/accounts/%2e%2e/keys"})
	add(shot{name: "failure.bad_form", as: "owner", target: root + "/keys/selected/disable", form: url.Values{"key": {"../x"}}})
	add(shot{name: "theme.dark", as: "owner", target: "/sessions", cookies: []*http.Cookie{{Name: themeCookie, Value: "dark"}}, set: twoSessions})
	add(shot{name: "theme.light", target: "/", cookies: []*http.Cookie{{Name: themeCookie, Value: "light"}}})
	add(shot{name: "branded.keys", as: "owner", target: root + "/keys", branded: true})
	add(shot{name: "branded.qps", as: "small", target: root + "/qps-requests", branded: true})
	add(shot{name: "branded.blocked", as: "owner", target: key, branded: true, set: ofKey(func(k *api.Key) { k.Status, k.Blocked = api.Blocked, &api.Block{Reason: "Leaked", At: day(30)} })})
	add(shot{name: "zone", as: "owner", target: root + "/usage", cookies: []*http.Cookie{{Name: zoneCookie, Value: "Asia/Kolkata"}}})
	add(shot{name: "zone.key", as: "owner", target: key, cookies: []*http.Cookie{{Name: zoneCookie, Value: "America/New_York"}}})
	behindAt := root + behindPage
	both := &behind{Invitations: 2, More: true, Keys: []api.LegacyKey{{Id: keyID, Name: "Shop"}, {Id: bareKeyID, Name: "Bare", DeletedAt: maybeDay(30)}}, Principals: []api.LegacyPrincipal{
		{Id: keyID, Name: "Shop", Principal: "arn:aws:iam::1:role/one"}, {Id: bareKeyID, Name: "Bare", Principal: "arn:aws:iam::1:role/two", DeletedAt: maybeDay(30)},
	}}
	add(shot{name: "left.removed", as: "owner", target: behindAt, note: &note{Path: behindAt, Behind: both}})
	add(shot{name: "left.principals", as: "owner", target: behindAt, note: &note{Path: behindAt, Behind: &behind{Principals: both.Principals[:1]}}})
	add(shot{name: "left.demoted", as: "owner", target: behindAt, note: &note{Path: behindAt, Behind: &behind{Demoted: true, Keys: both.Keys[:1]}}})
	add(shot{name: "left.no_more", as: "owner", target: behindAt})
	keys := root + "/keys"
	add(shot{name: "notice.good", as: "owner", target: keys, note: &note{Path: keys, Notice: "account_created"}})
	add(shot{name: "notice.seen", as: "owner", target: keys, note: &note{Path: keys, Notice: "proposed_seen", Seen: &seenNote{Allowed: 90114, Refused: 7, Unkept: 12}}})
	add(shot{name: "notice.seen_all", as: "owner", target: keys, note: &note{Path: keys, Notice: "proposed_seen", Seen: &seenNote{Allowed: 90114}}})
	add(shot{name: "notice.missed", as: "owner", target: keys, note: &note{Path: keys, Notice: "found_none"}})
	add(shot{name: "notice.too_late", as: "owner", target: keys, note: &note{Path: keys, Notice: "qps_rejected_before"}})
	add(shot{name: "notice.when_resumed", as: "suspended", target: keys, note: &note{Path: keys, Notice: "edited"}})
	add(shot{name: "notice.nowhere", as: "admin", target: "/operator", note: &note{Path: "/operator", Notice: "found_nowhere"}})
	add(shot{name: "notice.of_another_page", as: "owner", target: keys, note: &note{Path: "/sessions", Notice: "session_ended"}})
	add(shot{name: "notice.of_any_page", as: "owner", target: keys, note: &note{Notice: "left"}})
	add(shot{name: "notice.invitation", as: "owner", target: root + "/account", note: &note{Path: root + "/account", Link: "https://console.example/invitations#lki_once", For: "new@demo.example"}})
	add(shot{name: "notice.invitation_for_anybody", as: "owner", target: root + "/account", note: &note{Path: root + "/account", Link: "https://console.example/invitations#lki_once"}})
	short := func(id string) string { return strings.TrimPrefix(id, keyPrefix) }
	add(shot{name: "domain.rest", as: "owner", target: root + "/domains/one?domain=new.example", set: ofDomain("new.example", bareKey()), note: &note{Path: root + "/domains/one", Keys: &outcome{Act: replaced, Value: "new.example", N: 500, Rest: &restOf{"old.example", 77, "r2"}}}})
	add(shot{name: "selected.done", as: "owner", target: keys + "?q=shop", note: &note{Path: keys, Keys: &outcome{Act: "disable", Done: []string{short(keyID)}, Same: 2, Failed: []failedKey{{short(bareKeyID), "Bare", "problem.key_deleted"}, {"x", "", "problem.other"}, {"y", "Y", "problem.key_deleted"}}, Left: []string{"z"}}}})
	add(shot{name: "selected.slow", as: "owner", target: keys + "?size=100", note: &note{Path: keys, Keys: &outcome{Act: "label", Value: "shop", Done: []string{short(keyID)}, Left: []string{"z"}, Slow: true}}})
	add(shot{name: "selected.on_key", as: "owner", target: keys + "/" + keyID, note: &note{Path: keys + "/" + keyID, Keys: &outcome{Act: "disable", Done: []string{short(keyID)}}}})
	add(shot{name: "selected.labelled", as: "owner", target: keys, note: &note{Path: keys, Keys: &outcome{Act: "label", Value: "shop & web", Done: []string{short(keyID), short(bareKeyID)}, Left: []string{"z"}}}})
	add(shot{name: "selected.unlabelled", as: "owner", target: keys, note: &note{Path: keys, Keys: &outcome{Act: "unlabel", Value: "shop", Done: []string{short(keyID)}}}})
	add(shot{name: "selected.failed", as: "owner", target: keys, note: &note{Path: keys, Keys: &outcome{Act: "enable", Failed: []failedKey{{short(keyID), "Shop", "problem.key_deleted"}}}}})
	add(shot{name: "selected.same", as: "owner", target: keys, note: &note{Path: keys, Keys: &outcome{Act: "enable", Same: 1}}})
	add(shot{name: "selected.restored", as: "owner", target: keys, note: &note{Path: keys, Keys: &outcome{Act: "restore", Done: []string{short(keyID)}}}})
	return list
}

// fileShots are downloads.
func fileShots(root string) (list []shot) {
	formula := withDoc("GET "+accountAPI+"/keys", api.KeyList{Keys: []api.Key{
		changed(fullKey(), func(k *api.Key) {
			k.Name, k.Labels, k.Domains, k.Recoverable = "=cmd()", []string{"@SUM(1)", "b"}, []string{"-x.example", "y.example"}, false
		}), bareKey(),
	}})
	for _, one := range [][2]string{
		{"file.usage", "/usage.csv?range=7d&by=day"},
		{"file.statement", "/statements.csv?month=2026-07"},
		{"file.usage_of_key", "/usage.csv?key=" + keyID + "&product=search"},
		{"file.audit", "/account/audit.csv"},
		{"file.audit_filtered", "/account/audit.csv?action=key&who=olive&from=2026-08-01&to=2026-08-02"},
		{"file.export", "/account/export.json?pages=1&part=2"},
		{"file.keys", "/keys/selected.csv?key=" + bareKeyID + "&key=" + keyID},
	} {
		list = append(list, shot{name: one[0], as: "owner", target: root + one[1]})
	}
	list = append(list, shot{name: "file.keys_formula", as: "owner", target: root + "/keys/selected.csv?key=" + keyID, set: formula})
	list = append(list, shot{name: "file.audit_formula", as: "owner", target: root + "/account/audit.csv", set: withDoc("GET "+accountAPI+"/audit", api.AuditList{Rows: []api.AuditRow{
		{Id: "aud_1", At: day(10), Action: "key.edit", Actor: api.Actor{Subject: "=x", Email: ptr("+1@x.example"), Role: "owner"}, RequestId: "r-1", Changes: []api.Change{{Field: "name", Before: "@a", After: "=b"}}},
	}})})
	list = append(list, shot{name: "file.statements", as: "admin", target: "/operator/statements.csv?month=2026-07"})
	return append(list, shot{name: "file.operators_audit", as: "admin", target: "/operator/operators/audit.csv?action=operator"})
}
