package main

import (
	"bytes"
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
)

// from is an event of a call from an address.
func from(address string, headers map[string]string, secret string) []byte {
	return bytes.Replace(event(tile, headers, map[string]string{"key": secret}),
		[]byte(`"stage":"prod"`), []byte(`"identity":{"sourceIp":"`+address+`"},"stage":"prod"`), 1)
}

// TestTheGateRefusesCallersWhoAreOnNoList with the code of the first list, and takes those who are on each.
func TestTheGateRefusesCallersWhoAreOnNoList(t *testing.T) {
	b := newHarness(t)
	key := b.add(t, 1, func(p *authz.Policy) {
		p.Networks, p.Apps = []string{"192.0.2.0/24"}, []string{"ios com.example.app"}
	})
	app := map[string]string{"X-Ios-Bundle-Identifier": "com.example.app"}
	for name, tt := range map[string]struct {
		payload []byte
		code    any
	}{
		"on both lists":              {from("192.0.2.7", app, key), nil},
		"IPv4-mapped":                {from("::ffff:192.0.2.7", app, key), nil},
		"another network":            {from("198.51.100.7", app, key), "ip_not_allowed"},
		"an event without addresses": {event(tile, app, map[string]string{"key": key}), "ip_not_allowed"},
		"no app":                     {from("192.0.2.7", nil, key), "app_not_allowed"},
		"on neither":                 {from("198.51.100.7", nil, key), "ip_not_allowed"},
		"says that it is ours":       {from("198.51.100.7", map[string]string{"X-Forwarded-For": "192.0.2.7", "X-Ios-Bundle-Identifier": "com.example.app"}, key), "ip_not_allowed"},
	} {
		status, context := b.call(t, tt.payload)
		if want := map[bool]int{true: 200, false: 403}[tt.code == nil]; status != want || context["code"] != tt.code {
			t.Errorf("%s: %d %v", name, status, context)
		}
	}
}

func TestACallFromAListedCallerAllocatesNothing(t *testing.T) {
	b := newHarness(t)
	key := b.add(t, 1, func(p *authz.Policy) {
		p.Networks, p.Apps = []string{"2001:db8::/32", "192.0.2.0/24"}, []string{"ios com.example.app"}
	})
	payload := from("192.0.2.7", map[string]string{"X-Ios-Bundle-Identifier": "com.example.app"}, key)
	n := testing.AllocsPerRun(1000, func() {
		if _, err := b.gate.Invoke(time.Time{}, payload); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestAProposalIsAskedAboutTheCaller also of a key that is open to all callers: what it says is by the call's own address and app.
func TestAProposalIsAskedAboutTheCaller(t *testing.T) {
	b := newHarness(t)
	networks, apps := []string{"192.0.2.0/24"}, []string{"ios com.example.app"}
	ofNetworks := b.add(t, 1, func(p *authz.Policy) { p.Proposed = &apikey.Proposal{Networks: &networks} })
	ofApps := b.add(t, 2, func(p *authz.Policy) { p.Proposed = &apikey.Proposal{Apps: &apps} })
	for name, tt := range map[string]struct {
		key, address, app string
		shadow            authz.Code
	}{
		"of the network": {ofNetworks, "192.0.2.7", "", authz.Allowed},
		"of another one": {ofNetworks, "198.51.100.7", "", authz.IPNotAllowed},
		"the app":        {ofApps, "192.0.2.7", "com.example.app", authz.Allowed},
		"another app":    {ofApps, "192.0.2.7", "com.example.other", authz.AppNotAllowed},
	} {
		headers := map[string]string{"X-Ios-Bundle-Identifier": tt.app}
		if status, _ := b.call(t, from(tt.address, headers, tt.key)); status != 200 {
			t.Errorf("%s: %d", name, status)
		}
		if d := b.gate.call.outcome.Decision; d.Shadow != tt.shadow {
			t.Errorf("%s: the proposal says %q", name, d.Shadow)
		}
	}
}
