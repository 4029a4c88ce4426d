package gateclient_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/gateclient"
)

// store is a server in DynamoDB's place that counts its connections.
type store struct {
	*httptest.Server
	opened atomic.Int64
}

func newStore(t *testing.T, serve http.HandlerFunc) (*store, *gateclient.Client) {
	t.Helper()
	s := &store{Server: httptest.NewUnstartedServer(serve)}
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.opened.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c, transport := access, &http.Transport{DisableCompression: true}
	c.Endpoint = s.URL
	t.Cleanup(transport.CloseIdleConnections)
	return s, gateclient.New(c, transport, time.Now)
}

// TestAConnectionIsUsedAgain: an answer is read to its end, whatever it says.
func TestAConnectionIsUsedAgain(t *testing.T) {
	n := 0
	s, gate := newStore(t, func(w http.ResponseWriter, _ *http.Request) {
		switch n++; n % 4 {
		case 1:
			w.WriteHeader(http.StatusBadRequest)
		case 2:
			w.Header().Set("X-Amz-Crc32", "1")
		case 3:
			_, _ = w.Write([]byte(`{"Item":7}` + strings.Repeat(" ", 100_000)))
		}
		_, _ = w.Write([]byte(`{"Item":{"pk":{"S":"x"}}}`))
	})
	failed := 0
	for range 12 {
		if _, err := operations["GetItem"](t.Context(), gate); err != nil {
			failed++
		}
	}
	if s.opened.Load() != 1 || failed != 9 {
		t.Errorf("%d connections, %d failed", s.opened.Load(), failed)
	}
}

// TestAnAnswerIsHeldAgainstItsChecksum, a refusal too. The SDK's client of the pinned version computes it and only logs that it is another.
func TestAnAnswerIsHeldAgainstItsChecksum(t *testing.T) {
	for _, status := range []int{200, 400} {
		text := `{"__type":"ConditionalCheckFailedException","Item":{"pk":{"S":"x"}}}`
		right := crc32.ChecksumIEEE([]byte(text))
		for sum, good := range map[string]bool{
			"": true, strconv.FormatUint(uint64(right), 10): true, strconv.FormatUint(uint64(right^1), 10): false, "-1": false, "x": false,
			strconv.FormatUint(uint64(right)+1<<32, 10): false,
		} {
			w := &wire{status: status, answer: []byte(text), header: http.Header{"X-Amz-Crc32": {sum}}}
			gate, _ := both(access, w)
			item, err := operations["GetItem"](t.Context(), gate)
			var code smithy.APIError
			if read := item != nil || errors.As(err, &code); read != good {
				t.Errorf("%d with checksum %q: %v, %v", status, sum, item, err)
			}
		}
	}
}

// TestAnAnswerHasABound: the largest item fits, and nobody fills the memory.
func TestAnAnswerHasABound(t *testing.T) {
	// 400 KB of empty texts in a list, each of which costs DynamoDB one byte and JSON nine, is the largest that an item can be.
	largest := `{"Item":{"pk":{"L":[` + strings.TrimSuffix(strings.Repeat(`{"S":""},`, 400<<10), ",") + `]}}}`
	w := &wire{answer: []byte(largest)}
	gate, _ := both(access, w)
	if item, err := operations["GetItem"](t.Context(), gate); err != nil || len(item) != 1 {
		t.Errorf("%d bytes: %v", len(largest), err)
	}
	body := strings.NewReader(`{"Item":{"pk":{"S":"` + strings.Repeat("x", 6<<20) + `"}}}`)
	long := gateclient.New(access, transport(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(body)}, nil
	}), time.Now)
	if _, err := operations["GetItem"](t.Context(), long); err == nil || body.Len() < 1<<20 {
		t.Errorf("an answer of 6 MB: %v, and %d bytes of it weren't read", err, body.Len())
	}
}

// TestACallEndsWithItsContext: before it is sent, while it waits, and in the middle of its answer. Its error is the context's.
func TestACallEndsWithItsContext(t *testing.T) {
	for _, part := range []string{"", `{"Item":{`} {
		until := make(chan struct{})
		_, gate := newStore(t, func(w http.ResponseWriter, _ *http.Request) {
			if part != "" {
				_, _ = w.Write([]byte(part))
				w.(http.Flusher).Flush()
			}
			<-until
		})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := operations["GetItem"](ctx, gate)
		check(t, fmt.Sprintf("behind %q", part), err, context.DeadlineExceeded)
		cancel()
		close(until)
	}
	w := &wire{}
	gate, _ := both(access, w)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := operations["UpdateItem"](ctx, gate)
	if check(t, "already over", err, context.Canceled); w.calls != 0 {
		t.Error("sent")
	}
	ctx, cancel = context.WithCancel(t.Context())
	broken := transport(func(*http.Request) (*http.Response, error) {
		cancel()
		return nil, errGone
	})
	_, err = operations["UpdateItem"](ctx, gateclient.New(access, broken, time.Now))
	check(t, "an error of the connection that the end makes", err, context.Canceled)
	// An answer that is there counts, though the context ends with it.
	ctx, cancel = context.WithCancel(t.Context())
	late := transport(func(r *http.Request) (*http.Response, error) {
		defer cancel()
		return (&wire{status: 400, answer: []byte(`{"__type":"ThrottlingException"}`)}).RoundTrip(r)
	})
	if _, err := operations["UpdateItem"](ctx, gateclient.New(access, late, time.Now)); !dynamo.Throttled(err) {
		t.Errorf("an answer as the context ended: %v", err)
	}
}

// TestANetworksErrorStaysWhatItIs: for those who look at it.
func TestANetworksErrorStaysWhatItIs(t *testing.T) {
	gate := gateclient.New(access, transport(func(*http.Request) (*http.Response, error) { return nil, errGone }), time.Now)
	for operation, call := range operations {
		_, err := call(t.Context(), gate)
		check(t, operation, err, errGone)
	}
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	c := access
	c.Endpoint = server.URL
	var network net.Error
	if _, err := operations["GetItem"](t.Context(), gateclient.New(c, http.DefaultTransport, time.Now)); !errors.As(err, &network) || dynamo.Throttled(err) {
		t.Errorf("nobody listens: %v", err)
	}
}

// TestARedirectIsNotFollowed: a signed request is for the host that it names.
func TestARedirectIsNotFollowed(t *testing.T) {
	asked := 0
	_, gate := newStore(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	if _, err := operations["GetItem"](t.Context(), gate); err == nil || asked != 1 {
		t.Errorf("%v after %d requests", err, asked)
	}
}
