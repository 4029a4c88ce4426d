package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"latchkey/infra/local/build"
)

// variant is a main of infra/bench/variants that is built inside the authorizer, whose parts nobody else may import.
type variant struct {
	name, file string
	pkg        string // where it is built
	inPlaceOf  string // the file that it replaces or adds, in the folder of the authorizer
	decides    bool
	reads      bool
}

func variants(o options) []variant {
	return []variant{
		{nameFloor, "floor.go", "latchkey/authorizer/internal/floor", "internal/floor/main.go", false, false},
		{nameFloorRead, "floorread.go", "latchkey/authorizer/internal/floorread", "internal/floorread/main.go", false, true},
		{nameOnAWSs, "awsclient.go", o.authorizer, "main.go", true, true},
	}
}

// tags are the build tags of a contestant: the template's, and the one that the variants stand behind.
func tags(overlay string) string {
	if overlay == "" {
		return build.Tags
	}
	return build.Tags + ",bench"
}

func buildVariants(o options, into string) ([]contestant, error) {
	var all []contestant
	for _, v := range variants(o) {
		dir := filepath.Join(into, strings.TrimSuffix(v.file, ".go"))
		overlay, err := v.overlay(o, dir)
		if err != nil {
			return nil, err
		}
		built, err := buildGo(v.pkg, dir, overlay)
		if err != nil {
			return nil, err
		}
		built.name, built.decides, built.reads = v.name, v.decides, v.reads
		all = append(all, built)
	}
	return all, nil
}

// overlay writes which file stands for which, as go build takes it.
func (v variant) overlay(o options, dir string) (file string, err error) {
	home := "latchkey/authorizer"
	if v.pkg == o.authorizer {
		home = o.authorizer
	}
	authorizer, err := folder(home)
	if err != nil {
		return "", err
	}
	bench, err := folder("latchkey/infra/bench")
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(authorizer, filepath.FromSlash(v.inPlaceOf)): filepath.Join(bench, "variants", v.file),
	}})
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	file = filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, text, 0o600)
}

// folder finds the files of a package.
func folder(pkg string) (string, error) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", pkg).Output()
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", pkg, err)
	}
	return strings.TrimSpace(string(out)), nil
}
