package main

import (
	"strings"
	"testing"
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
