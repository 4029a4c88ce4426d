package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"latchkey/infra/local/secrets"
	"latchkey/infra/local/template"
)

// newSecrets is the Secrets Manager endpoint; its rotations call functions of the stack.
func (s *stack) newSecrets() (*secrets.Server, error) {
	exists := func(arn string) bool { return s.template.FunctionID(arn) != "" }
	return secrets.New(secrets.Config{Dir: s.file("secrets"), Exists: exists, Guard: s.guard, Invoke: func(ctx context.Context, arn string, payload []byte) error {
		id := s.template.FunctionID(arn)
		if id == "" {
			return fmt.Errorf("no function of the template has the ARN %s", arn)
		}
		_, err := invoker{s}.Invoke(ctx, id, payload)
		return err
	}})
}

func (s *stack) secretsClient() *secretsmanager.Client {
	return secretsmanager.New(secretsmanager.Options{
		Region: s.region, BaseEndpoint: aws.String(s.services.endpoints["SecretsManagerEndpoint"]), Credentials: s.awsCredentials(),
	})
}

// createSecrets makes the template's secrets that don't exist yet.
func (s *stack) createSecrets(ctx context.Context) error {
	list, err := s.template.Of("AWS::SecretsManager::Secret")
	if err != nil {
		return err
	}
	c := s.secretsClient()
	for _, r := range list {
		p, err := s.template.Properties(r)
		if err != nil {
			return err
		}
		name := p.Text("Name")
		if name == "" {
			name = r.ID
		}
		in := &secretsmanager.CreateSecretInput{Name: &name}
		if in.SecretString, err = initialValue(p); err != nil {
			return err
		}
		var exists *types.ResourceExistsException
		if _, err := c.CreateSecret(ctx, in); err != nil && !errors.As(err, &exists) {
			return fmt.Errorf("secret %s: %w", name, err)
		}
	}
	return nil
}

// initialValue returns the secret's value from the template: a text, a generated one, or nothing.
func initialValue(p template.Map) (*string, error) {
	if v, ok := p["SecretString"]; ok {
		return aws.String(template.Text(v)), nil
	}
	if _, ok := p["GenerateSecretString"]; !ok {
		return nil, nil
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, p.Map("GenerateSecretString").Int("PasswordLength", 32))
	for i := range b {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			return nil, err
		}
		b[i] = letters[n.Int64()]
	}
	return aws.String(string(b)), nil
}

// gatewaySecret is the value of a secret that the gateway itself sends to an upstream.
func (s *stack) gatewaySecret(id string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := s.secretsClient().GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
	if err != nil {
		s.log.warn("the secret %s can't be read for the gateway", id)
		return ""
	}
	return aws.ToString(out.SecretString)
}

// makeKeyring runs the job that gives a new stack its keyring, which no other function may write. On AWS its schedule
// begins when the stack is made. Where permissions aren't enforced, the first function that needs it makes it.
func (s *stack) makeKeyring(ctx context.Context) error {
	if !s.built(keyringJob) || s.dynamoEndpoint != "" {
		return nil
	}
	secret := keyringSecret
	_, err := s.secretsClient().GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &secret})
	var empty *types.ResourceNotFoundException
	if !errors.As(err, &empty) {
		return err
	}
	_, err = invoker{s}.Invoke(ctx, keyringJob, []byte(`{"job":"keyring"}`))
	if err != nil {
		s.log.warn("the keyring isn't made, so no key can be recoverable: %v", err)
	}
	return nil
}

const keyringJob, keyringSecret = "RotatorFunction", "KeyringSecret"
