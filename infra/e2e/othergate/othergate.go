// Package othergate builds the authorizer with quotas in its catalogue, with a clock that a test can put forward, and with more
// time for a write: the catalogue that is shipped sets no quota, days are long, and a busy machine is no outage.
package othergate

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"latchkey/infra/local/build"
)

const (
	code      = "shared/product/catalogue.gen.go"
	catalogue = "shared/product/catalogue.json"
	clock     = "authorizer/clock.go"
	writes    = "authorizer/limit.go"
)

// Build makes the gate of the repository at root in a folder, and returns the path of its binary. quotas is the value of
// the catalogue's member of that name. The gate's clock is ahead by the duration in the file named ahead, if it is there.
func Build(root, dir, quotas, ahead string) (bootstrap string, err error) {
	if root, err = filepath.Abs(root); err != nil {
		return "", err
	}
	for _, name := range []string{code, catalogue, "shared/product/catalogue.lock", "template.yaml", clock, writes} {
		raw, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return "", err
		}
		text := string(raw)
		switch name {
		case catalogue:
			text, err = changed(text, `"quotas": {}`, `"quotas": `+quotas)
		case writes:
			text, err = changed(text, "leaseCall = 300 * time.Millisecond", "leaseCall = 2500 * time.Millisecond")
		case clock:
			text, err = changed(text, "	t := time.Now()\n", "	t := ahead(time.Now())\n",
				"import (\n", "import (\n\t\"os\"\n",
				"deadline.Sub(m.wall)", "deadline.Sub(m.wall.Add(-shift))", // Lambda's clock goes on as it is
				"type systemClock", "var shift time.Duration\n\nfunc ahead(t time.Time) time.Time {\n	text, _ := os.ReadFile("+
					strconv.Quote(ahead)+")\n	shift, _ = time.ParseDuration(string(text))\n	return t.Add(shift)\n}\n\ntype systemClock")
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	generate := exec.Command("go", "run", "./shared/product/gen", "-root", dir)
	generate.Dir = root
	if out, err := generate.CombinedOutput(); err != nil {
		return "", fmt.Errorf("making the catalogue: %w\n%s", err, out)
	}
	return overlaid(root, dir, "authorizer", code, clock, writes)
}

// sources names the file in which functions read the time.
const sources = "functions/internal/env/source.go"

// BuildJobs makes the function of the jobs in a folder, and returns the path of its binary. Its clock is ahead by the duration in the file named
// ahead, if it is there: a month ends when it is written.
func BuildJobs(root, dir, ahead string) (bootstrap string, err error) {
	if root, err = filepath.Abs(root); err != nil {
		return "", err
	}
	raw, err := os.ReadFile(filepath.Join(root, sources))
	if err != nil {
		return "", err
	}
	text, err := changed(string(raw), "Source{Now: time.Now,", "Source{Now: ahead,", "import (\n", "import (\n\t\"os\"\n",
		"// NewSource reads", "func ahead() time.Time {\n	text, _ := os.ReadFile("+strconv.Quote(ahead)+
			")\n	shift, _ := time.ParseDuration(string(text))\n	return time.Now().Add(shift)\n}\n\n// NewSource reads")
	if err != nil {
		return "", fmt.Errorf("%s: %w", sources, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(sources)), 0o750); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, sources), []byte(text), 0o600); err != nil {
		return "", err
	}
	return overlaid(root, dir, "functions/jobs", sources)
}

// overlaid builds a function with files of a folder in the place of the repository's.
func overlaid(root, dir, function string, names ...string) (bootstrap string, err error) {
	instead := map[string]string{}
	for _, name := range names {
		instead[filepath.Join(root, name)] = filepath.Join(dir, name)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": instead})
	if err != nil {
		return "", err
	}
	list, bootstrap := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "bootstrap")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return "", err
	}
	cmd := build.Command(filepath.Join(root, function), bootstrap, runtime.GOOS, runtime.GOARCH, "-overlay="+list)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", function, err, out)
	}
	return bootstrap, nil
}

// changed replaces texts that are there once, each by the one behind it.
func changed(text string, pairs ...string) (string, error) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if strings.Count(text, pairs[i]) != 1 {
			return "", fmt.Errorf("%q isn't there once", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text, nil
}
