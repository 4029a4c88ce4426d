package main

import (
	"net/http"

	"latchkey/shared/api"
)

// behindPage shows what a member has left who was removed or demoted. Only the answer to the form that did it has that, so a note carries it
// there.
const behindPage = "/account/left"

// behind lists the things that a member has left, as a note has them.
type behind struct {
	Demoted     bool                  `json:"d,omitempty"`
	Invitations int                   `json:"i,omitempty"` // that were withdrawn
	Keys        []api.LegacyKey       `json:"k,omitempty"`
	Principals  []api.LegacyPrincipal `json:"p,omitempty"`
	More        bool                  `json:"m,omitempty"` // keys that aren't named
}

// leaves reports whether there is anything to look at, or may be.
func leaves(left api.Legacy) bool {
	return left.More || len(left.Invitations)+len(left.Keys)+len(left.Principals) > 0
}

// leaveBehind leads to the page about what a member has left.
func (v *visit) leaveBehind(left api.Legacy, demoted bool) error {
	return v.leave(v.accountURL(behindPage), note{Behind: &behind{demoted, len(left.Invitations), left.Keys, left.Principals, left.More}})
}

// shorten leaves out some of the keys, those of the longer list. A cookie has room for all, unless their names say nothing twice.
func (b *behind) shorten() bool {
	if b == nil || len(b.Keys)+len(b.Principals) == 0 {
		return false
	}
	b.More = true
	if n := len(b.Keys); n >= len(b.Principals) {
		b.Keys = b.Keys[:n-n/8-1]
	} else {
		b.Principals = b.Principals[:len(b.Principals)-len(b.Principals)/8-1]
	}
	return true
}

func (a *app) showBehind(v *visit) error {
	left := v.note().Behind
	if left == nil { // of an old address
		me, err := v.person()
		if err != nil {
			return err
		}
		if !v.sees(me) {
			return errNotFound
		}
		return v.redirect(v.accountURL("/account"))
	}
	return v.render(http.StatusOK, "member-left", v.t("left.title"), left)
}
