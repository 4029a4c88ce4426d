package secrets

import (
	"encoding/json"
	"slices"
	"strings"

	"latchkey/infra/local/iam"
)

// foreign says whether a caller is a principal outside of the stack, named by its ARN.
func foreign(caller string) bool { return strings.HasPrefix(caller, "arn:") }

func denied(caller, action string) error {
	return fail("AccessDeniedException", "User: %s is not authorized to perform: secretsmanager:%s", caller, action)
}

// own admits the stack's own account to operations that no resource policy can open.
func (s *Server) own(caller string) error {
	if foreign(caller) {
		return denied(caller, "this operation")
	}
	return nil
}

// authorized looks a secret up and asks its policy. A foreign caller can't tell a secret that isn't there.
func (s *Server) authorized(caller, action, id string, find func(string) (*secret, error)) (*secret, error) {
	if !foreign(caller) {
		c, err := find(id)
		if err == nil && c.decide(caller, action) == deny {
			return nil, denied(caller, action)
		}
		return c, err
	}
	c, err := s.find(id)
	if err != nil || c.decide(caller, action) != allow {
		return nil, denied(caller, action)
	}
	return find(id)
}

type decision int

const (
	silent decision = iota
	allow
	deny
)

// oneOrMany is a string or a list of strings.
type oneOrMany []string

func (o *oneOrMany) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*o = oneOrMany{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(o))
}

// principals is "*", or lists by kind.
type principals struct {
	any bool
	AWS oneOrMany
}

func (p *principals) UnmarshalJSON(raw []byte) error {
	if string(raw) == `"*"` {
		p.any = true
		return nil
	}
	return json.Unmarshal(raw, &struct{ AWS *oneOrMany }{&p.AWS})
}

type statement struct {
	Effect    string
	Principal *principals
	Action    oneOrMany
	Resource  oneOrMany
	Condition json.RawMessage
}

type policy struct{ Statement []statement }

func parsePolicy(text string) (*policy, error) {
	malformed := fail("MalformedPolicyDocumentException", "This resource policy contains a syntax error, or something that the local Secrets Manager doesn't play.")
	dec := json.NewDecoder(strings.NewReader(text))
	var p policy
	if err := dec.Decode(&p); err != nil || len(p.Statement) == 0 {
		return nil, malformed
	}
	for _, st := range p.Statement {
		if st.Effect != "Allow" && st.Effect != "Deny" || st.Principal == nil || len(st.Action) == 0 || len(st.Resource) == 0 {
			return nil, malformed
		}
	}
	return &p, nil
}

// decide is the policy's word on a caller and an action; an explicit Deny wins.
func (c *secret) decide(caller, action string) decision {
	if c.Policy == "" {
		return silent
	}
	p, err := parsePolicy(c.Policy)
	if err != nil {
		return deny
	}
	result := silent
	for _, st := range p.Statement {
		if !st.Principal.names(caller) || !st.matches("secretsmanager:"+action, c.ARN) {
			continue
		}
		if st.Effect == "Deny" {
			return deny
		}
		if len(st.Condition) == 0 {
			result = allow
		}
	}
	return result
}

// names reports whether a statement is about a caller. An account (its number, or its root) means all its principals.
func (p *principals) names(caller string) bool {
	if p.any || slices.Contains(p.AWS, "*") || slices.Contains(p.AWS, caller) {
		return true
	}
	parts := strings.Split(caller, ":")
	if len(parts) < 6 || parts[4] == "" {
		return false
	}
	return slices.Contains(p.AWS, parts[4]) || slices.Contains(p.AWS, "arn:aws:iam::"+parts[4]+":root")
}

// matches compares actions without case, and ARNs as they are.
func (st *statement) matches(action, arn string) bool {
	return slices.ContainsFunc(st.Action, func(p string) bool { return iam.Like(strings.ToLower(p), strings.ToLower(action)) }) &&
		slices.ContainsFunc(st.Resource, func(p string) bool { return iam.Like(p, arn) })
}

type policyAnswer struct {
	ARN, Name      string
	ResourcePolicy string `json:",omitempty"`
}

func (s *Server) putResourcePolicy(caller string, in struct {
	byID
	ResourcePolicy    string
	BlockPublicPolicy bool
},
) (any, error) {
	c, err := s.authorized(caller, "PutResourcePolicy", in.SecretID, s.live)
	if err != nil {
		return nil, err
	}
	p, err := parsePolicy(in.ResourcePolicy)
	if err != nil {
		return nil, err
	}
	for _, st := range p.Statement {
		public := st.Principal.any || slices.Contains(st.Principal.AWS, "*")
		if in.BlockPublicPolicy && public && st.Effect == "Allow" && len(st.Condition) == 0 {
			return nil, fail("PublicPolicyException", "The resource policy grants broad access to your secret.")
		}
	}
	c.Policy = in.ResourcePolicy
	return policyAnswer{ARN: c.ARN, Name: c.Name}, s.keep(c)
}

func (s *Server) getResourcePolicy(caller string, in byID) (any, error) {
	c, err := s.authorized(caller, "GetResourcePolicy", in.SecretID, s.live)
	if err != nil {
		return nil, err
	}
	return policyAnswer{c.ARN, c.Name, c.Policy}, nil
}

func (s *Server) deleteResourcePolicy(caller string, in byID) (any, error) {
	c, err := s.authorized(caller, "DeleteResourcePolicy", in.SecretID, s.live)
	if err != nil {
		return nil, err
	}
	c.Policy = ""
	return policyAnswer{ARN: c.ARN, Name: c.Name}, s.keep(c)
}
