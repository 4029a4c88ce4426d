package main

import (
	"encoding/base64"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/functions/console/internal/brand"
	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// otherBrand is a company's own, in all that can be set.
var otherBrand = map[string]string{
	"BRAND_NAME": "TMaps & Co", "BRAND_COLOR": "#8a1c4a", "BRAND_COLOR_DARK": "#f0a0c0", "BRAND_LANGUAGE": "fr",
	"BRAND_LOGO": base64.StdEncoding.EncodeToString([]byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"><path fill="#8a1c4a" d="M0 0h2v1H0z"/></svg>`)),
	"BRAND_DOCS": "https://tmaps.example/docs", "BRAND_SUPPORT": "https://tmaps.example/help?form=keys", "BRAND_STATUS": "https://status.tmaps.example",
	"BRAND_TERMS": "https://tmaps.example/terms", "BRAND_PRIVACY": "https://tmaps.example/privacy",
}

// rebrand makes the console another company's.
func (w *walker) rebrand(variables map[string]string) {
	w.t.Helper()
	b, wrong := brand.Read(func(name string) string { return variables[name] })
	if len(wrong) > 0 {
		w.t.Fatal(wrong)
	}
	was := w.app
	made, err := newApp(&app{
		keeper: was.keeper, issuer: was.issuer, api: was.api, products: was.products, log: was.log, now: was.now, brand: b,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	watch(made)
	w.app = made
}

// ours finds the product's own name in what people read. Names of headers, cookies, metrics and programs are technical and stay.
var (
	ours      = regexp.MustCompile(`(?i)latch\s?key`)
	technical = regexp.MustCompile(`(?i)x-latchkey-[a-z-]+|xlatchkey|latchkey-form|(__host-)?latchkey-(session|signin|note|invitation|zone|account|language|theme|shortcut)|latchkey console (note|person|session|tokens)|(:secret:)?latchkey/`)
)

func namesUs(text string) bool { return ours.MatchString(technical.ReplaceAllString(text, "")) }

// TestNoTextHasTheProductsNameInIt: the name is a value of the template's parameter, its default included. Walks the console's messages,
// templates and assets, the contract of the API, and every text in the code of the functions, which is where problems and file names are from.
func TestNoTextHasTheProductsNameInIt(t *testing.T) {
	files := 0
	look := func(name, text string) {
		files++
		if namesUs(text) {
			t.Errorf("%s names us: %s", name, ours.FindString(technical.ReplaceAllString(text, "")))
		}
	}
	for _, pattern := range []string{"messages/*/*.json", "templates/*.html", "assets/*", "../../shared/api/openapi.yaml", "../../shared/product/catalogue.json"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range names {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			look(name, string(raw))
		}
	}
	walk := func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "apitest") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if _, imports := n.(*ast.ImportSpec); imports {
				return false
			}
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil && !slices.Contains([]string{"latchkey", "latchkey:key", "latchkey:account"}, text) { // an event's source, tags
					look(name, text)
				}
			}
			return true
		})
		return nil
	}
	for _, folder := range []string{"..", "../../authorizer/internal/apigw"} {
		if err := filepath.WalkDir(folder, walk); err != nil {
			t.Fatal(err)
		}
	}
	if files < 1000 {
		t.Fatal(files)
	}
	for _, bad := range []string{"Sign in to Latchkey", "latchkey console", "Latch key"} {
		if !namesUs(bad) {
			t.Errorf("%q isn't found", bad)
		}
	}
}

// footerOf lists the links of a page's footer.
func footerOf(page answered) (links []string) {
	elements(page.doc, func(n *html.Node) {
		if n.Data == "footer" {
			elements(n, func(a *html.Node) {
				if a.Data == "a" {
					links = append(links, attr(a, "href"))
				}
			})
		}
	})
	return links
}

// TestEveryPageBearsTheBrand, in all languages, signed in and out, pages of refusals and of errors too, and nothing else names us.
func TestEveryPageBearsTheBrand(t *testing.T) {
	w := newWalker(t, "owner")
	w.rebrand(otherBrand)
	want := []string{"https://tmaps.example/docs", "https://tmaps.example/help?form=keys", "https://status.tmaps.example", "https://tmaps.example/terms", "https://tmaps.example/privacy"}
	looked := 0
	check := func(target string, page answered) {
		whole := page.text
		if namesUs(whole) {
			t.Errorf("%s names us: %s", target, ours.FindString(technical.ReplaceAllString(whole, "")))
		}
		if !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") || page.StatusCode == http.StatusSeeOther {
			return
		}
		looked++
		if got := footerOf(page); !slices.Equal(got, want) {
			t.Errorf("%s has the links %v", target, got)
		}
		if !strings.Contains(whole, "TMaps &amp; Co</title>") || !strings.Contains(whole, `src="/assets/mark.`) || strings.Contains(whole, `<rect width="24"`) {
			t.Errorf("%s lacks the name or the logo", target)
		}
	}
	for _, language := range []string{"en", "fr", "ar"} {
		for _, who := range []*walker{w, w.without()} {
			for _, pattern := range append(w.routes(http.MethodGet), "/nothing") {
				if !strings.Contains(pattern, "{file}") {
					check(pattern, who.ask(http.MethodGet, w.page(pattern), nil, "Cookie", "latchkey-language="+language))
				}
			}
		}
	}
	for _, status := range []int{403, 422, 500, 503} {
		w.refuse(status, "internal")
		check("a refusal", w.ask(http.MethodPost, "/accounts/"+account+"/keys/new", url.Values{"name": {"x"}}))
	}
	if looked < 60 {
		t.Fatalf("looked at %d pages", looked)
	}
}

