package secrets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
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

type rig struct {
	*testing.T
	server *Server
	*sm.Client
	dir string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, dir: filepath.Join(t.TempDir(), "secrets")}
	r.restart()
	return r
}

func (r *rig) restart() {
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

func must[T any](v T, err error) func(*rig) T {
	return func(r *rig) T {
		r.Helper()
		if err != nil {
			r.Fatal(err)
		}
		return v
	}
}

func (r *rig) refused(err error, code string) {
	r.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		r.Errorf("%v, want %s", err, code)
	}
}

func (r *rig) create(name, value string, tok *string) *sm.CreateSecretOutput {
	r.Helper()
	return must(r.CreateSecret(r.Context(), &sm.CreateSecretInput{Name: &name, SecretString: &value, ClientRequestToken: tok}))(r)
}

func (r *rig) put(name, value string, tok *string, stages ...string) *sm.PutSecretValueOutput {
	r.Helper()
	return must(r.PutSecretValue(r.Context(), &sm.PutSecretValueInput{SecretId: &name, SecretString: &value, ClientRequestToken: tok, VersionStages: stages}))(r)
}

func (r *rig) value(name, stage string) string {
	r.Helper()
	in := &sm.GetSecretValueInput{SecretId: &name}
	if stage != "" {
		in.VersionStage = &stage
	}
	return *must(r.GetSecretValue(r.Context(), in))(r).SecretString
}

// stages are all versions' stages, as "a0:AWSCURRENT b0:AWSPREVIOUS", by the first letter of their token.
func (r *rig) stages(name string) string {
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

func TestCurrentAndPreviousMoveAsDocumented(t *testing.T) {
	r := newRig(t)
	r.create("latchkey/acct/key", "one", token("a"))
	if got := r.value("latchkey/acct/key", ""); got != "one" {
		t.Error(got)
	}
	steps := []struct {
		do   func()
		want string
	}{
		{func() {}, "a:AWSCURRENT"},
		{func() { r.put("latchkey/acct/key", "two", token("b")) }, "a:AWSPREVIOUS b:AWSCURRENT"},
		{func() { r.put("latchkey/acct/key", "three", token("c")) }, "b:AWSPREVIOUS c:AWSCURRENT"},
		{func() { r.put("latchkey/acct/key", "four", token("d"), "AWSPENDING") }, "b:AWSPREVIOUS c:AWSCURRENT d:AWSPENDING"},
		{func() { r.move("AWSCURRENT", token("d"), token("c")) }, "c:AWSPREVIOUS d:AWSCURRENT+AWSPENDING"},
		{func() { r.move("AWSPENDING", nil, token("d")) }, "c:AWSPREVIOUS d:AWSCURRENT"},
		{func() { r.move("AWSCURRENT", token("c"), token("d")) }, "c:AWSCURRENT d:AWSPREVIOUS"}, // back again
		{func() { r.put("latchkey/acct/key", "five", token("e"), "AWSCURRENT", "AWSPENDING") }, "c:AWSPREVIOUS e:AWSCURRENT+AWSPENDING"},
	}
	for i, s := range steps {
		if s.do(); r.stages("latchkey/acct/key") != s.want {
			t.Errorf("step %d: %s, want %s", i, r.stages("latchkey/acct/key"), s.want)
		}
	}
	if cur, prev := r.value("latchkey/acct/key", "AWSCURRENT"), r.value("latchkey/acct/key", "AWSPREVIOUS"); cur != "five" || prev != "three" {
		t.Error(cur, prev)
	}
	old := must(r.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("latchkey/acct/key"), VersionId: token("a")}))(r)
	if *old.SecretString != "one" || len(old.VersionStages) != 0 {
		t.Errorf("a version without stages is still there by its ID: %+v", old)
	}
}

func (r *rig) move(stage string, to, from *string) {
	r.Helper()
	must(r.UpdateSecretVersionStage(r.Context(), &sm.UpdateSecretVersionStageInput{SecretId: aws.String("latchkey/acct/key"), VersionStage: &stage, MoveToVersionId: to, RemoveFromVersionId: from}))(r)
}

