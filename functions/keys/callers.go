package main

import (
	"errors"
	"fmt"
	"slices"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/appid"
	"latchkey/shared/authz"
	"latchkey/shared/network"
)

// networks makes entries canonical; the set has the order in which keys store it. Where addresses are hidden only what the key has stays.
func (f *fields) networks(member string, entries, stored []string) []string {
	if len(entries) > apikey.MaxNetworks {
		f.refuse(gateway.Field(member, "too_many", fmt.Sprintf("A key can have at most %d networks.", apikey.MaxNetworks)))
		return nil
	}
	list := []string{}
	for i, typed := range entries {
		canonical, err := network.Parse(typed)
		var refused *network.Error
		if errors.As(err, &refused) {
			f.refuse(suggesting(gateway.Item(member, i, string(refused.Code), refused.Message), refused.Suggestions))
			continue
		}
		list = append(list, canonical)
	}
	set := apikey.Set(list)
	if f.hidden && len(set) > 0 && !slices.Equal(set, stored) {
		f.refuse(gateway.Field(member, networksUnavailable, whyUnavailable))
	}
	return set
}

const (
	networksUnavailable = "networks_unavailable"
	whyUnavailable      = "This service stands behind a proxy that hides where calls come from, so a key can't be restricted to networks."
)

// apps makes apps canonical; the set has the order in which keys store it.
func (f *fields) apps(member string, entries []api.App) []string {
	if len(entries) > apikey.MaxApps {
		f.refuse(gateway.Field(member, "too_many", fmt.Sprintf("A key can have at most %d apps.", apikey.MaxApps)))
		return nil
	}
	list := []string{}
	for i, one := range entries {
		typed := appid.Typed{Platform: one.Platform, Package: deref(one.Package), SHA1: deref(one.Sha1), BundleID: deref(one.BundleId)}
		if f.texts.InHost(typed.Package) || f.texts.InHost(typed.BundleID) {
			f.refuse(gateway.Item(member, i, web.SecretInText, web.WhySecret))
			continue
		}
		a, err := typed.Parse()
		var refused *appid.Error
		if errors.As(err, &refused) {
			f.refuse(suggesting(gateway.Item(member, i, string(refused.Code), refused.Message), refused.Suggestions))
			continue
		}
		list = append(list, a.String())
	}
	return apikey.Set(list)
}

func suggesting(e api.FieldError, suggestions []string) api.FieldError {
	if len(suggestions) > 0 {
		e.Suggestion = web.StringPtr(suggestions[0])
	}
	if len(suggestions) > 1 {
		e.Suggestions = &suggestions
	}
	return e
}

// fits refuses lists that make a key's record at the gate too long. A record that is too long already, by an older rule, may stay so.
func (f *fields) fits(before, after apikey.Key) {
	was, is := authz.RecordSize(before), authz.RecordSize(after)
	if is > authz.MaxRecord && is > was {
		f.refuse(gateway.Field("domains", "too_long", "The domains, networks, apps and products of the key, and those that are proposed, are too long together. Leave some out."))
	}
}
