package secrets

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/aws/smithy-go"
)

func TestCurrentAndPreviousMoveAsDocumented(t *testing.T) {
	r := newHarness(t)
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

func TestUpdateSecretVersionStageRefuses(t *testing.T) {
	r := newHarness(t)
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
	r := newHarness(t)
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
	r := newHarness(t)
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
	r := newHarness(t)
	r.create("s", "one", nil)
	big := strings.Repeat("x", maxValue+1)
	create := func(in sm.CreateSecretInput) error { _, err := r.CreateSecret(t.Context(), &in); return err }
	put := func(in sm.PutSecretValueInput) error {
		in.SecretId = aws.String("s")
		_, err := r.PutSecretValue(t.Context(), &in)
		return err
	}
	for name, err := range map[string]error{
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
	for _, name := range []string{"a b", strings.Repeat("n", 513)} {
		r.refused(create(sm.CreateSecretInput{Name: &name}), "ValidationException")
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

func TestOldVersionsWithoutStagesAreDroppedBeyondAHundred(t *testing.T) {
	r := newHarness(t)
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

func TestConcurrentPutsLeaveOneCurrentAndOnePrevious(t *testing.T) {
	r := newHarness(t)
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