func TestUpdateSecretVersionStageRefuses(t *testing.T) {
	r := newRig(t)
	r.create("s", "one", token("a"))
	r.put("s", "two", token("b"), "AWSPENDING")
	for name, tc := range map[string]struct {
		stage    string
		to, from *string
		code     string
	}{
		"without the holder":         {"AWSCURRENT", token("b"), nil, "InvalidParameterException"},
		"with the wrong holder":      {"AWSCURRENT", token("b"), token("b"), "InvalidParameterException"},
		"removing AWSCURRENT":        {"AWSCURRENT", nil, token("a"), "InvalidParameterException"},
		"neither to nor from":        {"AWSCURRENT", nil, nil, "InvalidParameterException"},
		"to an unknown version":      {"AWSCURRENT", token("z"), token("a"), "ResourceNotFoundException"},
		"from a label it hasn't":     {"MINE", nil, token("a"), "InvalidParameterException"},
		"from an unknown version":    {"AWSPENDING", nil, token("z"), "ResourceNotFoundException"},
		"a step that is done, again": {"AWSPENDING", token("b"), token("a"), "InvalidParameterException"},
	} {
		_, err := r.UpdateSecretVersionStage(t.Context(), &sm.UpdateSecretVersionStageInput{SecretId: aws.String("s"), VersionStage: &tc.stage, MoveToVersionId: tc.to, RemoveFromVersionId: tc.from})
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != tc.code {
			t.Errorf("%s: %v, want %s", name, err, tc.code)
		}
	}
	if r.stages("s") != "a:AWSCURRENT b:AWSPENDING" {
		t.Error(r.stages("s"))
	}
}

func TestTokensMakeWritesIdempotent(t *testing.T) {
	r := newRig(t)
	first := r.create("s", "one", token("a"))
	again := r.create("s", "one", token("a"))
	if *again.ARN != *first.ARN || *again.VersionId != *first.VersionId {
		t.Error("the same create makes another secret")
	}
	_, err := r.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("s"), SecretString: aws.String("other"), ClientRequestToken: token("a")})
	r.refused(err, "ResourceExistsException")
	_, err = r.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("s"), SecretString: aws.String("one")})
	r.refused(err, "ResourceExistsException")
	r.put("s", "two", token("b"))
	r.put("s", "three", token("c"))
	r.put("s", "two", token("b")) // late and twice: ignored
	if got := r.stages("s"); got != "b:AWSPREVIOUS c:AWSCURRENT" {
		t.Errorf("a repeated put moved stages: %s", got)
	}
	_, err = r.PutSecretValue(t.Context(), &sm.PutSecretValueInput{SecretId: aws.String("s"), SecretString: aws.String("x"), ClientRequestToken: token("b")})
	r.refused(err, "ResourceExistsException")
	_, err = r.PutSecretValue(t.Context(), &sm.PutSecretValueInput{SecretId: aws.String("s"), SecretBinary: []byte("two"), ClientRequestToken: token("b")})
	r.refused(err, "ResourceExistsException")
}

func TestGetSecretValueNamesWhatIsMissing(t *testing.T) {
	r := newRig(t)
	_, err := r.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("none")})
	var missing *types.ResourceNotFoundException
	if !errors.As(err, &missing) {
		t.Errorf("%v", err)
	}
	must(r.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("empty")}))(r)
	_, err = r.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("empty")})
	r.refused(err, "ResourceNotFoundException")
	created := r.create("s", "one", token("a"))
	_, err = r.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("s"), VersionStage: aws.String("AWSPREVIOUS")})
	r.refused(err, "ResourceNotFoundException")
	_, err = r.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("s"), VersionId: token("z")})
	r.refused(err, "ResourceNotFoundException")
	r.put("s", "two", token("b"))
	_, err = r.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("s"), VersionId: token("a"), VersionStage: aws.String("AWSCURRENT")})
	r.refused(err, "InvalidRequestException")
	for _, id := range []string{"s", *created.ARN, (*created.ARN)[:len(*created.ARN)-7]} {
		if got := r.value(id, ""); got != "two" {
			t.Errorf("%s: %s", id, got)
		}
	}
	_, err = r.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String((*created.ARN)[:len(*created.ARN)-1] + "!")})
	r.refused(err, "ResourceNotFoundException")
	must(r.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("bin"), SecretBinary: []byte{0, 1, 255}}))(r)
	if out := must(r.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("bin")}))(r); string(out.SecretBinary) != "\x00\x01\xff" || out.SecretString != nil || out.CreatedDate == nil {
		t.Errorf("%+v", out)
	}
}

