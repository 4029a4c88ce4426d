package gateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"latchkey/shared/api"
)

// TestIfMatchIsReadAsItsGrammarSays: strong tags alone match, by the version in them; what is no list of tags is refused.
func TestIfMatchIsReadAsItsGrammarSays(t *testing.T) {
	const malformed, stale = 400, 412
	for _, c := range []struct {
		header  string
		version int64
		status  int
	}{
		{`"3"`, 3, 200},
		{`"3-0123456789ab"`, 3, 200}, // of an answer to GET
		{`"2", "3"`, 3, 200},
		{`"2" ,	"3"`, 3, 200},
		{`,, "3",`, 3, 200}, // empty elements count for nothing
		{`"a,b", "3"`, 3, 200},
		{` * `, 3, 200},
		{`W/"2", "3"`, 3, 200},
		{`"2"`, 3, stale},
		{`W/"3"`, 3, stale},
		{`"33"`, 3, stale},
		{`""`, 0, stale},
		{`"-3"`, 3, stale},
		{`"3,"`, 3, stale},
		{`"é"`, 3, stale}, // obs-text may stand in a tag
		{`3`, 3, malformed},
		{`"3`, 3, malformed},
		{`3"`, 3, malformed},
		{`'3'`, 3, malformed},
		{`w/"3"`, 3, malformed},
		{`W/ "3"`, 3, malformed},
		{`"3" "2"`, 3, malformed},
		{`"3";q=1`, 3, malformed},
		{`"a b"`, 3, malformed},
		{`*, "3"`, 3, malformed},
		{`"3", *`, 3, malformed},
		{`**`, 3, malformed},
		{``, 3, malformed},
		{`,`, 3, malformed},
	} {
		r := httptest.NewRequest(http.MethodPatch, "/", nil)
		r.Header.Set("If-Match", c.header)
		_, required := IfMatch(r)
		optional := OptionalIfMatch(r).Check(c.version)
		var p *Problem
		switch c.status {
		case 200:
			if required != nil || optional != nil {
				t.Errorf("%q: %v, %v", c.header, required, optional)
			}
		case stale:
			if required != nil || !errors.Is(optional, ErrStale) {
				t.Errorf("%q: %v, %v", c.header, required, optional)
			}
		case malformed:
			if required == nil || !errors.As(optional, &p) || p.Status != 400 || p.Code != "parameter_invalid" {
				t.Errorf("%q: %v, %v", c.header, required, optional)
			}
		}
	}
	if _, err := IfMatch(httptest.NewRequest(http.MethodPatch, "/", nil)); err == nil {
		t.Error("a missing If-Match was taken")
	}
}

// TestEntityTagsAreReadBack: whatever tags a list is made of, they are read as they were.
func TestEntityTagsAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []entityTag
		header := ""
		for _, opaque := range rapid.SliceOfN(rapid.StringMatching(`[!#-~]{0,5}`), 1, 5).Draw(t, "tags") {
			tag := entityTag{weak: rapid.Bool().Draw(t, "weak"), opaque: opaque}
			want = append(want, tag)
			header += map[bool]string{true: "W/"}[tag.weak] + `"` + opaque + `"` + rapid.SampledFrom([]string{",", " ,", ", ", ",,", "\t,\t"}).Draw(t, "comma")
		}
		got, all, ok := entityTags(header)
		if !ok || all || len(got) != len(want) {
			t.Fatalf("%q: %v, %v", header, got, ok)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%q: %v", header, got)
			}
		}
	})
}

