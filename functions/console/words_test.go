package main

import (
	"encoding/json"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/functions/console/internal/locale"
	"latchkey/shared/api"
	"latchkey/shared/origin/entry"
)

// everyText runs f for every text of a language in each of its plural forms.
func everyText(t *testing.T, tag string, f func(key, text string)) {
	t.Helper()
	files, err := fs.Glob(messageFiles(), tag+"/*.json")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	n := 0
	for _, name := range files {
		raw, err := fs.ReadFile(messageFiles(), name)
		if err != nil {
			t.Fatal(err)
		}
		var texts locale.Catalogue
		if err := json.Unmarshal(raw, &texts); err != nil {
			t.Fatal(name, err)
		}
		for key, forms := range texts {
			for _, text := range forms {
				n++
				f(key, text)
			}
		}
	}
	if n < 500 {
		t.Fatalf("only %d texts of %s", n, tag)
	}
}

// TestFrenchBreaksNoLineBeforeItsPunctuation: a narrow no-break space before ; ? and !, a no-break space before : and inside of «
// and », and one inside of numbers and before units.
func TestFrenchBreaksNoLineBeforeItsPunctuation(t *testing.T) {
	link := regexp.MustCompile(`\S+:(//|\d)\S*|\{\w+\}:\d`)
	wrong := regexp.MustCompile(`(^|[^\x{202F}])[;?!]|(^|[^\x{00A0}])[:»]|«([^\x{00A0}]|$)|\d [\d$%€]`)
	everyText(t, "fr", func(key, text string) {
		if found := wrong.FindString(link.ReplaceAllString(text, "")); found != "" {
			t.Errorf("%s: %q in %q", key, found, text)
		}
	})
	for _, bad := range []string{"Quoi ?", "Quoi\u00a0?", "Quoi?", "Ici : rien", "Ici\u202f:", "« a\u00a0»", "«\u00a0a »", "2 000", "30 %"} {
		if !wrong.MatchString(bad) {
			t.Errorf("%q is taken for right", bad)
		}
	}
}

// TestArabicIsWrittenAsArabic: its own punctuation but in numbers and code, digits as in the API, hamzas where they belong, and
// what runs from left to right isolated where its first or last characters would change sides.
func TestArabicIsWrittenAsArabic(t *testing.T) {
	wrong := regexp.MustCompile(`[?;“”"'‘’]|,\D|,$|[٠-٩۰-۹]|ـ[^ ]|[\x{202A}-\x{202E}]|(^|[^\x{2066}])(\*\.\w|[$€]\d)|(^|[^\x{200E}])\+[\d{]|` +
		`(^|[^\p{L}])(ال|بال|لل)?(إسم|إستخدام|إنتهاء|إختبار|إختر|إستخدم|إنتظر|اضافة|ازالة|الغاء|ابطال|انشاء|ادخل|اعادة|اظهار|او|الى|اي)([^\p{L}]|$)`)
	placeholder, latin := regexp.MustCompile(`\{\w+\}|UTC|QPS`), regexp.MustCompile(`\pL`)
	everyText(t, "ar", func(key, text string) {
		if found := wrong.FindString(text); found != "" {
			t.Errorf("%s: %q in %q", key, found, text)
		}
		if opened, closed := strings.Count(text, "\u2066")+strings.Count(text, "\u2068"), strings.Count(text, "\u2069"); opened != closed {
			t.Errorf("%s: %d isolates begin, %d end: %q", key, opened, closed, text)
		}
		if !regexp.MustCompile(`\p{Arabic}`).MatchString(text) && latin.MatchString(placeholder.ReplaceAllString(text, "")) {
			t.Errorf("%s isn't Arabic: %q", key, text)
		}
		if strings.HasPrefix(key, "confirm.") && strings.HasSuffix(key, ".title") && !strings.HasSuffix(text, "؟") {
			t.Errorf("%s asks nothing: %q", key, text)
		}
	})
	for _, bad := range []string{"ماذا?", "أ, ب", "أ; ب", "“أ”", "٣ أيام", "مثل *.example.com", "بتكلفة $0.40", "+3", "الإسم", "الغاء", "او"} {
		if !wrong.MatchString(bad) {
			t.Errorf("%q is taken for right", bad)
		}
	}
	for _, good := range []string{"ماذا؟", "أ، ب", "2,000 محرف", "مثل \u2066*.example.com\u2069.", "أو * لأي منفذ", "\u200e+3", "لـ {name}", "الاسم", "إلغاء"} {
		if found := wrong.FindString(good); found != "" {
			t.Errorf("%q is taken for wrong: %q", good, found)
		}
	}
}

