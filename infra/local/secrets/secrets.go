// Package secrets is AWS Secrets Manager on this machine: versions and stages as documented, for the SDK's own client.
//
// One file per secret in a folder of mode 0700, files of mode 0600, each written whole by rename: an acknowledged change
// survives kill -9 of this process (not a power cut: nothing is synced). Values are NOT encrypted at rest, and are never
// logged or named in an error.
//
// Who calls: signatures aren't checked. An access key ID that is an ARN (for instance
// arn:aws:iam::111122223333:role/customer) acts as that principal, which may do what the secret's resource policy
// allows and nothing else. One that names a function of the stack may do what the function's role allows and the policy doesn't
// deny. Every other access key ID acts as the stack's own account, which may do everything that the policy doesn't deny.
// Conditions of resource policies aren't evaluated: an Allow that has one is passed over, a Deny that has one applies.
package secrets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"latchkey/infra/local/iam"
)

// Config sets the file that keeps the secrets and the parts of their ARNs.
type Config struct {
	Dir     string // required; created if missing
	Region  string // "" means us-east-1
	Account string // "" means 000000000000
	// Invoke calls a rotation function; nil: RotateSecret with a function is refused. An error ends the rotation.
	Invoke func(ctx context.Context, functionARN string, payload []byte) error
	// Exists says whether a rotation function is there; nil: every one is.
	Exists func(functionARN string) bool
	Guard  *iam.Guard   // of what functions may do; nil: everything
	Logger *slog.Logger // nil means silence
}

// Server is an http.Handler for the AWS JSON 1.1 protocol, safe for concurrent use.
type Server struct {
	cfg Config

	mu       sync.Mutex
	secrets  map[string]*secret // by name
	purged   time.Time
	rotating sync.WaitGroup
	stop     context.CancelFunc
	ctx      context.Context
}

// New reads what is kept in the folder.
func New(cfg Config) (*Server, error) {
	if cfg.Dir == "" {
		return nil, errors.New("secrets: Dir is required")
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if cfg.Account == "" {
		cfg.Account = "000000000000"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	all, err := load(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	s := &Server{cfg: cfg, secrets: all}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// Close ends rotations on their way and waits for them.
func (s *Server) Close() {
	s.stop()
	s.rotating.Wait()
}

// failure is an error of the API: its code and its message.
type failure struct{ code, message string }

func (f *failure) Error() string { return f.code + ": " + f.message }

func fail(code, format string, args ...any) error {
	return &failure{code, fmt.Sprintf(format, args...)}
}

func invalidParameter(format string, args ...any) error {
	return fail("InvalidParameterException", format, args...)
}

func invalidRequest(format string, args ...any) error {
	return fail("InvalidRequestException", format, args...)
}

// operation reads its request from JSON and answers with something that becomes JSON.
type operation func(s *Server, caller string, body []byte) (any, error)

// op makes an operation of a function with a typed request.
func op[In any](f func(s *Server, caller string, in In) (any, error)) operation {
	return func(s *Server, caller string, body []byte) (any, error) {
		var in In
		if len(body) > 0 {
			if err := json.Unmarshal(body, &in); err != nil {
				return nil, fail("SerializationException", "the request is no JSON of this operation")
			}
		}
		return f(s, caller, in)
	}
}

var operations = map[string]operation{
	"CreateSecret": op((*Server).createSecret), "UpdateSecret": op((*Server).updateSecret),
	"PutSecretValue": op((*Server).putSecretValue), "GetSecretValue": op((*Server).getSecretValue),
	"UpdateSecretVersionStage": op((*Server).updateSecretVersionStage), "ListSecretVersionIds": op((*Server).listSecretVersionIDs),
	"DescribeSecret": op((*Server).describeSecret), "ListSecrets": op((*Server).listSecrets),
	"DeleteSecret": op((*Server).deleteSecret), "RestoreSecret": op((*Server).restoreSecret),
	"TagResource": op((*Server).tagResource), "UntagResource": op((*Server).untagResource),
	"PutResourcePolicy": op((*Server).putResourcePolicy), "GetResourcePolicy": op((*Server).getResourcePolicy),
	"DeleteResourcePolicy": op((*Server).deleteResourcePolicy),
	"RotateSecret":         op((*Server).rotateSecret), "CancelRotateSecret": op((*Server).cancelRotateSecret),
}

// ServeHTTP answers one operation. Operations are serial.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.")
	do := operations[name]
	if r.Method != http.MethodPost || !ok || do == nil {
		answer(w, nil, fail("UnknownOperationException", "the local Secrets Manager doesn't play %q", name))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		answer(w, nil, fail("SerializationException", "the request can't be read, or is above 1 MB"))
		return
	}
	caller := iam.Caller(r)
	s.mu.Lock()
	s.purge()
	var out any
	if denied := s.cfg.Guard.Check(caller, s.callsOf(name, body)...); denied != nil {
		err = &failure{"AccessDeniedException", denied.Error()}
	} else {
		out, err = do(s, caller, body)
	}
	s.mu.Unlock()
	answer(w, out, err)
}

// callsOf lists what a request needs permission for. One that names no secret is for all of them.
func (s *Server) callsOf(operation string, body []byte) []iam.Call {
	var in struct {
		byID
		Name string
		Tags []json.RawMessage
	}
	_ = json.Unmarshal(body, &in) // what can't be read is refused by the operation
	resource := "*"
	switch c, err := s.find(in.SecretID); {
	case err == nil:
		resource = c.ARN
	case strings.HasPrefix(in.SecretID, "arn:"):
		resource = in.SecretID
	case in.SecretID+in.Name != "":
		resource = s.arnPrefix() + in.SecretID + in.Name
	}
	calls := []iam.Call{{Action: "secretsmanager:" + operation, Resource: resource}}
	if operation == "CreateSecret" && len(in.Tags) > 0 {
		calls = append(calls, iam.Call{Action: "secretsmanager:TagResource", Resource: resource})
	}
	return calls
}

func answer(w http.ResponseWriter, out any, err error) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-RequestId", uuid())
	if err == nil {
		_ = json.NewEncoder(w).Encode(out)
		return
	}
	var f *failure
	status := http.StatusBadRequest
	if !errors.As(err, &f) {
		status, f = http.StatusInternalServerError, &failure{"InternalServiceError", "An error occurred on the server side: " + err.Error()}
	}
	w.Header().Set("X-Amzn-ErrorType", f.code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": f.code, "Message": f.message})
}
