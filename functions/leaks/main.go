// Command leaks takes reports of secrets that were found where others can read them: GitHub's signed ones, an operator's and
// anybody's. It records them with the key, and applies the policy of the key's account.
package main

import (
	"os"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/telemetry"
)

func main() {
	mux, err := start(os.Getenv, os.Stdout)
	if err != nil {
		telemetry.Abort(err)
	}
	gateway.Serve(mux)
}
