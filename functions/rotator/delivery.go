package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"latchkey/shared/apikey"
	"latchkey/shared/rotation"
	"latchkey/shared/text"
)

// deliveryClient lists the methods of Secrets Manager that delivery calls; *secretsmanager.Client has them.
type deliveryClient interface {
	CreateSecret(context.Context, *sm.CreateSecretInput, ...func(*sm.Options)) (*sm.CreateSecretOutput, error)
	RestoreSecret(context.Context, *sm.RestoreSecretInput, ...func(*sm.Options)) (*sm.RestoreSecretOutput, error)
	DeleteSecret(context.Context, *sm.DeleteSecretInput, ...func(*sm.Options)) (*sm.DeleteSecretOutput, error)
	DescribeSecret(context.Context, *sm.DescribeSecretInput, ...func(*sm.Options)) (*sm.DescribeSecretOutput, error)
	PutResourcePolicy(context.Context, *sm.PutResourcePolicyInput, ...func(*sm.Options)) (*sm.PutResourcePolicyOutput, error)
	GetSecretValue(context.Context, *sm.GetSecretValueInput, ...func(*sm.Options)) (*sm.GetSecretValueOutput, error)
	PutSecretValue(context.Context, *sm.PutSecretValueInput, ...func(*sm.Options)) (*sm.PutSecretValueOutput, error)
	UpdateSecretVersionStage(context.Context, *sm.UpdateSecretVersionStageInput, ...func(*sm.Options)) (*sm.UpdateSecretVersionStageOutput, error)
}

// delivery delivers secrets through Secrets Manager: latchkey/<stack>/<account>/<key> holds the text of the key's secret as it
// is. Every call may be repeated, and made by two runs at once.
type delivery struct {
	client deliveryClient
	kmsKey string
	names  string // what the names of this stack's delivered secrets begin with
	calls  atomic.Int64
}

const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
	pending  = "AWSPENDING"

	// recoveryDays is the time in which a deleted secret can be restored, in days.
	recoveryDays = 7
)

// name returns the name of a key's delivered secret, or the one that it gets.
func (v *delivery) name(k apikey.Key) string {
	if name := k.DeliveredAs(); name != "" {
		return name
	}
	return v.names + "/" + string(k.Account) + "/" + string(k.ID)
}

// versionFor names the version of the rotation that is due now: the same for each try, and for no other rotation.
func versionFor(k apikey.Key) string {
	sum := sha256.Sum256([]byte(string(k.ID) + "|" + k.Current.Hash.String() + "|" + rotation.Due(k).UTC().Format(time.RFC3339Nano)))
	return hex.EncodeToString(sum[:])
}

