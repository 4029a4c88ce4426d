package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// askFunctions sends every event to its function by `sam local invoke`, on the local run that is up (`make sam-local`), and compares the
// answers.
func askFunctions(ctx context.Context, o options) error {
	cases, err := readCases(eventsDir)
	if err != nil {
		return err
	}
	v, err := writeEvents(ctx, o.data, writtenDir)
	if err != nil {
		return err
	}
	failed := 0
	for _, c := range cases {
		failed += compare("invoke ", c, v, func([]byte) (any, string, error) {
			return invoke(ctx, o, c.function, filepath.Join(writtenDir, c.name+".json"))
		})
	}
	return verdict(failed, len(cases), "events answered as expected by sam local invoke")
}

// errOtherAnswers has been explained already, line by line.
var errOtherAnswers = errors.New("some answers are others than infra/events has")

func verdict(failed, all int, what string) error {
	fmt.Printf("%d of %d %s\n", all-failed, all, what)
	if failed > 0 {
		return errOtherAnswers
	}
	return nil
}

// samCommand is `sam local …` with the environment of samconfig.toml, without telemetry.
func samCommand(ctx context.Context, o options, arguments ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, o.sam, append([]string{"local"}, arguments...)...) //nolint:gosec // our own tools
	cmd.Args = append(cmd.Args, "--config-env", o.env)
	cmd.Env = append(os.Environ(), "SAM_CLI_TELEMETRY=0")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it removes its containers
	cmd.WaitDelay = 20 * time.Second
	return cmd
}

// invoke is the answer of `sam local invoke`, which prints it alone on its standard output.
func invoke(ctx context.Context, o options, function, file string) (any, string, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	cmd := samCommand(ctx, o, "invoke", function, "--event", file)
	var log bytes.Buffer
	cmd.Stderr = &log
	raw, err := cmd.Output()
	if err != nil {
		return nil, log.String(), err
	}
	var answer any
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, log.String(), fmt.Errorf("no JSON: %q", raw)
	}
	return answer, log.String(), nil
}
