package main

import (
	"context"
	"reflect"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/consent"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// deploy brings another catalogue, as the next deployment does.
func (r *harness) deploy(c product.Catalogue) {
	r.handler.accounts.products, r.handler.lookups.products, r.handler.export.products = c, c, c
}

func (r *harness) acceptPaths(t *testing.T, status int, as, id string, c product.Catalogue) apitest.Answer {
	t.Helper()
	return r.Want(t, status, apitest.Call{As: as, Method: "POST", Path: r.path("/products/" + id + "/accept"), Body: object{"version": string(c.Version())}})
}

// says decides a call of one of the account's keys by the records that the gate reads.
func (r *harness) says(t *testing.T, k apikey.Key, path string, c product.Catalogue) authz.Code {
	t.Helper()
	policy, found, err := r.Gate.Policy(t.Context(), k.Current.Hash)
	if err != nil || !found {
		t.Fatal(found, err)
	}
	return authz.Decide(r.Clock.Now(), authz.Request{Place: authz.InHeader, Target: authz.TargetOf(path, c), Account: new(r.gateSays(t))}, policy).Code
}

// TestWhatAnOwnerAcceptsIsOpenToAllKeysOfTheAccount, and to no others, by one write; until then the new paths are pending and closed.
func TestWhatAnOwnerAcceptsIsOpenToAllKeysOfTheAccount(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	searches := func(k *apikey.Key) { k.Products = []product.ID{"search"} }
	one, other := r.NewKey(t, r.account, searches), r.NewKey(t, r.account, searches)
	foreign := r.NewAccount(t)
	wider := apitest.Catalogue(t, "../..", apitest.Covers("search", "/search/", "/find/"))
	r.deploy(wider)
	pending := func(k apikey.Key) []any {
		t.Helper()
		doc := r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: "/v1/operator/keys/" + string(k.ID)}).JSON(t)
		return doc["key"].(map[string]any)["pending_paths"].([]any)
	}
	list := pending(one)
	if len(list) != 1 {
		t.Fatalf("pending: %v", list)
	}
	if p := list[0].(map[string]any); p["product"] != "search" || p["version"] != string(wider.Version()) || len(p["paths"].([]any)) != 1 || p["paths"].([]any)[0] != "/find/" {
		t.Errorf("pending: %v", p)
	}
	if got := r.says(t, one, "/find/x", wider); got != authz.PathNotGranted {
		t.Errorf("before: %s", got)
	}
	for _, as := range []string{"viewer", "developer", "operator"} {
		r.acceptPaths(t, 403, as, "search", wider)
	}
	doc := r.acceptPaths(t, 200, "owner", "search", wider).JSON(t)
	rows := len(r.AllAudit(t, r.account.ID))
	for _, k := range []apikey.Key{one, other} {
		if got := r.says(t, k, "/find/x", wider); got != authz.Allowed || len(pending(k)) != 0 {
			t.Errorf("accepted: %s, pending %v", got, pending(k))
		}
		r.CheckGate(t, k)
	}
	if a, found, err := r.Gate.Account(t.Context(), foreign.ID); err != nil || !found || len(a.Accepted) != 0 {
		t.Errorf("another account: %+v, %v", a, err)
	}
	if again := r.acceptPaths(t, 200, "owner", "search", wider).JSON(t); again["version"] != doc["version"] || len(r.AllAudit(t, r.account.ID)) != rows {
		t.Errorf("accepted twice: version %v after %v", again["version"], doc["version"])
	}
}

// TestOnlyTheCatalogueThatWasSeenIsAccepted: not the one before a deployment, nor one that another branch numbered alike.
func TestOnlyTheCatalogueThatWasSeenIsAccepted(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	seen := apitest.Catalogue(t, "../..", apitest.Covers("search", "/search/", "/find/"))
	deployed := apitest.Catalogue(t, "../..", apitest.Covers("search", "/search/", "/everything/"))
	r.deploy(deployed)
	for _, c := range []product.Catalogue{seen, product.Default()} {
		if got := r.acceptPaths(t, 409, "owner", "search", c); got.Code() != "catalogue_changed" {
			t.Error(got.Problem())
		}
	}
	if got := r.acceptPaths(t, 404, "owner", "nothing", deployed); got.Code() != "not_found" {
		t.Error(got.Problem())
	}
	if a := r.gateSays(t); len(a.Accepted) != 0 {
		t.Errorf("%+v", a.Accepted)
	}
}

