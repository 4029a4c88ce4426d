package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
)

func (r *harness) anybody(t testing.TB, secret, url string) apitest.Answer {
	t.Helper()
	return r.Want(t, 202, apitest.Call{Method: "POST", Path: "/v1/leaks", Body: object{"secret": secret, "url": url}})
}

func (r *harness) operator(t testing.TB, secret, url string) object {
	t.Helper()
	return r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/leaks", Body: object{"secret": secret, "url": url}}).JSON(t)
}

// TestAnybodysReportOnlyNotes, and a trusted one that comes behind it decides; the first time stays, and the place is the trusted one's.
func TestAnybodysReportOnlyNotes(t *testing.T) {
	for name, trusted := range map[apikey.Reporter]func(*harness, string){
		apikey.ReportedByGitHub:   func(r *harness, s string) { r.alerts(t, s) },
		apikey.ReportedByOperator: func(r *harness, s string) { r.operator(t, s, "https://elsewhere.example") },
	} {
		r := newHarness(t)
		k, secret := r.key(t)
		r.anybody(t, secret.Reveal(), "https://forum.example")
		first := r.now(t, k).Current.Exposed
		if want := (apikey.Exposure{At: keytest.Now, By: apikey.ReportedByAnybody, Place: "https://forum.example"}); first != want {
			t.Errorf("%s: %+v", name, first)
		}
		r.Clock.Advance(time.Minute)
		r.anybody(t, secret.Reveal(), "https://another.example")
		if got := r.now(t, k).Current.Exposed; got != first {
			t.Errorf("%s: the second word of anybody changed it to %+v", name, got)
		}
		trusted(r, secret.Reveal())
		second := r.now(t, k).Current.Exposed
		if second.By != name || !second.At.Equal(first.At) || !second.RefusedAt.Equal(keytest.Now.Add(time.Minute)) || second.Place == first.Place {
			t.Errorf("%s: %+v", name, second)
		}
		r.anybody(t, secret.Reveal(), "")
		r.alerts(t, secret.Reveal())
		if doc := r.operator(t, secret.Reveal(), ""); doc["changed"] != false || doc["matched"] != "current" {
			t.Errorf("%s: %v", name, doc)
		}
		if got := r.now(t, k).Current.Exposed; got != second {
			t.Errorf("%s: reports behind it changed it to %+v", name, got)
		}
	}
}

// TestAnybodysAnswerTellsNothing: it is the same for a key's secret, for one that was a key's, for a well-formed one and for any text.
func TestAnybodysAnswerTellsNothing(t *testing.T) {
	r := newHarness(t)
	_, live := r.key(t)
	_, revoked := r.key(t, func(k *apikey.Key) { k.RevokedAt = keytest.Now })
	answers := map[string]string{}
	for name, secret := range map[string]string{
		"live": live.Reveal(), "revoked": revoked.Reveal(), "nobody's": r.secret(t).Reveal(), "any text": "hello", "pasted": " \"" + live.Reveal() + "\"\n",
		"the prefix": "ak_", "a part": live.Reveal()[:20],
	} {
		answer := r.anybody(t, secret, "")
		header := answer.Header.Clone()
		header.Del("X-Request-Id")
		var all strings.Builder
		_ = header.Write(&all)
		answers[name] = all.String() + string(answer.Body)
	}
	for name, answer := range answers {
		if answer != answers["any text"] {
			t.Errorf("%s:\n%s\nany text:\n%s", name, answer, answers["any text"])
		}
	}
}

// TestAnOperatorIsToldWhoseSecretItIs, by the secret or its hash, and nothing of one that is nobody's.
func TestAnOperatorIsToldWhoseSecretItIs(t *testing.T) {
	r := newHarness(t)
	old, fresh := r.secret(t), r.secret(t)
	k, secret := r.key(t, func(k *apikey.Key) {
		k.Outgoing = &apikey.Outgoing{StoredSecret: apikey.StoredSecret{Hash: old.Hash(), Preview: old.Preview()}, EndsAt: keytest.Now.AddDate(0, 0, 1)}
		k.Retired = []apikey.Retired{{Hash: fresh.Hash(), EndedAt: keytest.Now}}
	})
	for role, s := range map[string]apikey.Secret{"outgoing": old, "retired": fresh} {
		doc := r.operator(t, s.Reveal(), "")
		if doc["matched"] != role || doc["changed"] != (role == "outgoing") || doc["key_id"] != string(k.ID) || doc["account_id"] != string(r.account.ID) {
			t.Errorf("%s: %v", role, doc)
		}
	}
	if got := r.now(t, k); !got.Outgoing.Exposed.Refused() || got.Current.Exposed != (apikey.Exposure{}) {
		t.Errorf("%+v", got)
	}
	doc := r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/leaks", Body: object{"secret_sha256": strings.ToUpper(sha(secret.Reveal()))}}).JSON(t)
	if doc["matched"] != "current" || doc["changed"] != true {
		t.Errorf("by the hash: %v", doc)
	}
	nobody := r.operator(t, r.secret(t).Reveal(), "")
	if nobody["matched"] != nil || nobody["changed"] != false || nobody["key_id"] != nil || nobody["account_id"] != nil {
		t.Errorf("nobody's: %v", nobody)
	}
	looks := 0
	for _, row := range r.AllAudit(t, r.account.ID) {
		switch row.Action {
		case "operator.look":
			looks++
		case exposed:
			if row.Actor.Role != account.RoleOperator || row.KeyID != string(k.ID) {
				t.Errorf("%+v", row)
			}
		}
	}
	if looks != 1 {
		t.Errorf("%d rows of looks", looks)
	}
	for what, body := range map[string]object{"nothing": {}, "both": {"secret": "x", "secret_sha256": sha("x")}, "a url alone": {"url": "x"}} {
		if got := r.Do(t, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/leaks", Body: body}); got.Problem() != "422 invalid [/secret /secret_sha256]" {
			t.Errorf("%s: %s", what, got.Problem())
		}
	}
}

