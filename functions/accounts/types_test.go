package main

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/sessions"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/rotation"
)

// lives is an account whose keys live on while its type changes, with the secrets that each must have kept.
type lives struct {
	*harness
	rt        *rapid.T
	interrupt *keytest.Interrupt
	ids       []apikey.ID
	secrets   map[apikey.ID][]string // what opens, the current one first
	made      int
}

// steps are the changes of a key, each as its own state machine has it.
var steps = map[string]func(l *lives, k apikey.Key) (apikey.Key, error){
	"disable": func(l *lives, k apikey.Key) (apikey.Key, error) { return k.Disable(l.Clock.Now()) },
	"enable":  func(l *lives, k apikey.Key) (apikey.Key, error) { return k.Enable(l.Clock.Now()) },
	"revoke":  func(l *lives, k apikey.Key) (apikey.Key, error) { return k.Revoke(true, l.Clock.Now()) },
	"delete":  func(l *lives, k apikey.Key) (apikey.Key, error) { return k.Delete(l.Clock.Now()), nil },
	"restore": func(l *lives, k apikey.Key) (apikey.Key, error) { return k.Restore(l.Clock.Now()) },
	"block": func(l *lives, k apikey.Key) (apikey.Key, error) {
		return k.Block("abuse", "operator", time.Time{}, l.Clock.Now())
	},
	"end":    func(l *lives, k apikey.Key) (apikey.Key, error) { return rotation.End(k, l.Clock.Now()) },
	"cancel": func(l *lives, k apikey.Key) (apikey.Key, error) { return rotation.Cancel(k, l.Clock.Now()) },
	"rotate": func(l *lives, k apikey.Key) (apikey.Key, error) {
		if err := k.Editable(); err != nil {
			return k, err
		}
		grace, err := rotation.ParseGrace(nil, rotation.Other)
		if err != nil {
			return k, err
		}
		l.made++
		return rotation.Rotate(k, keytest.StoredSecret(fmt.Sprint(k.ID, l.made)), grace, rotation.Other, l.Clock.Now())
	},
}

// step does something to a key, as another function does. Losing to a change of type is no fault.
func (l *lives) step(t testing.TB, name string, n int) {
	if name == "create" || len(l.ids) == 0 {
		l.create(t)
		return
	}
	before, err := l.Control.Key(t.Context(), l.account.ID, l.ids[n%len(l.ids)])
	if err != nil {
		t.Fatal(err)
	}
	after, err := steps[name](l, before)
	if err != nil || after.Same(before) {
		return
	}
	written, err := l.Control.Commit(t.Context(), control.Change{Before: &before, After: after, Audit: keytest.Row(before.Account, "key.edit", before.ID)})
	switch {
	case err == nil:
		l.secrets[written.ID] = secretsOf(written)
	case !errors.Is(err, account.ErrTypeChanging) && !errors.Is(err, dynamo.ErrStale):
		l.rt.Errorf("%s: %v", name, err)
	}
}

func (l *lives) create(t testing.TB) {
	a, err := l.Control.Account(t.Context(), l.account.ID)
	if err != nil {
		t.Fatal(err)
	}
	billing, err := apikey.DefaultBilling(a.Type)
	if err != nil {
		t.Fatal(err)
	}
	k := keytest.Key(a.ID, func(k *apikey.Key) { k.AccountType, k.BillingType = a.Type, billing })
	k, err = l.Control.Commit(t.Context(), control.Change{After: k, Audit: keytest.Row(a.ID, "key.create", k.ID)})
	switch {
	case err == nil:
		l.ids, l.secrets[k.ID] = append(l.ids, k.ID), secretsOf(k)
	case !errors.Is(err, account.ErrTypeChanging):
		l.rt.Errorf("create: %v", err)
	}
}

func secretsOf(k apikey.Key) []string {
	list := []string{k.Current.Hash.String()}
	if k.Outgoing != nil {
		list = append(list, k.Outgoing.Hash.String())
	}
	return list
}

// retype changes the account's type, and wants it done at the latest by the same request a second time.
func (l *lives) retype(t testing.TB, to account.Type, during func()) {
	l.interrupt.Arm(during)
	defer l.interrupt.Arm(nil)
	for range 3 {
		got := l.Do(t, apitest.Call{As: "operator", Method: "PATCH", Path: l.path(""), Body: object{"type": string(to)}})
		if got.Status != 202 && got.Status != 200 {
			l.rt.Errorf("to %s: %s", to, got.Problem())
			return
		}
		a, err := l.Control.Account(t.Context(), l.account.ID)
		if err != nil {
			t.Fatal(err)
		}
		if a.PendingType == "" && a.Type == to {
			return
		}
	}
	l.rt.Errorf("the account is stuck on its way to %s", to)
}