// TestNothingIsSentTwiceToWhoHasIt: 304 for what the client has, of answers that have a tag; and no 304 for another body, though
// the version is the same.
func TestNothingIsSentTwiceToWhoHasIt(t *testing.T) {
	doc := map[string]any{"status": "active", "last_used_age_seconds": 1}
	stored := true
	m := newMux(t.Output())
	m.Public("GET /v1/doc", func(w http.ResponseWriter, _ *http.Request, _ Principal) error {
		SetETag(w, 7)
		if !stored {
			NoStore(w)
		}
		return JSON(w, http.StatusOK, doc)
	})
	m.Public("POST /v1/doc", func(w http.ResponseWriter, _ *http.Request, _ Principal) error {
		SetETag(w, 7)
		return JSON(w, http.StatusOK, doc)
	})
	ask := func(method, header string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/v1/doc", nil)
		if header != "" {
			r.Header.Set("If-None-Match", header)
		}
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r)
		return w
	}
	tag := ask("GET", "").Header().Get("ETag")
	if !strings.HasPrefix(tag, `"7-`) {
		t.Fatalf("the tag is %s", tag)
	}
	for _, header := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		w := ask("GET", header)
		if w.Code != 304 || w.Body.Len() > 0 || w.Header().Get("ETag") != tag || w.Header().Get("Cache-Control") == "" || w.Header().Get("Content-Type") != "" {
			t.Errorf("%s: %d %v %s", header, w.Code, w.Header(), w.Body)
		}
	}
	for _, header := range []string{`"7"`, `"8"`, strings.Trim(tag, `"`), `"`} {
		if w := ask("GET", header); w.Code != 200 || w.Body.Len() == 0 {
			t.Errorf("%s: %d", header, w.Code)
		}
	}
	if w := ask("POST", tag); w.Code != 200 || w.Header().Get("ETag") != `"7"` {
		t.Errorf("POST: %d %s", w.Code, w.Header().Get("ETag"))
	}
	doc["last_used_age_seconds"] = 2 // the clock alone
	if w := ask("GET", tag); w.Code != 304 {
		t.Errorf("older by a second: %d", w.Code)
	}
	doc["status"] = "expired"
	if w := ask("GET", tag); w.Code != 200 || !strings.Contains(w.Body.String(), "expired") {
		t.Errorf("another status, without a new version: %d", w.Code)
	}
	stored = false
	if w := ask("GET", "*"); w.Code != 200 || w.Header().Get("ETag") != `"7"` {
		t.Errorf("what may not be stored: %d %s", w.Code, w.Header().Get("ETag"))
	}
}