func TestBadInputsAreRefused(t *testing.T) {
	r := newRig(t)
	r.create("s", "one", nil)
	big := strings.Repeat("x", maxValue+1)
	create := func(in sm.CreateSecretInput) error { _, err := r.CreateSecret(t.Context(), &in); return err }
	put := func(in sm.PutSecretValueInput) error {
		in.SecretId = aws.String("s")
		_, err := r.PutSecretValue(t.Context(), &in)
		return err
	}
	for name, err := range map[string]error{
		"name": create(sm.CreateSecretInput{Name: aws.String("a b")}), "long name": create(sm.CreateSecretInput{Name: aws.String(strings.Repeat("n", 513))}),
		"big": create(sm.CreateSecretInput{Name: aws.String("b"), SecretString: &big}), "tag": create(sm.CreateSecretInput{Name: aws.String("b"), Tags: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}}),
		"both":  put(sm.PutSecretValueInput{SecretString: aws.String("x"), SecretBinary: []byte("x")}),
		"token": put(sm.PutSecretValueInput{SecretString: aws.String("x"), ClientRequestToken: aws.String("short")}), "none": put(sm.PutSecretValueInput{}),
		"stages": put(sm.PutSecretValueInput{SecretString: aws.String("x"), VersionStages: []string{""}}),
	} {
		var bad *types.InvalidParameterException
		if !errors.As(err, &bad) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := r.GetRandomPassword(t.Context(), &sm.GetRandomPasswordInput{})
	r.refused(err, "UnknownOperationException")
	if !strings.Contains(err.Error(), "GetRandomPassword") {
		t.Error(err)
	}
	for _, body := range []string{"x", "[]", `{"SecretId":5}`} {
		req := httptest.NewRequest("POST", "/", strings.NewReader(body))
		req.Header.Set("X-Amz-Target", "secretsmanager.GetSecretValue")
		w := httptest.NewRecorder()
		if r.server.ServeHTTP(w, req); w.Code != 400 {
			t.Errorf("%s: %d", body, w.Code)
		}
	}
}

func TestDeletedSecretIsClosedUntilRestoredAndGoneAfterItsWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ctx := t.Context()
		r.create("s", "one", token("a"))
		id := aws.String("s")
		out := must(r.DeleteSecret(ctx, &sm.DeleteSecretInput{SecretId: id, RecoveryWindowInDays: aws.Int64(7)}))(r)
		if d := time.Until(*out.DeletionDate); d < 6*24*time.Hour || d > 7*24*time.Hour {
			t.Errorf("deletion in %v", d)
		}
		_, err := r.GetSecretValue(ctx, &sm.GetSecretValueInput{SecretId: id})
		r.refused(err, "InvalidRequestException")
		_, err = r.PutSecretValue(ctx, &sm.PutSecretValueInput{SecretId: id, SecretString: aws.String("x")})
		r.refused(err, "InvalidRequestException")
		_, err = r.CreateSecret(ctx, &sm.CreateSecretInput{Name: id, SecretString: aws.String("x")})
		r.refused(err, "InvalidRequestException")
		_, err = r.DeleteSecret(ctx, &sm.DeleteSecretInput{SecretId: id})
		r.refused(err, "InvalidRequestException")
		if d := must(r.DescribeSecret(ctx, &sm.DescribeSecretInput{SecretId: id}))(r); d.DeletedDate == nil {
			t.Error("describe doesn't say that it is deleted")
		}
		must(r.RestoreSecret(ctx, &sm.RestoreSecretInput{SecretId: id}))(r)
		if r.value("s", "") != "one" {
			t.Error("restored without its value")
		}
		must(r.DeleteSecret(ctx, &sm.DeleteSecretInput{SecretId: id, RecoveryWindowInDays: aws.Int64(7)}))(r)
		time.Sleep(7*24*time.Hour + time.Second)
		_, err = r.RestoreSecret(ctx, &sm.RestoreSecretInput{SecretId: id})
		r.refused(err, "ResourceNotFoundException")
		r.create("s", "new", nil)
		must(r.DeleteSecret(ctx, &sm.DeleteSecretInput{SecretId: id, ForceDeleteWithoutRecovery: aws.Bool(true)}))(r)
		must(r.DeleteSecret(ctx, &sm.DeleteSecretInput{SecretId: id, ForceDeleteWithoutRecovery: aws.Bool(true)}))(r) // again: no error
		r.create("s", "newer", nil)
		_, err = r.DeleteSecret(ctx, &sm.DeleteSecretInput{SecretId: id, ForceDeleteWithoutRecovery: aws.Bool(true), RecoveryWindowInDays: aws.Int64(7)})
		r.refused(err, "InvalidParameterException")
		_, err = r.DeleteSecret(ctx, &sm.DeleteSecretInput{SecretId: id, RecoveryWindowInDays: aws.Int64(6)})
		r.refused(err, "InvalidParameterException")
	})
}

