package apitest

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"

	"latchkey/functions/internal/web"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
	"latchkey/shared/text"
	"latchkey/shared/text/texttest"
)

// Texts knows the prefix of the tests' secrets, and one that they had before.
var Texts = text.Secrets{apikey.DefaultPrefix, "old"}

// rule is the way in which a text of the contract is read.
type rule struct {
	block   bool   // it may have several lines
	subject bool   // it is the issuer's, taken byte by byte, and holds no secret
	code    string // of a refusal that isn't about a secret; "" for those of web.TextField
}

// texts are the string members of bodies that people fill in, by operation. All others are excused.
var texts = map[string]rule{
	"createKey name": {code: "invalid_name"}, "editKey name": {code: "invalid_name"}, "createKey labels": {}, "editKey labels": {},
	"createAccount name": {code: "invalid_name"}, "editAccount name": {code: "invalid_name"},
	"putMember email": {code: "invalid_email"}, "createInvitation email": {code: "invalid_email"}, "putOperator email": {code: "invalid_email"},
	"blockKey reason": {block: true, code: "invalid_reason"}, "liftExposure reason": {block: true, code: "invalid_reason"}, "suspendAccount reason": {block: true, code: "invalid_reason"}, "closeStatement reason": {block: true, code: "invalid_reason"}, "revokeAnyKey reason": {block: true, code: "invalid_reason"}, "unblockKey reason": {block: true, code: "invalid_reason"},
	"erasePerson subject": {subject: true}, "endSessions subject": {subject: true},
	"createQpsRequest justification": {block: true},
	"approveQpsRequest comment":      {block: true}, "rejectQpsRequest comment": {block: true},
	"putRotationPolicy principal": {code: "invalid_principal"},
}

// excused are the other string members that are no enumerations and no times, with the reason.
var excused = map[string]string{ //nolint:gosec // reasons, no credentials
	"createKey products": "IDs of the catalogue", "editKey products": "IDs of the catalogue", "proposeRestrictions products": "IDs of the catalogue",
	"createKey domains": "patterns with a grammar of their own, in which no secret is taken either", "editKey domains": "patterns with a grammar of their own, in which no secret is taken either",
	"proposeRestrictions domains": "patterns with a grammar of their own, in which no secret is taken either",
	"linkDomain domain":           "a pattern", "unlinkDomain domain": "a pattern", "replaceDomain domain": "a pattern", "replaceDomain with": "a pattern",
	"linkDomain keys": "IDs", "unlinkDomain keys": "IDs",
	"createKey networks": "blocks of addresses, with a grammar of their own", "editKey networks": "blocks of addresses, with a grammar of their own",
	"proposeRestrictions networks": "blocks of addresses, with a grammar of their own",
	"acceptProduct version":        "compared with the catalogue's, never stored",
	"closeAccount confirm_name":    "compared with the name, never stored",
	"revokeKey confirm_name":       "compared with the name, never stored: a name that holds a secret has to be confirmed too",
	"testKey origin":               "evaluated, never stored", "testKey referer": "evaluated, never stored", "testKey path": "evaluated, never stored",
	"testKey android_cert": "evaluated, never stored", "testKey android_package": "evaluated, never stored", "testKey ios_bundle_identifier": "evaluated, never stored", "testKey source_ip": "evaluated, never stored",
	"findKeys secret": "hashed, never stored", "findKeys secret_sha256": "looked up, never stored", "findKeys preview": "looked up, never stored",
	"findAnyKeys secret": "hashed, never stored", "findAnyKeys secret_sha256": "looked up, never stored", "findAnyKeys preview": "looked up, never stored",
	"createQpsRequest key_id": "an ID", "createQpsRequest product": "an ID of the catalogue", "createQpsRequest class": "an ID of the catalogue",
	"reportLeak secret": "hashed, never stored", "reportLeak url": "evidence: secrets in it are masked",
	"reportLeakAsOperator secret": "hashed, never stored", "reportLeakAsOperator secret_sha256": "looked up, never stored", "reportLeakAsOperator url": "evidence: secrets in it are masked",
	"erasePerson issuer":     "looked up, never stored",
	"acceptInvitation token": "looked up by its hash, never stored", "showInvitation token": "looked up by its hash, never stored",
}

// patterns are members that have a grammar of their own, in which no secret is taken either.
var patterns = []string{"domains", "domain", "with"}

// storedParameters are the parameters of changes that are stored; the others only find what is there already.
var (
	storedParameters  = []string{"Idempotency-Key", "sub"}
	lookUpsParameters = []string{"account", "key", "request", "class", "product", "invitation", "If-Match", "page_token", "month", "issuer", "group", "Github-Public-Key-Identifier", "Github-Public-Key-Signature"}
)

