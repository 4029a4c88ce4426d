package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/origin/entry"
	"latchkey/shared/product"
	"latchkey/shared/text"
)

// fields turns members of a body into a key's facts and collects the invalid ones, so that one answer names all.
type fields struct {
	texts    text.Secrets
	products product.Catalogue
	now      time.Time
	hidden   bool // networks can't be told apart
	bad      []api.FieldError
}

// fields begins at a moment.
func (h *handler) fields(now time.Time) *fields {
	return &fields{texts: h.service.Texts, products: h.service.Products, now: now, hidden: h.hidden}
}

func (f *fields) err() error {
	if len(f.bad) == 0 {
		return nil
	}
	return gateway.Invalid(f.bad...)
}

func (f *fields) refuse(e api.FieldError) { f.bad = append(f.bad, e) }

// set gives a key the attributes that a body has; those that it hasn't stay. The members are RFC 7396's: expires_at can
// be null.
func (f *fields) set(k *apikey.Key, body api.EditKey, members gateway.Members) {
	if body.Name != nil {
		k.Name = f.name(k.Name, *body.Name)
	}
	if body.Labels != nil {
		k.Labels = f.labels(k.Labels, *body.Labels)
	}
	if body.Usage != nil {
		*k = k.SetUsage(f.usage(*body.Usage))
	}
	if body.Products != nil {
		list := f.productList("products", *body.Products)
		k.Products, k.Consents = list, f.products.Consents(k.Products, k.Consents, list)
	}
	if body.Domains != nil {
		k.Domains = f.domains("domains", *body.Domains, *k)
	}
	if body.Networks != nil {
		k.Networks = f.networks("networks", *body.Networks, k.Networks)
	}
	if body.Apps != nil {
		k.Apps = f.apps("apps", *body.Apps)
	}
	if body.MissingOrigin != nil { // sent is chosen, the value that it has anyway too
		k.OriginChosen = true
		if *body.MissingOrigin != web.MissingOrigin(k.MissingOrigin) {
			k.MissingOrigin = apikey.MissingOrigin(*body.MissingOrigin)
		}
	}
	if body.HeaderOnly != nil {
		k.HeaderOnly = *body.HeaderOnly
	}
	if members.Has("expires_at") {
		k.ExpiresAt = f.expiry(body.ExpiresAt)
	}
}

// name reads a new name. A stored one that is sent back as it is or as it was shown stays, whatever it holds: names
// were once taken by looser rules.
func (f *fields) name(stored, typed string) string {
	if stored != "" && (typed == stored || typed == text.Shown(stored)) {
		return stored
	}
	name, err := f.texts.ParseLine(typed, 1, apikey.MaxNameRunes)
	if err != nil {
		f.refuse(web.TextField("name", 1, apikey.MaxNameRunes, err))
	}
	return name.String()
}

// labels reads a set of labels, in the order in which keys store it. Of labels that differ in case alone the first stays.
// No label has a comma or a semicolon, because people write lists with them.
func (f *fields) labels(stored, typed []string) []string {
	if len(typed) > apikey.MaxLabels {
		f.refuse(gateway.Field("labels", "too_many", fmt.Sprintf("A key can have at most %d labels.", apikey.MaxLabels)))
		return nil
	}
	list, taken := []string{}, map[string]bool{}
	for i, one := range typed {
		label, err := f.texts.ParseLine(one, 1, apikey.MaxLabelRunes)
		if err == nil && strings.ContainsAny(label.String(), ",;") {
			err = text.ErrCharacter
		}
		kept := slices.IndexFunc(stored, func(s string) bool { return one == s || one == text.Shown(s) })
		if err != nil && kept < 0 {
			e := web.TextField("labels", 1, apikey.MaxLabelRunes, err)
			f.refuse(gateway.Item("labels", i, e.Code, e.Detail))
			continue
		}
		name := label.String()
		if kept >= 0 { // perhaps stored by other rules, and sent back
			name = stored[kept]
		}
		if alike := text.Fold(name); !taken[alike] {
			taken[alike] = true
			list = append(list, name)
		}
	}
	return apikey.Set(list)
}

func (f *fields) usage(kind api.UsageKind) apikey.ClientKind {
	usage, err := apikey.ParseClientKind(string(kind))
	if err != nil {
		f.refuse(gateway.Field("usage", "not_a_choice", "It must be frontend, backend or mobile."))
	}
	return usage
}

// expiry reads a moment in the future; nil takes the expiry away.
func (f *fields) expiry(at *api.MaybeTime) time.Time {
	if at == nil {
		return time.Time{}
	}
	t := millis(at.Time)
	if !t.After(f.now) {
		f.refuse(gateway.Field("expires_at", "not_in_the_future", "A key can only expire in the future."))
	}
	return t
}

// productList reads a set of products, in the order in which keys store it.
func (f *fields) productList(member string, ids []string) []product.ID {
	if len(ids) == 0 {
		f.refuse(gateway.Field(member, "too_few", "A key needs at least one product."))
	}
	if len(ids) > apikey.MaxProducts {
		f.refuse(gateway.Field(member, "too_many", fmt.Sprintf("A key can have at most %d products.", apikey.MaxProducts)))
		return nil
	}
	list := []product.ID{}
	for i, name := range ids {
		id := product.ID(name)
		if _, ok := f.products.Product(id); !ok {
			f.refuse(gateway.Item(member, i, "unknown_product", "There is no such product."))
			continue
		}
		list = append(list, id)
	}
	return apikey.Set(list)
}

// domains makes entries canonical; the set has the order in which keys store it. What the key has stays, though today's
// rules may refuse it: they become stricter, as with each new list of public suffixes, and an edit of something else
// mustn't fail for that.
func (f *fields) domains(member string, entries []string, stored apikey.Key) []string {
	if len(entries) > apikey.MaxDomains {
		f.refuse(gateway.Field(member, "too_many", fmt.Sprintf("A key can have at most %d domains.", apikey.MaxDomains)))
		return nil
	}
	list := []string{}
	for i, typed := range entries {
		if f.texts.InHost(typed) && !stands(stored, typed) {
			f.refuse(gateway.Item(member, i, web.SecretInText, web.WhySecret))
			continue
		}
		canonical, err := entry.Parse(typed)
		if err != nil && stands(stored, typed) {
			canonical, err = typed, nil
		}
		if err != nil {
			f.refuse(domainError(gateway.Item(member, i, "", ""), err))
			continue
		}
		list = append(list, canonical)
	}
	return apikey.Set(list)
}

// stands reports whether a key has an entry, in its list or in the proposed one.
func stands(k apikey.Key, pattern string) bool {
	return slices.Contains(k.Domains, pattern) ||
		k.Proposed != nil && k.Proposed.Domains != nil && slices.Contains(*k.Proposed.Domains, pattern)
}

// domainError says at its place what is wrong with an entry.
func domainError(at api.FieldError, err error) api.FieldError {
	at.Code, at.Detail = "pattern_invalid", "This isn't a domain pattern."
	var refused *entry.Error
	if !errors.As(err, &refused) {
		return at
	}
	at.Code, at.Detail = string(refused.Code), refused.Message
	return suggesting(at, refused.Suggestions)
}