// versionOf names a version that holds the key's current secret.
func versionOf(k apikey.Key) string {
	sum := sha256.Sum256([]byte(string(k.ID) + "|current|" + k.Current.Hash.String()))
	return hex.EncodeToString(sum[:])
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// customerMustFix reports whether only the customer can fix a failure: their principal doesn't exist, or is too wide.
func customerMustFix(err error) bool {
	return is[*types.MalformedPolicyDocumentException](err) || is[*types.PublicPolicyException](err)
}

// call makes one call and counts it.
func call[In, Out any](ctx context.Context, v *delivery, do func(context.Context, In, ...func(*sm.Options)) (Out, error), in In) (Out, error) {
	v.calls.Add(1)
	return do(ctx, in)
}

// prepare puts a new secret into the version, staged AWSPENDING: nobody's AWSCURRENT changes. Where the version has a
// value already, that is the secret, whichever run made it.
func (v *delivery) prepare(ctx context.Context, k apikey.Key, version string, fresh func() (apikey.Secret, error), prefix apikey.Prefix) (apikey.Secret, string, error) {
	if err := v.ensureSecret(ctx, k); err != nil {
		return apikey.Secret{}, "", err
	}
	secret, err := fresh()
	if err != nil {
		return apikey.Secret{}, "", err
	}
	err = v.put(ctx, k, version, secret.Reveal())
	if !is[*types.ResourceExistsException](err) {
		return secret, version, err
	}
	text, err := v.value(ctx, k, version)
	if err != nil {
		return apikey.Secret{}, "", err
	}
	secret, err = prefix.Parse(text)
	if err == nil && used(k, secret.Hash()) {
		err = errUsed
	}
	return secret, version, err
}

var errUsed = errors.New("rotator: the prepared version holds a secret that the key had before")

// used reports whether a key has or had a secret.
func used(k apikey.Key, hash apikey.Hash) bool {
	return k.Current.Hash == hash || k.Outgoing != nil && k.Outgoing.Hash == hash ||
		slices.ContainsFunc(k.Retired, func(r apikey.Retired) bool { return r.Hash == hash })
}

func (v *delivery) put(ctx context.Context, k apikey.Key, version, text string) error {
	_, err := call(ctx, v, v.client.PutSecretValue, &sm.PutSecretValueInput{
		SecretId: aws.String(v.name(k)), ClientRequestToken: &version, SecretString: &text, VersionStages: []string{pending},
	})
	return err
}

func (v *delivery) value(ctx context.Context, k apikey.Key, version string) (string, error) {
	out, err := call(ctx, v, v.client.GetSecretValue, &sm.GetSecretValueInput{SecretId: aws.String(v.name(k)), VersionId: &version})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.SecretString), nil
}

// ensureSecret makes the delivered secret if there is none, without a value, and opens it to its reader alone.
func (v *delivery) ensureSecret(ctx context.Context, k apikey.Key) error {
	err := v.grantRead(ctx, k)
	switch {
	case is[*types.ResourceNotFoundException](err):
		err = v.create(ctx, k)
	case is[*types.InvalidRequestException](err): // marked for deletion
		_, err = call(ctx, v, v.client.RestoreSecret, &sm.RestoreSecretInput{SecretId: aws.String(v.name(k))})
	default:
		return err
	}
	if err != nil {
		return err
	}
	return v.grantRead(ctx, k)
}

func (v *delivery) create(ctx context.Context, k apikey.Key) error {
	in := &sm.CreateSecretInput{
		Name: aws.String(v.name(k)), Description: aws.String("The API key " + text.Shown(k.Name) + ", delivered by its rotation policy."),
		Tags: []types.Tag{
			{Key: aws.String("latchkey:key"), Value: aws.String(string(k.ID))},
			{Key: aws.String("latchkey:account"), Value: aws.String(string(k.Account))},
		},
	}
	if v.kmsKey != "" {
		in.KmsKeyId = &v.kmsKey
	}
	_, err := call(ctx, v, v.client.CreateSecret, in)
	if is[*types.ResourceExistsException](err) {
		return nil
	}
	return err
}

type policyDocument struct {
	Version   string
	Statement []policyStatement
}

type policyStatement struct {
	Sid, Effect string
	Principal   map[string]string
	Action      []string
	Resource    string
}

// grantRead lets the policy's principal read the secret, and nobody else from outside.
func (v *delivery) grantRead(ctx context.Context, k apikey.Key) error {
	document, err := json.Marshal(policyDocument{Version: "2012-10-17", Statement: []policyStatement{{
		Sid: "Reader", Effect: "Allow", Principal: map[string]string{"AWS": rotation.Reader(k)},
		Action: []string{"secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"}, Resource: "*",
	}}})
	if err != nil {
		return err
	}
	_, err = call(ctx, v, v.client.PutResourcePolicy, &sm.PutResourcePolicyInput{
		SecretId: aws.String(v.name(k)), ResourcePolicy: aws.String(string(document)), BlockPublicPolicy: aws.Bool(true),
	})
	return err
}

