// Package web is what the functions behind the management API share: their configuration, their stores, the mux
// with its checks, and the one table between errors and answers. It is wiring, not behaviour.
// docs/glossary.md explains principal, key service and source.
package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/gateway/bearer"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/telemetry"
	"latchkey/shared/text"
)

// Base holds the parts common to all functions behind the management API.
type Base struct {
	Env    *env.Vars
	Log    *slog.Logger
	DB     dynamo.Config
	Store  *control.Store
	Prefix apikey.Prefix
	Texts  text.Secrets // reads what people type: it knows every prefix that the stack's secrets have or had
	Source env.Source
	Mux    *gateway.Mux
	Client *dynamo.Client // for stores that a function has alone: it keeps one set of connections

	unreadable func(context.Context, control.Unreadable)

	client counters.Client // the same, as counters are read; tests have another
}

// Start reads the environment and makes the base of a function that changes keys or accounts.
func Start(getenv func(string) string, logs io.Writer) (*Base, error) {
	vars := env.New(getenv)
	b, err := start(vars, vars.Need("GATE_TABLE"), getenv, logs)
	if err == nil {
		b.Mux.Changes, err = b.changes()
	}
	return b, err
}

// StartReader makes the base of a function that changes nothing: it isn't told of the gate's table.
func StartReader(getenv func(string) string, logs io.Writer) (*Base, error) {
	return start(env.New(getenv), "", getenv, logs)
}

func start(vars *env.Vars, gate string, getenv func(string) string, logs io.Writer) (*Base, error) {
	b := &Base{Env: vars, Log: telemetry.Logger(logs, vars.Or("LOG_LEVEL", "info")), Source: env.NewSource()}
	tables := dynamo.Tables{Control: vars.Need("CONTROL_TABLE"), Gate: gate}
	issuer, client, pages := vars.Need("OIDC_ISSUER"), vars.Need("OIDC_CLIENT_ID"), vars.Need("PAGE_TOKEN_KEY")
	metrics := telemetry.Metrics{Namespace: vars.Need(telemetry.NamespaceVariable), Out: logs}
	prefix, err := apikey.ParsePrefix(vars.Or("KEY_PREFIX", string(apikey.DefaultPrefix)))
	former, formerErr := formerPrefixes(vars.Or("FORMER_KEY_PREFIXES", ""))
	if err = errors.Join(vars.Err(), err, formerErr); err != nil {
		return nil, err
	}
	b.Prefix, b.Texts, b.DB = prefix, append(text.Secrets{prefix}, former...), dynamo.FromEnv(getenv)
	verifier, err := bearer.New(bearer.Config{
		Issuer: issuer, Store: b.DB.Endpoint, ClientID: client, Algorithm: vars.Or("OIDC_ALGORITHM", "RS256"), Now: b.Source.Now, Texts: b.Texts,
	})
	if err != nil {
		return nil, err
	}
	db := dynamo.NewClient(b.DB)
	b.Client, b.client = db, db
	b.unreadable = unreadable(b.Log, metrics, b.Source.Now)
	b.Store = control.New(db, tables.Control, tables.Gate).Reporting(b.unreadable)
	b.Mux = NewMux(verifier, b.Store, b.Log, b.Source.Now)
	b.Mux.Looks, b.Mux.PageKey = Looks{Store: b.Store, Source: b.Source}, []byte(pages)
	b.Mux.Docs = vars.Or("PROBLEM_DOCS", "")
	return b, nil
}

// unreadable tells operators of records that answers leave out: a log line, a metric, with an alarm, and a count in the answer.
func unreadable(log *slog.Logger, metrics telemetry.Metrics, now func() time.Time) func(context.Context, control.Unreadable) {
	return func(ctx context.Context, u control.Unreadable) {
		log.ErrorContext(ctx, "record unreadable", "account_id", u.Account, "item", u.Item, "error", u.Err.Error())
		gateway.LeaveOut(ctx)
		metrics.Write(telemetry.Sum(now(), "UnreadableRecords", 1))
	}
}

// formerPrefixes reads the prefixes that the stack's secrets had, separated by commas.
func formerPrefixes(list string) (former text.Secrets, err error) {
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		prefix, bad := apikey.ParsePrefix(name)
		if bad != nil {
			err = errors.Join(err, fmt.Errorf("FORMER_KEY_PREFIXES: %w", bad))
		}
		former = append(former, prefix)
	}
	return former, err
}

// Rows lists the reads of people on every request; *control.Store has them.
type Rows interface {
	Member(context.Context, account.ID, account.Subject) (account.Member, error)
	Rank(context.Context, account.Subject) (account.Rank, error)
	Account(context.Context, account.ID) (account.Account, error)
}

// NewMux makes a mux with this API's table of errors.
func NewMux(verifier gateway.Verifier, rows Rows, log *slog.Logger, now func() time.Time) *gateway.Mux {
	return &gateway.Mux{Verifier: verifier, People: people{rows}, Errors: Errors(), Log: log, Now: now}
}

type people struct{ rows Rows }

func (p people) Role(ctx context.Context, id account.ID, who account.Subject) (account.Role, error) {
	m, err := p.rows.Member(ctx, id, who)
	if errors.Is(err, dynamo.ErrNotFound) {
		return "", nil
	}
	return m.Role, err
}

func (p people) Rank(ctx context.Context, who account.Subject) (account.Rank, error) {
	return p.rows.Rank(ctx, who)
}

func (p people) AccountExists(ctx context.Context, id account.ID) (bool, error) {
	_, err := p.rows.Account(ctx, id)
	switch {
	case errors.Is(err, dynamo.ErrNotFound):
		return false, nil
	case errors.Is(err, dynamo.ErrUnreadable): // it is there, and what else there is of it can be read
		return true, nil
	default:
		return err == nil, err
	}
}
