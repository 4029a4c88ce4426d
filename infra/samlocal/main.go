// Command samlocal tries what `sam local` would run, without Docker: the built functions on AWS's Runtime Interface Emulator, with
// the environments that SAM's own code makes of samconfig.toml, and the events of infra/events.
//
//	samlocal check     start a local run of its own, send every event to its function and compare the answers
//	samlocal serve     start the local run where samconfig.toml says (`make sam-local`)
//	samlocal events    write the events into .build/events, with keys and tokens of the local run that is up (`make sam-local`)
//	samlocal invoke    with Docker: send every event to its function by `sam local invoke`, on that run, and compare the answers
//	samlocal routes    the same by `sam local start-api`, for the events of HTTP
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"latchkey/infra/local/ownrun"
	"latchkey/infra/local/samconfig"
	"latchkey/infra/local/way"
)

// options are the tools and the files.
type options struct {
	python, sam, rie, runner, env, template, data string
	verbose                                       bool
}

func main() {
	var o options
	flag.StringVar(&o.python, "python", ".tools/venv/bin/python", "the Python that has SAM CLI")
	flag.StringVar(&o.sam, "sam", ".tools/venv/bin/sam", "SAM CLI, for invoke and routes")
	flag.StringVar(&o.rie, "rie", ".tools/rie/aws-lambda-rie", "AWS's Runtime Interface Emulator")
	flag.StringVar(&o.runner, "runner", ".build/latchkey", "the local runner")
	flag.StringVar(&o.env, "config-env", "local", "the environment of samconfig.toml")
	flag.StringVar(&o.template, "template", ".aws-sam/build/template.yaml", "the built template")
	flag.StringVar(&o.data, "data", ".latchkey", "the data directory of the local run that is up, for events, invoke and routes")
	flag.BoolVar(&o.verbose, "v", false, "print the answers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch flag.Arg(0) {
	case "check":
		err = check(ctx, o)
	case "serve":
		err = serve(o)
	case "events":
		_, err = writeEvents(ctx, o.data, writtenDir)
	case "invoke":
		err = askFunctions(ctx, o)
	case "routes":
		err = askRoutes(ctx, o)
	default:
		err = errors.New("usage: samlocal [-…] check|serve|events|invoke|routes")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "samlocal:", err)
		os.Exit(1)
	}
}

func (o options) settings() ([]string, error) {
	set, err := samconfig.Overrides(".", o.env)
	if err != nil {
		return nil, err
	}
	return runnerSettings(set)
}

// serve becomes the local runner.
func serve(o options) error {
	settings, err := o.settings()
	if err != nil {
		return err
	}
	return syscall.Exec(o.runner, []string{o.runner}, append(os.Environ(), settings...)) //nolint:gosec // our own binary
}

// writtenDir has the events with values of a local run in them: what `sam local invoke --event` takes.
const writtenDir = ".build/events"

// writeEvents writes the events, and has the values that are in them.
func writeEvents(ctx context.Context, data, to string) (map[string]string, error) {
	v, err := valuesOf(ctx, data)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return nil, err
	}
	cases, err := readCases(eventsDir)
	if err != nil {
		return nil, err
	}
	for _, c := range cases {
		event, err := fill(c.event, v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		if err := os.WriteFile(filepath.Join(to, c.name+".json"), event, 0o600); err != nil {
			return nil, err
		}
	}
	fmt.Printf("%d events in %s, with secrets of the local run in them\n", len(cases), to)
	return v, nil
}

// check sends every event to its function.
func check(ctx context.Context, o options) error {
	functions, err := environments(ctx, o.python, "samconfig.toml", o.env, o.template)
	if err != nil {
		return err
	}
	cases, err := readCases(eventsDir)
	if err != nil {
		return err
	}
	data, err := os.MkdirTemp("", "latchkey-sam-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(data) }()
	set, err := samconfig.Overrides(".", o.env)
	if err != nil {
		return err
	}
	if err := aside(set, functions); err != nil {
		return err
	}
	settings, err := runnerSettings(set)
	if err != nil {
		return err
	}
	stop, err := ownrun.Start(ctx, o.runner, data, settings...)
	if err != nil {
		return err
	}
	defer stop()
	v, err := valuesOf(ctx, data)
	if err != nil {
		return err
	}
	w := &way.Way{}
	proxy, closer, err := w.Open()
	if err != nil {
		return err
	}
	defer func() { _ = closer.Close() }()
	failed := 0
	for _, c := range cases {
		failed += compare("", c, v, func(event []byte) (any, string, error) {
			answer, log, err := try(ctx, o, functions[c.function], event, proxy)
			for _, call := range w.Taken() {
				err = errors.Join(err, errors.New("calls elsewhere: "+call))
			}
			return answer, log, err
		})
	}
	return verdict(failed, len(cases), "events answered as expected")
}

// try sends one event to a new environment of its function, as `sam local invoke` does.
func try(ctx context.Context, o options, f function, event []byte, proxy string) (answer any, log string, err error) {
	if f.Code == "" {
		return nil, "", errors.New("the template has no such function")
	}
	rie, err := filepath.Abs(o.rie)
	if err != nil {
		return nil, "", err
	}
	e, err := emulate(rie, f, proxy)
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	answer, err = e.invoke(ctx, event)
	e.stop() // its log is whole then
	if err == nil && o.verbose {
		raw, _ := json.MarshalIndent(answer, "", " ")
		fmt.Printf("%s\n", raw)
	}
	return answer, e.log.String(), err
}
