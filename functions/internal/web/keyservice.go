package web

import (
	"context"
	"errors"
	"net/http"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/sealing"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/product"
	"latchkey/shared/text"
)

// KeyStore lists the methods of the control table that a KeyService calls.
type KeyStore interface {
	RequestStore
	Key(ctx context.Context, id account.ID, key apikey.ID) (apikey.Key, error)
	Account(ctx context.Context, id account.ID) (account.Account, error)
	Commit(ctx context.Context, c control.Change) (apikey.Key, error)
}

// KeyUse reads when secrets were last used. A key that isn't in the answer was never used.
type KeyUse interface {
	LastUsed(ctx context.Context, id account.ID, keys ...apikey.Key) (map[apikey.ID]Used, error)
}

// Sealer keeps the secrets of recoverable keys.
type Sealer interface {
	Seal(ctx context.Context, secret apikey.Secret, key apikey.ID) ([]byte, error)
	Open(ctx context.Context, sealed []byte, key apikey.ID) (string, error)
}

// KeyService holds the steps shared by all handlers that change a key: read the key of the path, check the version, commit
// a change with its audit row, show the key, and make a new secret that is shown once.
type KeyService struct {
	Store    KeyStore
	Source   env.Source
	Prefix   apikey.Prefix
	Texts    text.Secrets
	Products product.Catalogue
	Used     KeyUse
	Sealer   Sealer
}

// KeyService makes the key service that the environment describes.
func (b *Base) KeyService() *KeyService {
	return &KeyService{
		Store: b.Store, Source: b.Source, Prefix: b.Prefix, Texts: b.Texts, Products: product.Default(), Used: b.LastUsed(), Sealer: sealing.New(sealing.SecretOf(b.Env, sealing.NewClient(b.Env, b.DB)), b.Source),
	}
}

// Read finds the key of the path, in the caller's account.
func (s *KeyService) Read(r *http.Request, c gateway.Principal) (apikey.Key, error) {
	id, err := gateway.ID(r.PathValue("key"), "key_")
	if err != nil {
		return apikey.Key{}, err
	}
	return s.Store.Key(r.Context(), c.Account, apikey.ID(id))
}

// Row makes the audit row of a change.
func (s *KeyService) Row(c gateway.Principal, action string, before *apikey.Key, after apikey.Key) audit.Row {
	return AuditRow(s.Source, c, action, after.ID, audit.KeyChanges(before, after)...)
}

// Change makes any change of an existing key: read, compare, apply, commit, show. A change that leaves the key the same
// ([apikey.Key.Same]) is acknowledged without a write, so that a request can be repeated.
func (s *KeyService) Change(w http.ResponseWriter, r *http.Request, c gateway.Principal, action string,
	apply func(before apikey.Key) (after apikey.Key, err error),
) error {
	before, err := s.Read(r, c)
	if err != nil {
		return err
	}
	if err := gateway.OptionalIfMatch(r).Check(before.Version); err != nil {
		return err
	}
	after, err := apply(before)
	switch {
	case err != nil:
		return err
	case after.Same(before):
		return s.Show(w, r, c, before)
	default:
		return s.Commit(w, r, c, action, before, after)
	}
}

// Commit writes a change with its audit row and answers with the key.
func (s *KeyService) Commit(w http.ResponseWriter, r *http.Request, c gateway.Principal, action string, before, after apikey.Key) error {
	row := s.Row(c, action, &before, after)
	return s.CommitChange(w, r, c, control.Change{Before: &before, After: after, Audit: row})
}

// CommitChange is Commit for a change that states more than the key's version.
func (s *KeyService) CommitChange(w http.ResponseWriter, r *http.Request, c gateway.Principal, change control.Change) error {
	written, err := s.Store.Commit(r.Context(), change)
	if err != nil {
		return err
	}
	return s.Show(w, r, c, written)
}

// Show answers with a key.
func (s *KeyService) Show(w http.ResponseWriter, r *http.Request, c gateway.Principal, k apikey.Key) error {
	view, err := s.AnswerView(r, c, k)
	if err != nil {
		return err
	}
	gateway.SetETag(w, k.Version)
	return gateway.JSON(w, http.StatusOK, KeyDoc(k, view))
}

