package iam

import (
	"net/http"
	"strings"
	"sync"

	"latchkey/infra/local/template"
)

// Guard stands before the services that functions call. It knows a function by its access key ID, which is the function's name;
// everyone who has another one belongs to the account's administration and may do everything. A nil Guard stops nobody.
type Guard struct {
	roles map[string]*Role // by the function's name
	note  func(Event)

	mu   sync.Mutex
	seen map[Event]bool
}

// Event is something that happened for the first time: a grant was read in the template, it was used, or a call was denied.
type Event struct {
	Did                    string `json:"did"` // granted, used, denied
	Role, Action, Resource string
}

// What an Event did.
const (
	Granted = "granted"
	Used    = "used"
	Denied  = "denied"
)

// NewGuard guards by the roles of functions. note, which may be nil, is told each event once.
func NewGuard(roles map[string]*Role, note func(Event)) *Guard {
	g := &Guard{roles: roles, note: note, seen: map[Event]bool{}}
	for _, r := range roles {
		for _, one := range r.grants() {
			g.tell(Granted, one)
		}
	}
	return g
}

func (g *Guard) tell(did string, about Grant) {
	if g.note == nil {
		return
	}
	e := Event{did, about.Role, about.Action, about.Resource}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.seen[e] {
		g.seen[e] = true
		g.note(e)
	}
}

// Knows reports whether an access key ID is that of a function, whose calls are to be checked.
func (g *Guard) Knows(accessKey string) bool { return g != nil && g.roles[accessKey] != nil }

// Denial has the words of AWS for somebody who may not make a call.
type Denial struct{ message string }

func (d *Denial) Error() string { return d.message }

// Check returns a Denial if a function may not make one of the calls of a request, which is then denied as a whole.
func (g *Guard) Check(accessKey string, calls ...Call) *Denial {
	if !g.Knows(accessKey) {
		return nil
	}
	role := g.roles[accessKey]
	var used []Grant
	for _, c := range calls {
		by, forbidden := role.decide(c)
		if len(by) == 0 {
			g.tell(Denied, Grant{role.Name, c.Action, c.Resource})
			why := " because no identity-based policy allows the " + c.Action + " action"
			if forbidden {
				why = " with an explicit deny in an identity-based policy"
			}
			return &Denial{"User: arn:aws:sts::" + template.AccountID + ":assumed-role/" + role.Name + "/" + accessKey +
				" is not authorized to perform: " + c.Action + " on resource: " + c.Resource + why}
		}
		used = append(used, by...)
	}
	for _, one := range used {
		g.tell(Used, one)
	}
	return nil
}

// Caller returns the access key ID of a signed request. Signatures aren't checked.
func Caller(r *http.Request) string {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	credential, _, _ := strings.Cut(rest, ",")
	parts := strings.Split(credential, "/") // …/date/region/service/aws4_request
	if len(parts) < 5 {
		return credential
	}
	return strings.Join(parts[:len(parts)-4], "/")
}
