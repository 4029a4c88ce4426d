package authz_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/consent"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/origin"
	"latchkey/shared/product"
)

// agreed are the coverages that somebody was shown, by product and path: the reference's record of consent.
type agreed map[product.ID]map[string][]consent.Version

func (a agreed) show(id product.ID, d *deployment) {
	if a[id] == nil {
		a[id] = map[string][]consent.Version{}
	}
	for path, of := range d.covers {
		if of == id {
			a[id][path] = append(a[id][path], d.alive[path]...)
		}
	}
}

// holder is a key with the reference's record of what it was shown. A key of before the lock has a nil one.
type holder struct {
	key      apikey.Key
	policy   authz.Policy // as the gate reads it
	shown    agreed
	proposed agreed
}

type world struct {
	t        *rapid.T
	history  []*deployment
	now      *deployment // what the functions have
	gate     *deployment // another one while a deployment is under way, or where its alias was moved back
	keys     []*holder
	accepted consent.List
	stored   authz.Account // as the gate reads it
	account  agreed
	first    *deployment
}

// TestNoDeploymentWidensAKey: catalogues are edited, branched, merged, deployed and rolled back in any order, for the gate and the functions
// together or not, while keys are made, edited, proposed to, promoted, rotated, deleted and restored, and accounts accept. After every
// step each key may call exactly what the reference says, by the records that the gate reads: paths of its products of which it, or its
// account, was shown a coverage that goes on. The reference keeps sets of paths and versions for every commit, and reads no prefix.
func TestNoDeploymentWidensAKey(t *testing.T) {
	edits, widened, kept := 0, 0, 0
	property := func(t *rapid.T) {
		w := &world{t: t, account: agreed{}}
		w.first = w.commit(nil, "", true)
		w.now, w.gate = w.first, w.first
		for range rapid.IntRange(4, 16).Draw(t, "steps") {
			before := w.allowed()
			from := w.gate
			switch rapid.SampledFrom([]string{"commit", "commit", "commit", "merge", "deploy", "deploy", "half", "key", "key", "accept"}).Draw(t, "step") {
			case "commit":
				parent := w.history[len(w.history)-1]
				if rapid.IntRange(0, 2).Draw(t, "branch") == 0 {
					parent = w.drawn()
				}
				w.commit([]*deployment{parent}, parent.lock, false)
				edits++
			case "merge":
				parents := []*deployment{w.drawn()}
				text := parents[0].lock
				for range rapid.IntRange(1, 3).Draw(t, "more branches") {
					other := w.drawn()
					parents, text = append(parents, other), keepBoth(text, other.lock)
				}
				w.commit(parents, text, false)
				edits++
			case "deploy":
				w.now = w.drawn()
				w.gate = w.now
			case "half":
				*rapid.SampledFrom([]**deployment{&w.now, &w.gate}).Draw(t, "half") = w.drawn()
			case "key":
				w.changeKey()
			case "accept":
				w.accept()
			}
			w.store()
			w.check()
			if w.gate != from {
				n, k := w.compare(from, before)
				widened, kept = widened+n, kept+k
			}
		}
	}
	for edits < 10_000 {
		rapid.Check(t, property)
		if t.Failed() {
			return
		}
	}
	if widened == 0 || kept == 0 {
		t.Errorf("%d edits, of which nothing was opened by consent (%d) or kept (%d): the property is empty", edits, widened, kept)
	}
}

func (w *world) drawn() *deployment {
	return w.history[rapid.IntRange(0, len(w.history)-1).Draw(w.t, "commit")]
}

// keepBoth joins two locks as somebody does who keeps both sides of a conflict.
func keepBoth(a, b string) string {
	blocks := strings.Split(strings.TrimRight(a, "\n"), "\n\n")
	for _, block := range strings.Split(strings.TrimRight(b, "\n"), "\n\n") {
		if !slices.Contains(blocks, block) {
			blocks = append(blocks, block)
		}
	}
	return strings.Join(blocks, "\n\n") + "\n"
}

