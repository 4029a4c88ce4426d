// Command local runs the whole stack on this machine: the deployed binaries, with AWS played around them.
//
//	local                            run the stack until Ctrl-C
//	local invoke FUNCTION [EVENT]    call one function of a running stack once, with an event file or {}
//	local -job rotation              run the rotation job once and show its progress
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the runner at once, and the kernel its children
	c, err := readConfig(os.Args[1:], os.Getenv, os.Environ())
	if err == nil && c.invoke != "" {
		err = invoke(ctx, c)
	} else if err == nil && c.job != "" {
		err = runJob(ctx, c, os.Stdout)
	} else if err == nil {
		err = run(ctx, c, os.Stdout)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