func TestEverythingAcknowledgedSurvivesARestartAndFilesArePrivate(t *testing.T) {
	r := newRig(t)
	must(r.CreateSecret(t.Context(), &sm.CreateSecretInput{
		Name: aws.String("latchkey/a/k"), SecretString: aws.String("one"), ClientRequestToken: token("a"), Description: aws.String("d"), KmsKeyId: aws.String("alias/k"),
		Tags: []types.Tag{{Key: aws.String("key"), Value: aws.String("key_1")}},
	}))(r)
	r.put("latchkey/a/k", "two", token("b"))
	r.create("gone", "x", nil)
	must(r.DeleteSecret(t.Context(), &sm.DeleteSecretInput{SecretId: aws.String("gone"), ForceDeleteWithoutRecovery: aws.Bool(true)}))(r)
	before := must(r.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("latchkey/a/k")}))(r)
	if err := os.WriteFile(filepath.Join(r.dir, "left-over.json.tmp"), []byte("{"), 0o600); err != nil { // a write that a kill cut short
		t.Fatal(err)
	}
	r.restart()
	after := must(r.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("latchkey/a/k")}))(r)
	if *after.ARN != *before.ARN || *after.KmsKeyId != "alias/k" || *after.Tags[0].Value != "key_1" || !after.CreatedDate.Equal(*before.CreatedDate) || r.stages("latchkey/a/k") != "a:AWSPREVIOUS b:AWSCURRENT" {
		t.Errorf("%+v", after)
	}
	if r.value("latchkey/a/k", "AWSPREVIOUS") != "one" {
		t.Error("the previous value is lost")
	}
	_, err := r.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("gone")})
	r.refused(err, "ResourceNotFoundException")
	files, _ := filepath.Glob(filepath.Join(r.dir, "*.json"))
	for _, f := range append(files, r.dir) {
		if info, _ := os.Stat(f); info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", f, info.Mode())
		}
	}
	if err := os.WriteFile(files[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Dir: r.dir}); err == nil {
		t.Error("a broken file is passed over")
	}
}

func TestFailedWriteChangesNothing(t *testing.T) {
	r := newRig(t)
	r.create("s", "one", token("a"))
	if err := os.RemoveAll(r.dir); err != nil {
		t.Fatal(err)
	}
	_, err := r.PutSecretValue(t.Context(), &sm.PutSecretValueInput{SecretId: aws.String("s"), SecretString: aws.String("two"), ClientRequestToken: token("b")})
	r.refused(err, "InternalServiceError")
	if r.stages("s") != "a:AWSCURRENT" {
		t.Error("what wasn't written is shown")
	}
}

