package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// smoke is one run against a stack.
type smoke struct {
	target
	client  *http.Client
	account string // path of the account that was opened
	// living is the key whose life is tried, on the path with the highest limit; limited is used up, on the one with the lowest.
	living, limited key
	wide, narrow    string // those paths
	narrowProduct   string // of the narrow path
	picture         string // a path that answers a PNG, or ""
	secrets         []string
	pause           time.Duration // between two calls that wait for something
	usageWait       time.Duration // until usage has to show
}

type key struct {
	path   string // in the management API
	secret string
}

type product struct {
	ID, Kind   string
	SamplePath string `json:"sample_path"`
	Classes    []struct {
		DefaultQPS map[string]int `json:"default_qps"`
	}
}

const (
	accountName = "Smoke test"
	promise     = 10 * time.Second // until a change of a key is obeyed
	aged        = 6 * time.Second  // an environment serves what it knows for 5 s
)

func newSmoke(t target) *smoke {
	s := &smoke{target: t, client: newClient(), secrets: []string{}, pause: 200 * time.Millisecond, usageWait: time.Minute}
	if t.aws {
		s.usageWait = 5 * time.Minute
	}
	return s
}

// prepare opens an account and makes the keys. Without a token nothing is made, and the facts that need a key aren't asked for.
func (s *smoke) prepare(ctx context.Context) error {
	if s.token == "" {
		return nil
	}
	s.secrets = append(s.secrets, s.token)
	var list struct{ Products []product }
	if err := s.manage(ctx, http.StatusOK, http.MethodGet, "/v1/products", "", &list); err != nil {
		return err
	}
	s.narrowProduct = s.choose(list.Products)
	if s.narrowProduct == "" {
		return errors.New("the catalogue has no product that can be called")
	}
	var made struct{ ID string }
	if err := s.manage(ctx, http.StatusCreated, http.MethodPost, "/v1/accounts", fmt.Sprintf(`{"name":%q}`, accountName), &made); err != nil {
		return err
	}
	s.account = "/v1/accounts/" + made.ID
	var err error
	if s.living, err = s.makeKey(ctx, "living", callable(list.Products)...); err != nil {
		return err
	}
	s.limited, err = s.makeKey(ctx, "limited", s.narrowProduct)
	return err
}

