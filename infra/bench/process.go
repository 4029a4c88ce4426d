package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is a running contestant with a Runtime API of its own.
type process struct {
	api     *runtimeAPI
	cmd     *exec.Cmd
	log     bytes.Buffer // what it printed; read only after stop
	started time.Time
}

// start runs a contestant. It dies with the harness.
func start(c contestant, o options, s *store) (*process, error) {
	api, err := newRuntimeAPI()
	if err != nil {
		return nil, err
	}
	p := &process{api: api, cmd: exec.Command(c.command[0], c.command[1:]...)}
	p.cmd.Dir = c.dir
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	dieWithParent(p.cmd)
	p.cmd.Env = append(environment(o, s), "AWS_LAMBDA_RUNTIME_API="+api.address(), "LAMBDA_TASK_ROOT="+c.dir)
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		api.close()
		return nil, err
	}
	return p, nil
}

// environment returns the variables that Lambda and the template would set, and of this shell's only the path.
func environment(o options, s *store) []string {
	all := []string{
		"PATH=" + os.Getenv("PATH"), "TZ=:UTC", "LANG=en_US.UTF-8",
		"GOMAXPROCS=" + strconv.Itoa(o.procs),
		"_HANDLER=index.handler", "AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023",
		"AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_LAMBDA_FUNCTION_VERSION=1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512",
		"AWS_LAMBDA_LOG_GROUP_NAME=bench", "AWS_LAMBDA_LOG_STREAM_NAME=bench", "AWS_LAMBDA_LOG_FORMAT=JSON",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench", "AWS_SESSION_TOKEN=bench",
		"DYNAMODB_ENDPOINT=" + s.url, "SECRETSMANAGER_ENDPOINT=", "EVENTS_ENDPOINT=",
		"GATE_TABLE=gate", "LEASES_TABLE=leases", "QUOTAS_TABLE=quotas", "SLICES_TABLE=slices",
		"KEY_PREFIX=ak", "OVER_LIMIT=429", "METRICS_NAMESPACE=Latchkey/bench", "USAGE_PLAN_KEY=00000000-0000-0000-0000-000000000000",
	}
	if s.roots != "" {
		all = append(all, "SSL_CERT_FILE="+s.roots, "SSL_CERT_DIR=/none") // the folder as the template sets it
	}
	return all
}

// stop kills the process, as nothing of it is needed any more, and returns what it printed.
func (p *process) stop() string {
	_ = p.cmd.Process.Kill() // it may be gone already
	_ = p.cmd.Wait()         // says "killed"
	p.api.close()
	return p.log.String()
}

// cpu is the time that the process's threads have run, to the nanosecond as the scheduler counts it.
func (p *process) cpu() (time.Duration, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("no scheduler statistics of process %d: is this Linux?", p.cmd.Process.Pid)
	}
	var sum time.Duration
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			continue // the thread has ended
		}
		ran, _, _ := strings.Cut(string(raw), " ")
		ns, err := strconv.ParseInt(ran, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// memory is the process's resident memory in bytes.
func (p *process) memory() (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("process %d has no resident memory", p.cmd.Process.Pid)
}