// TestTextsUseOneWordForOneThing, in the words of the glossary, and the apostrophes of print.
func TestTextsUseOneWordForOneThing(t *testing.T) {
	for tag, words := range map[string]string{
		"en": `(?i)\bcalls?\b|\bshall\b|somebody|anybody|e-mail|outgoing|for good|whole (email|key|secret)|longest lifetime|\bcatalogs?\b|\w'|'\w`,
		"fr": `(?i)(dans les|en) 10.secondes|secondes au plus|n’ouvre|s’ouvr|\bremis\b|\bfuit|dernier usage|\bappels?\b|renouvel|sortant|frontale|politique de rotation|emandes? QPS|Changer\b|identité IAM|\w'`,
		"ar": `استدعاء|دومين|المجال|تجديد|تناوب|توكن|رمز سري|مفتاح سري|كلمة (ال)?سر|إيميل|البريد الالكتروني|ايقاف|مشاهد|ناشر|إلغاء تفعيل|المعطلة|سجل المراجعة|الإعدادت|الهاتف|نفّذ تدوير`,
	} {
		wrong := regexp.MustCompile(words)
		everyText(t, tag, func(key, text string) {
			if found := wrong.FindString(text); found != "" {
				t.Errorf("%s, %s: %q in %q", tag, key, found, text)
			}
		})
	}
}

// things lists subjects of texts, by the words for them in each language.
var things = []map[string]*regexp.Regexp{
	{"en": regexp.MustCompile(`(?i)\brevo[kc]`), "fr": regexp.MustCompile(`(?i)révo`), "ar": regexp.MustCompile(`بطل|بطال`)},
	{"en": regexp.MustCompile(`(?i)\bexpir`), "fr": regexp.MustCompile(`(?i)expir`), "ar": regexp.MustCompile(`نتهي|نتهاء|نتهت|صلاحية`)},
	{"en": regexp.MustCompile(`(?i)\bdelet`), "fr": regexp.MustCompile(`(?i)suppr`), "ar": regexp.MustCompile(`حذو?ف`)},
	{"en": regexp.MustCompile(`(?i)\bdisabl`), "fr": regexp.MustCompile(`(?i)désactiv`), "ar": regexp.MustCompile(`عطل|عطيل`)},
	{"en": regexp.MustCompile(`(?i)\bblock`), "fr": regexp.MustCompile(`(?i)bloqu|blocage`), "ar": regexp.MustCompile(`حظر|محظور`)},
	{"en": regexp.MustCompile(`(?i)\bsuspen`), "fr": regexp.MustCompile(`(?i)suspen`), "ar": regexp.MustCompile(`يقاف|موقوف`)},
	{"en": regexp.MustCompile(`(?i)\brestor`), "fr": regexp.MustCompile(`(?i)restaur|rétabli`), "ar": regexp.MustCompile(`ستعاد|ستعد|ستعيد`)},
	{"en": regexp.MustCompile(`(?i)\brotat`), "fr": regexp.MustCompile(`(?i)rotation|rempla`), "ar": regexp.MustCompile(`تدوير|دور|تبديل`)},
	{"en": regexp.MustCompile(`(?i)\bdomain`), "fr": regexp.MustCompile(`(?i)domaine`), "ar": regexp.MustCompile(`نطاق`)},
	{"en": regexp.MustCompile(`(?i)\bsecret`), "fr": regexp.MustCompile(`(?i)secret`), "ar": regexp.MustCompile(`سر|أسرار`)},
	{"en": regexp.MustCompile(`(?i)\blabel`), "fr": regexp.MustCompile(`(?i)étiquette`), "ar": regexp.MustCompile(`وسم|وسوم`)},
	{"en": regexp.MustCompile(`(?i)\blimit`), "fr": regexp.MustCompile(`(?i)limit`), "ar": regexp.MustCompile(`حد`)},
	{"en": regexp.MustCompile(`(?i)\bowner`), "fr": regexp.MustCompile(`(?i)propriétaire`), "ar": regexp.MustCompile(`مالك`)},
	{"en": regexp.MustCompile(`(?i)\boperator`), "fr": regexp.MustCompile(`(?i)opérat`), "ar": regexp.MustCompile(`مشغل`)},
	{"en": regexp.MustCompile(`(?i)\binvit`), "fr": regexp.MustCompile(`(?i)invit`), "ar": regexp.MustCompile(`دعو|دعا`)},
	{"en": regexp.MustCompile(`(?i)\baccount`), "fr": regexp.MustCompile(`(?i)compte`), "ar": regexp.MustCompile(`حساب`)},
	{"en": regexp.MustCompile(`(?i)\bQPS request`), "fr": regexp.MustCompile(`(?i)demande`), "ar": regexp.MustCompile(`طلب`)},
}

