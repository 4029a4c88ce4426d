package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/api"
)

// soon has the words of each language for a change that takes effect at once.
var soon = map[string]string{"en": "within 10 seconds", "fr": "sous 10 secondes", "ar": "خلال 10 ثوانٍ"}

// alsoSuspended are the texts that say so in a suspended account too, and why.
var alsoSuspended = map[string]string{
	"exposed.between.none": "it says what was",
	"notice.suspended":     "it is about the suspension itself",
	"notice.resumed":       "the suspension is over",
	"operator.leak.text":   "it is about the keys of any account",
}

// TestEveryTextAboutWhatTakesEffectSoonHasOneForASuspendedAccount, in each language, and pages show it there.
func TestEveryTextAboutWhatTakesEffectSoonHasOneForASuspendedAccount(t *testing.T) {
	w := newWalker(t, "owner")
	for tag, promise := range soon {
		all, err := catalogueOf(tag)
		if err != nil {
			t.Fatal(err)
		}
		lang, n := w.app.langs.Choose(tag, ""), 0
		in := w.app.pages.functions(lang, setID{suspended: true})["t"].(func(string, ...any) string)
		for key := range all {
			if !strings.Contains(strings.ReplaceAll(lang.Text(key), "\u00a0", " "), promise) || alsoSuspended[key] != "" {
				continue
			}
			if n++; strings.Contains(strings.ReplaceAll(in(key), "\u00a0", " "), promise) || in(key) != lang.Text(key+".suspended") {
				t.Errorf("%s: %s: %s", tag, key, in(key))
			}
		}
		if n < 25 {
			t.Errorf("%s: only %d texts", tag, n)
		}
	}
}

// TestNoPagePromisesTooMuchInASuspendedAccount: what it says to take effect within seconds does so when the suspension ends.
func TestNoPagePromisesTooMuchInASuspendedAccount(t *testing.T) {
	w := newWalker(t, "owner")
	excused := w.app.langs.Choose("en", "")
	root := "/v1/accounts/" + account
	own := api.Account{Id: account, Name: "Demo", Type: api.Enterprise, CreatedAt: w.api.key.CreatedAt}
	w.api.on("GET "+root, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(out, 200, own); return true })
	w.api.on("GET /v1/operator/keys/"+keyID, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		w.api.mu.Lock()
		defer w.api.mu.Unlock()
		reply(out, 200, api.OperatorKey{Key: w.api.key.Key, Account: &own})
		return true
	})
	promising := func() (list []string) {
		w.inEachState(func(state string) {
			for _, pattern := range w.routes(http.MethodGet) {
				if (strings.Contains(pattern, "{key}") || state == "active") && !downloads[pattern] {
					page := w.ask(http.MethodGet, w.page(pattern), nil).text
					for key := range alsoSuspended {
						page = strings.ReplaceAll(page, excused.Text(key), "")
					}
					if strings.Contains(page, soon["en"]) && !slices.Contains(list, pattern) {
						list = append(list, pattern)
					}
				}
			}
		})
		return list
	}
	if before := promising(); len(before) < 12 {
		t.Errorf("of an account that isn't, they are only %q", before)
	}
	own.Suspended = &api.Suspension{Reason: "Unpaid"}
	w.state(func(me *api.Me, _ *api.KeyWithSecret) {
		me.Accounts = slices.Clone(me.Accounts)
		me.Accounts[0].Suspended = own.Suspended
	})
	// Who suspends an account tells others of keys that work.
	if after := slices.DeleteFunc(promising(), func(pattern string) bool { return pattern == "/operator/leaks" }); len(after) > 0 {
		t.Errorf("%q", after)
	}
}

