package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/api"
)

// TestNoNoticePromisesTooMuchInASuspendedAccount: what a notice says to take effect within seconds does so when the suspension ends.
func TestNoNoticePromisesTooMuchInASuspendedAccount(t *testing.T) {
	lang := newWalker(t, "owner").app.langs.Choose("en", "")
	for _, notice := range []string{"edited", "repaired", "accept", "cap", "lifted", "extended"} {
		for _, suspended := range []bool{true, false} {
			w := newStage(t)
			one := shot{name: notice, as: "owner", target: "/accounts/" + account + "/keys", note: &note{Notice: notice}}
			if suspended {
				one.as = "suspended"
			}
			page, want := text(w.take(one).doc), lang.Text("notice."+notice)
			if suspended {
				want = lang.Text("notice." + notice + ".suspended")
			}
			if !strings.Contains(page, want) || suspended && strings.Contains(want, "within 10 seconds") {
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
		"a domain more":        {edit("demo.example\nnew.example"), "Added the domain new.example to 1 key.", soon, later},
		"a domain less":        {edit(""), "Removed the domain demo.example from 1 key.", soon, later},
		"a repair":             {post(there+"/repair", url.Values{"domain": {"new.example"}}), "Added the domain new.example to 1 key.", soon, later},
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
