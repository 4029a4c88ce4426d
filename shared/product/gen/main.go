// Command gen writes what follows from catalogue.json: catalogue.lock, catalogue.gen.go, and the product routes of
// template.yaml. Run it by `make catalogue`, which also brings up to date what the tests compare the template with. It refuses
// a product that comes to cover more, unless -widen names it.
package main

import (
	"flag"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Where the files are, from the root of the repository.
const (
	catalogueFile = "shared/product/catalogue.json"
	codeFile      = "shared/product/catalogue.gen.go"
	templateFile  = "template.yaml"
	lockFile      = "shared/product/catalogue.lock"
)

func main() {
	root := flag.String("root", "../..", "the repository")
	widened := flag.String("widen", "", "products that are meant to cover more, with blanks between")
	flag.Parse()
	log.SetFlags(0)
	if err := write(*root, strings.Fields(*widened)); err != nil {
		log.Fatal(err)
	}
}

// write brings the files up to date. It writes none if one can't be made.
func write(root string, widened []string) error {
	out, report, err := generate(os.DirFS(root), widened...)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(report.Gained)) {
		log.Printf("%s covers %s too, once an account has accepted it", id, strings.Join(report.Gained[id], " "))
	}
	for _, id := range slices.Sorted(maps.Keys(report.Lost)) {
		log.Printf("%s no longer covers %s: keys that call it are refused", id, strings.Join(report.Lost[id], " "))
	}
	for name, text := range out {
		if err := os.WriteFile(filepath.Join(root, name), text, 0o644); err != nil { //nolint:gosec // source code is for everybody
			return err
		}
	}
	return nil
}
