package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
)

// echoed calls the path at which the upstream answers with what it got.
func (s *smoke) echoed(ctx context.Context, more, secret string) (answer, error) {
	if err := s.needsKey(); err != nil {
		return answer{}, err
	}
	if s.echo == "" {
		return answer{}, left("-echo PATH, at which the upstream answers with the request line and headers that it got")
	}
	return s.product(ctx, s.echo+more, secret)
}

// mappedHeader asks whether the upstream sees the caller's own X-Api-Key.
func mappedHeader(ctx context.Context, s *smoke) error {
	a, err := s.echoed(ctx, "", s.living.secret)
	if err != nil {
		return err
	}
	return s.hidden(a)
}

// hidden gives an error unless the upstream answered, and saw what is mapped in place of the secret.
func (s *smoke) hidden(a answer) error {
	if err := a.is(http.StatusOK, ""); err != nil {
		return err
	}
	if bytes.Contains(a.body, []byte(s.living.secret)) {
		return fmt.Errorf("the upstream sees the caller's secret")
	}
	if !bytes.Contains(a.body, []byte("removed")) {
		return fmt.Errorf("the upstream doesn't answer with what it got: nothing has the mapped value \"removed\"")
	}
	return nil
}

// mappedQuery asks whether it sees the caller's own parameter key.
func mappedQuery(ctx context.Context, s *smoke) error {
	a, err := s.echoed(ctx, "?key="+s.living.secret, "")
	if err != nil {
		return err
	}
	return s.hidden(a)
}

func escapesUpstream(ctx context.Context, s *smoke) error {
	a, err := s.echoed(ctx, "/12%2F3", s.living.secret)
	if err != nil {
		return err
	}
	if a.code() == "path_not_canonical" {
		return left("-echo PATH of a class with encoded_slash")
	}
	if !strings.Contains(strings.ToUpper(string(a.body)), "12%2F3") {
		return fmt.Errorf("the upstream got another path: %q", short(a.body))
	}
	return nil
}