// check wants every key in the account's type, with its secrets, and the gate to know them.
func (l *lives) check(t testing.TB, to account.Type) {
	for _, id := range l.ids {
		k, err := l.Control.Key(t.Context(), l.account.ID, id)
		if err != nil {
			l.rt.Errorf("a key is lost: %v", err)
			continue
		}
		if k.AccountType != to || !slices.Contains(apikey.BillingTypes(to), k.BillingType) {
			l.rt.Errorf("a %s key with %s in a %s account", k.AccountType, k.BillingType, to)
		}
		if got := secretsOf(k); !slices.Equal(got, l.secrets[id]) {
			l.rt.Errorf("secrets %v, want %v", got, l.secrets[id])
		}
		l.CheckGate(t, k)
	}
}

// An account goes from self-serve to enterprise and back at any point of its keys' lives, and in the middle of what
// somebody does to one: no secret is lost, every key follows in whatever state it is, and nothing is ever stuck.
func TestAnAccountGoesToEnterpriseAndBackAtAnyPointOfItsKeysLives(t *testing.T) {
	names := []string{"create", "create"}
	for name := range steps {
		names = append(names, name)
	}
	slices.Sort(names)
	rapid.Check(t, func(rt *rapid.T) {
		someStep, someKey := rapid.SampledFrom(names), rapid.IntRange(0, 9)
		plan := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) [2]string {
			return [2]string{someStep.Draw(rt, "step"), fmt.Sprint(someKey.Draw(rt, "key"))}
		}), 4, 40).Draw(rt, "plan")
		retypes := rapid.SliceOfN(rapid.Bool(), len(plan), len(plan)).Draw(rt, "retypes")
		synctest.Test(t, func(t *testing.T) { // a lost race waits
			stores, interrupt := apitest.RaceStores(t)
			a := apitest.New(t, stores)
			r := &harness{API: a, account: a.NewAccount(t)}
			r.handler = newHandler(a.Control, sessions.New(a.DB, a.Tables.Sessions), a.Source, apitest.Texts, product.Default(), apitest.NoUse{}, settings{perPerson: 3})
			r.handler.routes(a.Mux)
			apitest.People(t, a, r.account.ID)
			r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: r.path("")}) // the look of this hour is a write of its own
			l, types := &lives{harness: r, rt: rt, interrupt: interrupt, secrets: map[apikey.ID][]string{}}, []account.Type{account.SelfServe, account.Enterprise}
			l.step(t, "create", 0)
			for i, p := range plan {
				do := func() { l.step(t, p[0], int(p[1][0]-'0')) }
				if !retypes[i] {
					do()
					continue
				}
				types[0], types[1] = types[1], types[0]
				l.retype(t, types[0], do)
				l.check(t, types[0])
			}
		})
	})
}

// A patch that is refused changes nothing, whatever else it has and whenever the reason to refuse it came up; one that is
// taken changes all of it.
func TestAPatchOfAnAccountIsTakenWholeOrNotAtAll(t *testing.T) {
	patch := object{"type": "enterprise", "billing_types": object{"freemium": "paying"}, "key_limit": 250}
	limits := func(t *testing.T, r *harness) [2]any {
		doc := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("")}).JSON(t)
		edits := 0
		for _, row := range r.AllAudit(t, r.account.ID) {
			if row.Action == "account.edit" {
				edits++
			}
		}
		return [2]any{doc["key_limit"], edits}
	}
	other := func(t *testing.T, r *harness) {
		o := keytest.Operation(t, r.account.ID, account.Enterprise, nil)
		if _, _, err := keytest.BeginType(t.Context(), r.Control, o, keytest.Row(r.account.ID, "account.type.begin", "")); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		before, during func(t *testing.T, r *harness)
		status         int
		want           [2]any
	}{
		"nothing runs":                 {nil, nil, 202, [2]any{250.0, 1}},
		"another mapping runs":         {other, nil, 409, [2]any{100.0, 0}},
		"another mapping comes before": {nil, other, 409, [2]any{100.0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // a lost race waits
				r, interrupt := raceHarness(t)
				r.NewKey(t, r.account)
				if c.before != nil {
					c.before(t, r)
				}
				if c.during != nil {
					interrupt.Arm(func() { c.during(t, r) })
				}
				call := apitest.Call{As: "operator", Method: "PATCH", Path: r.path(""), Body: patch}
				if got := r.Do(t, call); got.Status != c.status || c.status == 409 && got.Code() != "account_type_changing" {
					t.Errorf("%s", got.Problem())
				}
				if got := limits(t, r); got != c.want {
					t.Errorf("limit and rows: %v, want %v", got, c.want)
				}
			})
		})
	}
}
