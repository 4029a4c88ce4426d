package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/consent"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// deploy brings another catalogue, as the next deployment does.
func (r *harness) deploy(c product.Catalogue) { r.handler.service.Products = c }

// later are the catalogues of three deployments: as it ships, with more paths of two products, and with less of one of them.
func later(t *testing.T) (first, wider, narrower product.Catalogue) {
	t.Helper()
	edit := apitest.Covers("search", "/search/", "/find/")
	edits := []func([]product.Product){func(p []product.Product) { edit(p); apitest.Covers("routing", "/routing/", "/route/")(p) }, apitest.Covers("search", "/search/2/search/", "/find/")}
	return apitest.Catalogue(t, "../.."), apitest.Catalogue(t, "../..", edits[:1]...), apitest.Catalogue(t, "../..", edits...)
}

// opens tells which of some paths a stored key opens, with what its account has accepted.
func (r *harness) opens(t *testing.T, k map[string]any, paths ...string) (codes []authz.Code) {
	t.Helper()
	stored, err := r.Control.Key(t.Context(), r.account.ID, apikey.ID(k["id"].(string)))
	if err != nil {
		t.Fatal(err)
	}
	its, err := r.Control.Account(t.Context(), r.account.ID)
	if err != nil {
		t.Fatal(err)
	}
	policy := authz.PoliciesOf(stored)[0]
	for _, path := range paths {
		request := authz.Request{Place: authz.InHeader, Target: authz.TargetOf(path, r.handler.service.Products), Account: new(authz.AccountOf(its))}
		codes = append(codes, authz.Decide(r.Clock.Now(), request, policy).Code)
	}
	return codes
}

func (r *harness) wantOpens(t *testing.T, what string, k map[string]any, search, find, route authz.Code) {
	t.Helper()
	got := r.opens(t, k, "/search/2/x", "/find/x", "/route/x")
	if got[0] != search || got[1] != find || got[2] != route {
		t.Errorf("%s: /search/ %s, /find/ %s, /route/ %s; want %s, %s, %s", what, got[0], got[1], got[2], search, find, route)
	}
}

// TestAKeyOpensWhatItsOwnerWasShown: at creation, when a product is added and when one is proposed. Sending a list back shows nothing,
// nor does rotating, restoring or enforcing.
func TestAKeyOpensWhatItsOwnerWasShown(t *testing.T) {
	const yes, no, other = authz.Allowed, authz.PathNotGranted, authz.ProductNotAllowed
	first, wider, _ := later(t)
	r := newHarness(t)
	r.deploy(first)
	old := r.create(t, map[string]any{"products": []string{"search"}})
	proposed := r.create(t, map[string]any{"products": []string{"search"}})
	r.Want(t, 200, apitest.Call{As: "developer", Method: "PUT", Path: r.path(proposed) + "/proposal", Body: map[string]any{"products": []string{"search", "routing"}}})
	r.deploy(wider)
	r.wantOpens(t, "a key of before", old, yes, no, other)
	r.wantOpens(t, "a new key", r.create(t, map[string]any{"products": []string{"search", "routing"}}), yes, yes, yes)
	edit := func(k map[string]any, body map[string]any) {
		t.Helper()
		r.Want(t, 200, apitest.Call{As: "developer", Method: "PATCH", Path: r.path(k), Body: body, Headers: map[string]string{"If-Match": "*", "Content-Type": "application/merge-patch+json"}})
	}
	edit(old, map[string]any{"products": []string{"search", "routing"}})
	r.wantOpens(t, "a product added", old, yes, no, yes)
	edit(old, map[string]any{"products": []string{"routing", "search"}, "name": "Renamed"})
	r.wantOpens(t, "the list sent back", old, yes, no, yes)
	r.post(t, 200, "developer", proposed, "proposal/promote", nil)
	r.wantOpens(t, "what was proposed before", proposed, yes, no, no)
	edit(old, map[string]any{"products": []string{"routing"}})
	edit(old, map[string]any{"products": []string{"routing", "search"}})
	r.wantOpens(t, "taken off and added again", old, yes, yes, yes)
}

