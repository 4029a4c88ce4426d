package account

// LeakReaction names what is done about a secret that a trusted reporter found exposed.
type LeakReaction string

// The reactions, from the mildest on. The zero value is the default of the usage kind.
const (
	LeakNotify LeakReaction = "notify" // tell the account, and let the secret work
	LeakRefuse LeakReaction = "refuse" // the gate refuses the secret
	LeakRotate LeakReaction = "rotate" // refuse it, and deliver a new one where the key has delivery
)

// LeakPolicy holds an account's reaction for each usage kind of keys.
type LeakPolicy struct{ Frontend, Backend, Mobile LeakReaction }

// InForce returns the policy with the defaults in place of what isn't set: the secret of a server is to be seen by nobody, and
// those of pages and apps are in everybody's hands anyway.
func (p LeakPolicy) InForce() LeakPolicy {
	return LeakPolicy{Frontend: or(p.Frontend, LeakNotify), Backend: or(p.Backend, LeakRefuse), Mobile: or(p.Mobile, LeakNotify)}
}

func or(r, otherwise LeakReaction) LeakReaction {
	if r == "" {
		return otherwise
	}
	return r
}

// SetLeaks sets the account's reactions. Those that are the defaults are kept as such.
func (a Account) SetLeaks(p LeakPolicy) (Account, error) {
	if a.Closed() {
		return a, ErrClosed
	}
	if p.InForce() == (LeakPolicy{}).InForce() {
		p = LeakPolicy{}
	}
	if p.InForce() != a.Leaks.InForce() {
		a.Leaks = p
	}
	return a, nil
}
