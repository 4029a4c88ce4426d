// Package child starts processes that can't outlive the runner.
package child

import (
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

type request struct {
	cmd  *exec.Cmd
	done chan error
}

var starts = sync.OnceValue(func() chan<- request {
	ch := make(chan request)
	go func() {
		// The parent-death signal is bound to the thread that forked, not to the process: without a thread that lives as
		// long as the runner, a child would die whenever the Go scheduler retires the thread that started it.
		runtime.LockOSThread()
		for r := range ch {
			r.done <- r.cmd.Start()
		}
	}()
	return ch
})

// Start starts cmd in a process group of its own, to be killed by the kernel when the runner dies, however it dies.
func Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	setDeathSignal(cmd.SysProcAttr)
	r := request{cmd, make(chan error, 1)}
	starts() <- r
	return <-r.done
}

// Signal sends sig to the whole group of p. A group that is gone is no error.
func Signal(p *os.Process, sig syscall.Signal) { _ = syscall.Kill(-p.Pid, sig) }
