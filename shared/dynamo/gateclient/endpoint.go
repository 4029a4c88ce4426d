package gateclient

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"latchkey/shared/dynamo"
)

// ErrEndpoint means that a Config leads to no endpoint.
var ErrEndpoint = errors.New("gateclient: no endpoint")

// Endpoint returns where a Config's calls go, which it has to say: the template knows the domain of its partition. Errors wrap ErrEndpoint and don't quote the
// endpoint.
func Endpoint(c dynamo.Config) (*url.URL, error) {
	if !label(c.Region) {
		return nil, fmt.Errorf("%w: the region is %q", ErrEndpoint, c.Region)
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, fmt.Errorf("%w: it is set to what is no URL with a host, by http or https", ErrEndpoint)
	}
	host := u.Host
	switch u.Scheme { // the port that goes without saying is neither sent nor signed
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	alone := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if u.Path != "" && u.Path != "/" || alone.String() != u.String() {
		return nil, fmt.Errorf("%w: it is set to a URL that has more than a host: a path, a query or a user", ErrEndpoint)
	}
	return &url.URL{Scheme: u.Scheme, Host: host, Path: "/"}, nil
}

// label reports whether a region may stand in the name of a host.
func label(region string) bool {
	for i := range len(region) {
		if c := region[i]; c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return region != "" && len(region) <= 63 && region[0] != '-'
}
