package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"latchkey/infra/local/build"
)

// contestant is a built function.
type contestant struct {
	name    string
	command []string
	linked  string // what command[0] is unpacked from; "" where there is nothing to unpack
	dir     string
	decides bool  // its answer must be an Allow; the empty handler's is empty
	reads   bool  // it asks the store before its first answer
	limited bool  // it is called with the key that all kinds of limits hold
	binary  int64 // bytes, of the binary that would be deployed (arm64); 0: none
	zip     int64 // bytes, of the same
}

const (
	nameEmpty     = "empty Go handler"
	nameControl   = "the same again" // how far from 1 its ratios are is the noise of the run
	nameLatchkey  = "Latchkey"
	namePlain     = "plain encoding/json"
	nameNode      = "Node.js, AWS's client"
	nameFloor     = "floor (empty on our loop)"
	nameFloorRead = "floor with a store read"
	nameOnAWSs    = "the gate on AWS's client"
	nameLimited   = "the gate with all limits"
)

// buildAll builds all contestants into a folder. A Node.js authorizer that can't be installed is left out, with the reason
// on standard error.
func buildAll(o options, into string) ([]contestant, error) {
	var all []contestant
	for _, c := range []struct {
		name, pkg string
		decides   bool
	}{
		{nameEmpty, "latchkey/infra/bench/empty", false},
		{nameControl, "latchkey/infra/bench/empty", false},
		{nameLatchkey, o.authorizer, true},
		{namePlain, "latchkey/infra/bench/plain", true},
	} {
		dir := filepath.Join(into, strconv.Itoa(len(all)))
		built, err := buildGo(c.pkg, dir, "")
		if err != nil {
			return nil, err
		}
		built.name, built.decides, built.reads = c.name, c.decides, c.decides
		all = append(all, built)
	}
	if o.node {
		if node, err := installNode(); err != nil {
			fmt.Fprintln(os.Stderr, "bench: without Node.js:", err)
		} else {
			all = append(all, node)
		}
	}
	limited := all[slices.IndexFunc(all, func(c contestant) bool { return c.name == nameLatchkey })]
	limited.name, limited.limited = nameLimited, true
	if !o.more {
		return append(all, limited), nil
	}
	variants, err := buildVariants(o, into)
	return append(append(all, variants...), limited), err
}

// buildGo builds a package as the template's functions are built: for this machine to run, for arm64 to weigh.
// An overlay, if there is one, says which files stand in place of others.
func buildGo(pkg, dir, overlay string) (contestant, error) {
	c := contestant{dir: dir, command: []string{filepath.Join(dir, "bootstrap")}}
	c.linked = filepath.Join(dir, "linked")
	weighed := filepath.Join(dir, "arm64", "bootstrap")
	for out, platform := range map[string][2]string{c.linked: {runtime.GOOS, runtime.GOARCH}, weighed: {"linux", "arm64"}} {
		cmd, err := goBuild(pkg, overlay, out, platform)
		if err != nil {
			return c, err
		}
		if text, err := cmd.CombinedOutput(); err != nil {
			return c, fmt.Errorf("building %s: %w\n%s", pkg, err, text)
		}
	}
	if err := c.unpack(); err != nil {
		return c, err
	}
	info, err := os.Stat(weighed)
	if err != nil {
		return c, err
	}
	c.binary = info.Size()
	c.zip, err = zipSize(weighed)
	return c, err
}

// goBuild is the build of a package, which may be in the overlay alone.
func goBuild(pkg, overlay, out string, platform [2]string, more ...string) (*exec.Cmd, error) {
	home := pkg
	if overlay != "" {
		home = "latchkey/authorizer"
	}
	source, err := folder(home)
	if err != nil {
		return nil, err
	}
	cmd := build.Command(source, out, platform[0], platform[1], append(more, "-tags="+tags(overlay), "-overlay="+overlay)...)
	cmd.Args[len(cmd.Args)-1] = pkg
	return cmd, nil
}

// unpack writes a fresh copy of the binary, front to back, as unpacking a zip does. How a file lies in the page cache decides what
// its first page faults cost, by up to a tenth of a cold start: what the linker leaves there is the worst, and no two files
// are alike.
func (c contestant) unpack() error {
	if c.linked == "" {
		return nil
	}
	text, err := os.ReadFile(c.linked)
	if err != nil {
		return err
	}
	if err := os.Remove(c.command[0]); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(c.command[0], text, 0o755) //nolint:gosec // it is to be run
}

func zipSize(file string) (int64, error) {
	in, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	var size counter
	z := zip.NewWriter(&size)
	w, err := z.Create("bootstrap")
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(w, in); err != nil {
		return 0, err
	}
	err = z.Close()
	return int64(size), err
}

// counter is a writer that only counts.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// installNode installs AWS's runtime client for Node.js once. It compiles C++ with cmake, which not every machine has.
func installNode() (contestant, error) {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return contestant{}, err
	}
	dir := filepath.Join(strings.TrimSpace(string(root)), "infra", "bench", "node")
	client := filepath.Join(dir, "node_modules", "aws-lambda-ric")
	if _, err := os.Stat(filepath.Join(client, "rapid-client.node")); errors.Is(err, os.ErrNotExist) {
		cmd := exec.Command("npm", "ci", "--no-audit", "--no-fund")
		cmd.Dir = dir
		if text, err := cmd.CombinedOutput(); err != nil {
			return contestant{}, fmt.Errorf("npm ci: %w: %s", err, lastLine(string(text)))
		}
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return contestant{}, err
	}
	return contestant{
		name: nameNode, dir: dir, decides: true, reads: true,
		command: []string{node, filepath.Join(client, "index.mjs"), "index.handler"},
	}, nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
