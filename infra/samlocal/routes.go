package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// httpEvent has the members of a call that a proxy event and an event of an authorizer share.
type httpEvent struct {
	Method  string              `json:"httpMethod"`
	Path    string              `json:"path"`
	Headers map[string]string   `json:"headers"`
	Query   map[string][]string `json:"multiValueQueryStringParameters"`
	Body    string              `json:"body"`
}

// What `sam local` makes of refusals: it takes the authorizer's Unauthorized for a failure, and has words of its own for a Deny.
const (
	refused = `{"statusCode":502,"headers":null,"multiValueHeaders":{"...":""},"body":{"message":"Internal server error"}}`
	denied  = `{"statusCode":403,"headers":null,"multiValueHeaders":{"...":""},"body":{"message":"User is not authorized to access this resource"}}`
)

// routed is the case of an event that came by HTTP, as `sam local start-api` answers it; ok is false for others. For the authorizer's
// events that is the tile behind it.
func routed(c testCase, tile []byte) (testCase, bool) {
	var event httpEvent
	if err := json.Unmarshal(c.event, &event); err != nil || event.Method == "" {
		return c, false
	}
	switch answer := string(c.answer); {
	case c.function != "Authorizer":
	case strings.Contains(answer, `"Allow"`):
		c.answer = tile
	case strings.Contains(answer, `"Deny"`):
		c.answer = []byte(denied)
	default:
		c.answer = []byte(refused)
	}
	return c, true
}

// askRoutes sends the events of HTTP to the routes of the template, by `sam local start-api` on the local run that is up, with keys made
// for them.
func askRoutes(ctx context.Context, o options) error {
	cases, err := readCases(eventsDir)
	if err != nil {
		return err
	}
	v, err := valuesOf(ctx, o.data)
	if err != nil {
		return err
	}
	base, stop, err := startAPI(ctx, o)
	if err != nil {
		return err
	}
	defer stop()
	asked, failed, tile := 0, 0, []byte(nil)
	for _, c := range cases {
		if c.name == "demo-tile" {
			tile = c.answer
		}
	}
	for _, c := range cases {
		c, ok := routed(c, tile)
		if !ok {
			continue
		}
		asked++
		failed += compare("start-api ", c, v, func(event []byte) (any, string, error) {
			answer, err := send(ctx, base, event)
			return answer, "", err
		})
	}
	return verdict(failed, asked, "calls answered as expected by sam local start-api")
}

// startAPI starts `sam local start-api` on a free port and waits until it listens.
func startAPI(ctx context.Context, o options) (base string, stop func(), err error) {
	ports, err := freePorts(1)
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := samCommand(ctx, o, "start-api", "--port", fmt.Sprint(ports[0]))
	log := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		cancel()
		return "", nil, err
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	stop = func() { cancel(); <-ended }
	base = fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	for range 600 {
		if response, err := http.Get(base + "/"); err == nil { //nolint:gosec,noctx // our own
			return base, stop, response.Body.Close()
		} else if !errors.Is(err, syscall.ECONNREFUSED) {
			stop()
			return "", nil, fmt.Errorf("%w\n%s", err, log)
		}
		select {
		case <-ended:
			stop()
			return "", nil, fmt.Errorf("sam local start-api ended:\n%s", log)
		case <-time.After(100 * time.Millisecond):
		}
	}
	stop()
	return "", nil, fmt.Errorf("sam local start-api doesn't listen:\n%s", log)
}

// asSent sends the headers of an event and no others: with Accept-Encoding the console would compress its pages.
var asSent = &http.Transport{DisableCompression: true}

// send makes an event's call, and an answer such as a function's of what comes back.
func send(ctx context.Context, base string, raw []byte) (any, error) {
	var event httpEvent
	if err := json.Unmarshal(raw, &event); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	target := base + event.Path
	if len(event.Query) > 0 {
		target += "?" + url.Values(event.Query).Encode()
	}
	r, err := http.NewRequestWithContext(ctx, event.Method, target, strings.NewReader(event.Body))
	if err != nil {
		return nil, err
	}
	for name, value := range event.Headers {
		if name != "Host" {
			r.Header.Set(name, value)
		}
	}
	response, err := asSent.RoundTrip(r) // a redirect is an answer
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	return answerOf(response, body), nil
}

// ofTheServer are headers that the function didn't set.
var ofTheServer = map[string]bool{"Connection": true, "Content-Length": true, "Date": true, "Server": true}

// requestID is that of the events. Behind SAM it is another for each call.
const requestID = "AbCdEfGhIjKlMnO="

// answerOf has the members that answers in infra/events name, with the ID of the events in place of the request's own: what the body says
// is what the header says.
func answerOf(response *http.Response, body []byte) map[string]any {
	headers := map[string]any{}
	for name, values := range response.Header {
		if ofTheServer[name] {
			continue
		}
		list := make([]any, len(values))
		for i, value := range values {
			list[i] = value
		}
		headers[name] = list
	}
	text := string(body)
	if id := response.Header.Get("X-Request-Id"); id != "" {
		headers["X-Request-Id"] = []any{requestID}
		text = strings.ReplaceAll(text, id, requestID)
	}
	answer := map[string]any{"statusCode": float64(response.StatusCode), "headers": nil, "multiValueHeaders": headers, "body": text}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "image/") {
		answer["isBase64Encoded"], answer["body"] = true, base64.StdEncoding.EncodeToString(body)
	}
	return answer
}
