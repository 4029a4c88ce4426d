package way

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// A function reaches this machine by the name that containers know, with that name in the request, and nothing else.
func TestTheWayLeadsToThisMachineAlone(t *testing.T) {
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) }))
	t.Cleanup(here.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(here.URL, "http://"), ":")
	w := &Way{}
	proxy, closer, err := w.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = closer.Close() })
	at, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(at)}}
	get := func(url string) (int, string) {
		r, err := client.Get(url) //nolint:noctx // a test
		if err != nil {
			return 0, ""
		}
		defer func() { _ = r.Body.Close() }()
		body, _ := io.ReadAll(r.Body)
		return r.StatusCode, string(body)
	}
	if status, body := get("http://" + Host + ":" + port + "/x"); status != 200 || body != Host+":"+port {
		t.Errorf("%d %s", status, body)
	}
	for _, url := range []string{"http://dynamodb.us-east-1.amazonaws.com/", "https://secretsmanager.us-east-1.amazonaws.com/", "https://" + Host + ":" + port, "http://127.0.0.1.example:" + port} {
		if status, _ := get(url); status == 200 {
			t.Errorf("%s is reached", url)
		}
	}
	if got := w.Taken(); len(got) != 4 || !slices.Contains(got, "CONNECT secretsmanager.us-east-1.amazonaws.com:443") {
		t.Errorf("remembered: %q", got)
	}
	if got := w.Taken(); len(got) != 0 {
		t.Errorf("remembered twice: %q", got)
	}
}
