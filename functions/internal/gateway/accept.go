package gateway

import (
	"net/http"
	"strings"

	"github.com/elnormous/contenttype"
)

// Negotiate returns the one of the offered media types that the Accept header prefers (RFC 9110, section 12.5.1). It is the
// first offer where there is no header, none that can be read, or none of the offers in it: an answer in another form is more use
// than a 406.
func Negotiate(r *http.Request, offers ...string) string {
	available := make([]contenttype.MediaType, len(offers))
	for i, offer := range offers {
		available[i] = contenttype.NewMediaType(offer)
	}
	header := strings.Join(r.Header.Values("Accept"), ",")
	best, _, err := contenttype.GetAcceptableMediaTypeFromHeader(header, available)
	if err != nil || strings.TrimSpace(header) == "" {
		return offers[0]
	}
	return best.MIME()
}
