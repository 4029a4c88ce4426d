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

// store stands in for DynamoDB: it knows the callers' keys and answers at once, so that what is measured is the authorizer. It
// acknowledges leases and usage without keeping them.
type store struct {
	url    string
	known  callers
	roots  string // the file of the certificate that it shows; "" without TLS
	server net.Listener
	reads  atomic.Int64
	writes atomic.Int64
}

// eventTemplate is API Gateway's event for a browser that asks for a tile, with @secret@ in place of the secret.
//
//go:embed testdata/event.json
var eventTemplate []byte

// caller is a key of the benchmark.
type caller struct {
	event         []byte // a call with it
	hash          string // of its secret, as the gate asks for its record
	account       account.ID
	record        []byte // the answer to GetItem on the gate table by the secret
	accountRecord []byte // and by the account
}

// callers are the keys of the benchmark: one with a limit of its own, and one that all kinds of limits hold.
type callers struct{ plain, limited caller }

// enough is more than a run takes of any limit: a refusal would be another path.
const enough = 1_000_000_000

// fixture makes the callers. Their secrets are the same in each run, and nobody's: the benchmark has its own store.
func fixture(qps int) (callers, error) {
	plain, err := newCaller("latchkey bench ", authz.Account{ID: "acc_01JD0000000000000000000000", Type: account.Enterprise, Version: 3}, authz.Policy{
		KeyID: "key_01JD0000000000000000000000", Limits: []apikey.Limit{{Class: "map-display.tiles", QPS: qps}},
	})
	if err != nil {
		return callers{}, err
	}
	limited, err := newCaller("latchkey limits", authz.Account{
		ID: "acc_01JD0000000000000000000001", Type: account.Enterprise, Version: 3,
		Limits: account.Limits{{Class: "map-display.tiles", QPS: qps}},
		Quotas: account.Quotas{{Billing: string(apikey.Paying), Group: "tiles", Day: enough, Month: enough}},
	}, authz.Policy{
		KeyID: "key_01JD0000000000000000000001", Limits: []apikey.Limit{{Class: "map-display.tiles", QPS: qps}},
		Caps: apikey.Caps{{Group: "tiles", Day: enough}},
	})
	return callers{plain, limited}, err
}

// newCaller makes a key of an account, with what all of them have.
func newCaller(random string, of authz.Account, policy authz.Policy) (c caller, err error) {
	secret, err := apikey.Prefix("ak").Generate(bytes.NewReader(bytes.Repeat([]byte(random), 8)))
	if err != nil {
		return c, err
	}
	policy.Hash, policy.Account, policy.AccountType, policy.BillingType = secret.Hash(), of.ID, of.Type, apikey.Paying
	policy.Version, policy.Live, policy.MissingOrigin = 7, true, apikey.MissingOriginDeny
	policy.Products = []product.ID{"map-display", "search", "routing"}
	policy.Domains = []string{"example.com", "*.example.com", "https://shop.example.org:8443"}
	c = caller{hash: secret.Hash().String(), account: of.ID, event: bytes.ReplaceAll(eventTemplate, []byte("@secret@"), []byte(secret.Reveal()))}
	if c.record, err = json.Marshal(map[string]any{"Item": keytest.DynamoJSON(policies.Encode(policy))}); err != nil {
		return c, err
	}
	c.accountRecord, err = json.Marshal(map[string]any{"Item": keytest.DynamoJSON(policies.EncodeAccount(of))})
	return c, err
}

// find is the answer to a read of the gate table; one that names no key gets the plain caller's.
func (c callers) find(body []byte) []byte {
	for _, one := range []caller{c.limited, c.plain} {
		switch {
		case bytes.Contains(body, []byte(`"account#`+one.account+`"`)):
			return one.accountRecord
		case bytes.Contains(body, []byte(`"`+one.hash+`"`)):
			return one.record
		}
	}
	return c.plain.record
}

func newStore(known callers) (*store, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &store{url: "http://" + l.Addr().String(), known: known, server: l}
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
		return s.known.find(body)
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
