package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	shown "latchkey/shared/text"
)

// A field takes what somebody has at hand, a key's secret too. So each form with a field for text is sent by POST (the month of a statement
// aside). The address that it leads to has what was typed but no secret, or is that of the key that has the secret. A script sends the hash in
// its place.

// aSecret finds what may be a secret in a text, mistyped or cut too, whatever stands before it: the name of a setting, a part of an
// address. IDs are shorter. The script looks for the same.
var aSecret = regexp.MustCompile(`[a-z][a-z0-9]{1,7}_[0-9A-Za-z]{27,}|[A-Z][A-Z0-9]{1,7}_[0-9A-Z]{33}`)

// secretIn returns what may be a secret in a text, "" if there is none. Where the text has it in another spelling (percent-encoded,
// wrapped, in other characters), only a whole one is found.
func secretIn(typed string) string {
	return cmp.Or(aSecret.FindString(typed), shown.AnySecret(typed))
}

// aPreview is a secret as lists show it; who types one has no … at hand.
var aPreview = regexp.MustCompile(`^[a-z][a-z0-9]{1,7}_[0-9A-Za-z]{4}(…|\.{3})[0-9A-Za-z]{4}$`)

const hashField = "secret_sha256"

// incomplete stands for the hash of what can't be a secret as it is: cut, or in capitals.
const incomplete = "incomplete"

// wholeSecret reports whether a text that looks like a secret has the length of one, and may be in its letters.
func wholeSecret(text string) bool {
	prefix, _, _ := strings.Cut(text, "_")
	p, err := apikey.ParsePrefix(prefix)
	return err == nil && len(text) == p.SecretLength()
}

// soughtHash returns the hash of the secret that a search is for, in hexadecimal, or incomplete; "" for any other search. Typed text goes before
// the hash of a search before this one.
func (v *visit) soughtHash(typed string) string {
	if secret := secretIn(typed); secret != "" {
		if !wholeSecret(secret) {
			if secret = shown.AnySecret(typed); secret == "" {
				return incomplete
			}
		}
		sum := sha256.Sum256([]byte(secret))
		return hex.EncodeToString(sum[:])
	}
	if hash := v.r.PostFormValue(hashField); typed == "" && (len(hash) == 2*sha256.Size || hash == incomplete) {
		return hash
	}
	return ""
}

// mostSought is the length of what the API searches for, in characters. The search box of no list has a bound: browsers cut what is pasted there, and
// what is left of a secret would be looked for in vain, or stand in an address.
const mostSought = 64

// soughtFor is the beginning of what was typed that the API searches for.
func soughtFor(typed string) string {
	if runes := []rune(typed); len(runes) > mostSought {
		return strings.TrimSpace(string(runes[:mostSought]))
	}
	return typed
}

// soughtInAccounts is the same of a search over all accounts, which takes a member's email address whole.
func soughtInAccounts(typed string) string {
	if anEmail(typed) {
		return typed
	}
	return soughtFor(typed)
}

// searchKeys leads to what was searched for among an account's keys.
func (a *app) searchKeys(v *visit) error {
	if hash := v.soughtHash(v.form("q")); hash != "" {
		return v.showHolder(hash)
	}
	return v.searched(v.accountURL("/keys"), soughtFor, "q", "status", "product", "label", "sort", "size")
}

// holders are an account's keys that have, or had, a secret.
func (v *visit) holders(ctx context.Context, accountID, hash string) ([]api.KeyMatch, error) {
	if hash == incomplete {
		return nil, nil
	}
	var found api.KeyMatches
	call := management.Call{Method: http.MethodPost, Path: "/v1/accounts/" + accountID + "/keys/find", Body: api.FindKeys{SecretSha256: &hash}}
	_, err := v.api.Do(ctx, call, &found)
	return found.Matches, err
}

// showHolder leads to the account's key that has, or had, a secret.
func (v *visit) showHolder(hash string) error {
	found, err := v.holders(v.ctx(), v.accountID, hash)
	if err != nil {
		return err
	}
	for _, m := range found {
		return v.done(v.accountURL("/keys/"+m.Key.Id), "found_"+string(m.Matched))
	}
	if v.r.Method == http.MethodPost { // nobody's address makes so many calls
		if there := v.holderElsewhere(hash); there != "" {
			return v.done(there, "found_elsewhere")
		}
	}
	return v.done(v.accountURL("/keys"), missed(hash))
}

// missed is the notice of a secret that no key has.
func missed(hash string) string {
	if hash == incomplete {
		return "found_incomplete"
	}
	return "found_none"
}

// mostElsewhere bounds the other accounts of a person that are asked for a secret.
const mostElsewhere = 10

// holderElsewhere is the page of the key, in another of the person's accounts, that has or had a secret; "" for none.
func (v *visit) holderElsewhere(hash string) string {
	me, err := v.person()
	if err != nil || hash == incomplete {
		return ""
	}
	others := slices.DeleteFunc(slices.Clone(me.Accounts), func(one api.MyAccount) bool { return one.Closed || one.Id == v.accountID })
	others = others[:min(len(others), mostElsewhere)]
	pages := make([]string, len(others))
	var reads []func(context.Context) error
	for i, one := range others {
		reads = append(reads, func(ctx context.Context) error {
			if found, err := v.holders(ctx, one.Id, hash); err == nil && len(found) > 0 { // it only helps
				pages[i] = "/accounts/" + one.Id + "/keys/" + found[0].Key.Id
			}
			return nil
		})
	}
	_ = v.parallel(reads...) // they return no error
	return cmp.Or(pages...)
}

