package main

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// TestAKnownReasonIsReadInTheReadersLanguage, whatever language the operator chose it in; details and other reasons are as they were written.
func TestAKnownReasonIsReadInTheReadersLanguage(t *testing.T) {
	w := newWalker(t, "owner")
	english, arabic := w.app.langs.Choose("en", ""), w.app.langs.Choose("ar", "")
	for _, one := range blockReasons {
		key := "block.reason." + one
		w.state(func(_ *api.Me, k *api.KeyWithSecret) {
			k.Status, k.Blocked = api.Blocked, &api.Block{Reason: english.Text(key) + "\nCase 17 <b>", At: moment.Of(then)}
		})
		w.cookies = append(w.cookies, &http.Cookie{Name: languageCookie, Value: "ar"})
		page := text(w.ask(http.MethodGet, keyPath, nil).doc)
		if !strings.Contains(page, arabic.Text(key)+"\nCase 17 <b>") || strings.Contains(page, english.Text(key)) {
			t.Errorf("%s isn't said in Arabic", one)
		}
		if got := reasonIn(english, arabic.Text(key)); got != english.Text(key) {
			t.Errorf("%s, chosen in Arabic: %q in English", one, got)
		}
	}
	for _, own := range []string{"", "Spam.", "Spam.\n" + english.Text("block.reason.traffic"), english.Text("block.reason.traffic") + " Often."} {
		if got := reasonIn(arabic, own); got != own {
			t.Errorf("%q became %q", own, got)
		}
	}
}

// aWrittenTime matches a fact of the audit trail that is written as a time.
var aWrittenTime = regexp.MustCompile(`"(\w+)"(?:\] =|:|,|, nil,) (?:at|moment\.Of)\(`)

// TestEachTimeOfTheAuditTrailIsShownAsOne: of every fact that is a time, found where it is written; what looks like one in people's own words stays.
func TestEachTimeOfTheAuditTrailIsShownAsOne(t *testing.T) {
	w := newWalker(t, "owner")
	v := &visit{app: w.app, lang: w.app.langs.Choose("en", "")}
	said := facts{v: v}
	found := map[string]bool{}
	for _, file := range []string{"../../shared/audit/diff.go", "../rotator/work.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range aWrittenTime.FindAllStringSubmatch(string(source), -1) {
			found[m[1]] = true
		}
	}
	for _, field := range []string{"until", "rotation_due", "expires_at", "at"} {
		if !found[field] {
			t.Errorf("%s isn't found among %v", field, found)
		}
	}
	at := time.Date(2026, 12, 5, 0, 0, 0, 0, time.UTC)
	for field := range found {
		if got := said.text(field, "2026-12-05T00:00:00.000Z"); got != v.lang.Moment(at) {
			t.Errorf("%s is shown as %q", field, got)
		}
	}
	for _, field := range inOwnWords {
		if got := said.text(field, "2026-12-05T00:00:00.000Z"); got != "2026-12-05T00:00:00.000Z" {
			t.Errorf("%s, typed, is shown as %q", field, got)
		}
	}
}
