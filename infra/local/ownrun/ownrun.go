// Package ownrun starts a local run for a program that needs one of its own.
package ownrun

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"latchkey/infra/local/child"
	"latchkey/infra/local/runfile"
)

// Start starts the runner, on a data directory and on free ports, and waits until it is ready: then the directory has run.json.
// Settings, as NAME=value, come on top. stop ends the run in order.
func Start(ctx context.Context, runner, data string, settings ...string) (stop func(), err error) {
	log, err := os.Create(filepath.Join(data, "run.log")) //nolint:gosec // the caller's own folder
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(runner) //nolint:gosec,noctx // stopped in order
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "LATCHKEY_DATA_DIR="+data, "LATCHKEY_PRODUCTS_PORT=0", "LATCHKEY_MANAGEMENT_PORT=0", "LATCHKEY_CONSOLE_PORT=0")
	cmd.Env = append(cmd.Env, settings...)
	if err := child.Start(cmd); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	stop = func() {
		child.Signal(cmd.Process, syscall.SIGTERM)
		<-ended
	}
	for {
		if _, err := os.Stat(filepath.Join(data, runfile.Name)); err == nil {
			return stop, nil
		}
		select {
		case <-ended:
			said, _ := os.ReadFile(log.Name())
			return nil, fmt.Errorf("the local run ended:\n%s", said)
		case <-ctx.Done():
			stop()
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
