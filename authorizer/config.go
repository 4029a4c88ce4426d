package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/gateclient"
	"latchkey/shared/dynamo/leases"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/product"
	"latchkey/shared/telemetry"
)

// config holds the settings from the template.
type config struct {
	prefix       apikey.Prefix
	db           dynamo.Config
	gateTable    string
	leasesTable  string
	quotasTable  string
	slicesTable  string
	metrics      string // the namespace of its metrics
	usagePlanKey string // the value of the stack's one API key, which every allowed call returns
	denyOver     bool   // answer 403 instead of 429 above the limit
	// outageBound is the greatest age of a record that is served while the store can't be read.
	outageBound time.Duration
}

var errConfig = errors.New("authorizer: environment")

// configFrom reads the environment. A missing value stops the start: a gate that guesses would open or refuse wrongly.
// It doesn't use functions/internal/env, which the other functions read their variables by: the authorizer imports nothing
// of functions/, and that package brings ULIDs, which would be in its binary for nothing.
func configFrom(getenv func(string) string) (config, error) {
	text := getenv("KEY_PREFIX")
	if text == "" {
		text = string(apikey.DefaultPrefix)
	}
	prefix, err := apikey.ParsePrefix(text)
	if err != nil {
		return config{}, fmt.Errorf("%w: KEY_PREFIX: %w", errConfig, err)
	}
	tables := dynamo.TablesFromEnv(getenv)
	c := config{
		prefix: prefix, db: dynamo.FromEnv(getenv), usagePlanKey: getenv("USAGE_PLAN_KEY"), metrics: getenv(telemetry.NamespaceVariable),
		gateTable: tables.Gate, leasesTable: tables.Leases, quotasTable: tables.Quotas, slicesTable: tables.Slices,
	}
	if c.gateTable == "" || c.leasesTable == "" || c.quotasTable == "" || c.slicesTable == "" || c.usagePlanKey == "" || c.metrics == "" {
		return config{}, fmt.Errorf("%w: GATE_TABLE, LEASES_TABLE, QUOTAS_TABLE, SLICES_TABLE, USAGE_PLAN_KEY and %s must be set", errConfig, telemetry.NamespaceVariable)
	}
	switch over := getenv("OVER_LIMIT"); over {
	case "", "429":
	case "403":
		c.denyOver = true
	default:
		return config{}, fmt.Errorf("%w: OVER_LIMIT is %q, want 429 or 403", errConfig, over)
	}
	if _, err := gateclient.Endpoint(c.db); err != nil {
		return config{}, fmt.Errorf("%w: DYNAMODB_ENDPOINT or AWS_REGION: %w", errConfig, err)
	}
	if c.outageBound, err = outageBound(getenv("OUTAGE_BOUND_MINUTES")); err != nil {
		return config{}, err
	}
	return c, nil
}

// The bounds of how old a record may be that is served in an outage. Each is longer than a record is served unproven.
const (
	shortestOutageBound = time.Minute
	defaultOutageBound  = 15 * time.Minute
	longestOutageBound  = 3 * time.Hour
)

func outageBound(text string) (time.Duration, error) {
	if text == "" {
		return defaultOutageBound, nil
	}
	minutes, err := strconv.ParseInt(text, 10, 16)
	bound := time.Duration(minutes) * time.Minute
	if err != nil || bound < shortestOutageBound || bound > longestOutageBound {
		return 0, fmt.Errorf("%w: OUTAGE_BOUND_MINUTES is %q, want %.0f to %.0f", errConfig, text, shortestOutageBound.Minutes(), longestOutageBound.Minutes())
	}
	return bound, nil
}

// awsDeps connects the gate to DynamoDB, the clock and the log.
func awsDeps(c config, out io.Writer) deps {
	transport := storeTransport()
	// It calls once: each caller has its own policy (records: once more, on a new connection; counter: with the next report;
	// limiter: never).
	db, clock := gateclient.New(c.db, transport, time.Now), newSystemClock()
	return deps{
		store:     policies.New(db, c.gateTable),
		reconnect: transport.CloseIdleConnections,
		clock:     clock,
		catalogue: product.Default(),
		limiter:   newLeased(leases.New(db, c.leasesTable), clock),
		quotas:    newQuotaLeases(quotas.New(db, c.quotasTable), clock, product.Default()),
		recorder:  newCounter(reports.New(db, c.slicesTable), clock),
		out:       out,
	}
}

// The times of a connection to DynamoDB, and how many are kept.
const (
	connectTimeout   = 400 * time.Millisecond
	handshakeTimeout = 600 * time.Millisecond
	idleTimeout      = 20 * time.Second
	keepAlive        = 15 * time.Second
	idleConnections  = 4
)

// storeTransport is small: one call at a time, and a connection that idled through a freeze is not tried again, since
// net/http compares its idle time by the wall clock.
func storeTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: connectTimeout, KeepAlive: keepAlive}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DisableCompression:  true,
		DialContext:         dialer.DialContext,
		TLSHandshakeTimeout: handshakeTimeout,
		MaxIdleConns:        idleConnections,
		MaxIdleConnsPerHost: idleConnections,
		IdleConnTimeout:     idleTimeout,
	}
}
