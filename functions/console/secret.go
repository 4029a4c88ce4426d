package main

import (
	"context"

	"latchkey/shared/api"
)

// secretPage shows a secret, in the only answer that holds it.
type secretPage struct {
	Root     string // of the account's keys: the page may have no account around it
	Key      api.KeyWithSecret
	Secret   string // "" if it was shown before
	Kind     string // created, rotated or revealed
	Over     bool   // a rotation's old secret works no more
	Examples []example
	Warn     []string
}

// Told is the kind by which the page says what to do now.
func (p *secretPage) Told() string {
	if p.Over {
		return p.Kind + ".over"
	}
	return p.Kind
}

func (p *secretPage) plain() string { return p.Secret + "\n" }

// showSecret answers the very request that made the secret.
func (a *app) showSecret(v *visit, made given, kind string) error {
	defer v.hurry()()
	k := made.KeyWithSecret
	d := &secretPage{Root: v.accountURL("/keys"), Key: k, Kind: kind, Over: kind == "rotated" && a.ended(k.Key), Warn: warnOf(k.Key)}
	if k.Secret != nil {
		d.Secret = *k.Secret
		d.Examples = fitting(k.Usage, caller{a.products, k.Key, d.Secret, sampleOrigin(k.Domains), a.productsInTime(v)}.examples())
	}
	return v.renderOnce("secret", v.t("secret."+kind+".title"), d)
}

// ended reports whether no old secret of a key works any more.
func (a *app) ended(k api.Key) bool {
	return k.PreviousSecretExpiresAt == nil || !k.PreviousSecretExpiresAt.After(a.now())
}

// warnOf lists the hints that are shown with a secret.
func warnOf(k api.Key) (list []string) {
	if unrestricted(k) {
		list = append(list, "unrestricted")
	}
	return list
}

// productsInTime returns the catalogue, or none if it can't be read soon: a secret doesn't wait for it.
func (a *app) productsInTime(v *visit) []api.Product {
	ctx, cancel := context.WithTimeout(v.ctx(), frameTime)
	defer cancel()
	products, err := a.productList(ctx, v.api)
	if err != nil {
		return nil
	}
	return products
}
