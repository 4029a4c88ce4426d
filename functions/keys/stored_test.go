package main

import (
	"context"
	"errors"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
)

type unreadUse struct{}

func (unreadUse) LastUsed(context.Context, account.ID, ...apikey.Key) (map[apikey.ID]web.Used, error) {
	return nil, errors.New("throttled")
}

// TestAStoredChangeIsAnswered although the key's statistics can't be read: its client would take it for a breakdown, and send it again. A
// request that only reads is a breakdown.
func TestAStoredChangeIsAnswered(t *testing.T) {
	r := newHarness(t)
	made := r.create(t, nil)
	r.handler.service.Used = unreadUse{}
	r.Want(t, 500, apitest.Call{As: "developer", Method: "GET", Path: r.path(made)})
	edit := apitest.Call{As: "developer", Method: "PATCH", Path: r.path(made), Body: map[string]any{"name": "New"}, Headers: map[string]string{"If-Match": `"1"`}}
	if doc := r.Want(t, 200, edit).JSON(t); doc["version"] != 2.0 || doc["name"] != "New" {
		t.Errorf("%v", doc)
	}
	r.Want(t, 412, edit)
}