func TestListPagesAndFilters(t *testing.T) {
	r := newRig(t)
	for i := range 7 {
		must(r.CreateSecret(t.Context(), &sm.CreateSecretInput{
			Name: aws.String(fmt.Sprintf("latchkey/%d", i)), SecretString: aws.String("x"), Tags: []types.Tag{{Key: aws.String("parity"), Value: aws.String(fmt.Sprint(i % 2))}},
		}))(r)
	}
	r.create("other", "x", nil)
	must(r.DeleteSecret(t.Context(), &sm.DeleteSecretInput{SecretId: aws.String("latchkey/6")}))(r)
	names := func(in sm.ListSecretsInput) string {
		var all []string
		pages := sm.NewListSecretsPaginator(r.Client, &in)
		for pages.HasMorePages() {
			for _, s := range must(pages.NextPage(t.Context()))(r).SecretList {
				all = append(all, strings.TrimPrefix(*s.Name, "latchkey/"))
			}
		}
		return strings.Join(all, " ")
	}
	by := func(key types.FilterNameStringType, values ...string) []types.Filter {
		return []types.Filter{{Key: key, Values: values}}
	}
	for want, in := range map[string]sm.ListSecretsInput{
		"0 1 2 3 4 5 other": {MaxResults: aws.Int32(2)},
		"0 1 2 3 4 5":       {MaxResults: aws.Int32(6), Filters: by("name", "latchkey/")},
		"0 1 2 3 4 5 6":     {Filters: by("name", "latchkey/"), IncludePlannedDeletion: aws.Bool(true)},
		"1 3 5":             {Filters: by("tag-value", "1")},
		"other":             {Filters: by("name", "!latchkey")},
		"other 5 4 3 2 1 0": {SortOrder: types.SortOrderTypeDesc},
		"2":                 {Filters: by("all", "latchkey/2")},
	} {
		if got := names(in); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	_, err := r.ListSecrets(t.Context(), &sm.ListSecretsInput{NextToken: aws.String("rubbish")})
	r.refused(err, "InvalidNextTokenException")
}

func TestTagsComeAndGo(t *testing.T) {
	r := newRig(t)
	r.create("s", "x", nil)
	id := aws.String("s")
	must(r.TagResource(t.Context(), &sm.TagResourceInput{SecretId: id, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}}))(r)
	must(r.UntagResource(t.Context(), &sm.UntagResourceInput{SecretId: id, TagKeys: []string{"a", "never"}}))(r)
	if d := must(r.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: id}))(r); len(d.Tags) != 1 || *d.Tags[0].Key != "b" {
		t.Errorf("%+v", d.Tags)
	}
	var many []types.Tag
	for i := range 51 {
		many = append(many, types.Tag{Key: aws.String(fmt.Sprint(i)), Value: aws.String("")})
	}
	_, err := r.TagResource(t.Context(), &sm.TagResourceInput{SecretId: id, Tags: many})
	r.refused(err, "LimitExceededException")
}

