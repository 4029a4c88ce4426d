package main

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

// noting keeps what Secrets Manager was asked to write, as JSON.
type noting struct {
	*sm.Client
	asked []string
}

func (n *noting) note(name string, in any) {
	text, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	n.asked = append(n.asked, name+" "+string(text))
}

func (n *noting) CreateSecret(ctx context.Context, in *sm.CreateSecretInput, o ...func(*sm.Options)) (*sm.CreateSecretOutput, error) {
	n.note("CreateSecret", map[string]any{"Name": in.Name, "Description": in.Description, "KmsKeyId": in.KmsKeyId, "Tags": in.Tags, "Value": in.SecretString})
	return n.Client.CreateSecret(ctx, in, o...)
}

func (n *noting) PutResourcePolicy(ctx context.Context, in *sm.PutResourcePolicyInput, o ...func(*sm.Options)) (*sm.PutResourcePolicyOutput, error) {
	n.note("PutResourcePolicy", map[string]any{"SecretId": in.SecretId, "BlockPublicPolicy": in.BlockPublicPolicy, "ResourcePolicy": json.RawMessage(*in.ResourcePolicy)})
	return n.Client.PutResourcePolicy(ctx, in, o...)
}

func (n *noting) PutSecretValue(ctx context.Context, in *sm.PutSecretValueInput, o ...func(*sm.Options)) (*sm.PutSecretValueOutput, error) {
	n.note("PutSecretValue", map[string]any{"SecretId": in.SecretId, "Version": in.ClientRequestToken, "VersionStages": in.VersionStages})
	return n.Client.PutSecretValue(ctx, in, o...)
}

func (n *noting) DeleteSecret(ctx context.Context, in *sm.DeleteSecretInput, o ...func(*sm.Options)) (*sm.DeleteSecretOutput, error) {
	n.note("DeleteSecret", map[string]any{"SecretId": in.SecretId, "Days": in.RecoveryWindowInDays, "AtOnce": in.ForceDeleteWithoutRecovery})
	return n.Client.DeleteSecret(ctx, in, o...)
}

// TestWhatSecretsManagerIsAskedToWrite: the whole of each request. The delivered secret is open to the policy's principal and never to the
// public, is encrypted by the stack's key where it has one, and says of which key and account it is.
func TestWhatSecretsManagerIsAskedToWrite(t *testing.T) {
	for kmsKey, quoted := range map[string]string{"delivery": `"delivery"`, "": "null"} {
		r := newHarness(t)
		k := r.dueKey(r.NewAccount(t), func(k *apikey.Key) { k.Name = "Web Shop" })
		client := &noting{Client: r.secrets}
		job := r.run(r.Stores, client)
		job.delivery.kmsKey = kmsKey
		if s, err := job.rotation(t.Context(), event{}); err != nil || s.Rotated != 1 || s.Delivered != 1 {
			t.Fatalf("%+v, %v", s, err)
		}
		if _, err := r.Edit(t.Context(), r.key(k), "key.edit", func(k *apikey.Key) { k.Rotation, k.Delivery.Due = nil, true }); err != nil {
			t.Fatal(err)
		}
		if s, err := job.rotation(t.Context(), event{}); err != nil || s.Delivered != 1 {
			t.Fatalf("%+v, %v", s, err)
		}
		id := `latchkey/tests/` + string(k.Account) + `/` + string(k.ID)
		policy := `PutResourcePolicy {"BlockPublicPolicy":true,"ResourcePolicy":{"Version":"2012-10-17","Statement":[{"Sid":"Reader","Effect":"Allow",` +
			`"Principal":{"AWS":"` + reader + `"},"Action":["secretsmanager:GetSecretValue","secretsmanager:DescribeSecret"],"Resource":"*"}]},"SecretId":"` + id + `"}`
		want := []string{
			policy,
			`CreateSecret {"Description":"The API key Web Shop, delivered by its rotation policy.","KmsKeyId":` + quoted + `,"Name":"` + id + `",` +
				`"Tags":[{"Key":"latchkey:key","Value":"` + string(k.ID) + `"},{"Key":"latchkey:account","Value":"` + string(k.Account) + `"}],"Value":null}`,
			policy,
			`PutSecretValue {"SecretId":"` + id + `","Version":"a version","VersionStages":["AWSPENDING"]}`,
			policy, // the delivery, which looks again
			`DeleteSecret {"AtOnce":null,"Days":7,"SecretId":"` + id + `"}`,
		}
		got := slices.Clone(client.asked)
		for i := range got {
			got[i] = regexp.MustCompile(`"[0-9a-f]{64}"`).ReplaceAllString(got[i], `"a version"`)
		}
		if !slices.Equal(got, want) {
			t.Errorf("with the key %q:\n%q\nwant\n%q", kmsKey, got, want)
		}
	}
}

