// Command bugs plants known bugs, one at a time, and runs the test that has to catch each. The bugs are small patches
// in infra/bugs/<area>/*.patch. A bug that no longer applies, no longer compiles or isn't caught fails the run.
//
//	go run ./infra/bugs                      all of them
//	go run ./infra/bugs -only gate/          those whose name begins so
//	go run ./infra/bugs -changed origin/main those that concern what has changed since then
//	go run ./infra/bugs -at-most 40          not more than 40 of them: others at each commit
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"time"
)

func main() {
	only := flag.String("only", "", "run the bugs whose name begins so")
	changed := flag.String("changed", "", "run the bugs that concern what has changed since this commit")
	atMost := flag.Int("at-most", 0, "choose this many of them by the commit that is checked out; 0 is all")
	lanes := flag.Int("lanes", 2, "how many bugs are tried at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only, *changed, *atMost, *lanes); err != nil {
		fmt.Fprintln(os.Stderr, "bugs:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only, changed string, atMost, lanes int) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	all, err := load(root)
	if err != nil {
		return err
	}
	bugs := all
	if changed != "" {
		files, err := changedSince(ctx, changed)
		if err != nil {
			return err
		}
		bugs = touching(all, files)
	}
	var chosen []bug
	for _, b := range bugs {
		if strings.HasPrefix(b.Name, only) {
			chosen = append(chosen, b)
		}
	}
	if len(chosen) == 0 {
		fmt.Printf("bugs: none of %d concerns this change\n", len(all))
		return nil
	}
	if atMost > 0 {
		head, err := exec.CommandContext(ctx, "git", "rev-parse", "HEAD").Output()
		if err != nil {
			return fmt.Errorf("git rev-parse HEAD: %w", err)
		}
		of := len(chosen)
		chosen = some(chosen, strings.TrimSpace(string(head)), atMost)
		fmt.Printf("bugs: %d of the %d that concern this change\n", len(chosen), of)
	}
	caught := tryAll(ctx, root, chosen, lanes)
	fmt.Printf("bugs: %d of %d caught\n", caught, len(chosen))
	if caught < len(chosen) {
		return fmt.Errorf("%d are not", len(chosen)-caught)
	}
	return ctx.Err()
}

// tryAll tries the bugs in several copies of the tree at once, and returns how many are caught.
func tryAll(ctx context.Context, root string, bugs []bug, lanes int) (caught int) {
	todo := make(chan bug)
	var mu sync.Mutex
	var group sync.WaitGroup
	for n := range max(lanes, 1) {
		group.Go(func() {
			tree, err := newTree(ctx, root, n)
			for b := range todo {
				start := time.Now()
				why := "the tree can't be copied"
				ok := false
				if err == nil {
					ok, why = tree.try(ctx, b)
				} else {
					why += ": " + err.Error()
				}
				mu.Lock()
				mark := "MISSED"
				if ok {
					mark = "ok"
					caught++
				}
				fmt.Printf("%-6s  %-44s %-52s %5.1f s  %s\n", mark, b.Name, b.Package+" "+b.Test, time.Since(start).Seconds(), why)
				mu.Unlock()
			}
		})
	}
	for _, b := range bugs {
		if ctx.Err() != nil {
			break
		}
		todo <- b
	}
	close(todo)
	group.Wait()
	return caught
}

// changedSince lists the files that differ from a commit, those that git doesn't track yet included.
func changedSince(ctx context.Context, commit string) ([]string, error) {
	var files []string
	for _, args := range [][]string{{"diff", "--name-only", commit}, {"ls-files", "--others", "--exclude-standard"}} {
		out, err := exec.CommandContext(ctx, "git", args...).Output()
		if err != nil {
			return nil, fmt.Errorf("git %s: %w", strings.Join(args, " "), err)
		}
		files = append(files, strings.Fields(string(out))...)
	}
	return files, nil
}
