package build

import (
	"os"
	"os/exec"
	"strings"
)

// Tags are the build tags of a function.
const Tags = "lambda.norpc"

// flags are those of every build of a function, wherever it is made: no paths of a machine, no stamp of a commit, no part of AWS's
// client that nothing calls, no symbols, and AWS's SDK without inlining: that is a hundredth of the gate's size, and what its functions
// do takes thousands of times what calling them does.
var flags = []string{"-trimpath", "-buildvcs=false", "-tags=" + Tags, "-ldflags=-s", "-gcflags=github.com/aws/aws-sdk-go-v2/...=-l"}

// Command is `go build` of the package in a folder, run in that folder, for an operating system and one of Go's architectures.
// Flags that come after those of every build may be added.
func Command(dir, out, goos, goarch string, more ...string) *exec.Cmd {
	args := append(append([]string{"build"}, flags...), more...)
	cmd := exec.Command("go", append(args, "-o", out, ".")...) //nolint:gosec // folders of the template
	cmd.Dir, cmd.Env = dir, Environ(goos, goarch)
	return cmd
}

// Environ is this process's environment without what would change the bytes of a build, and with what fixes them. GOFLAGS isn't
// empty: that would be what `go env -w` has set.
func Environ(goos, goarch string) []string {
	var env []string
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		switch name {
		case "GOOS", "GOARCH", "GOFLAGS", "CGO_ENABLED", "GOAMD64", "GOARM64", "GOEXPERIMENT", "GOFIPS140":
		default:
			env = append(env, e)
		}
	}
	return append(env, "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch, "GOFLAGS=-trimpath", "GOAMD64=v1", "GOARM64=v8.0")
}
