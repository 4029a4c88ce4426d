package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

const mapKey = `{"name":"rotating","usage":"backend","products":["map-display"]}`

// poller calls a product with one secret until it is stopped, and counts what isn't 200.
type poller struct {
	stop    chan struct{}
	done    sync.WaitGroup
	calls   int
	refused []string
}

func (s *stack) poll(secret string) *poller {
	p := &poller{stop: make(chan struct{})}
	p.done.Go(func() {
		for {
			select {
			case <-p.stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
			p.calls++
			if status, body := s.get(secret); status != http.StatusOK {
				p.refused = append(p.refused, fmt.Sprintf("call %d: %d %s", p.calls, status, body))
			}
		}
	})
	return p
}

func (p *poller) end() (calls int, refused []string) {
	close(p.stop)
	p.done.Wait()
	return p.calls, p.refused
}

// get is a product call as a program makes it.
// get asks for a tile. On a machine that is too busy to read the store in time a gate answers 503, and Retry-After: then the same call is
// made again, as a customer's program would.
func (s *stack) get(secret string) (status int, body string) {
	for range busyTries {
		if status, body = s.getOnce(secret); status != http.StatusServiceUnavailable {
			break
		}
		<-time.After(time.Second)
	}
	return status, body
}

// busyTries bounds how often a call is made that nothing but a busy machine can have answered with 503.
const busyTries = 10

func (s *stack) getOnce(secret string) (status int, body string) {
	res, err := http.Get(s.ProductsURL + tile + secret)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	if res.StatusCode == http.StatusOK {
		return res.StatusCode, ""
	}
	return res.StatusCode, string(text)
}

func (s *stack) keyPath(id string) string { return "/v1/accounts/" + s.DemoAccount + "/keys/" + id }

// rotate rotates as the owner and returns the new secret.
func (s *stack) rotate(t *testing.T, id, body string) string {
	t.Helper()
	a := s.manage(t, "owner", "POST", s.keyPath(id)+"/rotate", body)
	if a.status != http.StatusOK {
		t.Fatalf("rotate: %d %s", a.status, a.body)
	}
	return a.json(t)["secret"].(string)
}

func TestAClientOnTheOldSecretSeesNoRefusalDuringTheGrace(t *testing.T) {
	t.Parallel()
	id, old := shared.createKey(t, mapKey)
	p := shared.poll(old)
	waitUntil(t, func() bool { status, _ := shared.get(old); return status == http.StatusOK })
	fresh := shared.rotate(t, id, `{"grace_seconds":3600}`)
	if a := shared.product(t, tile+fresh, nil); a.status != http.StatusOK {
		t.Errorf("the first call with the new secret: %d %s", a.status, a.body)
	}
	both := shared.poll(fresh)
	<-time.After(11 * time.Second) // longer than anything is remembered
	for name, p := range map[string]*poller{"old": p, "new": both} {
		calls, refused := p.end()
		if len(refused) > 0 || calls < 50 {
			t.Errorf("%s secret: %d calls, refused: %v", name, calls, refused)
		}
	}
}

func TestWithoutGraceTheOldSecretIsRefusedWithinTenSeconds(t *testing.T) {
	t.Parallel()
	id, old := shared.createKey(t, mapKey)
	if status, body := shared.get(old); status != http.StatusOK { // now an environment remembers it
		t.Fatalf("%d %s", status, body)
	}
	fresh := shared.rotate(t, id, `{"grace_seconds":0,"reason":"leaked"}`)
	acknowledged := time.Now()
	if a := shared.product(t, tile+fresh, nil); a.status != http.StatusOK {
		t.Errorf("the first call with the new secret: %d %s", a.status, a.body)
	}
	refusedFor := 0
	for refusedFor < 20 {
		switch status, body := shared.get(old); {
		case status == http.StatusUnauthorized:
			refusedFor++
		case status != http.StatusOK:
			t.Fatalf("%d %s", status, body)
		case time.Since(acknowledged) > 10*time.Second:
			t.Fatalf("the old secret works %v after the rotation", time.Since(acknowledged))
		case refusedFor > 0:
			t.Logf("an environment that remembers the secret answers after one that doesn't")
			refusedFor = 0
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Logf("refused %v after the answer", time.Since(acknowledged).Round(time.Millisecond))
}

func waitUntil(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatal("not within 10 seconds")
		}
		<-time.After(20 * time.Millisecond)
	}
}

const role = "arn:aws:iam::111122223333:role/app"

// secretsAs is the SDK's client as a principal.
func (s *stack) secretsAs(principal string) *sm.Client {
	return sm.New(sm.Options{
		Region: "us-east-1", BaseEndpoint: &s.SecretsURL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: principal, SecretAccessKey: "x"}, nil
		}),
	})
}

