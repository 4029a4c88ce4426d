package apigw

import (
	"errors"
	"strings"
	"unicode/utf8"
	"unsafe"

	"latchkey/shared/appid"
	"latchkey/shared/authz"
	"latchkey/shared/jsonscan"
	"latchkey/shared/network"
	"latchkey/shared/origin"
)

// ErrEvent means that a payload is no REQUEST authorizer event: no JSON, not UTF-8, nested too deeply, a needed member
// twice or of the wrong type, or no method ARN of a stage.
var ErrEvent = errors.New("apigw: not an authorizer event")

// Event holds the fields of a REQUEST authorizer event that the gate uses. Its strings but the stage share the payload's memory,
// which the runtime client uses again when the call is answered: clone what outlives that.
type Event struct {
	Stage      string // "arn:…:<api>/<stage>", the method ARN's beginning
	RoutePath  string // the path in the method ARN, with its leading "/"
	Path       string // the event's own path; empty if it has none
	Resource   string // the route: "/map/{proxy+}"
	RequestID  string // API Gateway's, as the access log has it; a caller can choose it
	ExtendedID string // API Gateway's other one, which a caller can't choose; empty if the event has none
	SourceIP   string // the address that API Gateway's connection came from; empty if the event has none

	Key          authz.Source // ?key=
	APIKey       authz.Source // ?api_key=
	APIKeyHeader authz.Source // X-Api-Key, in any case
	Origin       authz.Source
	Referer      authz.Source

	AndroidPackage authz.Source // X-Android-Package
	AndroidCert    authz.Source // X-Android-Cert
	IOSBundle      authz.Source // X-Ios-Bundle-Identifier

	// Imitated says that a header has a name which some upstreams take for one of the gate's own: see authz.Imitates.
	Imitated bool
}

// Credential is the call's one credential; see authz.Credential. A call with a header that imitates the gate's has
// none: its code is HeaderNotAllowed.
func (e *Event) Credential() (text string, place authz.Place, code authz.Code) {
	text, place, code = authz.Credential(&e.Key, &e.APIKey, &e.APIKeyHeader)
	if code == "" && e.Imitated {
		return "", authz.Nowhere, authz.HeaderNotAllowed
	}
	return text, place, code
}

// CallerOrigin is the origin that the call names. A header that is there more than once is unreadable.
func (e *Event) CallerOrigin() (origin.Origin, origin.Presence) {
	return origin.FromHeaders(only(&e.Origin), only(&e.Referer))
}

// Address is the caller's, as API Gateway saw it. What the call says of it, as in X-Forwarded-For, counts for nothing.
func (e *Event) Address() network.Address { return network.ParseAddress(e.SourceIP) }

// App is the app that the call names. A header that is there more than once names none.
func (e *Event) App() appid.Caller {
	return appid.FromHeaders(only(&e.AndroidPackage), only(&e.AndroidCert), only(&e.IOSBundle))
}

func only(s *authz.Source) string {
	n, value := s.One()
	switch n {
	case 0:
		return ""
	case 1:
		return value
	default:
		return "," // names no origin and no app
	}
}

// Target returns the call's target. The event states it three times: the route that API Gateway chose, the path in
// the method ARN, and the path as sent, which begins with the base path of a custom domain. All of them must be
// canonical, and the route must belong to the same product as the path; otherwise the call has no target.
func (e *Event) Target(products authz.Matcher) authz.Target {
	target := authz.TargetOf(e.RoutePath, products)
	if e.Path != "" && e.Path != e.RoutePath && !authz.SameAsSent(e.Path, target, products) {
		return authz.Target{}
	}
	if route, ok := products.Match(e.Resource); ok && route.Product != target.Match.Product {
		return authz.Target{}
	}
	return target
}

// Decoder reads one event after the other. Its zero value is ready for use.
type Decoder struct {
	event Event
	stage string // of the event before, which is nearly always this one's
}

// Decode reads an event, which is good as long as the payload is, and until the next one is read. Errors are ErrEvent and never
// quote the payload, which holds secrets.
func (d *Decoder) Decode(payload []byte) (*Event, error) {
	if !utf8.Valid(payload) {
		return nil, ErrEvent
	}
	// The text is the payload itself, for copying it would cost as much memory as all the rest of a call.
	d.event = Event{}
	in := decoder{out: &d.event, stage: d.stage, Scanner: jsonscan.New(unsafe.String(unsafe.SliceData(payload), len(payload)), maxDepth)} //nolint:gosec // read only
	if !in.event() {
		return nil, ErrEvent
	}
	if in.out.Stage != d.stage {
		d.stage = strings.Clone(in.out.Stage)
	}
	in.out.Stage = d.stage
	return &d.event, nil
}

// splitARN cuts a method ARN, "arn:…:<api>/<stage>/<method>/<path>", into stage and path. known is a stage that it has found, or "".
func splitARN(arn, known string) (stage, path string, ok bool) {
	if known != "" && len(arn) > len(known) && arn[len(known)] == '/' && arn[:len(known)] == known {
		stage = known
	} else if stage, ok = stageOf(arn); !ok {
		return "", "", false
	}
	method, rest, ok := strings.Cut(arn[len(stage)+1:], "/")
	if !ok || method == "" {
		return "", "", false
	}
	return stage, arn[len(arn)-len(rest)-1:], true
}

// stageOf is a method ARN's beginning.
func stageOf(arn string) (stage string, ok bool) {
	api := strings.IndexByte(arn, '/')
	if api <= 0 || !strings.HasPrefix(arn, "arn:") {
		return "", false
	}
	end := strings.IndexByte(arn[api+1:], '/')
	if end <= 0 {
		return "", false
	}
	stage = arn[:api+1+end]
	return stage, plainARN(stage)
}

// plainARN reports whether an ARN holds only what the ARN of a stage can: neither wildcards, which a policy would
// read as such, nor what JSON would escape.
func plainARN(arn string) bool {
	for i := range len(arn) {
		c := arn[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == ':', c == '/', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}
