// Package engine runs the DynamoDB server of the local stack and makes the template's tables in it.
package engine

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"latchkey/infra/local/child"
	"latchkey/infra/local/iam"
)

// Engine is a running dynoxide, or a DynamoDB that somebody else runs.
type Engine struct {
	Endpoint string
	cmd      *exec.Cmd
	exited   chan struct{}
	front    *http.Server // before the server; nil for a DynamoDB of somebody else's
}

// Gone is closed when the server's process has ended; it is nil for a DynamoDB of somebody else's.
func (e *Engine) Gone() <-chan struct{} { return e.exited }

// known are the SHA-256 of the engine's binaries, by platform and version. A platform whose package could not be looked at when
// the file was written has none: the lock file has no integrity of it either. The tests' own start (shared/keytest) goes by the same file.
var known = hashes(knownFile)

//go:embed known.txt
var knownFile string

func hashes(file string) map[string]string {
	list := map[string]string{}
	for line := range strings.Lines(file) {
		name, hash, _ := strings.Cut(strings.TrimSpace(line), " ")
		list[name] = hash
	}
	return list
}

// Binary returns the path of dynoxide under dir/node_modules, or an error that says what to do. It is run only if its SHA-256 is
// known, or is the one that the user trusts.
func Binary(dir, trusted string) (string, error) {
	platform := runtime.GOOS + "-" + map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	return binary(dir, platform, trusted)
}

func binary(dir, platform, trusted string) (string, error) {
	file := filepath.Join(dir, "node_modules", "@dynoxide", platform, "dynoxide")
	raw, err := os.ReadFile(file) //nolint:gosec // where npm puts it
	if err != nil {
		return "", fmt.Errorf("no DynamoDB server for %s in %s: run `npm ci --prefix %s`, or set DYNAMODB_ENDPOINT to a DynamoDB of your own",
			platform, dir, dir)
	}
	sum := sha256.Sum256(raw)
	hash := hex.EncodeToString(sum[:])
	if !strings.EqualFold(hash, trusted) && !slices.Contains(hashesOf(platform), hash) {
		return "", fmt.Errorf("the DynamoDB server for %s isn't run: its SHA-256, %s, is none that this repository knows. Hold it against its publisher's, "+
			"and set LATCHKEY_ENGINE_SHA256 to it; or set DYNAMODB_ENDPOINT to a DynamoDB of your own", platform, hash)
	}
	return filepath.Abs(file)
}

func hashesOf(platform string) (list []string) {
	for name, hash := range known {
		if strings.HasPrefix(name, platform+"@") {
			list = append(list, hash)
		}
	}
	return list
}

// Start starts dynoxide on a free loopback port with its file in the data directory, and waits until it answers. The guard stops
// what functions may not do.
func Start(ctx context.Context, binary, dataDir string, output *os.File, guard *iam.Guard) (*Engine, error) {
	file := filepath.Join(dataDir, "dynamodb.db")
	fresh, err := private(file)
	if err != nil {
		return nil, err
	}
	if fresh { // let it make its tables, which then get their index
		e, err := start(ctx, binary, file, output)
		if err != nil {
			return nil, err
		}
		e.Stop()
	}
	if _, err = TrimStreamLog(ctx, file, time.Now()); err != nil {
		return nil, fmt.Errorf("the stream log in %s: %w", file, err)
	}
	var last error
	for range 5 { // somebody else may take the free port in between
		e, err := start(ctx, binary, file, output)
		if err == nil {
			return e, e.stand(guard)
		}
		last = err
		if ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

// private makes the file of the tables, or closes one that is there, for everybody but its owner: whatever folder it is in.
// SQLite gives the files beside it the same mode.
func private(file string) (fresh bool, err error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, os.WriteFile(file, nil, 0o600)
	case err != nil:
		return false, err
	}
	for _, name := range []string{file, file + "-wal", file + "-shm"} {
		if err := os.Chmod(name, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	return info.Size() == 0, nil
}

// stand puts the front before a server that runs.
func (e *Engine) stand(guard *iam.Guard) error {
	f, err := newFront(e.Endpoint, guard)
	if err != nil {
		e.Stop()
		return err
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.Stop()
		return err
	}
	e.front = &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = e.front.Serve(lis) }()
	e.Endpoint = "http://" + lis.Addr().String()
	return nil
}

func start(ctx context.Context, binary, file string, output *os.File) (*Engine, error) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := lis.Addr().(*net.TCPAddr)
	_ = lis.Close()
	cmd := exec.Command(binary, "--host", "127.0.0.1", "--port", fmt.Sprint(addr.Port), "--db-path", file) //nolint:gosec // the pinned binary
	cmd.Stdout, cmd.Stderr = output, output
	if err := child.Start(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	e := &Engine{Endpoint: "http://" + addr.String(), cmd: cmd, exited: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(e.exited) }()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if answers(ctx, e.Endpoint) {
			return e, nil
		}
		select {
		case <-e.exited:
			return nil, errors.New("the DynamoDB server ended as soon as it was started; see dynamodb.log in the data directory")
		case <-ctx.Done():
			e.Stop()
			return nil, fmt.Errorf("the DynamoDB server doesn't answer: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return true
}

// Stop ends the server, after what it is doing.
func (e *Engine) Stop() {
	if e.cmd == nil {
		return
	}
	if e.front != nil {
		_ = e.front.Close()
	}
	child.Signal(e.cmd.Process, syscall.SIGTERM)
	select {
	case <-e.exited:
	case <-time.After(3 * time.Second):
		child.Signal(e.cmd.Process, syscall.SIGKILL)
		<-e.exited
	}
}
