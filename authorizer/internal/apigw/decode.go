package apigw

import (
	"latchkey/shared/ascii"
	"latchkey/shared/authz"
	"latchkey/shared/jsonscan"
)

// maxDepth bounds nesting: an event has four levels.
const maxDepth = 64

// decoder reads the members that Event needs and skips the rest, all of it checked to be JSON.
type decoder struct {
	jsonscan.Scanner
	out   *Event
	stage string // of the event before
	seen  member
}

// member is a set of top-level members: each needed one may occur once.
type member uint16

const (
	methodARN member = 1 << iota
	path
	resource
	headers
	multiHeaders
	query
	multiQuery
	requestContext
	requestID
	extendedID
	identity
	sourceIP
)

// event reads the whole payload.
func (d *decoder) event() bool {
	return d.Object(d.member) && d.End() && d.seen&methodARN != 0
}

func (d *decoder) member(name string) bool {
	switch name {
	case "methodArn":
		return d.first(methodARN) && d.methodARN()
	case "path":
		return d.once(path, &d.out.Path)
	case "resource":
		return d.once(resource, &d.out.Resource)
	case "headers":
		return d.object(headers, d.header)
	case "multiValueHeaders":
		return d.object(multiHeaders, d.multiHeader)
	case "queryStringParameters":
		return d.object(query, d.parameter)
	case "multiValueQueryStringParameters":
		return d.object(multiQuery, d.multiParameter)
	case "requestContext":
		return d.object(requestContext, d.context)
	default:
		return d.Skip()
	}
}

// methodARN reads the string that every event has.
func (d *decoder) methodARN() bool {
	arn, ok := d.Text()
	if ok {
		d.out.Stage, d.out.RoutePath, ok = splitARN(arn, d.stage)
	}
	return ok
}

// first reports whether a member comes for the first time.
func (d *decoder) first(which member) bool {
	again := d.seen&which != 0
	d.seen |= which
	return !again
}

// object reads an object or null, the first time.
func (d *decoder) object(which member, member func(name string) bool) bool {
	return d.first(which) && (d.Null() || d.Object(member))
}

// optional reads a string or null.
func (d *decoder) optional(into *string) bool {
	if d.Null() {
		return true
	}
	text, ok := d.Text()
	*into = text
	return ok
}

func (d *decoder) context(name string) bool {
	switch name {
	case "requestId":
		return d.once(requestID, &d.out.RequestID)
	case "extendedRequestId":
		return d.once(extendedID, &d.out.ExtendedID)
	case "identity":
		return d.object(identity, d.identity)
	default:
		return d.Skip()
	}
}

func (d *decoder) identity(name string) bool {
	if name == "sourceIp" {
		return d.once(sourceIP, &d.out.SourceIP)
	}
	return d.Skip()
}

// once reads a string or null, the first time.
func (d *decoder) once(which member, into *string) bool {
	return d.first(which) && d.optional(into)
}

func (d *decoder) header(name string) bool         { return d.single(d.headerSource(name)) }
func (d *decoder) multiHeader(name string) bool    { return d.multi(d.headerSource(name)) }
func (d *decoder) parameter(name string) bool      { return d.single(d.parameterSource(name)) }
func (d *decoder) multiParameter(name string) bool { return d.multi(d.parameterSource(name)) }

func (d *decoder) headerSource(name string) *authz.Source {
	if name == "" {
		return nil
	}
	if c := name[0] | ' '; 'a' <= c && c < 'o' || 'r' < c && c < 'x' { // nothing that is read begins so, which most names do
		return nil
	}
	if authz.Imitates(name) {
		d.out.Imitated = true
	}
	switch len(name) {
	case len("x-api-key"):
		if ascii.EqualFold(name, "x-api-key") {
			return &d.out.APIKeyHeader
		}
	case len("origin"):
		if ascii.EqualFold(name, "origin") {
			return &d.out.Origin
		}
	case len("referer"):
		if ascii.EqualFold(name, "referer") {
			return &d.out.Referer
		}
	case len("x-android-package"):
		if ascii.EqualFold(name, "x-android-package") {
			return &d.out.AndroidPackage
		}
	case len("x-android-cert"):
		if ascii.EqualFold(name, "x-android-cert") {
			return &d.out.AndroidCert
		}
	case len("x-ios-bundle-identifier"):
		if ascii.EqualFold(name, "x-ios-bundle-identifier") {
			return &d.out.IOSBundle
		}
	}
	return nil
}

func (d *decoder) parameterSource(name string) *authz.Source {
	switch name {
	case "key":
		return &d.out.Key
	case "api_key":
		return &d.out.APIKey
	default:
		return nil
	}
}

// single reads a member of a single-value map: a string or null.
func (d *decoder) single(s *authz.Source) bool {
	if s == nil {
		return d.Skip()
	}
	var text string
	if !d.optional(&text) {
		return false
	}
	if text != "" {
		if s.Singles == 0 {
			s.Single = text
		}
		s.Singles++
	}
	return true
}

// multi reads a member of a multi-value map: a list of strings or nulls, or null.
func (d *decoder) multi(s *authz.Source) bool {
	if s == nil {
		return d.Skip()
	}
	return d.Null() || d.Array(func() bool {
		var text string
		if !d.optional(&text) {
			return false
		}
		if text != "" {
			if s.Values == 0 {
				s.Value = text
			}
			s.Values++
		}
		return true
	})
}