// TestNothingIsAcceptedOfAConflictingCatalogue: another one of its number was deployed before, as after a lock from which blocks were removed.
func TestNothingIsAcceptedOfAConflictingCatalogue(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	one := apitest.Catalogue(t, "../..", apitest.Covers("search", "/search/", "/find/"))
	other := apitest.Catalogue(t, "../..", apitest.Covers("search", "/search/", "/everything/"))
	later := apitest.Catalogue(t, "../..", apitest.Covers("search", "/search/", "/find/"), apitest.Covers("search", "/search/", "/find/", "/more/"))
	if err := r.Control.Deployed(t.Context(), control.Announced{}, control.Announced{Version: other.Version(), Deployed: []consent.Version{other.Version()}}); err != nil {
		t.Fatal(err)
	}
	r.deploy(one)
	if got := r.acceptPaths(t, 409, "owner", "search", one); got.Code() != "catalogue_conflict" { // "changed" would ask them to look and accept again
		t.Error(got.Problem())
	}
	if a := r.gateSays(t); len(a.Accepted) != 0 {
		t.Errorf("%+v", a.Accepted)
	}
	for _, c := range []product.Catalogue{other, later} {
		r.deploy(c)
		r.acceptPaths(t, 200, "owner", "search", c)
	}
}

// TestAnAcceptedCatalogueIsRemembered, though the job never runs with it: it was deployed, accepted of and rolled back, and another one of its
// number deployed, all within an hour. What the job has announced stays as it was.
func TestAnAcceptedCatalogueIsRemembered(t *testing.T) {
	for name, before := range map[string]control.Announced{
		"nothing was announced":  {},
		"another was":            {Version: "1-0123456789", Deployed: []consent.Version{"1-0123456789"}, Products: product.Default().Outlines()[:1]},
		"it was already":         {Version: "1-0123456789", Deployed: []consent.Version{"1-0123456789", acceptedOne(t).Version()}},
		"a release dropped them": {Version: "1-0123456789"},
		"it has quotas":          {Version: "1-0123456789", Quotas: account.Quotas{{Billing: "free", Group: "other", Day: 5}}, QuotaTimes: account.QuotaTimes{{Billing: "free", Group: "other", Day: keytest.Now}}, QuotasKnown: true},
	} {
		r := newHarness(t)
		apitest.People(t, r.API, r.account.ID)
		if before.Version != "" {
			if err := r.Control.Deployed(t.Context(), control.Announced{}, before); err != nil {
				t.Fatal(err)
			}
		}
		read, err := r.Control.Announced(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		one, other := acceptedOne(t), apitest.Catalogue(t, "../..", apitest.Covers("search", "/search/", "/everything/"))
		r.deploy(one)
		for range 2 {
			r.acceptPaths(t, 200, "owner", "search", one)
		}
		want, known := read.With(one.Version())
		if !known {
			want.Revision++
		}
		if got, err := r.Control.Announced(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v (%v)", name, got, want, err)
		}
		r.deploy(product.Default())
		r.deploy(other)
		if got := r.acceptPaths(t, 409, "owner", "search", other); got.Code() != "catalogue_conflict" {
			t.Errorf("%s: %v", name, got.Problem())
		}
	}
}

func acceptedOne(t *testing.T) product.Catalogue {
	t.Helper()
	return apitest.Catalogue(t, "../..", apitest.Covers("search", "/search/", "/find/"))
}

// recordedFirst is a store in which another function records another catalogue of the same number just before.
type recordedFirst struct {
	accountStore
	other consent.Version
}

func (s *recordedFirst) Deployed(ctx context.Context, before, after control.Announced) error {
	if other, known := before.With(s.other); !known {
		if err := s.accountStore.Deployed(ctx, before, other); err != nil {
			return err
		}
	}
	return s.accountStore.Deployed(ctx, before, after)
}

// TestOfTwoCataloguesOfANumberOneIsAccepted: where both are accepted at once, as while a deployment is under way, the one that is recorded first.
func TestOfTwoCataloguesOfANumberOneIsAccepted(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	one, other := acceptedOne(t), apitest.Catalogue(t, "../..", apitest.Covers("search", "/search/", "/everything/"))
	r.deploy(one)
	r.handler.accounts.store = &recordedFirst{r.handler.accounts.store, other.Version()}
	if got := r.acceptPaths(t, 409, "owner", "search", one); got.Code() != "catalogue_conflict" {
		t.Error(got.Problem())
	}
	if a := r.gateSays(t); len(a.Accepted) != 0 {
		t.Errorf("%+v", a.Accepted)
	}
}
