package secrets

import (
	"encoding/json"
	"slices"
	"time"
)

func (s *Server) rotateSecret(caller string, in struct {
	byID
	ClientRequestToken string
	RotationLambdaARN  string
	RotationRules      json.RawMessage
	RotateImmediately  *bool
},
) (any, error) {
	c, err := s.authorized(caller, "RotateSecret", in.SecretID, s.live)
	if err != nil {
		return nil, err
	}
	if err := (valueInput{ClientRequestToken: in.ClientRequestToken}).check(); err != nil {
		return nil, err
	}
	if in.RotationLambdaARN != "" {
		c.RotationLambda = in.RotationLambdaARN
	}
	if in.RotationRules != nil {
		c.RotationRules = in.RotationRules
	}
	switch {
	case c.RotationLambda == "":
		return nil, invalidRequest("No Lambda rotation function ARN is associated with this secret.")
	case s.cfg.Invoke == nil:
		return nil, invalidRequest("the local Secrets Manager was started without a way to call rotation functions")
	}
	if s.cfg.Exists != nil && !s.cfg.Exists(c.RotationLambda) {
		return nil, fail("AccessDeniedException", "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.")
	}
	c.RotationEnabled = true
	token := in.ClientRequestToken
	if token == "" {
		token = uuid()
	}
	out := identity{ARN: c.ARN, Name: c.Name, VersionID: token}
	if in.RotateImmediately != nil && !*in.RotateImmediately {
		return identity{ARN: c.ARN, Name: c.Name}, s.keep(c)
	}
	if v := c.Versions[token]; v != nil && slices.Contains(v.Stages, current) {
		return out, nil // this rotation is over
	}
	if held := c.holder(pending); held != "" && held != token && held != c.holder(current) {
		return nil, invalidRequest("A previous rotation isn't complete. That rotation will be reattempted.")
	}
	if c.Versions[token] == nil {
		c.Versions[token] = &version{Empty: true, Created: time.Now().UTC()}
	}
	c.move(pending, token)
	if err := s.keep(c); err != nil {
		return nil, err
	}
	name, arn, function := c.Name, c.ARN, c.RotationLambda
	s.rotating.Go(func() { s.rotate(name, arn, function, token) })
	return out, nil
}

// rotate calls the function with the four steps, in order. Each may be repeated by a later RotateSecret with the token.
func (s *Server) rotate(name, arn, function, token string) {
	for _, step := range []string{"createSecret", "setSecret", "testSecret", "finishSecret"} {
		payload, _ := json.Marshal(map[string]string{"Step": step, "SecretId": arn, "ClientRequestToken": token}) // strings only
		if err := s.cfg.Invoke(s.ctx, function, payload); err != nil {
			s.cfg.Logger.Warn("rotation stopped", "secret", name, "step", step, "error", err)
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.live(name)
	if err == nil && c.holder(current) == token {
		c.Rotated = time.Now().UTC()
		err = s.keep(c)
	}
	if err != nil {
		s.cfg.Logger.Warn("rotation can't be noted", "secret", name, "error", err)
	}
}

func (s *Server) cancelRotateSecret(caller string, in byID) (any, error) {
	c, err := s.authorized(caller, "CancelRotateSecret", in.SecretID, s.live)
	if err != nil {
		return nil, err
	}
	c.RotationEnabled = false
	return identity{ARN: c.ARN, Name: c.Name}, s.keep(c)
}
