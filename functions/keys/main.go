// Function keys serves the life of a key over HTTP: create, list, get, edit, disable, enable, revoke, delete,
// restore, reveal, test, and proposals.
package main

import (
	"log"
	"os"

	"latchkey/functions/internal/web"
	"latchkey/shared/gateway"
	"latchkey/shared/product"
)

func main() {
	base, err := web.Start(os.Getenv, os.Stdout)
	if err != nil {
		log.Fatal(err)
	}
	h := &handler{
		store: base.Store, rim: base.Rim, prefix: base.Prefix, products: product.Default(),
		used: base.LastUsed(), sealer: base.Keyring(),
	}
	h.routes(base.Mux)
	gateway.Serve(base.Mux)
}
