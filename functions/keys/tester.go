package main

import (
	"cmp"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/appid"
	"latchkey/shared/authz"
	"latchkey/shared/moment"
	"latchkey/shared/network"
	"latchkey/shared/origin"
	"latchkey/shared/text"
)

// test answers what the gate would say to a call with the key's current secret, by the gate's own function.
func (h *handler) test(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, err := testOf(r)
	if err != nil {
		return err
	}
	k, err := h.service.Read(r, c)
	if err != nil {
		return err
	}
	at, path := h.service.Source.Time(), h.samplePath(k)
	if body.At != nil {
		at = millis(body.At.Time)
	}
	if body.Path != nil {
		path = *body.Path
	}
	from, presence := origin.FromHeaders(deref(body.Origin), deref(body.Referer))
	request := authz.Request{
		Target: authz.TargetOf(path, h.service.Products), Origin: from, Presence: presence, Place: authz.InQuery,
		Address: network.ParseAddress(cmp.Or(deref(body.SourceIp), c.SourceIP)),
		App:     appid.FromHeaders(deref(body.AndroidPackage), deref(body.AndroidCert), deref(body.IosBundleIdentifier)),
	}
	if body.InHeader != nil && *body.InHeader {
		request.Place = authz.InHeader
	}
	its, err := h.service.Store.Account(r.Context(), c.Account)
	if err != nil {
		return err
	}
	request.Account = new(authz.AccountOf(its))
	d := authz.Decide(at, request, authz.PoliciesOf(k)[0])
	doc := result(d, path, at)
	if list, err := network.Compile(k.Networks); err == nil {
		if i, ok := list.Has(request.Address); ok {
			doc.Network = &k.Networks[i]
		}
	}
	if list, err := appid.Compile(k.Apps); err == nil {
		if i, ok := list.Has(request.App); ok {
			doc.App = &k.Apps[i]
		}
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

// testOf reads the call that is tried.
func testOf(r *http.Request) (api.TestKey, error) {
	body, _, err := gateway.Body[api.TestKey](r, gateway.BodyOptions{Optional: true, Nullable: []string{
		"origin", "referer", "source_ip", "android_package", "android_cert", "ios_bundle_identifier", "at",
	}})
	if err != nil {
		return body, err
	}
	for _, m := range []struct {
		name string
		text *string
		most int
	}{
		{"origin", body.Origin, 2048},
		{"referer", body.Referer, 8192},
		{"path", body.Path, 2048},
		{"source_ip", body.SourceIp, 64},
		{"android_package", body.AndroidPackage, 512},
		{"android_cert", body.AndroidCert, 512},
		{"ios_bundle_identifier", body.IosBundleIdentifier, 512},
	} {
		if utf8.RuneCountInString(deref(m.text)) > m.most {
			return body, gateway.Invalid(web.TextField(m.name, 0, m.most, text.ErrLength))
		}
	}
	if body.Path != nil && !isPath(*body.Path) {
		return body, gateway.Invalid(gateway.Field("path", "not_a_path", "A path must begin with / and end before the query. Write ? and # inside it as %3F and %23."))
	}
	if ip := deref(body.SourceIp); ip != "" && network.ParseAddress(ip).IsZero() {
		return body, gateway.Invalid(gateway.Field("source_ip", "not_an_address", "It must be an IP address, as API Gateway sees it."))
	}
	return body, nil
}

func result(d authz.Decision, path string, at time.Time) api.TestResult {
	return api.TestResult{
		Allowed: d.Allowed(), Code: string(d.Code), Rule: web.StringPtr(ruleOf(d)), Product: web.StringPtr(string(d.Product)),
		Class: web.StringPtr(string(d.Class)), Path: &path, At: moment.Of(at), ProposedCode: web.StringPtr(string(d.Shadow)),
	}
}

// isPath reports whether a text can be what the gate takes for the path of a call. Another would be answered with
// path_not_canonical, which the gate says of no such call: it never sees the query, and a fragment isn't even sent.
func isPath(text string) bool {
	return strings.HasPrefix(text, "/") && !strings.ContainsAny(text, "?#")
}

// byState names the setting or status of the key that causes a refusal, by code.
var byState = map[authz.Code]string{
	authz.KeyDeleted: string(apikey.StatusDeleted), authz.KeyRevoked: string(apikey.StatusRevoked), authz.KeyBlocked: string(apikey.StatusBlocked),
	authz.AccountSuspended: string(apikey.StatusSuspended),
	authz.KeyDisabled:      string(apikey.StatusDisabled), authz.KeyExpired: string(apikey.StatusExpired), authz.KeyNotInHeader: "header_only",
}

// noProduct is the rule where a path belongs to nothing in the catalogue.
const noProduct = "no_product"

// ruleOf names what decided: see rule in the contract.
func ruleOf(d authz.Decision) string {
	switch {
	case d.Pattern != "":
		return d.Pattern
	case d.Rule != "":
		return string(d.Rule)
	case byState[d.Code] != "":
		return byState[d.Code]
	case d.Code == authz.ProductNotAllowed && d.Product == "":
		return noProduct
	case d.Code == authz.ProductNotAllowed:
		return string(d.Product)
	default:
		return string(d.Code)
	}
}

// samplePath is the sample path of the key's first API product, for a test that is only about the origin.
func (h *handler) samplePath(k apikey.Key) string {
	for _, id := range k.Products {
		if p, ok := h.service.Products.Product(id); ok && p.SamplePath != "" {
			return p.SamplePath
		}
	}
	return "/"
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
