package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// forms are all forms, each with what it needs.
func (w *twice) forms() []func() pressed {
	return slices.Concat(w.keyForms(), w.selectedForms(), w.domainForms(), w.accountForms(), w.operatorForms())
}

func (w *twice) keyForms() (list []func() pressed) {
	add := func(make func() pressed) { list = append(list, make) }
	step := func(name string, fill url.Values, more string, steps ...string) {
		add(func() pressed {
			k := w.key(more, steps...)
			return pressed{"owner", k + "/" + name, k + "/" + name, fill}
		})
	}
	const rotating, limited = `POST /rotate {"grace_seconds":3600}`, `PUT /proposal {"domains":["twice.example"]}`
	step("edit", url.Values{"name": {"Edited"}, "labels": {"one, two"}, "domains": {"Twice.example"}, "expires_at": {"2031-02-03"}}, "")
	step("disable", nil, "")
	step("enable", nil, "", "POST /disable")
	add(func() pressed {
		k := w.key("")
		return pressed{"owner", k + "/revoke", k + "/revoke", url.Values{"confirm_name": {w.name()}}}
	})
	step("delete", nil, "")
	step("restore", nil, "", "DELETE ")
	step("rotate", nil, "")
	step("rotation-end", nil, "", rotating)
	step("rotation-cancel", nil, "", rotating)
	step("extend", url.Values{"grace_seconds": {"86400"}}, "", rotating)
	step("policy", url.Values{"every_days": {"30"}, "notify_days_before": {"3"}}, "")
	step("policy-remove", nil, "", `PUT /rotation-policy {"every_days":30,"notify_days_before":3}`)
	step("propose", url.Values{"domains": {"twice.example"}, "networks": {"192.0.2.0/24"}, "apps": {"ios com.example.app"}}, "")
	add(func() pressed {
		k := w.key("")
		return pressed{"owner", "", k + "/from-usage", nil}
	})
	step("promote", nil, "", limited)
	step("drop", nil, "", limited)
	step("limits/map-display", url.Values{"qps": {"3"}}, "")
	step("quotas/tiles", url.Values{"day": {"3"}}, "")
	add(func() pressed {
		k := w.key(`,"domains":["one.example"]`)
		return pressed{"owner", "", k + "/repair", url.Values{"domain": {"two.example"}}}
	})
	add(func() pressed {
		version := w.do("owner", "GET", "/products", "").json(w.t)["version"]
		return pressed{"owner", "", w.key("") + "/accept", url.Values{"product": {"map-display"}, "version": {fmt.Sprint(version)}}}
	})
	add(func() pressed {
		return pressed{"owner", w.account + "/keys/new", w.account + "/keys/new", url.Values{"name": {"Made"}, "products": {"map-display"}}}
	})
	add(func() pressed {
		return pressed{"owner", w.account + "/keys/first", w.account + "/keys/first", url.Values{"kind": {"server"}}}
	})
	add(func() pressed {
		k := w.key(`,"recoverable":true`)
		return pressed{"owner", k + "/reveal", k + "/reveal", nil}
	})
	return list
}

func (w *twice) selectedForms() (list []func() pressed) {
	for act, c := range map[string]struct {
		fill  url.Values
		steps []string
	}{
		"disable": {}, "enable": {nil, []string{"POST /disable"}}, "label": {url.Values{"labels": {"new"}}, nil}, "domain": {url.Values{"domains": {"new.example"}}, nil},
		"delete": {}, "restore": {nil, []string{"DELETE "}}, "rotate": {url.Values{"reason": {"other"}, "idempotency": {"sent-twice"}}, nil},
	} {
		list = append(list, func() pressed {
			fill := url.Values{"key": {lastOf(w.key("", c.steps...)), lastOf(w.key("", c.steps...))}}
			for name, values := range c.fill {
				fill[name] = values
			}
			return pressed{"owner", "", w.account + "/keys/selected/" + act, fill}
		})
	}
	return list
}

