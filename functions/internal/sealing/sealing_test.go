package sealing

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"latchkey/functions/internal/env"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/keyring"
	"latchkey/shared/keytest"
)

// fakeSecrets keeps one secret as Secrets Manager does: a version ID is written once.
type fakeSecrets struct {
	mu       sync.Mutex
	versions map[string]string
	current  string
	reads    int
	denied   bool
}

func (f *fakeSecrets) GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	if f.current == "" {
		return nil, &types.ResourceNotFoundException{}
	}
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(f.versions[f.current])}, nil
}

func (f *fakeSecrets) PutSecretValue(_ context.Context, in *secretsmanager.PutSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.denied {
		return nil, &smithy.GenericAPIError{Code: "AccessDeniedException"}
	}
	if _, ok := f.versions[*in.ClientRequestToken]; ok {
		return nil, &types.ResourceExistsException{}
	}
	f.versions[*in.ClientRequestToken], f.current = *in.SecretString, *in.ClientRequestToken
	return &secretsmanager.PutSecretValueOutput{}, nil
}

func (*fakeSecrets) UpdateSecretVersionStage(context.Context, *secretsmanager.UpdateSecretVersionStageInput, ...func(*secretsmanager.Options)) (*secretsmanager.UpdateSecretVersionStageOutput, error) {
	return nil, errors.New("not asked for")
}

func newKeyring(f *fakeSecrets, seed uint64, clock *keytest.Clock) *Keyring {
	return &Keyring{source: env.Source{Now: clock.Now, Rand: keytest.Random(seed)}, secret: Secret{Name: "ring", Client: f}}
}