// AnswerView is [KeyService.View] for the answer to a request. A change is reported whatever can't be read beside the key.
func (s *KeyService) AnswerView(r *http.Request, c gateway.Principal, k apikey.Key) (View, error) {
	view, err := s.View(r.Context(), c, k)
	if r.Method != http.MethodGet {
		err = nil
	}
	return view, err
}

// View reads what a document of a key depends on besides the key.
func (s *KeyService) View(ctx context.Context, c gateway.Principal, k apikey.Key) (View, error) {
	view := View{Now: s.Source.Time(), Operator: c.Operator, Products: s.Products}
	used, err := s.Used.LastUsed(ctx, k.Account, k)
	if err != nil {
		return view, err
	}
	view.Used = used[k.ID]
	a, err := s.Account(ctx, k.Account)
	return view.In(a), err
}

// Account reads an account for the documents of its keys. One that can't be read, which has been reported, hides no key: they are
// shown as if it weren't suspended, and had accepted nothing.
func (s *KeyService) Account(ctx context.Context, id account.ID) (account.Account, error) {
	a, err := s.Store.Account(ctx, id)
	if errors.Is(err, dynamo.ErrUnreadable) {
		return account.Account{}, nil
	}
	return a, err
}

// NotSuspended refuses what a suspended account may not do.
func (s *KeyService) NotSuspended(ctx context.Context, id account.ID) error {
	a, err := s.Account(ctx, id)
	if err == nil && a.Suspended.Holds(s.Source.Time()) {
		return account.ErrSuspended
	}
	return err
}

// NewSecret makes a secret for a key, and its stored form.
func (s *KeyService) NewSecret(ctx context.Context, k apikey.Key) (apikey.Secret, apikey.StoredSecret, error) {
	secret, err := s.Prefix.Generate(s.Source.Rand)
	if err != nil {
		return apikey.Secret{}, apikey.StoredSecret{}, err
	}
	stored := apikey.StoredSecret{Hash: secret.Hash(), Preview: secret.Preview(), CreatedAt: s.Source.Time()}
	if k.Recoverable {
		if stored.Sealed, err = s.Sealer.Seal(ctx, secret, k.ID); err != nil {
			return apikey.Secret{}, apikey.StoredSecret{}, err
		}
	}
	return secret, stored, nil
}

// ShowSecret answers with a key and its new secret, the only answer that has it. A zero secret is a replay's.
func (s *KeyService) ShowSecret(w http.ResponseWriter, r *http.Request, c gateway.Principal, status int, k apikey.Key, secret apikey.Secret) error {
	view, err := s.View(r.Context(), c, k)
	if err != nil {
		view = View{Now: s.Source.Time(), Products: s.Products} // a new secret must not be lost over its statistics
	}
	gateway.NoStore(w)
	gateway.SetETag(w, k.Version)
	return gateway.JSON(w, status, KeyWithSecret(k, view, secret))
}

// CommitSecret writes a change that brings a new secret, and shows it.
func (s *KeyService) CommitSecret(w http.ResponseWriter, r *http.Request, c gateway.Principal, status int, change control.Change, secret apikey.Secret) error {
	written, err := s.Store.Commit(r.Context(), change)
	if err != nil {
		return err
	}
	return s.ShowSecret(w, r, c, status, written, secret)
}

// Replay answers a request that was made before with the key as it is now, without its secret.
func (s *KeyService) Replay(w http.ResponseWriter, r *http.Request, c gateway.Principal, status int, first control.Idempotency) error {
	k, err := s.Store.Key(r.Context(), c.Account, apikey.ID(first.Resource))
	if err != nil {
		return err
	}
	gateway.Replayed(w)
	return s.ShowSecret(w, r, c, status, k, apikey.Secret{})
}

// Once is that of [Requests].
func (s *KeyService) Once(r *http.Request, c gateway.Principal, operation string, body any,
	do func(remember *control.Idempotency) error, again func(first control.Idempotency) error,
) error {
	return Requests{s.Store, s.Source, s.Texts}.Once(r, c, operation, body, do, again)
}
