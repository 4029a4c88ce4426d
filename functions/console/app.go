package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"latchkey/functions/console/internal/brand"
	"latchkey/functions/console/internal/locale"
	"latchkey/functions/console/internal/management"
	"latchkey/functions/console/internal/session"
	"latchkey/functions/console/internal/signin"
	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
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
	brand    brand.Brand
	langs    *locale.Languages
	assets   *assets
	pages    *pages
	log      *slog.Logger
	now      func() time.Time

	mux     http.ServeMux
	routed  []string // all patterns, for who walks them
	guard   *http.CrossOriginProtection
	catalog catalogue
	counted kept[*overview] // what waited for operators, for their pages that have no call left to ask
	unkept  unkept
}

// start reads the environment and makes the app.
func start(getenv func(string) string, logs io.Writer) (*app, error) {
	a, err := configured(getenv, logs)
	if err != nil {
		return nil, err
	}
	return newApp(a)
}

// configured is the app as far as the environment says it.
func configured(getenv func(string) string, logs io.Writer) (*app, error) {
	vars := env.New(getenv)
	oidc := signin.Config{
		Issuer: vars.Need("OIDC_ISSUER"), Store: getenv("DYNAMODB_ENDPOINT"), ClientID: vars.Need("OIDC_CLIENT_ID"),
		Algorithm: vars.Or("OIDC_ALGORITHM", "RS256"), Now: time.Now,
	}
	table, api, products := vars.Need("SESSIONS_TABLE"), vars.Need("MANAGEMENT_URL"), vars.Need("PRODUCTS_URL")
	if err := vars.Err(); err != nil {
		return nil, err
	}
	logger := telemetry.Logger(logs, vars.Or("LOG_LEVEL", "info"))
	whose, wrong := brand.Read(getenv)
	for _, err := range wrong {
		logger.Warn("brand_setting_left_out", "error", err.Error())
	}
	if whose.Name == "" {
		return nil, errors.New("console: BRAND_NAME is missing")
	}
	return &app{
		brand: whose,
		keeper: session.Keeper{
			Store: sessions.New(dynamo.NewClient(dynamo.FromEnv(getenv)), table), Now: time.Now, Random: rand.Reader,
		},
		issuer: signin.New(oidc), api: management.New(api, nil), products: strings.TrimRight(products, "/"),
		log: logger, now: time.Now,
	}, nil
}

// allTexts are read once in a process: they are the same for every brand, and tests start the console hundreds of times.
var allTexts = sync.OnceValues(func() (*locale.Languages, error) { return locale.Load(messageFiles(), "en", "fr", "ar") })

func newApp(a *app) (*app, error) {
	texts, err := allTexts()
	if err != nil {
		return nil, err
	}
	a.langs = texts.Say("brand", a.brand.Name)
	a.langs.Prefer(a.brand.Language)
	if a.assets, err = loadAssets(a.brand); err != nil {
		return nil, err
	}
	a.pages = &pages{assets: a.assets, brand: a.brand, now: a.now}
	a.guard = http.NewCrossOriginProtection()
	a.routes()
	return a, nil
}

// endpoint answers one request. It has written an answer, or returns an error and has written nothing.
type endpoint func(*visit) error

// public registers a page that needs no sign-in.
func (a *app) public(pattern string, e endpoint) {
	a.routed = append(a.routed, pattern)
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		v := a.visit(w, r)
		if err := r.ParseForm(); err != nil && r.Method == http.MethodPost {
			v.fail(errForm) // what was read of it isn't all that was typed
			return
		}
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
		id := v.r.PathValue("account")
		if !plainID(id) {
			return errNotFound // without the account's frame: that would be asked for by this ID
		}
		v.accountID = id
		if !plainID(v.r.PathValue("key")) {
			return errNotFound
		}
		return e(v)
	})
}

// elsewhere leads from an address that forms are sent to, to the page that has them: {account} and {key} in a page are those of the path.
func (a *app) elsewhere(pattern, page string) {
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		v := a.visit(w, r)
		to := page
		for _, name := range []string{"account", "key"} {
			id := r.PathValue(name)
			if !plainID(id) {
				v.fail(errNotFound)
				return
			}
			to = strings.ReplaceAll(to, "{"+name+"}", id)
		}
		_ = v.redirect(to) // writing a header doesn't fail
	})
}

// writing registers a form that changes something: for those who could send it.
func (a *app) writing(pattern string, may func(can) bool, e endpoint) {
	a.account(pattern, func(v *visit) error {
		if err := v.allowed(may); err != nil {
			return err
		}
		return e(v)
	})
}

// plainID reports whether a part of a path can go into a path of the API unescaped.
func plainID(id string) bool {
	return !strings.ContainsFunc(id, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-')
	})
}

const maxForm = 256 << 10

// ServeHTTP answers a request, observed.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	failed := func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "Something went wrong. Request "+gateway.RequestID(r.Context()), http.StatusInternalServerError)
	}
	gateway.Observe(gateway.Observer{Log: a.log, Now: a.now, Failed: failed}, a.route).ServeHTTP(w, r)
}

// route guards and answers a request.
func (a *app) route(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	header := w.Header()
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	header.Set("Content-Security-Policy", policy("", ""))
	header.Set("Cache-Control", "no-store")
	if secure(r) {
		header.Set("Strict-Transport-Security", "max-age=31536000")
	}
	if err := a.guard.Check(r); err != nil {
		a.visit(w, r).fail(errForeign)
		return
	}
	if _, pattern := a.mux.Handler(r); pattern == "" {
		v := a.visit(w, r)
		if r.Method == http.MethodGet {
			_ = v.signedIn() // who is keeps the menu; for anybody else the page is the same without
		}
		v.fail(errNotFound)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// policy is the Content-Security-Policy. Browsers hold form-action against the redirects that follow a form, so the issuer
// must be named on pages that hold the sign-out button. called is what the page's script calls beside the console.
func policy(formTarget, called string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'" + called + "; form-action 'self'" + formTarget +
		"; base-uri 'none'; frame-ancestors 'none'"
}

// catalogue keeps what the product catalogue says for a while: it changes with a deployment.
type catalogue struct {
	products kept[[]api.Product]
	groups   kept[map[string]string] // of classes, with the names that their quotas have
}

const catalogueLife = 5 * time.Minute

func (a *app) productList(ctx context.Context, as management.Person) ([]api.Product, error) {
	if list, fresh := a.catalog.products.at(a.now()); fresh {
		return list, nil
	}
	doc, err := management.Get[api.ProductList](ctx, as, "/v1/products", nil)
	if err != nil {
		return nil, err
	}
	a.catalog.products.keep(doc.Products, a.now().Add(catalogueLife))
	return doc.Products, nil
}

// readingProducts makes a read of the catalogue for parallel.
func (a *app) readingProducts(v *visit, into *[]api.Product) func(context.Context) error {
	return func(ctx context.Context) (err error) {
		*into, err = a.productList(ctx, v.api)
		return err
	}
}

var (
	errNotFound = errors.New("console: no such page")
	errForeign  = errors.New("console: the form comes from another site")
	errForm     = errors.New("console: the form can't be read")
	errSignIn   = errors.New("console: nobody is signed in")
)
