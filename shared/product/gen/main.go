// Command gen writes what follows from catalogue.json: catalogue.gen.go, and the product routes of template.yaml. Run
// it by `make catalogue`, which also brings up to date what the tests compare the template with.
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"
)

// Where the files are, from the root of the repository.
const (
	catalogueFile = "shared/product/catalogue.json"
	codeFile      = "shared/product/catalogue.gen.go"
	templateFile  = "template.yaml"
)

func main() {
	root := flag.String("root", "../..", "the repository")
	flag.Parse()
	if err := write(*root); err != nil {
		log.Fatal(err)
	}
}

// write brings the files up to date. It writes none if one can't be made.
func write(root string) error {
	out, err := generate(os.DirFS(root))
	if err != nil {
		return err
	}
	for name, text := range out {
		if err := os.WriteFile(filepath.Join(root, name), text, 0o644); err != nil { //nolint:gosec // source code is for everybody
			return err
		}
	}
	return nil
}
