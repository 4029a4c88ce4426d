package contract

import (
	"bytes"
	"fmt"
	"io/fs"
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

// TestScannersFindEverySecretAndNothingElse: each of 200 secrets in each carrier, and none of 200 that come near.
func TestScannersFindEverySecretAndNothingElse(t *testing.T) {
	random := keytest.Random(11)
	for file, rule := range scannerRules(t) {
		for i := range 200 {
			s, err := apikey.DefaultPrefix.Generate(random)
			if err != nil {
				t.Fatal(err)
			}
			secret := s.Reveal()
			for carrier, text := range carriers {
				found := rule.FindStringSubmatch(fmt.Sprintf(text, secret))
				if found == nil || found[1] != secret {
					t.Errorf("%s: secret %d isn't found in %s", file, i, carrier)
				}
			}
			near := []string{
				secret[:len(secret)-1], secret + "x", secret[:20] + "-" + secret[21:], "ab" + secret[2:], "k" + secret, "AK" + secret[2:], "ak-" + secret[3:],
				secret[:10] + " " + secret[10:], secret + "_more", "_" + secret,
			}[i%10]
			for carrier, text := range carriers {
				if carrier == "encoded" {
					continue
				}
				if rule.MatchString(fmt.Sprintf(text, near)) {
					t.Errorf("%s: %q is found in %s", file, near, carrier)
				}
			}
		}
	}
}

// TestScannersFindNothingInOurModules is the long form: no file of a module in go.sum looks like a secret.
func TestScannersFindNothingInOurModules(t *testing.T) {
	if os.Getenv("LATCHKEY_DEEP") == "" {
		t.Skip("LATCHKEY_DEEP=1 reads all modules")
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "all").Output()
	if err != nil {
		t.Fatal(err)
	}
	rules, files := scannerRules(t), 0
	for dir := range strings.FieldsSeq(string(out)) {
		if abs, _ := filepath.Abs(root); dir == abs {
			continue
		}
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files++
			for file, rule := range rules {
				if found := rule.Find(raw); found != nil {
					t.Errorf("%s finds %s in %s", file, found, path)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 1000 {
		t.Errorf("only %d files", files)
	}
}
