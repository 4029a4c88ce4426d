package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lockDir makes the data directory and locks it. A runner that is just going down is waited for.
func lockDir(ctx context.Context, dir string, log *logger) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // in the data directory
	if err != nil {
		return nil, err
	}
	for i := 0; ; i++ {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) //nolint:gosec // descriptors are small
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || i == 75 {
			_ = f.Close()
			return nil, fmt.Errorf("%s is used by another runner: stop it, or set LATCHKEY_DATA_DIR", dir)
		}
		if i == 0 {
			log.say("%s is used by another runner; waiting for it to end", dir)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// keptPort listens on the port noted in a file if it is free, else on another, and notes that.
func keptPort(file string) (net.Listener, error) {
	if raw, err := os.ReadFile(file); err == nil { //nolint:gosec // in the data directory
		if lis, err := net.Listen("tcp", "127.0.0.1:"+strings.TrimSpace(string(raw))); err == nil {
			return lis, nil
		}
	}
	lis, err := listenToStay()
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(lis.Addr().String())
	return lis, os.WriteFile(file, []byte(port+"\n"), 0o600)
}

// The ports to choose from for what has to be there in the next run as well. Linux gives those from 32768 on to connections and to
// everyone who asks for any, and between two runs it may give out the one that was kept.
const leastStaying, mostStaying = 20000, 32767

// listenToStay listens on a free port that the system gives to nobody by itself, or on any if it finds none.
func listenToStay() (net.Listener, error) {
	for range 50 {
		port := leastStaying + rand.N(mostStaying-leastStaying+1)
		if lis, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			return lis, nil
		}
	}
	return net.Listen("tcp", "127.0.0.1:0")
}

// watchParent ends the runner when `go run` is killed above it, which would leave it behind otherwise.
func watchParent(stop func()) {
	parent := os.Getppid()
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", parent))
	if err != nil || filepath.Base(exe) != "go" {
		return
	}
	for os.Getppid() == parent {
		time.Sleep(500 * time.Millisecond)
	}
	stop()
}
