// Package management calls the management API, as any client would: with a person's access token, over HTTP.
package management

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"latchkey/shared/api"
)

// Client knows where the API is.
type Client struct {
	base string
	http *http.Client
}

// New makes a client of the API at base, which has no slash at its end. A nil client gets one of its own.
func New(base string, client *http.Client) *Client {
	if client == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = 16
		client = &http.Client{Timeout: 12 * time.Second, Transport: transport}
	}
	return &Client{base: strings.TrimRight(base, "/"), http: client}
}

// As returns the API as one person sees it.
func (c *Client) As(accessToken string) Person {
	return Person{client: c, token: accessToken, left: new(atomic.Bool), cut: new(atomic.Bool)}
}

// Person makes calls with one person's token.
type Person struct {
	client *Client
	token  string
	left   *atomic.Bool // see LeftOut
	cut    *atomic.Bool // see Cut
}

// LeftOut reports whether an answer so far said that stored records can't be read and are missing in it.
func (p Person) LeftOut() bool { return p.left != nil && p.left.Load() }

// Cut reports whether Pages has read a list so far that has more than it reads.
func (p Person) Cut() bool { return p.cut != nil && p.cut.Load() }

// Apart returns the same person with a Cut of its own, for a list beside those of the page.
func (p Person) Apart() Person {
	p.cut = new(atomic.Bool)
	return p
}

// Problem is a refusal of the API.
type Problem struct {
	api.Problem
	RetryAfter string // the header of that name, "" if there is none
}

// Error names the code and where to look it up. It holds nothing that a customer typed.
func (p *Problem) Error() string {
	return fmt.Sprintf("management: %d %s, request %s", p.Status, p.Code, p.RequestId)
}

// Fields returns what is wrong with single members of the body.
func (p *Problem) Fields() []api.FieldError {
	if p.Errors == nil {
		return nil
	}
	return *p.Errors
}

// ErrUnreachable means that there was no answer, or none of the API.
var ErrUnreachable = errors.New("management: the API can't be reached")

// Call is one request. Path is relative to the API's base, escaped.
type Call struct {
	Method, Path string
	Query        url.Values
	Body         any    // nil sends none
	Version      int64  // sent as If-Match if it isn't 0
	Idempotency  string // sent as Idempotency-Key if it isn't ""
	Accept       string // application/json if ""
}

// Answer holds the parts of a response beside its document.
type Answer struct {
	Status   int
	Replayed bool // the answer to an Idempotency-Key that was seen before
	Header   http.Header
	Raw      []byte
}

const largest = 8 << 20

// Do makes a call and decodes the answer into the document, which may be nil. A refusal is a *Problem.
func (p Person) Do(ctx context.Context, call Call, into any) (Answer, error) {
	for attempt := 0; ; attempt++ {
		answer, err := p.once(ctx, call)
		var problem *Problem
		if attempt == 0 && call.Method == http.MethodGet && errors.As(err, &problem) && problem.Status == http.StatusServiceUnavailable {
			continue // a read that met a conflict or a cold store
		}
		if err != nil || into == nil || answer.Status == http.StatusNoContent {
			return answer, err
		}
		if err := json.Unmarshal(answer.Raw, into); err != nil {
			return answer, fmt.Errorf("%w: its answer can't be read", ErrUnreachable)
		}
		if _, other := into.(*api.Operation); !other && leavesOut(answer.Raw) {
			p.left.Store(true)
		}
		return answer, nil
	}
}

// leavesOut reports whether an answer has the member that says so: the same in lists, usage and statements. An operation's own says
// something else.
func leavesOut(raw []byte) bool {
	if !bytes.Contains(raw, []byte(`"unreadable":`)) {
		return false // as nearly always
	}
	var said struct {
		Unreadable int `json:"unreadable"`
	}
	return json.Unmarshal(raw, &said) == nil && said.Unreadable > 0
}

// Get reads one document.
func Get[T any](ctx context.Context, p Person, path string, query url.Values) (doc T, err error) {
	_, err = p.Do(ctx, Call{Method: http.MethodGet, Path: path, Query: query}, &doc)
	return doc, err
}

// pageSize is the largest page that the API gives.
const pageSize = "100"

// Pages reads a list page by page, at most so many pages: what stands behind them isn't read, and Cut says so. next is a page's
// next_page_token.
func Pages[T any](ctx context.Context, p Person, path string, most int, next func(T) *string, take func(T)) error {
	query := url.Values{"page_size": {pageSize}}
	for range most {
		page, err := Get[T](ctx, p, path, query)
		if err != nil {
			return err
		}
		take(page)
		token := next(page)
		if token == nil {
			return nil
		}
		query.Set("page_token", *token)
	}
	p.cut.Store(true)
	return nil
}

func (p Person) once(ctx context.Context, call Call) (Answer, error) {
	req, err := p.request(ctx, call)
	if err != nil {
		return Answer{}, err
	}
	res, err := p.client.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return Answer{}, ctx.Err()
		}
		var sent *url.Error
		if errors.As(err, &sent) {
			err = sent.Err // without the URL: its query may hold what somebody typed, and errors are logged
		}
		return Answer{}, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, largest))
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	answer := Answer{Status: res.StatusCode, Replayed: res.Header.Get("Idempotent-Replayed") == "true", Header: res.Header, Raw: raw}
	if res.StatusCode < 300 {
		return answer, nil
	}
	problem := &Problem{}
	if json.Unmarshal(raw, &problem.Problem) != nil || problem.Code == "" {
		problem.Problem = api.Problem{Code: "unavailable", Error: "The service is temporarily unavailable."}
	}
	problem.Status, problem.RetryAfter = res.StatusCode, res.Header.Get("Retry-After")
	if problem.RequestId == "" {
		problem.RequestId = res.Header.Get("X-Request-Id")
	}
	return answer, problem
}

func (p Person) request(ctx context.Context, call Call) (*http.Request, error) {
	target := p.client.base + call.Path
	if len(call.Query) > 0 {
		target += "?" + call.Query.Encode()
	}
	var body io.Reader
	if call.Body != nil {
		doc, err := json.Marshal(call.Body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(doc)
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, target, body)
	if err != nil {
		return nil, err
	}
	h := req.Header
	h.Set("Authorization", "Bearer "+p.token)
	h.Set("Accept", "application/json")
	if call.Accept != "" {
		h.Set("Accept", call.Accept)
	}
	switch {
	case call.Method == http.MethodPatch:
		h.Set("Content-Type", "application/merge-patch+json")
	case call.Body != nil:
		h.Set("Content-Type", "application/json")
	}
	if call.Version > 0 {
		h.Set("If-Match", `"`+strconv.FormatInt(call.Version, 10)+`"`)
	}
	// All of the API's writes are safe to repeat, those that make something with the Idempotency-Key of their form. An empty entry tells
	// net/http so, and isn't sent: a connection that died while the environment was frozen is replaced without an error.
	h["Idempotency-Key"] = nil
	if call.Idempotency != "" {
		h.Set("Idempotency-Key", call.Idempotency)
	}
	return req, nil
}
