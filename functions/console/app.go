package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/awslabs/aws-lambda-go-api-proxy/core"

	"latchkey/functions/console/internal/locale"
	"latchkey/functions/console/internal/management"
	"latchkey/functions/console/internal/session"
	"latchkey/functions/console/internal/signin"
	"latchkey/functions/internal/env"
	"latchkey/shared/api"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/sessions"
	"latchkey/shared/telemetry"
)

// app is the console. It is an http.Handler.
type app struct {
	keeper   session.Keeper
	issuer   *signin.Issuer
	api      *management.Client
	products string // where customers' programs call the products
	langs    *locale.Languages
	assets   *assets
	pages    *pages
	log      *slog.Logger
	now      func() time.Time
	random   io.Reader

	mux     http.ServeMux
	guard   *http.CrossOriginProtection
	catalog catalogue
}

// start reads the environment and makes the app.
func start(getenv func(string) string, logs io.Writer) (*app, error) {
	vars := env.New(getenv)
	oidc := signin.Config{
		Issuer: vars.Need("OIDC_ISSUER"), ClientID: vars.Need("OIDC_CLIENT_ID"),
		Algorithm: vars.Or("OIDC_ALGORITHM", "RS256"), Now: time.Now,
	}
	table, api, products := vars.Need("SESSIONS_TABLE"), vars.Need("MANAGEMENT_URL"), vars.Need("PRODUCTS_URL")
	if err := vars.Err(); err != nil {
		return nil, err
	}
	return newApp(&app{
		keeper: session.Keeper{
			Store: sessions.New(dynamo.NewClient(dynamo.FromEnv(getenv)), table), Now: time.Now, Random: rand.Reader,
		},
		issuer: signin.New(oidc), api: management.New(api, nil), products: strings.TrimRight(products, "/"),
		log: telemetry.Logger(logs, getenv("LOG_LEVEL")), now: time.Now, random: rand.Reader,
	})
}

func newApp(a *app) (*app, error) {
	var err error
	if a.langs, err = locale.Load(messageFiles(), "en", "fr"); err != nil {
		return nil, err
	}
	if a.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	a.pages = &pages{assets: a.assets, now: a.now}
	a.guard = http.NewCrossOriginProtection()
	a.routes()
	return a, nil
}

// endpoint answers one request. It has written an answer, or returns an error and has written nothing.
type endpoint func(*visit) error

// public registers a page that needs no sign-in.
func (a *app) public(pattern string, e endpoint) {
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		v := a.visit(w, r)
		if err := e(v); err != nil {
			v.fail(err)
		}
	})
}

// person registers a page for everybody who is signed in.
func (a *app) person(pattern string, e endpoint) {
	a.public(pattern, func(v *visit) error {
		if err := v.signedIn(); err != nil {
			return err
		}
		return e(v)
	})
}

// account registers a page on the account in the path's {account}. Who may see it, the API says.
func (a *app) account(pattern string, e endpoint) {
	a.person(pattern, func(v *visit) error {
		v.accountID = v.r.PathValue("account")
		if !plainID(v.accountID) || !plainID(v.r.PathValue("key")) {
			return errNotFound
		}
		return e(v)
	})
}

// plainID reports whether a part of a path may stand in a path of the API as it is.
func plainID(id string) bool {
	return !strings.ContainsFunc(id, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-')
	})
}

const maxForm = 256 << 10

// ServeHTTP guards, answers and logs a request.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := a.now()
	id := requestID(r)
	out := &answer{ResponseWriter: w}
	r = r.WithContext(context.WithValue(r.Context(), requestKey{}, id))
	r.Body = http.MaxBytesReader(out, r.Body, maxForm)
	header := out.Header()
	header.Set("X-Request-Id", id)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	header.Set("Content-Security-Policy", policy(""))
	header.Set("Cache-Control", "no-store")
	if secure(r) {
		header.Set("Strict-Transport-Security", "max-age=31536000")
	}
	defer func() {
		if panicked := recover(); panicked != nil {
			a.log.ErrorContext(r.Context(), "panic", "panic", fmt.Sprint(panicked), "stack", string(debug.Stack()), "request_id", id)
			if out.status == 0 {
				http.Error(out, "Something went wrong. Request "+id, http.StatusInternalServerError)
			}
		}
		// The pattern, never the path or the query: those hold what people typed.
		a.log.InfoContext(r.Context(), "request", "method", r.Method, "route", r.Pattern, "status", out.status,
			"ms", a.now().Sub(begin).Milliseconds(), "request_id", id)
	}()
	if err := a.guard.Check(r); err != nil {
		a.visit(out, r).fail(errForeign)
		return
	}
	if _, pattern := a.mux.Handler(r); pattern == "" {
		a.visit(out, r).fail(errNotFound)
		return
	}
	a.mux.ServeHTTP(out, r)
}

// policy is the Content-Security-Policy. Browsers hold form-action against the redirects that follow a form, so the issuer
// must be named on pages that hold the sign-out button.
func policy(formTarget string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'" + formTarget +
		"; base-uri 'none'; frame-ancestors 'none'"
}

type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
		a.ResponseWriter.WriteHeader(status)
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.ResponseWriter.Write(b)
}

type requestKey struct{}

func requestID(r *http.Request) string {
	if c, ok := core.GetAPIGatewayContextFromContext(r.Context()); ok && c.RequestID != "" {
		return c.RequestID
	}
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:])
}

// catalogue keeps the products for a while: they change with a deployment.
type catalogue struct {
	mu    sync.Mutex
	list  []api.Product
	until time.Time
}

const catalogueLife = 5 * time.Minute

func (a *app) productList(ctx context.Context, as management.Person) ([]api.Product, error) {
	a.catalog.mu.Lock()
	list, fresh := a.catalog.list, a.now().Before(a.catalog.until)
	a.catalog.mu.Unlock()
	if fresh {
		return list, nil
	}
	doc, err := management.Get[api.ProductList](ctx, as, "/v1/products", nil)
	if err != nil {
		return nil, err
	}
	a.catalog.mu.Lock()
	defer a.catalog.mu.Unlock()
	a.catalog.list, a.catalog.until = doc.Products, a.now().Add(catalogueLife)
	return doc.Products, nil
}

var (
	errNotFound = errors.New("console: no such page")
	errForeign  = errors.New("console: the form comes from another site")
	errSignIn   = errors.New("console: nobody is signed in")
)