func secret(t *testing.T) apikey.Secret {
	t.Helper()
	s, err := apikey.DefaultPrefix.Generate(keytest.Random(7))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEnvironmentsThatRaceForTheFirstRingAgree(t *testing.T) {
	f, clock := &fakeSecrets{versions: map[string]string{}}, keytest.NewClock()
	const environments = 8
	sealed := make([][]byte, environments)
	var wg sync.WaitGroup
	for i := range environments {
		wg.Go(func() {
			var err error
			if sealed[i], err = newKeyring(f, uint64(i), clock).Seal(t.Context(), secret(t), "key_1"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	late := newKeyring(f, 99, clock)
	for i := range sealed {
		if text, err := late.Open(t.Context(), sealed[i], "key_1"); err != nil || text != secret(t).Reveal() {
			t.Errorf("environment %d sealed with a ring of its own: %v", i, err)
		}
	}
	if f.reads > 2*environments+2 {
		t.Errorf("%d reads", f.reads)
	}
}

func TestOpenReadsARingThatHasGrownSince(t *testing.T) {
	f, clock := &fakeSecrets{versions: map[string]string{}}, keytest.NewClock()
	old := newKeyring(f, 1, clock)
	if _, err := old.Seal(t.Context(), secret(t), "key_1"); err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Parse([]byte(f.versions[f.current]))
	if err == nil {
		ring, err = ring.Grow(keytest.Random(2), "k2")
	}
	if err != nil {
		t.Fatal(err)
	}
	f.versions["second"], f.current = string(ring.Document()), "second"
	sealed, err := ring.Seal(keytest.Random(3), secret(t).Reveal(), "key_1")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := old.Open(t.Context(), sealed, "key_1"); err != nil || text != secret(t).Reveal() {
		t.Errorf("%v", err)
	}
}

func TestWithoutAKeyringRecoverableIsRefused(t *testing.T) {
	clock := keytest.NewClock()
	for name, k := range map[string]*Keyring{
		"no secret named":    {source: env.Source{Now: clock.Now, Rand: keytest.Random(1)}},
		"may not be written": newKeyring(&fakeSecrets{versions: map[string]string{}, denied: true}, 1, clock),
	} {
		if _, err := k.Seal(t.Context(), secret(t), "key_1"); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAnEnvironmentReadsItsRingAgainAfterFiveMinutes: until then it asks nobody, and from then on it seals by what is current.
func TestAnEnvironmentReadsItsRingAgainAfterFiveMinutes(t *testing.T) {
	f, clock := &fakeSecrets{versions: map[string]string{}}, keytest.NewClock()
	k := newKeyring(f, 1, clock)
	sealedBy := func() string {
		sealed, err := k.Seal(t.Context(), secret(t), "key_1")
		if err != nil {
			t.Fatal(err)
		}
		return keyring.SealedBy(sealed)
	}
	sealedBy()
	ring, err := keyring.Parse([]byte(f.versions[f.current]))
	if err == nil {
		ring, err = ring.Grow(keytest.Random(2), "k2")
	}
	if err != nil {
		t.Fatal(err)
	}
	f.versions["second"], f.current = string(ring.Document()), "second"
	reads := f.reads
	clock.Advance(MaxAge - time.Millisecond)
	if by := sealedBy(); by != "k1" || f.reads != reads {
		t.Errorf("a moment before: by %s, %d reads", by, f.reads-reads)
	}
	clock.Advance(time.Millisecond)
	if by := sealedBy(); by != "k2" || f.reads != reads+1 {
		t.Errorf("then: by %s, %d reads", by, f.reads-reads)
	}
	clock.Advance(MaxAge - time.Millisecond)
	if by := sealedBy(); by != "k2" || f.reads != reads+1 {
		t.Errorf("the age counts from the last reading: by %s, %d reads", by, f.reads-reads)
	}
}

// failing fails in the way that is named.
type failing struct {
	*fakeSecrets
	read, write error
}

func (f failing) GetSecretValue(ctx context.Context, in *secretsmanager.GetSecretValueInput, o ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	if f.read != nil {
		return nil, f.read
	}
	return f.fakeSecrets.GetSecretValue(ctx, in, o...)
}

func (f failing) PutSecretValue(context.Context, *secretsmanager.PutSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error) {
	return nil, f.write
}

// TestABreakdownOfSecretsManagerIsNoMissingKeyring: only a stack without a secret, or a function that may not write it, has none.
func TestABreakdownOfSecretsManagerIsNoMissingKeyring(t *testing.T) {
	down := errors.New("down")
	for name, tt := range map[string]struct {
		read, write error
		unavailable bool
	}{
		"it can't be read":              {read: down},
		"it may not be read":            {read: &smithy.GenericAPIError{Code: "AccessDeniedException"}},
		"it can't be written":           {write: down},
		"it is written too often":       {write: &smithy.GenericAPIError{Code: "ThrottlingException"}},
		"it may not be written":         {write: &smithy.GenericAPIError{Code: "AccessDeniedException"}, unavailable: true},
		"the secret itself isn't there": {write: &types.ResourceNotFoundException{}, unavailable: true},
	} {
		f := failing{&fakeSecrets{versions: map[string]string{}}, tt.read, tt.write}
		_, err := Secret{Name: "ring", Client: f}.Read(t.Context(), keytest.Random(1))
		if err == nil || errors.Is(err, ErrUnavailable) != tt.unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTheClientIsOfTheFunctionsOwnCredentials, with their session's token, and waits for no answer that never comes.
func TestTheClientIsOfTheFunctionsOwnCredentials(t *testing.T) {
	vars := env.New(func(name string) string {
		return map[string]string{"SECRETSMANAGER_ENDPOINT": "http://127.0.0.1:1", "KEYRING_SECRET": "ring"}[name]
	})
	options := NewClient(vars, dynamo.Config{Region: "eu-west-1", AccessKey: "id", SecretKey: "s", SessionToken: "token"}).Options()
	c, err := options.Credentials.Retrieve(t.Context())
	if err != nil || c.AccessKeyID != "id" || c.SecretAccessKey != "s" || c.SessionToken != "token" {
		t.Errorf("%+v, %v", c, err)
	}
	if http, ok := options.HTTPClient.(*http.Client); !ok || http.Timeout != 3*time.Second || options.Region != "eu-west-1" || *options.BaseEndpoint != "http://127.0.0.1:1" {
		t.Errorf("%+v", options)
	}
	if s := SecretOf(vars, nil); s.Name != "ring" {
		t.Errorf("%+v", s)
	}
}
