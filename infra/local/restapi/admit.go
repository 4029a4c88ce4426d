package restapi

import (
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"latchkey/infra/local/wire"
)

// host is a name or an address, with a port or without.
var host = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

func isHost(text string) bool {
	parts := host.FindStringSubmatch(text)
	if parts == nil {
		return false
	}
	if port := strings.TrimPrefix(parts[2], ":"); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
	}
	if address, ok := strings.CutPrefix(parts[1], "["); ok {
		_, err := netip.ParseAddr(strings.TrimSuffix(address, "]"))
		return err == nil
	}
	return true
}

// unserved says why a request doesn't reach any API, or nothing if it does.
func unserved(r *wire.Request) string {
	hosts := 0
	for _, h := range r.Headers {
		if strings.EqualFold(h.Name, "Host") && h.Value != "" {
			hosts++
		}
	}
	switch {
	case hosts != 1:
		return "a request names its host once"
	case !isHost(r.Get("Host")):
		return "the host is no name and no address"
	case r.Authority != "" && !strings.EqualFold(r.Authority, r.Get("Host")):
		return "the target names another host than the header"
	}
	for i := range len(r.Path) {
		if c := r.Path[i]; c >= 0x80 || strings.IndexByte("\"#<>[\\]^`{|}", c) >= 0 {
			return "the path has a character that must be encoded"
		}
	}
	if strings.Contains(r.Query, "#") {
		return "a fragment is no part of a request"
	}
	return ""
}

// cutStage takes the stage off a path on the API's default URL. Any other host is a custom domain, mapped at its root.
func (x *exchange) cutStage() bool {
	path := "/" + strings.TrimLeft(x.req.Path, "/")
	if strings.HasPrefix(strings.ToLower(x.host), strings.ToLower(x.api.ID)+".execute-api.") {
		rest, ok := strings.CutPrefix(path, "/"+x.api.Stage)
		if !ok || rest != "" && rest[0] != '/' {
			return false
		}
		path = "/" + strings.TrimLeft(rest, "/")
	}
	x.path = path
	return true
}

// noSuchStage is answered in front of every API, so no API's gateway responses word it.
func noSuchStage() wire.Response {
	return wire.Response{Status: http.StatusForbidden, Body: []byte(`{"message":"Forbidden"}`), Headers: []wire.Field{
		{Name: "Content-Type", Value: "application/json"}, {Name: "x-amzn-ErrorType", Value: "ForbiddenException"},
	}}
}

// route finds the resource and its method.
func (x *exchange) route() {
	if r, params := x.api.root.match(x.req.Method, x.path); r != nil {
		x.resource, x.params, x.method = r, params, r.method(x.req.Method)
	}
}

// masked is a path for the log: a secret that was put into a path must not be found there. No name or ID of this product in
// a path is longer than 32 characters, and every secret is, however it is encoded.
func masked(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if len(p) > 32 {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, "/")
}
