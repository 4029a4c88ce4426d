package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"latchkey/functions/console/internal/session"
	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// shots are the pages in each state, for each person who sees something else. A page that is the same for another person is written once.
func shots() (list []shot) {
	add := func(name, people, target string, set func(*stage)) {
		for who := range strings.SplitSeq(people, ",") {
			list = append(list, shot{name: name + "." + strings.ReplaceAll(who, " ", "_"), as: who, target: target, set: set})
		}
	}
	root := "/accounts/" + account
	key := root + "/keys/" + keyID
	listShots(add, root)
	domainShots(add, root+"/domains")
	keyShots(add, key)
	usageShots(add, root, key)
	accountShots(add, root)
	operatorShots(add)
	list = append(list, sentShots(root, key)...)
	list = append(list, frameShots(root, key)...)
	return append(list, fileShots(root)...)
}

type adder = func(name, people, target string, set func(*stage))

// everybody are the people who see different pages of an account.
const everybody = "owner,developer,viewer,support"

func listOfKeys(token string, keys ...api.Key) func(*stage) {
	return withDoc("GET "+accountAPI+"/keys", api.KeyList{Keys: keys, NextPageToken: tokenOf(token)})
}

func tokenOf(token string) *string {
	if token == "" {
		return nil
	}
	return &token
}

func changed(k api.Key, change func(*api.Key)) api.Key { change(&k); return k }

func listShots(add adder, root string) {
	keys := root + "/keys"
	add("keys", everybody+",small,suspended,suspended for good,closed,operator,unranked", keys, nil)
	rotating := changed(fullKey(), func(k *api.Key) {
		k.PreviousPreview, k.PreviousSecretExpiresAt = ptr("ak_pRev…1111"), maybeDay(35)
		k.Domains, k.LastUsedAt, k.ExpiresAt = nil, nil, maybeDay(34)
	})
	states := []api.Key{rotating}
	for i, status := range statuses {
		states = append(states, changed(bareKey(), func(k *api.Key) {
			k.Status, k.Name, k.DeletedAt, k.Id = status, "Key "+string(status), nil, "key_"+strings.Repeat(string('a'+rune(i)), 26)
			k.Disabled, k.CreatedAt = status == api.Disabled, day(-200)
		}))
	}
	add("keys.states", "owner,developer", keys, listOfKeys("", states...))
	add("keys.exposed", "owner", keys, listOfKeys("", changed(fullKey(), func(k *api.Key) { k.ExposedAt = maybeDay(31) })))
	alone := func(networks []string, apps []api.App) api.Key { // without domains
		return changed(bareKey(), func(k *api.Key) { k.Usage, k.Networks, k.Apps = api.Frontend, networks, apps })
	}
	network, app := []string{"203.0.113.0/24"}, []api.App{{Platform: "ios", BundleId: ptr("com.example.app")}}
	add("keys.callers_alone", "owner", keys, listOfKeys("", alone(network, nil), alone(nil, app), alone(network, app)))
	add("leak_policy", "owner", root+"/account/leaks", nil)
	add("rules", "owner", root+"/account/rules", nil)
	add("rules.none", "owner", root+"/account/rules", withDoc("GET "+accountAPI+"/policy", api.AccountPolicy{Version: 9}))
	noFindings := func(token string) func(*stage) {
		return withDoc("GET "+accountAPI+"/findings", api.FindingList{Findings: []api.Finding{}, NextPageToken: tokenOf(token)})
	}
	add("findings", everybody, keys+"/findings", nil)
	add("findings.next", "owner", keys+"/findings?page=f2", nil)
	add("findings.key", "owner", keys+"/findings?key="+keyID, nil)
	add("findings.informing", "owner", keys+"/findings", withDoc("GET "+accountAPI+"/findings", api.FindingList{Findings: []api.Finding{
		{Key: api.DomainKey{Id: bareKeyID, Name: "Bare", Status: api.Active}, Code: "never_expires", Since: maybeDay(-100), Act: "set_expiry"},
	}}))
	many := withDoc("GET "+accountAPI+"/findings", api.FindingList{Findings: slices.Repeat(findingsOf(fullKey()), 5), NextPageToken: ptr("f2")})
	add("findings.many", "owner", keys+"/findings", many)
	add("findings.many_later", "owner", keys+"/findings?from=30", many)
	add("findings.many_informing", "owner", keys+"/findings?informing=1", many)
	add("findings.none", "owner", keys+"/findings", noFindings(""))
	add("findings.none_here", "owner", keys+"/findings", noFindings("f3"))
	add("findings.end", "owner", keys+"/findings?page=f3", noFindings(""))
	add("keys.filtered", "owner,viewer", keys+"?q=shop&status=active&product=search&label=M%C3%BCller&sort=name&page=p2", listOfKeys("p3", fullKey()))
	add("keys.labelled", "owner", keys+"?label=M%C3%BCller&page=p2", withDoc("GET "+accountAPI+"/keys", map[string]any{
		"keys": []any{fullKey()}, "previous_page_token": "p1", "labels": []any{map[string]any{"name": "Müller", "keys": 3}, map[string]any{"name": "shop & web", "keys": 1200}},
	}))
	add("keys.selected", "owner", keys+"?select=all&page=p2&sort=-name", listOfKeys("", fullKey(), bareKey()))
	add("keys.lean_exposed", "owner", keys+"?size=100", listOfKeys("", changed(fullKey(), func(k *api.Key) {
		k.ExposedAt, k.Exposures = maybeDay(31), []api.Exposure{{Secret: "current", ExposedAt: day(31), Source: "github", Refused: true, RefusedAt: maybeDay(32)}}
	}), changed(fullKey(), func(k *api.Key) { k.ExposedAt = maybeDay(31) })))
	add("keys.lean", "owner", keys+"?select=all&size=100&page=p2&q=shop", listOfKeys("", fullKey(), bareKey()))
	add("keys.sorted", "owner", keys+"?sort=created_at", withDoc("GET "+accountAPI+"/keys", api.KeyList{Keys: []api.Key{fullKey()}, Sortable: ptr(true)}))
	add("keys.unnamed", "owner", keys+"?sort=name", withDoc("GET "+accountAPI+"/keys", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("sort") == "name" {
			problem(w, 422, "keys_not_sortable")
			return
		}
		reply(w, 200, api.KeyList{Keys: []api.Key{fullKey()}, Sortable: ptr(false)})
	}))
	add("keys.many", "owner", keys+"?sort=status", withDoc("GET "+accountAPI+"/keys", api.KeyList{Keys: []api.Key{fullKey()}, Sortable: ptr(false), NextPageToken: ptr("p2")}))
	add("keys.counted", "owner", keys+"?page=p2", withDoc("GET "+accountAPI+"/keys", api.KeyList{
		Keys: []api.Key{fullKey(), bareKey()}, PreviousPageToken: ptr("p1"), NextPageToken: ptr("p3"), Sortable: ptr(true), Total: ptr(1000), Matching: ptr(450), Position: ptr(13), Labels: &[]api.LabelCount{{Name: "beta", Keys: 4}},
	}))
	add("keys.counted_one", "owner", keys, withDoc("GET "+accountAPI+"/keys", api.KeyList{Keys: []api.Key{fullKey()}, Sortable: ptr(true), Total: ptr(1), Matching: ptr(1), Position: ptr(1)}))
	add("keys.closed", "support", keys, withDoc("GET "+accountAPI, api.Account{Id: account, Name: "Demo & Co", Type: api.Enterprise, ClosedAt: maybeDay(20)}))
	add("keys.suspended", "support", keys, withDoc("GET "+accountAPI, api.Account{Id: account, Name: "Demo & Co", Type: api.Enterprise, Suspended: &api.Suspension{Reason: "Unpaid", At: day(11)}}))
	add("keys.none", "owner,viewer", keys, listOfKeys(""))
	add("keys.none_found", "owner", keys+"?q=nothing", listOfKeys(""))
	add("keys.none_yet", "owner", keys+"?q=nothing", listOfKeys("p2"))
	add("keys.first_used_late", "owner,viewer", keys, listOfKeys("", changed(fullKey(), func(k *api.Key) { k.LastUsedAt, k.CreatedAt, k.Domains = nil, day(33), nil })))
	add("keys.first_restricted", "owner", keys, listOfKeys("", changed(fullKey(), func(k *api.Key) { k.LastUsedAt, k.CreatedAt = nil, day(33) })))
	add("key_new", "owner", keys+"/new", nil)
	add("key_first", "developer", keys+"/first", nil)
	query := "?key=" + keyID + "&key=key_elsewhere&q=shop&sort=name"
	for _, what := range []string{"label", "domain", "delete", "rotate"} {
		add("selected."+what, "owner", keys+"/selected/"+what+query, nil)
	}
	add("selected.domain_open", "developer", keys+"/selected/domain?key="+keyID+"&key="+bareKeyID, nil)
	add("selected.delete_not", "developer", keys+"/selected/delete?key="+keyID, nil)
	add("selected.none", "owner", keys+"/selected/label?q=shop", nil)
}