func TestTheFormIsNegotiatedByWeight(t *testing.T) {
	for header, want := range map[string]string{
		"": "a/json", "a/json": "a/json", "t/csv": "t/csv", "a/json;q=0.1, t/csv": "t/csv", "t/csv;q=0.1, a/json": "a/json",
		"t/csv, a/json": "t/csv", "a/json, t/csv": "a/json", "*/*": "a/json", "t/*": "t/csv", "*/*;q=0.1, t/*;q=0.2": "t/csv",
		"T/CSV": "t/csv", "a/json;q=0, */*": "t/csv", "t/csv;q=0": "a/json", "i/png": "a/json", "t/csv;q=2": "a/json", "t/csv;q=+1, a/json;q=0.9": "a/json", "a/json;q=0, t/csv;q=1e-9": "a/json", "t/csv;q=nan, a/json;q=0.1": "a/json", "t/csv;q=1.000": "t/csv", ";;": "a/json",
		"i/png, t/csv;q=0.001": "t/csv", "t/csv; charset=utf-8": "t/csv", `a/json;q=0.1,t/csv;charset="utf-8"`: "t/csv",
		",t/csv": "t/csv", "t/csv,,,": "t/csv", "t/csv;": "t/csv", "t/csv;q=0.5;": "t/csv", `i/png;x="a,b", t/csv`: "t/csv", `i/png;x="\",t/csv`: "a/json",
		"t/csv;q=0.5, a/json;q=0.5": "t/csv", "*/*, t/csv;q=0": "a/json", "nonsense, t/csv": "t/csv",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept", header)
		if got := Negotiate(r, "a/json", "t/csv"); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

// TestBodiesOfOtherKindsAre415 with the header that says what is taken, by the method.
func TestBodiesOfOtherKindsAre415(t *testing.T) {
	const patch, plain = "application/merge-patch+json", "application/json"
	for _, c := range []struct {
		method, kind, coding string
		status               int
	}{
		{"POST", plain, "", 200},
		{"POST", plain + ";charset=UTF-8", "", 200},
		{"POST", plain, "identity", 200},
		{"POST", plain, "identity, Identity,", 200},
		{"POST", plain, " ", 200},
		{"PATCH", plain, "", 200},
		{"PATCH", patch, "", 200},
		{"PUT", plain, "", 200},
		{"POST", patch, "", 415},
		{"PUT", patch, "", 415},
		{"PATCH", "application/json-patch+json", "", 415},
		{"POST", "text/plain", "", 415},
		{"POST", plain + ";charset=latin1", "", 415},
		{"POST", plain + ";version=1", "", 415},
		{"POST", "", "", 415},
		{"POST", plain, "gzip", 415},
		{"POST", plain, "identity, br", 415},
	} {
		m := newMux(t.Output())
		m.Public(c.method+" /v1/body", func(w http.ResponseWriter, r *http.Request, _ Principal) error {
			body, _, err := Body[struct {
				A int `json:"a"`
			}](r, BodyOptions{})
			if err != nil {
				return err
			}
			return JSON(w, 200, body)
		})
		r := httptest.NewRequest(c.method, "/v1/body", strings.NewReader("\xef\xbb\xbf{\"a\":1}")) // with a byte order mark
		for name, value := range map[string]string{"Content-Type": c.kind, "Content-Encoding": c.coding} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r)
		want := http.Header{}
		switch {
		case c.status == 200:
		case c.coding != "":
			want.Set("Accept-Encoding", "identity")
		case c.method == "POST":
			want.Set("Accept-Post", plain)
		case c.method == "PATCH":
			want.Set("Accept-Patch", patch+", "+plain)
		}
		got := http.Header{}
		for _, name := range []string{"Accept-Post", "Accept-Patch", "Accept-Encoding"} {
			if value := w.Header().Get(name); value != "" {
				got.Set(name, value)
			}
		}
		if w.Code != c.status || len(got) != len(want) {
			t.Errorf("%s %s %s: %d %v, want %d %v", c.method, c.kind, c.coding, w.Code, got, c.status, want)
		}
		for name := range want {
			if got.Get(name) != want.Get(name) {
				t.Errorf("%s %s: %s %q", c.method, c.kind, name, got.Get(name))
			}
		}
	}
}

// pageOf reads a page's parameters under a key of the stack.
func pageOf(key, query string, scope ...string) (Page, error) {
	r := httptest.NewRequest("GET", "/?"+query, nil)
	return PageOf(r.WithContext(context.WithValue(r.Context(), pageKey{}, []byte(key))), scope...)
}

func TestPageTokensAreBoundToTheirListAndStack(t *testing.T) {
	first, err := pageOf("k", "page_token=&page_size=", "keys", "acc_1", "")
	if err != nil || first.Size != 50 || first.Next("") != nil {
		t.Fatalf("empty parameters: %+v, %v", first, err)
	}
	token := *first.Next("cursor\x00with bytes")
	for _, pasted := range []string{"%20" + token, token + "%0A", "%3C" + token + "%3E", "%22" + token + "%22", "%EF%BB%BF" + token} {
		if again, err := pageOf("k", "page_token="+pasted, "keys", "acc_1", ""); err != nil || again.After != "cursor\x00with bytes" {
			t.Errorf("%s: %+v %v", pasted, again, err)
		}
	}
	if again, err := pageOf("k", "page_token="+token, "keys", "acc_1", ""); err != nil || again.After != "cursor\x00with bytes" {
		t.Errorf("%+v, %v", again, err)
	}
	for name, scope := range map[string][]string{
		"another account": {"keys", "acc_2", ""}, "another filter": {"keys", "acc_1", "active"}, "shifted": {"keys", "", "acc_1"},
		"another list": {"audit", "acc_1", ""}, "joined": {"keysacc_1", ""}, "fewer": {"keys", "acc_1"}, "with a separator inside": {"keys", "acc_1:"},
	} {
		if _, err := pageOf("k", "page_token="+token, scope...); err == nil {
			t.Errorf("%s: the token was taken", name)
		}
	}
	for _, key := range []string{"other", ""} {
		if _, err := pageOf(key, "page_token="+token, "keys", "acc_1", ""); err == nil {
			t.Errorf("under the key %q the token was taken", key)
		}
	}
	none := *Page{scope: []string{"keys"}}.Next("c")
	if _, err := pageOf("", "page_token="+none, "keys"); err == nil {
		t.Error("without a key a token was taken")
	}
}

// TestNobodyMakesAPageToken: no change of a token is taken, and no cursor under it.
func TestNobodyMakesAPageToken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cursor := rapid.StringN(1, 40, 100).Draw(t, "cursor")
		page, _ := pageOf("k", "", "keys")
		raw, err := base64.RawURLEncoding.DecodeString(*page.Next(cursor))
		if err != nil {
			t.Fatal(err)
		}
		raw[rapid.IntRange(0, len(raw)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		var p *Problem
		if _, err := pageOf("k", "page_token="+base64.RawURLEncoding.EncodeToString(raw), "keys"); !errors.As(err, &p) || p.Code != "page_token_invalid" {
			t.Fatalf("a changed token: %v", err)
		}
	})
	for _, size := range []string{"0", "101", "-1", "01", "+5", "1e1", "x", "1.0", "50%20"} {
		if _, err := pageOf("k", "page_size="+size); err == nil {
			t.Errorf("page_size=%s was taken", size)
		}
	}
}

