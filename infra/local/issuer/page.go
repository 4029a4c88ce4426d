package issuer

import (
	"bytes"
	"context"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	loginPath     = "/login"
	callbackPath  = "/authorize/callback"
	signedOutPath = "/signed-out"
	cookieName    = "latchkey-local-issuer"
)

//go:embed login.html
var loginHTML string

//go:embed login.css
var loginCSS []byte

var loginPage = template.Must(template.New("login").Parse(loginHTML))

type (
	redirectKey struct{}
	sessionKey  struct{}
)

func redirectFrom(ctx context.Context) string {
	s, _ := ctx.Value(redirectKey{}).(string)
	return s
}

func sessionFrom(ctx context.Context) (session, bool) {
	s, ok := ctx.Value(sessionKey{}).(session)
	return s, ok
}

// routes offers what a code flow with PKCE needs, and nothing else of what the library can do.
func (i *Issuer) routes(provider *op.Provider) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+oidc.DiscoveryEndpoint, i.discovery(provider))
	mux.Handle("GET /keys", provider)
	mux.Handle("/authorize", i.withRequest("redirect_uri", provider))
	mux.Handle("GET "+callbackPath, provider)
	mux.Handle("POST /oauth/token", i.failing(provider))
	mux.Handle("/userinfo", provider)
	mux.Handle("POST /revoke", provider)
	mux.Handle("/end_session", i.endSession(i.withRequest("post_logout_redirect_uri", provider)))
	mux.HandleFunc("GET "+loginPath, i.showLogin)
	mux.Handle("POST "+loginPath, http.NewCrossOriginProtection().Handler(http.HandlerFunc(i.signIn)))
	mux.HandleFunc("GET /login.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(loginCSS)
	})
	mux.HandleFunc("GET "+signedOutPath, func(w http.ResponseWriter, _ *http.Request) {
		i.render(w, http.StatusOK, pageData{Title: "Signed out", Message: "You are signed out. This window can be closed."}, "")
	})
	return mux
}

// discovery serves the discovery document with what this issuer supports; the library's own document promises more.
func (i *Issuer) discovery(provider *op.Provider) http.HandlerFunc {
	doc := op.CreateDiscoveryConfig(op.ContextWithIssuer(context.Background(), i.cfg.Issuer), provider, i.store)
	doc.ResponseTypesSupported = []string{string(oidc.ResponseTypeCode)}
	doc.GrantTypesSupported = []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
	doc.TokenEndpointAuthMethodsSupported = []oidc.AuthMethod{oidc.AuthMethodNone}
	doc.RevocationEndpointAuthMethodsSupported = []oidc.AuthMethod{oidc.AuthMethodNone}
	doc.TokenEndpointAuthSigningAlgValuesSupported = nil
	doc.RevocationEndpointAuthSigningAlgValuesSupported = nil
	doc.IntrospectionEndpoint, doc.DeviceAuthorizationEndpoint, doc.CheckSessionIframe = "", "", ""
	doc.IntrospectionEndpointAuthMethodsSupported, doc.IntrospectionEndpointAuthSigningAlgValuesSupported = nil, nil
	return func(w http.ResponseWriter, _ *http.Request) { op.Discover(w, doc) }
}

// withRequest hands the redirect that is asked for, and the browser's session, to the storage.
func (i *Issuer) withRequest(param string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), redirectKey{}, r.FormValue(param))
		if c, err := r.Cookie(cookieName); err == nil {
			if s, ok := i.store.session(c.Value); ok {
				ctx = context.WithValue(ctx, sessionKey{}, s)
			}
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// endSession ends the browser's own session, even if the request carries no id_token_hint.
func (i *Issuer) endSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie(cookieName); err == nil {
			i.store.endSession(c.Value)
			http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
		}
		if r.FormValue("client_id") == "" && r.FormValue("id_token_hint") == "" {
			r.Form.Set("client_id", i.cfg.ClientID) // there is only one client
		}
		next.ServeHTTP(w, r)
	})
}

type pageData struct {
	Title, Message, ID, Hint string
	People                   []Person
}

func (i *Issuer) showLogin(w http.ResponseWriter, r *http.Request) {
	id := r.FormValue("id")
	req, err := i.store.request(id)
	if err != nil {
		i.expired(w)
		return
	}
	i.render(w, http.StatusOK, pageData{Title: "Sign in", ID: id, Hint: req.in.LoginHint, People: i.cfg.People}, req.in.RedirectURI)
}

func (i *Issuer) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	id := r.PostFormValue("id")
	req, err := i.store.request(id)
	if err != nil {
		i.expired(w)
		return
	}
	person := i.chosen(r)
	if err := person.check(); err != nil {
		message := strings.TrimPrefix(err.Error(), "issuer: ")
		i.render(w, http.StatusUnprocessableEntity,
			pageData{Title: "Sign in", Message: message, ID: id, Hint: person.Email, People: i.cfg.People}, req.in.RedirectURI)
		return
	}
	cookie, err := i.store.signIn(id, person)
	if err != nil {
		i.expired(w)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, callbackPath+"?"+url.Values{"id": {id}}.Encode(), http.StatusSeeOther)
}

// chosen is the person of the button that was pressed, or the one that the form names.
func (i *Issuer) chosen(r *http.Request) Person {
	pressed := r.PostFormValue("person")
	for _, p := range i.cfg.People {
		if pressed != "" && p.Subject == pressed {
			return p
		}
	}
	p := Person{
		Subject: strings.TrimSpace(r.PostFormValue("subject")),
		Email:   strings.TrimSpace(r.PostFormValue("email")),
		Name:    strings.TrimSpace(r.PostFormValue("name")),
	}
	if p.Subject == "" { // an e-mail alone is enough to try a new sign-in
		p.Subject = p.Email
	}
	return p
}

func (i *Issuer) expired(w http.ResponseWriter) {
	i.render(w, http.StatusNotFound, pageData{Title: "Sign-in expired", Message: "This sign-in is unknown or has expired. Go back to the console and start again."}, "")
}

func (i *Issuer) render(w http.ResponseWriter, status int, data pageData, redirect string) {
	var b bytes.Buffer
	if err := loginPage.Execute(&b, data); err != nil {
		http.Error(w, "page", http.StatusInternalServerError)
		return
	}
	// Browsers hold form-action against the redirects that follow, so it must name where the code goes.
	policy := "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
	if u, err := url.Parse(redirect); err == nil && u.Host != "" && !strings.HasPrefix(u.Host, "[") {
		policy += "; form-action 'self' " + u.Scheme + "://" + u.Host
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin") // the form's Origin must survive
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