func domainShots(add adder, domains string) {
	without := withDoc("GET "+accountAPI+"/domains", api.DomainList{Version: 78})
	add("domains", everybody, domains, nil)
	add("domains.next", "owner", domains+"?page=d2", without)
	add("domains.none", "owner,viewer", domains, without)
	open := func(domains ...string) api.Key {
		return changed(bareKey(), func(k *api.Key) {
			k.Status, k.DeletedAt, k.Name, k.Domains = api.Active, nil, "Open", domains
			if len(domains) > 0 {
				k.Id = "key_" + domains[0]
			}
		})
	}
	one := domains + "/one?domain=one.example"
	add("domain", everybody, one, ofDomain("one.example", changed(fullKey(), func(k *api.Key) { k.Domains = []string{"one.example"} }), open(), open("two.example"), bareKey()))
	add("domain.others", "owner", one, ofDomain("one.example", changed(fullKey(), func(k *api.Key) { k.Domains = []string{"one.example", "two.example"} }), open("two.example")))
	add("domain.none", "owner,viewer", one, ofDomain("one.example", open()))
	var many []api.Key
	for i := range mostChoices + 1 {
		many = append(many, changed(open("one.example"), func(k *api.Key) { k.Id, k.Name = fmt.Sprintf("key_%02d", i), fmt.Sprintf("Many %02d", i) }))
	}
	add("domain.many", "owner", one, ofDomain("one.example", many...))
	add("domain.found", "owner", one+"&find=many+49", ofDomain("one.example", many...))
	add("domain.more", "owner", one, all(ofDomain("one.example", open("one.example")), withDoc("GET "+accountAPI+"/domains", api.DomainList{Version: 77, More: true, KeyCount: 1000, OpenKeyCount: 3})))
	add("domain.of_many", "owner", one, all(ofDomain("one.example", open("one.example")), withDoc("GET "+accountAPI+"/domains", api.DomainList{
		Version: 77, More: true, KeyCount: 1000, Domains: []api.AccountDomain{{Domain: "one.example", KeyCount: 1, Keys: []api.DomainKey{{Id: keyID, Name: "Shop", Status: api.Active}}}},
	})))
	add("domain_new", "owner,developer", domains+"/new", ofDomain("", open(), open("two.example")))
	add("domain_new.no_keys", "owner", domains+"/new", ofDomain("", bareKey()))
}

// ofDomain gives an account these keys, and the API's answer about a domain of theirs.
func ofDomain(domain string, keys ...api.Key) func(*stage) {
	list, entry := api.DomainList{Version: 77}, api.AccountDomain{Domain: domain, Refused: 3}
	for _, k := range keys {
		if !editable(k) {
			continue
		}
		list.KeyCount++
		list.KeyIds = append(list.KeyIds, k.Id)
		if len(k.Domains) == 0 {
			list.OpenKeyCount++
		}
		if slices.Contains(k.Domains, domain) {
			entry.KeyCount++
			if entry.Keys = append(entry.Keys, api.DomainKey{Id: k.Id, Name: k.Name, Preview: k.Preview, Status: k.Status}); len(k.Domains) == 1 {
				entry.OnlyEntryCount++
			}
		}
	}
	if entry.KeyCount > 0 {
		list.Domains = []api.AccountDomain{entry}
	}
	return all(listOfKeys("", keys...), withDoc("GET "+accountAPI+"/domains", list))
}