// A cursor is the key of a record, and may name a person: a token that a client or a log keeps says nothing of it.
func TestNobodyReadsAPageToken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cursor := "M#https://issuer.example|jane.doe" + rapid.StringN(0, 40, 100).Draw(t, "rest")
		page, _ := pageOf("k", "", "members", "acc_1")
		token := *page.Next(cursor)
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			t.Fatal(err)
		}
		for at := range len(cursor) - 7 {
			if bytes.Contains(raw, []byte(cursor[at:at+8])) {
				t.Fatalf("the token has %q of the cursor", cursor[at:at+8])
			}
		}
		other, _ := pageOf("k", "", "members", "acc_2")
		if hidden, _ := base64.RawURLEncoding.DecodeString(*other.Next(cursor)); bytes.Equal(hidden[sealLength:], raw[sealLength:]) {
			t.Fatal("two lists hide a cursor alike")
		}
		if again, err := pageOf("k", "page_token="+token, "members", "acc_1"); err != nil || again.After != cursor || *again.Next(cursor) != token {
			t.Fatalf("%+v, %v", again, err)
		}
	})
}

// TestAWholeNumberIsOneHoweverItIsWritten: 45.0 and 4.5e1 are integers to JSON Schema, 45.5 is none, and nothing is rounded.
func TestAWholeNumberIsOneHoweverItIsWritten(t *testing.T) {
	type body struct {
		N int  `json:"n"`
		P *int `json:"p"`
	}
	read := func(n string) (int, int, error) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(`{"n":`+n+`,"p":`+n+`}`))
		r.Header.Set("Content-Type", "application/json")
		b, _, err := Body[body](r, BodyOptions{})
		if err != nil {
			return 0, 0, err
		}
		return b.N, *b.P, nil
	}
	for text, want := range map[string]int{"45": 45, "45.0": 45, "4.5e1": 45, "450E-1": 45, "-0.0": 0, "-3.00": -3, "9007199254740991.0": 1<<53 - 1} {
		if n, p, err := read(text); n != want || p != want || err != nil {
			t.Errorf("%s: %d and %d, %v", text, n, p, err)
		}
	}
	for _, text := range []string{"45.5", "1e-1", "1e999", "9007199254740993.0", "1e30", `"45.0"`, "true"} {
		if n, p, err := read(text); err == nil {
			t.Errorf("%s: %d and %d", text, n, p)
		}
	}
}

func TestIDsAreTakenAsPeoplePasteThem(t *testing.T) {
	const ulid = "01JD0000000000000000000000"
	for _, typed := range []string{"key_" + ulid, " key_" + ulid + "\r\n", "<key_" + ulid + ">", "\u00a0\"key_" + ulid + "\"", "\ufeffkey_" + ulid, "\u200ekey_" + ulid + "\u2069", "key_\u200b" + ulid} {
		if id, err := ID(typed, "key_"); err != nil || id != "key_"+ulid {
			t.Errorf("%q: %q, %v", typed, id, err)
		}
	}
	for _, typed := range []string{"", "key_", ulid, "KEY_" + ulid, "key_" + strings.ToLower(ulid), "key_" + ulid + "0", "key_key_" + ulid, "key_ " + ulid, "key_8" + ulid[1:]} {
		if _, err := ID(typed, "key_"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", typed, err)
		}
	}
	for of, kind := range kinds {
		_, err := ID(of+ulid, "key_")
		var p *Problem
		if of != "key_" && (!errors.As(err, &p) || p.Status != 404 || !strings.Contains(p.Detail, kind) || !strings.Contains(p.Detail, "key_")) {
			t.Errorf("%s where a key's belongs: %v", of, err)
		}
	}
}

