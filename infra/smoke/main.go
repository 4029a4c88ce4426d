// Command smoke asks a running stack for what no document promises, and tries the life of a key on it.
//
//	smoke -stack NAME     a stack on AWS, by `aws`: its outputs say where it is, TOKEN is somebody's access token
//	smoke -stack local    the local run that is up
//	smoke                 a local run of its own
//
// It prints one line for each fact: ok, FAIL, "only AWS can show" (what a local run plays by assumption, or lacks), or "not asked"
// with what that would take. What it makes it removes: an account of its own, which is closed in the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

type options struct {
	stack, runner, data    string
	echo, base             string
	outage, getToken, list bool
}

func main() {
	var o options
	flag.StringVar(&o.stack, "stack", "", "the stack's name, local for the local run that is up, empty for one of its own")
	flag.StringVar(&o.runner, "runner", ".build/latchkey", "the local runner, for a run of its own")
	flag.StringVar(&o.data, "data", ".latchkey", "the data directory of the local run that is up")
	flag.StringVar(&o.echo, "echo", "", "a path of a product at which the upstream answers with the request line and headers that it got")
	flag.StringVar(&o.base, "base-path", "", "address of the management API below a base path of a custom domain")
	flag.BoolVar(&o.outage, "outage", false, "stop the gate for some seconds (reserved concurrency 0): every product call is refused meanwhile")
	flag.BoolVar(&o.getToken, "token", false, "sign in, and print an access token for TOKEN")
	flag.BoolVar(&o.list, "list", false, "list the facts and ask nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "smoke:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, in io.Reader, out io.Writer) error {
	if o.list {
		for _, f := range facts() {
			_, _ = fmt.Fprintf(out, "%-24s %s\n", f.id, f.says)
		}
		return nil
	}
	t, closeTarget, err := find(ctx, o)
	if err != nil {
		return err
	}
	defer closeTarget()
	if o.getToken {
		return signIn(ctx, t, in, out)
	}
	s := newSmoke(t)
	if err := s.prepare(ctx); err != nil {
		return errors.Join(err, s.cleanUp(ctx))
	}
	failed := s.askAll(ctx, facts(), out)
	if err := s.cleanUp(ctx); err != nil {
		return fmt.Errorf("what was made is still there: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d facts are otherwise than assumed: docs/architecture.md says what then", failed)
	}
	return nil
}

// verdict is the result of one question.
type verdict string

const (
	ok       verdict = "ok"
	fail     verdict = "FAIL"
	onlyAWS  verdict = "only AWS can show"
	notAsked verdict = "not asked"
)

// left says why a fact wasn't asked for.
type left string

func (l left) Error() string { return string(l) }

// judge makes the verdict of an answer. A local run plays what isn't known by assumption: that it does so proves nothing, and that it
// doesn't is a mistake of the run or of the question.
func judge(f fact, aws bool, err error) verdict {
	var l left
	switch {
	case errors.As(err, &l) && (f.assumed || f.aws) && !aws:
		return onlyAWS
	case errors.As(err, &l):
		return notAsked
	case err != nil:
		return fail
	case f.assumed && !aws:
		return onlyAWS
	}
	return ok
}

// askAll asks for the facts in their order, prints the table, and gives the number of those that failed.
func (s *smoke) askAll(ctx context.Context, list []fact, out io.Writer) (failed int) {
	count := map[verdict]int{}
	for _, f := range list {
		var err error
		switch {
		case ctx.Err() != nil:
			err = left("interrupted")
		case f.aws && !s.aws:
			err = left("")
		default:
			err = f.ask(ctx, s)
		}
		v := judge(f, s.aws, err)
		count[v]++
		note := ""
		if v == onlyAWS && err == nil {
			note = " (here as assumed)"
		}
		if err != nil && err.Error() != "" {
			note = ": " + strings.ReplaceAll(err.Error(), "\n", " ")
		}
		_, _ = fmt.Fprintf(out, "%-18s %-24s %s%s\n", v, f.id, f.says, note)
	}
	_, _ = fmt.Fprintf(out, "%d ok, %d failed, %d only AWS can show, %d not asked\n", count[ok], count[fail], count[onlyAWS], count[notAsked])
	return count[fail]
}