func keyShots(add adder, key string) {
	for _, one := range keyStates {
		change := ofKey(func(k *api.Key) {
			whole := api.KeyWithSecret{Key: *k}
			whole.Recoverable = false
			one.change(&whole)
			*k = whole.Key
		})
		people := "owner,viewer"
		if one.name == "active" || one.name == "deleted" {
			people = everybody + ",small"
		}
		name := strings.ReplaceAll(one.name, " ", "_")
		add("key."+name, people, key, change)
		add("operator_key."+name, "admin,support", "/operator/keys/"+keyID, change)
	}
	add("key.full", everybody, key, nil)
	add("key.bare", "owner,viewer", key, withDoc("GET "+keyAPI, changed(bareKey(), func(k *api.Key) { k.Id, k.Status, k.DeletedAt = keyID, api.Active, nil })))
	add("key.blocked_by", "owner", key, ofKey(func(k *api.Key) {
		k.Status, k.Blocked = api.Blocked, &api.Block{Reason: "Leaked", At: day(30), By: ptr("ada@latch.example")}
	}))
	add("key.rotating_used", "owner", key, ofKey(func(k *api.Key) {
		k.PreviousPreview, k.PreviousSecretExpiresAt, k.PreviousSecretLastUsedAt, k.Disabled = ptr("ak_pRev…1111"), maybeDay(35), maybeDay(31), true
	}))
	add("key.rotating_expired", "owner", key, ofKey(func(k *api.Key) {
		k.Status, k.PreviousPreview, k.PreviousSecretExpiresAt = api.Expired, ptr("ak_pRev…1111"), maybeDay(35)
	}))
	add("key.proposal_half", "owner", key, ofKey(func(k *api.Key) { k.Proposed = &api.Proposal{Since: day(31), Domains: &[]string{}} }))
	add("key.no_usage", "owner", key, withDoc("GET "+keyAPI+"/usage", failing(500, "internal")))
	add("key.letters", "owner", key, ofKey(func(k *api.Key) { k.Domains = []string{"xn--4gbrim.xn--pgbs0dh"} }))
	add("key.used_up", "owner,viewer", key, withDoc("GET "+keyAPI+"/usage", usedUp()))
	add("key.no_calls", "owner", key, all(withDoc("GET "+keyAPI+"/usage", api.Usage{}), ofKey(func(k *api.Key) { k.Limits, k.Labels = k.Limits[:1], nil })))
	add("key.one_limit", "owner", key, ofKey(func(k *api.Key) { k.Limits, k.RotationPolicy = k.Limits[:1], &api.RotationPolicy{EveryDays: 8} }))
	add("key.proposal_products", "owner", key, ofKey(func(k *api.Key) { k.Proposed = &api.Proposal{Since: day(-500), Products: &[]string{"search"}} }))
	add("key.proposal_no_usage", "owner", key, all(ofKey(func(k *api.Key) { k.Proposed = &api.Proposal{Since: day(31), Domains: &[]string{}} }), withDoc("GET "+keyAPI+"/usage", failing(500, "internal"))))
	callers := ofKey(func(k *api.Key) {
		k.Networks, k.Apps = []string{"203.0.113.0/24", "2001:db8::/32"}, []api.App{
			{Platform: "android", Package: ptr("com.example.app"), Sha1: ptr("DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09")},
			{Platform: "ios", BundleId: ptr("com.example.app")},
		}
		k.Warnings = []string{"missing_origin_allowed", "app_among_domains", "networks_private", "of_a_later_release"}
		k.Proposed = &api.Proposal{Since: day(31), Networks: &[]string{"198.51.100.0/24"}, Apps: &[]api.App{{Platform: "ios", BundleId: ptr("com.example.next")}}}
	})
	add("key.callers", "owner,viewer", key, callers)
	add("key.callers_lifted", "owner", key, ofKey(func(k *api.Key) {
		k.Proposed = &api.Proposal{Since: day(31), Networks: &[]string{}, Apps: &[]api.App{}}
	}))
	add("edit.callers", "owner", key+"/edit", callers)
	add("propose.callers", "owner", key+"/propose", callers)
	add("try.callers", "owner", key+"/try?origin=&address=203.0.113.9&app=ios+com.example.app", callers)
	add("key.no_examples", "owner", key, ofKey(func(k *api.Key) { k.Products = []string{"sdk"} }))
	add("key.to_try", "owner", key+"?origin=https://one.example", nil)
	propose := ofKey(func(k *api.Key) {
		k.Proposed = &api.Proposal{Since: day(31), Domains: &[]string{"next.example"}, Products: &[]string{"map-display"}}
	})
	pending := ofKey(func(k *api.Key) {
		k.PendingPaths = []api.PendingPaths{
			{Product: "map-display", Version: "3-8c1d22ef01", Paths: []string{"/static-map/", "/atlas/"}}, {Product: "search", Version: "3-8c1d22ef01", Paths: []string{"/places/"}},
		}
	})
	for _, person := range []string{"owner", "developer", "viewer"} {
		add("key.pending_paths", person, key, pending)
	}
	add("accept", "owner", key+"/accept?product=map-display", pending)
	add("accept.other", "owner", key+"/accept?product=search", pending)
	leaked := func(change func(*api.Exposure)) func(*stage) {
		return ofKey(func(k *api.Key) {
			e := api.Exposure{Secret: "current", Preview: k.Preview, ExposedAt: day(31), Source: "github", Place: ptr("https://github.com/a/b?key=[secret]"), Refused: true, RefusedAt: maybeDay(32)}
			change(&e)
			k.Exposures, k.ExposedAt = []api.Exposure{e}, &e.ExposedAt
		})
	}
	add("key.exposed", "owner,developer,viewer", key, leaked(func(*api.Exposure) {}))
	add("key.exposed_at_once", "owner", key, leaked(func(e *api.Exposure) { e.RefusedAt, e.Replaces, e.Source = &e.ExposedAt, true, "operator" }))
	add("key.exposed_noted", "owner", key, leaked(func(e *api.Exposure) { e.Refused, e.RefusedAt, e.Place, e.Source = false, nil, nil, "anybody" }))
	add("key.exposed_old", "owner", key, leaked(func(e *api.Exposure) { e.ExposedAt, e.Secret, e.Preview = day(-500), "outgoing", "ak_pRev…1111" }))
	add("key.rotating_exposed", "owner", key, ofKey(func(k *api.Key) {
		k.Status, k.PreviousPreview, k.PreviousSecretExpiresAt, k.ExposedAt = api.Active, ptr("ak_pRev…1111"), maybeDay(35), maybeDay(31)
		for _, secret := range []string{"current", "outgoing"} {
			k.Exposures = append(k.Exposures, api.Exposure{Secret: secret, Preview: "ak_pRev…1111", ExposedAt: day(31), Source: "github", Refused: true, RefusedAt: maybeDay(31)})
		}
	}))
	add("key.exposed_lifted", "owner", key, leaked(func(e *api.Exposure) { e.Refused, e.LiftedAt, e.LiftReason = false, maybeDay(33), ptr("A sample <1>") }))
	add("key.exposed_no_usage", "owner", key, all(leaked(func(*api.Exposure) {}), withDoc("GET "+keyAPI+"/usage", failing(500, "internal"))))
	add("lift", "owner", key+"/lift-exposure", nil)
	add("lift.held", "owner", key+"/lift-exposure", ofKey(func(k *api.Key) { k.Disabled = true }))
	add("edit", "owner", key+"/edit", nil)
	add("edit.bare", "owner", key+"/edit", withDoc("GET "+keyAPI, changed(bareKey(), func(k *api.Key) { k.Id, k.Status, k.DeletedAt = keyID, api.Active, nil })))
	add("ended.deleted", "owner,developer", key+"/edit", ofKey(deleteKey))
	add("ended.revoked", "owner", key+"/edit", ofKey(func(k *api.Key) { k.Status, k.RevokedAt = api.Revoked, maybeDay(31) }))
	add("propose", "owner", key+"/propose", nil)
	add("propose.proposed", "owner", key+"/propose", propose)
	used := ofKey(func(k *api.Key) { k.PreviousSecretLastUsedAt, k.PreviousPreview = maybeDay(32), ptr("ak_pRev…1111") })
	for _, s := range []string{"disable", "enable", "revoke", "delete", "restore", "reveal", "rotation-end", "rotation-cancel", "promote", "drop", "policy-remove"} {
		add("step."+s, "owner", key+"/"+s, propose)
		add("step."+s+".unused", "owner", key+"/"+s, ofKey(func(k *api.Key) { k.LastUsedAt = nil }))
	}
	disabled := map[string]func(*api.Key){
		"blocked": func(k *api.Key) { k.Status, k.Blocked = api.Blocked, &api.Block{Reason: "Abuse", At: day(3)} },
		"expired": func(k *api.Key) { k.Status, k.ExpiresAt = api.Disabled, maybeDay(4) },
	}
	for _, by := range slices.Sorted(maps.Keys(disabled)) {
		state := ofKey(func(k *api.Key) { k.Disabled = true; disabled[by](k) })
		add("key.disabled_"+by, "owner,viewer", key, state)
		for _, s := range []string{"enable", "disable", "revoke", "delete"} {
			add("step."+s+"."+by, "owner", key+"/"+s, state)
		}
	}
	add("step.rotation-end.used", "owner", key+"/rotation-end", used)
	add("step.promote.no_usage", "owner", key+"/promote", all(propose, withDoc("GET "+keyAPI+"/usage", failing(500, "internal"))))
	add("step.promote.no_calls", "owner", key+"/promote", all(propose, withDoc("GET "+keyAPI+"/usage", api.Usage{})))
	add("rotate", "owner", key+"/rotate", nil)
	add("rotate.leaked", "owner", key+"/rotate?reason=leaked", nil)
	add("rotate.running", "owner", key+"/rotate", used)
	add("extend", "owner", key+"/extend", used)
	add("policy", "owner,developer", key+"/policy", nil)
	add("policy.none", "owner,developer", key+"/policy", ofKey(func(k *api.Key) { k.RotationPolicy = nil }))
	add("limit", "owner,small", key+"/limits/map-display", nil)
	add("limit.unknown", "owner", key+"/limits/no-such", nil)
	add("cap", "owner,small", key+"/quotas/tiles", nil)
	add("cap.none", "owner", key+"/quotas/other", nil)
	add("cap.unknown", "owner", key+"/quotas/no-such", nil)
	add("cap.gone", "owner", key+"/quotas/gone", groupGone)
	add("key.group_gone", "owner,viewer", key, groupGone)
	add("operator_key.group_gone", "admin", "/operator/keys/"+keyID, groupGone)
	add("key_audit", "owner", key+"/audit", withDoc("GET "+keyAPI+"/audit", api.AuditList{Rows: auditRows(), NextPageToken: ptr("p3")}))
	add("key_audit.last", "viewer", key+"/audit?page=p3", nil)
	add("key_audit.none", "viewer", key+"/audit", withDoc("GET "+keyAPI+"/audit", api.AuditList{}))
	add("try", "owner,viewer", key+"/try", nil)
	add("try.allowed", "owner", key+"/try?origin=one.example", nil)
	add("try.refused", "owner", key+"/try?origin=https://evil.example", withDoc("POST "+keyAPI+"/test", api.TestResult{Code: "domain_not_allowed", ProposedCode: ptr("origin_missing"), Rule: ptr("domains"), At: day(3)}))
	add("try.bad", "owner", key+"/try?origin=http://", nil)
	add("try.no_origin", "owner", key+"/try?origin=", withDoc("POST "+keyAPI+"/test", api.TestResult{Code: "origin_missing", At: day(3)}))
	add("try.nothing", "owner", key+"/try", ofKey(func(k *api.Key) { k.Products = []string{"sdk"} }))
}

