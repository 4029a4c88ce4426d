// Command gen writes what follows from catalogue.json: catalogue.lock, catalogue.gen.go, and the product routes of
// template.yaml. Run it by `make catalogue`, which also brings up to date what the tests compare the template with. It refuses
// a product that comes to cover more, unless -widen names it, a merge that closes paths of one, unless -close does, and that a group
// of quotas goes, unless -end names it.
package main

import (
	"flag"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"latchkey/shared/product/lock"
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
	closed := flag.String("close", "", "products of which a merge is meant to close paths, with blanks between")
	ended := flag.String("end", "", "groups of quotas that are meant to go, with blanks between")
	flag.Parse()
	log.SetFlags(0)
	if err := write(*root, lock.Named{Widened: strings.Fields(*widened), Closed: strings.Fields(*closed), Ended: strings.Fields(*ended)}); err != nil {
		log.Fatal(err)
	}
}

// write brings the files up to date. It writes none if one can't be made.
func write(root string, named lock.Named) error {
	out, report, err := generate(os.DirFS(root), named)
	if err != nil {
		return err
	}
	for _, r := range []struct {
		paths map[string][]string
		text  string
	}{
		{report.Gained, "%s covers %s too, once an account has accepted it"},
		{report.Closed, "%s goes on to cover %s, and keys that could call it are refused until their accounts have accepted it"},
		{report.Lost, "%s no longer covers %s: keys that call it are refused"},
		{report.Stood, "%s covers %s: catalogue.lock has had no encoded slashes, so that is taken to have been so for as long as the paths around"},
	} {
		for _, id := range slices.Sorted(maps.Keys(r.paths)) {
			log.Printf(r.text, id, strings.Join(r.paths[id], " "))
		}
	}
	for _, id := range report.Ended {
		log.Printf("group %s is gone: what is set of it for accounts and keys bounds no call any more", id)
	}
	for _, id := range report.Returned {
		log.Printf("group %s was there before: what is still set of it for accounts and keys holds again", id)
	}
	for name, text := range out {
		if err := os.WriteFile(filepath.Join(root, name), text, 0o644); err != nil { //nolint:gosec // source code is for everybody
			return err
		}
	}
	return nil
}
