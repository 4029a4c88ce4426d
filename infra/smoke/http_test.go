package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"latchkey/infra/local/way"
)

// A run for `sam local` names its sign-in as containers reach it, which this machine needs no entry for.
func TestTheSignInOfARunForContainersIsReached(t *testing.T) {
	asked := ""
	here := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.Host }))
	t.Cleanup(here.Close)
	named := strings.Replace(here.URL, "127.0.0.1", way.Host, 1)
	for _, url := range []string{named, here.URL} {
		response, err := newClient().Get(url) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || "http://"+asked != url {
			t.Errorf("%s is asked as %q, %v", url, asked, err)
		}
	}
}