func usageShots(add adder, root, key string) {
	usage := root + "/usage"
	add("usage", "owner,support", usage, nil)
	add("usage.asked", "owner", usage+"?range=7d&key="+keyID+"&product=map-display&by=hour", withDoc("GET "+keyAPI+"/usage", func() api.Usage {
		u := fullUsage()
		u.Key, u.ByKey = &api.UsageKey{Id: keyID, Name: `Shop <1> & "Co"`, Preview: "ak_7Kf2…x9Qd", BillingType: api.Freemium}, nil
		return u
	}()))
	add("statement", "owner,support", root+"/statements", nil)
	add("statement.open", "owner", root+"/statements?month=2026-07&page=p2", withDoc("GET "+accountAPI+"/statements/2026-07", openStatement()))
	waits := openStatement()
	waits.WaitsFor = ptr("records")
	add("statement.waits", "owner", root+"/statements?month=2026-07", withDoc("GET "+accountAPI+"/statements/2026-07", waits))
	add("statement.left_out", "owner", root+"/statements?month=2026-07", withDoc("GET "+accountAPI+"/statements/2026-07", func() api.Statement {
		s := openStatement()
		s.Status, s.ClosedAt, s.Rows, s.LeftOut = api.Final, maybeDay(35), nil, ptr([]string{"acc_01"})
		return s
	}()))
	add("statement.not_split", "owner", root+"/statements?month=2026-07", withDoc("GET "+accountAPI+"/statements/2026-07", func() api.Statement {
		s := mergedStatement()
		s.Rows = s.Rows[1:]
		return s
	}()))
	grouped := func(by string) func(*stage) {
		u := groupedUsage(fullUsage(), by, 1)
		names := map[string][2]string{byKeys: {keyID, "key_gone"}, byProduct: {"map-display", ""}, byReason: {"qps_exceeded", "domain_not_allowed"}, byOrigin: {"-", "*refused"}}[by]
		(*u.Groups)[0].Name, (*u.Groups)[1].Name = names[0], names[1]
		return withDoc("GET "+accountAPI+"/usage", u)
	}
	for _, by := range []string{byKeys, byProduct, byReason, byOrigin} {
		add("usage.by_"+by, "owner", usage+"?compare=1&group="+by, grouped(by))
	}
	for _, by := range []string{byKeys, byOrigin} {
		add("usage.ungrouped_"+by, "owner", usage+"?group="+by, withDoc("GET "+accountAPI+"/usage", daysOf(4)))
	}
	passed := fullUsage()
	passed.Groups, passed.Totals.Refused = &[]api.UsageGroup{}, 0
	add("usage.by_reason_none", "owner", usage+"?group=reason", withDoc("GET "+accountAPI+"/usage", passed))
	add("usage.table_of_weeks", "owner", usage+"?range=90d", withDoc("GET "+accountAPI+"/usage", daysOf(62)))
	add("usage.month", "owner", usage+"?range=30d", withDoc("GET "+accountAPI+"/usage", daysOf(30)))
	add("usage.weeks", "owner", usage+"?from=2026-06-03&to=2026-08-03&by=week", withDoc("GET "+accountAPI+"/usage", daysOf(62)))
	add("usage.coarse", "owner", usage+"?from=2026-06-10&by=hour", withDoc("GET "+accountAPI+"/usage", daysOf(40)))
	compared := func(u api.Usage) func(*stage) {
		u.Before = beforeOf(u)
		return withDoc("GET "+accountAPI+"/usage", u)
	}
	add("usage.compared", "owner", usage+"?compare=1", compared(fullUsage()))
	add("usage.compared_days", "owner", usage+"?range=30d&compare=1", compared(daysOf(30)))
	add("usage.compared_gone", "owner", usage+"?range=13mo&compare=1", withDoc("GET "+accountAPI+"/usage", daysOf(30)))
	past := fullUsage()
	past.Series, past.Totals = past.Series[:2], api.UsageCounts{Requests: 710, Allowed: 710}
	add("usage.past", "owner", usage+"?from=2026-08-03&to=2026-08-03", withDoc("GET "+accountAPI+"/usage", past))
	busy := fullUsage()
	for range 11 {
		busy.Series = append(busy.Series, busy.Series[1])
		busy.Series[len(busy.Series)-1].Start = moment.Of(busy.Series[len(busy.Series)-2].Start.Add(time.Hour))
	}
	add("usage.busy", "owner", usage, withDoc("GET "+accountAPI+"/usage", busy))
	add("usage.none", "owner", usage, withDoc("GET "+accountAPI+"/usage", api.Usage{}))
	add("usage.bad_days", "owner", usage+"?from=2026-07-02&to=nonsense", nil)
	add("usage.refused", "owner", usage+"?range=90d", withDoc("GET "+accountAPI+"/usage", failing(400, "invalid")))
	add("usage.found", "owner", usage+"?find=shop", listOfKeys("", fullKey(), bareKey()))
	add("usage.found_first", "owner", usage+"?find=shop", withDoc("GET "+accountAPI+"/keys", api.KeyList{Keys: []api.Key{fullKey(), bareKey()}, NextPageToken: ptr("k2")}))
	add("usage.found_one", "owner", usage+"?find=shop&range=7d", listOfKeys("", fullKey()))
	add("usage.found_none", "owner", usage+"?find=shop", listOfKeys(""))
	requests := root + "/qps-requests"
	add("qps", everybody+",small", requests, nil)
	add("qps.filtered", "owner", requests+"?status=approved&page=p2", withDoc("GET "+accountAPI+"/qps-requests", api.QpsRequestList{Requests: []api.QpsRequest{decidedRequest(api.Approved)}, NextPageToken: ptr("p3")}))
	none := func(token string) func(*stage) {
		return withDoc("GET "+accountAPI+"/qps-requests", api.QpsRequestList{NextPageToken: tokenOf(token)})
	}
	add("qps.granted", "owner", requests, withDoc("GET "+accountAPI+"/qps-requests", api.QpsRequestList{Requests: []api.QpsRequest{changedRequest(func(r *api.QpsRequest) { r.Status, r.ApprovedQps = api.Approved, ptr(60) })}, NextPageToken: ptr("p2")}))
	add("qps.none", "owner,small", requests, none(""))
	add("qps.none_found", "owner", requests+"?status=approved", none(""))
	add("qps.none_yet", "owner", requests, none("p2"))
	for _, one := range []api.QpsRequest{fullRequest(), bareRequest(), decidedRequest(api.Approved), decidedRequest(api.Rejected), decidedRequest(api.Withdrawn)} {
		name, people := string(one.Status), "owner"
		switch {
		case one.Id == requestID2:
			name = "bare"
		case one.Status == api.Pending:
			people = "owner,viewer,operator,admin,support"
		}
		one.Id = requestID1
		state := withDoc("GET "+accountAPI+"/qps-requests/"+requestID1, one)
		add("request."+name, people, requests+"/"+requestID1, state)
		add("decision."+name, "admin,support", "/operator/qps-requests/"+account+"/"+requestID1, state)
	}
	add("request.no_evidence", "owner", requests+"/"+requestID1, withDoc("GET "+accountAPI+"/qps-requests/"+requestID1, changedRequest(func(r *api.QpsRequest) { r.Evidence, r.KeyName = nil, nil })))
	add("withdraw", "owner", requests+"/"+requestID1+"/withdraw", nil)
	add("request_new", "owner,small", requests+"/new", nil)
	add("request_new.no_keys", "owner", requests+"/new", listOfKeys(""))
	add("request_new.key", "owner", requests+"/new?key="+keyID, nil)
	two := listOfKeys("", fullKey(), changed(bareKey(), func(k *api.Key) { k.Status, k.DeletedAt = api.Active, nil }))
	add("request_new.of_two", "owner", requests+"/new", two)
	add("request_new.found", "owner", requests+"/new?find=sh&qps=15", two)
	add("request_new.found_none", "owner", requests+"/new?find=sh", listOfKeys(""))
	add("request_new.ended", "owner", requests+"/new?key="+keyID, ofKey(func(k *api.Key) { k.Status = api.Revoked }))
	add("request_new.no_limits", "owner", requests+"/new?key="+keyID, ofKey(func(k *api.Key) { k.Limits = nil }))
	add("request_new.limit", "owner", requests+"/new?key="+keyID+"&class=map-display&qps=15", nil)
	add("request_new.lasting", "owner", requests+"/new?key="+keyID+"&class=search-fast", nil)
}