// denying answers each resource policy with an error.
type denying struct {
	*sm.Client
	err error
}

func (f denying) PutResourcePolicy(context.Context, *sm.PutResourcePolicyInput, ...func(*sm.Options)) (*sm.PutResourcePolicyOutput, error) {
	return nil, f.err
}

// TestOnlyWhatTheCustomerMustFixIsReportedToThem: what is wrong with their principal. All else is a failure of the run, and is tried again
// by the next one.
func TestOnlyWhatTheCustomerMustFixIsReportedToThem(t *testing.T) {
	for name, tt := range map[string]struct {
		err      error
		customer bool
	}{
		"no such principal":  {&types.MalformedPolicyDocumentException{}, true},
		"the public":         {&types.PublicPolicyException{}, true},
		"a limit":            {&types.LimitExceededException{}, false},
		"not encrypted":      {&types.EncryptionFailure{}, false},
		"a wrong parameter":  {&types.InvalidParameterException{Message: aws.String("x")}, false},
		"an internal error":  {&types.InternalServiceError{}, false},
		"no answer":          {errors.New("no answer"), false},
		"a missing key":      {&types.DecryptionFailure{}, false},
		"a failed condition": {&types.PreconditionNotMetException{}, false},
	} {
		r := newHarness(t)
		a := r.NewAccount(t)
		k := r.dueKey(a)
		s, err := r.run(r.Stores, denying{r.secrets, tt.err}).rotation(t.Context(), event{})
		if (err == nil) != tt.customer || (s.Refused == 1) != tt.customer || (s.Failed == 0) != tt.customer || s.Rotated != 0 {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		after := r.key(k)
		if after.Current.Hash != k.Current.Hash || after.Delivery.RetryAt.IsZero() == tt.customer {
			t.Errorf("%s: the key is %+v", name, after)
		}
		reported := slices.Contains(r.actions(a), "key.delivery_failed")
		if reported != tt.customer {
			t.Errorf("%s: reported %v", name, reported)
		}
		if !tt.customer {
			if s := r.rotation(); s.Rotated != 1 || s.Delivered != 1 {
				t.Errorf("%s, then the next run: %+v", name, s)
			}
		}
	}
}

// TestAPreparedVersionIsUsedOnlyIfItHoldsANewSecret: not one that the key has or had, since somebody may have it, and no text of another kind.
// A new one is the rotation's own of a run that was killed, whichever that was.
func TestAPreparedVersionIsUsedOnlyIfItHoldsANewSecret(t *testing.T) {
	secretOf := func(seed uint64) apikey.Secret {
		s, err := apikey.DefaultPrefix.Generate(keytest.Random(seed))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	stored := func(seed uint64) apikey.StoredSecret {
		return apikey.StoredSecret{Hash: secretOf(seed).Hash(), Preview: secretOf(seed).Preview(), CreatedAt: keytest.Now.AddDate(0, 0, -30)}
	}
	for name, tt := range map[string]struct {
		text string
		good bool
	}{
		"the current one": {secretOf(1).Reveal(), false}, "the outgoing one": {secretOf(2).Reveal(), false}, "a retired one": {secretOf(3).Reveal(), false},
		"another stack's": {"zz" + secretOf(4).Reveal()[2:], false}, "no secret": {"hello", false}, "a new one": {secretOf(4).Reveal(), true},
	} {
		r := newHarness(t)
		k := r.dueKey(r.NewAccount(t), func(k *apikey.Key) {
			k.Current = stored(1)
			k.Outgoing = &apikey.Outgoing{StoredSecret: stored(2), EndsAt: keytest.Now.Add(-day)}
			k.Retired = []apikey.Retired{{Hash: stored(3).Hash, EndedAt: keytest.Now.AddDate(0, 0, -40)}}
		})
		job := r.well()
		if err := job.delivery.ensureSecret(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		if err := job.delivery.put(t.Context(), k, versionFor(k), tt.text); err != nil {
			t.Fatal(err)
		}
		s, err := job.rotation(t.Context(), event{})
		after := r.key(k)
		if tt.good {
			if err != nil || s.Rotated != 1 || s.Delivered != 1 || after.Current.Hash != secretOf(4).Hash() {
				t.Errorf("%s: %+v, %v", name, s, err)
			}
			continue
		}
		if err == nil || s.Failed != 1 || s.Rotated != 0 || after.Current.Hash != k.Current.Hash {
			t.Errorf("%s: %+v, %v; rotated %v", name, s, err, after.Current.Hash != k.Current.Hash)
		}
		if strings.HasSuffix(name, " one") && !strings.Contains(r.out.String(), errUsed.Error()) {
			t.Errorf("%s is refused for another reason than that it was used: %s", name, r.out)
		}
	}
}
