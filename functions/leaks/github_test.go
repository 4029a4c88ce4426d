package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/rotation"
)

const (
	real4 = "true_positive"
	none4 = "false_positive"
)

// TestTheSampleOfGitHubsDocumentIsTaken: its body, its key and its signature, as the page of the partner program has them.
func TestTheSampleOfGitHubsDocumentIsTaken(t *testing.T) {
	r := newHarness(t)
	const id = "bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c"
	r.gitHub.list.Store([]listed{{
		id, "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAd\nAjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==\n-----END PUBLIC KEY-----\n", true,
	}})
	call := apitest.Call{
		Method: "POST", Path: "/v1/leaks/github",
		Body: `[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]`,
		Headers: map[string]string{
			"Github-Public-Key-Identifier": id,
			"Github-Public-Key-Signature":  "MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg==",
		},
	}
	answer := r.Want(t, 200, call)
	want := `[{"label":"false_positive","token_hash":"` + sha("some_token") + `","token_type":"some_type"}]`
	if got := strings.TrimSpace(string(answer.Body)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	call.Body = strings.Replace(call.Body.(string), "some_token", "some_tokens", 1)
	if got := r.Do(t, call); got.Problem() != "403 signature_invalid []" {
		t.Errorf("one letter more: %s", got.Problem())
	}
}

// TestAReportThatGitHubDidntSignChangesNothing: whatever of body, key, signature and headers is another's, and before the body is read.
func TestAReportThatGitHubDidntSignChangesNothing(t *testing.T) {
	r := newHarness(t)
	k, secret := r.key(t)
	body := []byte(`[{"token":"` + secret.Reveal() + `","type":"t","url":"","source":"content"}]`)
	stranger := keytest.SigningKey(t, r.gitHub.key.Curve)
	good := r.gitHub.headers(t, body)
	with := func(name, value string) map[string]string {
		h := maps.Clone(good)
		h[name] = value
		return h
	}
	const id, sig = "Github-Public-Key-Identifier", "Github-Public-Key-Signature"
	flipped, _ := base64.StdEncoding.DecodeString(good[sig])
	flipped[len(flipped)-1] ^= 1
	for name, c := range map[string]struct {
		body    []byte
		headers map[string]string
	}{
		"a byte more":               {append(slices.Clone(body), ' '), good},
		"a byte changed":            {bytes.Replace(body, []byte("content"), []byte("Content"), 1), good},
		"another's key":             {body, with(sig, keytest.SignReport(t, stranger, body))},
		"another's identifier":      {body, with(id, "another")},
		"a bit of the signature":    {body, with(sig, base64.StdEncoding.EncodeToString(flipped))},
		"no Base64":                 {body, with(sig, "MEQ*")},
		"an empty signature":        {body, with(sig, "")},
		"zeros":                     {body, with(sig, base64.StdEncoding.EncodeToString([]byte{0x30, 6, 2, 1, 0, 2, 1, 0}))},
		"a signature of nothing":    {body, with(sig, keytest.SignReport(t, r.gitHub.key, nil))},
		"no headers":                {body, nil},
		"no identifier":             {body, map[string]string{sig: good[sig]}},
		"what is no JSON, unsigned": {[]byte(`{"token":`), with(sig, keytest.SignReport(t, stranger, []byte("x")))},
		"an empty body, unsigned":   {nil, good},
	} {
		before := r.Dump(t)
		got := r.Do(t, apitest.Call{Method: "POST", Path: "/v1/leaks/github", Body: c.body, Headers: c.headers})
		if got.Problem() != "403 signature_invalid []" {
			t.Errorf("%s: %s", name, got.Problem())
		}
		if written := keytest.Written(before, r.Dump(t)); len(written) > 0 {
			t.Errorf("%s: it wrote %v", name, written)
		}
	}
	if got := r.now(t, k); got.Version != k.Version {
		t.Error("the key has changed")
	}
	twice := apitest.Call{Method: "POST", Path: "/v1/leaks/github", Body: body, Headers: good}
	if labels := labelsOf(t, r.Do(t, twice)); labels[sha(secret.Reveal())] != real4 {
		t.Errorf("signed: %v", labels)
	}
}

// TestAReportIsReadOnceItsSignatureIsChecked: what is signed and can't be read is refused as a whole, and changes nothing.
func TestAReportIsReadOnceItsSignatureIsChecked(t *testing.T) {
	r := newHarness(t)
	items := func(n int) []byte {
		return []byte("[" + strings.TrimSuffix(strings.Repeat(`{"token":"x","type":"t","url":"","source":""},`, n), ",") + "]")
	}
	for name, c := range map[string]struct {
		body []byte
		want string
	}{
		"an object":          {[]byte(`{"token":"x"}`), "400 body_not_json []"},
		"null":               {[]byte(`null`), "400 body_not_json []"},
		"nothing":            {nil, "400 body_not_json []"},
		"cut short":          {items(3)[:40], "400 body_not_json []"},
		"two lists":          {append(items(1), items(1)...), "400 body_not_json []"},
		"1,000 items":        {items(maxItems), "200  []"},
		"one more":           {items(maxItems + 1), "413 report_too_large []"},
		"as large as it may": {append([]byte("[]"), bytes.Repeat([]byte(" "), maxReport-2)...), "200  []"},
		"a byte larger":      {append([]byte("[]"), bytes.Repeat([]byte(" "), maxReport-1)...), "413 report_too_large []"},
		"an empty list":      {[]byte(" []\n"), "200  []"},
	} {
		if got := r.sent(t, c.body); got.Problem() != c.want && fmt.Sprint(got.Status, "  []") != c.want {
			t.Errorf("%s: %s, want %s", name, got.Problem(), c.want)
		}
	}
}

// poisons are items that can't be taken. None of them has a verdict, and none harms another.
var poisons = map[string]string{
	"null": `null`, "a number": `7`, "a text": `"x"`, "a list": `[]`, "an empty object": `{}`, "no token": `{"type":"t","url":"u"}`,
	"an empty token": `{"token":"","type":"t"}`, "a token that is a list": `{"token":["x"],"type":"t"}`, "a token that is a number": `{"token":1}`,
	"a type that is an object": `{"token":"x","type":{}}`, "a long token": `{"token":"` + strings.Repeat("x", 201) + `"}`,
	"a long type": `{"token":"x","type":"` + strings.Repeat("x", 201) + `"}`, "a token twice": `{"token":"x","token":"y","type":"t"}`,
	"a token in capitals": `{"Token":"x","type":"t"}`, "half a surrogate": `{"token":"\ud800","type":"t"}`, "a url that is a number": `{"token":"x","url":7}`,
}

// TestOfAHundredItemsABadOneHarmsNone: the others are taken as they would be without it.
func TestOfAHundredItemsABadOneHarmsNone(t *testing.T) {
	for name, poison := range poisons {
		r := newHarness(t)
		var keys []apikey.Key
		var items, hashes []string
		for range 99 {
			k, s := r.key(t)
			keys, hashes = append(keys, k), append(hashes, sha(s.Reveal()))
			items = append(items, `{"token":"`+s.Reveal()+`","type":"t","url":"https://github.com/a","source":"content","later":{"members":1}}`)
		}
		bystander, _ := r.key(t)
		at := len(items) / 2
		body := "[" + strings.Join(slices.Insert(items, at, poison), ",") + "]"
		labels := labelsOf(t, r.sent(t, []byte(body)))
		for i, k := range keys {
			if labels[hashes[i]] != real4 || !r.now(t, k).Current.Exposed.Refused() {
				t.Fatalf("%s: key %d is %s, %+v", name, i, labels[hashes[i]], r.now(t, k).Current.Exposed)
			}
		}
		if len(labels) != len(keys) {
			t.Errorf("%s: %d verdicts for %d tokens", name, len(labels), len(keys))
		}
		if got := r.now(t, bystander); got.Version != bystander.Version {
			t.Errorf("%s: another key has changed", name)
		}
	}
}

// TestAnUnreadableKeyIsTheOnlyOneThatIsLeftOut: it is counted for the alarm, and its item has no verdict.
func TestAnUnreadableKeyIsTheOnlyOneThatIsLeftOut(t *testing.T) {
	r := newHarness(t)
	bad, badSecret := r.key(t)
	good, goodSecret := r.key(t)
	for _, item := range r.Items(t, r.Tables.Control) {
		if id, _ := dynamo.GetS(item, "id"); id == string(bad.ID) {
			item["created_at"] = dynamo.S("then")
			r.Put(t, r.Tables.Control, item)
		}
	}
	labels := r.alerts(t, badSecret.Reveal(), goodSecret.Reveal())
	stored, err := r.Control.Key(t.Context(), good.Account, good.ID)
	if err != nil || len(labels) != 1 || labels[sha(goodSecret.Reveal())] != real4 || !stored.Current.Exposed.Refused() {
		t.Errorf("%v, %+v, %v", labels, stored.Current.Exposed, err)
	}
	if !strings.Contains(r.out.String(), "LeaksFailed") {
		t.Error("no metric tells of the one that failed")
	}
}

// TestAnItemThatPanicsIsTheOnlyOneThatIsLeftOut, and is counted.
func TestAnItemThatPanicsIsTheOnlyOneThatIsLeftOut(t *testing.T) {
	r := newHarness(t)
	bad, badSecret := r.key(t)
	_, goodSecret := r.key(t)
	r.handler.commit = func(ctx context.Context, c control.Change) (apikey.Key, error) {
		if c.After.ID == bad.ID {
			panic("a bug")
		}
		return r.Control.Commit(ctx, c)
	}
	if labels := r.alerts(t, badSecret.Reveal(), goodSecret.Reveal()); len(labels) != 1 || labels[sha(goodSecret.Reveal())] != real4 {
		t.Errorf("%v", labels)
	}
	if !strings.Contains(r.out.String(), "LeaksFailed") {
		t.Error("no metric tells of the one that failed")
	}
}

// TestAReportOfWhichNothingCouldBeRecordedIsSentAgain: GitHub repeats what isn't answered with success. It changes the keys then.
func TestAReportOfWhichNothingCouldBeRecordedIsSentAgain(t *testing.T) {
	for _, call := range []string{"GetItem", "TransactWriteItems", ""} {
		r := newHarness(t)
		var items []any
		var keys []apikey.Key
		for range 3 {
			k, secret := r.key(t)
			keys, items = append(keys, k), append(items, object{"token": secret.Reveal(), "type": "t", "url": "https://github.com/a", "source": "content"})
		}
		body, err := json.Marshal(items)
		if err != nil {
			t.Fatal(err)
		}
		r.Faults.Choose(func(name string, _ int) keytest.Fault {
			if call == "" || name == call {
				return keytest.Before
			}
			return keytest.NoFault
		})
		if got := r.sent(t, body); got.Status < http.StatusInternalServerError {
			t.Errorf("while %q fails: %d %s", call, got.Status, got.Body)
		}
		r.Faults.Choose(func(string, int) keytest.Fault { return keytest.NoFault })
		if labels := labelsOf(t, r.sent(t, body)); len(labels) != len(keys) {
			t.Errorf("sent again after %q has failed: %v", call, labels)
		}
		for _, k := range keys {
			if !r.now(t, k).Current.Exposed.Refused() {
				t.Errorf("after %q has failed a secret works on", call)
			}
		}
	}
}

// TestASecretThatIsReportedTwiceChangesItsKeyOnce, in one report or in two, and each item has its verdict.
func TestASecretThatIsReportedTwiceChangesItsKeyOnce(t *testing.T) {
	r := newHarness(t)
	k, secret := r.key(t)
	var items []any
	for range 50 {
		items = append(items, object{"token": secret.Reveal(), "type": "t", "url": "https://github.com/a", "source": "content"})
	}
	body, _ := json.Marshal(items)
	for range 3 {
		answer := r.sent(t, body)
		if n := strings.Count(string(answer.Body), real4); n != 50 {
			t.Errorf("%d verdicts", n)
		}
	}
	if got := r.now(t, k); got.Version != k.Version+1 {
		t.Errorf("version %d after version %d", got.Version, k.Version)
	}
	rows := 0
	for _, row := range r.AllAudit(t, r.account.ID) {
		if row.Action == exposed {
			rows++
		}
	}
	if rows != 1 {
		t.Errorf("%d audit rows", rows)
	}
}

// TestAReportThatIsRepeatedAfterARotationChangesNothing: the secret has ended, and the new one isn't exposed.
func TestAReportThatIsRepeatedAfterARotationChangesNothing(t *testing.T) {
	for name, grace := range map[string]int64{"at once": 0, "when its grace is over": 60} {
		r := newHarness(t)
		k, secret := r.key(t)
		r.alerts(t, secret.Reveal())
		fresh := r.secret(t)
		stored := r.now(t, k)
		parsed, err := rotation.ParseGrace(&grace, rotation.Leaked)
		if err != nil {
			t.Fatal(err)
		}
		rotated, err := r.Edit(t.Context(), stored, "key.rotate", func(k *apikey.Key) {
			*k, err = rotation.Rotate(*k, apikey.StoredSecret{Hash: fresh.Hash(), Preview: fresh.Preview()}, parsed, rotation.Leaked, r.Clock.Now())
		})
		if err != nil {
			t.Fatal(err)
		}
		r.Clock.Advance(time.Minute)
		before := r.Dump(t)
		if labels := r.alerts(t, secret.Reveal()); labels[sha(secret.Reveal())] != real4 {
			t.Errorf("%s: %v", name, labels)
		}
		if written := keytest.Written(before, r.Dump(t)); len(written) > 0 {
			t.Errorf("%s: it wrote %v", name, written)
		}
		if got := r.now(t, rotated); got.Current.Exposed != (apikey.Exposure{}) || got.Current.Hash != fresh.Hash() {
			t.Errorf("%s: %+v", name, got.Current.Exposed)
		}
	}
}

// TestRandomTextsTouchNoKey: 100,000 of them, of every near shape, in reports of GitHub's.
func TestRandomTextsTouchNoKey(t *testing.T) {
	keytest.OneAtATime(t)
	r := newHarness(t)
	for range 20 {
		r.key(t)
	}
	_, known := r.key(t)
	before := r.Dump(t)
	random := keytest.Random(7)
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	text := func(i int) string {
		raw := make([]byte, 36)
		_, _ = random.Read(raw)
		for j := range raw {
			raw[j] = alphabet[int(raw[j])%len(alphabet)]
		}
		switch i % 5 {
		case 0: // of the right shape, with a checksum by chance
			return "ak_" + string(raw[:33])
		case 1: // a secret that no key has
			s, err := apikey.DefaultPrefix.Generate(random)
			if err != nil {
				t.Fatal(err)
			}
			return s.Reveal()
		case 2: // one letter of a key's secret is another
			s := []byte(known.Reveal())
			at := 3 + int(raw[0])%33
			s[at] = alphabet[(strings.IndexByte(alphabet, s[at])+1+int(raw[1])%61)%62]
			return string(s)
		case 3: // cut, or longer
			return known.Reveal()[:len(known.Reveal())-1-int(raw[0])%8] + string(raw[:int(raw[1])%6])
		default:
			return string(raw[:1+int(raw[0])%35])
		}
	}
	took := 0
	for batch := range 100 {
		items := make([]any, maxItems)
		for i := range items {
			one := text(i)
			if one == known.Reveal() {
				one = "x"
			}
			items[i] = object{"token": one, "type": "t", "url": "https://github.com/" + one}
		}
		body, _ := json.Marshal(items)
		answer := r.sent(t, body)
		if answer.Status != http.StatusOK || strings.Contains(string(answer.Body), real4) {
			t.Fatalf("batch %d: %d %.200s", batch, answer.Status, answer.Body)
		}
		took += len(items)
	}
	if written := keytest.Written(before, r.Dump(t)); len(written) > 0 || took != 100_000 {
		t.Errorf("after %d: it wrote %v", took, written)
	}
}

// TestTheAnswerNeverHasTheToken, nor has a log line.
func TestTheAnswerNeverHasTheToken(t *testing.T) {
	r := newHarness(t)
	_, secret := r.key(t)
	text := secret.Reveal()
	body, _ := json.Marshal([]any{object{"token": text, "type": "type of " + text, "url": "https://github.com/?key=" + text, "source": text}})
	for range 2 {
		r.sent(t, body)
	}
	r.Do(t, apitest.Call{Method: "POST", Path: "/v1/leaks", Body: object{"secret": text, "url": text}})
	r.Do(t, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/leaks", Body: object{"secret": text, "url": text}})
	for where, all := range map[string]string{"an answer": r.All.String(), "the log": r.Logs.String(), "a metric": r.out.String()} {
		if strings.Contains(all, text) || strings.Contains(all, text[4:24]) {
			t.Errorf("%s has the secret", where)
		}
	}
	r.EachText(t, func(s string) {
		if strings.Contains(s, text[4:24]) {
			t.Errorf("stored: %s", s)
		}
	})
}

// TestAReportGoesByThePolicyOfItsAccount, by the usage of each key.
func TestAReportGoesByThePolicyOfItsAccount(t *testing.T) {
	for reaction, want := range map[account.LeakReaction][2]bool{account.LeakNotify: {false, false}, account.LeakRefuse: {true, false}, account.LeakRotate: {true, true}} {
		r := newHarness(t)
		r.policy(t, reaction)
		for _, kind := range []apikey.ClientKind{apikey.Frontend, apikey.Backend, apikey.Mobile} {
			k, secret := r.key(t, func(k *apikey.Key) {
				k.Usage, k.MissingOrigin = kind, kind.DefaultMissingOrigin()
				k.Rotation = &apikey.RotationPolicy{EveryDays: 30, Principal: "arn:aws:iam::111122223333:role/r"}
			})
			r.alerts(t, secret.Reveal())
			if e := r.now(t, k).Current.Exposed; e.At.IsZero() || e.Refused() != want[0] || e.Replace != want[1] {
				t.Errorf("%s, %s: %+v", reaction, kind, e)
			}
		}
	}
	r := newHarness(t)
	for kind, refused := range map[apikey.ClientKind]bool{apikey.Frontend: false, apikey.Backend: true, apikey.Mobile: false} {
		k, secret := r.key(t, func(k *apikey.Key) { k.Usage = kind })
		r.alerts(t, secret.Reveal())
		if e := r.now(t, k).Current.Exposed; e.Refused() != refused {
			t.Errorf("nothing is set, %s: %+v", kind, e)
		}
	}
}