// searchAll leads to what was searched for in all accounts.
func (a *app) searchAll(v *visit) error {
	if hash := v.soughtHash(v.form("q")); hash != "" {
		return v.showAnyHolder(hash)
	}
	return v.searched("/operator", soughtInAccounts, "q", "in")
}

// searchKeysOf leads to what an operator searched for among an account's keys; a secret leads to its key, whosever it is.
func (a *app) searchKeysOf(v *visit) error {
	if hash := v.soughtHash(v.form("q")); hash != "" {
		return v.showAnyHolder(hash)
	}
	return v.searched("/operator/accounts/"+v.r.PathValue("account"), soughtFor, "q", "status")
}

// showAnyHolder leads to the key, of whatever account, that has or had a secret.
func (v *visit) showAnyHolder(hash string) error {
	if hash == incomplete {
		return v.done("/operator", "found_incomplete")
	}
	var found api.OperatorKeyMatches
	call := management.Call{Method: http.MethodPost, Path: "/v1/operator/keys/find", Body: api.FindKeys{SecretSha256: &hash}}
	if _, err := v.api.Do(v.ctx(), call, &found); err != nil {
		return err
	}
	for _, m := range found.Matches {
		return v.done("/operator/keys/"+m.Key.Id, "found_"+string(m.Matched))
	}
	return v.done("/operator", "found_nowhere")
}

// mostTyped bounds what an address has of any other field, in bytes. What names an object is never cut, which would name another one.
const mostTyped = 512

// subjects are the fields for a person's subject, which the issuer makes: one may look like a secret, but for its checksum.
var subjects = []string{"subject", "who"}

// sought are the fields of a form as an address has them. left are those that were left out: what may be a secret, or is longer than any name.
func (v *visit) sought(cut func(string) string, fields ...string) (query url.Values, left []string) {
	query = url.Values{}
	for _, name := range fields {
		value := v.form(name)
		switch {
		case value == "":
			continue
		case leavesOut(name, value):
			left = append(left, name)
			continue
		case name == "q", name == "find":
			if value = cut(value); aPreview.MatchString(value) {
				value = strings.ReplaceAll(value, "...", "…")
			}
		}
		query.Set(name, value)
	}
	return query, left
}

// leavesOut reports whether no address has the value of a field. Of a text to search for it has the beginning.
func leavesOut(name, value string) bool {
	if shown.AnySecret(value) != "" || secretIn(value) != "" && !slices.Contains(subjects, name) {
		return true
	}
	return len(value) > mostTyped && name != "q" && name != "find"
}

// leftOut is the notice that names the fields that were left out.
const leftOut = "left_out"

// searched leads to the address of a page, with what its form asks for.
func (v *visit) searched(path string, cut func(string) string, fields ...string) error {
	query, left := v.sought(cut, fields...)
	return v.answered(path, query, left)
}

// answered leads to the address of a page, which names the fields that were left out.
func (v *visit) answered(path string, query url.Values, left []string) error {
	if len(left) > 0 {
		return v.leave(withQuery(path, query), note{Notice: leftOut, Fields: strings.Join(left, " ")})
	}
	return v.redirect(withQuery(path, query))
}

// labelsOfFields are the labels of the fields for text of forms that ask for something.
var labelsOfFields = map[string]string{
	"key": "operator.key_id", "who": "audit.by", "subject": "operators.subject",
	"origin": "tester.label", "address": "tester.address", "app": "tester.app", "domain": "domains.domain",
}

// fieldNames are the labels of fields, in one text. Of a field without one, which has a list of values, the name is shown.
func (v *visit) fieldNames(fields string) string {
	var names []string
	for name := range strings.FieldsSeq(fields) {
		if label, ok := labelsOfFields[name]; ok {
			name = v.t(label)
		}
		names = append(names, name)
	}
	return v.lang.List(names)
}

// searchedKey is searched where a field of the form may have a key's secret: its ID is in the address then, as the parameter of that name.
func (v *visit) searchedKey(path, field, name string, takes func(api.Key) bool, fields ...string) error {
	hash := v.soughtHash(v.form(field))
	if hash == "" {
		return v.searched(path, soughtFor, append(fields, field)...)
	}
	query, left := v.sought(soughtFor, fields...)
	id, err := v.holder(hash, takes)
	if err != nil {
		return err
	}
	if id == "" {
		return v.done(withQuery(path, query), missed(hash))
	}
	query.Set(name, id)
	return v.answered(path, query, left)
}

// holder returns the ID of the key that has, or had, a secret, "" if none has. One that takes accepts goes before others, whose page says why
// they can't be chosen.
func (v *visit) holder(hash string, takes func(api.Key) bool) (string, error) {
	found, err := v.holders(v.ctx(), v.accountID, hash)
	if err != nil || len(found) == 0 {
		return "", err
	}
	i := slices.IndexFunc(found, func(m api.KeyMatch) bool { return takes(m.Key) })
	return found[max(i, 0)].Key.Id, nil
}

// chooseKey leads to the page about the key that a field of its form means. What the page had in the field means the same key as before.
func (v *visit) chooseKey(path string, takes func(api.Key) bool, fields ...string) error {
	if typed := v.form("find"); typed != "" && typed == v.form("was") && v.form("key") != "" {
		return v.searched(path, soughtFor, append(fields, "key")...)
	}
	return v.searchedKey(path, "find", "key", takes, fields...)
}
