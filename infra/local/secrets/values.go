package secrets

import (
	"crypto/rand"
	"regexp"
	"slices"
	"time"
)

const maxValue = 65536 // bytes

var validName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`)

func invalidName() error {
	return fail("ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
}

type tag struct{ Key, Value string }

type valueInput struct {
	ClientRequestToken string
	SecretString       *string
	SecretBinary       []byte
}

func (v valueInput) given() bool { return v.SecretString != nil || v.SecretBinary != nil }

func (v valueInput) check() error {
	switch {
	case v.SecretString != nil && v.SecretBinary != nil:
		return invalidParameter("You can't specify both a binary secret value and a string secret value in the same secret.")
	case v.SecretString != nil && (len(*v.SecretString) > maxValue || *v.SecretString == "") || len(v.SecretBinary) > maxValue:
		return invalidParameter("The secret value has 1 to %d bytes.", maxValue)
	case v.ClientRequestToken != "" && (len(v.ClientRequestToken) < 32 || len(v.ClientRequestToken) > 64):
		return invalidParameter("ClientRequestToken must be 32-64 characters long.")
	}
	return nil
}

// add writes a version. A token that is known already is ignored with the same value and refused with another; created
// says which. A version that a rotation has announced takes its value now.
func (c *secret) add(v valueInput, stages []string) (id string, created bool, err error) {
	if id = v.ClientRequestToken; id == "" {
		id = uuid()
	}
	old := c.Versions[id]
	switch {
	case old != nil && !old.Empty && old.same(v.SecretString, v.SecretBinary):
		return id, false, nil
	case old != nil && !old.Empty:
		return id, false, fail("ResourceExistsException", "A resource with the ID you requested already exists, with another value.")
	case old != nil:
		old.String, old.Binary, old.Empty = v.SecretString, v.SecretBinary, false
	default:
		c.Versions[id] = &version{String: v.SecretString, Binary: v.SecretBinary, Created: time.Now().UTC()}
	}
	for _, stage := range stages {
		c.move(stage, id)
	}
	c.prune()
	c.Changed = time.Now().UTC()
	return id, true, nil
}

type identity struct {
	ARN           string
	Name          string
	VersionID     string   `json:"VersionId,omitempty"`
	VersionStages []string `json:",omitempty"`
}

func (s *Server) createSecret(caller string, in struct {
	valueInput
	Name, Description string
	KmsKeyID          string `json:"KmsKeyId"`
	Tags              []tag
},
) (any, error) {
	if err := s.own(caller); err != nil {
		return nil, err
	}
	if !validName.MatchString(in.Name) {
		return nil, invalidName()
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if old := s.secrets[in.Name]; old != nil {
		if v := old.Versions[in.ClientRequestToken]; old.Deleted.IsZero() && v != nil && v.same(in.SecretString, in.SecretBinary) {
			return identity{ARN: old.ARN, Name: old.Name, VersionID: in.ClientRequestToken}, nil
		}
		if !old.Deleted.IsZero() {
			return nil, invalidRequest("You can't create this secret because a secret with this name is already scheduled for deletion.")
		}
		return nil, fail("ResourceExistsException", "The operation failed because the secret %s already exists.", in.Name)
	}
	now := time.Now().UTC()
	c := &secret{
		Name: in.Name, ARN: s.arnPrefix() + in.Name + "-" + rand.Text()[:6], Description: in.Description, KmsKeyID: in.KmsKeyID,
		Tags: map[string]string{}, Versions: map[string]*version{}, Created: now, Changed: now,
	}
	if err := c.tag(in.Tags); err != nil {
		return nil, err
	}
	out := identity{ARN: c.ARN, Name: c.Name}
	if in.given() {
		var err error
		if out.VersionID, _, err = c.add(in.valueInput, []string{current}); err != nil {
			return nil, err
		}
	}
	return out, s.keep(c)
}

func (s *Server) updateSecret(caller string, in struct {
	valueInput
	SecretID    string `json:"SecretId"`
	Description *string
	KmsKeyID    *string `json:"KmsKeyId"`
},
) (any, error) {
	c, err := s.authorized(caller, "UpdateSecret", in.SecretID, s.live)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if in.Description != nil {
		c.Description = *in.Description
	}
	if in.KmsKeyID != nil {
		c.KmsKeyID = *in.KmsKeyID
	}
	c.Changed = time.Now().UTC()
	out := identity{ARN: c.ARN, Name: c.Name}
	if in.given() {
		if out.VersionID, _, err = c.add(in.valueInput, []string{current}); err != nil {
			return nil, err
		}
	}
	return out, s.keep(c)
}

func (s *Server) putSecretValue(caller string, in struct {
	valueInput
	SecretID      string `json:"SecretId"`
	VersionStages []string
},
) (any, error) {
	c, err := s.authorized(caller, "PutSecretValue", in.SecretID, s.live)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if !in.given() {
		return nil, invalidParameter("You must provide either SecretString or SecretBinary.")
	}
	stages := in.VersionStages
	if stages == nil {
		stages = []string{current}
	}
	if len(stages) == 0 || len(stages) > 20 || slices.ContainsFunc(stages, func(s string) bool { return s == "" || len(s) > 256 }) {
		return nil, invalidParameter("VersionStages holds 1 to 20 labels of 1 to 256 characters.")
	}
	id, created, err := c.add(in.valueInput, stages)
	if err != nil {
		return nil, err
	}
	out := identity{ARN: c.ARN, Name: c.Name, VersionID: id, VersionStages: slices.Clone(c.Versions[id].Stages)}
	if !created {
		return out, nil
	}
	return out, s.keep(c)
}

func (s *Server) getSecretValue(caller string, in struct {
	SecretID     string `json:"SecretId"`
	VersionID    string `json:"VersionId"`
	VersionStage string
},
) (any, error) {
	c, err := s.authorized(caller, "GetSecretValue", in.SecretID, s.live)
	if err != nil {
		return nil, err
	}
	id, stage := in.VersionID, in.VersionStage
	if id == "" {
		if stage == "" {
			stage = current
		}
		id = c.holder(stage)
	}
	v := c.Versions[id]
	switch {
	case (v == nil || v.Empty) && in.VersionID != "":
		return nil, fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for VersionId: %s", id)
	case v == nil || v.Empty:
		return nil, fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: %s", stage)
	case stage != "" && !slices.Contains(v.Stages, stage):
		return nil, invalidRequest("You provided a VersionStage that is not associated to the provided VersionId.")
	}
	if day := time.Now().UTC().Truncate(24 * time.Hour); !c.Accessed.Equal(day) {
		c.Accessed = day
		if err := s.keep(c); err != nil {
			return nil, err
		}
	}
	return struct {
		identity
		CreatedDate  float64
		SecretString *string `json:",omitempty"`
		SecretBinary []byte  `json:",omitempty"`
	}{identity{c.ARN, c.Name, id, slices.Clone(v.Stages)}, seconds(v.Created), v.String, v.Binary}, nil
}

// seconds is a time as the API writes it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (s *Server) updateSecretVersionStage(caller string, in struct {
	SecretID     string `json:"SecretId"`
	VersionStage string
	MoveTo       string `json:"MoveToVersionId"`
	RemoveFrom   string `json:"RemoveFromVersionId"`
},
) (any, error) {
	c, err := s.authorized(caller, "UpdateSecretVersionStage", in.SecretID, s.live)
	if err != nil {
		return nil, err
	}
	holder := c.holder(in.VersionStage)
	switch {
	case in.VersionStage == "" || len(in.VersionStage) > 256:
		return nil, invalidParameter("VersionStage has 1 to 256 characters.")
	case in.MoveTo == "" && in.RemoveFrom == "":
		return nil, invalidParameter("You must provide MoveToVersionId or RemoveFromVersionId.")
	case in.MoveTo != "" && c.Versions[in.MoveTo] == nil, in.RemoveFrom != "" && c.Versions[in.RemoveFrom] == nil:
		return nil, fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret version.")
	case in.RemoveFrom != "" && in.RemoveFrom != holder:
		return nil, invalidParameter("The staging label %s isn't attached to version %s, so it can't be removed from it.", in.VersionStage, in.RemoveFrom)
	case in.MoveTo == "" && in.VersionStage == current:
		return nil, invalidParameter("You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.")
	case in.MoveTo != "" && holder != "" && holder != in.MoveTo && in.RemoveFrom == "":
		return nil, invalidParameter("The parameter RemoveFromVersionId can't be empty. Staging label %s is currently attached to version %s, so you must explicitly reference that version in RemoveFromVersionId.", in.VersionStage, holder)
	}
	if in.MoveTo == "" {
		c.detach(in.VersionStage, in.RemoveFrom)
	} else {
		c.move(in.VersionStage, in.MoveTo)
	}
	c.prune()
	c.Changed = time.Now().UTC()
	return identity{ARN: c.ARN, Name: c.Name}, s.keep(c)
}