// changeKey makes a key, or changes one in a way in which owners and developers do.
func (w *world) changeKey() {
	ids := []product.ID{"sdk"}
	for _, id := range []product.ID{"p", "q", "r"} {
		if _, ok := w.now.catalogue.Product(id); ok && rapid.Bool().Draw(w.t, string(id)) {
			ids = append(ids, id)
		}
	}
	if len(w.keys) < 2 || rapid.IntRange(0, 3).Draw(w.t, "new key") == 0 {
		h := &holder{key: apikey.Key{
			ID: "key_1", Account: "acc_1", AccountType: account.Enterprise, BillingType: "paying", Current: apikey.StoredSecret{Hash: apikey.Hash{1}},
		}, shown: agreed{}}
		if rapid.IntRange(0, 3).Draw(w.t, "stood before the lock") == 0 {
			h.key.Products, h.shown = []product.ID{"p", "q"}, agreed{}
			h.shown.show("p", w.first)
			h.shown.show("q", w.first)
		} else {
			h.edit(ids, w.now)
		}
		w.keys = append(w.keys, h)
		return
	}
	h := w.keys[rapid.IntRange(0, len(w.keys)-1).Draw(w.t, "key")]
	if !h.key.DeletedAt.IsZero() {
		var err error
		if h.key, err = h.key.Restore(now); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	switch rapid.SampledFrom([]string{"edit", "send back", "propose", "enforce", "rotate", "delete"}).Draw(w.t, "change") {
	case "edit":
		h.edit(ids, w.now)
	case "send back":
		h.edit(slices.Clone(h.key.Products), w.now)
	case "propose":
		h.key.Proposed = &apikey.Proposal{Products: &ids, Consents: w.now.catalogue.Consents(nil, nil, ids)}
		h.proposed = agreed{}
		for _, id := range ids {
			h.proposed.show(id, w.now)
		}
	case "enforce":
		if h.key.Proposed != nil {
			h.enforce()
		}
	case "rotate":
		h.key.Retired = append(h.key.Retired, apikey.Retired{Hash: h.key.Current.Hash})
		h.key.Current.Hash[0]++
	case "delete":
		h.key = h.key.Delete(now)
	}
}

func (h *holder) edit(ids []product.ID, d *deployment) {
	for _, id := range ids {
		if !slices.Contains(h.key.Products, id) {
			h.shown[id] = nil
			h.shown.show(id, d)
		}
	}
	h.key.Products, h.key.Consents = ids, d.catalogue.Consents(h.key.Products, h.key.Consents, ids)
}

func (h *holder) enforce() {
	for _, id := range *h.key.Proposed.Products {
		if !slices.Contains(h.key.Products, id) {
			h.shown[id] = h.proposed[id]
		}
	}
	h.key = h.key.Enforced()
}

func (w *world) accept() {
	id := rapid.SampledFrom([]product.ID{"p", "q", "r"}).Draw(w.t, "product")
	after, err := account.Account{Accepted: w.accepted}.Accept(w.now.catalogue.Shown(id))
	if err != nil {
		w.t.Fatal(err)
	}
	w.accepted = after.Accepted
	w.account.show(id, w.now)
}

// may is the reference: a path of one of the products, of which the key or the account was shown a coverage that goes on.
func (w *world) may(d *deployment, h *holder, path string) bool {
	id := d.covers[path]
	return id != "" && slices.Contains(h.key.Products, id) && slices.ContainsFunc(d.alive[path], func(v consent.Version) bool {
		return slices.Contains(h.shown[id][path], v) || slices.Contains(w.account[id][path], v)
	})
}

// store writes what the gate reads, and reads it.
func (w *world) store() {
	var err error
	for _, h := range w.keys {
		if h.policy, err = policies.Decode(policies.Encode(authz.PoliciesOf(h.key)[0])); err != nil {
			w.t.Fatal(err)
		}
	}
	if w.stored, err = policies.DecodeAccount(policies.EncodeAccount(authz.Account{ID: "acc_1", Type: account.Enterprise, Version: 1, Accepted: w.accepted})); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) decide(h *holder, path string) authz.Code {
	r := authz.Request{Target: authz.TargetOf(path, w.gate.catalogue), Presence: origin.Missing, Place: authz.InHeader, Account: &w.stored}
	return authz.Decide(now, r, h.policy).Code
}

func (w *world) allowed() map[*holder]map[string]bool {
	all := map[*holder]map[string]bool{}
	for _, h := range w.keys {
		all[h] = map[string]bool{}
		for _, path := range calls() {
			all[h][path] = w.decide(h, path) == authz.Allowed
		}
	}
	return all
}

func (w *world) check() {
	for i, h := range w.keys {
		for _, path := range calls() {
			want := authz.ProductNotAllowed
			switch id := w.gate.covers[path]; {
			case !h.key.DeletedAt.IsZero():
				want = authz.KeyDeleted
			case id == "" && strings.HasSuffix(path, slashed):
				want = authz.PathNotCanonical
			case w.may(w.gate, h, path):
				want = authz.Allowed
			case slices.Contains(h.key.Products, id):
				want = authz.PathNotGranted
			}
			if got := w.decide(h, path); got != want {
				w.t.Fatalf("key %d, %v, %+v, %s: %s, the reference says %s\n%s", i, h.key.Products, h.key.Consents, path, got, want, w.gate.lock)
			}
		}
		for _, id := range h.key.Products {
			pending := w.now.catalogue.Pending(id, h.key.Consents, w.accepted)
			closed := slices.ContainsFunc(calls(), func(path string) bool { return w.now.covers[path] == id && !w.may(w.now, h, path) })
			if closed && len(pending) == 0 {
				w.t.Fatalf("key %d has no pending paths of %s, and some are closed", i, id)
			}
		}
	}
}

// compare holds what a deployment of the gate changed: nothing is open that wasn't, but for what was agreed to, and nothing was closed
// whose coverage goes on. What a later version closes, the product lost on the way, or `make catalogue` asked for a word.
func (w *world) compare(from *deployment, before map[*holder]map[string]bool) (opened, kept int) {
	for h, were := range before {
		for path, was := range were {
			is, id := w.decide(h, path) == authz.Allowed, w.gate.covers[path]
			switch {
			case is && !was:
				opened++
				if len(h.shown[id][path]) == 0 && len(w.account[id][path]) == 0 {
					w.t.Fatalf("%s of %s was opened, and nobody has ever agreed to it", path, id)
				}
			case is:
				kept++
			case !was || id != from.covers[path]:
			case slices.Equal(from.alive[path], w.gate.alive[path]), w.gate.behind[from.version] && !w.told(from, path, id):
				w.t.Fatalf("%s of %s was closed", path, id)
			}
		}
	}
	return opened, kept
}

func (w *world) told(from *deployment, path string, id product.ID) bool {
	return slices.ContainsFunc(w.history, func(d *deployment) bool {
		return d.behind[from.version] && w.gate.behind[d.version] && (d.covers[path] != id || d.closed[string(id)])
	})
}