// TestTheAssetsHaveTheBrandsColorsAndLogo, under addresses of their own.
func TestTheAssetsHaveTheBrandsColorsAndLogo(t *testing.T) {
	w := newWalker(t, "")
	before := w.app.assets.hashed
	w.rebrand(otherBrand)
	file := func(name string) string {
		return w.ask(http.MethodGet, "/assets/"+w.app.assets.hashed[name], nil).text
	}
	for name, part := range map[string]string{"app.css": "--accent: light-dark(#8a1c4a, #f0a0c0)", "mark.svg": `viewBox="0 0 2 1"`} {
		if text := file(name); !strings.Contains(text, part) || before[name] == w.app.assets.hashed[name] {
			t.Errorf("%s: %s", w.app.assets.hashed[name], text)
		}
	}
	w.rebrand(map[string]string{"BRAND_NAME": "TMaps", "BRAND_COLOR": "#8a1c4a"})
	if mark := file("mark.svg"); strings.Contains(mark, ourAccent) || !strings.Contains(mark, "#8a1c4a") {
		t.Errorf("the mark of a brand without a logo: %s", mark)
	}
}

// contacts lists the links of a page, but for its footer's, that lead to support.
func contacts(page answered) (links []string) {
	elements(page.doc, func(n *html.Node) {
		if n.Data == "a" && strings.HasPrefix(attr(n, "href"), "https://tmaps.example/help") && !slices.Contains(footerOf(page), attr(n, "href")) {
			links = append(links, attr(n, "href"))
		}
	})
	return links
}

// TestContactSupportLeadsThereWithWhatItIsAbout: a key that is blocked, an account that needs more, a request that broke down.
func TestContactSupportLeadsThereWithWhatItIsAbout(t *testing.T) {
	w := newWalker(t, "owner")
	keys := "/accounts/" + account + "/keys"
	w.state(func(_ *api.Me, k *api.KeyWithSecret) {
		k.Status, k.Blocked = api.Blocked, &api.Block{Reason: "Leaked", At: moment.Of(then)}
	})
	if links := contacts(w.ask(http.MethodGet, keys+"/"+keyID, nil)); links != nil {
		t.Errorf("without an address: %v", links)
	}
	w.rebrand(otherBrand)
	if links := contacts(w.ask(http.MethodGet, keys+"/"+keyID, nil)); !slices.Equal(links, []string{"https://tmaps.example/help?form=keys&ref=" + keyID}) {
		t.Errorf("a blocked key: %v", links)
	}
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Accounts[0].Type = api.SelfServe })
	if links := contacts(w.ask(http.MethodGet, "/accounts/"+account+"/qps-requests", nil)); !slices.Contains(links, "https://tmaps.example/help?form=keys&ref="+account) {
		t.Errorf("an account: %v", links)
	}
	w.api.on("GET /v1/accounts/"+account+"/members", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		problem(out, 500, "internal")
		return true
	})
	broken := w.ask(http.MethodGet, "/accounts/"+account+"/account", nil)
	if links := contacts(broken); len(links) != 1 || !strings.Contains(links[0], "&ref=api-request-1") {
		t.Errorf("a breakdown: %v", links)
	}
}

// TestABrandsLanguageIsForThoseWhoseBrowsersAskForNone that there is.
func TestABrandsLanguageIsForThoseWhoseBrowsersAskForNone(t *testing.T) {
	w := newWalker(t, "")
	w.rebrand(otherBrand)
	for accept, want := range map[string]string{"": "fr", "de, zh;q=0.5": "fr", "en-GB": "en", "fr-CA": "fr", "de, en;q=0.1": "en"} {
		page := w.ask(http.MethodGet, "/invitations", nil, "Accept-Language", accept)
		if got := page.Header.Get("Content-Language"); got != want {
			t.Errorf("%q is answered in %s, want %s", accept, got, want)
		}
	}
}

// TestAMistakeInTheBrandDoesNotCloseTheConsole: it starts without what is wrong, with a neutral name for one that can't be read, and
// says so. A console that is given no name at all isn't deployed by the template.
func TestAMistakeInTheBrandDoesNotCloseTheConsole(t *testing.T) {
	variables := map[string]string{
		"OIDC_ISSUER": "https://issuer.example", "OIDC_CLIENT_ID": "c", "SESSIONS_TABLE": "s", "MANAGEMENT_URL": "https://m.example", "PRODUCTS_URL": "https://p.example",
		"BRAND_NAME": "TMaps", "BRAND_LOGO": "%", "BRAND_COLOR": "red", "BRAND_DOCS": "http://tmaps.example", "BRAND_SUPPORT": "mailto:help@tmaps.example",
		"AWS_REGION": "us-east-1", "DYNAMODB_ENDPOINT": "http://127.0.0.1:1",
	}
	var logs strings.Builder
	get := func(name string) string { return variables[name] }
	a, err := start(get, &logs)
	if err != nil || len(a.brand.Links) != 1 || a.brand.Logo != nil || strings.Count(logs.String(), "brand_setting_left_out") != 3 {
		t.Fatalf("%v %+v %s", err, a, &logs)
	}
	for _, bad := range []string{"{n}", "a\u202eb", "\u00a0", "\u2800"} {
		logs.Reset()
		variables["BRAND_NAME"] = bad
		if a, err := start(get, &logs); err != nil || a.brand.Name != "API" || strings.Count(logs.String(), "brand_setting_left_out") != 4 {
			t.Errorf("the name %q: %v %s", bad, err, &logs)
		}
	}
	variables["BRAND_NAME"] = ""
	if _, err := start(get, io.Discard); err == nil {
		t.Error("a console without a name")
	}
}
