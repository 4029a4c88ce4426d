package secrets

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

type byID struct {
	SecretID string `json:"SecretId"`
}

// described is a secret without its values.
type described struct {
	ARN, Name          string
	Description        string              `json:",omitempty"`
	KmsKeyID           string              `json:"KmsKeyId,omitempty"`
	RotationEnabled    bool                `json:",omitempty"`
	RotationLambdaARN  string              `json:",omitempty"`
	RotationRules      json.RawMessage     `json:",omitempty"`
	Tags               []tag               `json:",omitempty"`
	VersionIDsToStages map[string][]string `json:"VersionIdsToStages,omitempty"`
	ListedStages       map[string][]string `json:"SecretVersionsToStages,omitempty"` // what ListSecrets calls it
	CreatedDate        float64             `json:",omitempty"`
	LastChangedDate    float64             `json:",omitempty"`
	LastAccessedDate   float64             `json:",omitempty"`
	LastRotatedDate    float64             `json:",omitempty"`
	DeletedDate        float64             `json:",omitempty"`
}

func (c *secret) describe() described {
	at := func(t time.Time) float64 {
		if t.IsZero() {
			return 0
		}
		return seconds(t)
	}
	d := described{
		ARN: c.ARN, Name: c.Name, Description: c.Description, KmsKeyID: c.KmsKeyID,
		RotationEnabled: c.RotationEnabled, RotationLambdaARN: c.RotationLambda, RotationRules: c.RotationRules,
		CreatedDate: at(c.Created), LastChangedDate: at(c.Changed), LastAccessedDate: at(c.Accessed), LastRotatedDate: at(c.Rotated), DeletedDate: at(c.Deleted),
	}
	for _, k := range slices.Sorted(maps.Keys(c.Tags)) {
		d.Tags = append(d.Tags, tag{k, c.Tags[k]})
	}
	return d
}

func (s *Server) describeSecret(caller string, in byID) (any, error) {
	c, err := s.authorized(caller, "DescribeSecret", in.SecretID, s.find)
	if err != nil {
		return nil, err
	}
	d := c.describe()
	d.VersionIDsToStages = c.stages()
	return d, nil
}

type filter struct {
	Key    string
	Values []string
}

func (s *Server) listSecrets(caller string, in struct {
	MaxResults             *int
	NextToken              string
	Filters                []filter
	SortOrder              string
	IncludePlannedDeletion bool
},
) (any, error) {
	if err := s.own(caller); err != nil {
		return nil, err
	}
	limit := 100
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	if limit < 1 || limit > 100 {
		return nil, invalidParameter("MaxResults is 1 to 100.")
	}
	for _, f := range in.Filters {
		if !slices.Contains([]string{"name", "description", "tag-key", "tag-value", "all"}, f.Key) || len(f.Values) == 0 {
			return nil, invalidParameter("the local Secrets Manager filters by name, description, tag-key, tag-value and all, not by %q", f.Key)
		}
	}
	names := slices.Sorted(maps.Keys(s.secrets))
	if in.SortOrder == "desc" {
		slices.Reverse(names)
	}
	if in.NextToken != "" {
		i := slices.Index(names, in.NextToken)
		if i < 0 {
			return nil, fail("InvalidNextTokenException", "The NextToken value is invalid.")
		}
		names = names[i:]
	}
	out := struct {
		SecretList []described
		NextToken  string `json:",omitempty"`
	}{SecretList: []described{}}
	for _, name := range names {
		c := s.secrets[name]
		if !c.Deleted.IsZero() && !in.IncludePlannedDeletion || !c.passes(in.Filters) {
			continue
		}
		if len(out.SecretList) == limit {
			out.NextToken = name
			break
		}
		d := c.describe()
		d.ListedStages = c.stages()
		out.SecretList = append(out.SecretList, d)
	}
	return out, nil
}

