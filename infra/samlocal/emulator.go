package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"latchkey/infra/local/child"
)

// function has what `sam local` would start, as infra/samlocal/environments.py prints it.
type function struct {
	Code        string            `json:"code"` // the folder of the built bootstrap
	Environment map[string]string `json:"environment"`
}

// environments asks SAM's own code what samconfig's environment gives each function of a built template.
func environments(ctx context.Context, python, config, name, template string) (map[string]function, error) {
	cmd := exec.CommandContext(ctx, python, "infra/samlocal/environments.py", config, name, template) //nolint:gosec // our own tools
	var problems bytes.Buffer
	cmd.Stderr = &problems
	raw, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, problems.String())
	}
	var all map[string]function
	return all, json.Unmarshal(raw, &all)
}

// emulator is AWS's Runtime Interface Emulator with one function in it.
type emulator struct {
	url string
	cmd *exec.Cmd
	log bytes.Buffer
}

// emulate starts a function with exactly its environment; the proxy is the one addition.
func emulate(rie string, f function, proxy string) (*emulator, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	e := &emulator{url: fmt.Sprintf("http://127.0.0.1:%d", ports[0])}
	e.cmd = exec.Command(rie, "--log-level", "warn", //nolint:gosec // our own tools
		"--runtime-interface-emulator-address", fmt.Sprintf("127.0.0.1:%d", ports[0]),
		"--runtime-api-address", fmt.Sprintf("127.0.0.1:%d", ports[1]), filepath.Join(f.Code, "bootstrap"))
	e.cmd.Dir, e.cmd.Stdout, e.cmd.Stderr = f.Code, &e.log, &e.log
	e.cmd.Env = []string{"PATH=/usr/bin:/bin", "HTTP_PROXY=" + proxy, "HTTPS_PROXY=" + proxy, "LAMBDA_TASK_ROOT=" + f.Code}
	for name, value := range f.Environment {
		e.cmd.Env = append(e.cmd.Env, name+"="+value)
	}
	slices.Sort(e.cmd.Env)
	if err := child.Start(e.cmd); err != nil {
		return nil, err
	}
	for range 100 {
		c, err := net.Dial("tcp", e.url[len("http://"):])
		if err == nil {
			return e, c.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	e.stop()
	return nil, errors.New("the emulator doesn't listen: " + e.log.String())
}

func (e *emulator) invoke(ctx context.Context, event []byte) (any, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url+"/2015-03-31/functions/function/invocations", bytes.NewReader(event))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	var answer any
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, fmt.Errorf("status %d, and no JSON: %s", response.StatusCode, raw)
	}
	return answer, nil
}

// stop ends the emulator, which ends the function.
func (e *emulator) stop() {
	child.Signal(e.cmd.Process, syscall.SIGTERM)
	kill := time.AfterFunc(3*time.Second, func() { child.Signal(e.cmd.Process, syscall.SIGKILL) })
	_ = e.cmd.Wait()
	kill.Stop()
}

func freePorts(n int) (ports []int, err error) {
	for range n {
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = lis.Close() }() // all at once, or one port could come twice
		ports = append(ports, lis.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
