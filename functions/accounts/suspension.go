package main

import (
	"cmp"
	"net/http"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/audit"
)

// suspend stops all keys of an account by one write, until an end or until it is resumed.
func (h *accounts) suspend(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.SuspendAccount](r, gateway.BodyOptions{Nullable: []string{"until"}})
	if err != nil {
		return err
	}
	reason, err := web.Block(h.texts, "reason", body.Reason, 1, account.MaxReason)
	if err != nil {
		return err
	}
	var until time.Time
	if body.Until != nil {
		until = body.Until.UTC().Truncate(time.Millisecond)
	}
	by := cmp.Or(c.Person.Email, c.Person.Subject.ID)
	return h.changeStanding(w, r, c, "account.suspend", func(a account.Account) (account.Account, error) {
		return a.Suspend(reason.String(), until, by, h.source.Time())
	})
}

func (h *accounts) resume(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	return h.changeStanding(w, r, c, "account.resume", account.Account.Resume)
}

// changeStanding changes the account and answers with it.
func (h *accounts) changeStanding(w http.ResponseWriter, r *http.Request, c gateway.Principal, action string,
	decide func(account.Account) (account.Account, error),
) error {
	after, err := h.change(r, c, action, decide)
	if err != nil {
		return err
	}
	return h.showAccount(w, http.StatusOK, after, c.Role)
}

// change reads the account, compares its version with one that was sent, decides and writes. Where the account has changed meanwhile,
// the mux has it decided again, so that the last of suspend and resume wins.
func (h *accounts) change(r *http.Request, c gateway.Principal, action string, decide func(account.Account) (account.Account, error)) (account.Account, error) {
	before, err := h.store.Account(r.Context(), c.Account)
	if err != nil {
		return before, err
	}
	if err := gateway.OptionalIfMatch(r).Check(before.Version); err != nil {
		return before, err
	}
	after, err := decide(before)
	if err != nil || after.Same(before) {
		return after, err
	}
	row := web.AuditRow(h.source, c, action, "", audit.AccountChanges(&before, after)...)
	return h.store.UpdateAccount(r.Context(), before, after, row)
}
