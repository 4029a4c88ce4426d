package engine

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"

	"latchkey/infra/local/iam"
)

// front stands before the engine and refuses what the engine takes and DynamoDB doesn't, and what a function's role doesn't allow.
// Everything else passes as it is.
type front struct {
	store   *url.URL
	proxy   *httputil.ReverseProxy
	client  *http.Client
	guard   *iam.Guard
	mu      sync.Mutex
	schemas map[string][]keySchemaOf // by table, the table's own keys first, then those of its indexes
}

// keySchemaOf are the key attributes of a table or an index; Range may be empty.
type keySchemaOf struct {
	Index, Hash, Range string
	Types              map[string]string // S, N or B, by attribute
}

const maxRequest = 16 << 20 // DynamoDB's own limit is 16 MB

func newFront(store string, guard *iam.Guard) (*front, error) {
	u, err := url.Parse(store)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}
	f := &front{store: u, client: &http.Client{Transport: transport}, guard: guard, schemas: map[string][]keySchemaOf{}}
	f.proxy = &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: correct,
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	return f, nil
}

const targetPrefix = "DynamoDB_20120810."

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	caller := iam.Caller(r)
	looked := slices.Contains([]string{"Query", "Scan", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}, op)
	if looked || f.guard.Knows(caller) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			http.Error(w, "the request can't be read", http.StatusRequestEntityTooLarge)
			return
		}
		if f.guard.Knows(caller) {
			if denied := f.guard.Check(caller, f.callsOf(op, r, body)...); denied != nil {
				answer(w, map[string]string{"__type": "com.amazon.coral.service#AccessDeniedException", "Message": denied.Error()})
				return
			}
		}
		if message := f.refusal(op, r, body); looked && message != "" {
			refuse(w, message)
			return
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	switch op {
	case "CreateTable", "UpdateTable", "DeleteTable":
		f.mu.Lock()
		clear(f.schemas)
		f.mu.Unlock()
	}
	f.proxy.ServeHTTP(w, r)
}

// refusal says why DynamoDB would refuse what the engine takes, or nothing.
func (f *front) refusal(op string, r *http.Request, body []byte) string {
	why := refuseExpressions(body)
	if why == "" && op == "Query" {
		why = f.refuseKeys(r, body)
	}
	if why == "" && (op == "Query" || op == "Scan") {
		why = f.refuseStart(r, body)
	}
	return why
}

func refuse(w http.ResponseWriter, message string) {
	answer(w, map[string]string{"__type": "com.amazon.coral.validate#ValidationException", "message": message})
}

func answer(w http.ResponseWriter, body map[string]string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(body)
}

// correct puts right what the engine answers otherwise than DynamoDB: a batch whose item lacks a key is told so as every
// other mismatch of keys, and an error that names no member's value is the only one.
func correct(res *http.Response) error {
	if res.StatusCode != http.StatusBadRequest {
		return nil
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		return err
	}
	was := body
	if strings.HasSuffix(res.Request.Header.Get("X-Amz-Target"), ".BatchWriteItem") && bytes.Contains(body, []byte("Missing the key ")) {
		body = []byte(`{"__type":"com.amazon.coral.validate#ValidationException","message":"The provided key element does not match the schema"}`)
	}
	if before, after, ok := bytes.Cut(body, []byte(`"1 validation error detected: `)); ok && !bytes.HasPrefix(after, []byte("Value ")) {
		body = slices.Concat(before, []byte(`"`), after)
	}
	if !bytes.Equal(was, body) {
		res.Header.Del("X-Amz-Crc32")
		res.Header.Del("Content-Length")
		res.ContentLength = int64(len(body))
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// keysOf returns the key attributes of a table, or of one of its indexes, and of the table itself.
func (f *front) keysOf(r *http.Request, table, index string) (of, own keySchemaOf, ok bool) {
	f.mu.Lock()
	list := f.schemas[table]
	f.mu.Unlock()
	if list == nil {
		if list = f.describe(r, table); list == nil {
			return of, own, false
		}
		f.mu.Lock()
		f.schemas[table] = list
		f.mu.Unlock()
	}
	for _, k := range list {
		if k.Index == index {
			return k, list[0], true
		}
	}
	return of, own, false
}

func (f *front) describe(r *http.Request, table string) []keySchemaOf {
	body, _ := json.Marshal(map[string]string{"TableName": table})
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, f.store.String(), bytes.NewReader(body))
	if err != nil {
		return nil
	}
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "Content-Type"} {
		req.Header.Set(name, r.Header.Get(name))
	}
	req.Header.Set("X-Amz-Target", targetPrefix+"DescribeTable")
	res, err := f.client.Do(req)
	if err != nil {
		return nil
	}
	defer func() { _ = res.Body.Close() }()
	type schema []struct{ AttributeName, KeyType string }
	var out struct {
		Table struct {
			KeySchema              schema
			AttributeDefinitions   []struct{ AttributeName, AttributeType string }
			GlobalSecondaryIndexes []struct {
				IndexName string
				KeySchema schema
			}
		}
	}
	if json.NewDecoder(res.Body).Decode(&out) != nil || len(out.Table.KeySchema) == 0 {
		return nil
	}
	types := map[string]string{}
	for _, d := range out.Table.AttributeDefinitions {
		types[d.AttributeName] = d.AttributeType
	}
	read := func(index string, s schema) keySchemaOf {
		k := keySchemaOf{Index: index, Types: types}
		for _, e := range s {
			if e.KeyType == "HASH" {
				k.Hash = e.AttributeName
			} else {
				k.Range = e.AttributeName
			}
		}
		return k
	}
	list := []keySchemaOf{read("", out.Table.KeySchema)}
	for _, g := range out.Table.GlobalSecondaryIndexes {
		list = append(list, read(g.IndexName, g.KeySchema))
	}
	return list
}
