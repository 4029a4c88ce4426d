package main

import (
	"net/http"
	"time"

	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/gateway"
	"latchkey/shared/origin"
)

// test answers what the gate would say to a call with the key's current secret, by the gate's own function.
func (h *handler) test(w http.ResponseWriter, r *http.Request, c gateway.Caller) error {
	body, _, err := gateway.Body[api.TestKey](r, gateway.Shape{Optional: true, Nullable: []string{"origin", "referer", "at"}})
	if err != nil {
		return err
	}
	k, err := h.Read(r, c)
	if err != nil {
		return err
	}
	at := h.Rim.Clock()
	if body.At != nil {
		at = millis(*body.At)
	}
	path := h.samplePath(k)
	if body.Path != nil {
		path = *body.Path
	}
	from, presence := origin.Caller(deref(body.Origin), deref(body.Referer))
	request := authz.Request{
		Target: authz.TargetOf(path, h.Products), Origin: from, Presence: presence, Place: authz.InQuery,
	}
	if body.InHeader != nil && *body.InHeader {
		request.Place = authz.InHeader
	}
	d := authz.Decide(at, request, authz.PoliciesOf(k)[0])
	return gateway.JSON(w, http.StatusOK, result(d, path, at))
}

func result(d authz.Decision, path string, at time.Time) api.TestResult {
	rule := string(d.Rule)
	if d.Pattern != "" {
		rule = d.Pattern
	}
	return api.TestResult{
		Allowed: d.Allowed(), Code: string(d.Code), Rule: gateway.MaybeText(rule), Product: gateway.MaybeText(string(d.Product)),
		Class: gateway.MaybeText(string(d.Class)), Path: &path, At: at, ProposedCode: gateway.MaybeText(string(d.Shadow)),
	}
}

// samplePath is a path of the key's first API product, for a test that is only about the origin.
func (h *handler) samplePath(k apikey.Key) string {
	for _, id := range k.Products {
		if p, ok := h.Products.Product(id); ok && len(p.Classes[0].Prefixes) > 0 {
			return p.Classes[0].Prefixes[0] + "test"
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