// TestAPlaceIsKeptWithoutASecret: as it was typed, encoded, in another case, of a former prefix; and no part of one by cutting.
func TestAPlaceIsKeptWithoutASecret(t *testing.T) {
	s, err := apikey.DefaultPrefix.Generate(keytest.Random(3))
	if err != nil {
		t.Fatal(err)
	}
	former, err := apikey.Prefix("old").Generate(keytest.Random(4))
	if err != nil {
		t.Fatal(err)
	}
	text := s.Reveal()
	for found, want := range map[string]string{
		"https://github.com/a/b":     "https://github.com/a/b",
		"":                           "",
		" two\r\n lines\tand a tab ": "two lines and a tab",
		"https://x.example/?key=" + text + "&y=1":           "https://x.example/?key=[secret]&y=1",
		"https://x.example/" + former.Reveal():              "https://x.example/[secret]",
		"https://x.example/?key=ak%5F" + text[3:]:           "[secret]",
		"https://" + strings.ToLower(text) + ".example":     "[secret]",
		"https://x.example/" + text[:20] + "\n" + text[20:]: "[secret]",
		"control \x00 and \u202e marks":                     "control \ufffd and \ufffd marks",
		"not \xff UTF-8":                                    "not \ufffd UTF-8",
		strings.Repeat("é", 600):                            strings.Repeat("é", 500),
		strings.Repeat("x", maxPlace+1):                     "",
	} {
		if got := place(apitest.Texts, found); got != want {
			t.Errorf("%.60q: %.80q, want %.80q", found, got, want)
		}
	}
	for n := 440; n < 520; n++ {
		got := place(apitest.Texts, strings.Repeat("x", n)+"/"+text+"/"+text)
		if strings.Contains(got, text[4:12]) || utf8.RuneCountInString(got) > apikey.MaxPlace {
			t.Errorf("cut at %d: %q", n, got)
		}
	}
}

