package main

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"latchkey/shared/api"
)

// findKey finds the key that an address asks for by a text: a whole ID means that key. Anything else is looked up, and chosen if it is the only
// match; several are returned, and whether there may be others.
func (v *visit) findKey(problems *form, takes func(api.Key) bool) (chosen string, several []api.Key, more bool, err error) {
	typed := strings.TrimSpace(v.query("find"))
	if typed == "" {
		return "", nil, false, nil
	}
	if hash := v.soughtHash(typed); hash != "" { // from an address that somebody made
		if chosen, err = v.holder(hash, takes); err == nil && chosen == "" {
			problems.add("find", v.t("notice."+missed(hash)))
		}
		return chosen, nil, false, err
	}
	problems.Values["find"] = typed
	found, more, err := v.keysLike(v.ctx(), typed, takes)
	if err != nil {
		return "", nil, false, err
	}
	for _, k := range found {
		if len(found) == 1 && !more || k.Id == typed {
			return k.Id, nil, false, nil
		}
	}
	switch {
	case len(found) == 0 && more:
		problems.add("find", v.t("usage.key.more", "text", typed))
	case len(found) == 0:
		problems.add("find", v.t("usage.key.unknown", "text", typed))
	}
	return "", found, more, nil
}

func anyKey(api.Key) bool { return true }

// mostSuggested bounds the keys that are suggested for what was typed so far.
const mostSuggested = 20

// keysLike finds keys by a text, ordered by name, those alone that may be chosen. more is true where others may fit.
func (v *visit) keysLike(ctx context.Context, text string, takes func(api.Key) bool) (keys []api.Key, more bool, err error) {
	query := url.Values{}
	if text = soughtFor(text); text != "" {
		query.Set("q", text)
	}
	found, err := v.keysFrom(ctx, v.accountPath("/keys"), query, mostSuggested, keyReads)
	found.Keys = slices.DeleteFunc(found.Keys, func(k api.Key) bool { return !takes(k) })
	slices.SortStableFunc(found.Keys, func(a, b api.Key) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return found.Keys, found.NextPageToken != nil, err
}

// suggestion is one key for the list under the field.
type suggestion struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Preview string `json:"preview"`
}

// moreHeader is in an answer with suggestions where others may fit. The list itself stays one: a page and an instance may be of different
// releases.
const moreHeader = "X-More"

// suggestKeys answers with the keys that fit what was typed so far, as JSON, to those who see the account's pages.
func (a *app) suggestKeys(v *visit, takes func(api.Key) bool) error {
	me, err := v.person()
	if err != nil {
		return err
	}
	if !v.sees(me) {
		return errNotFound
	}
	var found []api.Key
	var more bool
	if typed := v.form("q"); secretIn(typed) == "" { // what is pasted is found when it is sent, by its hash
		if found, more, err = v.keysLike(v.ctx(), typed, takes); err != nil {
			return err
		}
	}
	list := make([]suggestion, 0, len(found))
	for _, k := range found {
		list = append(list, suggestion{k.Id, k.Name, k.Preview})
	}
	if more {
		v.w.Header().Set(moreHeader, "true")
	}
	return v.json(list)
}
