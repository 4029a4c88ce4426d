package web

import (
	"context"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/gateway"
)

// LastUsed says when keys were last used.
func (b *Base) LastUsed() NeverUsed { return NeverUsed{} }

// NeverUsed knows of no use.
type NeverUsed struct{}

// LastUsed answers that no key was used.
func (NeverUsed) LastUsed(context.Context, account.ID, []apikey.ID) (map[apikey.ID]gateway.Used, error) {
	return nil, nil
}
