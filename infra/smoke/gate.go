package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

const anyPath = "/map/1/tile/basic/main/0/0/0.png" // where no token says what products there are

// samplePath is a path of a product.
func (s *smoke) samplePath() string {
	if s.wide != "" {
		return s.wide
	}
	return anyPath
}

func oneUnauthorized(ctx context.Context, s *smoke) error {
	first, err := s.wants(ctx, http.StatusUnauthorized, "unauthorized", s.samplePath(), "")
	if err != nil {
		return err
	}
	if err := s.needsKey(); err != nil {
		return err
	}
	mistyped, err := s.product(ctx, s.wide, s.living.secret[:len(s.living.secret)-1]+"_")
	if err != nil {
		return err
	}
	two, err := s.product(ctx, s.wide+"?key="+s.living.secret, s.living.secret)
	if err != nil {
		return err
	}
	for _, a := range []answer{mistyped, two} {
		if a.status != first.status || !bytes.Equal(a.body, first.body) {
			return fmt.Errorf("%d %q beside %d %q", a.status, short(a.body), first.status, short(first.body))
		}
	}
	return nil
}

func imitatedHeader(ctx context.Context, s *smoke) error {
	if err := s.needsKey(); err != nil {
		return err
	}
	_, err := s.wants(ctx, http.StatusUnauthorized, "unauthorized", s.wide, s.living.secret, "X_Latchkey_Account_Id", "acc_1")
	return err
}

// hasHeader asks for one header of an answer.
func hasHeader(a answer, name, want string) error {
	if got := a.header.Get(name); got != want {
		return fmt.Errorf("%s is %q, expected %q", name, got, want)
	}
	return nil
}

func challenge(ctx context.Context, s *smoke) error {
	a, err := s.wants(ctx, http.StatusUnauthorized, "", s.samplePath(), "")
	if err != nil {
		return err
	}
	return hasHeader(a, "WWW-Authenticate", `ApiKey realm="products"`)
}

// contentType asks each kind of gateway response that can be had without a key.
func contentType(ctx context.Context, s *smoke) error {
	for _, target := range []string{s.samplePath(), "/smoke-nothing"} {
		a, err := s.product(ctx, target, "")
		if err != nil {
			return err
		}
		if err := hasHeader(a, "Content-Type", "application/problem+json"); err != nil {
			return fmt.Errorf("%d: %w", a.status, err)
		}
		if err := hasHeader(a, "Access-Control-Allow-Origin", "*"); err != nil {
			return fmt.Errorf("%d: %w", a.status, err)
		}
	}
	return nil
}

func contextInResponses(ctx context.Context, s *smoke) error {
	if err := s.needsKey(); err != nil {
		return err
	}
	a, err := s.wants(ctx, http.StatusForbidden, "path_not_canonical", hostile(s.wide)[0], s.living.secret)
	if err == nil && !bytes.Contains(a.body, []byte(`"detail":"The path`)) {
		err = fmt.Errorf("the body has no detail of the authorizer's: %q", short(a.body))
	}
	return err
}

func errorType(ctx context.Context, s *smoke) error {
	a, err := s.product(ctx, "/smoke-nothing", "")
	if err == nil {
		err = hasHeader(a, "x-amzn-ErrorType", "MissingAuthenticationTokenException")
	}
	if err != nil {
		return err
	}
	if a, err = s.product(ctx, s.samplePath(), ""); err == nil {
		err = hasHeader(a, "x-amzn-ErrorType", "UnauthorizedException")
	}
	if err != nil {
		return err
	}
	if err := s.needsKey(); err != nil {
		return err
	}
	if a, err = s.product(ctx, hostile(s.wide)[0], s.living.secret); err == nil {
		err = hasHeader(a, "x-amzn-ErrorType", "AccessDeniedException")
	}
	return err
}

// requestID asks for an ID of the caller's own, which the answer must not have.
func requestID(ctx context.Context, s *smoke) error {
	const chosen = "00000000-0000-4000-8000-000000000000"
	a, err := s.product(ctx, s.samplePath(), "", "X-Amzn-RequestId", chosen, "X-Request-Id", chosen)
	if err != nil {
		return err
	}
	if got := a.header.Get("X-Request-Id"); got == "" || got == chosen {
		return fmt.Errorf("X-Request-Id is %q", got)
	}
	return nil
}

// hostile are ways to write a path that an upstream may read as another.
func hostile(sample string) []string {
	first, rest, _ := strings.Cut(strings.TrimPrefix(sample, "/"), "/")
	return []string{
		"/" + first + "/%2e%2e/" + first + "/" + rest, "/" + first + "//" + rest, "/" + first + "/a%2f..%2fb", "/" + first + "/a%5cb",
		"/" + first + "/%252e%252e/" + rest,
	}
}

