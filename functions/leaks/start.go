package main

import (
	"io"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/telemetry"
)

// start makes the function that the environment describes.
func start(getenv func(string) string, logs io.Writer) (*gateway.Mux, error) {
	base, err := web.Start(getenv, logs)
	if err != nil {
		return nil, err
	}
	signers, err := newSigners(base.Env.Or("GITHUB_KEYS_URL", ""), base.Source.Now)
	if err != nil {
		return nil, err
	}
	h := &handler{
		store: base.Store, commit: base.Store.Commit, looks: web.Looks{Store: base.Store, Source: base.Source}, source: base.Source, prefix: base.Prefix, texts: base.Texts,
		signers: signers, log: base.Log,
		metrics: telemetry.Metrics{Namespace: base.Env.Need(telemetry.NamespaceVariable), Out: logs},
	}
	h.routes(base.Mux)
	return base.Mux, base.Env.Err()
}
