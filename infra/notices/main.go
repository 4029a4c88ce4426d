// Command notices writes the licences and notices of everything that is linked into the deployed functions, to .build/notices.txt:
// what their licences ask for where binaries are passed on.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"latchkey/infra/local/build"
)

func main() {
	if err := write(".", filepath.Join(".build", "notices.txt")); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func write(root, file string) error {
	list, err := linked(root)
	if err != nil {
		return err
	}
	text, err := render(list)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	fmt.Printf("%d modules, %d bytes: %s\n", len(list), len(text), file)
	return os.WriteFile(file, text, 0o600)
}

// module is a module that at least one function links, or the Go standard library.
type module struct {
	path, version string
	texts         []string // files of licences, then of notices
}

// functions are the folders of the deployed binaries.
func functions(root string) ([]string, error) {
	mains, err := filepath.Glob(filepath.Join(root, "functions", "*", "main.go"))
	if err != nil || len(mains) == 0 {
		return nil, errors.Join(err, errors.New("no functions"))
	}
	list := []string{"./authorizer"}
	for _, m := range mains {
		list = append(list, "./functions/"+filepath.Base(filepath.Dir(m)))
	}
	return list, nil
}

// linked asks Go what it would link, for the platform and with the tags that are deployed.
func linked(root string) ([]module, error) {
	dirs, err := functions(root)
	if err != nil {
		return nil, err
	}
	const format = `{{if .Standard}}std{{else if .Module}}{{if not .Module.Main}}{{.Module.Path}}	{{.Module.Version}}	{{.Module.Dir}}{{end}}{{end}}`
	cmd := exec.Command("go", append([]string{"list", "-deps", "-tags=" + build.Tags, "-f", format}, dirs...)...) //nolint:gosec // our own folders
	cmd.Dir = root
	cmd.Env = build.Environ("linux", "arm64")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, problems.String())
	}
	lines := strings.Fields(strings.ReplaceAll(string(out), "\t", "\x00"))
	slices.Sort(lines)
	var list []module
	for _, line := range slices.Compact(lines) {
		parts := strings.Split(line, "\x00")
		if line == "std" {
			dir, err := goroot(root)
			if err != nil {
				return nil, err
			}
			parts = []string{"Go standard library", "", dir}
		}
		m := module{path: parts[0], version: parts[1]}
		if m.texts, err = texts(parts[2]); err != nil {
			return nil, fmt.Errorf("%s %s: %w", m.path, m.version, err)
		}
		list = append(list, m)
	}
	return list, nil
}

func goroot(root string) (string, error) {
	cmd := exec.Command("go", "env", "GOROOT")
	cmd.Dir = root
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// texts finds the files of a module's licences and notices. A module without a licence can't be passed on.
func texts(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var licences, notices []string
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		switch {
		case e.IsDir():
		case strings.HasPrefix(name, "LICENSE"), strings.HasPrefix(name, "LICENCE"), strings.HasPrefix(name, "UNLICENSE"), strings.HasPrefix(name, "COPYING"):
			licences = append(licences, filepath.Join(dir, e.Name()))
		case strings.HasPrefix(name, "NOTICE"), strings.HasPrefix(name, "PATENTS"):
			notices = append(notices, filepath.Join(dir, e.Name()))
		}
	}
	if len(licences) == 0 {
		return nil, errors.New("has no licence")
	}
	return append(licences, notices...), nil
}

func render(list []module) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("Latchkey's functions hold the following software of others, each under its own licence.\n")
	for _, m := range list {
		fmt.Fprintf(&b, "\n%s\n%s\n", strings.Repeat("=", 80), strings.TrimSpace(m.path+" "+m.version))
		for _, file := range m.texts {
			raw, err := os.ReadFile(file) //nolint:gosec // of the module cache
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, "\n-- %s\n\n%s\n", filepath.Base(file), bytes.TrimSpace(raw))
		}
	}
	return b.Bytes(), nil
}
