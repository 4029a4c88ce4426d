package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
)

// digestMark separates the version from the digest in the ETag of an answer to GET. If-Match goes by the version alone.
const digestMark = "-"

// conditional answers 304 to a GET whose If-None-Match names what the answer would be. A version isn't enough for that:
// without a new one a key expires, is used, and is shown to others with other members. So the tag of an answer to GET has a
// digest of its body beside the version, unless the answer may not be stored.
type conditional struct {
	http.ResponseWriter
	wanted string // If-None-Match
	held   bool   // a 200 with a tag waits for its body
	silent bool   // it became a 304
}

// WriteHeader implements http.ResponseWriter.
func (c *conditional) WriteHeader(code int) {
	h := c.Header()
	if code == http.StatusOK && h.Get("ETag") != "" && h.Get("Cache-Control") != "no-store" {
		c.held = true
		return
	}
	c.ResponseWriter.WriteHeader(code)
}

// aging finds what changes in an answer by the clock alone: last_used_at says the same.
var aging = regexp.MustCompile(`"last_used_age_seconds":[0-9]+`)

// Write implements http.ResponseWriter. The whole body of an answer with a tag comes at once, from [JSON].
func (c *conditional) Write(body []byte) (int, error) {
	if c.silent {
		return len(body), nil
	}
	if !c.held {
		return c.ResponseWriter.Write(body)
	}
	c.held = false
	digest := sha256.Sum256(aging.ReplaceAll(body, nil))
	tag := strings.TrimSuffix(c.Header().Get("ETag"), `"`) + digestMark + hex.EncodeToString(digest[:6]) + `"`
	c.Header().Set("ETag", tag)
	if !noneMatch(c.wanted, tag) {
		c.ResponseWriter.WriteHeader(http.StatusOK)
		return c.ResponseWriter.Write(body)
	}
	c.silent = true
	c.Header().Del("Content-Type")
	c.ResponseWriter.WriteHeader(http.StatusNotModified)
	return len(body), nil
}

// noneMatch reports whether If-None-Match names the tag, by weak comparison (RFC 9110, section 13.1.2). What is no list of
// tags names nothing.
func noneMatch(header, tag string) bool {
	tags, all, ok := entityTags(header)
	for _, t := range tags {
		all = all || `"`+t.opaque+`"` == tag
	}
	return ok && all
}