func TestAClientThatReadsSecretsManagerOn401SurvivesAScheduledRotation(t *testing.T) {
	t.Parallel()
	id, secret := shared.createKey(t, mapKey)
	if a := shared.manage(t, "owner", "PUT", shared.keyPath(id)+"/rotation-policy", `{"every_days":1,"principal":"`+role+`"}`); a.status != http.StatusOK {
		t.Fatalf("policy: %d %s", a.status, a.body)
	}
	secrets := shared.secretsAs(role)
	name := "latchkey/latchkey/" + shared.DemoAccount + "/" + id
	var stop sync.WaitGroup
	ended := make(chan struct{})
	var calls, reads int
	var failed []string
	stop.Go(func() { // the customer's program
		mine := secret
		for {
			select {
			case <-ended:
				return
			case <-time.After(10 * time.Millisecond):
			}
			calls++
			status, body := shared.get(mine)
			if status == http.StatusUnauthorized {
				reads++
				out, err := secrets.GetSecretValue(context.Background(), &sm.GetSecretValueInput{SecretId: &name})
				if err != nil {
					failed = append(failed, err.Error())
					continue
				}
				mine = *out.SecretString
				status, body = shared.get(mine)
			}
			if status != http.StatusOK {
				failed = append(failed, fmt.Sprint(status, " ", body))
			}
		}
	})
	done := shared.job(t, fmt.Sprintf(`{"job":"rotation","due_by":%q}`, time.Now().Add(24*time.Hour).Format(time.RFC3339Nano)))
	if done["rotated"].(float64) < 1 || done["failed"].(float64) != 0 {
		t.Errorf("the job did %v", done)
	}
	after := shared.manage(t, "owner", "GET", shared.keyPath(id), "").json(t)
	if after["previous_secret_expires_at"] == nil || after["id"] != id {
		t.Errorf("no grace runs: %v", after)
	}
	// A day later, without the day: the grace ends.
	if a := shared.manage(t, "owner", "POST", shared.keyPath(id)+"/rotation/end", ""); a.status != http.StatusOK {
		t.Errorf("end: %d %s", a.status, a.body)
	}
	<-time.After(11 * time.Second)
	close(ended)
	stop.Wait()
	if len(failed) > 0 || reads != 1 || calls < 50 {
		t.Errorf("%d calls, %d reads of Secrets Manager, failed: %v", calls, reads, failed)
	}
	if status, _ := shared.get(secret); status != http.StatusUnauthorized {
		t.Errorf("the old secret: %d", status)
	}
	other := shared.secretsAs("arn:aws:iam::111122223333:role/other")
	if _, err := other.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: &name}); err == nil {
		t.Error("another principal reads the secret")
	}
	rows := shared.manage(t, "owner", "GET", shared.keyPath(id)+"/audit", "")
	for _, action := range []string{"key.rotation_announced", "key.rotate", "key.deliver"} {
		if !bytes.Contains(rows.body, []byte(`"`+action+`"`)) {
			t.Errorf("the audit trail has no %s: %s", action, rows.body)
		}
	}
	if out, err := secrets.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: &name}); err != nil || strings.Contains(shared.out.String(), *out.SecretString) {
		t.Errorf("the delivered secret is in the log, or: %v", err)
	}
}

func TestSecretsManagersOwnRotationGivesTheKeyANewSecret(t *testing.T) {
	id, _ := shared.createKey(t, mapKey)
	if a := shared.manage(t, "owner", "PUT", shared.keyPath(id)+"/rotation-policy", `{"every_days":1,"principal":"`+role+`"}`); a.status != http.StatusOK {
		t.Fatalf("policy: %d %s", a.status, a.body)
	}
	shared.job(t, fmt.Sprintf(`{"job":"rotation","due_by":%q}`, time.Now().Add(24*time.Hour).Format(time.RFC3339Nano)))
	if a := shared.manage(t, "owner", "POST", shared.keyPath(id)+"/rotation/end", ""); a.status != http.StatusOK {
		t.Fatalf("end: %d %s", a.status, a.body)
	}
	name := "latchkey/latchkey/" + shared.DemoAccount + "/" + id
	read := func() string {
		out, err := shared.secretsAs(role).GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: &name})
		if err != nil {
			t.Fatal(err)
		}
		return *out.SecretString
	}
	before := read()
	if _, err := shared.secretsAs("local").RotateSecret(t.Context(), &sm.RotateSecretInput{
		SecretId: &name, RotationLambdaARN: aws.String("arn:aws:lambda:us-east-1:000000000000:function:RotatorFunction"),
	}); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, func() bool { return read() != before })
	for what, secret := range map[string]string{"new": read(), "old": before} {
		if status, body := shared.get(secret); status != http.StatusOK {
			t.Errorf("the %s secret: %d %s", what, status, body)
		}
	}
}