// callable are the products that have a path to call.
func callable(list []product) (ids []string) {
	for _, p := range list {
		if p.Kind == "api" && p.SamplePath != "" {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// choose takes the paths of the products with the highest and the lowest limit, and of a picture, and gives the product with the lowest.
func (s *smoke) choose(list []product) (narrow string) {
	most, least := 0, 0
	for _, p := range list {
		if p.Kind != "api" || p.SamplePath == "" {
			continue
		}
		qps := 0
		for _, c := range p.Classes {
			qps = max(qps, c.DefaultQPS["self_serve"])
		}
		if strings.HasSuffix(p.SamplePath, ".png") && s.picture == "" {
			s.picture = p.SamplePath
		}
		if qps > most {
			most, s.wide = qps, p.SamplePath
		}
		if least == 0 || qps < least {
			least, narrow, s.narrow = qps, p.ID, p.SamplePath
		}
	}
	return narrow
}

func (s *smoke) makeKey(ctx context.Context, name string, products ...string) (key, error) {
	var made struct{ ID, Secret string }
	body := fmt.Sprintf(`{"name":%q,"usage":"backend","products":["%s"]}`, name, strings.Join(products, `","`))
	err := s.manage(ctx, http.StatusCreated, http.MethodPost, s.account+"/keys", body, &made)
	s.secrets = append(s.secrets, made.Secret)
	return key{s.account + "/keys/" + made.ID, made.Secret}, err
}

// cleanUp closes the account, which revokes its keys, if the run was interrupted too.
func (s *smoke) cleanUp(ctx context.Context) error {
	if s.account == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	account := s.account
	s.account = ""
	return s.manage(ctx, http.StatusOK, http.MethodPost, account+"/close", fmt.Sprintf(`{"confirm_name":%q}`, accountName), nil)
}

// needsKey is why a fact about keys isn't asked for.
func (s *smoke) needsKey() error {
	if s.living.secret == "" {
		return left("TOKEN, an access token of somebody who may open an account (-token makes one)")
	}
	return nil
}

// settles calls a product from several sides until every environment of the gate answers as wanted, and fails if one answers otherwise
// later than promised after the change, which was just acknowledged. For a refusal it goes on for as long as one may serve what it knows.
func (s *smoke) settles(ctx context.Context, target, secret string, status int) error {
	begin, last, least := time.Now(), time.Duration(0), time.Duration(0)
	if status != http.StatusOK {
		least = aged
	}
	var mu sync.Mutex
	for elapsed := time.Duration(0); elapsed < max(last+time.Second, least) && elapsed < promise+2*time.Second; elapsed = time.Since(begin) {
		var wg sync.WaitGroup
		var broken error
		for range 3 {
			wg.Go(func() {
				sent := time.Since(begin)
				a, err := s.product(ctx, target, secret)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					broken = err
				} else if a.status != status {
					last = max(last, sent)
				}
			})
		}
		wg.Wait()
		if broken != nil {
			return broken
		}
		time.Sleep(s.pause)
	}
	if last > promise {
		return fmt.Errorf("%.1f s after the change the gate doesn't answer %d yet", last.Seconds(), status)
	}
	return nil
}

func keyOpens(ctx context.Context, s *smoke) error {
	if err := s.needsKey(); err != nil {
		return err
	}
	_, err := s.wants(ctx, http.StatusOK, "", s.wide, s.living.secret)
	return err
}

func (s *smoke) changed(ctx context.Context, method, action, body string, into any) error {
	if err := s.needsKey(); err != nil {
		return err
	}
	return s.manage(ctx, http.StatusOK, method, s.living.path+action, body, into)
}

func keyDisabled(ctx context.Context, s *smoke) error {
	if err := s.changed(ctx, http.MethodPost, "/disable", "", nil); err != nil {
		return err
	}
	return s.settles(ctx, s.wide, s.living.secret, http.StatusUnauthorized)
}

func keyEnabled(ctx context.Context, s *smoke) error {
	if err := s.changed(ctx, http.MethodPost, "/enable", "", nil); err != nil {
		return err
	}
	return s.settles(ctx, s.wide, s.living.secret, http.StatusOK)
}

func keyRotated(ctx context.Context, s *smoke) error {
	var made struct{ Secret string }
	if err := s.changed(ctx, http.MethodPost, "/rotate", "", &made); err != nil {
		return err
	}
	old := s.living.secret
	s.living.secret, s.secrets = made.Secret, append(s.secrets, made.Secret)
	if made.Secret == "" || made.Secret == old {
		return errors.New("the rotation gave no new secret")
	}
	if err := s.settles(ctx, s.wide, made.Secret, http.StatusOK); err != nil {
		return err
	}
	_, err := s.wants(ctx, http.StatusOK, "", s.wide, old)
	return err
}

// secretKept makes a key whose secret is kept for later. A stack has no data key until a job has run for the first time.
func secretKept(ctx context.Context, s *smoke) error {
	if err := s.needsKey(); err != nil {
		return err
	}
	var made, shown struct{ ID, Secret string }
	body := fmt.Sprintf(`{"name":"kept","usage":"backend","recoverable":true,"products":[%q]}`, s.narrowProduct)
	if err := s.manage(ctx, http.StatusCreated, http.MethodPost, s.account+"/keys", body, &made); err != nil {
		return err
	}
	s.secrets = append(s.secrets, made.Secret)
	if err := s.manage(ctx, http.StatusOK, http.MethodPost, s.account+"/keys/"+made.ID+"/reveal", "", &shown); err != nil {
		return err
	}
	if shown.Secret == "" || shown.Secret != made.Secret {
		return errors.New("another secret is shown than was made")
	}
	return nil
}

func keyDeleted(ctx context.Context, s *smoke) error {
	if err := s.changed(ctx, http.MethodDelete, "", "", nil); err != nil {
		return err
	}
	return s.settles(ctx, s.wide, s.living.secret, http.StatusUnauthorized)
}

// usageCounted waits for a call to show. An environment reports what it has counted with a later call, or when it ends.
func usageCounted(ctx context.Context, s *smoke) error {
	if err := s.needsKey(); err != nil {
		return err
	}
	for begin := time.Now(); time.Since(begin) < s.usageWait; {
		var u struct{ Totals struct{ Allowed int } }
		if err := s.changed(ctx, http.MethodGet, "/usage", "", &u); err != nil {
			return err
		}
		if u.Totals.Allowed > 0 {
			return nil
		}
		if _, err := s.product(ctx, s.wide, s.living.secret); err != nil {
			return err
		}
		time.Sleep(5 * s.pause)
	}
	return fmt.Errorf("no call shows after %s", s.usageWait)
}
