package origin

// Presence tells whether a call's headers name an origin. The zero value is an origin that matches nothing.
type Presence uint8

const (
	// Unreadable is a header that is there and names no origin that a browser would write. It matches no pattern,
	// and it is not missing: a key that allows missing origins refuses it.
	Unreadable Presence = iota
	// Missing is a call that names no origin.
	Missing
	// Known is a call that names an origin.
	Known
)

// String returns the presence as logs name it.
func (p Presence) String() string {
	switch p {
	case Missing:
		return "missing"
	case Known:
		return "known"
	default:
		return "unreadable"
	}
}

// FromHeaders returns the origin that a call names. A real Origin header decides alone. Where it is absent or says that
// there is none, the origin part of the Referer header decides: image tiles send no Origin, sandboxed frames send "null",
// and pages that a WebView loads from a file send "file://". An empty value counts as an absent header. The origin is
// the zero value unless it is [Known].
func FromHeaders(originHeader, refererHeader string) (Origin, Presence) {
	switch originHeader {
	case "", "null", "file://":
	default:
		return known(Parse(originHeader))
	}
	if refererHeader != "" {
		return known(FromReferer(refererHeader))
	}
	return Origin{}, Missing
}

func known(o Origin, ok bool) (Origin, Presence) {
	if !ok {
		return Origin{}, Unreadable
	}
	return o, Known
}
