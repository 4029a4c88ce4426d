package secrets

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/aws/smithy-go"
)

// direct carries requests to a handler without a network.
type direct struct{ h http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, r)
	return w.Result(), nil
}

// clientOf is the SDK's client, with an access key ID.
func clientOf(h http.Handler, accessKey string) *sm.Client {
	return sm.New(sm.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://127.0.0.1:1"), HTTPClient: &http.Client{Transport: direct{h}}, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: "x"}, nil
		}),
	})
}

type harness struct {
	*testing.T
	server *Server
	*sm.Client
	dir string
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	r := &harness{T: t, dir: filepath.Join(t.TempDir(), "secrets")}
	r.restart()
	return r
}

func (r *harness) restart() {
	r.Helper()
	s, err := New(Config{Dir: r.dir})
	if err != nil {
		r.Fatal(err)
	}
	r.server, r.Client = s, clientOf(s, "local")
	r.Cleanup(s.Close)
}

// token makes a ClientRequestToken of a few letters.
func token(s string) *string { return aws.String(s + strings.Repeat("0", 32)) }

func must[T any](v T, err error) func(*harness) T {
	return func(r *harness) T {
		r.Helper()
		if err != nil {
			r.Fatal(err)
		}
		return v
	}
}

func (r *harness) refused(err error, code string) {
	r.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		r.Errorf("%v, want %s", err, code)
	}
}

func (r *harness) create(name, value string, tok *string) *sm.CreateSecretOutput {
	r.Helper()
	return must(r.CreateSecret(r.Context(), &sm.CreateSecretInput{Name: &name, SecretString: &value, ClientRequestToken: tok}))(r)
}

func (r *harness) put(name, value string, tok *string, stages ...string) *sm.PutSecretValueOutput {
	r.Helper()
	return must(r.PutSecretValue(r.Context(), &sm.PutSecretValueInput{SecretId: &name, SecretString: &value, ClientRequestToken: tok, VersionStages: stages}))(r)
}

func (r *harness) value(name, stage string) string {
	r.Helper()
	in := &sm.GetSecretValueInput{SecretId: &name}
	if stage != "" {
		in.VersionStage = &stage
	}
	return *must(r.GetSecretValue(r.Context(), in))(r).SecretString
}

// stages are all versions' stages, as "a0:AWSCURRENT b0:AWSPREVIOUS", by the first letter of their token.
func (r *harness) stages(name string) string {
	r.Helper()
	d := must(r.DescribeSecret(r.Context(), &sm.DescribeSecretInput{SecretId: &name}))(r)
	var out []string
	for id, stages := range d.VersionIdsToStages {
		slices.Sort(stages)
		out = append(out, id[:1]+":"+strings.Join(stages, "+"))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func (r *harness) move(stage string, to, from *string) {
	r.Helper()
	must(r.UpdateSecretVersionStage(r.Context(), &sm.UpdateSecretVersionStageInput{SecretId: aws.String("latchkey/acct/key"), VersionStage: &stage, MoveToVersionId: to, RemoveFromVersionId: from}))(r)
}

func (r *harness) move2(name, stage string, to *string) {
	r.Helper()
	must(r.UpdateSecretVersionStage(r.Context(), &sm.UpdateSecretVersionStageInput{SecretId: &name, VersionStage: &stage, MoveToVersionId: to}))(r)
}