func changedRequest(change func(*api.QpsRequest)) api.QpsRequest {
	r := fullRequest()
	change(&r)
	return r
}

func changedAccount(change func(*api.Account)) func(*stage) {
	a := fullAccount()
	change(&a)
	return withDoc("GET "+accountAPI, a)
}

// accountStates are the states in which an account's pages differ.
var accountStates = []struct {
	name   string
	change func(*api.Account)
}{
	{"open", func(*api.Account) {}},
	{"changing", func(a *api.Account) { a.PendingType = ptr("self_serve") }},
	{"suspended", func(a *api.Account) {
		a.Suspended = &api.Suspension{At: day(11), By: ptr("ada@latch.example"), Reason: "Unpaid", Until: maybeDay(60)}
	}},
	{"suspended_for_good", func(a *api.Account) {
		a.Type, a.Suspended = api.SelfServe, &api.Suspension{At: day(12), Reason: "Abuse"}
	}},
	{"closing", func(a *api.Account) { a.Closing = true }},
	{"closed", func(a *api.Account) { a.ClosedAt = maybeDay(22) }},
}

func accountShots(add adder, root string) {
	at, ops := root+"/account", "/operator/accounts/"+account
	add("account", everybody+",operator,closed", at, nil)
	add("operator_people", "admin,support", ops+"/people", nil)
	for _, one := range accountStates {
		people := map[string]string{"open": everybody + ",operator", "closed": "closed,support"}[one.name]
		if people == "" {
			people = "owner"
		}
		add("account_details."+one.name, people, at+"/details", changedAccount(one.change))
		add("operator_account."+one.name, "admin,support", ops, changedAccount(one.change))
		add("operator_limits."+one.name, "admin,support", ops+"/limits", changedAccount(one.change))
		add("close."+one.name, "owner", at+"/close", changedAccount(one.change))
	}
	add("account_details.no_quotas", "owner", at+"/details", withDoc("GET "+accountAPI+"/quotas", api.Quotas{}))
	add("operator_limits.no_quotas", "admin", ops+"/limits", withDoc("GET "+accountAPI+"/quotas", api.Quotas{}))
	add("account_details.group_gone", "owner", at+"/details", groupGone)
	add("operator_limits.group_gone", "admin,support", ops+"/limits", groupGone)
	lacking := fullQuotas()
	lacking.Unreadable = ptr(3)
	add("account_details.quotas_lack", "owner", at+"/details", withDoc("GET "+accountAPI+"/quotas", lacking))
	add("operator_limits.quotas_lack", "admin", ops+"/limits", withDoc("GET "+accountAPI+"/quotas", lacking))
	add("account.many_owners", "owner", at, all(withDoc("GET "+accountAPI+"/members", api.MemberList{Members: []api.Member{{Subject: "x", Role: api.Owner}, {Subject: "auth0|owner", Role: api.Owner}}}), withDoc("GET "+accountAPI+"/invitations", api.InvitationList{})))
	before := withDoc("GET "+accountAPI+"/members", api.MemberList{Members: []api.Member{{Subject: "auth0|owner", Issuer: ptr("https://before.example"), Role: api.Owner}, {Subject: "auth0|owner", Role: api.Owner}}})
	add("account.of_an_issuer_before", "owner", at, before)
	add("remove.of_an_issuer_before", "owner", at+"/remove?subject=auth0%7Cowner&issuer=https%3A%2F%2Fbefore.example", before)
	add("operator_people.of_an_issuer_before", "admin", ops+"/people", before)
	add("erase.of_an_issuer_before", "admin", erasePage+"?subject=auth0%7Cowner&issuer=https%3A%2F%2Fbefore.example", nil)
	add("remove.other", "owner", at+"/remove?subject=a%7Cb%2Fc", nil)
	add("remove.myself", "viewer", at+"/remove?subject=auth0%7Cviewer", nil)
	add("remove.nobody", "owner", at+"/remove?subject=nobody", nil)
	add("remove.of_nobody", "owner", at+"/remove", nil)
	add("audit", "owner,support", at+"/audit", nil)
	add("audit.unread", "owner", at+"/audit?key=key_1&from=1.8.2026&to=x", nil)
	add("audit.by_half_an_address", "owner", at+"/audit?who=olive", withDoc("GET "+accountAPI+"/audit", api.AuditList{}))
	more := withDoc("GET "+accountAPI+"/audit", api.AuditList{Rows: auditRows()[:1], NextPageToken: ptr("p3")})
	add("audit.filtered", "viewer", at+"/audit?action=key&who=olive&key="+keyID+"&from=2026-08-01&to=2026-08-02&page=p2", more)
	add("audit.row", "owner", at+"/audit?action=key.edit&at=2026-07-11T10%3A10%3A00.000Z&key="+keyID, withDoc("GET "+accountAPI+"/audit", api.AuditList{Rows: auditRows()[:1]}))
	add("audit.long", "owner", at+"/audit", withDoc("GET "+accountAPI+"/audit", api.AuditList{Rows: []api.AuditRow{{
		At: day(10), Action: "key.edit", KeyId: ptr(keyID), Actor: api.Actor{Subject: "auth0|x", Role: "owner"}, RequestId: "r-5", Changes: []api.Change{
			{Field: "domains", Before: strings.Fields("a.x b.x c.x d.x e.x f.x g.x h.x i.x"), After: strings.Fields("h.x i.x j.x k.x l.x m.x n.x o.x")},
		},
	}}}))
	add("audit.none", "owner", at+"/audit", withDoc("GET "+accountAPI+"/audit", api.AuditList{}))
	add("audit.none_found", "owner", at+"/audit?who=x", withDoc("GET "+accountAPI+"/audit", api.AuditList{}))
	add("audit.none_yet", "owner", at+"/audit?who=x", withDoc("GET "+accountAPI+"/audit", api.AuditList{NextPageToken: ptr("p3")}))
	add("export", "owner,developer,closed", at+"/export", nil)
	add("export.parts", "owner", at+"/export?page=p2&part=2", withDoc("GET "+accountAPI+"/export", func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, api.Export{Keys: &[]api.Key{bareKey()}, NextPageToken: ptr(r.URL.Query().Get("page_token") + "x")})
	}))
	add("account_new", "owner,stranger", "/accounts/new", nil)
	add("home", "owner,support,stranger,closed", "/", nil)
	add("sessions", "owner", "/sessions", twoSessions)
	add("invitation", "owner", "/invitations", nil)
}