// TestAProblemNamesItsPage where the stack has pages, and else nothing.
func TestAProblemNamesItsPage(t *testing.T) {
	for docs, want := range map[string]string{"": "about:blank", "https://docs.example/p/": "https://docs.example/p/not_found", "https://docs.example/#": "https://docs.example/#not_found"} {
		m := newMux(t.Output())
		m.Docs = docs
		for _, path := range []string{"/v1/nothing", "/v1//x"} {
			w := httptest.NewRecorder()
			m.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
			if got := problemOf(t, w); got.Type != want {
				t.Errorf("%s: %s", path, got.Type)
			}
		}
	}
}

// TestAVersionThatHoldsBackNothingIsRefused: by every change that doesn't go by If-Match, with a body and without. "*" names no
// version, and is refused where it would make what isn't there.
func TestAVersionThatHoldsBackNothingIsRefused(t *testing.T) {
	run := func(shape BodyOptions, wrap func(Endpoint) Endpoint, value string) error {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("If-Match", value)
		return wrap(func(_ http.ResponseWriter, r *http.Request, _ Principal) error {
			_, _, err := Body[struct{}](r, shape)
			return err
		})(nil, r, Principal{})
	}
	plain := func(e Endpoint) Endpoint { return e }
	refused := func(err error) bool {
		var p *Problem
		return errors.As(err, &p) && p.Status == http.StatusBadRequest && len(p.Fields) == 1 && p.Fields[0].Pointer == "If-Match"
	}
	for _, value := range []string{`"1"`, `"1", "2"`, `W/"1"`, "1", `"x"`, "", `*, "1"`} {
		for _, shape := range []BodyOptions{{}, {Optional: true}, {Makes: true}} {
			if err := run(shape, plain, value); !refused(err) {
				t.Errorf("%q, %+v: %v", value, shape, err)
			}
		}
		if err := run(BodyOptions{}, TakesIfMatch, value); err != nil { // the endpoint's own to check
			t.Errorf("%q where it is taken: %v", value, err)
		}
	}
	if err := run(BodyOptions{}, plain, "*"); err != nil {
		t.Errorf("any: %v", err)
	}
	if err := run(BodyOptions{Makes: true}, plain, "*"); !refused(err) {
		t.Errorf("any, where something is made: %v", err)
	}
}

func problemOf(t *testing.T, w *httptest.ResponseRecorder) (p api.Problem) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAChangeWithIfNoneMatchIsRefused: a condition that wouldn't hold it back isn't passed over, with a body and without.
func TestAChangeWithIfNoneMatchIsRefused(t *testing.T) {
	for name, parse := range map[string]func(*http.Request) error{
		"a body":  func(r *http.Request) error { _, _, err := Body[api.Problem](r, BodyOptions{}); return err },
		"no body": Empty,
	} {
		for _, value := range []string{"*", `"1"`, `W/"1"`, ""} {
			for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
				r := httptest.NewRequest(method, "/", strings.NewReader("{}"))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("If-None-Match", value)
				var p *Problem
				if err := parse(r); !errors.As(err, &p) || p.Status != http.StatusBadRequest || len(p.Fields) != 1 || p.Fields[0].Pointer != "If-None-Match" {
					t.Errorf("%s, %s with If-None-Match %q: %v", name, method, value, err)
				}
			}
		}
	}
}

// TestAVersionOfSeveralObjectsHoldsForThoseThatHaventChangedSince.
func TestAVersionOfSeveralObjectsHoldsForThoseThatHaventChangedSince(t *testing.T) {
	for header, want := range map[string][3]bool{
		`"20"`: {true, true, false}, `"20-x"`: {true, true, false}, `"10", "21"`: {true, true, true}, `"22"`: {false, false, false}, `*`: {true, true, true}, `W/"20"`: {false, false, false}, `"now"`: {false, false, false}, "": {true, true, true},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		if header != "" {
			r.Header.Set("If-Match", header)
		}
		m := OptionalIfMatch(r)
		for i, changed := range []int64{19, 20, 21} {
			if err := m.CheckUntil(changed, 21); (err == nil) != want[i] || err != nil && !errors.Is(err, ErrStale) {
				t.Errorf("%s, changed at %d: %v", header, changed, err)
			}
		}
	}
}