// stringMembers lists the string members of an operation's body, lists of strings included, but no enumerations and no
// times.
func stringMembers(t testing.TB, op *openapi3.Operation) (names []string) {
	t.Helper()
	if op.RequestBody == nil {
		return nil
	}
	for name, ref := range op.RequestBody.Value.Content["application/json"].Schema.Value.Properties {
		s := ref.Value
		if s.Type.Includes("array") {
			s = s.Items.Value
		}
		switch {
		case op.OperationID+" "+name == "editAccount billing_types": // a mapping: functions/accounts has a test of its own
		case s.Type.Includes("object") && onlyChoices(s):
		case s.Type.Includes("object"):
			t.Errorf("%s: %s is an object: walk its members too", op.OperationID, name)
		case s.Type.Includes("string") && len(s.Enum) == 0 && s.Format != "date-time":
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// onlyChoices reports whether an object's members are all enumerations.
func onlyChoices(s *openapi3.Schema) bool {
	for _, member := range s.Properties {
		if len(member.Value.Enum) == 0 {
			return false
		}
	}
	return len(s.Properties) > 0
}

// operation finds an operation of the contract.
func operation(t testing.TB, op Operation) *openapi3.Operation {
	t.Helper()
	return Contract(t).Paths.Value(op.Path).GetOperation(op.Method)
}

// RefusedTexts sends, in each text of each operation that a function serves, what no text may hold: characters that
// hide or reorder, and a secret in every spelling. It wants a problem that names the member and doesn't quote the text,
// and a store without a trace of it. In members that are excused from being texts, the secret mustn't be stored either.
func RefusedTexts(t *testing.T, fixture func(testing.TB) Fixture, serves func(Operation) bool) {
	keytest.OneAtATime(t)
	w := &textWalk{fixture: fixture, spellings: map[string]string{}}
	for _, prefix := range Texts {
		secret, err := prefix.Generate(keytest.Random(99))
		if err != nil {
			t.Fatal(err)
		}
		w.secrets = append(w.secrets, secret.Reveal())
		for name, spelled := range texttest.Spellings(secret.Reveal()) {
			w.spellings[string(prefix)+" "+name] = spelled
		}
	}
	tried := 0
	for _, op := range Operations(t) {
		if !serves(op) || op.Method == http.MethodGet {
			continue
		}
		members, sends := stringMembers(t, operation(t, op)), w.storedParameters(t, op)
		if len(members)+len(sends) == 0 {
			continue
		}
		tried++
		t.Run(op.ID, func(t *testing.T) {
			for _, member := range members {
				if r, ok := texts[op.ID+" "+member]; ok {
					w.member(t, op, member, r)
				} else {
					w.excused(t, op, member)
				}
			}
			for _, parameter := range sends {
				w.parameter(t, op, parameter)
			}
		})
	}
	if tried == 0 {
		t.Error("no operation has a text")
	}
}

// maxParameter is the greatest length of a parameter that is stored, in bytes.
const maxParameter = 255

type textWalk struct {
	fixture   func(testing.TB) Fixture
	secrets   []string
	spellings map[string]string
}

func (w *textWalk) storedParameters(t testing.TB, op Operation) (names []string) {
	for _, p := range operation(t, op).Parameters {
		if slices.Contains(storedParameters, p.Value.Name) && (op.Method != http.MethodDelete) {
			names = append(names, p.Value.Name)
		}
	}
	for _, p := range Contract(t).Paths.Value(op.Path).Parameters {
		if slices.Contains(storedParameters, p.Value.Name) && (op.Method != http.MethodDelete) {
			names = append(names, p.Value.Name)
		}
	}
	return names
}

// send makes a request that would succeed but for one member.
func (w *textWalk) send(t testing.TB, f Fixture, op Operation, member string, value any) Answer {
	t.Helper()
	body := map[string]any{}
	if b, ok := f.Bodies[op.ID].(map[string]any); ok {
		maps.Copy(body, b)
	}
	body[member] = value
	params := maps.Clone(f.Params)
	maps.Copy(params, f.Instead[op.ID])
	return f.Do(t, Call{As: op.Caller(), Method: op.Method, Path: fill(op.Path, params), Headers: f.Headers[op.ID], Body: body})
}

func (w *textWalk) member(t *testing.T, op Operation, member string, r rule) {
	t.Helper()
	f := w.fixture(t)
	_, list := f.memberOf(t, op, member)
	pointer := "/" + member
	if list {
		pointer += "/0"
	}
	refused := maps.Clone(texttest.Refused)
	if !r.block {
		maps.Copy(refused, texttest.RefusedInLine)
	}
	if r.subject {
		clear(refused)
	}
	for name, typed := range refused {
		answer := w.send(t, f, op, member, listed(typed, list))
		w.want(t, answer, pointer, name, typed, cmp.Or(r.code, "bad_length bad_character invisible"))
	}
	for name, typed := range w.spellings {
		answer := w.send(t, f, op, member, listed(typed, list))
		w.want(t, answer, pointer, name, typed, web.SecretInText)
	}
	w.clean(t, f, op.ID+" "+member)
}

// want wants a refusal that names the place, with one of some codes, and doesn't quote the text.
func (w *textWalk) want(t *testing.T, answer Answer, pointer, name, typed, codes string) {
	t.Helper()
	fields := answer.Fields()
	if answer.Status != http.StatusUnprocessableEntity || len(fields) != 1 || fields[0].Pointer != pointer || !slices.Contains(strings.Fields(codes), fields[0].Code) {
		t.Errorf("%s at %s: %d %s, want 422 with %s", name, pointer, answer.Status, answer.Body, codes)
	}
	if strings.Contains(string(answer.Body), typed) || Texts.In(string(answer.Body)) {
		t.Errorf("%s at %s: the answer quotes the text: %s", name, pointer, answer.Body)
	}
}

func (w *textWalk) excused(t *testing.T, op Operation, member string) {
	t.Helper()
	f := w.fixture(t)
	_, list := f.memberOf(t, op, member)
	for name, typed := range w.spellings {
		answer := w.send(t, f, op, member, listed(typed, list))
		if answer.Status >= http.StatusInternalServerError {
			t.Errorf("%s in %s: %d %s", name, member, answer.Status, answer.Body)
		}
		if fields := answer.Fields(); len(fields) == 1 && fields[0].Code == web.SecretInText && !slices.Contains(patterns, member) {
			t.Errorf("%s %s is read as a text: it needs no excuse", op.ID, member)
		}
	}
	w.clean(t, f, op.ID+" "+member)
}

// listed is a text as its member takes it: alone, or as the one entry of a list.
func listed(typed string, list bool) any {
	if list {
		return []string{typed}
	}
	return typed
}

func (f Fixture) memberOf(t testing.TB, op Operation, member string) (schema *openapi3.Schema, list bool) {
	t.Helper()
	s := operation(t, op).RequestBody.Value.Content["application/json"].Schema.Value.Properties[member].Value
	return s, s.Type.Includes("array")
}

func (w *textWalk) parameter(t *testing.T, op Operation, name string) {
	t.Helper()
	f := w.fixture(t)
	params := maps.Clone(f.Params)
	maps.Copy(params, f.Instead[op.ID])
	for spelling, typed := range w.spellings {
		if len(typed) > maxParameter {
			continue
		}
		c := Call{As: op.Caller(), Method: op.Method, Headers: maps.Clone(f.Headers[op.ID]), Body: f.Bodies[op.ID]}
		if c.Body == nil && op.HasBody {
			c.Body = map[string]any{}
		}
		if name == "sub" {
			params["sub"] = url.PathEscape(typed)
		} else {
			if strings.ContainsFunc(typed, func(r rune) bool { return r <= ' ' || r > '~' }) {
				continue // no header has such a value
			}
			if c.Headers == nil {
				c.Headers = map[string]string{}
			}
			c.Headers[name] = typed
		}
		c.Path = fill(op.Path, params)
		got := f.Do(t, c)
		if name == "sub" && strings.ContainsFunc(typed, unicode.IsControl) { // no subject has one, so it isn't looked at further
			if got.Status != http.StatusBadRequest {
				t.Errorf("%s at %s: %d %s", spelling, name, got.Status, got.Body)
			}
			continue
		}
		w.want(t, got, name, spelling, typed, web.SecretInText)
	}
	w.clean(t, f, op.ID+" "+name)
	if name != "sub" {
		return
	}
	for why, typed := range texttest.Refused {
		params["sub"] = url.PathEscape(typed)
		answer := f.Do(t, Call{As: op.Caller(), Method: op.Method, Path: fill(op.Path, params), Body: f.Bodies[op.ID]})
		if !slices.Equal(answer.Pointers(), []string{"sub"}) {
			t.Errorf("%s in sub: %d %s", why, answer.Status, answer.Body)
		}
	}
}

// clean wants a store and logs without a trace of the secrets.
func (w *textWalk) clean(t *testing.T, f Fixture, where string) {
	t.Helper()
	found := func(s string) {
		for _, secret := range w.secrets {
			if strings.Contains(strings.ToLower(s), strings.ToLower(secret[4:24])) || Texts.In(s) {
				t.Fatalf("%s: kept: %s", where, s)
			}
		}
	}
	f.EachText(t, found)
	found(f.Logs.String())
}
