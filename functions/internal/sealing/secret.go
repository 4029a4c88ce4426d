package sealing

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"latchkey/shared/keyring"
)

// Secret is the one value in Secrets Manager that holds the ring.
type Secret struct {
	Name   string
	Client Client
}

// Client lists the methods of Secrets Manager that a Secret calls. Only Replace calls UpdateSecretVersionStage.
type Client interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
	PutSecretValue(context.Context, *secretsmanager.PutSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error)
	UpdateSecretVersionStage(context.Context, *secretsmanager.UpdateSecretVersionStageInput, ...func(*secretsmanager.Options)) (*secretsmanager.UpdateSecretVersionStageOutput, error)
}

// Held is the ring as it was read, with what a change of it needs to know.
type Held struct {
	keyring.Ring
	Since time.Time // when this ring was written

	version string
}

const (
	// firstRing is the version ID of the first ring. It is the same for all that try to write it, so that one wins.
	firstRing = "00000000-0000-4000-8000-6c617463686b"
	firstKey  = "k1"
)

// Read reads the ring that is current. Where the secret has no value yet, it makes the first ring out of random; it
// returns [ErrUnavailable] where the stack has no such secret or this function may not write it.
func (s Secret) Read(ctx context.Context, random io.Reader) (Held, error) {
	if s.Name == "" {
		return Held{}, ErrUnavailable
	}
	held, err := s.read(ctx)
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		if err = s.first(ctx, random); err == nil {
			held, err = s.read(ctx)
		}
	}
	return held, err
}

func (s Secret) read(ctx context.Context) (Held, error) {
	out, err := s.Client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.Name})
	if err != nil {
		return Held{}, fmt.Errorf("sealing: reading the keyring: %w", err)
	}
	ring, err := keyring.Parse([]byte(aws.ToString(out.SecretString)))
	return Held{Ring: ring, version: aws.ToString(out.VersionId), Since: aws.ToTime(out.CreatedDate)}, err
}

// first writes a ring where the stack's secret has no value yet. Of several environments that try, one wins, and all
// read what it wrote: a second write under the same version ID is refused.
func (s Secret) first(ctx context.Context, random io.Reader) error {
	ring, err := keyring.Ring{}.Grow(random, firstKey)
	if err != nil {
		return err
	}
	_, err = s.Client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &s.Name, ClientRequestToken: aws.String(firstRing), SecretString: aws.String(string(ring.Document())),
	})
	var there *types.ResourceExistsException
	var missing *types.ResourceNotFoundException
	var refused smithy.APIError
	switch {
	case err == nil, errors.As(err, &there):
		return nil
	case errors.As(err, &missing), errors.As(err, &refused) && refused.ErrorCode() == "AccessDeniedException":
		return ErrUnavailable
	default:
		return fmt.Errorf("sealing: writing the first keyring: %w", err)
	}
}

// Replace writes a ring in the place of the one that was read, and of no other: a ring that was written in between may
// hold a data key that this one lacks, and what it sealed would be lost. Secrets Manager has no conditional write, but
// it moves a stage only from the version that is named as its holder.
func (s Secret) Replace(ctx context.Context, before Held, ring keyring.Ring) error {
	version := rand.Text() + "-keyring" // at least 32 characters
	_, err := s.Client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &s.Name, ClientRequestToken: &version, SecretString: aws.String(string(ring.Document())), VersionStages: []string{"AWSPENDING"},
	})
	if err == nil {
		_, err = s.Client.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
			SecretId: &s.Name, VersionStage: aws.String("AWSCURRENT"), MoveToVersionId: &version, RemoveFromVersionId: &before.version,
		})
	}
	if err != nil {
		return fmt.Errorf("sealing: replacing the keyring: %w", err)
	}
	return nil
}
