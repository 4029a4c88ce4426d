package main

import (
	"net/http"
	"time"

	"latchkey/shared/api"
)

// endedKey takes the place of each form of a key that is deleted or revoked: the API changes nothing of it.
type endedKey struct {
	Key     api.Key
	Restore *time.Time // until when it can be restored; nil: it isn't deleted
	Sent    bool       // a form was, and changed nothing
}

// renderForm shows a form of a key; without it, that the key has ended. A form that was sent is then answered 409, as the API does.
func (v *visit) renderForm(status int, k api.Key, name, title string, data any) error {
	if editable(k) {
		return v.render(status, name, title, data)
	}
	d := &endedKey{Key: k, Restore: restorable(k)}
	if d.Sent = status != http.StatusOK; d.Sent {
		status = http.StatusConflict
	}
	return v.render(status, "ended", k.Name, d)
}

// restorable is until when a deleted key can be restored.
func restorable(k api.Key) *time.Time {
	if k.DeletedAt == nil {
		return nil
	}
	until := k.DeletedAt.AddDate(0, 0, restoreDays)
	return &until
}