func TestResourcePolicyDecidesForOtherPrincipals(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	r.create("s", "one", token("a"))
	id := aws.String("s")
	const role = "arn:aws:iam::111122223333:role/team/customer"
	customer, stranger := clientOf(r.server, role), clientOf(r.server, "arn:aws:iam::999999999999:user/eve")
	get := func(c *sm.Client, name string) error {
		_, err := c.GetSecretValue(ctx, &sm.GetSecretValueInput{SecretId: &name})
		return err
	}
	set := func(statements string) {
		t.Helper()
		must(r.PutResourcePolicy(ctx, &sm.PutResourcePolicyInput{SecretId: id, ResourcePolicy: aws.String(`{"Version":"2012-10-17","Statement":[` + statements + `]}`), BlockPublicPolicy: aws.Bool(true)}))(r)
	}
	r.refused(get(customer, "s"), "AccessDeniedException") // no policy yet
	read := func(principal string) string {
		return `{"Effect":"Allow","Principal":{"AWS":` + principal + `},"Action":["secretsmanager:GetSecretValue","secretsmanager:Describe*"],"Resource":"*"}`
	}
	for name, principal := range map[string]string{"its ARN": `"` + role + `"`, "a list": `["x","` + role + `"]`, "its account": `"111122223333"`, "its account's root": `"arn:aws:iam::111122223333:root"`} {
		set(read(principal))
		if err := get(customer, "s"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r.refused(get(stranger, "s"), "AccessDeniedException")
	}
	_, err := customer.PutSecretValue(ctx, &sm.PutSecretValueInput{SecretId: id, SecretString: aws.String("x")})
	r.refused(err, "AccessDeniedException")
	_, err = customer.ListSecrets(ctx, &sm.ListSecretsInput{})
	r.refused(err, "AccessDeniedException")
	_, err = customer.CreateSecret(ctx, &sm.CreateSecretInput{Name: aws.String("mine")})
	r.refused(err, "AccessDeniedException")
	r.refused(get(customer, "absent"), "AccessDeniedException") // not: not found
	set(read(`"`+role+`"`) + `,{"Effect":"Deny","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*"}`)
	r.refused(get(customer, "s"), "AccessDeniedException")
	r.refused(get(r.Client, "s"), "AccessDeniedException")
	set(strings.Replace(read(`"`+role+`"`), `"Resource"`, `"Condition":{"Bool":{"x":"true"}},"Resource"`, 1))
	r.refused(get(customer, "s"), "AccessDeniedException") // conditions aren't evaluated: never an Allow
	set(strings.Replace(read(`"`+role+`"`), `"*"`, `"arn:aws:secretsmanager:us-east-1:000000000000:secret:t*"`, 1))
	r.refused(get(customer, "s"), "AccessDeniedException")
	_, err = r.PutResourcePolicy(ctx, &sm.PutResourcePolicyInput{SecretId: id, ResourcePolicy: aws.String(`{"Statement":[` + read(`"*"`) + `]}`), BlockPublicPolicy: aws.Bool(true)})
	r.refused(err, "PublicPolicyException")
	for _, bad := range []string{"x", "{}", `{"Statement":[]}`, `{"Statement":[{"Effect":"Maybe"}]}`, `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`} {
		_, err = r.PutResourcePolicy(ctx, &sm.PutResourcePolicyInput{SecretId: id, ResourcePolicy: &bad})
		r.refused(err, "MalformedPolicyDocumentException")
	}
	if p := must(r.GetResourcePolicy(ctx, &sm.GetResourcePolicyInput{SecretId: id}))(r); !strings.Contains(*p.ResourcePolicy, "secret:t*") {
		t.Error(*p.ResourcePolicy)
	}
	must(r.DeleteResourcePolicy(ctx, &sm.DeleteResourcePolicyInput{SecretId: id}))(r)
	if p := must(r.GetResourcePolicy(ctx, &sm.GetResourcePolicyInput{SecretId: id}))(r); p.ResourcePolicy != nil {
		t.Error("the policy is still there")
	}
}

// rotator is a rotation function as AWS's template has it: every step may be repeated.
type rotator struct {
	c     *sm.Client
	mu    sync.Mutex
	steps []string
	fail  string
}

func (f *rotator) invoke(ctx context.Context, _ string, payload []byte) error {
	var e struct{ Step, SecretId, ClientRequestToken string }
	if err := json.Unmarshal(payload, &e); err != nil {
		return err
	}
	f.mu.Lock()
	f.steps = append(f.steps, e.Step)
	failing := f.fail == e.Step
	f.mu.Unlock()
	if failing {
		return errors.New("broken")
	}
	switch e.Step {
	case "createSecret":
		_, err := f.c.PutSecretValue(ctx, &sm.PutSecretValueInput{SecretId: &e.SecretId, ClientRequestToken: &e.ClientRequestToken, SecretString: aws.String("rotated"), VersionStages: []string{"AWSPENDING"}})
		return err
	case "finishSecret":
		d, err := f.c.DescribeSecret(ctx, &sm.DescribeSecretInput{SecretId: &e.SecretId})
		if err != nil {
			return err
		}
		for id, stages := range d.VersionIdsToStages {
			if slices.Contains(stages, "AWSCURRENT") && id != e.ClientRequestToken {
				_, err = f.c.UpdateSecretVersionStage(ctx, &sm.UpdateSecretVersionStageInput{SecretId: &e.SecretId, VersionStage: aws.String("AWSCURRENT"), MoveToVersionId: &e.ClientRequestToken, RemoveFromVersionId: &id})
			}
		}
		return err
	}
	return nil
}

func TestRotationCallsTheFourStepsAndCanBeRepeated(t *testing.T) {
	f := &rotator{fail: "testSecret"}
	dir := t.TempDir()
	s, err := New(Config{Dir: dir, Invoke: f.invoke})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, server: s, Client: clientOf(s, "local"), dir: dir}
	f.c = r.Client
	r.create("s", "one", token("a"))
	in := &sm.RotateSecretInput{SecretId: aws.String("s"), ClientRequestToken: token("b"), RotationLambdaARN: aws.String("arn:aws:lambda:us-east-1:000000000000:function:rotator")}
	must(r.RotateSecret(t.Context(), in))(r)
	s.rotating.Wait()
	if got := r.stages("s"); got != "a:AWSCURRENT b:AWSPENDING" {
		t.Errorf("after a failed step: %s", got)
	}
	_, err = r.RotateSecret(t.Context(), &sm.RotateSecretInput{SecretId: aws.String("s"), ClientRequestToken: token("c")})
	r.refused(err, "InvalidRequestException") // the first isn't over
	f.fail = ""
	must(r.RotateSecret(t.Context(), in))(r)
	s.rotating.Wait()
	if got := r.stages("s"); got != "a:AWSPREVIOUS b:AWSCURRENT+AWSPENDING" || r.value("s", "") != "rotated" {
		t.Errorf("after the repetition: %s", got)
	}
	want := "createSecret setSecret testSecret createSecret setSecret testSecret finishSecret"
	if got := strings.Join(f.steps, " "); got != want {
		t.Errorf("steps %s", got)
	}
	must(r.RotateSecret(t.Context(), in))(r) // over: nothing happens
	s.rotating.Wait()
	if len(f.steps) != 7 {
		t.Error("a rotation that is over ran again")
	}
	must(r.RotateSecret(t.Context(), &sm.RotateSecretInput{SecretId: aws.String("s"), ClientRequestToken: token("c")}))(r)
	s.Close()
	if d := must(r.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("s")}))(r); d.LastRotatedDate == nil || !*d.RotationEnabled {
		t.Errorf("%+v", d)
	}
	plain := newRig(t)
	plain.create("s", "one", nil)
	_, err = plain.RotateSecret(t.Context(), in)
	plain.refused(err, "InvalidRequestException")
}

