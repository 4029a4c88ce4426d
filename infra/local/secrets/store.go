package secrets

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
	pending  = "AWSPENDING"

	maxVersions = 100 // versions without a stage beyond this are dropped, oldest first
)

// secret is the stored form of a secret.
type secret struct {
	Name        string
	ARN         string
	Description string              `json:",omitempty"`
	KmsKeyID    string              `json:",omitempty"`
	Tags        map[string]string   `json:",omitempty"`
	Policy      string              `json:",omitempty"`
	Versions    map[string]*version `json:",omitempty"`
	Created     time.Time
	Changed     time.Time
	Accessed    time.Time `json:",omitzero"`
	Rotated     time.Time `json:",omitzero"`
	Deleted     time.Time `json:",omitzero"` // when deletion was asked for
	Purge       time.Time `json:",omitzero"` // when it can't be restored any more

	RotationEnabled bool            `json:",omitempty"`
	RotationLambda  string          `json:",omitempty"`
	RotationRules   json.RawMessage `json:",omitempty"`
}

// version is one value. Empty is set while a rotation has announced it but not yet written it.
type version struct {
	String  *string  `json:",omitempty"`
	Binary  []byte   `json:",omitempty"`
	Stages  []string `json:",omitempty"`
	Created time.Time
	Empty   bool `json:",omitempty"`
}

func (v *version) same(text *string, binary []byte) bool {
	return !v.Empty && (v.String == nil) == (text == nil) && (text == nil || *text == *v.String) && slices.Equal(v.Binary, binary)
}

// holder returns the version that has a stage, "" if none.
func (c *secret) holder(stage string) string {
	for id, v := range c.Versions {
		if slices.Contains(v.Stages, stage) {
			return id
		}
	}
	return ""
}

// move attaches a stage to a version and takes it from its holder. AWSCURRENT leaves AWSPREVIOUS behind.
func (c *secret) move(stage, to string) {
	from := c.holder(stage)
	if from == to {
		return
	}
	c.detach(stage, from)
	if v := c.Versions[to]; v != nil {
		v.Stages = append(v.Stages, stage)
	}
	if stage == current && from != "" {
		c.detach(previous, c.holder(previous))
		c.Versions[from].Stages = append(c.Versions[from].Stages, previous)
	}
}

func (c *secret) detach(stage, from string) {
	if v := c.Versions[from]; v != nil {
		v.Stages = slices.DeleteFunc(v.Stages, func(s string) bool { return s == stage })
	}
}

// prune drops the oldest versions without a stage.
func (c *secret) prune() {
	var bare []string
	for id, v := range c.Versions {
		if len(v.Stages) == 0 {
			bare = append(bare, id)
		}
	}
	slices.SortFunc(bare, func(a, b string) int { return c.Versions[a].Created.Compare(c.Versions[b].Created) })
	for i := 0; len(c.Versions) > maxVersions && i < len(bare); i++ {
		delete(c.Versions, bare[i])
	}
}

// stages is VersionIdsToStages: versions without a stage count as deprecated and aren't shown.
func (c *secret) stages() map[string][]string {
	out := map[string][]string{}
	for id, v := range c.Versions {
		if len(v.Stages) > 0 {
			out[id] = slices.Clone(v.Stages)
		}
	}
	return out
}

// clone lets an operation change a secret before anybody, or the disk, sees it.
func (c *secret) clone() *secret {
	d := *c
	d.Versions, d.Tags = map[string]*version{}, map[string]string{}
	for id, v := range c.Versions {
		w := *v
		w.Stages = slices.Clone(v.Stages)
		d.Versions[id] = &w
	}
	for k, v := range c.Tags {
		d.Tags[k] = v
	}
	return &d
}

// find looks a secret up by name, ARN, or ARN without its six last characters. It returns a copy.
func (s *Server) find(id string) (*secret, error) {
	if id == "" {
		return nil, invalidParameter("You must provide a value for the SecretId parameter.")
	}
	name := id
	if !strings.HasPrefix(id, "arn:") && !validName.MatchString(id) {
		return nil, invalidName()
	}
	if rest, ok := strings.CutPrefix(id, s.arnPrefix()); ok {
		name = rest
		if i := strings.LastIndexByte(rest, '-'); i >= 0 && len(rest)-i == 7 {
			if c := s.secrets[rest[:i]]; c != nil && c.ARN == id {
				return c.clone(), nil
			}
		}
	}
	if c := s.secrets[name]; c != nil {
		return c.clone(), nil
	}
	return nil, fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

// live is find for operations that a secret marked for deletion refuses.
func (s *Server) live(id string) (*secret, error) {
	c, err := s.find(id)
	if err == nil && !c.Deleted.IsZero() {
		return nil, invalidRequest("You can't perform this operation on the secret because it was marked for deletion.")
	}
	return c, err
}

func (s *Server) arnPrefix() string {
	return fmt.Sprintf("arn:aws:secretsmanager:%s:%s:secret:", s.cfg.Region, s.cfg.Account)
}

// keep writes a secret, then shows it to others.
func (s *Server) keep(c *secret) error {
	raw, err := json.Marshal(c)
	if err != nil {
		return err
	}
	file := s.file(c.Name)
	if err := os.WriteFile(file+".tmp", raw, 0o600); err != nil {
		return err
	}
	if err := os.Rename(file+".tmp", file); err != nil {
		return err
	}
	s.secrets[c.Name] = c
	return nil
}

func (s *Server) drop(name string) error {
	if err := os.Remove(s.file(name)); err != nil {
		return err
	}
	delete(s.secrets, name)
	return nil
}

// purge removes the secrets whose recovery window is over. It looks at most once a second.
func (s *Server) purge() {
	if time.Since(s.purged) < time.Second {
		return
	}
	s.purged = time.Now()
	for name, c := range s.secrets {
		if !c.Purge.IsZero() && time.Now().After(c.Purge) {
			_ = s.drop(name) // it is tried again with the next request
		}
	}
}

// file is named by a hash, since names hold slashes.
func (s *Server) file(name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(s.cfg.Dir, hex.EncodeToString(sum[:16])+".json")
}

func load(dir string) (map[string]*secret, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	all := map[string]*secret{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		var c secret
		if err := json.Unmarshal(raw, &c); err != nil || c.Name == "" {
			return nil, fmt.Errorf("%s holds no secret", f)
		}
		all[c.Name] = &c
	}
	return all, nil
}

func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
