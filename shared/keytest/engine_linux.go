package keytest

import (
	"os/exec"
	"syscall"
)

// endWithParent makes the kernel end the process when this one dies, however it dies.
func endWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
