package entry_test

import (
	"errors"
	"fmt"

	"latchkey/shared/origin/entry"
)

// What people type into a key's allow-list is made canonical, or refused with the reason and what they may have meant.
func ExampleParse() {
	for _, typed := range []string{"Example.COM", "*.bücher.example", "https://shop.example.org:8443", "https://example.com/map", "*"} {
		pattern, err := entry.Parse(typed)
		var refused *entry.Error
		if errors.As(err, &refused) {
			fmt.Printf("%s: %s, suggestions %q\n", typed, refused.Code, refused.Suggestions)
			continue
		}
		fmt.Printf("%s: %s\n", typed, pattern)
	}
	// Output:
	// Example.COM: example.com
	// *.bücher.example: *.xn--bcher-kva.example
	// https://shop.example.org:8443: https://shop.example.org:8443
	// https://example.com/map: pattern_path, suggestions ["https://example.com"]
	// *: pattern_wildcard_bare, suggestions []
}
