package secrets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

func TestResourcePolicyDecidesForOtherPrincipals(t *testing.T) {
	r := newHarness(t)
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

// TestAnExplicitDenyWinsInAnyOrder: the order of statements says nothing.
func TestAnExplicitDenyWinsInAnyOrder(t *testing.T) {
	r := newHarness(t)
	r.create("s", "one", token("a"))
	const role = "arn:aws:iam::111122223333:role/customer"
	rule := func(effect, principal string) string {
		return `{"Effect":"` + effect + `","Principal":` + principal + `,"Action":"secretsmanager:GetSecretValue","Resource":"*"}`
	}
	statements := []string{rule("Allow", `{"AWS":"`+role+`"}`), rule("Deny", `"*"`), rule("Allow", `{"AWS":"111122223333"}`)}
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		text := `{"Version":"2012-10-17","Statement":[` + statements[order[0]] + "," + statements[order[1]] + "," + statements[order[2]] + `]}`
		must(r.PutResourcePolicy(t.Context(), &sm.PutResourcePolicyInput{SecretId: aws.String("s"), ResourcePolicy: &text}))(r)
		for _, c := range []*sm.Client{clientOf(r.server, role), r.Client} {
			_, err := c.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("s")})
			r.refused(err, "AccessDeniedException")
		}
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
	r := &harness{T: t, server: s, Client: clientOf(s, "local"), dir: dir}
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
	plain := newHarness(t)
	plain.create("s", "one", nil)
	_, err = plain.RotateSecret(t.Context(), in)
	plain.refused(err, "InvalidRequestException")
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
	r := &harness{T: t, server: s, Client: clientOf(s, "local")}
	r.create("s", value, token("a"))
	_, err1 := r.PutSecretValue(t.Context(), &sm.PutSecretValueInput{SecretId: aws.String("s"), SecretString: aws.String(value + "2"), ClientRequestToken: token("a")})
	_, err2 := r.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("s"), SecretString: aws.String(value)})
	must(r.RotateSecret(t.Context(), &sm.RotateSecretInput{SecretId: aws.String("s"), RotationLambdaARN: aws.String("arn:aws:lambda:us-east-1:000000000000:function:rotator")}))(r)
	s.rotating.Wait()
	if all := fmt.Sprint(err1, err2, log.String()); strings.Contains(all, value) || !strings.Contains(all, "rotation stopped") {
		t.Error(all)
	}
}
