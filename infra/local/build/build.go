// Package build compiles the functions as they are deployed.
package build

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"latchkey/infra/local/child"
)

// Target is one function: where its code is and where its binary goes.
type Target struct {
	Name      string // logical ID
	Dir       string // CodeUri, relative to the module's root or absolute
	Bootstrap string // absolute
}

// Result is the result of building a target.
type Result struct {
	Target
	Skipped bool // there is no Go code in the folder
	Took    time.Duration
	Err     error
}

// All builds the targets, two at a time, and reports each as it is done. The order of the results is that of the targets.
func All(ctx context.Context, root string, targets []Target, report func(Result)) []Result {
	results := make([]Result, len(targets))
	slots := make(chan struct{}, max(2, runtime.NumCPU()/2))
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i, t := range targets {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			r := one(ctx, root, t)
			mu.Lock()
			defer mu.Unlock()
			results[i] = r
			report(r)
		})
	}
	wg.Wait()
	return results
}

func one(ctx context.Context, root string, t Target) Result {
	start := time.Now()
	dir := t.Dir
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	r := Result{Target: t}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.go")); len(files) == 0 {
		r.Skipped = true
		return r
	}
	if r.Err = os.MkdirAll(filepath.Dir(t.Bootstrap), 0o750); r.Err != nil {
		return r
	}
	// A running environment of another runner may hold the old file: build beside it, then rename.
	temp := fmt.Sprintf("%s.%d", t.Bootstrap, os.Getpid())
	defer func() { _ = os.Remove(temp) }()
	if old, err := os.ReadFile(t.Bootstrap); err == nil { // go build links nothing where the output is what it would become
		_ = os.WriteFile(temp, old, 0o755) //nolint:gosec // an executable
	}
	cmd := Command(dir, temp, runtime.GOOS, runtime.GOARCH)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := compile(ctx, cmd); err != nil {
		r.Err = fmt.Errorf("%s: %w\n%s", t.Dir, err, strings.TrimSpace(out.String()))
	} else {
		r.Err = os.Rename(temp, t.Bootstrap)
	}
	r.Took = time.Since(start)
	return r
}

// compile runs cmd; it and its children end with ctx, or with the runner.
func compile(ctx context.Context, cmd *exec.Cmd) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := child.Start(cmd); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { child.Signal(cmd.Process, syscall.SIGKILL) })
	defer stop()
	return cmd.Wait()
}