// unnamed lists texts that say "it" or "the old one" where the English text has the word.
var unnamed = map[string]bool{
	"fr usage.backend.hint": true, "fr rotate.grace.hint": true, "fr action.account.resume": true, "fr operator.resume": true, "fr hint.rotation_due.help": true,
}

// TestATextNamesInEachLanguageWhatItNamesInEnglish: a text that was put under another message's key says something else, in correct
// words, and nobody on the team may read them.
func TestATextNamesInEachLanguageWhatItNamesInEnglish(t *testing.T) {
	marks := regexp.MustCompile(`[\x{064B}-\x{0652}]`) // of vowels, which are written where a word would be misread
	texts := map[string]map[string]string{}
	for _, tag := range []string{"en", "fr", "ar"} {
		all := map[string]string{}
		everyText(t, tag, func(key, text string) { all[key] += marks.ReplaceAllString(text, "") + "\n" })
		texts[tag] = all
	}
	said, found := 0, map[string]bool{}
	for key, english := range texts["en"] {
		for _, thing := range things {
			if !thing["en"].MatchString(english) {
				continue
			}
			said++
			for _, tag := range []string{"fr", "ar"} {
				if thing[tag].MatchString(texts[tag][key]) {
					continue
				}
				found[tag+" "+key] = true
				if !unnamed[tag+" "+key] {
					t.Errorf("%s, %s: %q for %q", tag, key, texts[tag][key], english)
				}
			}
		}
	}
	if said < 500 || !maps.Equal(found, unnamed) {
		t.Errorf("%d things are named in all texts; unnamed: %v", said, found)
	}
}

