package main

import (
	"fmt"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/qps"
)

// twoDefaults is a catalogue whose one product has another limit for each type of account.
func twoDefaults(t testing.TB) product.Catalogue {
	t.Helper()
	p, _ := product.Default().Product("search")
	p.Classes = append([]product.LimitClass(nil), p.Classes...)
	p.Classes[0].QPS = map[account.Type]int{account.Enterprise: 40, account.SelfServe: 4}
	p.Classes[0].MaxQPS = 1000
	c, err := product.New([]product.Product{p})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newAgreeing(t testing.TB, accountType account.Type, own []apikey.Limit) *harness {
	t.Helper()
	r := newHarness(t, func(a *account.Account) { a.Type = accountType })
	r.handler.service.Products = twoDefaults(t)
	k, err := r.Edit(t.Context(), r.key, "key.edit", func(k *apikey.Key) { k.Limits, k.Products = own, []product.ID{"search"} })
	if err != nil {
		t.Fatal(err)
	}
	r.key = k
	return r
}

// agree checks that all that know the limit of a key have the same one: the gate's record, the key's document, which the
// console shows, and the evidence of a request.
func (r *harness) agree(t testing.TB, name string, want int, evidence any) {
	t.Helper()
	k, catalogue, now := r.stored(t), r.handler.service.Products, r.Clock.Now()
	p, found, err := r.Gate.Policy(t.Context(), k.Current.Hash)
	if err != nil || !found {
		t.Fatalf("%v, %v", found, err)
	}
	if got := qps.Effective(p.Limits, "search", catalogue.DefaultQPS("search", p.AccountType), now); got != want {
		t.Errorf("%s: the gate has %d, want %d", name, got, want)
	}
	doc := web.KeyDoc(k, web.View{Now: now, Products: catalogue})
	if len(doc.Limits) != 1 || doc.Limits[0].Qps != want || doc.Limits[0].DefaultQps != catalogue.DefaultQPS("search", k.AccountType) {
		t.Errorf("%s: the document has %+v, want %d", name, doc.Limits, want)
	}
	if evidence != nil && fmt.Sprint(evidence.(map[string]any)["current_qps"]) != fmt.Sprint(want) {
		t.Errorf("%s: the evidence is %v, want %d", name, evidence, want)
	}
}

var ownLimits = map[string]struct {
	limits                 []apikey.Limit
	selfServe, enterprise  int // now
	laterSelf, laterEnterp int // at the end of what ends
}{
	"none":           {nil, 4, 40, 4, 40},
	"of another":     {[]apikey.Limit{{Class: "map-display", QPS: 7}}, 4, 40, 4, 40},
	"for good":       {[]apikey.Limit{{Class: "search", QPS: 60}}, 60, 60, 60, 60},
	"lower":          {[]apikey.Limit{{Class: "search", QPS: 2}}, 2, 2, 2, 2},
	"a loan":         {[]apikey.Limit{{Class: "search", QPS: 60, EndsAt: keytest.Now.Add(time.Hour)}}, 60, 60, 4, 40},
	"a loan on more": {[]apikey.Limit{{Class: "search", QPS: 60, EndsAt: keytest.Now.Add(time.Hour), Then: 50}}, 60, 60, 50, 50},
	"an ended loan":  {[]apikey.Limit{{Class: "search", QPS: 60, EndsAt: keytest.Now}}, 4, 40, 4, 40},
	"an ended loan on more": {
		[]apikey.Limit{{Class: "search", QPS: 60, EndsAt: keytest.Now, Then: 50}}, 50, 50, 50, 50,
	},
}

func TestAllThatKnowALimitAgree(t *testing.T) {
	for name, own := range ownLimits {
		for accountType, want := range map[account.Type][2]int{
			account.SelfServe: {own.selfServe, own.laterSelf}, account.Enterprise: {own.enterprise, own.laterEnterp},
		} {
			r := newAgreeing(t, accountType, own.limits)
			where := fmt.Sprint(name, ", ", accountType)
			r.agree(t, where, want[0], nil)
			r.Clock.Advance(time.Hour)
			r.agree(t, where+", an hour later", want[1], nil)
		}
	}
}

// TestAnApprovalReplacesTheLimitThatAKeyHas, and where it ends, what held before without an end comes back.
func TestAnApprovalReplacesTheLimitThatAKeyHas(t *testing.T) {
	for name, own := range ownLimits {
		for _, ends := range []bool{false, true} {
			r := newAgreeing(t, account.Enterprise, own.limits)
			more := map[string]any{"requested_qps": 300}
			if ends {
				more["ends_at"] = keytest.Now.Add(time.Hour).Format(time.RFC3339)
			}
			call := apitest.Call{As: "developer", Method: "POST", Path: r.path("qps-requests"), Body: r.body(more)}
			filed := r.Want(t, 201, call).JSON(t)
			if filed["qps_when_filed"] != float64(own.enterprise) {
				t.Errorf("%s: filed at %v, want %d", name, filed["qps_when_filed"], own.enterprise)
			}
			r.agree(t, name+", filed", own.enterprise, filed["evidence"])
			approved := r.post(t, 200, "operator", filed["id"].(string), "approve", map[string]any{"qps": 200}).JSON(t)
			r.agree(t, name+", approved", 200, approved["evidence"])
			classes := map[product.Class]int{}
			for _, l := range r.stored(t).Limits {
				classes[l.Class]++
			}
			if classes["search"] != 1 || name == "of another" && classes["map-display"] != 1 {
				t.Errorf("%s: limits %+v", name, r.stored(t).Limits)
			}
			r.Clock.Advance(time.Hour)
			later := 200
			if ends {
				later = ownLimits[name].laterEnterp
			}
			r.agree(t, fmt.Sprint(name, ", an hour after the approval, with an end: ", ends), later, nil)
		}
	}
}

// TestLoweringIsSeenByAllThatKnowTheLimit for both types of account.
func TestLoweringIsSeenByAllThatKnowTheLimit(t *testing.T) {
	for _, accountType := range []account.Type{account.SelfServe, account.Enterprise} {
		r := newAgreeing(t, accountType, nil)
		for _, wanted := range []int{3, 1, 2} { // the way back up to the default needs no approval
			call := apitest.Call{As: "owner", Method: "PUT", Path: r.path("keys", string(r.key.ID), "limits", "search"), Body: map[string]any{"qps": wanted}}
			r.Want(t, 200, call)
			r.agree(t, string(accountType), wanted, nil)
		}
		call := apitest.Call{As: "owner", Method: "PUT", Path: r.path("keys", string(r.key.ID), "limits", "search"), Body: map[string]any{"qps": 1000}}
		if got := r.Do(t, call); got.Problem() != "422 invalid [/qps]" {
			t.Errorf("%s: raised above the default: %s", accountType, got.Problem())
		}
	}
}

// TestARepeatedSubmissionIsReplayedWhateverHasChangedSince: its record is looked at before any rule about the request.
func TestARepeatedSubmissionIsReplayedWhateverHasChangedSince(t *testing.T) {
	edit := func(change func(*apikey.Key)) func(*harness, string) {
		return func(r *harness, _ string) {
			if _, err := r.Edit(t.Context(), r.stored(t), "key.edit", change); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, then := range map[string]func(r *harness, id string){
		"open":      func(*harness, string) {},
		"withdrawn": func(r *harness, id string) { r.post(t, 200, "owner", id, "withdraw", nil) },
		"another open": func(r *harness, id string) {
			r.post(t, 200, "owner", id, "withdraw", nil)
			r.submit(t, map[string]any{"requested_qps": 70})
		},
		"ended":      func(r *harness, _ string) { r.Clock.Advance(2 * time.Hour) },
		"revoked":    edit(func(k *apikey.Key) { k.RevokedAt = keytest.Now }),
		"deleted":    edit(func(k *apikey.Key) { k.DeletedAt = keytest.Now }),
		"no product": edit(func(k *apikey.Key) { k.Products = []product.ID{"routing"} }),
	} {
		r := newHarness(t)
		call := apitest.Call{
			As: "developer", Method: "POST", Path: r.path("qps-requests"), Headers: map[string]string{"Idempotency-Key": "k"},
			Body: r.body(map[string]any{"ends_at": keytest.Now.Add(time.Hour).Format(time.RFC3339)}),
		}
		id := r.Want(t, 201, call).JSON(t)["id"].(string)
		then(r, id)
		before := r.Dump(t)
		got := r.Do(t, call)
		if got.Status != 201 || got.JSON(t)["id"] != id || len(keytest.Written(before, r.Dump(t))) > 0 {
			t.Errorf("%s: %s", name, got.Problem())
		}
		other := call
		other.Body = r.body(nil)
		if got := r.Do(t, other); got.Problem() != "422 idempotency_key_reused []" {
			t.Errorf("%s: another body: %s", name, got.Problem())
		}
	}
}
