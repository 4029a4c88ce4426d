// Package eventbus is EventBridge's PutEvents on this machine: it checks entries as AWS documents it, hands each event
// to a callback, keeps the last ones, and can append them to a file. It has no rules and no targets.
package eventbus

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"latchkey/infra/local/iam"
)

const (
	maxEntries = 10
	maxBytes   = 256 << 10 // of all entries of a request, counted as AWS counts
)

// Event is an event as EventBridge hands it to a target.
type Event struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       time.Time       `json:"time"` // whole seconds, UTC
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
	Bus        string          `json:"-"` // name or ARN, "default" if the entry named none
}

// Config configures a Bus. The zero value works.
type Config struct {
	Region  string      // "" means us-east-1
	Account string      // "" means 000000000000
	OnEvent func(Event) // called for each event, one at a time, in order; may be nil
	File    string      // events are appended here, one line of JSON each; "" means nowhere
	Guard   *iam.Guard  // of what functions may do; nil: everything
}

// Bus is an http.Handler for the AWS JSON 1.1 protocol, safe for concurrent use.
type Bus struct {
	cfg Config

	mu   sync.Mutex
	file *os.File
}

// New opens the file, if there is one.
func New(cfg Config) (*Bus, error) {
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if cfg.Account == "" {
		cfg.Account = "000000000000"
	}
	b := &Bus{cfg: cfg}
	if cfg.File != "" {
		f, err := os.OpenFile(cfg.File, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("eventbus: %w", err)
		}
		b.file = f
	}
	return b, nil
}

// Close closes the file. The bus must not be called any more.
func (b *Bus) Close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}

type entry struct {
	Time         *float64 // seconds since 1970
	Source       string
	Resources    []string
	DetailType   string
	Detail       string
	EventBusName string
	TraceHeader  string
}

// result is one entry of the answer: an ID or an error.
type result struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:"ErrorCode,omitempty"`
	ErrorMessage string `json:"ErrorMessage,omitempty"`
}

// ServeHTTP answers AWSEvents.PutEvents.
func (b *Bus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target := r.Header.Get("X-Amz-Target")
	if r.Method != http.MethodPost || target != "AWSEvents.PutEvents" {
		refuse(w, "UnknownOperationException", fmt.Sprintf("the local event bus plays PutEvents alone, not %q", strings.TrimPrefix(target, "AWSEvents.")))
		return
	}
	var in struct{ Entries []entry }
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<20))
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		refuse(w, "SerializationException", "the request is no JSON of PutEvents")
		return
	}
	if denied := b.cfg.Guard.Check(iam.Caller(r), b.callsOf(in.Entries)...); denied != nil {
		refuse(w, "AccessDeniedException", denied.Error())
		return
	}
	if n := len(in.Entries); n < 1 || n > maxEntries {
		refuse(w, "ValidationException", fmt.Sprintf("1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and %d, has %d", maxEntries, n))
		return
	}
	size := 0
	for _, e := range in.Entries {
		size += e.size()
	}
	if size > maxBytes {
		refuse(w, "ValidationException", "Total size of the entries in the request is over the limit.")
		return
	}
	answer(w, http.StatusOK, b.put(in.Entries))
}

// callsOf lists what entries need permission for: each bus that they name.
func (b *Bus) callsOf(entries []entry) (calls []iam.Call) {
	for _, e := range entries {
		bus := e.EventBusName
		if bus == "" {
			bus = "default"
		}
		if !strings.HasPrefix(bus, "arn:") {
			bus = "arn:aws:events:" + b.cfg.Region + ":" + b.cfg.Account + ":event-bus/" + bus
		}
		calls = append(calls, iam.Call{Action: "events:PutEvents", Resource: bus})
	}
	return calls
}

// size returns the entry's size as AWS counts it against the limit.
func (e entry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if e.Time != nil {
		n += 14
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

func (b *Bus) put(entries []entry) any {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out struct {
		FailedEntryCount int
		Entries          []result
	}
	for _, e := range entries {
		res := e.check()
		if res.ErrorCode == "" {
			ev := b.event(e)
			if err := b.deliver(ev); err != nil {
				res = result{ErrorCode: "InternalFailure", ErrorMessage: "The request processing has failed because of an unknown error, exception or failure."}
			} else {
				res.EventID = ev.ID
			}
		}
		if res.ErrorCode != "" {
			out.FailedEntryCount++
		}
		out.Entries = append(out.Entries, res)
	}
	return out
}

func (e entry) check() result {
	missing := func(name string) result {
		return result{ErrorCode: "InvalidArgument", ErrorMessage: fmt.Sprintf("Parameter %s is not valid. Reason: %s is a required argument.", name, name)}
	}
	switch {
	case e.Source == "":
		return missing("Source")
	case e.DetailType == "":
		return missing("DetailType")
	case e.Detail == "":
		return missing("Detail")
	case utf8.RuneCountInString(e.DetailType) > 128:
		return result{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter DetailType is not valid. Reason: DetailType is longer than 128 characters."}
	case strings.HasPrefix(e.Source, "aws."):
		return result{ErrorCode: "NotAuthorizedForSource", ErrorMessage: "Not authorized for the source."}
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(e.Detail), &object); err != nil || object == nil {
		return result{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	return result{}
}

func (b *Bus) event(e entry) Event {
	ev := Event{
		Version: "0", ID: uuid(), DetailType: e.DetailType, Source: e.Source, Account: b.cfg.Account, Region: b.cfg.Region,
		Resources: append([]string{}, e.Resources...), Detail: json.RawMessage(e.Detail), Bus: e.EventBusName,
		Time: time.Now().UTC().Truncate(time.Second),
	}
	if e.Time != nil {
		ev.Time = time.Unix(int64(math.Floor(*e.Time)), 0).UTC()
	}
	if ev.Bus == "" {
		ev.Bus = "default"
	}
	return ev
}

// deliver writes one line and calls back.
func (b *Bus) deliver(ev Event) error {
	if b.file != nil {
		line, err := json.Marshal(ev)
		if err != nil {
			return err
		}
		if _, err := b.file.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	if b.cfg.OnEvent != nil {
		b.cfg.OnEvent(ev)
	}
	return nil
}

func refuse(w http.ResponseWriter, code, message string) {
	w.Header().Set("X-Amzn-ErrorType", code)
	answer(w, http.StatusBadRequest, map[string]string{"__type": code, "message": message})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-RequestId", uuid())
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