// codesOf are the codes in the sources of the API, in the words of Go that make them.
func codesOf(t *testing.T, pattern string) (codes []string) {
	t.Helper()
	found := regexp.MustCompile(pattern)
	for _, dir := range []string{"accounts", "keys", "qps", "rotation", "usage", "internal/gateway", "internal/web", "internal/sealing"} {
		files, err := filepath.Glob("../" + dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, name := range files {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			for _, m := range found.FindAllStringSubmatch(string(raw), -1) {
				codes = append(codes, strings.TrimPrefix(strings.Join(m[1:], "."), "."))
			}
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// What only a mistake in the console's own requests could bring about has no text of its own: these get problem.other or field.other.
var (
	consolesMistakes = regexp.MustCompile(`^(bad_request|body_\w+|content_\w+_unsupported|method_not_allowed|if_match_required|unauthorized|invalid)$`)
	fieldMistakes    = regexp.MustCompile(`\.(read_only|unknown|wrong_type|without_type|not_a_path|one_of|not_a_hash|account_needed|invalid)$`)
)

// TestEveryRefusalOfTheAPIHasItsText in each language: the API's own words are English and for programmers.
func TestEveryRefusalOfTheAPIHasItsText(t *testing.T) {
	w := newWalker(t, "")
	problems := codesOf(t, `(?:NewProblem\([^"]*|conflict\(|Code: )"([a-z_]+)"`)
	fields := codesOf(t, `\bField\((?:"(\w+)"|\w+), "(\w+)"`)
	if len(problems) < 40 || len(fields) < 30 {
		t.Fatalf("only %d and %d codes", len(problems), len(fields))
	}
	for _, code := range entry.Codes() {
		fields = append(fields, "domains."+string(code))
	}
	for _, code := range []string{"bad_length", "bad_character", "invisible", "secret_in_text", "invalid_name"} {
		fields = append(fields, "x."+code)
	}
	for _, one := range w.app.langs.Offered() {
		for _, code := range problems {
			if !consolesMistakes.MatchString(code) && !one.Has("problem."+code) {
				t.Errorf("%s lacks problem.%s", one.Tag, code)
			}
		}
		for _, field := range fields {
			name, code, named := strings.Cut(field, ".")
			has := one.Has("field." + code) // of a member that the code there takes as a parameter: any field's text
			if !named {
				code = name
				has = one.Has("field."+code) || one.Has("field.qps."+code) || one.Has("field.requested_qps."+code) || one.Has("field.products."+code)
			}
			if !fieldMistakes.MatchString("."+field) && !has && !one.Has("field."+field) {
				t.Errorf("%s lacks field.%s", one.Tag, field)
			}
		}
	}
}

// TestNobodySeesTheAPIsOwnWords, not even for a code that the console doesn't know.
func TestNobodySeesTheAPIsOwnWords(t *testing.T) {
	w := newWalker(t, "owner")
	w.eachForm(func(pattern, page string, one formOf) {
		w.refuse(409, "no_such_code")
		if whole := text(w.ask(http.MethodPost, one.action, filled(one, "")).doc); strings.Contains(whole, "API's words") {
			t.Errorf("%s of %s shows what the API said", pattern, page)
		}
		for _, f := range one.fields {
			w.refuse(422, "invalid", api.FieldError{Pointer: "/" + f.name, Code: "no_such_code", Detail: "The API's own words."})
			if whole := text(w.ask(http.MethodPost, one.action, filled(one, "")).doc); strings.Contains(whole, "own words") {
				t.Errorf("%s of %s shows what the API said of %s", pattern, page, f.name)
			}
		}
	})
}

// TestARequestIDIsShownForABreakdownAlone: what a person can put right needs no support.
func TestARequestIDIsShownForABreakdownAlone(t *testing.T) {
	w := newWalker(t, "owner")
	shows := func(page answered) bool {
		whole := text(page.doc)
		return strings.Contains(whole, "api-request-1") || strings.Contains(whole, "Request ID for support")
	}
	w.eachForm(func(pattern, page string, one formOf) {
		for _, status := range []int{400, 403, 404, 409, 412, 422, 429, 500, 503} {
			w.refuse(status, "no_such_code", api.FieldError{Pointer: "/name", Code: "x"})
			if answer := w.ask(http.MethodPost, one.action, filled(one, "")); shows(answer) != (status >= 500) && answer.StatusCode != http.StatusSeeOther {
				t.Errorf("%s of %s: a request ID for %d: %v", pattern, page, status, shows(answer))
			}
		}
	})
	for _, target := range []string{"/no/such/page", "/accounts/..%2f/keys", "/accounts/acc_other/keys"} {
		if shows(w.ask(http.MethodGet, target, nil)) || shows(w.without().ask(http.MethodGet, target, nil)) {
			t.Errorf("%s shows a request ID", target)
		}
	}
}

// TestAnErrorSaysWhatToDo: each first link of a summary, in both languages.
func TestAnErrorSaysWhatToDo(t *testing.T) {
	w := newWalker(t, "owner")
	keys := "/accounts/" + account + "/keys"
	for name, c := range map[string]struct {
		page  string
		form  url.Values
		field api.FieldError
		want  string
	}{
		"no name":         {keys + "/new", url.Values{}, api.FieldError{Pointer: "/name", Code: "invalid_name"}, "Enter a name."},
		"a bad name":      {keys + "/new", url.Values{"name": {"a\u202eb"}}, api.FieldError{Pointer: "/name", Code: "invalid_name"}, "Use 1 to 64 characters."},
		"another name":    {keys + "/" + keyID + "/revoke", url.Values{"confirm_name": {"x"}}, api.FieldError{Pointer: "/confirm_name", Code: "name_mismatch"}, "Type “Demo” to confirm."},
		"another account": {"/accounts/" + account + "/account/close", url.Values{"confirm_name": {"x"}}, api.FieldError{Pointer: "/confirm_name", Code: "name_mismatch"}, "Type “Demo” to confirm."},
	} {
		w.refuse(422, "invalid", c.field)
		answer, got := w.ask(http.MethodPost, c.page, c.form), ""
		elements(answer.doc, func(n *html.Node) {
			if n.Data == "a" && strings.HasPrefix(attr(n, "href"), "#f-") && got == "" {
				got = text(n)
			}
		})
		if !strings.HasPrefix(got, c.want) || !strings.Contains(text(answer.doc), "1 field needs your attention") {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
