package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	shown "latchkey/shared/text"
)

// A search box takes what somebody has at hand, a key's secret too. So its form is sent by POST, which leads to the address of the
// list or to the key that has the secret: no address and no log has what was pasted. A script sends the hash in its place.

// aSecret finds what may be a secret in a text, mistyped or cut too, whatever stands before it: the name of a setting, a part of an
// address. IDs are shorter. The script looks for the same.
var aSecret = regexp.MustCompile(`[a-z][a-z0-9]{1,7}_[0-9A-Za-z]{27,}`)

// secretIn returns what may be a secret in a text, "" if there is none. Where the text has it in another spelling (percent-encoded,
// wrapped, in other characters), only a whole one is found.
func secretIn(typed string) string {
	return cmp.Or(aSecret.FindString(typed), shown.AnySecret(typed))
}

// aPreview is a secret as lists show it; who types one has no … at hand.
var aPreview = regexp.MustCompile(`^[a-z][a-z0-9]{1,7}_[0-9A-Za-z]{4}(…|\.{3})[0-9A-Za-z]{4}$`)

const hashField = "secret_sha256"

// soughtHash returns the hash of the secret that a search is for, in hexadecimal; "" for any other search. Typed text goes before
// the hash of a search before this one.
func (v *visit) soughtHash(typed string) string {
	if secret := secretIn(typed); secret != "" {
		sum := sha256.Sum256([]byte(secret))
		return hex.EncodeToString(sum[:])
	}
	if hash := v.r.PostFormValue(hashField); typed == "" && len(hash) == 2*sha256.Size {
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
	return v.searched(v.accountURL("/keys"), soughtFor, "q", "status", "product", "label", "sort")
}

// holders are the account's keys that have, or had, a secret.
func (v *visit) holders(hash string) ([]api.KeyMatch, error) {
	var found api.KeyMatches
	call := management.Call{Method: http.MethodPost, Path: v.accountPath("/keys/find"), Body: api.FindKeys{SecretSha256: &hash}}
	_, err := v.api.Do(v.ctx(), call, &found)
	return found.Matches, err
}

// showHolder leads to the account's key that has, or had, a secret.
func (v *visit) showHolder(hash string) error {
	found, err := v.holders(hash)
	if err != nil {
		return err
	}
	for _, m := range found {
		return v.done(v.accountURL("/keys/"+m.Key.Id), "found_"+string(m.Matched))
	}
	return v.done(v.accountURL("/keys"), "found_none")
}

// searchAll leads to what was searched for in all accounts.
func (a *app) searchAll(v *visit) error {
	if hash := v.soughtHash(v.form("q")); hash != "" {
		return v.showAnyHolder(hash)
	}
	return v.searched("/operator", soughtInAccounts, "q")
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

// searched leads to the address of a list, with those fields of its form that have a value and no secret in it.
func (v *visit) searched(path string, cut func(string) string, fields ...string) error {
	query := url.Values{}
	for _, name := range fields {
		if value := v.form(name); value != "" && secretIn(value) == "" {
			query.Set(name, value)
		}
	}
	if q := query.Get("q"); q != "" {
		query.Set("q", cut(q))
	}
	if q := query.Get("q"); aPreview.MatchString(q) {
		query.Set("q", strings.ReplaceAll(q, "...", "…"))
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return v.redirect(path)
}
