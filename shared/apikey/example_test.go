package apikey_test

import (
	"errors"
	"fmt"

	"latchkey/shared/apikey"
)

// A stack parses what callers send once, at the edge. What prefix, length, alphabet and checksum refuse was never a
// secret of this stack, and the store isn't asked for it.
func ExamplePrefix_Parse() {
	secret, err := apikey.DefaultPrefix.Parse("ak_0000000000000000000000000002X7ok2")
	fmt.Println(secret.Preview(), err)

	_, err = apikey.DefaultPrefix.Parse("ak_0000000000000000000000000002X7ok3") // one character mistyped
	fmt.Println("malformed:", errors.Is(err, apikey.ErrMalformed))

	// A secret doesn't print itself: logs show its preview, tables hold its hash.
	fmt.Println("printed:", secret)
	// Output:
	// ak_0000…7ok2 <nil>
	// malformed: true
	// printed: [redacted]
}