// twoSessions signs the owner in once more.
func twoSessions(s *stage) {
	k := s.app.keeper
	first, err := k.Open(s.t.Context(), s.sessions["owner"])
	if err != nil {
		s.t.Fatal(err)
	}
	list, err := k.List(s.t.Context(), first)
	if err != nil {
		s.t.Fatal(err)
	}
	if len(list) > 1 {
		return
	}
	if _, err := k.New(s.t.Context(), first.Tokens, session.Browser{Name: "Chrome", System: "Android"}); err != nil {
		s.t.Fatal(err)
	}
}

func operatorShots(add adder) {
	ops := "/operator"
	add("operator", "admin,support,operator", ops, nil)
	nothing := api.Overview{LastBlocked: []api.BlockedKey{}, LastExposed: []api.ExposedKey{}, LastSuspended: []api.SuspendedAccount{}}
	add("operator.nothing", "admin", ops, all(withDoc("GET /v1/qps-requests", api.QpsRequestList{}), withDoc("GET /v1/operator/overview", nothing), withDoc("GET /v1/operator/accounts", api.AccountList{})))
	add("operator.older_api", "admin", ops, withDoc("GET /v1/operator/overview", api.Overview{LastBlocked: []api.BlockedKey{}}))
	add("operator.lacking", "admin", ops, all(withDoc("GET /v1/qps-requests", failing(500, "internal")), withDoc("GET /v1/operator/overview", failing(500, "internal"))))
	unread := api.Overview{BlockedKeys: 1, ExposedKeys: 1, LastExposed: []api.ExposedKey{}, SuspendedAccounts: 1, LastSuspended: []api.SuspendedAccount{}, LastBlocked: []api.BlockedKey{}}
	add("operator.unreadable", "admin", ops, withDoc("GET /v1/operator/overview", unread))
	listed := api.Overview{BlockedKeys: 1, LastBlocked: []api.BlockedKey{{KeyId: keyID, KeyName: "Bare", AccountId: account, Blocked: api.Block{Reason: "Spam", At: day(27)}}}, ExposedKeys: 1, LastExposed: []api.ExposedKey{{KeyId: keyID, KeyName: "Bare", AccountId: account, ExposedAt: day(25), Source: "anybody"}}}
	listed.SuspendedAccounts, listed.LastSuspended = 1, []api.SuspendedAccount{{AccountId: "acc_02", AccountName: "Second", Suspended: api.Suspension{Reason: "Abuse", At: day(22)}}}
	add("operator.all_listed", "admin", ops, withDoc("GET /v1/operator/overview", listed))
	for _, of := range [][2]string{{"operator_blocked", allBlocked}, {"operator_exposed", allExposed}, {"operator_suspended", allSuspended}} {
		name, page := of[0], of[1]
		add(name, "admin,support,operator", page, nil)
		add(name+".none", "admin", page, withDoc("GET /v1"+page, map[string]any{}))
		add(name+".no_more", "admin", page+"?page=p9", withDoc("GET /v1"+page, map[string]any{}))
		add(name+".none_here", "admin", page+"?page=p2", withDoc("GET /v1"+page, map[string]any{"next_page_token": "p3"}))
	}
	add("operator.found", "support", ops+"?q=Demo&page=p2", withDoc("GET /v1/operator/accounts", api.AccountList{Accounts: []api.Account{fullAccount()}, NextPageToken: ptr("p3")}))
	add("operator.accounts", "admin,support", ops+"/accounts", nil)
	add("operator.accounts_next", "admin", ops+"/accounts?page=p2", withDoc("GET /v1/operator/accounts", api.AccountList{}))
	add("operator.accounts_first", "admin", ops+"/accounts", withDoc("GET /v1/operator/accounts", api.AccountList{Accounts: []api.Account{fullAccount()}, NextPageToken: ptr("p2")}))
	add("operator.preview", "admin", ops+"?q=ak_7Kf2...x9Qd", withDoc("GET /v1/operator/accounts", api.AccountList{}))
	add("operator.people", "support", ops+"?q=@fjordlast", withDoc("GET /v1/operator/accounts", api.AccountList{}))
	add("operator.people_chosen", "admin", ops+"?q=nilsen&in=people", withDoc("GET /v1/operator/members", api.FoundMemberList{SearchedMembers: 1, SearchedAccounts: 1}))
	add("operator.people_next", "admin", ops+"?q=nilsen&in=people&further=f2", withDoc("GET /v1/operator/members", api.FoundMemberList{SearchedMembers: 1000, SearchedAccounts: 2, NextPageToken: ptr("f3")}))
	add("operator.keys_next", "admin", ops+"?q=shop&further=f2", withDoc("GET /v1/operator/keys", api.FoundKeyList{SearchedKeys: 1000, SearchedAccounts: 1, NextPageToken: ptr("f3")}))
	add("operator.keys_none", "admin", ops+"?q=shop", withDoc("GET /v1/operator/keys", api.FoundKeyList{SearchedKeys: 12, SearchedAccounts: 3}))
	add("operator.keys_lack", "admin", ops+"?q=shop", withDoc("GET /v1/operator/keys", failing(500, "internal")))
	add("operator.people_lack", "admin", ops+"?q=shop@", withDoc("GET /v1/operator/members", failing(500, "internal")))
	add("operator.email", "admin", ops+"?q=a@b.example", nil)
	add("operator.key", "admin", ops+"?q="+keyID, nil)
	for _, status := range []api.OperationStatus{api.Running, api.Done, api.Failed} {
		o := api.Operation{Id: operationID, StartedAt: day(33), Status: status, Type: api.SelfServe}
		if status != api.Running {
			o.EndedAt = maybeDay(34)
		}
		add("operation."+string(status), "admin", ops+"/accounts/"+account+"?operation="+operationID, withDoc("GET "+accountAPI+"/operations/"+operationID, o))
	}
	add("operation.gone", "admin", ops+"/accounts/"+account+"?operation=op_none", nil)
	add("operator.none_yet", "admin", ops+"?q=mobility", withDoc("GET /v1/operator/accounts", api.AccountList{NextPageToken: ptr("p2")}))
	add("operator.none_by_email", "admin", ops+"?q=a@b.example", withDoc("GET /v1/operator/accounts", api.AccountList{}))
	add("operator.no_such_key", "admin", ops+"?q=key_01JQA7N9Q1S3V5X7Z9B1D3F5H8", withDoc("GET /v1/operator/keys", api.FoundKeyList{}))
	add("operator.no_such_account", "admin", ops+"?q=acc_01M8", withDoc("GET /v1/operator/accounts", api.AccountList{}))
	add("decision.purged_key", "admin", ops+"/qps-requests/"+account+"/"+requestID1, all(
		withDoc("GET /v1/operator/keys/"+keyID, failing(404, "not_found")), withDoc("GET "+accountAPI+"/qps-requests/"+requestID1, changedRequest(func(r *api.QpsRequest) { r.Evidence = nil })),
	))
	add("operator.none_by_name", "admin", ops+"?q=a@b.example&in=name&page=p2", withDoc("GET /v1/operator/accounts", api.AccountList{NextPageToken: ptr("p3")}))
	add("operator_account.counted", "admin", ops+"/accounts/"+account+"?q=shop&status=active&page=p2", withDoc("GET "+accountAPI+"/keys", api.KeyList{
		Keys: []api.Key{fullKey()}, PreviousPageToken: ptr("p1"), NextPageToken: ptr("p3"), Matching: ptr(120), Position: ptr(51),
	}))
	add("operator_account.not_all_followed", "admin", ops+"/accounts/"+account+"?operation=op_1", withDoc("GET "+accountAPI+"/operations/op_1", api.Operation{Id: "op_1", Status: api.Done, Type: api.Enterprise, StartedAt: day(1), EndedAt: maybeDay(2), Unreadable: ptr(2)}))
	add("operator_account.not_all_revoked", "admin", ops+"/accounts/"+account, withDoc("GET "+accountAPI, changedFull(func(a *api.Account) { a.ClosedAt, a.UnreadableKeys = maybeDay(3), ptr(2) })))
	add("operator_queue.next", "admin,support", ops+"/qps-requests?page=p2", nil)
	add("decision.from_the_queue", "admin", ops+"/qps-requests/"+account+"/"+requestID1+"?page=p2", nil)
	add("operator_account.no_keys", "admin", ops+"/accounts/"+account, listOfKeys(""))
	add("operator_account.no_keys_yet", "admin", ops+"/accounts/"+account+"?page=p2", listOfKeys("p3"))
	at := ops + "/accounts/" + account
	add("type", "admin,support", at+"/type", nil)
	add("type.other", "admin", at+"/type", changedAccount(func(a *api.Account) { a.Type = api.SelfServe }))
	add("suspend", "admin,support", at+"/suspend", nil)
	add("operator_leak", "admin,support", ops+"/leaks", nil)
	add("operator_key.exposed", "admin", ops+"/keys/"+keyID, ofKey(func(k *api.Key) { k.ExposedAt = maybeDay(31) }))
	add("operator_close", "admin", at+"/close", nil)
	add("operator_key.full", "admin,support", ops+"/keys/"+keyID, nil)
	add("operator_key.bare", "admin", ops+"/keys/"+keyID, withDoc("GET /v1/operator/keys/"+keyID, api.OperatorKey{Key: changed(bareKey(), func(k *api.Key) { k.Id, k.Status, k.DeletedAt = keyID, api.Active, nil }), Account: ptr(fullAccount())}))
	add("operator_key.no_account", "admin", ops+"/keys/"+keyID, withDoc("GET /v1/operator/keys/"+keyID, api.OperatorKey{Key: changed(bareKey(), func(k *api.Key) { k.Id, k.Status, k.DeletedAt = keyID, api.Active, nil })}))
	add("operator_key.no_calls", "admin", ops+"/keys/"+keyID, withDoc("GET "+keyAPI+"/usage", api.Usage{}))
	add("operator_key.blocked_by", "admin", ops+"/keys/"+keyID, ofKey(func(k *api.Key) {
		k.Status, k.Blocked = api.Blocked, &api.Block{Reason: "Leaked", At: day(30), By: ptr("ada@latch.example")}
	}))
	until := ofKey(func(k *api.Key) {
		k.Status, k.Blocked = api.Blocked, &api.Block{Reason: "Leaked", At: day(30), Until: maybeDay(53)}
	})
	add("operator_key.blocked_until", "admin", ops+"/keys/"+keyID, until)
	add("key.blocked_until", "owner", "/accounts/"+account+"/keys/"+keyID, until)
	add("operators", "admin,support,operator", ops+"/operators", nil)
	add("operators_remove", "admin", ops+"/operators/remove?subject=o+2%2Fx", nil)
	add("operators_remove.of_an_issuer_before", "admin", ops+"/operators/remove?subject=ops%7Cadmin&issuer=https%3A%2F%2Fbefore.example", nil)
	add("operators_remove.of_nobody", "admin", ops+"/operators/remove", nil)
	add("operators.unranked", "unranked", ops+"/operators", nil)
	add("operators_remove.named", "admin", ops+"/operators/remove?subject=ops%7Cfirst", nil)
	add("operators_audit", "admin,support", ops+"/operators/audit?page=p2", nil)
	add("operators_audit.row", "admin", ops+"/operators/audit?action=key.block&at=2026-07-12T10%3A10%3A00.000Z", withDoc("GET /v1/operators/audit", api.AuditList{Rows: auditRows()[1:2]}))
	add("operators_audit.filtered", "admin", ops+"/operators/audit?action=operator&who=a&from=2026-08-01", withDoc("GET /v1/operators/audit", api.AuditList{Rows: auditRows()[:1], NextPageToken: ptr("p3")}))
	add("statements", "admin,support", ops+"/statements", nil)
	ofAll := func(change func(*api.Statement)) func(*stage) {
		s := openStatement()
		change(&s)
		return withDoc("GET /v1/operator/statements/2026-07", s)
	}
	add("statements.open", "admin,support", ops+"/statements?month=2026-07&page=p2", ofAll(func(s *api.Statement) {
		s.SettledAt, s.Rows, s.NextPageToken, s.Unreadable = day(32), fullStatement().Rows, ptr("p3"), ptr(2)
	}))
	add("statements.not_settled", "admin", ops+"/statements?month=2026-07", ofAll(func(s *api.Statement) { s.SettledAt, s.NextPageToken = day(60), ptr("p3") }))
	add("statements.left_out", "admin", ops+"/statements?month=2026-07", ofAll(func(s *api.Statement) {
		s.Status, s.ClosedAt = api.Final, maybeDay(35)
		s.LeftOut = ptr(slices.Repeat([]string{"acc_01"}, mostWithout+1))
	}))
	add("statements.not_split", "admin", ops+"/statements?month=2026-07", ofAll(func(s *api.Statement) { *s = mergedStatement() }))
	for _, what := range []string{"records", "writing", "closing"} {
		add("statements.waits_for_"+what, "admin", ops+"/statements?month=2026-07", ofAll(func(s *api.Statement) {
			s.WaitsFor, s.LeftOut = &what, map[string]*[]string{"writing": {"acc_01"}}[what]
		}))
	}
	add("statements.bad_month", "admin", ops+"/statements?month=x", withDoc("GET /v1/operator/statements/x", failing(400, "parameter_invalid")))
	add("statements_close", "admin,support", closeStatementPage+"?month=2026-07", nil)
	add("queue", "admin,support", ops+"/qps-requests", nil)
	add("queue.next", "admin", ops+"/qps-requests?page=p2", withDoc("GET /v1/qps-requests", api.QpsRequestList{Requests: []api.QpsRequest{changedRequest(func(r *api.QpsRequest) { r.Evidence = nil })}, NextPageToken: ptr("p3")}))
	add("queue.first", "admin", ops+"/qps-requests", withDoc("GET /v1/qps-requests", api.QpsRequestList{Requests: []api.QpsRequest{bareRequest()}, NextPageToken: ptr("p2")}))
	add("queue.none", "admin", ops+"/qps-requests", withDoc("GET /v1/qps-requests", api.QpsRequestList{}))
	for _, page := range []string{erasePage, endSessionsPage} {
		name := strings.ReplaceAll(strings.TrimPrefix(page, "/operator/people/"), "-", "_")
		add(name, "admin,support", page, nil)
		add(name+".subject", "admin", page+"?subject=auth0%7Cowner", nil)
	}
}

// changedFull is the full account, changed.
func changedFull(change func(*api.Account)) api.Account {
	a := fullAccount()
	change(&a)
	return a
}

// deleteKey deletes a key.
func deleteKey(k *api.Key) { k.Status, k.DeletedAt = api.Deleted, maybeDay(31) }