func hostilePaths(ctx context.Context, s *smoke) error {
	if err := s.needsKey(); err != nil {
		return err
	}
	for _, target := range hostile(s.wide) {
		if _, err := s.wants(ctx, http.StatusForbidden, "path_not_canonical", target, s.living.secret); err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
	}
	return nil
}

func rawCharacters(ctx context.Context, s *smoke) error {
	dir := path.Dir(s.samplePath())
	for _, target := range []string{dir + `/smoke"x`, dir + `/smoke","code":"x`, `/smoke-nothing"x`} {
		a, err := s.product(ctx, target, s.living.secret)
		if err != nil {
			return err
		}
		if a.status != http.StatusBadRequest && a.status != http.StatusForbidden {
			return fmt.Errorf("%s: %d", target, a.status)
		}
	}
	return nil
}

func unknownPath(ctx context.Context, s *smoke) error {
	_, err := s.wants(ctx, http.StatusForbidden, "unknown_path", "/smoke-nothing", "")
	return err
}

func preflight(ctx context.Context, s *smoke) error {
	a, err := s.send(ctx, http.MethodOptions, s.products, s.samplePath(), "",
		"Origin", "https://smoke.example", "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "x-api-key")
	if err == nil {
		err = a.is(http.StatusNoContent, "")
	}
	if err == nil {
		err = hasHeader(a, "Access-Control-Allow-Headers", "*,X-Api-Key")
	}
	return err
}

func preflightMediaType(ctx context.Context, s *smoke) error {
	a, err := s.send(ctx, http.MethodOptions, s.products, s.samplePath(), "a", "Content-Type", "text/plain")
	if err == nil {
		err = a.is(http.StatusUnsupportedMediaType, "content_type_unsupported")
	}
	return err
}

func binary(ctx context.Context, s *smoke) error {
	if err := s.needsKey(); err != nil {
		return err
	}
	if s.picture == "" {
		return left("a product whose sample_path ends in .png")
	}
	for _, accept := range []string{"*/*", "image/png", "text/html,*/*;q=0.8"} {
		a, err := s.product(ctx, s.picture, s.living.secret, "Accept", accept)
		if err != nil {
			return err
		}
		if err := a.is(http.StatusOK, ""); err != nil {
			return err
		}
		if !bytes.HasPrefix(a.body, []byte("\x89PNG\r\n\x1a\n")) || !bytes.HasSuffix(a.body, []byte("IEND\xaeB`\x82")) {
			return fmt.Errorf("with Accept: %s the body is no PNG: %q", accept, short(a.body))
		}
	}
	return nil
}

// overLimit uses the limit of one key up.
func overLimit(ctx context.Context, s *smoke) error {
	if err := s.needsKey(); err != nil {
		return err
	}
	a, err := s.untilRefused(ctx)
	if err != nil {
		return err
	}
	if err := a.is(s.overLimit, "qps_exceeded"); err != nil {
		return err
	}
	if s.overLimit != http.StatusTooManyRequests {
		return nil
	}
	if err := hasHeader(a, "Content-Type", "application/problem+json"); err != nil {
		return err
	}
	return s.admitted(ctx, a)
}

// admitted waits as Retry-After says, and calls again: up to three times, since after 20 calls at once, over several environments, one
// wait wasn't always enough in a local run.
func (s *smoke) admitted(ctx context.Context, refused answer) error {
	for range 3 {
		wait, err := strconv.Atoi(refused.header.Get("Retry-After"))
		if err != nil || wait < 1 || wait > 60 {
			return fmt.Errorf("the header Retry-After is %q", refused.header.Get("Retry-After"))
		}
		time.Sleep(time.Duration(wait) * time.Second)
		if refused, err = s.product(ctx, s.narrow, s.limited.secret); err != nil {
			return err
		}
		if refused.status == http.StatusOK {
			return nil
		}
	}
	return refused.is(http.StatusOK, "")
}

// untilRefused calls from many sides at once, since a limit of a few calls a second is never reached from far away one by one.
func (s *smoke) untilRefused(ctx context.Context) (refused answer, err error) {
	var mu sync.Mutex
	for range 20 {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				a, e := s.product(ctx, s.narrow, s.limited.secret)
				mu.Lock()
				defer mu.Unlock()
				if e != nil {
					err = e
				} else if a.status != http.StatusOK {
					refused = a
				}
			})
		}
		wg.Wait()
		if err != nil || refused.status != 0 {
			return refused, err
		}
	}
	return refused, errors.New("of 400 calls none is refused")
}
