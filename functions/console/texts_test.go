package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// sources are the console's templates and Go files, tests left out.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, pattern := range []string{"*.go", "templates/*.html", "internal/locale/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(raw)
		}
	}
	return all.String()
}

// begins finds keys that are put together: t (print "role." .Role), v.t("failure."+kind+".title").
var (
	begins  = regexp.MustCompile(`(?:print |code |t\(|Text\(|Has\(|prefix \+ |:= |return )"([a-z_]+\.(?:[a-z_]+\.)*)"`)
	endings = regexp.MustCompile(`"([a-z_]+\.(?:[a-z_.]+\.)?)"(?: ?\+|,|;| \.| \(| \$|\})`)
)

// TestEveryMessageIsUsed: a message that no page shows is a text that nobody looks after.
func TestEveryMessageIsUsed(t *testing.T) {
	code := sources(t)
	var starts []string
	for _, found := range [][][]string{begins.FindAllStringSubmatch(code, -1), endings.FindAllStringSubmatch(code, -1)} {
		for _, m := range found {
			starts = append(starts, m[1])
		}
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	keys := map[string]any{}
	files, err := fs.Glob(messageFiles(), "en/*.json")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		raw, err := fs.ReadFile(messageFiles(), name)
		if err == nil {
			err = json.Unmarshal(raw, &keys)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if strings.Contains(code, `"`+key+`"`) || slices.ContainsFunc(starts, func(s string) bool { return strings.HasPrefix(key, s) }) {
			continue
		}
		if name, _, _ := strings.Cut(key, "."); strings.Contains(code, `Name: "`+name+`", Values:`) {
			continue // a field with a text for each of its values
		}
		if other, ok := strings.CutSuffix(key, ".suspended"); ok && keys[other] != nil {
			continue // inForce makes it
		}
		if other, ok := strings.CutSuffix(key, ".held"); ok && keys[other] != nil {
			continue // whileHeld makes it
		}
		if name, ok := strings.CutSuffix(key, ".title"); ok && (strings.Contains(code, `"`+name+`", f, graces`) || strings.Contains(code, `"`+name+`", f, longer`)) {
			continue // showRotation makes it of the form's name
		}
		t.Errorf("no page shows %s", key)
	}
}

// TestEveryCodeHasItsText walks the codes that the API has for what the console names.
func TestEveryCodeHasItsText(t *testing.T) {
	w := newWalker(t, "")
	need := map[string]bool{}
	for _, s := range statuses {
		need["status."+string(s)] = true
	}
	for _, s := range requestStatuses {
		need["qps.status."+string(s)] = true
	}
	for _, r := range roles {
		need["role."+string(r)], need["member."+string(r)] = true, true
	}
	for _, s := range spans {
		need["usage.range."+s.Name] = true
	}
	for _, s := range append(slices.Clone(steps), reveal) {
		for _, part := range []string{"title", "text", "button"} {
			need["confirm."+s.name+"."+part] = true
		}
		if s.name != "reveal" {
			need["notice."+s.name] = true
		}
	}
	for _, seconds := range graces {
		need["grace."+cmp.Or(seconds, "usual")] = true
	}
	for _, kind := range []string{"created", "rotated", "revealed"} {
		need["secret."+kind+".title"], need["secret."+kind+".once"] = true, true
	}
	for _, hint := range []string{"unrestricted", "unused", "rotation_due"} {
		need["hint."+hint], need["hint."+hint+".help"] = true, true
	}
	for _, one := range []api.AccountType{api.SelfServe, api.Enterprise} {
		need["account.type."+string(one)] = true
	}
	for _, m := range regexp.MustCompile(`v\.done\([^\n]*, "([a-z_-]+)"\)`).FindAllStringSubmatch(sources(t), -1) {
		need["notice."+m[1]] = true
	}
	for _, one := range w.app.langs.Offered() {
		for key := range need {
			if !one.Has(key) {
				t.Errorf("%s lacks %s", one.Tag, key)
			}
		}
	}
}

// TestFreshnessIsToldToTheSecondForAMinute, and never as no time at all.
func TestFreshnessIsToldToTheSecondForAMinute(t *testing.T) {
	w := newWalker(t, "")
	now := time.Date(2026, 8, 3, 14, 0, 0, 0, time.UTC)
	w.app.now = func() time.Time { return now }
	for _, one := range w.app.langs.Offered() {
		v := &visit{app: w.app, lang: one}
		for age, want := range map[time.Duration][3]string{
			-time.Second:                          {"Updated 1 second ago", "Actualisé il y a 1 seconde", "حُدّث قبل ثانية واحدة"},
			0:                                     {"Updated 1 second ago", "Actualisé il y a 1 seconde", "حُدّث قبل ثانية واحدة"},
			time.Second:                           {"Updated 1 second ago", "Actualisé il y a 1 seconde", "حُدّث قبل ثانية واحدة"},
			2 * time.Second:                       {"Updated 2 seconds ago", "Actualisé il y a 2 secondes", "حُدّث قبل ثانيتين"},
			59*time.Second + 999*time.Millisecond: {"Updated 59 seconds ago", "Actualisé il y a 59 secondes", "حُدّث قبل 59 ثانية"},
			59 * time.Second:                      {"Updated 59 seconds ago", "Actualisé il y a 59 secondes", "حُدّث قبل 59 ثانية"},
			60 * time.Second:                      {"Updated 1 minute ago", "Actualisé il y a 1 minute", "حُدّث قبل دقيقة واحدة"},
			61 * time.Second:                      {"Updated 1 minute ago", "Actualisé il y a 1 minute", "حُدّث قبل دقيقة واحدة"},
			3 * time.Hour:                         {"Updated 3 hours ago", "Actualisé il y a 3 heures", "حُدّث قبل 3 ساعات"},
		} {
			at := now.Add(-age)
			got := v.freshness(ptr(moment.Of(at)))
			if i := slices.Index([]string{"en", "fr", "ar"}, one.Tag); got != want[i] {
				t.Errorf("%s, %s: %q, want %q", one.Tag, age, got, want[i])
			}
		}
		if got := v.freshness(nil); got != "" {
			t.Errorf("nothing was counted: %q", got)
		}
	}
}

// TestEveryTemplateIsThere that handlers name, and none is left over.
func TestEveryTemplateIsThere(t *testing.T) {
	code := sources(t)
	err := fs.WalkDir(templateFiles, "templates", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(templateFiles, path)
		for _, m := range regexp.MustCompile(`\{\{define "([^"]+)"`).FindAllStringSubmatch(string(raw), -1) {
			if strings.Count(code, `"`+m[1]+`"`) < 2 {
				t.Errorf("%s: nothing shows the template %s", path, m[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// factsOfRows are the names that the code writes into audit rows and into their objects.
func factsOfRows(t *testing.T) map[string]bool {
	written := regexp.MustCompile(`audit\.Set\("([a-z_]+)"`)
	facts := map[string]bool{}
	diff, err := os.ReadFile("../../shared/audit/diff.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?:\t\t\{|[{ ])"([a-z_]+)"(?:: |, )`).FindAllSubmatch(diff, -1) {
		facts[string(m[1])] = true
	}
	for _, root := range []string{"../../functions", "../../shared"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, m := range written.FindAllSubmatch(source, -1) {
				facts[string(m[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	delete(facts, "null") // which are values
	delete(facts, "false")
	if len(facts) < 50 {
		t.Errorf("only %d facts were found", len(facts))
	}
	return facts
}

// TestEveryFactOfAnAuditRowHasItsName in each language.
func TestEveryFactOfAnAuditRowHasItsName(t *testing.T) {
	english, err := catalogueOf("en") // the others have the same messages
	if err != nil {
		t.Fatal(err)
	}
	for fact := range factsOfRows(t) {
		if _, ok := english["fact."+fact]; !ok {
			t.Errorf("rows show %q, which has no name", fact)
		}
	}
}

// codesOfFacts are the values of those facts that have codes.
var codesOfFacts = map[string]string{
	"account_type": "enterprise self_serve", "type": "enterprise self_serve", "pending_type": "enterprise self_serve",
	"role": "viewer developer owner", "rank": "support admin", "request_status": "pending approved rejected withdrawn", "rotation_reason": "scheduled leaked other",
	"usage": "frontend backend mobile", "missing_origin": "deny allow", "billing_type": "paying evaluation free freemium pay_as_you_grow",
	"list":     "accounts accounts_by_email", // and those that the functions write
	"frontend": "notify refuse rotate", "backend": "notify refuse rotate", "mobile": "notify refuse rotate",
	"source": "anybody github operator", "period": "day month", "delivery_error": "principal_refused",
	"class": "map-display", "limit_class": "map-display", "product": "map-display", "products": "map-display", "group": "other",
}

// plainFacts are the others: what people typed, numbers, times, yes or no, IDs, and facts that have facts.
var plainFacts = strings.Fields(`
	name labels domains networks apps header_only recoverable preview exposed previous_preview previous_exposed rotated_at rotation_cancelled
	expires_at disabled blocked revoked_at deleted_at limits quotas rotation_policy proposed reason at until place refused_at replace lifted_at lift_reason
	qps ends_at then_qps granted_qps lent_qps day month every_days notify_days_before principal platform package sha1 bundle_id path since paths product_paths
	key_limit suspended accepted_paths leaks frontend_restricted max_lifetime_days closing closed_at unreadable_keys prefixes
	qps_request comment requested_qps sealed_by rotation_due revealed subject invitation email threshold used quota member previous_secret_expires_at`)

// TestEveryCodeInAFactOfAnAuditRowIsSaidInWords: a new fact belongs to codesOfFacts or to plainFacts.
func TestEveryCodeInAFactOfAnAuditRowIsSaidInWords(t *testing.T) {
	w := newWalker(t, "")
	for fact := range factsOfRows(t) {
		if _, coded := codesOfFacts[fact]; coded == slices.Contains(plainFacts, fact) {
			t.Errorf("the fact %q has codes: %t, and is listed as plain: %t", fact, coded, !coded)
		}
	}
	products := []api.Product{{Id: "map-display", Name: "Map Display", Classes: []api.ProductClass{{Id: "map-display"}}}}
	lists := codesOf(t, `OperatorList\("[^"]+", [^,"]*"(\w+)"`)
	if all := codesOf(t, `OperatorList\("([^"]+)"`); len(lists) != len(all)-1 { // one chooses between those of codesOfFacts
		t.Errorf("the lists %v, of %v", lists, all)
	}
	for _, lang := range w.app.langs.Offered() {
		said := facts{v: &visit{app: w.app, lang: lang}, products: products}
		for fact, known := range codesOfFacts {
			codes := strings.Fields(known)
			if fact == "list" {
				codes = append(codes, lists...)
			}
			prefix, named := coded[fact]
			if slices.ContainsFunc(choices, func(c choice) bool { return c.Name == fact }) {
				prefix, named = fact+".", true
			}
			for _, code := range codes {
				if named && !lang.Has(prefix+code) || !named && said.text(fact, code) == code || said.text(fact, code) == "" {
					t.Errorf("%s: the code %s of %s is shown as it is", lang.Tag, code, fact)
				}
			}
		}
	}
}

// TestNoMessageStandsTwice in a language: of two the last one would win, whatever the other says.
func TestNoMessageStandsTwice(t *testing.T) {
	files, err := fs.Glob(messageFiles(), "*/*.json")
	if err != nil || len(files) < 30 {
		t.Fatal(files, err)
	}
	seen := map[string]string{}
	for _, name := range files {
		raw, err := fs.ReadFile(messageFiles(), name)
		if err != nil {
			t.Fatal(err)
		}
		words, depth := json.NewDecoder(bytes.NewReader(raw)), 0
		for key := true; ; {
			token, err := words.Token()
			if err != nil {
				break
			}
			switch one := token.(type) {
			case json.Delim:
				if depth++; one == '}' {
					depth -= 2
				}
				key = true // what follows a bracket is a name, or the end
			case string:
				if id := path.Dir(name) + " " + one; depth == 1 && key {
					if before, ok := seen[id]; ok {
						t.Errorf("%s stands in %s and in %s", id, before, name)
					}
					seen[id] = name
				}
				key = !key
			}
		}
	}
	if len(seen) < 3000 {
		t.Errorf("only %d messages", len(seen))
	}
}

// TestThePagesOwnPunctuationIsTheLanguages: what stands between two texts comes from the catalogue, where each language has its own signs and
// blanks.
func TestThePagesOwnPunctuationIsTheLanguages(t *testing.T) {
	templates, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	between := regexp.MustCompile(`(\}\}|</(?:bdi|strong|code|a)>)[,:;?!] (\{\{|<)`)
	for _, name := range templates {
		raw, err := fs.ReadFile(templateFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(raw), "\n") {
			if found := between.FindString(line); found != "" {
				t.Errorf("%s, line %d: %q", name, i+1, found)
			}
		}
	}
}
