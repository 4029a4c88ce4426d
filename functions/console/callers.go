package main

import (
	"strings"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/api"
	"latchkey/shared/appid"
	"latchkey/shared/network"
	"latchkey/shared/pasted"
)

// The networks and apps of a key are typed as its domains are: one an entry. Those of an app are more than one word, so a line is one.

// Address returns the address that the person's requests come from, as the gateway sees it; "" if that isn't known.
func (f *keyForm) Address() string { return f.address }

// readCallers takes the two lists, where the form has them: one of the release before leaves them.
func (f *form) readCallers(v *visit) {
	if v.r.PostForm.Has("networks") {
		f.Values["networks"] = v.form("networks")
		f.Lists["networks"] = networkList(f.Values["networks"])
	}
	if v.r.PostForm.Has("apps") {
		f.Values["apps"] = v.form("apps")
		f.Lists["apps"] = appLines(f.Values["apps"])
	}
}

// fillCallers begins a form with the lists of a key.
func (f *form) fillCallers(networks []string, apps []api.App) {
	f.Lists["networks"], f.Lists["apps"] = networks, linesOf(apps)
	f.Values["networks"], f.Values["apps"] = strings.Join(networks, "\n"), strings.Join(f.Lists["apps"], "\n")
}

// appLines splits lines of apps, which have blanks in them.
func appLines(text string) []string { return entriesOf(text, separators) }

// appsOf are lines as the API takes apps, also those that it will refuse.
func appsOf(lines []string) []api.App {
	apps := make([]api.App, len(lines))
	for i, line := range lines {
		t := appid.Line(pasted.Unquoted(line))
		apps[i] = api.App{Platform: strings.ToLower(t.Platform), Package: some(t.Package), Sha1: some(t.SHA1), BundleId: some(t.BundleID)}
	}
	return apps
}

func some(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// linesOf writes apps as a person types them.
func linesOf(apps []api.App) []string {
	lines := make([]string, len(apps))
	for i, a := range apps {
		lines[i] = strings.Join(strings.Fields(strings.Join([]string{a.Platform, orNone(a.Package), orNone(a.Sha1), orNone(a.BundleId)}, " ")), " ")
	}
	return lines
}

// address returns the address that the person's requests come from, "" if it isn't known.
func (v *visit) address() string {
	return network.ParseAddress(gateway.SourceIP(v.r)).String()
}
