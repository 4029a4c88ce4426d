package authz_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/consent"
	"latchkey/shared/product"
)

// entries adds one more entry to each list of a policy record, and says how long it is. Those of a proposal are behind "Proposed.".
var entries = map[string]func(k *apikey.Key, text string) int{
	"Products": func(k *apikey.Key, text string) int {
		k.Products = append(k.Products, product.ID(text))
		return len(text)
	},
	"Domains":  func(k *apikey.Key, text string) int { k.Domains = append(k.Domains, text); return len(text) },
	"Networks": func(k *apikey.Key, text string) int { k.Networks = append(k.Networks, text); return len(text) },
	"Apps":     func(k *apikey.Key, text string) int { k.Apps = append(k.Apps, text); return len(text) },
	"Consents": func(k *apikey.Key, text string) int { return oneConsent(&k.Consents, text) },
	"Limits": func(k *apikey.Key, _ string) int {
		k.Limits = append(k.Limits, apikey.Limit{Class: aClass, QPS: 9, EndsAt: in, Then: 8, Granted: 8, Lent: 9})
		return len(aClass) + 4*len("granted") + 8
	},
	"Caps": func(k *apikey.Key, _ string) int {
		k.Caps = append(k.Caps, apikey.Cap{Group: aClass, Day: apikey.MaxCap})
		return len(aClass) + 8
	},
	"Proposed.Products": func(k *apikey.Key, text string) int { return oneMore(&k.Proposed.Products, product.ID(text)) },
	"Proposed.Domains":  func(k *apikey.Key, text string) int { return oneMore(&k.Proposed.Domains, text) },
	"Proposed.Networks": func(k *apikey.Key, text string) int { return oneMore(&k.Proposed.Networks, text) },
	"Proposed.Apps":     func(k *apikey.Key, text string) int { return oneMore(&k.Proposed.Apps, text) },
	"Proposed.Consents": func(k *apikey.Key, text string) int { return oneConsent(&k.Proposed.Consents, text) },
}

const aClass = "a-product-of-a-long-name.tiles"

func oneMore[T ~string](list **[]T, one T) int {
	longer := []T{one}
	if *list != nil {
		longer = append(slices.Clone(**list), one)
	}
	*list = &longer
	return len(one)
}

func oneConsent(list *consent.List, text string) int {
	*list = append(*list, consent.Given{Product: text, Paths: []consent.Path{{Prefix: text, Since: "1-8c1d22ef01"}, {Prefix: text, Since: "1-8c1d22ef01"}}})
	return 3*len(text) + 2*len("1-8c1d22ef01")
}

// TestEachListCountsInTheSizeOfARecord: one more entry of any length makes it longer by no less. What a record has as a list has its row.
func TestEachListCountsInTheSizeOfARecord(t *testing.T) {
	var lists []string
	for prefix, of := range map[string]reflect.Type{"": reflect.TypeFor[authz.Policy](), "Proposed.": reflect.TypeFor[apikey.Proposal]()} {
		for _, f := range reflect.VisibleFields(of) {
			if f.Type.Kind() == reflect.Slice || f.Type.Kind() == reflect.Pointer && f.Type.Elem().Kind() == reflect.Slice {
				lists = append(lists, prefix+f.Name)
			}
		}
	}
	for _, name := range lists {
		if entries[name] == nil {
			t.Errorf("the list %s has no row", name)
		}
	}
	if len(lists) != len(entries) {
		t.Errorf("%d rows for the lists %q", len(entries), lists)
	}
	for name, add := range entries {
		for _, length := range []int{1, 40, 253} {
			k := apikey.Key{Proposed: &apikey.Proposal{}}
			for n := range 3 {
				before := authz.RecordSize(k)
				if entry := add(&k, strings.Repeat("x", length)); authz.RecordSize(k)-before < entry {
					t.Errorf("entry %d of %s has %d bytes, and the record grows by %d", n, name, entry, authz.RecordSize(k)-before)
				}
			}
		}
	}
}
