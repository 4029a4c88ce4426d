package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

// scannerRules reads the patterns of docs/scanners, by file.
func scannerRules(t *testing.T) map[string]*regexp.Regexp {
	t.Helper()
	rules := map[string]*regexp.Regexp{}
	for file, form := range map[string]string{"gitleaks.toml": `(?m)^regex = '''(.*)'''$`, "trufflehog.yaml": `(?m)^ +secret: '(.*)'$`} {
		raw, err := os.ReadFile(root + "docs/scanners/" + file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(form).FindSubmatch(raw)
		if found == nil {
			t.Fatalf("%s has no pattern", file)
		}
		rules[file] = regexp.MustCompile(string(found[1]))
		for other, rule := range rules { // so that what gitleaks finds, and doesn't, says something of both
			if rule.String() != string(found[1]) {
				t.Errorf("%s and %s have different patterns", file, other)
			}
		}
		if !bytes.Contains(raw, []byte(string(apikey.DefaultPrefix)+"_")) {
			t.Errorf("%s has another keyword than the prefix", file)
		}
	}
	return rules
}

// carriers are the texts in which secrets leak.
var carriers = map[string]string{
	"URL": "https://products.example/map/1/tile/0/0/0.png?key=%s&style=dark", "JSON": `{"apiKey":"%s","zoom":3}`, ".env": "MAPS_KEY=%s\n",
	"JavaScript": "const map = new Map({ key: '%s' });", "log": "2026-11-21T09:30:00Z INFO GET /map?key=%s 200 12ms", "HTML": `<div id="map" data-key="%s"></div>`,
	"encoded": "next=https%%3A%%2F%%2Fproducts.example%%2F%%3Fkey%%3D%s%%26x%%3D1",
}

// specimen is a text that a scanner reads, and the secret in it; empty where it only comes near.
type specimen struct{ text, secret string }

// specimens are 200 secrets in each carrier, and 200 texts that come near: no scanner may tell a text near a secret from an encoded one,
// so these aren't encoded.
func specimens(t *testing.T) (list []specimen) {
	t.Helper()
	random := keytest.Random(11)
	for i := range 200 {
		s, err := apikey.DefaultPrefix.Generate(random)
		if err != nil {
			t.Fatal(err)
		}
		secret := s.Reveal()
		near := []string{
			secret[:len(secret)-1], secret + "x", secret[:20] + "-" + secret[21:], "ab" + secret[2:], "k" + secret, "AK" + secret[2:], "ak-" + secret[3:],
			secret[:10] + " " + secret[10:], secret + "_more", "_" + secret,
		}[i%10]
		for name, carrier := range carriers {
			list = append(list, specimen{fmt.Sprintf(carrier, secret), secret})
			if name != "encoded" {
				list = append(list, specimen{fmt.Sprintf(carrier, near), ""})
			}
		}
	}
	return list
}

// TestScannersFindEverySecretAndNothingElse: each of 200 secrets in each carrier, and none of 200 that come near.
func TestScannersFindEverySecretAndNothingElse(t *testing.T) {
	for file, rule := range scannerRules(t) {
		for _, s := range specimens(t) {
			found := ""
			if match := rule.FindStringSubmatch(s.text); match != nil {
				found = match[1]
			}
			if found != s.secret {
				t.Errorf("%s finds %q in %q", file, found, s.text)
			}
		}
	}
}

// gitleaks is the program, at the version of infra/tools/install.sh.
func gitleaks(t *testing.T) func(folder string) (found map[string]string) {
	t.Helper()
	if !keytest.Deep() {
		t.Skip("LATCHKEY_DEEP=1 runs gitleaks")
	}
	program, err := filepath.Abs(root + ".tools/gitleaks/gitleaks")
	if err == nil {
		_, err = os.Stat(program)
	}
	if err != nil {
		t.Fatalf("make tools-gitleaks installs it: %v", err)
	}
	report := filepath.Join(t.TempDir(), "report.json")
	return func(folder string) map[string]string {
		t.Helper()
		// What is encoded is left as it is: to decode whatever looks like it in large tables of sources takes minutes each.
		cmd := exec.CommandContext(t.Context(), program, "dir", "--max-decode-depth", "0", "--config", root+"docs/scanners/gitleaks.toml", "--enable-rule", "stack-api-key",
			"--no-banner", "--exit-code", "0", "--report-format", "json", "--report-path", report, folder)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		raw, err := os.ReadFile(report)
		if err != nil {
			t.Fatal(err)
		}
		var hits []struct{ File, Secret string }
		if err := json.Unmarshal(raw, &hits); err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		for _, h := range hits {
			found[h.File] = h.Secret
		}
		return found
	}
}

// TestGitleaksFindsEverySecretAndNothingElse is the long form, with gitleaks itself: each specimen is a file.
func TestGitleaksFindsEverySecretAndNothingElse(t *testing.T) {
	scan, folder := gitleaks(t), t.TempDir()
	all := specimens(t)
	for i, s := range all {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%d.txt", i)), []byte(s.text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found := scan(folder)
	for i, s := range all {
		if got := found[filepath.Join(folder, fmt.Sprintf("%d.txt", i))]; got != s.secret {
			t.Errorf("gitleaks finds %q in %q", got, s.text)
		}
	}
	t.Logf("%d texts", len(all))
}

// modules are the folders of all modules whose source go.sum has, also of those that only tests and other systems need.
func modules(t *testing.T) (folders map[string]string) {
	t.Helper()
	sums, err := os.ReadFile(root + "go.sum")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"mod", "download", "-json"}
	for line := range strings.Lines(string(sums)) {
		if fields := strings.Fields(line); len(fields) == 3 && !strings.HasSuffix(fields[1], "/go.mod") {
			args = append(args, fields[0]+"@"+fields[1])
		}
	}
	out, err := exec.CommandContext(t.Context(), "go", args...).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	folders = map[string]string{}
	for read := json.NewDecoder(bytes.NewReader(out)); read.More(); {
		var one struct{ Path, Version, Dir string }
		if err := read.Decode(&one); err != nil {
			t.Fatal(err)
		}
		folders[one.Path+"@"+one.Version] = one.Dir
	}
	if len(folders) != len(args)-3 {
		t.Fatalf("%d modules of %d", len(folders), len(args)-3)
	}
	return folders
}

// TestGitleaksFindsNothingInOurModules is the long form: no file of a module in go.sum looks like a secret, to gitleaks itself. A planted
// secret is found first, so that a scan that reads nothing would be seen.
func TestGitleaksFindsNothingInOurModules(t *testing.T) {
	scan, beside := gitleaks(t), t.TempDir()
	s, err := apikey.DefaultPrefix.Generate(keytest.Random(12))
	if err != nil {
		t.Fatal(err)
	}
	planted := filepath.Join(beside, "planted.go")
	if err := os.WriteFile(planted, fmt.Appendf(nil, "package planted\n\nconst key = %q\n", s.Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := scan(beside); len(found) != 1 || found[planted] != s.Reveal() {
		t.Fatalf("of a planted secret: %v", found)
	}
	all := modules(t)
	for name, folder := range all {
		for file, secret := range scan(folder) {
			t.Errorf("%s: gitleaks finds %s in %s", name, secret, file)
		}
	}
	t.Logf("%d modules", len(all))
}
