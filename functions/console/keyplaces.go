package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// A form that is about up to 500 keys at once names them by their places among the account's keys, in the order of their creation: two such forms
// of IDs would be longer than the rest of their page. The places are of the first so many keys, and of these keys alone, which a digest says: a key
// that was made later comes behind them, and where one of them has gone the form is refused.

// placesOf writes some of an account's keys; "" where one isn't among them.
func placesOf(some, all []string) string {
	bits := make([]byte, (len(all)+7)/8)
	for _, id := range some {
		at := slices.Index(all, id)
		if at < 0 {
			return ""
		}
		bits[at/8] |= 1 << (at % 8)
	}
	return strconv.Itoa(len(all)) + "." + digestOf(all) + "." + base64.RawURLEncoding.EncodeToString(bytes.TrimRight(bits, "\x00"))
}

// atPlaces reads what placesOf wrote; ok is false where the keys aren't the same any more.
func atPlaces(text string, all []string) (some []string, ok bool) {
	count, rest, _ := strings.Cut(text, ".")
	digest, places, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > len(all) || digest != digestOf(all[:n]) {
		return nil, false
	}
	bits, err := base64.RawURLEncoding.DecodeString(places)
	if err != nil || len(bits) > (n+7)/8 {
		return nil, false
	}
	for at, id := range all[:n] {
		if at/8 < len(bits) && bits[at/8]&(1<<(at%8)) != 0 {
			some = append(some, id)
		}
	}
	return some, true
}

func digestOf(ids []string) string {
	sum := sha256.Sum256([]byte(strings.Join(ids, " ")))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// domainKeys are the keys that a form names, one by one or all at once, each once, those alone that can be keys.
func (v *visit) domainKeys(f *form) (ids []string, err error) {
	named, all := v.r.PostForm["keys"], v.form("all")
	switch {
	case strings.Contains(all, "."):
		list, err := management.Get[api.DomainList](v.ctx(), v.api, v.accountPath("/domains"), queryOf(map[string]string{"page_size": "1"}))
		if err != nil {
			return nil, err
		}
		var same bool
		if named, same = atPlaces(all, list.KeyIds); !same {
			f.add("keys", v.t("domains.changed"))
		}
	case all != "": // a form of the release before has the IDs
		named = fromOneField(all)
	}
	for _, id := range named {
		if id != "" && len(id) <= longestID && plainID(id) && !slices.Contains(ids, id) && len(ids) < mostKeys {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 && !f.Bad() {
		f.add("keys", v.t("notice.nothing_selected"))
	}
	return ids, nil
}
