package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent leaves no process behind when the harness is killed.
func dieWithParent(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
