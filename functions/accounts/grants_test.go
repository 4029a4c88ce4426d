package main

import (
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/keytest"
)

// grants is the promise in a few lines: who has which role, and since when they may grant.
type grants struct {
	role   map[string]account.Role
	since  map[string]time.Time // of the role
	offers []offer
}

type offer struct {
	token, by string
	role      account.Role
	at        time.Time
	used      bool
}

func (g *grants) owners() (n int) {
	for _, role := range g.role {
		if role == account.Owner {
			n++
		}
	}
	return n
}

// holds reports whether an offer still gives its role to somebody.
func (g *grants) holds(o offer, to string) bool {
	return !o.used && g.role[o.by].MayGrant(o.role) && !g.since[o.by].After(o.at) && g.role[to] == ""
}

// Any sequence of invite, accept, demote, promote, remove, leave and rejoin leaves nobody with more than somebody has
// granted them who still might at that moment.
func TestNobodyHasMoreThanSomebodyWhoMayHasGranted(t *testing.T) {
	people := []string{"owner", "a", "b", "c"}
	roles := []account.Role{account.Viewer, account.Developer, account.Owner}
	rapid.Check(t, func(rt *rapid.T) {
		r := newHarness(t)
		g := &grants{role: map[string]account.Role{"owner": account.Owner}, since: map[string]time.Time{"owner": keytest.Now}}
		someone, someRole := rapid.SampledFrom(people), rapid.SampledFrom(roles)
		do := func(as, method, path string, body any) int {
			r.Clock.Advance(time.Second)
			return r.Do(t, apitest.Call{As: as, Method: method, Path: path, Body: body}).Status
		}
		for range rapid.IntRange(5, 40).Draw(rt, "steps") {
			who, other, role := someone.Draw(rt, "who"), someone.Draw(rt, "other"), someRole.Draw(rt, "role")
			isOwner := g.role[who] == account.Owner
			switch rapid.SampledFrom([]string{"invite", "accept", "accept", "put", "remove"}).Draw(rt, "step") {
			case "invite":
				r.Clock.Advance(time.Second)
				answer := r.Do(t, apitest.Call{As: who, Method: http.MethodPost, Path: r.path("/invitations"), Body: object{"role": string(role)}})
				if answer.Status == http.StatusCreated {
					g.offers = append(g.offers, offer{answer.JSON(t)["token"].(string), who, role, r.Clock.Now(), false})
				}
				if (answer.Status == http.StatusCreated) != isOwner {
					rt.Fatalf("%s (%q) invites: %d", who, g.role[who], answer.Status)
				}
			case "accept":
				if len(g.offers) == 0 {
					continue
				}
				o := &g.offers[rapid.IntRange(0, len(g.offers)-1).Draw(rt, "offer")]
				holds := g.holds(*o, who)
				if status := do(who, http.MethodPost, "/v1/invitations/show", object{"token": o.token}); (status == http.StatusOK) != holds {
					rt.Fatalf("%s looks at %+v: %d, want it to hold: %v", who, *o, status, holds)
				}
				if status := do(who, http.MethodPost, "/v1/invitations/accept", object{"token": o.token}); (status == http.StatusOK) != holds {
					rt.Fatalf("%s accepts %+v: %d, want it to hold: %v", who, *o, status, holds)
				}
				if holds {
					o.used, g.role[who], g.since[who] = true, o.role, r.Clock.Now()
				}
			case "put":
				status := do(who, http.MethodPut, r.path("/members/"+other), object{"role": string(role)})
				may := isOwner && g.role[other] != "" && (g.role[other] != account.Owner || role == account.Owner || g.owners() > 1)
				if (status == http.StatusOK) != may {
					rt.Fatalf("%s makes %s %s: %d", who, other, role, status)
				}
				if may && g.role[other] != role {
					g.role[other], g.since[other] = role, r.Clock.Now()
				}
			case "remove":
				status := do(who, http.MethodDelete, r.path("/members/"+other), nil)
				may := (isOwner || who == other) && g.role[other] != "" && (g.role[other] != account.Owner || g.owners() > 1)
				if may {
					delete(g.role, other)
				} else if status == http.StatusOK && g.role[other] != "" {
					rt.Fatalf("%s removes %s: %d", who, other, status)
				}
			}
			for _, p := range people {
				m, err := r.Control.Member(t.Context(), r.account.ID, keytest.Subject(p))
				if err != nil {
					m.Role = ""
				}
				if m.Role != g.role[p] {
					rt.Fatalf("%s is %q, and was granted %q", p, m.Role, g.role[p])
				}
			}
		}
	})
}
