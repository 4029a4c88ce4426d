package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// note carries something from the answer to a form to the page that follows: a notice, or a link that is shown once. It waits in a cookie that
// is sealed for the session, so that no address shows a notice, and goes with the page that shows it.
type note struct {
	Path   string `json:"p"` // of the page that it is for; empty: the next one
	Notice string `json:"n,omitempty"`
	Link   string `json:"l,omitempty"` // of a new invitation
	For    string `json:"f,omitempty"` // the recipient of the invitation, if one was named

	Fields string `json:"d,omitempty"` // that the notice names, with blanks between

	Seen *seenNote `json:"s,omitempty"` // beside a notice

	Keys *outcome `json:"k,omitempty"` // of an act on the keys that were selected

	Behind *behind `json:"b,omitempty"` // what a member has left
}

const (
	noteCookie = "__Host-latchkey-note"
	noteLife   = 2 * time.Minute
	behindLife = 5 * time.Minute // of a note that its page doesn't remove
	longestRaw = 64 << 10        // of a note, unpacked
)

// stays reports whether the page that shows a note leaves it, so that a reload shows it again.
func (n note) stays() bool { return n.Behind != nil }

// shorten leaves out the least of a note that is too long. It returns false if nothing can be left out.
func (n *note) shorten() bool {
	if n.For != "" {
		n.For = ""
		return true
	}
	return n.Behind.shorten()
}

// done leads to the page that shows what has become of a form, with the notice of that name.
func (v *visit) done(path, notice string) error { return v.leave(path, note{Notice: notice}) }

// leave leads to a page and leaves a note for it.
func (v *visit) leave(path string, n note) error {
	n.Path, _, _ = strings.Cut(path, "?")
	if n.Path == "/" {
		n.Path = "" // which leads on
	}
	kept, err := v.putNote(n)
	for err == nil && !kept && n.shorten() {
		kept, err = v.putNote(n)
	}
	if err != nil {
		return err
	}
	if !kept {
		v.app.log.WarnContext(v.ctx(), "a note is too long for a cookie", "route", v.r.Pattern, "request_id", v.requestID())
	}
	return v.redirect(path)
}

// putNote seals a note into its cookie, packed where it is too long as it is. kept is false if it is too long all the same.
func (v *visit) putNote(n note) (kept bool, err error) {
	raw, err := json.Marshal(n)
	if err != nil {
		return false, err
	}
	life := noteLife
	if n.stays() {
		life = behindLife
	}
	for _, text := range [][]byte{raw, compress(raw)} {
		sealed, err := v.app.keeper.SealNote(v.cookie(sessionCookie), text)
		if err != nil {
			return false, err
		}
		if v.setCookie(noteCookie, sealed, life) {
			return true, nil
		}
	}
	return false, nil
}

// unpacked is the text of a note. One that begins as JSON does isn't packed.
func unpacked(text []byte) ([]byte, error) {
	if bytes.HasPrefix(text, []byte("{")) {
		return text, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, longestRaw))
}

// note reads the note that was left for this page, if one was. Whatever shows it removes it: a page that fails shows a link at most, and
// leaves the rest for the next try.
func (v *visit) note() (n note) {
	sealed := v.cookie(noteCookie)
	if sealed == "" || v.r.Method != http.MethodGet {
		return note{}
	}
	raw, err := v.app.keeper.OpenNote(v.cookie(sessionCookie), sealed)
	if err == nil {
		raw, err = unpacked(raw)
	}
	if err != nil || json.Unmarshal(raw, &n) != nil {
		v.setCookie(noteCookie, "", 0)
		return note{}
	}
	if n.Path != "" && n.Path != v.r.URL.Path {
		return note{} // for a page in another tab
	}
	return n
}
