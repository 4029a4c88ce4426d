package main

import (
	"bytes"
	_ "embed" // for the event
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// store stands in for DynamoDB: it knows one key and answers at once, so that what is measured is the authorizer. It
// acknowledges leases and usage without keeping them.
type store struct {
	url    string
	record []byte // the answer to GetItem on the gate table by the secret
	roots  string // the file of the certificate that it shows; "" without TLS
	server net.Listener
	reads  atomic.Int64
	writes atomic.Int64
}

// accountRecord is the answer to GetItem on the gate table by the account.
var accountRecord, _ = json.Marshal(map[string]any{"Item": keytest.DynamoJSON(
	policies.EncodeAccount(authz.Account{ID: "acc_01JD0000000000000000000000", Type: account.Enterprise, Version: 3}))})

// eventTemplate is API Gateway's event for a browser that asks for a tile, with @secret@ in place of the secret.
//
//go:embed testdata/event.json
var eventTemplate []byte

// fixture is the one key of the benchmark, and the event that uses it.
func fixture(qps int) (event, record []byte, err error) {
	// The same secret in each run, and a secret of nobody: the benchmark has its own store.
	secret, err := apikey.Prefix("ak").Generate(bytes.NewReader(bytes.Repeat([]byte("latchkey bench "), 8)))
	if err != nil {
		return nil, nil, err
	}
	item := policies.Encode(authz.Policy{
		Hash: secret.Hash(), KeyID: "key_01JD0000000000000000000000", Account: "acc_01JD0000000000000000000000",
		AccountType: account.Enterprise, BillingType: apikey.Paying, Version: 7, Live: true,
		Products: []product.ID{"map-display", "search", "routing"},
		Domains:  []string{"example.com", "*.example.com", "https://shop.example.org:8443"}, MissingOrigin: apikey.MissingOriginDeny,
		Limits: []apikey.Limit{{Class: "map-display.tiles", QPS: qps}},
	})
	record, err = json.Marshal(map[string]any{"Item": keytest.DynamoJSON(item)})
	return bytes.ReplaceAll(eventTemplate, []byte("@secret@"), []byte(secret.Reveal())), record, err
}

func newStore(record []byte) (*store, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &store{url: "http://" + l.Addr().String(), record: record, server: l}
	go accept(l, s.serve)
	return s, nil
}

func (s *store) close() { _ = s.server.Close() }

// calls counts what the store was asked so far.
func (s *store) calls() int64 { return s.reads.Load() + s.writes.Load() }

// request holds the fields of a request that the stand-in reads.
type request struct {
	UpdateExpression         string
	ExpressionAttributeNames map[string]string
	// Values are kept as they came, to be sent back.
	ExpressionAttributeValues map[string]json.RawMessage
}

// serve answers over bare TCP for the same reason as the Runtime API.
func (s *store) serve(conn net.Conn) {
	requests(conn, func(r *http.Request, body []byte, out *bytes.Buffer) {
		answer := s.answer(r.Header.Get("X-Amz-Target"), body)
		fmt.Fprintf(out, "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n", len(answer))
		out.Write(answer)
	})
}

func (s *store) answer(target string, body []byte) []byte {
	_, operation, _ := strings.Cut(target, ".")
	switch operation {
	case "GetItem":
		s.reads.Add(1)
		if !bytes.Contains(body, []byte(`"TableName":"gate"`)) {
			return []byte("{}")
		}
		if bytes.Contains(body, []byte(`"account#`)) {
			return accountRecord
		}
		return s.record
	case "UpdateItem":
		s.writes.Add(1)
		var in request
		if err := json.Unmarshal(body, &in); err != nil {
			return []byte("{}") // the contestant will say that it isn't allowed
		}
		return added(in)
	default:
		s.writes.Add(1)
		return []byte("{}")
	}
}

// added answers an update as if the item had been empty: each "name :value" of the expression is then the new value.
func added(in request) []byte {
	attributes := map[string]json.RawMessage{}
	words := strings.FieldsFunc(in.UpdateExpression, func(c rune) bool { return strings.ContainsRune(" ,=()", c) })
	for i := 0; i+1 < len(words); i++ {
		name, value := words[i], in.ExpressionAttributeValues[words[i+1]]
		if value == nil {
			continue
		}
		if full, ok := in.ExpressionAttributeNames[name]; ok {
			name = full
		}
		attributes[name] = value
	}
	answer, err := json.Marshal(map[string]any{"Attributes": attributes})
	if err != nil { // it came as JSON
		panic(err)
	}
	return answer
}
