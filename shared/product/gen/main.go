// Command gen writes catalogue.gen.go from catalogue.json. Run it by `go generate ./shared/product`.
package main

import (
	"bytes"
	"fmt"
	"go/format"
	"log"
	"os"

	"latchkey/shared/account"
	"latchkey/shared/product"
)

func main() {
	products, err := product.Embedded()
	if err != nil {
		log.Fatal(err)
	}
	if _, err := product.New(products); err != nil {
		log.Fatal(err)
	}
	text, err := render(products)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("catalogue.gen.go", text, 0o644); err != nil { //nolint:gosec // source code is for everybody
		log.Fatal(err)
	}
}

func render(products []product.Product) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("// Code generated from catalogue.json by go generate. DO NOT EDIT.\n\npackage product\n\n")
	b.WriteString("import \"latchkey/shared/account\"\n\nvar generated = []Product{\n")
	for _, p := range products {
		fmt.Fprintf(&b, "{ID: %q, Name: %q, Kind: %q, Classes: []LimitClass{\n", p.ID, p.Name, p.Kind)
		for _, c := range p.Classes {
			fmt.Fprintf(&b, "{ID: %q, Name: %q, Prefixes: %#v, QPS: map[account.Type]int{account.Enterprise: %d, account.SelfServe: %d}, MaxQPS: %d},\n",
				c.ID, c.Name, c.Prefixes, c.QPS[account.Enterprise], c.QPS[account.SelfServe], c.MaxQPS)
		}
		b.WriteString("}},\n")
	}
	b.WriteString("}\n")
	return format.Source(b.Bytes())
}