// TestALostRaceIsDecidedAgain: the key changes between reading and writing, and both changes hold.
func TestALostRaceIsDecidedAgain(t *testing.T) {
	for name, change := range map[string]func(*apikey.Key){
		"renamed":  func(k *apikey.Key) { k.Name = "Other" },
		"disabled": func(k *apikey.Key) { k.Disabled = true },
		"revoked":  func(k *apikey.Key) { k.RevokedAt = keytest.Now },
	} {
		r := newHarness(t)
		k, secret := r.key(t)
		r.Interrupt.Arm(func() {
			if _, err := r.Edit(t.Context(), k, "key.edit", change); err != nil {
				t.Error(err)
			}
		})
		if labels := r.alerts(t, secret.Reveal()); labels[sha(secret.Reveal())] != real4 {
			t.Errorf("%s: %v", name, labels)
		}
		got := r.now(t, k)
		if got.Current.Exposed.Refused() == !got.RevokedAt.IsZero() || name == "renamed" && got.Name != "Other" || name == "disabled" && !got.Disabled {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestAnUnreadableAccountKeepsNoLeakOpen: what holds where nobody has set anything decides.
func TestAnUnreadableAccountKeepsNoLeakOpen(t *testing.T) {
	r := newHarness(t)
	k, secret := r.key(t)
	for _, item := range r.Items(t, r.Tables.Control) {
		if kind, _ := dynamo.GetS(item, "kind"); kind == "account" {
			item["created_at"] = dynamo.S("then")
			r.Put(t, r.Tables.Control, item)
		}
	}
	r.alerts(t, secret.Reveal())
	if !r.now(t, k).Current.Exposed.Refused() {
		t.Error("the secret works on")
	}
}

// TestGitHubsKeysAreAskedForSeldom: once for an unknown identifier in a minute, once in an hour for a known one, and kept while
// they can't be had.
func TestGitHubsKeysAreAskedForSeldom(t *testing.T) {
	r := newHarness(t)
	ask := func(id string, want int, asks int64) {
		t.Helper()
		body := []byte("[]")
		h := r.gitHub.headers(t, body)
		h["Github-Public-Key-Identifier"] = id
		got := r.Do(t, apitest.Call{Method: "POST", Path: "/v1/leaks/github", Body: body, Headers: h})
		if got.Status != want || r.gitHub.asks.Load() != asks {
			t.Errorf("%s: %d after %d questions, want %d after %d", id, got.Status, r.gitHub.asks.Load(), want, asks)
		}
	}
	ask("invented", 403, 1)
	for range 20 {
		ask("invented", 403, 1)
		ask("invented too", 403, 1)
		ask("current", 200, 1)
	}
	r.Clock.Advance(askAgain - time.Second)
	ask("invented", 403, 1)
	r.Clock.Advance(time.Second)
	ask("invented", 403, 2)
	r.gitHub.list.Store([]listed{{"next", keytest.PEM(t, &r.gitHub.key.PublicKey), true}})
	ask("next", 403, 2) // within the minute
	r.Clock.Advance(askAgain)
	ask("next", 200, 3)
	ask("current", 403, 3) // withdrawn
	r.gitHub.fail.Store(true)
	r.Clock.Advance(maxAge + time.Second)
	ask("next", 200, 4)
	ask("invented", 403, 4)
}

// TestWhileGitHubsKeysCantBeHadNothingIsTaken, and nothing is called forged.
func TestWhileGitHubsKeysCantBeHadNothingIsTaken(t *testing.T) {
	r := newHarness(t)
	r.gitHub.fail.Store(true)
	if got := r.sent(t, []byte("[]")); got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	r.gitHub.fail.Store(false)
	if got := r.sent(t, []byte("[]")); got.Status != http.StatusServiceUnavailable || r.gitHub.asks.Load() != 1 {
		t.Errorf("within the minute: %d after %d questions", got.Status, r.gitHub.asks.Load())
	}
	r.Clock.Advance(askAgain)
	if got := r.sent(t, []byte("[]")); got.Status != http.StatusOK {
		t.Errorf("a minute later: %d", got.Status)
	}
	r.handler.signers = nil
	if got := r.sent(t, []byte("[]")); got.Problem() != "404 not_found []" {
		t.Errorf("without an address: %s", got.Problem())
	}
}

func TestAKeyOfAnotherKindSignsNothing(t *testing.T) {
	good := keytest.PEM(t, &keytest.SigningKey(t, elliptic256).PublicKey)
	for name, c := range map[string]struct {
		list string
		want int // keys; -1 for an error
	}{
		"one":            {`{"public_keys":[{"key_identifier":"a","key":` + quoted(good) + `,"is_current":true}]}`, 1},
		"P-384":          {`{"public_keys":[{"key_identifier":"a","key":` + quoted(keytest.PEM(t, &keytest.SigningKey(t, elliptic384).PublicKey)) + `}]}`, -1},
		"no name":        {`{"public_keys":[{"key_identifier":"","key":` + quoted(good) + `}]}`, -1},
		"no PEM":         {`{"public_keys":[{"key_identifier":"a","key":"x"}]}`, -1},
		"none":           {`{"public_keys":[]}`, -1},
		"twice":          {`{"public_keys":[],"public_keys":[]}`, -1},
		"another's name": {`{"Public_Keys":[]}`, -1},
		"no JSON":        {`<html>`, -1},
		"good and bad":   {`{"public_keys":[{"key_identifier":"b","key":"x"},{"key_identifier":"a","key":` + quoted(good) + `}]}`, 1},
	} {
		keys, err := parseSigners([]byte(c.list))
		if got := len(keys); (err != nil) != (c.want < 0) || err == nil && got != c.want {
			t.Errorf("%s: %d keys, %v", name, got, err)
		}
	}
	for _, address := range []string{"http://keys.example", "keys.example", "https://", "https://u@keys.example", "ftp://keys.example"} {
		if _, err := newSigners(address, time.Now); err == nil {
			t.Errorf("%s is taken", address)
		}
	}
}

// The alarm is evaluated in infra/contract, on what is kept here.
func TestTheFunctionMeasuresTheTroubleThatItsAlarmIsFor(t *testing.T) {
	r := newHarness(t)
	_, secret := r.key(t)
	r.alerts(t, secret.Reveal())
	r.anybody(t, "hello", "")
	keytest.KeepMetrics(t, "healthy", r.out.String())
	r.handler.signers = mustSigners(t, r.gitHub.URL, r.Clock.Now)
	r.gitHub.fail.Store(true)
	r.sent(t, []byte("[]"))
	keytest.KeepMetrics(t, "LeaksFailing", r.out.String())
}