// TestARollbackOpensNothingThatAKeyWasNotShown: a key that was made when a product covered less.
func TestARollbackOpensNothingThatAKeyWasNotShown(t *testing.T) {
	first, wider, narrower := later(t)
	r := newHarness(t)
	r.deploy(narrower)
	k := r.create(t, map[string]any{"products": []string{"search"}})
	r.wantOpens(t, "narrower", k, authz.ProductNotAllowed, authz.Allowed, authz.ProductNotAllowed)
	r.deploy(wider)
	r.wantOpens(t, "the deployment before", k, authz.PathNotGranted, authz.Allowed, authz.ProductNotAllowed)
	r.deploy(first)
	r.wantOpens(t, "the first one", k, authz.PathNotGranted, authz.ProductNotAllowed, authz.ProductNotAllowed)
	stored, err := r.Control.Key(t.Context(), r.account.ID, apikey.ID(k["id"].(string)))
	if err != nil || !stored.Consents.Narrow() {
		t.Errorf("a gate that knows no consents would open /search/: %+v, %v", stored.Consents, err)
	}
}

// TestWhatTheCatalogueAlwaysCoveredTakesNoRecord: so the release before reads the key, and a call costs nothing.
func TestWhatTheCatalogueAlwaysCoveredTakesNoRecord(t *testing.T) {
	r := newHarness(t)
	k := r.create(t, map[string]any{"products": []string{"search", "routing", "maps-sdk-web"}})
	stored, err := r.Control.Key(t.Context(), r.account.ID, apikey.ID(k["id"].(string)))
	if err != nil || len(stored.Consents) != 0 {
		t.Errorf("%+v, %v", stored.Consents, err)
	}
	_, wider, _ := later(t)
	r.deploy(wider)
	k = r.create(t, map[string]any{"products": []string{"search", "traffic"}})
	stored, err = r.Control.Key(t.Context(), r.account.ID, apikey.ID(k["id"].(string)))
	want := consent.List{wider.Shown("search")}
	if err != nil || len(stored.Consents) != 1 || len(stored.Consents[0].Paths) != len(want[0].Paths) {
		t.Errorf("%+v, %v", stored.Consents, err)
	}
}

// TestPendingPathsAreShownUntilSomebodyAccepts: of the key, in lists, and of no key that opens nothing anyway.
func TestPendingPathsAreShownUntilSomebodyAccepts(t *testing.T) {
	_, wider, _ := later(t)
	r := newHarness(t)
	k := r.create(t, map[string]any{"products": []string{"search", "traffic"}})
	over := r.create(t, map[string]any{"products": []string{"search"}})
	r.Want(t, 200, apitest.Call{As: "owner", Method: "DELETE", Path: r.path(over)})
	r.deploy(wider)
	pending := func(id any) (paths []any) {
		t.Helper()
		for _, status := range []string{"", "?status=deleted"} {
			list := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + status}).JSON(t)
			for _, one := range list["keys"].([]any) {
				if doc := one.(map[string]any); doc["id"] == id {
					paths = doc["pending_paths"].([]any)
				}
			}
		}
		return paths
	}
	if got := pending(k["id"]); len(got) != 1 || got[0].(map[string]any)["product"] != "search" {
		t.Errorf("pending: %v", got)
	}
	if got := pending(over["id"]); len(got) != 0 {
		t.Errorf("of a deleted key: %v", got)
	}
	tested := r.post(t, 200, "developer", k, "test", map[string]any{"path": "/find/x", "in_header": true}).JSON(t)
	if tested["code"] != "path_not_granted" || tested["rule"] != "path_not_granted" {
		t.Errorf("the tester says %v", tested)
	}
	a, err := r.Control.Account(t.Context(), r.account.ID)
	if err != nil {
		t.Fatal(err)
	}
	after, err := a.Accept(wider.Shown("search"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Control.UpdateAccount(t.Context(), a, after, keytest.Row(a.ID, "account.accept", "")); err != nil {
		t.Fatal(err)
	}
	if got := pending(k["id"]); len(got) != 0 {
		t.Errorf("once it was accepted: %v", got)
	}
	r.wantOpens(t, "once it was accepted", k, authz.Allowed, authz.Allowed, authz.ProductNotAllowed)
}