func (w *twice) domainForms() (list []func() pressed) {
	for what, fill := range map[string]url.Values{
		"link": {"domain": {"linked.example"}, "back": {"new"}}, "unlink": {"domain": {"unlinked.example"}}, "replace": {"domain": {"old.example"}, "with": {"replaced.example"}},
	} {
		list = append(list, func() pressed {
			fill["keys"] = []string{lastOf(w.key(`,"domains":["unlinked.example","old.example"]`))}
			fill.Set("version", fmt.Sprint(int64(w.do("owner", "GET", w.account+"/domains", "").json(w.t)["version"].(float64))))
			if page := browse(w.t, "GET", shared.ConsoleURL+w.account+"/domains", "", w.cookies["owner"]); page.status != http.StatusOK || !strings.Contains(string(page.body), "old.example") {
				w.t.Errorf("the page of domains: %d\n%s\n%s", page.status, w.do("owner", "GET", w.account+"/domains?page_size=50", "").body, page.body)
			}
			return pressed{"owner", "", w.account + "/domains/" + what, fill}
		})
	}
	return list
}

func (w *twice) accountForms() (list []func() pressed) {
	add := func(make func() pressed) { list = append(list, make) }
	invite := func() map[string]any {
		return w.do("owner", "POST", w.account+"/invitations", `{"role":"developer","email":"enterprise_owner@example.com"}`).json(w.t)
	}
	add(func() pressed {
		return pressed{"owner", w.account + "/account/details", w.account + "/account/name", url.Values{"name": {"Sent twice"}}}
	})
	add(func() pressed {
		return pressed{"owner", w.account + "/account", w.account + "/account/invitations", url.Values{"role": {"viewer"}}}
	})
	add(func() pressed {
		return pressed{"owner", "", w.account + "/account/invitations/withdraw", url.Values{"invitation": {invite()["id"].(string)}}}
	})
	add(func() pressed {
		pasted := browse(w.t, "POST", shared.ConsoleURL+"/invitations", url.Values{"token": {invite()["token"].(string)}}.Encode(), w.cookies["enterprise_owner"])
		for _, c := range (&http.Response{Header: pasted.header}).Cookies() {
			w.cookies["enterprise_owner"] += "; " + c.Name + "=" + c.Value
		}
		return pressed{"enterprise_owner", "/invitations", "/invitations", nil}
	})
	for _, act := range []string{"role", "remove"} { // of who has joined
		add(func() pressed {
			return pressed{"owner", "", w.account + "/account/" + act, url.Values{"subject": {"enterprise_owner"}, "role": {"viewer"}, "was": {"developer"}}}
		})
	}
	add(func() pressed {
		return pressed{"owner", w.account + "/qps-requests/new?key=" + lastOf(w.key("")) + "&class=map-display", w.account + "/qps-requests/new", url.Values{"requested_qps": {"900"}, "justification": {"Twice."}}}
	})
	add(func() pressed { r := w.request(); return pressed{"owner", r + "/withdraw", r + "/withdraw", nil} })
	add(func() pressed { return pressed{"owner", "/accounts/new", "/accounts", url.Values{"name": {"Twice"}}} })
	add(func() pressed {
		a := w.newAccount("")
		w.do("owner", "PATCH", a, `{"name":"To be closed"}`, "If-Match", "*")
		return pressed{"owner", a + "/account/close", a + "/account/close", url.Values{"confirm_name": {"To be closed"}}}
	})
	add(func() pressed {
		(&maker{records: &records{}, t: w.t, s: shared}).signIn("owner")
		page := browse(w.t, "GET", shared.ConsoleURL+"/sessions", "", w.cookies["owner"])
		id := regexp.MustCompile(`name="session" value="([^"]+)"`).FindStringSubmatch(string(page.body))
		return pressed{"owner", "", "/sessions/end", url.Values{"session": {id[1]}}}
	})
	return list
}

// request files a request for a higher limit and returns its path in the console.
func (w *twice) request() string {
	k := lastOf(w.key(""))
	made := w.do("owner", "POST", w.account+"/qps-requests", fmt.Sprintf(`{"key_id":%q,"product":"map-display","requested_qps":900,"justification":"More."}`, k), "Idempotency-Key", "ask-"+k)
	return w.account + "/qps-requests/" + made.json(w.t)["id"].(string)
}