// passes holds a secret against filters: each must match, by the prefix of one of its values; "!" in front negates.
func (c *secret) passes(filters []filter) bool {
	for _, f := range filters {
		var texts []string
		if f.Key == "name" || f.Key == "all" {
			texts = append(texts, c.Name)
		}
		if f.Key == "description" || f.Key == "all" {
			texts = append(texts, c.Description)
		}
		for k, v := range c.Tags {
			if f.Key == "tag-key" || f.Key == "all" {
				texts = append(texts, k)
			}
			if f.Key == "tag-value" || f.Key == "all" {
				texts = append(texts, v)
			}
		}
		if !slices.ContainsFunc(f.Values, func(want string) bool {
			prefix, negated := strings.CutPrefix(want, "!")
			return negated != slices.ContainsFunc(texts, func(t string) bool { return strings.HasPrefix(t, prefix) })
		}) {
			return false
		}
	}
	return true
}

func (s *Server) listSecretVersionIDs(caller string, in struct {
	byID
	IncludeDeprecated bool
},
) (any, error) {
	c, err := s.authorized(caller, "ListSecretVersionIds", in.SecretID, s.find)
	if err != nil {
		return nil, err
	}
	type listed struct {
		VersionID     string `json:"VersionId"`
		VersionStages []string
		CreatedDate   float64
	}
	out := struct {
		ARN, Name string
		Versions  []listed
	}{c.ARN, c.Name, []listed{}}
	for _, id := range slices.Sorted(maps.Keys(c.Versions)) {
		if v := c.Versions[id]; in.IncludeDeprecated || len(v.Stages) > 0 {
			out.Versions = append(out.Versions, listed{id, v.Stages, seconds(v.Created)})
		}
	}
	return out, nil
}

func (s *Server) deleteSecret(caller string, in struct {
	byID
	Force  bool `json:"ForceDeleteWithoutRecovery"`
	Window *int `json:"RecoveryWindowInDays"`
},
) (any, error) {
	days := 30
	if in.Window != nil {
		days = *in.Window
	}
	switch {
	case in.Force && in.Window != nil:
		return nil, invalidParameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	case days < 7 || days > 30:
		return nil, invalidParameter("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	}
	type deleted struct {
		ARN          string `json:",omitempty"`
		Name         string
		DeletionDate float64
	}
	now := time.Now().UTC()
	c, err := s.authorized(caller, "DeleteSecret", in.SecretID, s.find)
	var f *failure
	if in.Force && errors.As(err, &f) && f.code == "ResourceNotFoundException" {
		return deleted{Name: in.SecretID, DeletionDate: seconds(now)}, nil
	}
	if err != nil {
		return nil, err
	}
	if in.Force {
		return deleted{c.ARN, c.Name, seconds(now)}, s.drop(c.Name)
	}
	if !c.Deleted.IsZero() {
		return nil, invalidRequest("You can't perform this operation on the secret because it was already scheduled for deletion.")
	}
	c.Deleted, c.Purge = now, now.AddDate(0, 0, days)
	return deleted{c.ARN, c.Name, seconds(c.Purge)}, s.keep(c)
}

func (s *Server) restoreSecret(caller string, in byID) (any, error) {
	c, err := s.authorized(caller, "RestoreSecret", in.SecretID, s.find)
	if err != nil {
		return nil, err
	}
	c.Deleted, c.Purge = time.Time{}, time.Time{}
	return identity{ARN: c.ARN, Name: c.Name}, s.keep(c)
}

func (c *secret) tag(tags []tag) error {
	for _, t := range tags {
		if t.Key == "" || len(t.Key) > 128 || len(t.Value) > 256 || strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return invalidParameter("A tag's key has 1 to 128 characters and doesn't begin with aws:, its value has at most 256.")
		}
		c.Tags[t.Key] = t.Value
	}
	if len(c.Tags) > 50 {
		return fail("LimitExceededException", "A secret has at most 50 tags.")
	}
	return nil
}

func (s *Server) tagResource(caller string, in struct {
	byID
	Tags []tag
},
) (any, error) {
	c, err := s.authorized(caller, "TagResource", in.SecretID, s.live)
	if err != nil {
		return nil, err
	}
	if err := c.tag(in.Tags); err != nil {
		return nil, err
	}
	return struct{}{}, s.keep(c)
}

func (s *Server) untagResource(caller string, in struct {
	byID
	TagKeys []string
},
) (any, error) {
	c, err := s.authorized(caller, "UntagResource", in.SecretID, s.live)
	if err != nil {
		return nil, err
	}
	for _, k := range in.TagKeys {
		delete(c.Tags, k)
	}
	return struct{}{}, s.keep(c)
}
