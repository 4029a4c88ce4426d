// Command reference writes docs/reference/api.md from the contract, and docs/problems from the list of codes.
package main

import (
	"log"
	"os"

	"latchkey/shared/api"
)

func main() {
	page, err := render(api.Contract)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(os.Args[1], page, 0o644); err != nil { //nolint:gosec // a page of documentation
		log.Fatal(err)
	}
	if err := writeProblems(os.Args[2]); err != nil {
		log.Fatal(err)
	}
}