func TestOldVersionsWithoutStagesAreDroppedBeyondAHundred(t *testing.T) {
	r := newRig(t)
	r.create("s", "first", token("a"))
	r.move2("s", "KEEP", token("a"))
	for i := range 120 {
		r.put("s", fmt.Sprint(i), nil)
	}
	all := must(r.ListSecretVersionIds(t.Context(), &sm.ListSecretVersionIdsInput{SecretId: aws.String("s"), IncludeDeprecated: aws.Bool(true)}))(r)
	if len(all.Versions) != maxVersions || r.value("s", "KEEP") != "first" || r.value("s", "AWSPREVIOUS") != "118" {
		t.Errorf("%d versions", len(all.Versions))
	}
}

func (r *rig) move2(name, stage string, to *string) {
	r.Helper()
	must(r.UpdateSecretVersionStage(r.Context(), &sm.UpdateSecretVersionStageInput{SecretId: &name, VersionStage: &stage, MoveToVersionId: to}))(r)
}

func TestConcurrentPutsLeaveOneCurrentAndOnePrevious(t *testing.T) {
	r := newRig(t)
	r.create("s", "0", nil)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, _ = r.PutSecretValue(t.Context(), &sm.PutSecretValueInput{SecretId: aws.String("s"), SecretString: aws.String(fmt.Sprint(i + 1))})
		})
	}
	wg.Wait()
	d := must(r.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("s")}))(r)
	if len(d.VersionIdsToStages) != 2 || r.value("s", "") == r.value("s", "AWSPREVIOUS") {
		t.Errorf("%v", d.VersionIdsToStages)
	}
}

func TestValuesAreInNoLogAndNoError(t *testing.T) {
	const value = "ak_verysecretvalue"
	var log strings.Builder
	var mu sync.Mutex
	s, err := New(Config{
		Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Invoke: func(context.Context, string, []byte) error { mu.Lock(); defer mu.Unlock(); return errors.New("no") },
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, server: s, Client: clientOf(s, "local")}
	r.create("s", value, token("a"))
	_, err1 := r.PutSecretValue(t.Context(), &sm.PutSecretValueInput{SecretId: aws.String("s"), SecretString: aws.String(value + "2"), ClientRequestToken: token("a")})
	_, err2 := r.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("s"), SecretString: aws.String(value)})
	must(r.RotateSecret(t.Context(), &sm.RotateSecretInput{SecretId: aws.String("s"), RotationLambdaARN: aws.String("arn:aws:lambda:us-east-1:000000000000:function:rotator")}))(r)
	s.rotating.Wait()
	if all := fmt.Sprint(err1, err2, log.String()); strings.Contains(all, value) || !strings.Contains(all, "rotation stopped") {
		t.Error(all)
	}
}
