package gateclient_test

import (
	"errors"
	"strings"
	"testing"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/gateclient"
)

// TestAnEndpointIsAHostAlone, by http or https; anything else is none, and the gate doesn't start.
func TestAnEndpointIsAHostAlone(t *testing.T) {
	for text, want := range map[string]string{
		"http://127.0.0.1:8000": "http://127.0.0.1:8000/", "https://dynamodb.eu-west-1.amazonaws.com/": "https://dynamodb.eu-west-1.amazonaws.com/",
		"http://store:80": "http://store/", "https://[::1]:443": "https://[::1]/", "https://store:80": "https://store:80/",
	} {
		if got, err := gateclient.Endpoint(dynamo.Config{Region: "eu-west-1", Endpoint: text}); err != nil || got.String() != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "http://[::1", "store", "store:8000", "/", "//store", "ftp://store", "http://", "http://:8000", "http://store/path", "http://store//", "http://store?a=b", "http://store/?", "http://store#f",
		"http://user@store", "http:store", "%", "http://store/%2F",
	} {
		if got, err := gateclient.Endpoint(dynamo.Config{Region: "eu-west-1", Endpoint: text}); !errors.Is(err, gateclient.ErrEndpoint) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, region := range []string{"", "eu west", "eu.west", "eu/west", "EU-WEST-1", "-eu", "é", strings.Repeat("a", 64)} {
		if got, err := gateclient.Endpoint(dynamo.Config{Region: region, Endpoint: "https://store"}); !errors.Is(err, gateclient.ErrEndpoint) {
			t.Errorf("region %q: %v, %v", region, got, err)
		}
	}
}