func (w *twice) operatorForms() (list []func() pressed) {
	add := func(make func() pressed) { list = append(list, make) }
	at := func(path string) string { return "/operator" + path }
	of := func(key string) string { return "/operator/keys/" + lastOf(key) }
	account := func(name string, fill url.Values, steps ...string) {
		add(func() pressed {
			a := w.newAccount("")
			w.do("owner", "PATCH", a, `{"name":"Operated"}`, "If-Match", "*")
			for _, step := range steps {
				part := append(strings.SplitN(step, " ", 3), "", "")
				w.do("operator", part[0], at(a)+part[1], part[2])
			}
			page := at(a) + "/" + name
			switch part, _, _ := strings.Cut(name, "/"); part {
			case "key-limit", "resume":
				page = at(a)
			case "limits", "quotas":
				page = at(a) + "/limits"
			}
			return pressed{"operator", page, at(a) + "/" + name, fill}
		})
	}
	for _, chosen := range []url.Values{nil, {"billing_freemium": {"paying"}}} {
		account("type", chosen)
	}
	account("key-limit", url.Values{"key_limit": {"7"}})
	account("limits/map-display", url.Values{"qps": {"77"}})
	account("quotas/tiles", url.Values{"billing_type": {"freemium"}, "day": {"77"}})
	for _, chosen := range []url.Values{{"reason": {"Twice"}}, {"reason": {"Twice"}, "until": {"2031-02-03"}}} {
		account("suspend", chosen)
	}
	add(func() pressed {
		k := w.key("")
		w.do("operator", "POST", "/operator/leaks", fmt.Sprintf(`{"secret":%q}`, w.secrets[lastOf(k)]))
		return pressed{"owner", k + "/lift-exposure", k + "/lift-exposure", url.Values{"reason": {"Twice"}}}
	})
	add(func() pressed {
		return pressed{"operator", "/operator/leaks", "/operator/leaks", url.Values{"secret": {w.secrets[lastOf(w.key(""))]}}}
	})
	add(func() pressed {
		return pressed{"owner", w.account + "/account/leaks", w.account + "/account/leaks", url.Values{"mobile": {"refuse"}}}
	})
	add(func() pressed {
		rules := w.newAccount("") + "/account/rules" // of its own: they bind every key that is made
		return pressed{"owner", rules, rules, url.Values{"frontend_restricted": {"on"}, "max_lifetime_days": {"90"}}}
	})
	account("resume", nil, `POST /suspend {"reason":"Twice"}`)
	account("close", url.Values{"confirm": {"Operated"}})
	reason := url.Values{"reason": {"Twice"}}
	add(func() pressed { k := of(w.key("")); return pressed{"operator", k, k + "/block", reason} })
	add(func() pressed {
		k := of(w.key(""))
		w.do("operator", "POST", k+"/block", `{"reason":"Once"}`)
		return pressed{"operator", k, k + "/unblock", nil}
	})
	add(func() pressed {
		k := of(w.key(""))
		return pressed{"operator", k, k + "/revoke", url.Values{"reason": reason["reason"], "confirm": {w.name()}}}
	})
	add(func() pressed {
		k := w.key("")
		return pressed{"operator", of(k), at(k) + "/billing-type", url.Values{"billing_type": {"paying"}}}
	})
	add(func() pressed {
		k := w.key("")
		return pressed{"operator", of(k), at(k) + "/limits/map-display", url.Values{"qps": {"77"}}}
	})
	for _, decision := range []url.Values{{"decision": {"approve"}, "qps": {"800"}}, {"decision": {"reject"}, "comment": {"Not now."}}} {
		add(func() pressed {
			r := w.request()
			part := strings.Split(r, "/")
			r = "/operator/qps-requests/" + part[2] + "/" + part[4]
			return pressed{"operator", r, r, decision}
		})
	}
	who := url.Values{"subject": {"twice-operator"}, "rank": {"support"}}
	add(func() pressed { return pressed{"operator", "/operator/operators", "/operator/operators", who} })
	add(func() pressed {
		return pressed{"operator", "", "/operator/operators/rank", url.Values{"subject": who["subject"], "was": {"support"}, "rank": {"admin"}}}
	})
	add(func() pressed { return pressed{"operator", "", "/operator/operators/remove", who} })
	add(func() pressed {
		return pressed{"operator", "", "/operator/people/erase", url.Values{"subject": who["subject"], "confirm": who["subject"]}}
	})
	add(func() pressed { return pressed{"operator", "", "/operator/people/end-sessions", who} })
	month := time.Now().UTC().AddDate(0, -2, 1-time.Now().UTC().Day()).Format("2006-01")
	add(func() pressed {
		return pressed{"operator", "/operator/statements/close?month=" + month, "/operator/statements/close", url.Values{"month": {month}, "reason": {"Twice"}}}
	})
	return list
}
