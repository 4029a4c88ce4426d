// Command build compiles functions of the template as they are deployed. `sam build` calls it for each, by the Makefile of the
// architecture that the template names; `make sbom` for what it describes. The flags are those of infra/local/build, as everywhere.
//
//	build -arch arm64 -o FILE KeysFunction     one function, by its logical ID
//	build -arch arm64 -o FOLDER                all of them, each into a file by the name of its folder
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"latchkey/infra/local/build"
	"latchkey/infra/local/template"
)

// architectures are Lambda's names and Go's.
var architectures = map[string]string{"arm64": "arm64", "x86_64": "amd64"}

func main() {
	arch := flag.String("arch", "arm64", "arm64 or x86_64")
	out := flag.String("o", "", "the file, or the folder for all functions")
	file := flag.String("template", "template.yaml", "the SAM template; functions lie beside it")
	flag.Parse()
	if err := run(*file, *arch, *out, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(file, arch, out, function string) error {
	goarch := architectures[arch]
	if goarch == "" || out == "" {
		return errors.New("usage: build -arch arm64|x86_64 -o FILE FUNCTION, or build -arch … -o FOLDER")
	}
	folders, err := folders(file)
	if err != nil {
		return err
	}
	if function != "" {
		if folders[function] == "" {
			return fmt.Errorf("%s is no function of %s", function, file)
		}
		return one(folders[function], out, goarch)
	}
	for _, dir := range folders {
		if err := one(dir, filepath.Join(out, filepath.Base(dir)), goarch); err != nil {
			return err
		}
	}
	return nil
}

// folders are those of the functions' code, by logical ID.
func folders(file string) (map[string]string, error) {
	t, err := template.Load(file, nil)
	if err != nil {
		return nil, err
	}
	list, err := t.Of("AWS::Serverless::Function")
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, r := range list {
		p, err := t.Properties(r)
		if err != nil {
			return nil, err
		}
		found[r.ID] = filepath.Join(filepath.Dir(file), p.Text("CodeUri"))
	}
	return found, nil
}

func one(dir, out, goarch string) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	if text, err := build.Command(dir, out, "linux", goarch).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", dir, err, text)
	}
	return nil
}