// reconcile makes AWSCURRENT the key's current secret, whatever happened before, and drops AWSPENDING. kept gives the
// secret's text where Latchkey keeps it. held is false where no version has the secret and nobody can tell it.
func (v *delivery) reconcile(ctx context.Context, k apikey.Key, kept func() (string, error)) (held bool, err error) {
	if err := v.ensureSecret(ctx, k); err != nil {
		return false, err
	}
	for range reconcileAttempts { // another run may move the stages between a look and a move
		held, err = v.reconcileOnce(ctx, k, kept)
		if !is[*types.InvalidParameterException](err) {
			break
		}
	}
	return held, err
}

const reconcileAttempts = 3

func (v *delivery) reconcileOnce(ctx context.Context, k apikey.Key, kept func() (string, error)) (held bool, err error) {
	holders, err := v.stages(ctx, k)
	if err != nil {
		return false, err
	}
	version, err := v.versionHolding(ctx, k, k.Delivery.Version, holders[current], holders[previous], holders[pending])
	if err != nil {
		return false, err
	}
	if version == "" {
		text, err := kept()
		if err != nil || text == "" {
			return false, err
		}
		version = versionOf(k)
		if err := v.put(ctx, k, version, text); err != nil {
			return false, err
		}
		holders[pending] = version
	}
	return true, v.promote(ctx, k, version, holders)
}

// stages has the version of each stage.
func (v *delivery) stages(ctx context.Context, k apikey.Key) (map[string]string, error) {
	out, err := call(ctx, v, v.client.DescribeSecret, &sm.DescribeSecretInput{SecretId: aws.String(v.name(k))})
	if err != nil {
		return nil, err
	}
	holders := map[string]string{}
	for version, stages := range out.VersionIdsToStages {
		for _, s := range stages {
			holders[s] = version
		}
	}
	return holders, nil
}

// versionHolding returns the first of the versions that holds the key's current secret, "" if none does.
func (v *delivery) versionHolding(ctx context.Context, k apikey.Key, versions ...string) (string, error) {
	for i, version := range versions {
		if version == "" || slices.Contains(versions[:i], version) {
			continue
		}
		text, err := v.value(ctx, k, version)
		switch {
		case is[*types.ResourceNotFoundException](err): // announced, and never written
		case err != nil:
			return "", err
		case apikey.Hash(sha256.Sum256([]byte(text))) == k.Current.Hash:
			return version, nil
		}
	}
	return "", nil
}

func (v *delivery) promote(ctx context.Context, k apikey.Key, version string, holders map[string]string) error {
	move := func(stage, from, to string) error {
		in := &sm.UpdateSecretVersionStageInput{SecretId: aws.String(v.name(k)), VersionStage: &stage}
		if from != "" {
			in.RemoveFromVersionId = &from
		}
		if to != "" {
			in.MoveToVersionId = &to
		}
		_, err := call(ctx, v, v.client.UpdateSecretVersionStage, in)
		return err
	}
	if holders[current] != version {
		if err := move(current, holders[current], version); err != nil {
			return err
		}
	}
	if from := holders[pending]; from != "" {
		return move(pending, from, "")
	}
	return nil
}

// deleteSecret deletes the delivered secret, with a window to bring it back. From then on nobody reads it.
func (v *delivery) deleteSecret(ctx context.Context, k apikey.Key) error {
	_, err := call(ctx, v, v.client.DeleteSecret, &sm.DeleteSecretInput{SecretId: aws.String(v.name(k)), RecoveryWindowInDays: aws.Int64(recoveryDays)})
	switch {
	case is[*types.ResourceNotFoundException](err):
		return nil
	case is[*types.InvalidRequestException](err): // perhaps because it is marked already
		out, describeErr := call(ctx, v, v.client.DescribeSecret, &sm.DescribeSecretInput{SecretId: aws.String(v.name(k))})
		if describeErr == nil && out.DeletedDate != nil {
			return nil
		}
	}
	return err
}