// TestNoNoticePromisesTooMuchInASuspendedAccount, to its members or to operators.
func TestNoNoticePromisesTooMuchInASuspendedAccount(t *testing.T) {
	lang := newWalker(t, "owner").app.langs.Choose("en", "")
	all, err := catalogueOf("en")
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{"limit_set": "/operator/keys/" + keyID, "key_blocked": "/operator/keys/" + keyID, "account_limit_set": "/operator/accounts/" + account + "/limits", "account_quota_set": "/operator/accounts/" + account + "/limits"}
	for key := range all {
		notice, isNotice := strings.CutPrefix(key, "notice.")
		if !isNotice || all[key+".suspended"] == nil {
			continue
		}
		for _, suspended := range []bool{true, false} {
			s, a := newStage(t), fullAccount()
			one := shot{name: notice, as: "owner", target: "/accounts/" + account + "/keys", note: &note{Notice: notice}}
			want := lang.Text(key)
			if suspended {
				one.as, want, a.Suspended = "suspended", lang.Text(key+".suspended"), &api.Suspension{Reason: "Unpaid"}
			}
			if at := pages[notice]; at != "" {
				one.as, one.target = "admin", at
			}
			one.set = func(s *stage) {
				s.api.set("GET "+accountAPI, a)
				s.api.set("GET /v1/operator/keys/"+keyID, api.OperatorKey{Key: fullKey(), Account: &a})
			}
			page := text(s.take(one).doc)
			if !strings.Contains(page, want) || suspended && strings.Contains(want, soon["en"]) {
				t.Errorf("%s, suspended: %t: the page lacks %q", notice, suspended, want)
			}
		}
	}
}

// TestNoActPromisesTooMuchInASuspendedAccount, on whichever page it was done.
func TestNoActPromisesTooMuchInASuspendedAccount(t *testing.T) {
	there := keysPath + "/" + idOf(0)
	post := func(path string, form url.Values) func(*many) answered {
		return func(m *many) answered { return m.land(m.ask(http.MethodPost, path, form)) }
	}
	edit := func(domains string) func(*many) answered {
		return func(m *many) answered {
			list := forms(m.ask(http.MethodGet, there+"/edit", nil).doc)
			form := list[slices.IndexFunc(list, func(f formOf) bool { return strings.HasSuffix(f.action, "/edit") })].values()
			form.Set("domains", domains)
			return post(there+"/edit", form)(m)
		}
	}
	left := func(target string, o outcome) func(*many) answered {
		return func(m *many) answered {
			return m.ask(http.MethodGet, target, nil, "Cookie", m.with(m.sealed(note{Keys: &o})))
		}
	}
	const soon, later = " This takes effect within 10 seconds.", " This takes effect when the suspension ends."
	for name, c := range map[string]struct {
		act              func(*many) answered
		says, soon, held string
	}{
		"a domain more":        {edit("demo.example\nnew.example"), "new.example is now allowed for this key.", soon, later},
		"a domain less":        {edit(""), "demo.example is no longer allowed for this key.", soon, later},
		"a repair":             {post(there+"/repair", url.Values{"domain": {"new.example"}}), "new.example is now allowed for this key.", soon, later},
		"a repair, already so": {post(there+"/repair", url.Values{"domain": {"demo.example"}}), "Added.", soon, later},
		"a step":               {post(there+"/disable", nil), "The key is disabled.", " It stops working within 10 seconds.", ""},
		"disable":              {post(keysPath+"/selected/disable", url.Values{"key": {idOf(0)}}), "Disabled 1 key.", soon, later},
		"enable":               {post(keysPath+"/selected/enable", url.Values{"key": {idOf(1)}}), "Enabled 1 key.", soon, later},
		"replace":              {left("/accounts/"+account+"/domains/one?domain=new.example", outcome{Act: replaced, Value: "new.example", N: 500}), "Replaced with new.example in 500 keys.", soon, later},
	} {
		for _, suspended := range []bool{true, false} {
			m := newMany(t, 2)
			m.keys[0].Domains, m.keys[1].Disabled = []string{"demo.example"}, true
			m.state(func(me *api.Me, _ *api.KeyWithSecret) {
				if me.Accounts = slices.Clone(me.Accounts); suspended {
					me.Accounts[0].Suspended = &api.Suspension{Reason: "Unpaid"}
				}
			})
			want := c.says + c.soon
			if suspended {
				want = c.says + c.held
			}
			if whole := text(c.act(m).doc); !strings.Contains(whole, want) || suspended && strings.Contains(whole, "within 10 seconds") {
				t.Errorf("%s, suspended: %t: the page lacks %q: %s", name, suspended, want, whole)
			}
		}
	}
}
